"""What action.yml and the workflows say, held to the settings' table, the documentation and the rules of security."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reviewer.settings_forms import render_action_inputs
from reviewer.settings_table import TABLE

ROOT = Path(__file__).resolve().parent.parent
ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SECRETS = {
    "install": set(),
    "collect": {"github-token", "signing-key"},
    "infer": {"endpoint-url", "endpoint-token", "fallback-url"},
    "post": {"github-token", "signing-key"},
}
"""As the table of docs/security.md says."""
SECRET_INPUTS = set().union(*SECRETS.values())


def load_steps() -> dict[str, dict[str, Any]]:
    return {step["id"]: step for step in yaml.safe_load(ACTION)["runs"]["steps"]}


def load_workflow(path: Path) -> dict[Any, Any]:
    """YAML 1.1 reads the key `on` as True."""
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return workflow


def named_inputs(value: str) -> set[str]:
    return set(re.findall(r"inputs\.([a-z-]+)", value))


def test_the_inputs_are_the_settings() -> None:
    assert render_action_inputs() in ACTION
    assert sum(setting.in_action for setting in TABLE) <= 20


def test_the_outputs_are_set_by_a_step() -> None:
    written = (ROOT / "action" / "entry.py").read_text(encoding="utf-8")
    for name, output in yaml.safe_load(ACTION)["outputs"].items():
        assert output["value"].endswith(f".outputs.{name} }}}}")
        assert f'set_output("{name}"' in written


@pytest.mark.parametrize("name", SECRETS)
def test_a_step_holds_its_own_secrets_and_no_other(name: str) -> None:
    environment = load_steps()[name]["env"]
    # That an address is empty or not is no secret.
    values = (value for value in environment.values() if not value.startswith("${{ inputs.endpoint-url == ''"))
    used = set().union(*(named_inputs(value) for value in values))

    assert used & SECRET_INPUTS == SECRETS[name]
    assert not re.search(r"secrets\.|github\.token|toJSON", str(environment))


def test_every_secret_setting_is_counted_as_one() -> None:
    assert {setting.name for setting in TABLE if setting.secret} <= SECRET_INPUTS


def test_the_documentation_names_the_same_secrets() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = {cells[0].strip("` "): cells[1] for line in page.splitlines() if len(cells := line.split("|")[1:]) >= 3}
    words = {"GitHub's token": "github-token", "signing key": "signing-key", "model's address": "endpoint-url"}
    for step in ("collect", "infer", "post"):
        assert {name for word, name in words.items() if word in rows[step]} == SECRETS[step] & set(words.values())


@pytest.mark.parametrize("name", SECRETS)
def test_a_variable_is_called_after_its_input(name: str) -> None:
    for variable, value in load_steps()[name]["env"].items():
        if variable != "GLOSSATOR_EMBEDDED":
            (named,) = named_inputs(value)
            assert variable == f"GLOSSATOR_{named.upper().replace('-', '_')}"


def test_each_setting_reaches_the_steps_that_use_it() -> None:
    steps = load_steps()
    everywhere = {setting.name for setting in TABLE if setting.shared and setting.in_action}
    for name in ("collect", "infer", "post"):
        assert everywhere <= set().union(*(named_inputs(value) for value in steps[name]["env"].values()))


@pytest.mark.parametrize("path", [ROOT / "action.yml", *WORKFLOWS], ids=lambda path: path.name)
def test_nothing_is_written_into_a_script(path: Path) -> None:
    def scripts(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["run"]] if isinstance(node.get("run"), str) else []
            return own + [script for value in node.values() for script in scripts(value)]
        return [script for value in node for script in scripts(value)] if isinstance(node, list) else []

    assert all("${{" not in script for script in scripts(yaml.safe_load(path.read_text(encoding="utf-8"))))


def test_three_jobs_hold_their_own_secrets_and_no_other() -> None:
    jobs = load_workflow(ROOT / ".github" / "workflows" / "review-jobs.yml")["jobs"]
    secrets = {name: set(re.findall(r"secrets\.([a-z-]+)", str(job))) for name, job in jobs.items()}

    assert secrets == {
        "collect": {"signing-key"},
        "infer": {"endpoint-url", "endpoint-token"},
        "post": {"signing-key"},
        "tell": {"events-url", "events-token"},
    }
    assert jobs["infer"]["permissions"] == jobs["tell"]["permissions"] == {}
    assert jobs["infer"]["steps"][1]["with"]["github-token"] == ""
    assert jobs["collect"]["permissions"]["pull-requests"] == "read"
    assert "actions/checkout" not in str(jobs)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_other_peoples_actions_are_pinned(path: Path) -> None:
    for used in re.findall(r"uses: *(\S+)", path.read_text(encoding="utf-8")):
        assert used.startswith(("./", "glossator/glossator")) or re.search(r"@[0-9a-f]{40}$", used), used


@pytest.mark.parametrize("page", ["README.md", "docs/self-hosted.md"])
def test_a_workflow_that_is_shown_is_short_and_gives_real_inputs(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    (shown,) = (block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "jobs:" in block)
    (job,) = yaml.safe_load(shown)["jobs"].values()
    if page == "README.md":
        assert len(shown.splitlines()) <= 15
        assert set(job["steps"][0]["with"]) <= {setting.name for setting in TABLE}
        assert [step["uses"] for step in job["steps"]] == ["glossator/glossator@v0"], "and no checkout"
        return
    called = load_workflow(ROOT / ".github" / "workflows" / "review-jobs.yml")[True]["workflow_call"]
    assert set(job["with"]) <= set(called["inputs"])
    assert set(job["secrets"]) <= set(called["secrets"])


def run_step(tmp_path: Path, step: str, given: dict[str, str]) -> dict[str, str]:
    """The environment that run.sh gives a step."""
    interpreter = tmp_path / "glossator-venv" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text("#!/bin/sh\nexec env -0\n", encoding="utf-8")
    interpreter.chmod(0o755)
    done = subprocess.run([ROOT / "action" / "run.sh", step], env=given, capture_output=True, check=True)
    return dict(pair.split("=", 1) for pair in done.stdout.decode().split("\0") if pair)


@pytest.mark.parametrize("step", ["collect", "infer", "post"])
def test_what_asks_the_model_gets_only_what_it_needs(tmp_path: Path, step: str) -> None:
    of_the_job = {
        "GITHUB_TOKEN": "t",
        "GH_TOKEN": "t",
        "AWS_SECRET_ACCESS_KEY": "s",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "r",
    }
    ours = {"GLOSSATOR_GITHUB_TOKEN": "t", "GLOSSATOR_SIGNING_KEY": "k"}
    needed = {
        "GLOSSATOR_ENDPOINT_URL": "http://e",
        "HTTPS_PROXY": "http://p",
        "RUNNER_TEMP": str(tmp_path),
        "HOME": "/h",
    }

    left = run_step(tmp_path, step, {"PATH": os.environ["PATH"], **of_the_job, **ours, **needed})

    assert needed.items() <= left.items()
    secrets = (of_the_job | ours).keys() & left.keys()
    assert secrets == (set() if step == "infer" else (of_the_job | ours).keys())


def test_a_step_drops_what_others_have_told_python(tmp_path: Path) -> None:
    hostile = {"PYTHONHOME": "/x", "PYTHONSTARTUP": "x.py", "PYTHONPATH": "/x", "PYTHONPYCACHEPREFIX": "/x"}
    given = {
        "PATH": os.environ["PATH"],
        "RUNNER_TEMP": str(tmp_path),
        "INPUT_GITHUB-TOKEN": "t",
        "GLOSSATOR_MODEL": "a\nb",
    }

    left = run_step(tmp_path, "infer", given | hostile)

    assert left["GLOSSATOR_MODEL"] == "a\nb"
    assert left["PYTHONPATH"] == str(ROOT)
    assert left["PYTHONSAFEPATH"] == "1"
    assert left["PYTHONPYCACHEPREFIX"] == str(tmp_path / "glossator-pycache")
    assert not {"PYTHONHOME", "PYTHONSTARTUP", "INPUT_GITHUB-TOKEN"} & set(left)


def concurrencies() -> list[dict[str, str]]:
    """Of each job that reviews: in the README, in docs/self-hosted.md, in our own workflow."""
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/self-hosted.md")]
    texts = [found[1] for page in pages if (found := re.search(r"```yaml\n(on:.*?)```", page, re.DOTALL))]
    texts.append((ROOT / ".github" / "workflows" / "review.yml").read_text(encoding="utf-8"))
    return [yaml.safe_load(text)["jobs"]["review"]["concurrency"] for text in texts]


def test_only_a_push_overtakes_a_review_and_never_that_of_another_pull_request() -> None:
    found = concurrencies()
    assert len(found) == 3
    for concurrency in found:
        assert concurrency["cancel-in-progress"] == "${{ github.event.action == 'synchronize' }}"
        assert "issue.number" in concurrency["group"]
        assert "number" in concurrency["group"].split("||")[0]
