"""The list of issues, and issues that are no pull requests: opened, changed, closed, opened again."""

from __future__ import annotations

from typing import Any

from simulation.github_server.answers import Answer, Request, not_found, validation_failed
from simulation.github_server.pulls import close_pull
from simulation.github_server.routes import route
from simulation.github_server.routes_issues import add_labels, find_issue
from simulation.github_server.rules import check_length
from simulation.github_server.state import Issue, PullRequest, parse_time

MAX_TITLE = 256
UNSERVED = ("milestone", "assignee", "mentioned", "type", "issue_field_values")
"""Filters of the list that nobody here asks for."""


@route("issues/list-for-repo")
def list_issues(request: Request) -> Answer:
    """Issues and, as GitHub has it, pull requests among them."""
    request.need("issues", level="read")
    repository, query = request.repository, request.query
    if any(name in query for name in UNSERVED):
        raise not_found()
    found: list[PullRequest | Issue] = [*repository.issues.values(), *repository.pulls.values()]
    found = [one for one in found if wants_issue(one, query)]
    by = query.get("sort", "created")
    found.sort(
        key=lambda one: (len(one.comments) if by == "comments" else getattr(one, by), one.number),
        reverse=query.get("direction", "desc") == "desc",
    )
    page, headers = request.page(found)
    return Answer(200, [request.views.issue(repository, one) for one in page], headers)


def wants_issue(issue: PullRequest | Issue, query: dict[str, str]) -> bool:
    """Whether an issue passes the filters. It must have all of the labels."""
    labels = {one.name.lower() for one in issue.labels}
    return (
        query.get("state", "open") in ("all", issue.state)
        and {one.strip().lower() for one in query.get("labels", "").split(",") if one.strip()} <= labels
        and query.get("creator") in (None, issue.author.login)
        and issue.updated >= parse_time(query.get("since", "1970-01-01T00:00:00Z"))
    )


@route("issues/create")
def post_issue(request: Request) -> Answer:
    """Labels of somebody who may not set them are left out without a word."""
    request.need("issues")
    world, repository, body = request.world, request.repository, request.body
    check_texts(body)
    number = next(world.numbers[repository.full_name])
    while number in repository.pulls or number in repository.issues:
        number = next(world.numbers[repository.full_name])
    now, association = world.now(), world.association(repository, request.account)
    issue = Issue(
        world.next_id(), number, str(body["title"]), body.get("body"), request.account, now, now,
        association=association,
    )  # fmt: skip
    repository.issues[number] = issue
    if association != "NONE" or (request.token and request.token.actions):
        add_labels(request, issue, body.get("labels", []))
    shown = request.views.issue(repository, issue)
    return Answer(201, shown, {"Location": shown["url"]})


@route("issues/update")
def patch_issue(request: Request) -> Answer:
    """Change what is given. A pull request can be closed and opened again in the same way."""
    issue, body = find_issue(request), request.body or {}
    check_texts(body)
    issue.title = str(body.get("title") or issue.title)
    issue.body = body.get("body", issue.body)
    if "labels" in body:
        issue.labels.clear()
        add_labels(request, issue, body["labels"])
    issue.updated = request.world.now()
    set_state(request, issue, body)
    return Answer(200, request.views.issue(request.repository, issue))


def set_state(request: Request, issue: PullRequest | Issue, body: dict[str, Any]) -> None:
    """Close or open again. The reason of a closed one may be changed; one that is open says only that it was closed."""
    state, reason = body.get("state", issue.state), body.get("state_reason")
    if isinstance(issue, PullRequest):
        if state == "closed" and issue.state == "open":
            close_pull(request.world, issue)
        elif state == "open" and not issue.merged:
            issue.state, issue.closed = "open", None
    elif state == "closed":
        fresh = issue.state == "open"
        issue.reason = reason or ("completed" if fresh else issue.reason)
        issue.state, issue.closed = "closed", request.world.now() if fresh else issue.closed
    elif issue.state == "closed":
        issue.state, issue.closed, issue.reason = "open", None, "reopened"


def check_texts(body: dict[str, Any]) -> None:
    """A title has some text, and neither is too long."""
    if "title" in body and not str(body["title"] or "").strip():
        raise validation_failed("Issue", "title", "title can't be blank", "missing_field")
    if len(str(body.get("title") or "")) > MAX_TITLE:
        raise validation_failed("Issue", "title", f"title is too long (maximum is {MAX_TITLE} characters)")
    check_length(body.get("body") or "", "Issue", "body")
