"""Things that the stand-in for GitHub does wrong on purpose, and running it in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulation.github_server import GitHubServer, PullScenario, views
from simulation.github_server.client import Client

REPO = "/repos/octo/demo"
COMMENTS = f"{REPO}/issues/1/comments"
ROOT = Path(__file__).parent.parent


@pytest.fixture
def pull(github_server: GitHubServer) -> PullScenario:
    return github_server.create_repo().open_pull_request({"README.md": "New.\n"})


def say(client: Client, body: str = "x") -> httpx.Response:
    return client.post(COMMENTS, json={"body": body})


def test_a_fault_happens_once_and_changes_nothing(
    pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    github_server.faults.add("POST", r"/issues/\d+/comments$", status=502)

    first, second = say(github_client), say(github_client)

    assert (first.status_code, second.status_code) == (502, 201)
    assert first.headers["content-type"].startswith("text/html")
    assert len(pull.pull.comments) == 1


def test_a_lost_answer_has_had_its_effect(
    pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    github_server.faults.add("POST", "comments", status=502, after_effect=True)
    github_server.faults.add("POST", "comments", status=0, after_effect=True)

    assert say(github_client, "lost in a 502").status_code == 502
    with pytest.raises(httpx.RemoteProtocolError):
        say(github_client, "lost with the connection")
    assert [one.body for one in pull.pull.comments] == ["lost in a 502", "lost with the connection"]


def test_faults_with_json_headers_skips_and_times(
    pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    body = {"message": "You have exceeded a secondary rate limit."}
    github_server.faults.add("*", REPO, status=429, body=body, headers={"Retry-After": "1"}, skip=1, times=2)

    answers = [github_client.get(REPO) for _ in range(4)]

    assert [one.status_code for one in answers] == [200, 429, 429, 200]
    assert answers[1].headers["retry-after"] == "1"
    assert answers[1].json() == body


def test_a_delay(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    github_server.faults.add("GET", REPO, delay=0.2, only_delay=True)

    started = time.monotonic()

    assert github_client.get(REPO).status_code == 200
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("answer_last", [True, False])
def test_the_world_stops_after_a_number_of_writes(
    *, answer_last: bool, pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    github_server.faults.stop_after_writes(2, answer_last=answer_last)

    assert say(github_client, "first").status_code == 201
    assert github_client.get(REPO).status_code == 200
    if answer_last:
        assert say(github_client, "second").status_code == 201
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            say(github_client, "second")
    with pytest.raises(httpx.RemoteProtocolError):
        say(github_client, "third")

    assert github_server.faults.stopped.is_set()
    assert [one.body for one in pull.pull.comments] == ["first", "second"]
    github_server.faults.resume()
    assert say(github_client, "fourth").status_code == 201


def test_a_stopped_world_may_hang(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    github_server.faults.stop_after_writes(1, mode="hang")
    say(github_client)
    timer = threading.Timer(0.2, github_server.faults.resume)
    timer.start()

    started = time.monotonic()
    assert say(github_client).status_code == 201

    assert time.monotonic() - started >= 0.15
    timer.join()


def test_a_refused_write_does_not_count(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    github_server.faults.stop_after_writes(1)

    assert say(github_client, "").status_code == 422
    assert not github_server.faults.stopped.is_set()


def test_a_bug_of_the_stand_in_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views.Views, "repository", lambda *_, **__: 1 / 0)
    with GitHubServer() as server, Client(server) as client:
        server.create_repo()
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(REPO)
        assert "ZeroDivisionError" in server.violations[0]


def test_requests_are_logged(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    pull.comment("People's comments are not requests.")
    github_client.get(f"{REPO}/pulls/1/files?per_page=5")
    say(github_client, "hello")

    listed, said = github_server.requests

    assert (listed.method, listed.path, listed.query) == ("GET", f"{REPO}/pulls/1/files", "per_page=5")
    assert (said.method, said.status, said.token, said.body) == ("POST", 201, "actions", {"body": "hello"})
    assert github_server.count("POST", "comments") == 1


def test_many_clients_at_once(pull: PullScenario, github_server: GitHubServer) -> None:
    def talk(name: int) -> None:
        with Client(github_server) as client:
            for number in range(5):
                assert say(client, f"{name}.{number}").status_code == 201

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({one.id for one in pull.pull.comments}) == 40


SCENARIO: dict[str, Any] = {
    "switches": {"review_422": "old"},
    "steps": [
        {"do": "create_repo", "name": "octo/demo", "files": {"a.txt": "one\n", "bin": {"base64": "AAE="}}},
        {"do": "add_token", "name": "job", "value": "t", "login": "github-actions[bot]", "actions": True},
        {"do": "add_collaborator", "repo": "octo/demo", "login": "maria", "role": "write"},
        {"do": "open_pull_request", "repo": "octo/demo", "files": {"a.txt": "two\n", "l": {"symlink": "a.txt"}}},
        {"do": "comment", "repo": "octo/demo", "number": 1, "body": "/review", "author": "maria"},
    ],
}


def wait_for(path: Path) -> str:
    """The text of a file that another process writes."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} was not written"
        time.sleep(0.02)
    return path.read_text("utf-8")


def test_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "scenario.json").write_text(json.dumps(SCENARIO))
    options = [
        "--scenario",
        "scenario.json",
        "--port-file",
        "port",
        "--state-file",
        "state.json",
        "--max-seconds",
        "50",
    ]
    command = [sys.executable, "-m", "simulation.github_server", *options]
    with subprocess.Popen(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}) as process:
        url = wait_for(tmp_path / "port")
        with httpx.Client(base_url=url, headers={"Authorization": "Bearer t"}, trust_env=False) as client:
            assert client.post(COMMENTS, json={"body": "from outside"}).status_code == 201
            state = client.get("/_state").json()
            pushed = client.post("/_control", json={
                "do": "push", "repo": "octo/demo", "number": 1, "files": {"b.txt": "b\n"}
            }).json()  # fmt: skip
            event = client.post("/_control", json={
                "do": "event", "event": "pull_request", "repo": "octo/demo", "number": 1, "action": "synchronize"
            }).json()  # fmt: skip
            wrong = client.post("/_control", json={"do": "dance"})
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0

    assert [one["body"] for one in state["pulls"]["octo/demo#1"]["comments"]] == ["/review", "from outside"]
    assert event["after"] == pushed
    assert event["repository"]["full_name"] == "octo/demo"
    assert (wrong.status_code, wrong.json()["message"]) == (400, "ScenarioError: no step dance")
    final = json.loads((tmp_path / "state.json").read_text())
    assert final["pulls"]["octo/demo#1"]["pull_request"]["head"]["sha"] == pushed
    assert final["violations"] == []


@pytest.mark.slow
def test_a_process_ends_by_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulation.github_server", "--max-seconds", "0.1"]

    assert subprocess.run(command, cwd=ROOT, check=False, timeout=50).returncode == 0
