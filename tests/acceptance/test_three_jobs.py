"""The three-job form, called from a user's workflow as docs/self-hosted.md shows it."""

from __future__ import annotations

from simulation.github_server import GitHubServer, PullScenario
from tests.acceptance.conftest import MakeAct
from tests.acceptance.standing import commented_lines, count_reviews, summaries
from tests.acceptance.workflows import artifact_actions, three_jobs_workflow
from tests.action_job import pushed, said
from tests.demo import BASE, changed
from tests.model_server import ModelServer, faults


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
