"""POST /graphql: threads of a pull request, resolving and minimising; queries are held to GitHub's own types."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from simulation.github_server.contract import FOLDER
from simulation.github_server.routes import show_budget
from simulation.github_server.state import (
    Account,
    IssueComment,
    PullRequest,
    Repository,
    ReviewComment,
    Token,
    World,
    render_time,
)
from simulation.github_server.views import Json

KEYS = {"query", "variables", "operationName"}


class Refused(GraphQLError):
    """An error with GitHub's `type`, such as NOT_FOUND or FORBIDDEN."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@cache
def load_schema() -> GraphQLSchema:
    """The committed part of GitHub's schema, read once a process."""
    return build_schema((FOLDER / "schema.graphql").read_text("utf-8"))


def answer_query(world: World, token: Token, body: Any) -> tuple[Json, list[str]]:
    """GraphQL's answer, and where the query breaks GitHub's schema."""
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return {"errors": [{"message": "A query attribute must be specified and must be a string."}]}, ["no query"]
    problems = [f"unknown key {key!r}" for key in sorted(body.keys() - KEYS)]
    try:
        document = parse(body["query"])
    except GraphQLError as error:
        return {"errors": [error.formatted]}, [*problems, error.message]
    errors = validate(load_schema(), document)
    if errors:
        return {"errors": [error.formatted for error in errors]}, problems + [error.message for error in errors]
    result = execute_sync(
        load_schema(),
        document,
        root_value=Root(world, token).fields(),
        variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
    )
    return render_result(result), problems + [error.message for error in result.errors or () if is_ours(error)]


def is_ours(error: GraphQLError) -> bool:
    """Whether an error is a mistake of the client's variables or a bug here, not one of GitHub's refusals."""
    return not isinstance(error.original_error or error, Refused)


def render_result(result: ExecutionResult) -> Json:
    """Data, and errors in GitHub's form."""
    if not result.errors:
        return {"data": result.data}
    errors = []
    for error in result.errors:
        refused = error.original_error or error
        kind = {"type": refused.kind} if isinstance(refused, Refused) else {}
        errors.append({**kind, **error.formatted})
    return {"data": result.data, "errors": errors}


def encode_cursor(index: int) -> str:
    return base64.b64encode(f"cursor:{index}".encode()).decode()


def decode_cursor(cursor: str) -> int:
    return int(base64.b64decode(cursor).decode().removeprefix("cursor:"))


def connect(name: str, items: Sequence[Any], show: Callable[[Any], Json]) -> Callable[..., Json]:
    """A connection that pages like GitHub's: `first` or `last` must be given, and be at most 100."""

    def resolve(
        _info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **_filters: Any,
    ) -> Json:
        size = first if first is not None else last
        if size is None:
            raise Refused(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            )
        if size > 100:
            raise Refused("EXCESSIVE_PAGINATION", f"Requesting {size} records on the `{name}` connection exceeds 100.")
        start = decode_cursor(after) + 1 if after else 0
        end = decode_cursor(before) if before else len(items)
        begin, stop = (start, min(start + size, end)) if first is not None else (max(end - size, start), end)
        nodes = [show(item) for item in items[begin:stop]]
        return {
            "nodes": nodes,
            "edges": [{"cursor": encode_cursor(begin + index), "node": node} for index, node in enumerate(nodes)],
            "totalCount": len(items),
            "pageInfo": {
                "startCursor": encode_cursor(begin) if nodes else None,
                "endCursor": encode_cursor(stop - 1) if nodes else None,
                "hasNextPage": stop < len(items),
                "hasPreviousPage": begin > 0,
            },
        }

    return resolve


