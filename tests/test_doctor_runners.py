"""What `glossator doctor --runners` finds of who may reach self-hosted runners. It only reads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reviewer.doctor import Check
from reviewer.doctor_runners import examine_runners
from simulation.github_server import GitHubServer
from simulation.github_server.runner_state import RunnerGroup
from simulation.github_server.scenario import RepoScenario
from simulation.github_server.variable_state import Variable
from tests.command import Command

TOKEN = "maintainer-token"
DECIDE = Path(__file__).parents[1] / "action" / "serving" / "serving.sh"
LABELS = ["self-hosted", "glossator", "gpu"]


@pytest.fixture
def repo(github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> RepoScenario:
    """A private repository with everything as it should be."""
    monkeypatch.setenv("GITHUB_API_URL", github_server.url)
    github_server.add_token(
        "maria", TOKEN, "maria", administration="read", organization_runners="read", variables="write"
    )
    repo = github_server.create_repo("octo/demo", private=True)
    repo.set_actions(allowed_actions="selected", fork_approval="all_external_contributors")
    for name in ("gpu", "production"):
        repo.add_environment(name, reviewers=["maria"], branches=["main"])
    repo.add_environment("lease", branches=["main"])
    return repo


def look(token: str = TOKEN, repo: str = "octo/demo") -> dict[str, Check]:
    """The worst check of each name."""
    order = ("skip", "ok", "warn", "fail")
    found: dict[str, Check] = {}
    for one in examine_runners(repo, token):
        found[one.name] = max(found.get(one.name, one), one, key=lambda check: order.index(check.state))
    return found


def test_all_is_well(repo: RepoScenario, github_server: GitHubServer) -> None:
    repo.add_runner("gpu-0123456789", LABELS, online=True)
    found = look()
    assert {one.state for one in found.values()} == {"ok"}, found
    assert list(found) == [
        "visibility", "forks", "workflows", "actions", "runners", "groups", "gpu", "production", "lease", "serving",
    ]  # fmt: skip
    assert "gpu" in found["runners"].what
    assert {entry.method for entry in github_server.requests} == {"GET"}


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        ("first_time_contributors_new_to_github", "fail"),
        ("first_time_contributors", "fail"),
        ("all_external_contributors", "ok"),
    ],
)
def test_a_public_repository(repo: RepoScenario, policy: str, state: str) -> None:
    repo.repository.private = False
    repo.set_actions(fork_approval=policy)
    found = look()
    assert found["visibility"].state == "warn"
    assert found["forks"].state == state
    assert state == "ok" or "all external contributors" in found["forks"].hint


@pytest.mark.parametrize(
    ("settings", "name", "state", "words"),
    [
        ({"token_permissions": "write"}, "workflows", "fail", "may write"),
        ({"may_approve": True}, "workflows", "warn", "may approve"),
        ({"enabled": False}, "workflows", "warn", "Actions is off"),
        ({"allowed_actions": "all"}, "actions", "warn", "Anybody's"),
    ],
)
def test_settings_of_actions(repo: RepoScenario, settings: dict[str, Any], name: str, state: str, words: str) -> None:
    repo.set_actions(**settings)
    found = look()
    assert (found[name].state, words in found[name].what) == (state, True)


@pytest.mark.parametrize(
    ("name", "settings", "state", "words"),
    [
        ("gpu", {"branches": ["main"]}, "fail", "Nobody must agree"),
        ("production", {"branches": ["main"]}, "fail", "Nobody must agree"),
        ("lease", {}, "fail", "Any branch"),
        ("gpu", {"reviewers": ["maria"]}, "fail", "Any branch"),
        ("gpu", {"reviewers": ["maria"], "branches": "protected"}, "warn", "Every protected branch"),
        ("gpu", {"reviewers": ["maria"], "branches": ["main", "topic"]}, "warn", "main, topic"),
        ("gpu", {"reviewers": ["maria"], "branches": ["*"]}, "warn", "*: may use gpu"),
    ],
)
def test_environments(repo: RepoScenario, name: str, settings: dict[str, Any], state: str, words: str) -> None:
    repo.add_environment(name, **settings)
    found = look()[name]
    assert (found.state, words in found.what) == (state, True), found
    assert name in found.hint


def test_an_environment_that_is_not_there(repo: RepoScenario) -> None:
    del repo.actions.environments["gpu"]
    found = look()["gpu"]
    assert found.state == "warn"
    assert "open to all" in found.hint


@pytest.mark.parametrize(
    ("settings", "state", "words"),
    [
        ({"ephemeral": False, "online": True}, "fail", "not for one job only"),
        ({"ephemeral": None, "online": True}, "fail", "not for one job only"),
        ({"online": False}, "warn", "offline"),
    ],
)
def test_runners_that_are_registered(repo: RepoScenario, settings: dict[str, Any], state: str, words: str) -> None:
    for number in range(5):
        repo.add_runner(f"pet-{number}", LABELS, **settings)
    found = look()["runners"]
    assert (found.state, words in found.what) == (state, True)
    assert "pet-0, pet-1, pet-2 and 2 more" in found.what


@pytest.mark.parametrize(
    ("group", "state"),
    [
        (RunnerGroup(1, "Default", "all"), "warn"),
        (RunnerGroup(2, "Open", "selected", public=True), "fail"),
        (RunnerGroup(3, "Ours", "selected", workflows=["octo/demo/.github/workflows/train.yml@main"]), "ok"),
    ],
)
def test_groups_of_an_organisation(
    repo: RepoScenario, github_server: GitHubServer, group: RunnerGroup, state: str
) -> None:
    github_server.world.account("octo").type = "Organization"
    repo.set_actions(groups=[group])
    assert look()["groups"].state == state


SERVING = [
    ("", "", "ok", "is not set", "up"),
    ("up", "", "ok", "unknown time", "up"),
    ("down", "", "warn", "is 'down'", "down"),
    ("down", "2999-12-01T18:00:00Z", "warn", "is 'down'", "down"),
    ("up", "2999-12-01T18:00:00Z", "ok", "up until 2999-12-01T18:00:00Z", "up"),
    ("", "2999-12-01T18:00Z", "ok", "up until 2999-12-01T18:00Z", "up"),
    ("up", "2020-12-01T18:00:00Z", "warn", "ended at 2020-12-01T18:00:00Z", "down"),
    ("", "2020-12-01T18:00Z", "warn", "ended at", "down"),
    ("up", "tomorrow", "warn", "GLOSSATOR_SERVING_UNTIL is 'tomorrow'", "up"),
    ("up", "2020-13-01T18:00Z", "warn", "GLOSSATOR_SERVING_UNTIL is", "up"),
    ("up", "2020-12-01T18:00+01:00", "warn", "GLOSSATOR_SERVING_UNTIL is", "up"),
    ("Up", "", "warn", "GLOSSATOR_SERVING is 'Up'", "up"),
]
"""Both variables, what the doctor finds, and what the action decides."""


@pytest.mark.parametrize(("value", "until", "state", "words", "decided"), SERVING)
def test_whether_the_model_is_up(
    repo: RepoScenario, tmp_path: Path, value: str, until: str, state: str, words: str, decided: str
) -> None:
    for name, text in (("GLOSSATOR_SERVING", value), ("GLOSSATOR_SERVING_UNTIL", until)):
        if text:
            repo.repository.variables[name] = Variable(name, text, 0.0, 0.0)
    found = look()["serving"]
    assert (found.state, words in found.what) == (state, True), found
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    given = {"SERVING": value, "UNTIL": until, "PATH": os.environ["PATH"]}
    subprocess.run(["bash", str(DECIDE)], env=given | files, check=True, capture_output=True)
    assert (tmp_path / "GITHUB_OUTPUT").read_text(encoding="utf-8") == f"state={decided}\n"


def test_a_token_that_may_not_look_is_told_so(repo: RepoScenario, github_server: GitHubServer) -> None:
    found = look("actions-token")
    skipped = {name for name, one in found.items() if one.state == "skip"}
    assert skipped >= {"workflows", "runners", "serving"}
    assert "Variables: read" in found["serving"].hint
    assert "Administration: read" in found["runners"].hint
    assert found["gpu"].state == "ok"
    github_server.world.account("octo").type = "Organization"
    assert look("actions-token")["groups"].state == "skip"
    repo.repository.private = False
    assert look("actions-token")["forks"].state == "skip"


@pytest.mark.parametrize(("status", "state"), [(502, "fail"), (403, "skip"), (404, "skip")])
def test_answers_that_are_none(repo: RepoScenario, github_server: GitHubServer, status: int, state: str) -> None:
    github_server.faults.add("GET", "/actions/runners", status=status, body={"message": "No."})
    found = look()
    assert found["runners"].state == state
    assert found["gpu"].state == "ok", "the rest is looked at all the same"


def test_no_repository_and_one_that_is_not_there(repo: RepoScenario) -> None:
    assert look(repo="")["runners"].state == "skip"
    assert look(repo="octo/none")["runners"].state == "fail"


def test_the_command_looks_only_when_it_is_asked_to(
    repo: RepoScenario, github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    repo.add_environment("gpu", branches=["main"])
    glossator = Command(monkeypatch, capsys, tmp_path)
    words = ("doctor", "--repo", "octo/demo", "--endpoint-url", "ftp://none")
    monkeypatch.setenv("GLOSSATOR_GITHUB_TOKEN", TOKEN)
    without = glossator(*words, GITHUB_API_URL=github_server.url)
    assert "Nobody must agree" not in without.out
    assert github_server.count("GET", "/actions/") == 0
    done = glossator(*words, "--runners", GITHUB_API_URL=github_server.url)
    assert "fail  gpu" in done.out
    assert done.code == 5
    assert TOKEN not in done.out
