"""Who goes to which split: by repository, by time, by both, and what stays out."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewer.errors import UsageError
from tests.training.small_project import SmallProject, write_code, write_remark
from training.aligned import Aligned, AlignedComment, Anchor
from training.filtered import Filtered, FilteredComment
from training.records import read_records
from training.snapshot import Key, Snapshot, SnapshotComment
from training.split import (
    Cuts,
    SplitParams,
    check_params,
    choose_by_time,
    choose_repositories,
    draw_split,
    find_span,
    join_families,
    list_unknown,
    parse_time,
)
from training.split_facts import find_facts
from training.split_run import load_summary, split_snapshots
from training.splits import SPLITS_SCHEMA, Assigned, OutReason, SplitSummary
from training.stage import Told

CUTS = Cuts("2024-01-01", "2024-07-01")


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return SmallProject(tmp_path)


def run(project: SmallProject, **params: object) -> tuple[dict[Key, Assigned], SplitSummary]:
    project.save()
    aligned, filtered, splits = (project.folder / name for name in ("aligned", "filtered", "splits"))
    chosen = SplitParams(**params)  # type: ignore[arg-type] # each test says what it needs
    summary = split_snapshots(project.store, aligned, filtered, splits, chosen, Told(), jobs=1)
    records = [raw.read() for raw in read_records(splits, SPLITS_SCHEMA, Assigned)]
    return {(record.repo, record.number): record for record in records}, summary


def splits_of(records: dict[Key, Assigned]) -> dict[str, str]:
    return {f"{repo}#{number}": record.split or str(record.reason) for (repo, number), record in records.items()}


@given(st.text(max_size=30), st.integers(0, 3))
def test_a_repository_stays_where_it_is_when_test_grows_less_than_to_it(repo: str, seed: int) -> None:
    drawn = draw_split(repo, SplitParams(seed=seed, validation_share=0.2, test_share=0.2))
    wider = draw_split(repo, SplitParams(seed=seed, validation_share=0.1, test_share=0.3))
    assert drawn == draw_split(repo.lower(), SplitParams(seed=seed, validation_share=0.2, test_share=0.2))
    assert wider == "test" or drawn != "test"


def test_the_shares_come_out_over_many_repositories() -> None:
    drawn = [
        draw_split(f"octo/demo-{number}", SplitParams(validation_share=0.2, test_share=0.1)) for number in range(4000)
    ]
    assert abs(drawn.count("test") / 4000 - 0.1) < 0.02
    assert abs(drawn.count("validation") / 4000 - 0.2) < 0.02
    assert draw_split("octo/demo", SplitParams()) == "train"
    assert any(draw_split("octo/demo", SplitParams(seed=seed)) != "train" for seed in range(40))


@pytest.mark.parametrize(
    ("span", "split"),
    [
        (("2023-01-01T00:00:00Z", "2023-12-31T23:59:59Z"), "train"),
        (("2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"), OutReason.STRADDLES),
        (("2024-01-01T00:00:00Z", "2024-06-30T23:59:59Z"), "validation"),
        (("2024-01-01T00:00:00Z", "2024-07-01T00:00:00Z"), OutReason.STRADDLES),
        (("2024-07-01T00:00:00Z", "2026-01-01T00:00:00Z"), "test"),
        (("2023-07-01T00:00:00Z", "2026-01-01T00:00:00Z"), OutReason.STRADDLES),
        (("", ""), OutReason.NO_TIME),
    ],
)
def test_time_puts_what_wholly_lies_on_one_side_of_the_cuts(span: tuple[str, str], split: str) -> None:
    assert choose_by_time(span, CUTS) == split


def test_times_of_all_zones_sort_as_text() -> None:
    assert parse_time("2024-01-01T01:30:00+02:00") == "2023-12-31T23:30:00Z"
    assert parse_time("2024-01-01T01:30:00Z") == parse_time("2024-01-01T01:30:00") == "2024-01-01T01:30:00Z"
    assert parse_time("yesterday") == parse_time("") == parse_time("9999-12-31T23:59:59-10:00") == ""


def test_a_pull_request_lasts_to_its_last_comment() -> None:
    comments = tuple(SnapshotComment(at, "a", "b", f"2024-0{at}-01T00:00:00Z") for at in (3, 9, 5))
    snapshot = Snapshot(
        "o/d", 1, created_at="2024-02-01T00:00:00Z", merged_at="2024-04-01T00:00:00Z", comments=comments
    )
    assert find_span(snapshot) == ("2024-02-01T00:00:00Z", "2024-09-01T00:00:00Z")
    assert find_span(Snapshot("o/d", 1)) == ("", "")


def test_no_repository_is_in_two_splits(project: SmallProject) -> None:
    for name in range(12):
        for number in (1, 2):
            project.add(f"octo/demo-{name}", number)
    records, summary = run(project, validation_share=0.3, test_share=0.3)
    sides = {
        record.repo: {other.split for other in records.values() if other.repo == record.repo}
        for record in records.values()
    }
    assert all(len(side) == 1 for side in sides.values())
    assert {"train", "validation", "test"} == {record.split for record in records.values()}
    assert sum(count.pull_requests for count in summary.splits.values()) == 24
    assert load_summary(project.folder / "splits") == summary


def test_named_repositories_go_where_they_are_named_for(project: SmallProject) -> None:
    for name in ("a/train", "b/validation", "c/test"):
        project.add(name, 1)
    records, _ = run(
        project,
        train_repositories=("a/train",),
        validation_repositories=("b/validation",),
        test_repositories=("c/test",),
    )
    assert splits_of(records) == {"a/train#1": "train", "b/validation#1": "validation", "c/test#1": "test"}


def test_a_renamed_repository_counts_as_one_and_its_pull_request_once(project: SmallProject) -> None:
    project.add("new/name", 7, comment_id=70, head_sha="a" * 40)
    project.add("new/name", 8)
    project.add("old/name", 7, comment_id=70, head_sha="a" * 40)
    project.add("old/name", 9)
    records, _ = run(project, test_repositories=("old/name",))
    assert splits_of(records) == {
        "new/name#7": "test",
        "new/name#8": "test",
        "old/name#7": "same-pull-request",
        "old/name#9": "test",
    }


def test_names_of_one_repository_cannot_be_pinned_to_two_splits(project: SmallProject) -> None:
    project.add("new/name", 7, head_sha="a" * 40)
    project.add("old/name", 7, head_sha="a" * 40)
    with pytest.raises(UsageError, match=r"new/name \(train\), old/name \(test\)"):
        run(project, train_repositories=("new/name",), test_repositories=("old/name",))


def test_a_split_says_of_which_state_of_its_snapshot_it_is(project: SmallProject) -> None:
    project.add("a/one", 1)
    records, _ = run(project)
    digest = hashlib.sha256(project.store.path(("a/one", 1)).read_bytes()).hexdigest()[:16]
    assert records["a/one", 1].snapshot == digest


def test_a_family_goes_to_one_split(project: SmallProject) -> None:
    project.add("a/origin", 1)
    project.add("b/fork", 1)
    project.add("c/fork-of-fork", 1)
    families = (("c/fork-of-fork", "b/fork"), ("a/origin", "b/fork"))
    records, _ = run(project, families=families, validation_repositories=("b/fork",))
    assert {record.split for record in records.values()} == {"validation"}


def test_names_count_without_their_case() -> None:
    params = SplitParams(
        validation_share=0, test_share=0, test_repositories=("octo/demo",), families=(("Octo/DEMO", "a/Fork"),)
    )
    chosen = choose_repositories(["Octo/Demo", "octo/demo", "A/fork", "b/other"], (), params)
    assert chosen == {"Octo/Demo": "test", "octo/demo": "test", "A/fork": "test", "b/other": "train"}
    with pytest.raises(UsageError, match=r"Octo/Demo is named for two splits"):
        check_params(SplitParams(train_repositories=("Octo/Demo",), test_repositories=("octo/demo",)))


def test_a_family_counts_whole_though_the_data_lacks_some_of_it() -> None:
    params = SplitParams(test_repositories=("b/gone",), families=(("a/one", "b/gone", "c/two"),))
    assert choose_repositories(["a/one", "c/two"], (), params) == {"a/one": "test", "c/two": "test"}


def test_names_that_are_not_in_the_data_are_told(project: SmallProject) -> None:
    project.add("Octo/Demo", 1)
    project.save()
    params = SplitParams(train_repositories=("octo/demo", "octo/dmo"), families=(("x/y", "octo/dmo"),))
    told = Told()
    folders = [project.folder / name for name in ("aligned", "filtered", "splits")]
    split_snapshots(project.store, folders[0], folders[1], folders[2], params, told, jobs=1)
    assert told.problems == [
        "The section split of params.yaml names octo/dmo, which is not in the data. Did you mean Octo/Demo?",
        "The section split of params.yaml names x/y, which is not in the data.",
    ]
    assert list_unknown(["octo/DMO", "X/y", "octo/demo"], params) == []


@pytest.mark.parametrize(
    "shares", [(float("nan"), 0.1), (0.1, float("nan")), (float("inf"), 0), (-0.1, 0.2), (0.5, 0.5), (0.2, -0.1)]
)
def test_shares_leave_something_for_train(shares: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="must be at least 0 and leave something for train"):
        check_params(SplitParams(validation_share=shares[0], test_share=shares[1]))


def test_families_join_through_chains() -> None:
    assert join_families(["d", "c", "b", "a"], [("a", "d"), ("c", "b"), ("x", "a"), ("d", "a")]) == [
        ["a", "d"],
        ["b", "c"],
    ]


def test_what_may_not_be_used_is_in_no_split_and_leaves_nobody_out(project: SmallProject) -> None:
    project.add("a/free", 1, head_sha="a" * 40, code=write_code("shared"))
    project.add("b/test", 1, head_sha="a" * 40, code=write_code("shared"), license="")
    records, summary = run(project, train_repositories=("a/free",), test_repositories=("b/test",))
    assert splits_of(records) == {"a/free#1": "train", "b/test#1": "license"}
    assert records["a/free", 1].left_out_hunks == ()
    assert summary.out == {"license": 1}


def test_of_two_numbers_with_one_head_commit_the_later_split_keeps_it(project: SmallProject) -> None:
    project.add("octo/demo", 1, "2023-01-01T00:00:00Z", head_sha="a" * 40)
    project.add("octo/demo", 2, "2024-08-01T00:00:00Z", head_sha="a" * 40)
    records, summary = run(project, method="time", validation_from=date(2024, 1, 1), test_from=date(2024, 7, 1))
    assert splits_of(records) == {"octo/demo#1": "same-pull-request", "octo/demo#2": "test"}
    assert summary.out == {"same-pull-request": 1}


def test_by_time_what_straddles_a_cut_stays_out(project: SmallProject) -> None:
    project.add("octo/demo", 1, "2023-01-01T00:00:00Z")
    project.add("octo/demo", 2, "2023-12-30T00:00:00Z", said_at="2024-01-02T00:00:00Z")
    project.add("octo/demo", 3, "2024-02-01T00:00:00Z")
    project.add("octo/demo", 4, "2024-08-01T00:00:00Z")
    project.add("octo/demo", 5, "")
    records, summary = run(project, method="time", validation_from=date(2024, 1, 1), test_from=date(2024, 7, 1))
    assert list(splits_of(records).values()) == ["train", "straddles-a-cut", "validation", "test", "no-time"]
    assert summary.out == {"no-time": 1, "straddles-a-cut": 1}


def test_without_cuts_the_newest_pull_requests_make_up_the_shares(project: SmallProject) -> None:
    for number in range(1, 21):
        project.add("octo/demo", number, f"2024-03-{number:02}T10:00:00Z")
    records, summary = run(project, method="time", validation_share=0.2, test_share=0.1)
    assert [record.split for record in records.values()] == ["train"] * 14 + ["validation"] * 4 + ["test"] * 2
    assert (summary.validation_from, summary.test_from) == ("2024-03-15", "2024-03-19")


def test_a_share_of_nothing_holds_nothing(project: SmallProject) -> None:
    for number in range(1, 5):
        project.add("octo/demo", number, f"2024-03-{number:02}T10:00:00Z")
    records, summary = run(project, method="time", validation_share=0.25, test_share=0)
    assert [record.split for record in records.values()] == ["train"] * 3 + ["validation"]
    assert summary.splits["test"].pull_requests == 0


def test_by_both_only_unseen_repositories_and_a_later_time_make_a_test(project: SmallProject) -> None:
    for repo in ("a/train", "c/test"):
        project.add(repo, 1, "2023-01-01T00:00:00Z")
        project.add(repo, 2, "2024-08-01T00:00:00Z")
    records, _ = run(
        project,
        method="both",
        train_repositories=("a/train",),
        test_repositories=("c/test",),
        validation_from=date(2024, 7, 1),
        test_from=date(2024, 7, 1),
    )
    disagree = "time-and-repository-disagree"
    assert splits_of(records) == {"a/train#1": "train", "a/train#2": disagree, "c/test#1": disagree, "c/test#2": "test"}


def test_train_gives_up_what_nearly_stands_in_a_later_split(project: SmallProject) -> None:
    code, remark = write_code("shared", 12), write_remark("shared")
    project.add("a/train", 1, code=[*code[:-1], "other = 1"])
    project.add("a/train", 2, remark=remark.upper() + "!")
    project.add("a/train", 3)
    project.add("b/validation", 1, code=[*code, "more = 2"])
    project.add("c/test", 1, code=code, remark=remark)
    records, summary = run(
        project,
        train_repositories=("a/train",),
        validation_repositories=("b/validation",),
        test_repositories=("c/test",),
    )
    assert [len(record.left_out_hunks) for record in records.values()] == [1, 0, 0, 1, 0]
    assert [record.left_out_comments for record in records.values()] == [(), (2000,), (), (), ()]
    assert (summary.splits["train"].hunks, summary.splits["train"].left_out_hunks) == (2, 1)
    assert summary.splits["test"].left_out_hunks == summary.splits["test"].left_out_comments == 0


def test_what_a_chat_would_say_counts_too(project: SmallProject) -> None:
    """Two comments of other texts, of which the chats show the same words: without suggestion, without what is cut."""
    said = write_remark("shared")
    for name in ("a/train", "c/test"):
        code = write_code(name, 12)
        project.add(name, 1, remark="\n".join([said, "", "```suggestion", *code, "```"]))
        project.add(name, 2, remark=f"{write_remark('other')}\n\nThat is so as {' and '.join(code)}")
    records, summary = run(project, train_repositories=("a/train",), test_repositories=("c/test",))
    assert [record.left_out_comments for record in records.values()] == [(1000,), (2000,), (), ()]
    assert (summary.splits["train"].comments, summary.splits["train"].left_out_comments) == (0, 2)
    assert summary.splits["test"].comments == 2


def test_what_a_chat_would_show_of_long_lines_counts_too(project: SmallProject) -> None:
    """Their ends differ, which the chats cut off."""
    begin = "data = " + " ".join(write_code("shared", 13))
    for name in ("a/train", "c/test"):
        project.add(name, 1, code=[begin + " ".join(write_code(name, 30))])
    records, _ = run(project, train_repositories=("a/train",), test_repositories=("c/test",))
    assert [len(record.left_out_hunks) for record in records.values()] == [1, 0]


def test_where_a_piece_stands_twice_the_comments_of_either_copy_count() -> None:
    """The copy with more comments is shown; should these be left out, the other one is."""
    code = write_code("shared", 3)
    hunks = "".join(f"@@ -{at},0 +{at},3 @@ def main():\n" + "".join(f"+{line}\n" for line in code) for at in (1, 101))
    diff = f"diff --git a/src/main.py b/src/main.py\n--- a/src/main.py\n+++ b/src/main.py\n{hunks}"
    comments, places = [], []
    for at, line in ((1, 1), (2, 101), (3, 103)):
        comments.append(SnapshotComment(at, "src/main.py", write_remark(str(at)), "", "user-reviewer", "User"))
        anchor = Anchor("src/main.py", "RIGHT", line, None, "+", code[(line - 1) % 100])
        places.append(AlignedComment(at, at, "exact", "", anchor, anchor))
    snapshot = Snapshot("a/train", 1, diff=diff, comments=tuple(comments), license="MIT")
    kept = tuple(FilteredComment(comment.id, body=comment.body, quality=0.5) for comment in comments)
    facts = find_facts(snapshot, Aligned("a/train", 1, tuple(places)), Filtered("a/train", 1, kept))
    assert {unit.id for unit in facts.units if unit.kind == "comment"} == {"1", "2", "3"}


def test_what_validation_gives_up_costs_train_nothing(project: SmallProject) -> None:
    chain = write_code("chain", 40)
    project.add("a/train", 1, code=chain[10:])
    project.add("b/validation", 1, code=chain[5:35])
    project.add("c/test", 1, code=chain[:30])
    records, _ = run(
        project,
        train_repositories=("a/train",),
        validation_repositories=("b/validation",),
        test_repositories=("c/test",),
    )
    assert [len(record.left_out_hunks) for record in records.values()] == [0, 1, 0]


def test_the_same_input_gives_the_same_bytes(project: SmallProject, tmp_path: Path) -> None:
    for name in range(6):
        project.add(f"octo/demo-{name}", 1)
    files = []
    project.save()
    aligned, filtered = project.folder / "aligned", project.folder / "filtered"
    for jobs in (1, 2):
        splits = tmp_path / f"splits-{jobs}"
        split_snapshots(project.store, aligned, filtered, splits, SplitParams(test_share=0.4), Told(), jobs=jobs)
        files.append({path.name: path.read_bytes() for path in sorted(splits.iterdir())})
    assert files[0] == files[1]
    assert sorted(files[0]) == ["part-1-of-1.jsonl", "summary.json"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (SplitParams(test_share=0.9, validation_share=0.2), "shares"),
        (SplitParams(test_share=-0.1), "shares"),
        (SplitParams(similarity=0), "similarity"),
        (SplitParams(validation_from=date(2024, 2, 1), test_from=date(2024, 1, 1)), "after test_from"),
        (SplitParams(train_repositories=("a/b",), test_repositories=("a/b",)), "a/b is named for two"),
        (SplitParams(method="time", test_repositories=("a/b",)), "does not look at them"),
    ],
)
def test_parameters_that_contradict_themselves_are_refused(params: SplitParams, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_params(params)
