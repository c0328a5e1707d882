"""Everything but the model: a pull request of 300 changed lines, reviewed by a model that answers at once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bench.action_steps import REPO, STEPS, run_job, status_of
from bench.install import INSTALL, RUNNER
from bench.made import make_change, save_range
from bench.measure import BUILD, BenchError, Command, Figure, run_once, take_turns
from bench.peers import installed_peers
from bench.stand_ins import serve_github, serve_model
from bench.start_up import GLOSSATOR
from bench.table import Row, show

FILES, LINES = 10, 300


def measure_own_time(rounds: int) -> list[Row]:
    """The whole command on a patch, and the action's three steps, beside the peers' start-up alone."""
    with tempfile.TemporaryDirectory() as folder, serve_model() as model:
        return [_measure_command(Path(folder), model, rounds), *_measure_action(Path(folder), model, rounds)]


def _measure_command(folder: Path, model: str, rounds: int) -> Row:
    patch = save_range(make_change(FILES, LINES), folder).patch
    ours = Command((*GLOSSATOR, "review", "--diff", str(patch), "--endpoint-url", model))
    samples = take_turns({"ours": ours} | {peer.name: peer.help for peer in installed_peers()[:1]}, min(rounds, 3))
    beside = (f"{name} --help {show(Figure.of(s.wall for s in samples[name]), 's')}" for name in samples)
    return Row(
        f"glossator review --diff, {LINES} changed lines",
        "s",
        Figure.of(sample.wall for sample in samples["ours"]),
        target=1,
        cpu=Figure.of(sample.cpu for sample in samples["ours"]),
        beside="; ".join(list(beside)[1:]),
    )


def _measure_action(folder: Path, model: str, rounds: int) -> list[Row]:
    if not ensure_installed():
        return []
    scenario = make_change(FILES, LINES).save_scenario(folder / "scenario.json", REPO, rounds + 1)
    with serve_github(scenario) as github:
        jobs = [run_job(github, model, number, folder / str(number)) for number in range(1, rounds + 2)][1:]
    if any(status_of(job) != "reviewed" for job in jobs):
        raise BenchError("The action's job did not end in a review.")
    rows = [
        Row(
            f"action's step {step}, {LINES} changed lines",
            "s",
            Figure.of(job.steps[place].wall for job in jobs),
            target=1,
            cpu=Figure.of(job.steps[place].cpu for job in jobs),
        )
        for place, step in enumerate(STEPS)
    ]
    inside = Figure.of(job.inside_github for job in jobs)
    together = Figure.of(job.total.wall for job in jobs)
    cpu = Figure.of(job.total.cpu for job in jobs)
    beside = f"the GitHub stand-in's share: {show(inside, 's')}"
    return [*rows, Row("action's three steps together", "s", together, cpu=cpu, beside=beside)]


def ensure_installed() -> bool:
    """Whether the action's environment is there, installed now when it was not."""
    if not shutil.which("uv"):
        return False
    BUILD.mkdir(parents=True, exist_ok=True)
    if not (RUNNER / "glossator-venv" / "bin" / "python").exists():
        RUNNER.mkdir(exist_ok=True)
        run_once(INSTALL)
    return True
