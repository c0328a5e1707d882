"""A pull request of 3,000 files and 100,000 changed lines: seconds, memory, and every hunk accounted for."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.action_steps import REPO, JobSample, run_job, status_of
from bench.made import MadeRange, make_change, read_coverage, save_range
from bench.measure import BenchError, Command, Figure, Sample, run_once
from bench.own_time import ensure_installed
from bench.stand_ins import serve_github, serve_model
from bench.start_up import GLOSSATOR
from bench.table import Row, show

FILES, LINES = 3_000, 100_000
STATES = {"reviewed", "over-budget", "skipped"}
SECONDS, MEGABYTES = 10.0, 300.0


def measure_large(rounds: int) -> list[Row]:
    """From a git range, from a patch, and by the action's three steps through GitHub's API, files page by page."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name, serve_model() as model:
        folder = Path(name)
        made = save_range(make_change(FILES, LINES), folder)
        between = ("--folder", str(made.folder), "--base", made.base, "--head", made.head)
        rows += _rows("a git range", [review_large(made, between, model, folder) for _ in range(rounds)])
        rows += _rows(
            "a patch", [review_large(made, ("--diff", str(made.patch)), model, folder) for _ in range(rounds)]
        )
        if ensure_installed():
            jobs = _run_jobs(made, model, folder, rounds)
            inside = Figure.of(job.inside_github for job in jobs)
            share = f"the GitHub stand-in's share: {show(inside, 's')}"
            rows += _rows("GitHub, three steps", [job.total for job in jobs], share)
    return rows


def review_large(made: MadeRange, source: Sequence[str], model: str, folder: Path) -> Sample:
    """One `glossator review`, checked."""
    output = folder / "review.json"
    asked = ("--endpoint-url", model, "--comment-share", "100", "--format", "json", "--output", str(output))
    sample = run_once(Command((*GLOSSATOR, "review", *source, *asked)))
    check_coverage(output, made)
    return sample


def check_coverage(review: Path, made: MadeRange) -> None:
    """Let every line of every hunk be accounted for exactly once.

    Raises:
        BenchError: One is missing or comes twice, or the review does not say that most of the change was left out.
    """
    pieces, states = read_coverage(review)
    if pieces != made.hunks or states != STATES:
        raise BenchError(f"Coverage is not complete: {len(pieces)} of {len(made.hunks)} files, {sorted(states)}.")


def _run_jobs(made: MadeRange, model: str, folder: Path, rounds: int) -> list[JobSample]:
    scenario = make_change(FILES, LINES).save_scenario(folder / "scenario.json", REPO, rounds)
    with serve_github(scenario) as github:
        jobs = [run_job(github, model, number, folder / str(number)) for number in range(1, rounds + 1)]
    for job in jobs:
        check_coverage(job.folder / "posted.json", made)
        if status_of(job) != "partial":
            raise BenchError("A review that leaves most of a change out does not say that it is partial.")
    return jobs


def _rows(source: str, samples: Sequence[Sample], beside: str = "") -> list[Row]:
    what = f"{FILES:,} files, {LINES:,} changed lines, from {source}"
    cpu = Figure.of(sample.cpu for sample in samples)
    return [
        Row(f"{what}: time", "s", Figure.of(sample.wall for sample in samples), SECONDS, cpu, beside),
        Row(f"{what}: memory", "MB", Figure.of(sample.peak for sample in samples), MEGABYTES),
    ]
