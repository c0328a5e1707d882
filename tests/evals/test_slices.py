from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from evals.location import score_location
from evals.predictions import list_changed, list_hunks
from evals.slices import FEW_GOLD, FEW_PULL_REQUESTS, LANGUAGES, list_parts, note_size, restrict, size_of
from reviewer.file_classes import language_of
from tests.evals.small_sets import APP, MAIN, README, TEST, hold_out, human, ours, predict
from tests.fakes import make_diff

HELD = (
    hold_out(1, APP, TEST, gold=[human("app.py", 5), human("app.py", 30)], title="Fix the loop"),
    hold_out(2, README, title="Explain it"),
    hold_out(3, MAIN, APP, gold=[human("main.go", 20)], title="Rename it", repo="octo/other"),
)


def list_rows(field: str, trained_on: list[str] | None = None) -> dict[str, tuple[int, ...]]:
    return {part.value: part.rows for part in list_parts(HELD, trained_on) if part.field == field}


def test_who_is_in_which_part() -> None:
    assert list_rows("language") == {"python": (0, 2), "go": (2,), "markdown": (1,)}
    assert list_rows("size") == {"small": (0, 1, 2)}
    assert list_rows("kind") == {"bugfix": (0,), "refactor": (2,), "docs": (1,)}
    assert list_rows("code") == {"product": (0, 2), "test": (0,)}


def test_a_repository_is_old_when_the_training_pairs_hold_it() -> None:
    assert list_rows("age") == {}
    assert list_rows("age", []) == {"new": (0, 1, 2)}
    assert list_rows("age", ["octo/other"]) == {"new": (0, 1), "old": (2,)}


def test_languages_with_the_most_comments_come_first_and_rare_ones_together() -> None:
    endings = ["py", "go", "rs", "java", "rb", "kt", "zzz"]
    held = [
        hold_out(
            number,
            *(make_diff(f"a.{ending}", "old", "new") for ending in endings),
            gold=[human(f"a.{ending}", 1) for at, ending in enumerate(endings) if at >= number],
        )
        for number in range(len(endings))
    ]
    values = [part.value for part in list_parts(held) if part.field == "language"]
    assert values == ["kotlin", "ruby", "java", "rust", "go", "other"]
    assert len(values) == LANGUAGES + 1
    other = next(part for part in list_parts(held) if part.value == "other")
    assert other.wants
    assert [ending for ending in endings if other.wants(f"a.{ending}")] == ["py", "zzz"]


def test_a_sample_has_the_files_of_the_whole_set_in_its_parts() -> None:
    endings = ["py", "go", "rs", "java", "rb", "kt"]
    held = [
        hold_out(at, make_diff(f"a.{end}", "old", "new"), make_diff("b.py", "1", "2")) for at, end in enumerate(endings)
    ]
    held += [hold_out(at, make_diff("a.kt", "old", "new"), gold=[human("a.kt", 1)]) for at in range(6, 9)]
    whole = {part.value: part for part in list_parts(held) if part.field == "language"}
    assert "kotlin" in whole
    for sample in (held[2:3], held[:6], held[5:]):
        for part in list_parts(sample, whole=held):
            if part.field == "language":
                other = whole[part.value]
                assert part.wants
                assert other.wants
                paths = [f"a.{end}" for end in endings]
                assert [part.wants(path) for path in paths] == [other.wants(path) for path in paths]
                assert [sample[row].key for row in part.rows] == [
                    held[row].key for row in other.rows if held[row] in sample
                ]


def test_size_counts_added_and_removed_lines() -> None:
    def changed(lines: int) -> str:
        return size_of(hold_out(1, make_diff("a.py", "", "\n".join(map(str, range(lines))))))

    assert [changed(lines) for lines in (1, 10, 11, 100, 101)] == ["small", "small", "medium", "medium", "large"]


def test_a_pull_request_without_hunks_is_small_and_in_no_part_of_a_file() -> None:
    (part, kind) = list_parts([hold_out(1, title="")])
    assert (part.field, part.value, part.rows) == ("size", "small", (0,))
    assert (kind.field, kind.value) == ("kind", "other")


def test_restricting_keeps_files_comments_and_scores_together() -> None:
    held = HELD[0]
    made = predict(held, ours("app.py", 5), ours("tests/test_app.py", 10))
    made = replace(made, hunk_scores=(0.1, 0.2, 0.3), line_scores=tuple(map(float, range(len(list_changed(held))))))
    part, prediction = restrict(held, made, lambda path: path.startswith("tests/"))
    assert [hunk.path for hunk in list_hunks(part)] == ["tests/test_app.py"]
    assert part.gold == ()
    assert [comment.path for comment in prediction.comments] == ["tests/test_app.py"]
    assert prediction.hunk_scores == (0.3,)
    assert prediction.line_scores == (4.0, 5.0)
    assert (part.key, part.complete) == (held.key, held.complete)


def test_a_small_part_says_so() -> None:
    assert note_size(FEW_PULL_REQUESTS, FEW_GOLD) == ""
    expected = "Too small to rely on: 20 human comments on 9 pull requests."
    assert note_size(FEW_PULL_REQUESTS - 1, FEW_GOLD) == expected
    assert note_size(FEW_PULL_REQUESTS, FEW_GOLD - 1)


_places = st.lists(
    st.tuples(st.sampled_from(["app.py", "tests/test_app.py", "main.go"]), st.integers(1, 40)), max_size=6
)


@given(_places, _places)
def test_parts_by_file_add_up_to_the_whole(gold: list[tuple[str, int]], comments: list[tuple[str, int]]) -> None:
    held = hold_out(1, APP, TEST, MAIN, gold=[human(*place) for place in gold])
    prediction = predict(held, *(ours(*place) for place in comments))
    whole = score_location(held, prediction)
    python = score_location(*restrict(held, prediction, lambda path: language_of(path) == "python"))
    go = score_location(*restrict(held, prediction, lambda path: language_of(path) == "go"))
    for column in ("location.gold", "location.predicted", "location.hunk.tp", "location.file.tp", "location.line.tp"):
        assert python[column] + go[column] == whole[column]


@given(st.permutations(HELD))
def test_the_order_of_the_set_changes_no_part(held: list[object]) -> None:
    def name(order: list[object]) -> list[tuple[str, str, frozenset[object]]]:
        return [
            (part.field, part.value, frozenset(order[row].key for row in part.rows))  # type: ignore[attr-defined]
            for part in list_parts(order)  # type: ignore[arg-type]
        ]

    assert name(held) == name(list(HELD))
