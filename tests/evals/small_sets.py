"""Small held-out sets and runs on disk, for tests whose figures are worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from evals.held_out import GoldComment, HeldOut, HeldOutSet, load_held_out, save_held_out
from evals.predictions import Anchors, Predicted, Prediction, Run, RunFolder
from evals.records import encode
from reviewer.domain import Bundle, ModelVersion
from tests.fakes import make_diff, make_pull_request

OLD = "\n".join(f"line {number}" for number in range(1, 41))
"""Forty lines."""


def change(*numbers: int) -> str:
    """OLD with these lines written otherwise: hunks around each, three lines of context."""
    return "\n".join(f"new {number}" if number in numbers else f"line {number}" for number in range(1, 41))


APP = make_diff("app.py", OLD, change(5, 30))
"""Two hunks: lines 2 to 8 and 27 to 33."""
TEST = make_diff("tests/test_app.py", OLD, change(10))
MAIN = make_diff("main.go", OLD, change(20))
README = make_diff("README.md", OLD, change(15))


def human(path: str, line: int, body: str = "Please check the length before the loop.", number: int = 1) -> GoldComment:
    return GoldComment(number, path, "RIGHT", line, None, body)


def ours(path: str, line: int, body: str = "Check the length.", score: float = 0.5) -> Predicted:
    return Predicted(path, "RIGHT", line, None, body, score)


def hold_out(
    number: int,
    *diffs: str,
    gold: Sequence[GoldComment] = (),
    title: str = "Change things",
    repo: str = "octo/demo",
    created_at: str = "2026-03-01T10:00:00Z",
    complete: bool = True,
) -> HeldOut:
    pull_request = make_pull_request(*diffs, number=number, title=title, repo=repo)
    return HeldOut(Bundle(pull_request), tuple(gold), complete, created_at=created_at)


def predict(held: HeldOut, *comments: Predicted, asked: int = 2, unreadable: int = 0) -> Prediction:
    return Prediction(
        *held.key,
        held.digest,
        comments,
        status="reviewed",
        asked=asked,
        unreadable=unreadable,
        anchors=Anchors(exact=len(comments)),
        drops={"duplicate": 1},
        requests=asked,
        prompt_tokens=100,
        completion_tokens=20,
        seconds=1.5,
    )


def write_set(path: Path, held: Iterable[HeldOut], name: str = "demo") -> HeldOutSet:
    save_held_out(path, name, map(encode, held))
    return load_held_out(path)


def write_run(folder: Path, predictions: Iterable[Prediction], candidate: str = "ours", dataset: str = "demo") -> Path:
    run = RunFolder(folder)
    run.start(Run(candidate, "reviewer", ModelVersion("tiny", "1"), dataset, {"max_comments": 3}, "0.1.0"))
    for prediction in predictions:
        run.add(prediction)
    return folder
