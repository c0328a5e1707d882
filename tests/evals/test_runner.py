"""A run is whole in the end, whatever stopped it on the way."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from evals.errors import EvalError
from evals.held_out import HeldOut, HeldOutSet
from evals.predictions import Prediction, Run, RunFolder
from evals.run import NO_MODEL
from evals.run_progress import RunProgress, render_duration
from evals.runner import run_candidate
from reviewer.cli import STOPPED
from reviewer.errors import ModelError, ModelRefused, ModelUnavailable
from tests.command import ROOT, clean_environment
from tests.evals.small_sets import APP, MAIN, hold_out, ours, predict, write_set
from tests.model_server import ModelServer
from tests.model_server.models import careful_model

DOWN = ModelUnavailable("The endpoint does not answer.", "Start it.")
HELD = tuple(hold_out(number, APP) for number in range(1, 7))
SET = HeldOutSet("demo", HELD)


class Scripted:
    """A candidate that fails as often as the script says, by the pull request's number."""

    run = Run("scripted", "baseline", NO_MODEL, "demo")

    def __init__(self, **failures: list[ModelError]) -> None:
        self.failures = {int(name.removeprefix("n")): deque(errors) for name, errors in failures.items()}
        self.asked: list[int] = []

    async def predict(self, held: HeldOut) -> Prediction:
        number = held.key[1]
        self.asked.append(number)
        if self.failures.get(number):
            raise self.failures[number].popleft()
        return predict(held, ours("app.py", 5))


def go(folder: Path, candidate: Scripted, held_out: HeldOutSet = SET) -> dict[Any, Prediction]:
    return asyncio.run(run_candidate(held_out, candidate, RunFolder(folder)))


def numbers(folder: Path) -> list[int]:
    return [number for _, number in RunFolder(folder).load_predictions()]


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    first = go(tmp_path, Scripted(), HeldOutSet("demo", HELD[:4]))
    again = Scripted()
    second = go(tmp_path, again)
    assert again.asked == [5, 6]
    assert list(second) == [held.key for held in HELD]
    assert {key: second[key] for key in first} == first
    assert RunFolder(tmp_path).load_predictions() == second


def test_a_pull_request_that_shows_something_else_is_done_again(tmp_path: Path) -> None:
    go(tmp_path, Scripted())
    changed = HeldOutSet("demo", (hold_out(1, MAIN), *HELD[1:]))
    again = Scripted()
    found = go(tmp_path, again, changed)
    assert again.asked == [1]
    assert found["octo/demo", 1].shown == changed.pull_requests[0].digest
    assert RunFolder(tmp_path).load_predictions()["octo/demo", 1] == found["octo/demo", 1]


def test_a_model_that_is_away_for_a_moment_costs_nothing(tmp_path: Path) -> None:
    candidate = Scripted(n2=[DOWN], n5=[DOWN])
    found = go(tmp_path, candidate)
    assert list(found) == [held.key for held in HELD], "in the order of the set"
    assert candidate.asked == [1, 2, 3, 4, 5, 6, 2, 5]
    assert numbers(tmp_path) == [1, 3, 4, 6, 2, 5]


