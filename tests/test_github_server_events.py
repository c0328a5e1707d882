"""Event payloads of the stand-in for GitHub: real ones in shape, its own in content."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulation.github_server import GitHubServer, PullScenario
from simulation.github_server.contract import FOLDER, check_event
from simulation.github_server.payloads import (
    dispatch_event,
    issue_comment_event,
    pull_request_event,
    review_comment_event,
    schedule_event,
)

EXAMPLES = {
    "pull_request.opened": "pull_request$opened",
    "pull_request.synchronize": "pull_request$synchronize",
    "issue_comment.created": "issue_comment$created",
    "pull_request_review_comment.created": "pull_request_review_comment$created",
    "workflow_dispatch": "workflow_dispatch$event",
}
ACTIONS = ["opened", "reopened", "ready_for_review", "synchronize", "converted_to_draft", "labeled", "closed"]


@pytest.fixture
def pull(github_server: GitHubServer) -> PullScenario:
    return github_server.create_repo().open_pull_request({"README.md": "New.\n"}, fork=True, author="mallory")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_committed_examples_are_valid(name: str) -> None:
    payload = json.loads((FOLDER / "payloads" / f"{name}.json").read_bytes())

    assert check_event(EXAMPLES[name], payload) == []


def test_the_check_can_fail() -> None:
    payload = json.loads((FOLDER / "payloads" / "pull_request.opened.json").read_bytes())
    del payload["pull_request"]["head"]

    assert any("'head' is a required property" in one for one in check_event("pull_request$opened", payload))


@pytest.mark.parametrize("action", ACTIONS)
def test_pull_request_events(action: str, pull: PullScenario) -> None:
    before = pull.head_sha
    match action:
        case "synchronize":
            pull.push({"more.txt": "more\n"})
        case "labeled":
            pull.label("review")
        case "closed":
            pull.close(merged=True)
        case "converted_to_draft":
            pull.pull.draft = True

    event = pull_request_event(pull, action, label="review" if action == "labeled" else "")

    assert check_event(f"pull_request${action}", event) == []
    assert event["pull_request"]["head"]["repo"]["full_name"] == "mallory/demo"
    assert event["pull_request"]["head"]["sha"] == pull.head_sha
    assert event["repository"]["full_name"] == event["pull_request"]["base"]["repo"]["full_name"] == "octo/demo"
    if action == "synchronize":
        assert (event["before"], event["after"]) == (before, pull.head_sha)


def test_comment_events(pull: PullScenario) -> None:
    said = pull.comment("/review", author="maria")
    thread = pull.review_comment("README.md", 1, "Why?", author="maria")
    reply = pull.reply(thread["id"], "Because.", author="alice")

    event = issue_comment_event(pull, said["id"])

    assert check_event("issue_comment$created", event) == []
    assert event["comment"]["body"] == "/review"
    assert event["sender"]["login"] == event["comment"]["user"]["login"] == "maria"
    assert event["issue"]["pull_request"]["url"].endswith("/repos/octo/demo/pulls/1")
    answered = review_comment_event(pull, reply["id"])
    assert check_event("pull_request_review_comment$created", answered) == []
    assert answered["comment"]["in_reply_to_id"] == thread["id"]


def test_other_events(pull: PullScenario) -> None:
    event = dispatch_event(pull, {"number": "1"})

    assert check_event("workflow_dispatch$event", event) == []
    assert event["inputs"] == {"number": "1"}
    assert schedule_event(pull)["repository"]["full_name"] == "octo/demo"


def test_nothing_of_the_examples_people_is_left(pull: PullScenario) -> None:
    said = pull.comment("hello")
    events: list[dict[str, Any]] = [
        pull_request_event(pull, "opened"), issue_comment_event(pull, said["id"]), dispatch_event(pull, {}),
    ]  # fmt: skip

    assert not [name for name in ("Codertocat", "Hello-World", "octo-org") if name in json.dumps(events)]
