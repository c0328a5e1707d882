"""The step that tells the gateway of a review: with a real gateway, and where there is nothing to tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reviewer.domain import ModelVersion, Review, Usage
from reviewer.jsonfile import run_record
from tests.command import ROOT
from tests.monitoring.gateways import TOKEN, run_gateway

FOLDER = ROOT / "action" / "event"


def run(temporary: Path, url: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    environment = {
        "RUNNER_TEMP": str(temporary),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": "/nowhere",
        "INPUT_TOKEN": token,
    }
    given = {"GLOSSATOR_EVENTS_URL": url, "GLOSSATOR_EVENTS_TOKEN": token, "GITHUB_RUN_ID": "5"}
    return subprocess.run(
        [str(FOLDER / "send.sh")], cwd=temporary, env=environment | given, capture_output=True, text=True, check=False
    )


def prepare(temporary: Path) -> None:
    """What the review's own step leaves. Its interpreter is this one."""
    python = temporary / "glossator-venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (temporary / "glossator").mkdir()
    review = Review("octo/demo", 7, "0" * 40, "reviewed", ModelVersion("m", "1", "champion"), usage=Usage(1))
    (temporary / "glossator" / "run.json").write_text(json.dumps(run_record(review)))
    (temporary / "runners.py").write_text("raise SystemExit('the working directory has a say')")


@pytest.mark.slow
def test_a_review_is_told_once(tmp_path: Path) -> None:
    prepare(tmp_path)
    with run_gateway() as gateway:
        first, again = run(tmp_path, gateway.url), run(tmp_path, gateway.url)
        found = gateway.read()
    assert (first.returncode, again.returncode) == (0, 0)
    assert "Taken." in first.stderr
    assert "had been taken before" in again.stderr
    assert found['glossator_reviews_total{model="m@1",repository="octo/demo",status="reviewed",track="champion"}'] == 1


@pytest.mark.slow
def test_it_never_fails_the_job(tmp_path: Path) -> None:
    assert run(tmp_path, "https://gateway.invalid").stdout == "There is no review to tell of.\n"
    prepare(tmp_path)
    without = run(tmp_path, "")
    assert (without.returncode, without.stderr) == (0, "GLOSSATOR_EVENTS_URL is not set: no event was sent.\n")
    with run_gateway() as gateway:
        wrong = run(tmp_path, gateway.url, "x" * 20)
        (tmp_path / "glossator" / "run.json").write_text("{")
        broken = run(tmp_path, gateway.url)
    assert (wrong.returncode, broken.returncode) == (0, 0)
    assert "The token is missing or wrong." in wrong.stderr
    assert "is not JSON" in broken.stderr
    (tmp_path / "glossator-venv" / "bin" / "python").write_text("#!/bin/sh\nexit 3\n")
    assert run(tmp_path, "").stdout == "The event could not be sent.\n"


def test_its_inputs_reach_it_by_the_environment() -> None:
    action = yaml.safe_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
    (step,) = action["runs"]["steps"]
    assert "${{" not in step["run"]
    assert set(step["env"].values()) == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}


@pytest.mark.slow
def test_a_night_is_told(tmp_path: Path) -> None:
    """The script of the nightly workflow's step, with the command where the step finds it."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "evaluate.yml").read_text(encoding="utf-8"))
    (step,) = (step for step in workflow["jobs"]["judge"]["steps"] if step.get("name") == "Tell the events gateway")
    assert step["continue-on-error"] is True
    ops = tmp_path / "bin" / "glossator-ops"
    ops.parent.mkdir()
    ops.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m runners "$@"\n')
    ops.chmod(0o755)
    (tmp_path / "glossator-runs" / "champion").mkdir(parents=True)
    (tmp_path / "glossator-decisions").mkdir()
    scorecard = {"schema": "glossator/scorecard/1", "metrics": {"location.f1": {"value": 0.25}}}
    (tmp_path / "glossator-runs" / "champion" / "scorecard.json").write_text(json.dumps(scorecard))
    decision = {"schema": "glossator/gate/1", "verdict": "hold", "comparisons": []}
    (tmp_path / "glossator-decisions" / "challenger.json").write_text(json.dumps(decision))
    environment = {"RUNNER_TEMP": str(tmp_path), "PATH": f"{ops.parent}:/usr/bin:/bin", "RESULT": "success"}
    script = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]
    with run_gateway() as gateway:
        given = {"GLOSSATOR_EVENTS_URL": gateway.url, "GLOSSATOR_EVENTS_TOKEN": TOKEN, "GITHUB_RUN_ID": "5"}
        done = subprocess.run(script, env=environment | given, capture_output=True, text=True, check=False)
        found = gateway.read()
    assert done.returncode == 0, done.stderr
    assert found['glossator_tasks_total{pool="none",result="success",task="evaluate"}'] == 1
    assert found['glossator_evaluation_score{metric="location.f1",track="champion"}'] == 0.25
    assert found['glossator_evaluations_total{verdict="hold"}'] == 1
    ops.write_text("#!/bin/sh\nexit 9\n")
    without = subprocess.run(script, env=environment | {"GLOSSATOR_EVENTS_URL": ""}, capture_output=True, check=False)
    assert without.returncode == 0
