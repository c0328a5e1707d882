"""The step that tells the gateway of a review: with a real gateway, and where there is nothing to tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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


def test_a_review_is_told_once(tmp_path: Path) -> None:
    prepare(tmp_path)
    with run_gateway() as gateway:
        first, again = run(tmp_path, gateway.url), run(tmp_path, gateway.url)
        found = gateway.read()
    assert (first.returncode, again.returncode) == (0, 0)
    assert "Taken." in first.stderr
    assert "had been taken before" in again.stderr
    assert found['glossator_reviews_total{model="m@1",repository="octo/demo",status="reviewed",track="champion"}'] == 1


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
