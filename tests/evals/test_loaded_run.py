from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.errors import EvalError
from evals.held_out import HeldOutSet
from evals.loaded_run import LoadedRun, choose_files, choose_sample, load_run
from evals.predictions import Prediction
from evals.score import score_run
from tests.evals.small_sets import APP, MAIN, hold_out, human, ours, predict, write_run, write_set

HELD = [hold_out(number, APP, gold=[human("app.py", 5)]) for number in range(1, 5)]


@pytest.fixture
def held_out(tmp_path: Path) -> HeldOutSet:
    return write_set(tmp_path / "set.jsonl", HELD)


def test_a_run_is_read_back(tmp_path: Path, held_out: HeldOutSet) -> None:
    predictions = [predict(held, ours("app.py", 5)) for held in HELD]
    run = load_run(write_run(tmp_path / "run", predictions), held_out)
    assert run.run.candidate == "ours"
    assert list(run.predictions.values()) == predictions


def test_a_run_of_another_set_is_refused(tmp_path: Path, held_out: HeldOutSet) -> None:
    other = hold_out(9, APP, repo="octo/else")
    folder = write_run(tmp_path / "run", [predict(HELD[0]), predict(other)], dataset="elsewhere")
    with pytest.raises(EvalError) as caught:
        load_run(folder, held_out)
    assert "is a run of 'elsewhere': it has octo/else#9, which the set 'demo' does not hold" in caught.value.what


def test_a_run_that_was_shown_something_else_is_refused(tmp_path: Path, held_out: HeldOutSet) -> None:
    folder = write_run(tmp_path / "run", [predict(HELD[0]), predict(hold_out(2, MAIN))])
    with pytest.raises(EvalError, match="was shown another octo/demo#2 than 'demo' holds"):
        load_run(folder, held_out)


@pytest.mark.parametrize(
    ("prediction", "what"),
    [
        (replace(predict(HELD[0]), hunk_scores=(0.1,)), "has 1 scores for the 2 hunks of octo/demo#1"),
        (replace(predict(HELD[0]), line_scores=(0.1,) * 5), "has 5 scores for the 4 changed lines of octo/demo#1"),
    ],
)
def test_scores_without_a_place_are_refused(
    tmp_path: Path, held_out: HeldOutSet, prediction: Prediction, what: str
) -> None:
    with pytest.raises(EvalError, match=what):
        load_run(write_run(tmp_path / "run", [prediction]), held_out)


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path, held_out: HeldOutSet) -> None:
    folder = write_run(tmp_path / "run", [predict(held) for held in HELD])
    file = folder / "predictions.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    assert list(load_run(folder, held_out).predictions) == [held.key for held in HELD[:3]]


@pytest.mark.parametrize("content", [b"{}\n", b"not JSON\n", b"", b'{"schema": "glossator/held-out/1"}\n'])
def test_a_foreign_file_is_refused(tmp_path: Path, held_out: HeldOutSet, content: bytes) -> None:
    folder = write_run(tmp_path / "run", [predict(HELD[0])])
    (folder / "predictions.jsonl").write_bytes(content)
    with pytest.raises(EvalError):
        load_run(folder, held_out)
    (folder / "run.json").write_bytes(content)
    with pytest.raises(EvalError, match=r"run\.json"):
        load_run(folder, held_out)


def test_a_folder_without_a_run_is_refused(tmp_path: Path, held_out: HeldOutSet) -> None:
    with pytest.raises(EvalError, match="Cannot read"):
        load_run(tmp_path / "nowhere", held_out)
    with pytest.raises(EvalError, match="has no prediction"):
        load_run(write_run(tmp_path / "run", []), held_out)


def load(folder: Path, held_out: HeldOutSet, *numbers: int, gaps: str = "") -> LoadedRun:
    """A run with predictions of these."""
    run = load_run(write_run(folder, [predict(HELD[number - 1]) for number in numbers]), held_out)
    return replace(run, run=replace(run.run, gaps=gaps))


def test_several_runs_are_scored_on_what_all_have(tmp_path: Path, held_out: HeldOutSet) -> None:
    all_of_them = load(tmp_path / "all", held_out, 1, 2, 3, 4)
    head = load(tmp_path / "head", held_out, 3, 2, 1)

    assert choose_sample(held_out, [all_of_them]).notes == ()
    sample = choose_sample(held_out, [all_of_them, head])
    assert [held.key[1] for held in sample.pull_requests] == [1, 2, 3]
    assert sample.notes == ("Scored on 3 of 4 pull requests of the set: those that all 2 runs have.",)
    sample = choose_sample(held_out, [head], limit=2)
    assert [held.key[1] for held in sample.pull_requests] == [1, 2]
    assert sample.notes == ("Scored on 2 of 4 pull requests of the set: the first 2 of those with a prediction.",)


def test_failures_do_not_choose_the_sample(tmp_path: Path, held_out: HeldOutSet) -> None:
    all_of_them = load(tmp_path / "all", held_out, 1, 2, 3, 4)
    holed = load(tmp_path / "holed", held_out, 1, 4)

    for runs in ([holed], [all_of_them, holed]):
        with pytest.raises(EvalError, match=r"holed has no prediction of octo/demo#2 and 1 more, but of") as caught:
            choose_sample(held_out, runs)
        assert "--allow-holes" in caught.value.hint
    assert len(choose_sample(held_out, [holed], limit=1).pull_requests) == 1, "no hole before the last one"
    sample = choose_sample(held_out, [holed], allow_holes=True)
    assert [held.key[1] for held in sample.pull_requests] == [1, 4]
    assert sample.notes[1] == "ours has no prediction of octo/demo#2 and 1 more: its model may have failed there."
    assert sample.holes == 2
    assert score_run(holed, sample).holes == 2
    assert choose_sample(held_out, [all_of_them]).holes == 0


def test_a_run_may_say_why_it_lacks_some(tmp_path: Path, held_out: HeldOutSet) -> None:
    old = load(tmp_path / "old", held_out, 2, 3, 4, gaps="the set has changed since")
    sample = choose_sample(held_out, [old])
    assert len(sample.pull_requests) == 3
    assert sample.notes[1] == "ours has no prediction of octo/demo#1: the set has changed since."
    assert sample.holes == 0


def test_runs_with_nothing_in_common_are_refused(tmp_path: Path, held_out: HeldOutSet) -> None:
    runs = [load_run(write_run(tmp_path / str(at), [predict(held)]), held_out) for at, held in enumerate(HELD[:2])]
    with pytest.raises(EvalError, match="No pull request was predicted by all of the runs"):
        choose_sample(held_out, runs)


def test_where_scorecards_go(tmp_path: Path, held_out: HeldOutSet) -> None:
    names = ["ours", "../../we", "ours"]
    one, other, same = (
        load_run(write_run(tmp_path / str(at), [predict(HELD[0])], candidate), held_out)
        for at, candidate in enumerate(names)
    )
    out = tmp_path / "out"
    assert choose_files([one, other], None) == [tmp_path / "0/scorecard.json", tmp_path / "1/scorecard.json"]
    assert choose_files([one], out / "card.json") == [out / "card.json"]
    assert choose_files([one, other], out) == [out / "ours.json", out / "-..-we.json"]
    for runs, where in (([one, same], out), ([one, one], None), ([one, other], out / "card.json")):
        with pytest.raises(EvalError, match="Two scorecards would go to"):
            choose_files(runs, where)
