"""The three-job form, called from a user's workflow as docs/self-hosted.md shows it."""

from __future__ import annotations

from pathlib import Path

from simulation.github_server import GitHubServer, PullScenario
from tests.acceptance.conftest import MakeAct
from tests.acceptance.standing import commented_lines, count_reviews, summaries
from tests.acceptance.workflows import artifact_actions, three_jobs_workflow
from tests.action_job import pushed, said
from tests.demo import BASE, changed
from tests.model_server import ModelServer, faults
from tests.monitoring.gateways import TOKEN as EVENTS_TOKEN
from tests.monitoring.gateways import run_gateway


def test_a_pull_request_from_a_fork(github_server: GitHubServer, make_act: MakeAct, model_server: ModelServer) -> None:
    pull = github_server.create_repo("octo/forked", BASE).open_pull_request(changed(3, 20), fork=True)
    secrets = {"ENDPOINT_URL": model_server.url, "GLOSSATOR_SIGNING_KEY": "signing-key-1"}
    act = make_act(actions=artifact_actions(), secrets=secrets)
    _, payload = pushed(pull)

    run = act.run(three_jobs_workflow(), "pull_request_target", payload)

    assert run.jobs() == {"collect": "success", "infer": "success", "post": "success"}, run.story
    assert commented_lines(pull) == [3, 20]
    assert count_reviews(pull) == 1
    assert len(summaries(pull)) == 1
    assert run.outputs["status"] == "reviewed"
    assert len({held["RUNNER_TEMP"] for held in run.environments.values()}) == 3, "each job has a machine of its own"
    assert run.holders("actions-token") == {"collect", "post"}
    assert run.holders("signing-key-1") == {"collect", "post"}
    assert run.holders(model_server.url) == {"infer"}
    carried = "".join(path.read_text(encoding="utf-8") for path in (act.folder / "artifacts").glob("*/*"))
    assert "line 3 changed" in carried
    for secret in ("actions-token", "signing-key-1", model_server.url):
        assert secret not in carried + run.log + run.summary


def test_the_model_is_down(pull: PullScenario, make_act: MakeAct, model_server: ModelServer) -> None:
    model_server.always = faults.status(400, "no such model")

    run = make_act(actions=artifact_actions()).run(three_jobs_workflow(), "pull_request_target", pushed(pull)[1])

    assert run.code == 1
    assert run.jobs() == {"collect": "success", "infer": "success", "post": "failure"}, run.story
    assert run.outputs["status"] == "not-reviewed"
    assert "not reviewed" in summaries(pull)[0]


def test_the_infer_job_dies(pull: PullScenario, make_act: MakeAct) -> None:
    """Its runner has no Python, say. `post` still tells that nothing was reviewed."""
    text = three_jobs_workflow().replace('\'["self-hosted", "glossator", "cpu"]\'', "'\"nobody\"'")
    assert "nobody" in text

    run = make_act(actions=artifact_actions()).run(text, "pull_request_target", pushed(pull)[1])

    assert run.jobs()["post"] == "failure", run.story
    assert "not reviewed" in summaries(pull)[0]


def test_a_command_that_needs_no_model(pull: PullScenario, make_act: MakeAct, model_server: ModelServer) -> None:
    run = make_act(actions=artifact_actions()).run(three_jobs_workflow(), *said(pull, "/pause"))

    assert run.jobs() == {"collect": "success", "post": "success"}, run.story
    assert "**Paused:**" in summaries(pull)[0]
    assert model_server.posts == []


def telling_workflow() -> str:
    """The same with `events`."""
    text = three_jobs_workflow()
    given = (("      infer-runs-on:", "      events: true\n"), ("      endpoint-url:", SECRETS))
    for before, lines in given:
        assert text.count(before) == 1
        text = text.replace(before, lines + before)
    return text


SECRETS = """\
      events-url: ${{ secrets.EVENTS_URL }}
      events-token: ${{ secrets.EVENTS_TOKEN }}
"""


def test_the_gateway_is_told_that_nothing_was_reviewed(
    pull: PullScenario, make_act: MakeAct, model_server: ModelServer, operate_action: Path
) -> None:
    """The alert on reviews that fail goes by this."""
    model_server.always = faults.status(400, "no such model")
    with run_gateway() as gateway:
        secrets = {"ENDPOINT_URL": model_server.url, "EVENTS_URL": gateway.url, "EVENTS_TOKEN": EVENTS_TOKEN}
        act = make_act(actions=artifact_actions(), secrets=secrets)
        act.action = operate_action
        run = act.run(telling_workflow(), "pull_request_target", pushed(pull)[1])
        told = gateway.read()

    assert run.jobs() == {"collect": "success", "infer": "success", "post": "failure", "tell": "success"}, run.story
    reviews = {name: value for name, value in told.items() if name.startswith("glossator_reviews_total")}
    assert list(reviews.values()) == [1]
    assert 'status="not-reviewed"' in next(iter(reviews))
    assert EVENTS_TOKEN not in run.log + run.summary


def test_a_gateway_that_is_away_turns_no_review_red(
    pull: PullScenario, make_act: MakeAct, model_server: ModelServer, operate_action: Path
) -> None:
    secrets = {
        "ENDPOINT_URL": model_server.url,
        "EVENTS_URL": "http://127.0.0.1:9/events",
        "EVENTS_TOKEN": EVENTS_TOKEN,
    }
    act = make_act(actions=artifact_actions(), secrets=secrets)
    act.action = operate_action

    run = act.run(telling_workflow(), "pull_request_target", pushed(pull)[1])

    assert run.code == 0, run.story
    assert run.jobs()["tell"] == "success", run.story
    assert "No event was sent." in run.log
    assert count_reviews(pull) == 1
