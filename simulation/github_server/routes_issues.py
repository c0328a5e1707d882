"""What issues and pull requests have in common: comments, reactions, labels; and who may do what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulation.github_server.answers import Answer, ApiError, Request, not_found, validation_failed
from simulation.github_server.routes import route
from simulation.github_server.routes_reviews import find_comment as find_review_comment
from simulation.github_server.rules import check_length
from simulation.github_server.state import Issue, IssueComment, Label, Level, PullRequest, Reaction

SCOPES = ("issues", "pull_requests")
"""Either permission is enough for what an issue and a pull request have in common, where it is a pull request."""


def find_issue(request: Request, level: Level = "write") -> PullRequest | Issue:
    """The issue or pull request that the path names, if the token may."""
    number = request.parameters["issue_number"]
    issue = request.repository.issues.get(int(number)) if number.isdigit() else None
    request.need(*(("issues",) if issue else SCOPES), level=level)
    return issue or request.pull


def find_comment(request: Request, level: Level = "write") -> tuple[PullRequest | Issue, IssueComment]:
    """The comment that the path names, and where it is, if the token may."""
    wanted, repository = request.parameters["comment_id"], request.repository
    everything: list[PullRequest | Issue] = [*repository.pulls.values(), *repository.issues.values()]
    for issue in everything:
        for comment in issue.comments:
            if str(comment.id) == wanted:
                request.need(*(("issues",) if isinstance(issue, Issue) else SCOPES), level=level)
                return issue, comment
    raise not_found()


def check_text(body: str) -> None:
    """A comment has some text, and not too much."""
    check_length(body, "IssueComment", "data")
    if not body.strip():
        raise validation_failed("IssueComment", "body", "body can't be blank")


@route("issues/get")
def get_issue(request: Request) -> Answer:
    return Answer(200, request.views.issue(request.repository, find_issue(request, "read")))


@route("issues/list-comments")
def list_comments(request: Request) -> Answer:
    page, headers = request.page(find_issue(request, "read").comments)
    return Answer(200, [request.views.issue_comment(request.repository, one) for one in page], headers)


@route("issues/create-comment")
def post_comment(request: Request) -> Answer:
    issue, world = find_issue(request), request.world
    check_text(request.body["body"])
    now = world.now()
    association = world.association(request.repository, request.account)
    comment = IssueComment(
        world.next_id(), issue.number, request.account, request.body["body"], now, now, association=association
    )
    issue.comments.append(comment)
    issue.updated = now
    return Answer(201, request.views.issue_comment(request.repository, comment))


@route("issues/get-comment")
def get_comment(request: Request) -> Answer:
    return Answer(200, request.views.issue_comment(request.repository, find_comment(request, "read")[1]))


@route("issues/update-comment")
def patch_comment(request: Request) -> Answer:
    issue, comment = find_comment(request)
    check_text(request.body["body"])
    comment.body, comment.updated = request.body["body"], request.world.now()
    issue.updated = comment.updated
    return Answer(200, request.views.issue_comment(request.repository, comment))


@route("issues/delete-comment")
def delete_comment(request: Request) -> Answer:
    issue, comment = find_comment(request)
    issue.comments.remove(comment)
    return Answer(204)


def list_reactions(request: Request, reactions: list[Reaction]) -> Answer:
    page, headers = request.page(reactions)
    return Answer(200, [request.views.reaction(one) for one in page], headers)


def post_reaction(request: Request, reactions: list[Reaction]) -> Answer:
    """The same reaction a second time changes nothing."""
    content = request.body["content"]
    for one in reactions:
        if one.account is request.account and one.content == content:
            return Answer(200, request.views.reaction(one))
    reaction = Reaction(request.world.next_id(), request.account, content, request.world.now())
    reactions.append(reaction)
    return Answer(201, request.views.reaction(reaction))


@route("reactions/list-for-issue")
def list_issue_reactions(request: Request) -> Answer:
    return list_reactions(request, find_issue(request, "read").reactions)


@route("reactions/create-for-issue")
def post_issue_reaction(request: Request) -> Answer:
    return post_reaction(request, find_issue(request).reactions)


@route("reactions/list-for-issue-comment")
def list_comment_reactions(request: Request) -> Answer:
    return list_reactions(request, find_comment(request, "read")[1].reactions)


@route("reactions/create-for-issue-comment")
def post_comment_reaction(request: Request) -> Answer:
    return post_reaction(request, find_comment(request)[1].reactions)


@route("reactions/list-for-pull-request-review-comment")
def list_review_comment_reactions(request: Request) -> Answer:
    request.need(*SCOPES, level="read")
    return list_reactions(request, find_review_comment(request).reactions)


@route("reactions/create-for-pull-request-review-comment")
def post_review_comment_reaction(request: Request) -> Answer:
    request.need(*SCOPES)
    return post_reaction(request, find_review_comment(request).reactions)


@route("issues/list-labels-on-issue")
def list_labels(request: Request) -> Answer:
    page, headers = request.page(find_issue(request, "read").labels)
    return Answer(200, [request.views.label(request.repository, one) for one in page], headers)


@route("issues/add-labels")
def post_labels(request: Request) -> Answer:
    issue, body = find_issue(request), request.body or {}
    add_labels(request, issue, body.get("labels", []) if isinstance(body, dict) else body)
    return Answer(200, [request.views.label(request.repository, one) for one in issue.labels])


def add_labels(request: Request, issue: PullRequest | Issue, wanted: Sequence[Any]) -> None:
    """Put labels on, by name or as objects. One that the repository does not have is made."""
    for name in [one if isinstance(one, str) else one["name"] for one in wanted]:
        label = request.repository.labels.setdefault(name, Label(request.world.next_id(), name))
        if label not in issue.labels:
            issue.labels.append(label)
            issue.updated = request.world.now()


@route("issues/remove-label")
def delete_label(request: Request) -> Answer:
    issue = find_issue(request)
    found = next((one for one in issue.labels if one.name == request.parameters["name"]), None)
    if found is None:
        raise ApiError(404, "Label does not exist")
    issue.labels.remove(found)
    issue.updated = request.world.now()
    return Answer(200, [request.views.label(request.repository, one) for one in issue.labels])


@route("repos/get-collaborator-permission-level")
def get_permission(request: Request) -> Answer:
    repository, login = request.repository, request.parameters["username"]
    account = request.world.accounts.get(login)
    if account is None or request.token is None:
        raise not_found()
    everybody = "none" if repository.private else "read"
    role = "admin" if account is repository.owner else repository.collaborators.get(login, everybody)
    permission = {"maintain": "write", "triage": "read"}.get(role, role)
    order = ("none", "read", "triage", "write", "maintain", "admin")
    rights = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
    permissions = {name: order.index(role) >= order.index(least) for name, least in rights.items()}
    user = {**request.views.user(account), "permissions": permissions, "role_name": role}
    return Answer(200, {"permission": permission, "role_name": role, "user": user})
