"""Webhook payloads: a real example of the event, with every value that the state knows put in its place."""

from __future__ import annotations

import json
from typing import Any

from simulation.github_server.contract import FOLDER
from simulation.github_server.scenario import PullScenario
from simulation.github_server.views import Json


def load_example(name: str) -> Json:
    """A committed example."""
    example: Json = json.loads((FOLDER / "payloads" / f"{name}.json").read_bytes())
    return example


def fit(example: Any, ours: Any) -> Any:
    """Our values in the example's shape: its keys and no others. What we do not know keeps the example's value."""
    if isinstance(example, dict) and isinstance(ours, dict):
        return {key: fit(value, ours[key]) if key in ours else value for key, value in example.items()}
    return ours


def pull_request_event(scenario: PullScenario, action: str, *, sender: str | None = None, label: str = "") -> Json:
    """The event of a pull request: opened, synchronize, reopened, ready_for_review, labeled, closed..."""
    example = load_example("pull_request.synchronize" if action == "synchronize" else "pull_request.opened")
    views, repository, pull = scenario.views(), scenario.repo.repository, scenario.pull
    event: Json = fit(
        example,
        {
            "action": action,
            "number": pull.number,
            "pull_request": views.pull(repository, pull),
            "repository": views.repository(repository),
            "sender": views.user(scenario.repo.server.world.account(sender or pull.author.login)),
            "before": pull.before_sha,
            "after": pull.head_sha,
        },
    )
    if label:
        event["label"] = next(views.label(repository, one) for one in pull.labels if one.name == label)
    return event


def issue_comment_event(scenario: PullScenario, comment_id: int, *, action: str = "created") -> Json:
    """Somebody wrote in the conversation of a pull request."""
    example = load_example("issue_comment.created")
    views, repository = scenario.views(), scenario.repo.repository
    comment = next(one for one in scenario.pull.comments if one.id == comment_id)
    issue = views.issue(repository, scenario.pull)
    event: Json = fit(
        example,
        {
            "action": action,
            "issue": issue,
            "comment": views.issue_comment(repository, comment),
            "repository": views.repository(repository),
            "sender": views.user(comment.account),
        },
    )
    event["issue"]["pull_request"] = issue["pull_request"]
    event["issue"]["draft"] = issue["draft"]
    if action == "edited":
        event["changes"] = {"body": {"from": comment.body}}
    return event


def review_comment_event(scenario: PullScenario, comment_id: int) -> Json:
    """Somebody commented on a line."""
    example = load_example("pull_request_review_comment.created")
    views, repository = scenario.views(), scenario.repo.repository
    comment = scenario.find_comment(comment_id)
    shown = views.review_comment(repository, comment)
    event: Json = fit(
        example,
        {
            "action": "created",
            "comment": shown,
            "pull_request": views.pull(repository, scenario.pull, full=False),
            "repository": views.repository(repository),
            "sender": views.user(comment.account),
        },
    )
    if comment.in_reply_to is not None:
        event["comment"]["in_reply_to_id"] = comment.in_reply_to
    return event


def dispatch_event(scenario: PullScenario, inputs: dict[str, str], *, sender: str = "octo") -> Json:
    """Somebody started the workflow by hand."""
    views, repository = scenario.views(), scenario.repo.repository
    event: Json = fit(
        load_example("workflow_dispatch"),
        {
            "ref": f"refs/heads/{repository.default_branch}",
            "workflow": ".github/workflows/review.yml",
            "repository": views.repository(repository),
            "sender": views.user(scenario.repo.server.world.account(sender)),
        },
    )
    event["inputs"] = inputs
    event.pop("organization", None)
    return event


def schedule_event(scenario: PullScenario, cron: str = "0 5 * * *") -> Json:
    """The clock started the workflow. GitHub publishes no example of it."""
    repository = scenario.views().repository(scenario.repo.repository)
    return {"schedule": cron, "workflow": ".github/workflows/review.yml", "repository": repository}
