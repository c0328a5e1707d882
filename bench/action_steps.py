"""The action's three steps as action.yml runs them, against the stand-ins for GitHub and for a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bench.install import RUNNER
from bench.measure import ROOT, Command, Sample, run_once
from bench.stand_ins import ask, seconds_inside

REPO = "octo/demo"
STEPS = ("collect", "infer", "post")


@dataclass(frozen=True, slots=True)
class JobSample:
    """The three steps of one job: together, and how much of it the GitHub stand-in worked."""

    steps: tuple[Sample, ...]
    inside_github: float
    folder: Path

    @property
    def total(self) -> Sample:
        """All steps after one another."""
        return sum(self.steps[1:], self.steps[0])


def run_job(github: str, model: str, number: int, folder: Path) -> JobSample:
    """Collect, infer and post for one opened pull request of the stand-in, with the action's own environment."""
    folder.mkdir(parents=True)
    payload = ask(f"{github}/_control", {"do": "event", "repo": REPO, "number": number, "event": "pull_request",
                                         "action": "opened"})  # fmt: skip
    (folder / "event.json").write_text(json.dumps(payload), encoding="utf-8")
    shared = {
        "RUNNER_TEMP": str(RUNNER),
        "GLOSSATOR_FOLDER": str(folder),
        "GITHUB_API_URL": github,
        "GITHUB_REPOSITORY": REPO,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    host, endpoint = {"GLOSSATOR_GITHUB_TOKEN": "actions-token"}, {"GLOSSATOR_ENDPOINT_URL": model}
    started = seconds_inside(github)
    samples = [
        run_once(Command(("bash", str(ROOT / "action" / "run.sh"), step), shared | own))
        for step, own in zip(STEPS, (host, endpoint, host), strict=True)
    ]
    return JobSample(tuple(samples), seconds_inside(github) - started, folder)


def status_of(job: JobSample) -> str:
    """What the job says became of the review; `posted.json` holds what was posted."""
    return str(json.loads((job.folder / "posted.json").read_text(encoding="utf-8"))["status"])
