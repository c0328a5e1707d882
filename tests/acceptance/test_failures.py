"""What goes wrong around a whole run, and what is left then: nothing twice, nothing lost, no false good news."""

from __future__ import annotations

import time
from typing import Any

import pytest

from simulation.github_server import GitHubServer, PullScenario
from tests.acceptance.conftest import MakeAct
from tests.acceptance.standing import commented_lines, count_reviews, summaries
from tests.acceptance.workflows import readme_workflow
from tests.action_job import pushed
from tests.model_server import ModelServer, faults

REVIEWS = r"/pulls/\d+/reviews$"
COMMENTS = r"/pulls/\d+/comments$"
SUMMARY = r"/issues/\d+/comments$"
DENIED: dict[str, Any] = {"message": "Resource not accessible by integration", "documentation_url": "", "status": "403"}
LIMITED: dict[str, Any] = {"message": "You have exceeded a secondary rate limit.", "documentation_url": ""}
REFUSED: dict[str, Any] = {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"], "status": "422"}


def test_the_model_is_down(pull: PullScenario, make_act: MakeAct) -> None:
    run = make_act(secrets={"ENDPOINT_URL": "http://127.0.0.1:9"}).run(readme_workflow(), *pushed(pull))

    assert run.code == 1
    assert run.steps() == {"install": "success", "collect": "success", "infer": "success", "post": "failure"}, run.story
    assert run.outputs["status"] == "not-reviewed"
    assert "not reviewed" in run.summary
    assert "not reviewed" in summaries(pull)[0]
    assert commented_lines(pull) == []
    assert "127.0.0.1:9" not in run.log + run.summary + summaries(pull)[0]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 422, "body": REFUSED}, id="422"),
        pytest.param({"status": 429, "body": LIMITED, "headers": {"Retry-After": "1"}}, id="429"),
        pytest.param({"status": 403, "body": LIMITED, "headers": {"Retry-After": "1"}}, id="403 that is a limit"),
        pytest.param({"status": 502}, id="502"),
        pytest.param({"status": 502, "after_effect": True}, id="502 after the fact"),
        pytest.param({"status": 0, "after_effect": True}, id="cut off after the fact"),
    ],
)
def test_a_review_that_github_does_not_take_at_first(
    fault: dict[str, Any], pull: PullScenario, github_server: GitHubServer, make_act: MakeAct
) -> None:
    github_server.faults.add("POST", REVIEWS, **fault)

    run = make_act().run(readme_workflow(), *pushed(pull))

    assert run.code == 0, run.story
    assert commented_lines(pull) == [3, 20]
    assert len(summaries(pull)) == 1
    assert (run.outputs["status"], run.outputs["comments"]) == ("reviewed", "2")


@pytest.mark.parametrize("fault", [{"status": 502, "after_effect": True}, {"status": 429, "body": LIMITED}])
def test_a_summary_that_github_does_not_take_at_first(
    fault: dict[str, Any], pull: PullScenario, github_server: GitHubServer, make_act: MakeAct
) -> None:
    """The limit says nothing of when it lifts: the run waits a minute."""
    github_server.faults.add("POST", SUMMARY, **fault)
    started = time.monotonic()

    run = make_act().run(readme_workflow(), *pushed(pull))

    assert run.code == 0, run.story
    assert commented_lines(pull) == [3, 20]
    assert len(summaries(pull)) == 1
    assert time.monotonic() - started >= (60 if fault["status"] == 429 else 0)


@pytest.mark.parametrize("status", [403, 404])
def test_a_token_that_may_not_post(
    status: int, pull: PullScenario, github_server: GitHubServer, make_act: MakeAct
) -> None:
    github_server.faults.add("POST", "", status=status, body=DENIED | {"status": str(status)}, times=99)

    run = make_act().run(readme_workflow(), *pushed(pull))

    assert run.code == 0, run.story
    assert len(run.messages("warning")) == 2
    assert "app.py:3" in run.summary
    assert "app.py:20" in run.summary
    assert commented_lines(pull) == []


def test_lines_that_github_refuses_go_to_the_summary(
    pull: PullScenario, github_server: GitHubServer, make_act: MakeAct
) -> None:
    for path in (REVIEWS, COMMENTS):
        github_server.faults.add("POST", path, status=422, body=REFUSED, times=99)

    run = make_act().run(readme_workflow(), *pushed(pull))

    assert run.code == 0, run.story
    assert commented_lines(pull) == []
    assert "app.py:3" in summaries(pull)[0]
    assert "app.py:20" in summaries(pull)[0]
    assert run.outputs["comments"] == "0"


def test_a_limit_that_lifts_too_late_is_an_error_with_the_findings(
    pull: PullScenario, github_server: GitHubServer, make_act: MakeAct
) -> None:
    github_server.faults.add("POST", REVIEWS, status=429, body=LIMITED, headers={"Retry-After": "3600"}, times=99)

    run = make_act().run(readme_workflow(), *pushed(pull))

    assert run.code == 1
    assert run.steps()["post"] == "failure", run.story
    assert len(run.messages("warning")) == 2
    assert "app.py:20" in run.summary


@pytest.mark.parametrize("write", [1, 2])
def test_a_job_killed_while_it_posts_is_run_again(
    write: int, pull: PullScenario, github_server: GitHubServer, make_act: MakeAct
) -> None:
    github_server.faults.stop_after_writes(write, answer_last=False, mode="hang")
    running = make_act("killed").start(readme_workflow(), *pushed(pull))
    assert github_server.faults.stopped.wait(60)
    killed = running.kill()
    github_server.faults.resume()
    assert killed.code < 0
    assert "post" not in killed.steps()

    run = make_act("again").run(readme_workflow(), *pushed(pull))

    assert run.code == 0, run.story
    assert commented_lines(pull) == [3, 20]
    assert count_reviews(pull) == 1
    assert len(summaries(pull)) == 1


def test_a_cancelled_run_posts_nothing(pull: PullScenario, make_act: MakeAct, model_server: ModelServer) -> None:
    model_server.always = faults.hang(120)
    running = make_act("cancelled").start(readme_workflow(), *pushed(pull))
    deadline = time.monotonic() + 60
    while not model_server.posts and time.monotonic() < deadline:
        time.sleep(0.1)
    cancelled = running.cancel()
    assert "post" not in cancelled.steps(), cancelled.story
    assert commented_lines(pull) == []
    assert summaries(pull) == []

    model_server.always = None
    run = make_act("again").run(readme_workflow(), *pushed(pull))

    assert run.code == 0, run.story
    assert commented_lines(pull) == [3, 20]
