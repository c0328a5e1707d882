from __future__ import annotations

import pytest

from evals.contamination import check_leaks, list_origins, list_trained, note_contamination
from evals.errors import EvalError
from evals.scorecard import Origin
from evals.training_pairs import TrainingPair
from tests.evals.small_sets import APP, hold_out

HELD = [
    hold_out(1, APP, created_at="2025-05-02T10:00:00Z"),
    hold_out(2, APP, created_at="2024-01-31T23:00:00Z"),
    hold_out(3, APP, created_at="", repo="octo/undated"),
]


def pair(repo: str, number: int = 99, day: str = "2023-06-01") -> TrainingPair:
    return TrainingPair(repo, number, "app.py", "+new", "Why?", f"{day}T00:00:00Z" if day else "")


def note(*pairs: TrainingPair, released: str = "") -> list[str]:
    return list(note_contamination(HELD, pairs, released))


def test_origins_are_repositories_and_days() -> None:
    assert list_origins(HELD) == [
        Origin("octo/demo", "2024-01-31", "2025-05-02", 2),
        Origin("octo/undated", "", "", 1),
    ]


def test_a_pull_request_on_both_sides_is_a_leak_whatever_its_case() -> None:
    check_leaks(HELD, [pair("octo/demo", 99), pair("octo/elsewhere", 1)])
    with pytest.raises(EvalError, match="Octo/Demo#1"):
        check_leaks([hold_out(1, APP, repo="Octo/Demo")], [pair("octo/demo", 1)])
    with pytest.raises(EvalError, match="2 held-out pull requests are in the training pairs too, such as octo/demo#1"):
        check_leaks(HELD, [pair("octo/demo", 1), pair("Octo/Demo", 2)])
    with pytest.raises(EvalError) as caught:
        check_leaks(HELD, [pair("Octo/Demo", 2)])
    assert caught.value.what == "1 held-out pull request is in the training pairs too: octo/demo#2."


def test_repositories_of_the_training_pairs() -> None:
    assert list_trained(HELD, [pair("Octo/Demo"), pair("octo/elsewhere")]) == {"octo/demo"}


def test_the_days_are_told_when_nothing_else_is_known() -> None:
    (sentence,) = note_contamination(HELD)
    assert sentence == (
        "The pull requests were made from 2024-01-31 to 2025-05-02. A model whose own training data reach beyond "
        "2024-01-31 may have seen them with their reviews."
    )
    assert "is not known" in next(note_contamination(HELD[2:]))


def test_a_release_date_says_how_many_are_older() -> None:
    (sentence,) = note(released="2025-01-01")
    assert sentence.startswith("2 of 3 pull requests were made before the model came out (2025-01-01")
    assert note(released="2024-01-31")[0].startswith("1 of 3 ")


def test_the_same_repository_in_training_is_told() -> None:
    assert len(note(pair("octo/elsewhere"))) == 1
    before = note(pair("octo/demo"), pair("octo/demo"))[1]
    assert before == (
        "The training pairs hold 2 comments of octo/demo, all from before the first pull request here (2024-01-31): "
        "it knows the repository."
    )
    (after,) = note(pair("Octo/Demo", day="2024-02-01"))[1:]
    assert after.endswith(
        "the last of 2024-02-01, and the first pull request here is of 2024-01-31: their times overlap."
    )
    assert note(pair("octo/undated"))[1].endswith("of days that are not known.")
    assert note(pair("octo/demo", day=""))[1].endswith("of days that are not known.")
