"""The two variables that say whether models are served, against the stand-in GitHub."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runners.cli import main
from simulation.github_server import GitHubServer, RepoScenario
from tests.command import ROOT, Done

Run = Callable[..., Done]
FUTURE, LATER, PAST = "2099-01-01T00:00:00Z", "2099-02-01T00:00:00Z", "2020-01-01T00:00:00Z"
TOKEN = "ops-token-1"


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    github_server.add_token("ops", TOKEN, "octo", variables="write")
    return github_server.create_repo("octo/demo")


@pytest.fixture
def state(
    github_server: GitHubServer, repo: RepoScenario, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "GLOSSATOR_")):
            monkeypatch.delenv(name)

    def run(*arguments: str, **variables: str) -> Done:
        given = {"GITHUB_API_URL": github_server.url, "GITHUB_REPOSITORY": "octo/demo", "GLOSSATOR_OPS_TOKEN": TOKEN}
        with monkeypatch.context() as patched:
            for name, value in (given | variables).items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["glossator-ops", "serving-state", *arguments])
            patched.setattr(sys, "stdin", io.StringIO())
            with pytest.raises(SystemExit) as ended:
                main()
        shown = capsys.readouterr()
        assert TOKEN not in shown.out + shown.err
        return Done(int(ended.value.code or 0), shown.out, shown.err)

    return run


def values(repo: RepoScenario) -> dict[str, str]:
    return {name.removeprefix("GLOSSATOR_"): one.value for name, one in repo.repository.variables.items()}


def test_up_renewed_and_down(state: Run, repo: RepoScenario) -> None:
    assert state("show").out == "Serving is not managed: reviews are never skipped.\n"
    assert state("up", "--until", "2099-01-01 00:00").out == f"Serving is up until {FUTURE}.\n"
    assert values(repo) == {"SERVING": "up", "SERVING_UNTIL": FUTURE}
    assert state("renew", "--until", LATER).out == f"Serving is up until {LATER}.\n"
    assert values(repo) == {"SERVING": "up", "SERVING_UNTIL": LATER}
    assert state("down").out == "Serving is down.\n"
    assert values(repo) == {"SERVING": "down", "SERVING_UNTIL": LATER}
    assert state("up", "--until", FUTURE).code == 0
    assert state("show").out == f"Serving is up until {FUTURE}.\n"


@pytest.mark.parametrize("before", [(), ("down",)], ids=["never set", "down"])
def test_a_lease_alone_serves_nothing(state: Run, repo: RepoScenario, before: tuple[str, ...]) -> None:
    if before:
        state(*before)
    kept = values(repo)

    assert state("renew", "--until", FUTURE).code == 0
    assert values(repo) == kept


def test_what_is_over_stays_over(state: Run, repo: RepoScenario) -> None:
    """After the lease the machines are empty, even if there is a new lease by then."""
    state("up", "--until", FUTURE)
    repo.repository.variables["GLOSSATOR_SERVING_UNTIL"].value = PAST

    assert state("renew", "--until", FUTURE).out == f"Serving is over since {PAST}.\n"
    assert values(repo)["SERVING_UNTIL"] == PAST


def test_a_time_that_has_passed(state: Run, repo: RepoScenario) -> None:
    done = state("up", "--until", PAST)

    assert (done.code, values(repo)) == (2, {})
    assert f"{PAST} has passed" in done.err


@pytest.mark.parametrize(
    ("variables", "code", "message"),
    [
        ({"GLOSSATOR_OPS_TOKEN": ""}, 2, "GLOSSATOR_OPS_TOKEN is not set."),
        ({"GLOSSATOR_OPS_TOKEN": "actions-token"}, 5, "GitHub refuses it (403)"),
        ({"GLOSSATOR_OPS_TOKEN": "wrong"}, 5, "GitHub refuses it (401)"),
        ({"GITHUB_REPOSITORY": "octo/nothing"}, 5, "GitHub refuses it (404)"),
        ({"GITHUB_REPOSITORY": ""}, 2, "Which repository?"),
        ({"GITHUB_REPOSITORY": "octo"}, 2, "'octo' is no repository."),
        ({"GITHUB_API_URL": "http://127.0.0.1:9"}, 5, "no answer"),
    ],
)
def test_what_is_wrong(state: Run, repo: RepoScenario, variables: dict[str, str], code: int, message: str) -> None:
    done = state("up", "--until", FUTURE, **variables)

    assert done.code == code, done.err
    assert message in done.err
    assert values(repo) == {}


def test_a_server_that_stumbles(state: Run, repo: RepoScenario, github_server: GitHubServer) -> None:
    """A lost answer is asked for again: to write the same value twice does no harm."""
    github_server.faults.add("PATCH", "/variables/", status=502, times=1, after_effect=True)
    github_server.faults.add("POST", "/variables$", status=503, times=1)

    assert state("up", "--until", FUTURE).code == 0
    assert values(repo) == {"SERVING": "up", "SERVING_UNTIL": FUTURE}


SCRIPT = ROOT / "action" / "serving" / "serving.sh"
SOON = "in an hour"


@pytest.mark.parametrize(
    ("serving", "until", "expected", "said"),
    [
        ("", "", "up", ""),
        ("up", "", "up", ""),
        ("up", SOON, "up", ""),
        ("", SOON, "up", ""),
        ("down", SOON, "down", "::notice title=Glossator::Not reviewed: the model server is down"),
        ("up", PAST, "down", f"::notice title=Glossator::Not reviewed: serving ended at {PAST}"),
        ("", PAST, "down", "::notice title=Glossator::Not reviewed: serving ended"),
        ("up", "2020-01-01T00:00Z", "down", "::notice"),
        ("up", "yesterday", "up", "::warning title=Glossator::The variable GLOSSATOR_SERVING_UNTIL is no time"),
        ("up", "2020-13-45T00:00:00Z", "up", "::warning"),
        ("up", "$(touch made)", "up", "::warning"),
    ],
)
def test_the_look_before_a_review(tmp_path: Path, serving: str, until: str, expected: str, said: str) -> None:
    output, summary = tmp_path / "output", tmp_path / "summary"
    environment = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    environment |= {"SERVING": serving, "UNTIL": in_an_hour if until == SOON else until}

    done = subprocess.run([SCRIPT], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert output.read_text() == f"state={expected}\n"
    assert done.stdout.startswith(said)
    assert bool(done.stdout) == bool(said)
    assert (summary.exists() and "**No review happened:**" in summary.read_text()) == (expected == "down")
    assert not (tmp_path / "made").exists()


def test_a_quiet_look(tmp_path: Path) -> None:
    output = tmp_path / "output"
    environment = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(output), "SERVING": "down", "QUIET": "true"}

    done = subprocess.run([SCRIPT], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert (output.read_text(), done.stdout) == ("state=down\n", "")