def test_a_pull_request_that_the_model_fails_on_has_no_prediction(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        go(tmp_path, Scripted(n3=[DOWN, DOWN]))
    assert "failed on 1 pull request; 5 have their predictions. The endpoint does not" in caught.value.what
    assert caught.value.hint.startswith("Start it.")
    assert caught.value.exit_code == 4
    assert numbers(tmp_path) == [1, 2, 4, 5, 6]
    again = Scripted()
    go(tmp_path, again)
    assert again.asked == [3]


def test_a_model_that_is_gone_is_not_asked_for_ever(tmp_path: Path) -> None:
    candidate = Scripted(n2=[DOWN], n3=[DOWN], n4=[ModelRefused("401")])
    with pytest.raises(ModelRefused, match=r"failed on 3 pull requests; 1 has its prediction\. 401"):
        go(tmp_path, candidate)
    assert candidate.asked == [1, 2, 3, 4]
    assert numbers(tmp_path) == [1]


def test_another_candidate_does_not_go_on(tmp_path: Path) -> None:
    go(tmp_path, Scripted())
    other = Scripted()
    other.run = Run("other", "baseline", NO_MODEL, "demo")
    with pytest.raises(EvalError, match="holds a run of 'scripted'"):
        go(tmp_path, other)
    assert other.asked == []


def test_one_run_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    again = Scripted()

    class Meets(Scripted):
        async def predict(self, held: HeldOut) -> Prediction:
            with pytest.raises(EvalError, match="Another run is writing to"):
                await run_candidate(SET, again, RunFolder(tmp_path))
            return await super().predict(held)

    assert len(go(tmp_path, Meets())) == 6
    assert again.asked == []
    go(tmp_path, again)
    assert len(RunFolder(tmp_path).predictions_file.read_bytes().splitlines()) == 1 + 6, "each once"


def test_a_full_disk_stops_the_run_and_it_goes_on_later(tmp_path: Path) -> None:
    file, kept = RunFolder(tmp_path).predictions_file, tmp_path / "kept"

    class FillsTheDisk(Scripted):
        async def predict(self, held: HeldOut) -> Prediction:
            if held.key[1] == 3:
                file.rename(kept)
                file.symlink_to("/dev/full")
            return await super().predict(held)

    with pytest.raises(EvalError, match=r"Cannot write .*predictions.jsonl: No space left"):
        go(tmp_path, FillsTheDisk())
    kept.replace(file)
    again = Scripted()
    assert len(go(tmp_path, again)) == 6
    assert again.asked == [3, 4, 5, 6]


def test_a_folder_that_cannot_be_written_is_refused_before_the_model_works(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    candidate = Scripted()
    with pytest.raises(EvalError, match="Cannot write"):
        go(tmp_path / "run", candidate)
    assert candidate.asked == []


def slow_model(body: dict[str, Any]) -> str:
    time.sleep(0.05)
    return careful_model(body)


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    held = write_set(tmp_path / "set.jsonl", [hold_out(number, APP) for number in range(1, 41)])
    out = tmp_path / "run"

    def start(url: str) -> subprocess.Popen[str]:
        words = ["run", "--held-out", tmp_path / "set.jsonl", "--out", out, "--endpoint-url", url, "--concurrency", "1"]
        return subprocess.Popen(
            [sys.executable, "-m", "evals", *map(str, words)],
            cwd=ROOT,
            env=clean_environment(),
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(count: int) -> None:
        for _ in range(2000):
            if (out / "predictions.jsonl").exists() and len(numbers(out)) >= count:
                return
            time.sleep(0.01)
        pytest.fail("the run does not go on")

    with ModelServer(slow_model) as server:
        with start(server.url) as run:
            wait_for(2)
            run.kill()
        kept = len(numbers(out))
        with (out / "predictions.jsonl").open("ab") as file:
            file.write(b'{"repo": "octo/demo", "num')  # what a kill in the middle of a line leaves
        with start(server.url) as run:
            wait_for(kept + 2)  # so it has started, and a signal finds who takes it
            run.send_signal(signal.SIGINT)
            said = run.communicate(timeout=20)[1]
        assert run.returncode == STOPPED
        assert said.splitlines()[-1] == "Stopped."
        with start(server.url) as run:
            said = run.communicate(timeout=20)[1]
    assert run.returncode == 0, said
    assert "of 40 pull requests had been done before." in said
    found = RunFolder(out).load_predictions()
    assert sorted(found) == sorted(held.key for held in held.pull_requests)
    lines = (out / "predictions.jsonl").read_bytes().splitlines()
    assert len(lines) == 1 + 40, "each once"
    asked = [exchanged.body["messages"][1]["content"] for exchanged in server.posts]
    asked = [prompt for prompt in asked if "rain" not in prompt]
    assert len(asked) <= 40 * 2 + 2, "at most the answer that was on its way is asked for again, at each stop"


def test_progress_says_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    progress = RunProgress(clock=lambda: now)
    progress.start(10, 13)
    now = 60.0
    progress.add(predict(HELD[0], ours("app.py", 5)))
    progress.fail(HELD[1], ModelUnavailable("It is\x1b[31m gone."))
    now = 90.0
    progress.finish("tiny\n\x1b[2J")
    assert capsys.readouterr().err.splitlines() == [
        "10 of 13 pull requests had been done before.",
        "11/13  octo/demo#1  reviewed, 1 comment, 1.5 s, about 2:00 min left",
        "11/13  octo/demo#2  no answer: It is<U+001B>[31m gone., about 2:00 min left",
        "tiny<U+000A><U+001B>[2J: 1 comment on 1 pull request in 1:30 min.",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1:01 min"), (3599, "1:00 h"), (7500, "2:05 h")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert render_duration(seconds) == shown
