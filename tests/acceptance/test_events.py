"""The workflow of the README, run whole for each kind of event."""

from __future__ import annotations

from pathlib import Path

from simulation.github_server import GitHubServer, PullScenario
from simulation.github_server.payloads import dispatch_event
from tests.acceptance.act import ROOT, export_action
from tests.acceptance.conftest import MakeAct
from tests.acceptance.standing import commented_lines, count_reviews, reactions, summaries
from tests.acceptance.workflows import readme_workflow, readme_workflow_for_forks
from tests.action_job import pushed, said
from tests.demo import BASE, changed
from tests.model_server import ModelServer

ALL_STEPS = {"install": "success", "collect": "success", "infer": "success", "post": "success"}


def test_opened(pull: PullScenario, make_act: MakeAct, model_server: ModelServer) -> None:
    run = make_act().run(readme_workflow(), *pushed(pull))

    assert run.code == 0, run.story
    assert run.steps() == ALL_STEPS
    assert commented_lines(pull) == [3, 20]
    assert count_reviews(pull) == 1
    assert len(summaries(pull)) == 1
    assert "Glossator: reviewed" in run.summary
    assert {**run.outputs, "sarif-file": ""} == {
        "command": "review", "number": "1", "status": "reviewed", "comments": "2", "sarif-file": "",
    }  # fmt: skip
    assert Path(run.outputs["sarif-file"]).name == "review.sarif"
    assert run.messages("warning") == run.messages("error") == []
    for secret in ("actions-token", model_server.url):
        assert secret not in run.log + run.summary + summaries(pull)[0]
    assert run.holders("actions-token") == {"collect", "post"}
    assert run.holders(model_server.url) == {"infer"}


def test_synchronize_asks_about_what_changed_alone(
    pull: PullScenario, make_act: MakeAct, model_server: ModelServer
) -> None:
    make_act("first").run(readme_workflow(), *pushed(pull))
    asked = len(model_server.posts)
    pull.push(changed(3, 20, 36))

    run = make_act("second").run(readme_workflow(), *pushed(pull, "synchronize"))

    assert run.steps() == ALL_STEPS, run.story
    assert commented_lines(pull) == [3, 20, 36]
    assert len(model_server.posts) - asked == 1
    assert len(summaries(pull)) == 1
    assert "3 pieces" in summaries(pull)[0]
    assert run.outputs["comments"] == "1"


def test_a_fork_under_pull_request_can_only_read(github_server: GitHubServer, make_act: MakeAct) -> None:
    pull = github_server.create_repo("octo/forked", BASE).open_pull_request(changed(3, 20), fork=True)

    run = make_act(token="fork-token").run(readme_workflow(), *pushed(pull))

    assert run.code == 0, run.story
    assert run.steps() == ALL_STEPS
    assert len(run.messages("warning")) == 2
    assert {(line["kvPairs"]["file"], line["kvPairs"]["line"]) for line in run.commands("warning")} == {
        ("app.py", "3"), ("app.py", "20"),
    }  # fmt: skip
    assert "app.py:3" in run.summary
    assert "app.py:20" in run.summary
    assert commented_lines(pull) == []
    assert summaries(pull) == []


def test_a_fork_under_pull_request_target_is_commented(github_server: GitHubServer, make_act: MakeAct) -> None:
    pull = github_server.create_repo("octo/forked", BASE).open_pull_request(changed(3, 20), fork=True)
    _, payload = pushed(pull)

    run = make_act().run(readme_workflow_for_forks(), "pull_request_target", payload)

    assert run.steps() == ALL_STEPS, run.story
    assert commented_lines(pull) == [3, 20]
    assert len(summaries(pull)) == 1


def test_a_writer_asks_by_comment(pull: PullScenario, make_act: MakeAct) -> None:
    name, payload = said(pull, "/review")

    run = make_act().run(readme_workflow(), name, payload)

    assert run.steps() == ALL_STEPS, run.story
    assert commented_lines(pull) == [3, 20]
    assert reactions(pull, payload["comment"]["id"]) == {"eyes", "rocket"}


def test_a_stranger_asks_in_vain(pull: PullScenario, make_act: MakeAct, model_server: ModelServer) -> None:
    run = make_act().run(readme_workflow(), *said(pull, "/review", author="mallory"))

    assert run.code == 0, run.story
    assert run.steps() == {"install": "success", "collect": "success"}
    assert run.outputs["command"] == "none"
    assert "mallory may not write" in run.log
    assert model_server.posts == []
    assert commented_lines(pull) == []


def test_a_comment_that_is_no_command_starts_nothing(pull: PullScenario, make_act: MakeAct) -> None:
    run = make_act().run(readme_workflow(), *said(pull, "Looks good to me"))

    assert run.code == 0, run.story
    assert run.steps() == {}


def test_dispatch_with_a_number(pull: PullScenario, make_act: MakeAct, model_server: ModelServer) -> None:
    """The workflow by which the project reviews itself: the action is the one of the checkout."""
    act = make_act(secrets={}, variables={"GLOSSATOR_ENDPOINT_URL": model_server.url})
    act.checkout.mkdir()
    export_action(act.checkout)
    own = (ROOT / ".github/workflows/review.yml").read_text(encoding="utf-8")

    run = act.run(own, "workflow_dispatch", dispatch_event(pull, {"pull-request": str(pull.number)}))

    assert run.steps() == {"serving": "success", **ALL_STEPS}, run.story
    assert commented_lines(pull) == [3, 20]
