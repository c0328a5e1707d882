"""A pull request as an issue: comments, reactions, labels; and who may do what."""

from __future__ import annotations

from simulation.github_server.answers import Answer, ApiError, Request, not_found, validation_failed
from simulation.github_server.routes import route
from simulation.github_server.routes_reviews import find_comment as find_review_comment
from simulation.github_server.rules import check_length
from simulation.github_server.state import IssueComment, Label, PullRequest, Reaction

SCOPES = ("issues", "pull_requests")
"""Either permission is enough for what an issue and a pull request have in common."""


def locate_comment(request: Request) -> tuple[PullRequest, IssueComment]:
    """The comment that the path names, and where it is."""
    wanted = request.parameters["comment_id"]
    for pull in request.repository.pulls.values():
        for comment in pull.comments:
            if str(comment.id) == wanted:
                return pull, comment
    raise not_found()


def check_text(body: str) -> None:
    """A comment has some text, and not too much."""
    check_length(body, "IssueComment", "data")
    if not body.strip():
        raise validation_failed("IssueComment", "body", "body can't be blank")


@route("issues/get")
def get_issue(request: Request) -> Answer:
    request.need(*SCOPES, level="read")
    return Answer(200, request.views.issue(request.repository, request.pull))


@route("issues/list-comments")
def list_comments(request: Request) -> Answer:
    request.need(*SCOPES, level="read")
    page, headers = request.page(request.pull.comments)
    return Answer(200, [request.views.issue_comment(request.repository, one) for one in page], headers)


@route("issues/create-comment")
def post_comment(request: Request) -> Answer:
    request.need(*SCOPES)
    check_text(request.body["body"])
    world, pull = request.world, request.pull
    now = world.now()
    association = world.association(request.repository, request.account)
    comment = IssueComment(
        world.next_id(), pull.number, request.account, request.body["body"], now, now, association=association
    )
    pull.comments.append(comment)
    pull.updated = now
    return Answer(201, request.views.issue_comment(request.repository, comment))


@route("issues/get-comment")
def get_comment(request: Request) -> Answer:
    request.need(*SCOPES, level="read")
    return Answer(200, request.views.issue_comment(request.repository, locate_comment(request)[1]))


@route("issues/update-comment")
def patch_comment(request: Request) -> Answer:
    request.need(*SCOPES)
    pull, comment = locate_comment(request)
    check_text(request.body["body"])
    comment.body, comment.updated = request.body["body"], request.world.now()
    pull.updated = comment.updated
    return Answer(200, request.views.issue_comment(request.repository, comment))


@route("issues/delete-comment")
def delete_comment(request: Request) -> Answer:
    request.need(*SCOPES)
    pull, comment = locate_comment(request)
    pull.comments.remove(comment)
    return Answer(204)


def list_reactions(request: Request, reactions: list[Reaction]) -> Answer:
    request.need(*SCOPES, level="read")
    page, headers = request.page(reactions)
    return Answer(200, [request.views.reaction(one) for one in page], headers)


def post_reaction(request: Request, reactions: list[Reaction]) -> Answer:
    """The same reaction a second time changes nothing."""
    request.need(*SCOPES)
    content = request.body["content"]
    for one in reactions:
        if one.account is request.account and one.content == content:
            return Answer(200, request.views.reaction(one))
    reaction = Reaction(request.world.next_id(), request.account, content, request.world.now())
    reactions.append(reaction)
    return Answer(201, request.views.reaction(reaction))


@route("reactions/list-for-issue")
def list_issue_reactions(request: Request) -> Answer:
    return list_reactions(request, request.pull.reactions)


@route("reactions/create-for-issue")
def post_issue_reaction(request: Request) -> Answer:
    return post_reaction(request, request.pull.reactions)


@route("reactions/list-for-issue-comment")
def list_comment_reactions(request: Request) -> Answer:
    return list_reactions(request, locate_comment(request)[1].reactions)


@route("reactions/create-for-issue-comment")
def post_comment_reaction(request: Request) -> Answer:
    return post_reaction(request, locate_comment(request)[1].reactions)


@route("reactions/list-for-pull-request-review-comment")
def list_review_comment_reactions(request: Request) -> Answer:
    return list_reactions(request, find_review_comment(request).reactions)


@route("reactions/create-for-pull-request-review-comment")
def post_review_comment_reaction(request: Request) -> Answer:
    return post_reaction(request, find_review_comment(request).reactions)


@route("issues/list-labels-on-issue")
def list_labels(request: Request) -> Answer:
    request.need(*SCOPES, level="read")
    page, headers = request.page(request.pull.labels)
    return Answer(200, [request.views.label(request.repository, one) for one in page], headers)


@route("issues/add-labels")
def post_labels(request: Request) -> Answer:
    request.need(*SCOPES)
    body = request.body or {}
    wanted = body.get("labels", []) if isinstance(body, dict) else body
    names = [one if isinstance(one, str) else one["name"] for one in wanted]
    pull, repository = request.pull, request.repository
    for name in names:
        label = repository.labels.setdefault(name, Label(request.world.next_id(), name))
        if label not in pull.labels:
            pull.labels.append(label)
            pull.updated = request.world.now()
    return Answer(200, [request.views.label(repository, one) for one in pull.labels])


@route("issues/remove-label")
def delete_label(request: Request) -> Answer:
    request.need(*SCOPES)
    pull = request.pull
    found = next((one for one in pull.labels if one.name == request.parameters["name"]), None)
    if found is None:
        raise ApiError(404, "Label does not exist")
    pull.labels.remove(found)
    pull.updated = request.world.now()
    return Answer(200, [request.views.label(request.repository, one) for one in pull.labels])


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
