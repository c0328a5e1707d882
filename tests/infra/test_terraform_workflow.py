"""The workflow that checks Terraform on pull requests, run by act; the provider is the stand-in, nothing else is."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.act import ROOT, Act, Run, find_act
from tests.infra.terraform_provider import Provider, build_stand_in, copy_sources, explain_absence

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(explain_absence()), reason=explain_absence()),
    pytest.mark.skipif(not find_act(), reason="act is not installed: pip install '.[acceptance]'"),
]
WORKFLOW = (ROOT / ".github/workflows/infra.yml").read_text(encoding="utf-8")
SETUP = """\
name: Set up
description: Stands in for an action that installs a program; the machine has it
inputs:
  python-version: { description: Which }
  terraform_version: { description: Which }
  terraform_wrapper: { description: Whether }
runs: { using: composite, steps: [{ run: "true", shell: bash }] }
"""


@pytest.fixture
def act(tmp_path: Path) -> Iterator[Act]:
    """A repository with Terraform's files, and a runner whose `terraform` finds the stand-in."""
    (tmp_path / "checkout").mkdir()
    copy_sources(tmp_path / "checkout")
    with Provider(build_stand_in()) as provider:
        programs = tmp_path / "programs"
        programs.mkdir()
        reattach = provider.environment["TF_REATTACH_PROVIDERS"]
        (programs / "terraform").write_text(
            f"#!/bin/sh\nTF_REATTACH_PROVIDERS='{reattach}' exec {shutil.which('terraform')} \"$@\"\n"
        )
        (programs / "terraform").chmod(0o755)
        (programs / "python").symlink_to(sys.executable)
        setup = tmp_path / "setup"
        setup.mkdir()
        (setup / "action.yml").write_text(SETUP)
        actions = dict.fromkeys(re.findall(r"uses: ((?:hashicorp|actions)/setup-\w+@[0-9a-f]{40})", WORKFLOW), setup)
        assert len(actions) == 2
        yield Act(tmp_path, setup, "http://127.0.0.1:9", "http://127.0.0.1:9", {}, actions=actions, path=(programs,))


def run(act: Act, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("tests.acceptance.act.TIMEOUT", 800)
    payload = {"pull_request": {"number": 1}, "repository": {"full_name": "octo/demo", "default_branch": "main"}}
    return act.run(WORKFLOW, "pull_request", payload, "--job", "terraform")


def test_what_is_right_passes(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(act, monkeypatch)
    assert done.jobs() == {"terraform": "success"}, done.story
    assert len(re.findall(r"Success! \d+ passed, 0 failed\.", done.log)) == 7, done.log
    assert re.search(r"Passed checks: \d+, Failed checks: 0", done.log)


@pytest.mark.parametrize(
    ("file", "old", "new", "step", "message"),
    [
        ("node/main.tf", "  key_pair    =", "  keypair     =", "Validate and test", "modules/node/ is not valid"),
        ("volume/main.tf", "  size    ", "size ", "Format", ""),
    ],
)
def test_what_is_wrong_fails(
    file: str, old: str, new: str, step: str, message: str, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = act.checkout / "terraform/modules" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    done = run(act, monkeypatch)
    assert done.jobs() == {"terraform": "failure"}, done.story
    assert [str(line["step"]) for line in done.lines if line.get("stepResult") == "failure"] == [step]
    assert not message or message in " ".join(done.messages("error"))