@dataclass(frozen=True, slots=True)
class Root:
    """The resolvers of one request."""

    world: World
    token: Token

    def fields(self) -> dict[str, Any]:
        """Queries and mutations by name."""
        return {
            "viewer": {**self.actor(self.token.account), "__typename": "User", "login": self.token.account.login},
            "repository": self.get_repository,
            "node": self.get_node,
            "rateLimit": self.get_rate_limit,
            "resolveReviewThread": self.resolve_thread,
            "unresolveReviewThread": self.unresolve_thread,
            "minimizeComment": self.minimize_comment,
        }

    # -- queries -------------------------------------------------------------------------------------------------

    def get_rate_limit(self, _info: Any, **_arguments: Any) -> Json:
        budget = show_budget(self.world, self.token)
        return {**budget, "cost": 1, "resetAt": render_time(budget["reset"])}

    def get_repository(self, _info: Any, owner: str, name: str, **_arguments: Any) -> Json:
        repository = self.world.repositories.get(f"{owner}/{name}".lower())
        if repository is None:
            raise Refused("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        self.check_readable(repository)
        return {
            "__typename": "Repository",
            "id": f"R_{repository.id}",
            "name": repository.name,
            "nameWithOwner": repository.full_name,
            "isPrivate": repository.private,
            "pullRequest": lambda _info, number: self.get_pull(repository, number),
        }

    def check_readable(self, repository: Repository) -> None:
        """A private repository needs the permission."""
        if repository.private and not self.token.has("pull_requests", "read"):
            raise Refused("FORBIDDEN", "Resource not accessible by integration")

    def get_pull(self, repository: Repository, number: int) -> Json:
        pull = repository.pulls.get(number)
        if pull is None:
            raise Refused("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return self.pull(pull)

    def get_node(self, _info: Any, id: str) -> Json:  # noqa: A002 - GraphQL's name
        for pull in self.pulls():
            if id == f"PR_{pull.id}":
                return self.pull(pull)
            for comment in pull.review_comments:
                if id == f"PRRT_{comment.id}":
                    return self.thread(pull, comment)
                if id == f"PRRC_{comment.id}":
                    return self.review_comment(comment)
            for said in pull.comments:
                if id == f"IC_{said.id}":
                    return self.issue_comment(said)
        raise Refused("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'.")

    def pulls(self) -> list[PullRequest]:
        return [pull for repository in self.world.repositories.values() for pull in repository.pulls.values()]

    # -- what things look like -----------------------------------------------------------------------------------

    def actor(self, account: Account) -> Json:
        """GraphQL names a bot without the `[bot]` of REST."""
        return {
            "__typename": account.type,
            "id": f"U_{account.id}",
            "databaseId": account.id,
            "login": account.login.removesuffix("[bot]"),
            "url": f"https://github.com/{account.login}",
            "resourcePath": f"/{account.login}",
            "avatarUrl": f"https://github.com/avatars/{account.id}",
        }

    def pull(self, pull: PullRequest) -> Json:
        pending = {one.id for one in pull.reviews if one.state == "PENDING"}
        threads = [one for one in pull.review_comments if one.in_reply_to is None and one.review_id not in pending]
        return {
            "__typename": "PullRequest",
            "id": f"PR_{pull.id}",
            "number": pull.number,
            "title": pull.title,
            "body": pull.body or "",
            "url": f"https://github.com/pull/{pull.number}",
            "isDraft": pull.draft,
            "headRefOid": pull.head_sha,
            "baseRefOid": pull.base_sha,
            "author": self.actor(pull.author),
            "reviewThreads": connect("reviewThreads", threads, lambda one: self.thread(pull, one)),
        }

    def thread(self, pull: PullRequest, top: ReviewComment) -> Json:
        """The thread that starts with a comment."""
        comments = [one for one in pull.review_comments if top.id in (one.id, one.in_reply_to)]
        return {
            "__typename": "PullRequestReviewThread",
            "id": f"PRRT_{top.id}",
            "isResolved": top.resolved_by is not None,
            "isOutdated": top.outdated,
            "isCollapsed": top.resolved_by is not None or top.outdated,
            "path": top.path,
            "line": top.now.line,
            "originalLine": top.original.line,
            "startLine": top.now.start_line,
            "originalStartLine": top.original.start_line,
            "diffSide": top.now.side or "RIGHT",
            "startDiffSide": top.now.start_side,
            "subjectType": top.subject.upper(),
            "resolvedBy": self.actor(top.resolved_by) if top.resolved_by else None,
            "viewerCanResolve": self.may_resolve(),
            "viewerCanReply": self.token.has("pull_requests", "write"),
            "comments": connect("comments", comments, self.review_comment),
            "pullRequest": lambda _info: self.pull(pull),
        }

    def review_comment(self, comment: ReviewComment) -> Json:
        parent = next((one for one in self.all_comments() if one.id == comment.in_reply_to), None)
        return {
            "__typename": "PullRequestReviewComment",
            "id": f"PRRC_{comment.id}",
            "databaseId": comment.id,
            "fullDatabaseId": str(comment.id),
            "author": self.actor(comment.account),
            "body": comment.body,
            "createdAt": render_time(comment.created),
            "updatedAt": render_time(comment.updated),
            "isMinimized": comment.minimized is not None,
            "minimizedReason": comment.minimized,
            "viewerDidAuthor": comment.account is self.token.account,
            "replyTo": self.review_comment(parent) if parent else None,
            "path": comment.path,
            "outdated": comment.outdated,
            "url": f"https://github.com/discussion_r{comment.id}",
        }

    def all_comments(self) -> list[ReviewComment]:
        return [comment for pull in self.pulls() for comment in pull.review_comments]

    def issue_comment(self, comment: IssueComment) -> Json:
        return {
            "__typename": "IssueComment",
            "id": f"IC_{comment.id}",
            "databaseId": comment.id,
            "author": self.actor(comment.account),
            "body": comment.body,
            "isMinimized": comment.minimized is not None,
            "minimizedReason": comment.minimized,
            "url": f"https://github.com/issuecomment-{comment.id}",
        }

    # -- mutations -----------------------------------------------------------------------------------------------

    def may_resolve(self) -> bool:
        """People with write permission may; for a job's token the switch decides."""
        switch = self.world.switches.resolve_threads
        if not self.token.has("pull_requests", "write"):
            return False
        if not self.token.actions or switch == "allow":
            return True
        return switch == "contents-write" and self.token.has("contents", "write")

    def find_thread(self, thread_id: str) -> tuple[PullRequest, ReviewComment]:
        for pull in self.pulls():
            for comment in pull.review_comments:
                if thread_id == f"PRRT_{comment.id}" and comment.in_reply_to is None:
                    return pull, comment
        raise Refused("NOT_FOUND", f"Could not resolve to a node with the global id of '{thread_id}'.")

    def resolve_thread(self, _info: Any, **arguments: Any) -> Json:
        return self.set_resolved(arguments["input"], self.token.account)

    def unresolve_thread(self, _info: Any, **arguments: Any) -> Json:
        return self.set_resolved(arguments["input"], None)

    def set_resolved(self, given: Json, resolved_by: Account | None) -> Json:
        pull, comment = self.find_thread(given["threadId"])
        if not self.may_resolve():
            raise Refused("FORBIDDEN", "Resource not accessible by integration")
        comment.resolved_by = resolved_by
        return {"thread": self.thread(pull, comment), "clientMutationId": given.get("clientMutationId")}

    def minimize_comment(self, _info: Any, **arguments: Any) -> Json:
        given = arguments["input"]
        wanted = given["subjectId"]
        if not (self.token.has("pull_requests", "write") or self.token.has("issues", "write")):
            raise Refused("FORBIDDEN", "Resource not accessible by integration")
        shown: Json | None = None
        for pull in self.pulls():
            for said in pull.comments:
                if wanted == f"IC_{said.id}":
                    said.minimized = given["classifier"].lower()
                    shown = self.issue_comment(said)
            for comment in pull.review_comments:
                if wanted == f"PRRC_{comment.id}":
                    comment.minimized = given["classifier"].lower()
                    shown = self.review_comment(comment)
        if shown is None:
            raise Refused("NOT_FOUND", f"Could not resolve to a node with the global id of '{wanted}'.")
        return {"minimizedComment": shown, "clientMutationId": given.get("clientMutationId")}
