"""What the champion did when it was last good: kept until there is a reason, brought back for each comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.cli import main
from evals.decided import GATE_SCHEMA, Check, Decided
from evals.errors import EvalError
from evals.held_out import HeldOut, HeldOutSet
from evals.last_good import Choice, decide_keep, keep, load_kept, recall
from evals.loaded_run import choose_sample, load_run
from evals.predictions import RunFolder
from tests.evals.small_sets import APP, MAIN, README, hold_out, ours, predict, write_run, write_set

SAMPLE = Check("sample", "passed", "Enough.")
WORSE = Check("guard", "failed", "F1 fell.")
SAME = Check("guard", "passed", "F1 stayed.")
BETTER = Check("improvement", "passed", "AP rose.")


def decided(*checks: Check, verdict: Any = "hold") -> Decided:
    return Decided(verdict, "reviewer-7", "reviewer-7", "demo", "0", 3, (SAMPLE, *checks))


@pytest.fixture
def held() -> list[HeldOut]:
    return [hold_out(1, APP), hold_out(2, MAIN), hold_out(3, README)]


@pytest.fixture
def kept(tmp_path: Path, held: list[HeldOut]) -> RunFolder:
    predictions = [predict(one, ours("app.py", 5)) for one in held]
    return RunFolder(write_run(tmp_path / "kept", predictions, candidate="reviewer-7"))


@pytest.fixture
def demo(tmp_path: Path, held: list[HeldOut]) -> HeldOutSet:
    return write_set(tmp_path / "set.jsonl", held)


def test_the_first_night_is_kept(tmp_path: Path, demo: HeldOutSet, kept: RunFolder) -> None:
    nothing = RunFolder(tmp_path / "new")

    assert recall(load_kept(nothing), demo, RunFolder(tmp_path / "out")) == ""
    assert not (tmp_path / "out").exists()
    choice = decide_keep(load_kept(nothing), demo, None, accept=False)
    assert choice.say() == "Tonight's run is the last good one from now on: there was none before."
    keep(kept, nothing)
    assert nothing.load_run() == kept.load_run()
    assert nothing.load_predictions() == kept.load_predictions()


def test_it_comes_back_under_another_name(tmp_path: Path, demo: HeldOutSet, kept: RunFolder) -> None:
    out = RunFolder(tmp_path / "out")

    assert len(recall(load_kept(kept), demo, out)) == 16
    assert out.load_run().candidate == "reviewer-7 when last good"
    assert out.load_predictions() == kept.load_predictions()


def test_only_what_the_set_shows_as_before_comes_back(tmp_path: Path, kept: RunFolder) -> None:
    """One is gone, one has another title, one is new."""
    changed = [hold_out(4, APP), hold_out(2, MAIN, title="Another title"), hold_out(1, APP)]
    out, tonight = RunFolder(tmp_path / "out"), write_set(tmp_path / "changed.jsonl", changed)

    assert recall(load_kept(kept), tonight, out)
    assert list(out.load_predictions()) == [("octo/demo", 1)]
    assert len(choose_sample(tonight, [load_run(out.folder, tonight)]).pull_requests) == 1, "these are no failures"
    assert (
        recall(load_kept(kept), write_set(tmp_path / "other.jsonl", [hold_out(9, APP)]), RunFolder(tmp_path / "none"))
        == ""
    )


@pytest.mark.parametrize(("decision", "taken", "why"), [
    (decided(SAME), False, "tonight's is not significantly better."),
    (decided(WORSE), False, "tonight's is worse."),
    (decided(WORSE, verdict="inconclusive"), False, "tonight's is worse."),
    (decided(SAME, BETTER, verdict="promote"), True, "it is significantly better."),
    (decided(SAME, BETTER, verdict="inconclusive"), True, "it is significantly better."),  # no baseline is given
    (decided(WORSE, BETTER), False, "tonight's is worse."),
    (decided(SAME, Check("cheaper", "passed", "Less.")), False, "tonight's is not significantly better."),
    (decided(SAME, Check("pairs", "unclear", "None.")), False, "tonight's is not significantly better."),
    (decided(Check("sample", "unclear", "Too few."), verdict="inconclusive"), False, "there is too little to compare."),
    (None, False, "there is too little to compare."),
])  # fmt: skip
def test_when_tonights_takes_its_place(
    decision: Decided | None, taken: bool, why: str, demo: HeldOutSet, kept: RunFolder
) -> None:
    choice = decide_keep(load_kept(kept), demo, decision, accept=False)

    assert (choice.taken, choice.why) == (taken, why)
    assert decide_keep(load_kept(kept), demo, decision, accept=True).why == "it was accepted by hand."


@pytest.mark.parametrize(("check", "taken"), [(SAME, True), (WORSE, False)])
def test_another_set_takes_its_place_unless_it_hides_a_loss(
    check: Check, taken: bool, tmp_path: Path, held: list[HeldOut], kept: RunFolder
) -> None:
    for name, changed in (("more", [*held, hold_out(4, APP)]), ("fewer", held[:2])):
        other = write_set(tmp_path / f"{name}.jsonl", changed)
        assert decide_keep(load_kept(kept), other, decided(check), accept=False).taken == taken


def test_another_set_altogether(tmp_path: Path, kept: RunFolder) -> None:
    choice = decide_keep(load_kept(kept), write_set(tmp_path / "other.jsonl", [hold_out(9, APP)]), None, accept=False)

    assert (choice.taken, choice.why) == (True, "the set has no pull request of before.")


@pytest.mark.parametrize("name", ["run.json", "predictions.jsonl"])
def test_what_was_kept_and_cannot_be_read_counts_as_none(
    name: str, tmp_path: Path, demo: HeldOutSet, kept: RunFolder
) -> None:
    (kept.folder / name).write_bytes(b"\x00\n")
    damaged = load_kept(kept)
    assert name in damaged.problem
    assert recall(damaged, demo, RunFolder(tmp_path / "out")) == ""
    assert decide_keep(damaged, demo, None, accept=False) == Choice(taken=True, why="what was kept cannot be read.")
    assert decide_keep(damaged, demo, None, accept=True).why == "it was accepted by hand."
    (kept.folder / name).unlink()
    (kept.folder / name).mkdir()
    assert name in load_kept(kept).problem


def test_a_run_that_is_not_there_is_named(tmp_path: Path, kept: RunFolder) -> None:
    with pytest.raises(EvalError, match=r"Cannot read .*nothere"):
        keep(RunFolder(tmp_path / "nothere"), kept)
    assert load_kept(kept).predictions, "and what was kept stays"


def test_the_command(
    tmp_path: Path,
    demo: HeldOutSet,
    kept: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    def run(*words: str | Path) -> int:
        place = ["--held-out", tmp_path / "set.jsonl", "--folder", tmp_path / "last-good"]
        monkeypatch.setattr("sys.argv", ["glossator-eval", "last-good", *map(str, [*place, *words])])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    assert run("--recall", tmp_path / "first") == 0
    assert capsys.readouterr().out == "\n"
    assert run("--keep", kept.folder) == 0
    assert run("--recall", tmp_path / "second") == 0
    assert len(capsys.readouterr().out.strip()) == 16
    decision = tmp_path / "gate.json"
    worse = {"part": "guard", "metric": "x", "result": "failed", "words": "F1 fell."}
    plain = {"schema": GATE_SCHEMA, "verdict": "hold", "challenger": "reviewer-7", "champion": "reviewer-7"}
    decision.write_text(
        json.dumps({**plain, "dataset": "demo", "revision": "0", "pull_requests": 3, "checks": [worse]}), "utf-8"
    )
    assert run("--keep", kept.folder, "--decision", decision) == 0
    assert capsys.readouterr().err == "The last good run stays: tonight's is worse.\n"
    assert run() == run("--keep", kept.folder, "--recall", tmp_path / "x") == 2
    capsys.readouterr()
    (tmp_path / "last-good" / "run.json").write_text("cut sh")
    assert run("--recall", tmp_path / "third") == 0
    assert capsys.readouterr().err.startswith("Warning: there is no last good run any more. ")
    assert run("--keep", kept.folder, "--accept") == 0
    text = summary.read_text("utf-8")
    assert text.startswith("### The champion is watched from now on\n\nTonight's run is the last good one from now on")
    assert "### The champion `reviewer-7` is worse than when it was last good\n\n- 🔻 F1 fell.\n\nThe last" in text
