"""A run on disk: what a killed run leaves is read, and what is none is refused in words."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.errors import EvalError
from evals.predictions import Anchors, Predicted, Prediction, Run, RunFolder, list_changed, list_hunks
from evals.same_run import name_server
from reviewer.domain import ModelVersion
from tests.evals.places import make_held, make_hunk

RUN = Run("tiny", "reviewer", ModelVersion("tiny", "1"), "demo", {"max_comments": 3, "exclude": []}, "0.1.0")
TEXTS = st.text(st.characters(), max_size=8)
COMMENTS = st.builds(
    Predicted,
    path=TEXTS,
    side=st.sampled_from(["LEFT", "RIGHT"]),
    line=st.integers(1, 9),
    start_line=st.none() | st.integers(1, 9),
    body=TEXTS,
    score=st.floats(0, 2),
    posted=st.booleans(),
    suggestion=st.none() | TEXTS,
)
PREDICTIONS = st.builds(
    Prediction,
    repo=st.just("octo/demo"),
    number=st.integers(1, 5),
    shown=st.just("0123456789abcdef"),
    comments=st.lists(COMMENTS, max_size=2).map(tuple),
    hunk_scores=st.lists(st.floats(-1, 5), max_size=3).map(tuple),
    anchors=st.builds(Anchors, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    drops=st.dictionaries(st.sampled_from(["duplicate", "over-budget"]), st.integers(1, 3)),
    prompt_tokens=st.none() | st.integers(0, 9),
    seconds=st.floats(0, 99),
)


def make(number: int) -> Prediction:
    return Prediction("octo/demo", number, "0123456789abcdef", (Predicted("a.py", "RIGHT", 3, None, "Why?"),))


def start(folder: Path, *predictions: Prediction) -> RunFolder:
    run = RunFolder(folder)
    run.start(RUN)
    for prediction in predictions:
        run.add(prediction)
    return run


@given(st.lists(PREDICTIONS, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, predictions: list[Prediction]) -> None:
    run = start(tmp_path_factory.mktemp("run"), *predictions)
    assert run.load_predictions() == {prediction.key: prediction for prediction in predictions}, "the last one counts"
    assert run.load_run() == RUN


def test_bytes_that_are_no_utf_8_survive(tmp_path: Path) -> None:
    odd = replace(make(1), comments=(Predicted("caf\udce9.py", "RIGHT", 1, None, "a\u2028b\x85c\n"),))
    assert start(tmp_path, odd, make(2)).load_predictions()["octo/demo", 1] == odd


def test_a_kill_in_a_line_costs_one_prediction_at_most(tmp_path: Path) -> None:
    run = start(tmp_path, make(1), make(2))
    whole = run.predictions_file.read_bytes()
    ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
    for size in sorted({*range(0, len(whole), 11), *ends, *(end + 1 for end in ends), len(whole)}):
        run.predictions_file.write_bytes(whole[:size])
        expected = sum(end < size for end in ends[1:])
        assert len(run.load_predictions()) == expected
        assert len(run.start(RUN)) == expected
        run.add(make(3))
        assert set(run.load_predictions()) == {("octo/demo", number) for number in [*range(1, expected + 1), 3]}


def test_a_kill_before_the_first_prediction(tmp_path: Path) -> None:
    run = start(tmp_path)
    run.predictions_file.unlink()
    assert run.load_predictions() == {}
    assert run.start(RUN) == {}
    run.add(make(1))
    assert len(run.load_predictions()) == 1


def test_a_folder_is_of_one_run(tmp_path: Path) -> None:
    run = start(tmp_path, make(1))
    for other in (
        replace(RUN, dataset="else"),
        replace(RUN, settings={}),
        replace(RUN, model=ModelVersion("tiny", "2")),
    ):
        with pytest.raises(EvalError, match="holds a run of 'tiny'"):
            run.start(other)
    assert len(run.load_predictions()) == 1, "and stays as it was"


def test_a_run_is_of_one_server(tmp_path: Path) -> None:
    one, other = (replace(RUN, server=name_server(f"http://gpu-{at}.example/v1")) for at in range(2))
    run = RunFolder(tmp_path)
    run.start(one)
    run.add(make(1))
    with pytest.raises(EvalError, match=r"holds a run of 'tiny' .* at another server"):
        run.start(other)
    assert "example" not in run.run_file.read_text()
    assert (len(one.server), name_server("")) == (4, "")


def test_a_run_is_of_one_pace(tmp_path: Path) -> None:
    """Seconds at another would be of another kind, and run.json names only the first."""
    one, other = (replace(RUN, settings=RUN.settings | {"concurrency": at}) for at in (8, 1))
    run = RunFolder(tmp_path)
    run.start(one)
    run.add(make(1))
    assert len(run.start(one)) == 1
    with pytest.raises(EvalError, match="with a concurrency of 8, not 1: their seconds cannot be compared"):
        run.start(other)


def test_a_run_that_an_older_version_began_goes_on(tmp_path: Path) -> None:
    run = start(tmp_path, make(1))
    values = json.loads(run.run_file.read_text())
    run.run_file.write_text(json.dumps({key: values[key] for key in values.keys() - {"server", "gaps"}}))
    assert len(run.start(replace(RUN, server="12ab", settings=RUN.settings | {"concurrency": 4}))) == 1


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'{"schema":"glossator/held-out/1"}\n', r"is 'glossator/held-out/1', not 'glossator/predictions/1'"),
        (b'{"schema":"glossator/predictions/1"}\n{"repo": 3}\n', r"predictions.jsonl, line 2, cannot be read"),
        (b"\x00\x00\x00\n", r"predictions.jsonl cannot be read"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, content: bytes, what: str) -> None:
    run = start(tmp_path)
    run.predictions_file.write_bytes(content)
    with pytest.raises(EvalError, match=what) as caught:
        run.load_predictions()
    assert caught.value.exit_code == 6
    assert caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"asked": -1},
        {"seconds": -0.5},
        {"seconds": float("inf")},
        {"drops": {"duplicate": -3}},
        {"anchors": {"exact": 10**400}},
        {"unreadable": 10**400},
        {"hunk_scores": [10**400]},
        {"prompt_tokens": -1},
    ],
)
@pytest.mark.parametrize("repo", ["octo/demo", "caf\udce9"])
def test_figures_that_cannot_be_are_refused(tmp_path: Path, changes: dict[str, Any], repo: str) -> None:
    run = start(tmp_path)
    with run.predictions_file.open("a") as file:
        file.write(json.dumps(asdict(make(1)) | {"repo": repo} | changes).replace("Infinity", "1e999") + "\n")
    with pytest.raises(EvalError, match=r"predictions.jsonl, line 2, cannot be read"):
        run.load_predictions()


def test_predictions_that_are_a_folder(tmp_path: Path) -> None:
    run = start(tmp_path)
    run.predictions_file.unlink()
    run.predictions_file.mkdir()
    with pytest.raises(EvalError, match=r"Cannot read .*predictions.jsonl: Is a directory"):
        run.load_predictions()
    with pytest.raises(EvalError, match=r"Cannot read"):
        run.start(RUN)


def test_no_run_at_all(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=r"Cannot read .*run.json: No such file"):
        RunFolder(tmp_path).load_run()


def test_the_order_of_hunks_and_lines_is_the_diffs() -> None:
    one, two = make_hunk("a.py", 1, " -+"), make_hunk("a.py", 50, "+ ")
    three = make_hunk("b.py", 1, "-")
    held = make_held(one, two, three)
    assert list_hunks(held) == [one, two, three]
    assert [(at, hunk.path, line.id) for at, hunk, line in list_changed(held)] == [
        (0, "a.py", "L2"),
        (0, "a.py", "R2"),
        (1, "a.py", "R50"),
        (2, "b.py", "L1"),
    ]
