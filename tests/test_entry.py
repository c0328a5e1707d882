"""The action's three steps against the stand-ins for GitHub and for a model server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from action.entry import main
from reviewer.domain import Review
from reviewer.jsonfile import load_bundle, load_review, save_json
from simulation.github_server import GitHubServer, PullScenario
from simulation.github_server.payloads import dispatch_event
from tests.action_job import ActionJob, pushed, said
from tests.demo import BASE, changed, plain_model
from tests.model_server import ModelServer
from tests.model_server.models import empty_model

MakeJob = Callable[..., ActionJob]


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer(plain_model, token="endpoint-token-1") as server:
        yield server


@pytest.fixture
def make_job(
    github_server: GitHubServer,
    model_server: ModelServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> MakeJob:
    def make(name: str = "job", **options: Any) -> ActionJob:
        given = {"endpoint": model_server.url, "endpoint_token": "endpoint-token-1"} | options
        return ActionJob(github_server, tmp_path / name, capture=capsys, monkeypatch=monkeypatch, **given)

    return make


def lines(pull: PullScenario) -> list[int]:
    return sorted(c["line"] for c in pull.call("bob", "GET", f"{pull.path}/comments"))


def summary_of(pull: PullScenario) -> str:
    bodies = [c["body"] for c in pull.call("bob", "GET", f"{pull.issue_path}/comments") if "Glossator" in c["body"]]
    assert len(bodies) == 1
    return str(bodies[0])


def test_an_opened_pull_request_is_reviewed(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job()

    assert job.run(*pushed(pull)) == {"collect": 0, "infer": 0, "post": 0}, job.log
    assert lines(pull) == [3, 20]
    assert job.outputs["status"] == "reviewed"
    assert job.outputs["comments"] == "2"
    assert Path(job.outputs["sarif-file"]).is_file()
    assert "Glossator: reviewed" in job.summary


def test_a_push_reviews_only_what_changed(pull: PullScenario, make_job: MakeJob, model_server: ModelServer) -> None:
    make_job("first").run(*pushed(pull))
    asked = len(model_server.posts)
    pull.push(changed(3, 20, 36))

    make_job("second").run(*pushed(pull, "synchronize"))

    assert lines(pull) == [3, 20, 36]
    assert len(model_server.posts) - asked == 1
    assert "3 pieces" in summary_of(pull)


def test_review_full_looks_at_everything_again(
    pull: PullScenario, make_job: MakeJob, model_server: ModelServer
) -> None:
    make_job("first").run(*pushed(pull))
    asked = len(model_server.posts)

    make_job("second").run(*said(pull, "/review full"))

    assert len(model_server.posts) - asked == 2
    assert lines(pull) == [3, 20]


def test_only_writers_may_command(pull: PullScenario, make_job: MakeJob, model_server: ModelServer) -> None:
    job = make_job()

    assert job.run(*said(pull, "/review", author="mallory")) == {"collect": 0}
    assert "mallory may not write" in job.log
    assert model_server.posts == []


def test_pause_and_resume(pull: PullScenario, make_job: MakeJob) -> None:
    make_job("first").run(*pushed(pull))
    make_job("pause").run(*said(pull, "/pause"))
    make_job("again").run(*said(pull, "/pause"))
    pull.push(changed(3, 20, 36))
    paused = make_job("paused")
    assert paused.run(*pushed(pull, "synchronize")) == {"collect": 0}
    assert "paused" in paused.log
    assert summary_of(pull).count("**Paused:**") == 1

    make_job("resume").run(*said(pull, "/resume"))
    assert "Paused" not in summary_of(pull)
    make_job("after").run(*pushed(pull, "synchronize"))
    assert lines(pull) == [3, 20, 36]


def test_a_paused_pull_request_is_reviewed_when_somebody_asks(pull: PullScenario, make_job: MakeJob) -> None:
    make_job("pause").run(*said(pull, "/pause"))

    make_job("asked").run(*said(pull, "/review"))

    assert lines(pull) == [3, 20]
    assert "**Paused:**" in summary_of(pull), "and stays paused"


def test_help_answers_once(pull: PullScenario, make_job: MakeJob) -> None:
    event = said(pull, "/help")
    make_job("one").run(*event)
    make_job("two").run(*event)

    bodies = [c["body"] for c in pull.call("bob", "GET", f"{pull.issue_path}/comments")]
    assert sum("/review full" in body for body in bodies) == 1


def test_a_command_is_acknowledged(pull: PullScenario, make_job: MakeJob) -> None:
    name, payload = said(pull, "/review")
    make_job().run(name, payload)

    url = f"/repos/octo/demo/issues/comments/{payload['comment']['id']}/reactions"
    assert {r["content"] for r in pull.call("bob", "GET", url)} == {"eyes", "rocket"}


def test_dispatch_by_number(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job(inputs={"pull-request": str(pull.number)})

    job.run("workflow_dispatch", dispatch_event(pull, {"pull-request": "1"}))

    assert lines(pull) == [3, 20]


def test_settings_come_from_the_base_and_inputs_go_first(github_server: GitHubServer, make_job: MakeJob) -> None:
    file: dict[str, str | bytes] = {".github/glossator.yml": "max-comments: 1\n"}
    repo = github_server.create_repo("octo/other", BASE | file)
    pull = repo.open_pull_request(changed(3, 20) | {".github/glossator.yml": "max-comments: 0\nexclude: ['**']\n"})

    make_job("file").run(*pushed(pull))
    assert len(lines(pull)) == 1

    pull = repo.open_pull_request(changed(3, 20), branch="second")
    make_job("input", inputs={"max-comments": "2"}).run(*pushed(pull))
    assert len(lines(pull)) == 2


@pytest.mark.parametrize(("setting", "reviewed"), [("review-drafts: true", True), ("review-bots: true", False)])
def test_the_file_may_ask_for_drafts(
    github_server: GitHubServer, make_job: MakeJob, setting: str, *, reviewed: bool
) -> None:
    repo = github_server.create_repo("octo/drafts", BASE | {".github/glossator.yml": f"{setting}\n"})
    pull = repo.open_pull_request(changed(3), draft=True)
    job = make_job()

    assert job.run(*pushed(pull)) == ({"collect": 0, "infer": 0, "post": 0} if reviewed else {"collect": 0})
    assert lines(pull) == ([3] if reviewed else [])


def test_a_label_named_in_the_file_asks_for_a_review(github_server: GitHubServer, make_job: MakeJob) -> None:
    repo = github_server.create_repo("octo/labels", BASE | {".github/glossator.yml": "trigger-label: review me\n"})
    pull = repo.open_pull_request(changed(3), draft=True)
    for label, reviewed in (("other", []), ("review me", [3])):
        pull.label(label)
        make_job(label).run(*pushed(pull, "labeled", label=label))
        assert lines(pull) == reviewed


def test_a_wrong_settings_file_is_said_not_guessed(github_server: GitHubServer, make_job: MakeJob) -> None:
    repo = github_server.create_repo("octo/other", BASE | {".github/glossator.yml": "max-coments: 1\n"})
    pull = repo.open_pull_request(changed(3))
    job = make_job()

    assert job.run(*pushed(pull)) == {"collect": 2}
    assert "max-comments" in job.log
    assert "not reviewed" in job.summary


@pytest.mark.parametrize("token", ["fork-token"])
def test_a_fork_gets_annotations_and_a_summary(github_server: GitHubServer, make_job: MakeJob, token: str) -> None:
    pull = github_server.create_repo("octo/forked", BASE).open_pull_request(changed(3, 20), fork=True)
    job = make_job(token=token)

    assert job.run(*pushed(pull))["post"] == 0
    assert job.log.count("::warning file=app.py,line=") == 2
    assert "app.py:3" in job.summary
    assert "app.py:20" in job.summary
    assert (job.folder / "glossator" / "posted.json").is_file()


def test_a_model_that_is_down_is_no_good_news(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job(endpoint="http://127.0.0.1:9/", inputs={"timeout": "2"})

    assert job.run(*pushed(pull)) == {"collect": 0, "infer": 0, "post": 4}
    assert "not reviewed" in summary_of(pull)
    assert job.outputs["status"] == "not-reviewed"
    assert "127.0.0.1:9" not in job.log + job.summary + summary_of(pull)


def test_an_infer_step_that_died_leaves_a_summary(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job()
    job.step("collect", *pushed(pull))

    assert job.step("post", *pushed(pull)) == 4
    assert "not reviewed" in summary_of(pull)


def test_an_old_answer_is_not_posted_when_the_model_dies(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job(inputs={"max-comments": "0"})
    job.run(*pushed(pull))
    job.step("collect", *said(pull, "/review full"))

    assert job.step("post", *pushed(pull)) == 4
    assert "not reviewed" in summary_of(pull)
    assert "app.py:3" in summary_of(pull), "what was found before is still there"


def test_a_folder_that_cannot_be_made_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collect"], {"GLOSSATOR_FOLDER": "/dev/null/nope"}) == 2
    assert "bug" not in "".join(capsys.readouterr())


def test_infer_needs_no_token_and_sees_none(pull: PullScenario, make_job: MakeJob, model_server: ModelServer) -> None:
    job = make_job()
    job.run(*pushed(pull))

    everything = "".join(p.read_text(encoding="utf-8") for p in (job.folder / "glossator").glob("*.json"))
    everything += job.log + job.summary + summary_of(pull) + str([post.body for post in model_server.posts])
    for secret in ("actions-token", "endpoint-token-1", "a key", model_server.url):
        assert secret not in everything


def test_post_trusts_nothing_it_can_check(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job()
    job.step("collect", *pushed(pull))
    job.step("infer", *pushed(pull))
    path = job.folder / "glossator" / "review.json"
    review = load_review(path)
    first = review.comments[0]
    forged = [
        replace(first, line=999, path="nowhere.py", fingerprint="0" * 16),
        replace(first, finding=replace(first.finding, path="../../etc/passwd")),
        replace(first, finding=replace(first.finding, line="R4000", quote="not there")),
    ]
    save_json(replace(review, comments=(*forged, *review.comments[1:])), path)

    assert job.step("post", *pushed(pull)) == 0
    assert {c["path"] for c in pull.call("bob", "GET", f"{pull.path}/comments")} == {"app.py"}
    assert set(lines(pull)) <= {3, 20}


def test_a_review_of_another_pull_request_is_refused(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job()
    job.step("collect", *pushed(pull))
    job.step("infer", *pushed(pull))
    path = job.folder / "glossator" / "review.json"
    save_json(replace(load_review(path), number=77), path)

    assert job.step("post", *pushed(pull)) == 2
    assert lines(pull) == []


def test_fail_on(pull: PullScenario, make_job: MakeJob) -> None:
    assert make_job(inputs={"fail-on": "warning"}).run(*pushed(pull))["post"] == 1


def test_nothing_found_is_said_so(pull: PullScenario, make_job: MakeJob, model_server: ModelServer) -> None:
    model_server.model = empty_model

    assert make_job().run(*pushed(pull))["post"] == 0
    assert "nothing to remark" in summary_of(pull)


def test_the_bundle_is_whole(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job()
    job.step("collect", *pushed(pull))

    bundle = load_bundle(job.folder / "glossator" / "bundle.json")
    assert bundle.pull_request.key == "octo/demo#1"
    assert [file.path for file in bundle.pull_request.files] == ["app.py"]


def test_a_bug_shows_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"RUNNER_TEMP": str(tmp_path), "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": "/nowhere"}

    assert main(["collect"], environ) == 2
    assert main(["dance"], environ) == 2
    assert "Traceback" not in "".join(capsys.readouterr())


def test_posted_review_reads_back(pull: PullScenario, make_job: MakeJob) -> None:
    job = make_job()
    job.run(*pushed(pull))

    posted: Review = load_review(job.folder / "glossator" / "posted.json")
    assert len(posted.comments) == 2
