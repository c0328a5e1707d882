"""POST /graphql: repositories, pull requests and their threads, resolving and minimising.

Queries are held to GitHub's own types, measured by its cost rules, and refused where GitHub would.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from simulation.github_server.contract import FOLDER
from simulation.github_server.graphql_cost import Cost, measure
from simulation.github_server.graphql_pages import Refused
from simulation.github_server.graphql_views import Shapes
from simulation.github_server.limits import LimitReached, spend
from simulation.github_server.routes import show_budget
from simulation.github_server.state import Account, PullRequest, Repository, ReviewComment, Token, World, render_time
from simulation.github_server.views import Json

KEYS = {"query", "variables", "operationName"}


@cache
def load_schema() -> GraphQLSchema:
    """The committed part of GitHub's schema, read once a process."""
    return build_schema((FOLDER / "schema.graphql").read_text("utf-8"))


def answer_query(world: World, token: Token, body: Any, *, free: bool = False) -> tuple[Json, list[str]]:
    """GraphQL's answer, and where the query breaks GitHub's schema. `free`: nothing is taken off a limit.

    Raises:
        ApiError: A limit is reached.
    """
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return {"errors": [{"message": "A query attribute must be specified and must be a string."}]}, ["no query"]
    problems = [f"unknown key {key!r}" for key in sorted(body.keys() - KEYS)]
    variables, operation = body.get("variables"), body.get("operationName")
    document, errors = read_query(body["query"])
    if document is None or errors:
        return {"errors": [error.formatted for error in errors]}, problems + [error.message for error in errors]
    cost = measure(document, operation, variables)
    if refused := find_refusal(world, token, cost, writes="mutation" in body["query"], free=free):
        return {"errors": [refused]}, problems
    root = Root(world, token, cost, Shapes(world, token)).fields()
    result = execute_sync(load_schema(), document, root_value=root, variable_values=variables, operation_name=operation)
    return render_result(result), problems + [error.message for error in result.errors or () if is_ours(error)]


@lru_cache(64)
def read_query(text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    """A query, and where it breaks the schema; a client sends the same few again and again."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, [error]
    return document, validate(load_schema(), document)


def find_refusal(world: World, token: Token, cost: Cost, *, writes: bool, free: bool) -> Json | None:
    """The error of a query that asks for too much, or once too often. Takes its cost off the limit otherwise."""
    limit = world.switches.node_limit
    if cost.nodes > limit:
        message = (
            f"This query requests up to {cost.nodes:,} possible nodes which exceeds the maximum limit of {limit:,}."
        )
        return {"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message}
    try:
        if not free:
            spend(world, token, "graphql", writes=writes, cost=cost.points)
    except LimitReached as error:
        if world.switches.graphql_limit_status == 403:
            raise
        return {"type": "RATE_LIMITED", "message": error.message}
    return None


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


@dataclass(frozen=True, slots=True)
class Root:
    """The resolvers of one request."""

    world: World
    token: Token
    cost: Cost
    shapes: Shapes

    def fields(self) -> dict[str, Any]:
        """Queries and mutations by name."""
        viewer = self.token.account
        return {
            "viewer": {**self.shapes.actor(viewer), "__typename": "User", "login": viewer.login},
            "repository": self.get_repository,
            "node": self.get_node,
            "rateLimit": self.get_rate_limit,
            "resolveReviewThread": self.resolve_thread,
            "unresolveReviewThread": self.unresolve_thread,
            "minimizeComment": self.minimize_comment,
        }

    # -- queries -------------------------------------------------------------------------------------------------

    def get_rate_limit(self, _info: Any, **_arguments: Any) -> Json:
        budget = show_budget(self.world, self.token, "graphql")
        return {**budget, "cost": self.cost.points, "resetAt": render_time(budget["reset"])}

    def get_repository(self, _info: Any, owner: str, name: str, *, followRenames: bool = True) -> Json:  # noqa: N803 - GraphQL's name
        wanted = f"{owner}/{name}".lower()
        repository = self.world.repositories.get(wanted)
        if repository is None and followRenames:
            repository = self.world.renamed.get(wanted)
        if repository is None:
            raise Refused("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        if repository.private and not self.token.has("pull_requests", "read"):
            raise Refused("FORBIDDEN", "Resource not accessible by integration")
        return self.shapes.repository(repository)

    def get_node(self, _info: Any, id: str) -> Json:  # noqa: A002 - GraphQL's name
        for repository, pull in self.pulls():
            if id == f"PR_{pull.id}":
                return self.shapes.pull(repository, pull)
            for comment in pull.review_comments:
                if id == f"PRRT_{comment.id}":
                    return self.shapes.thread(repository, pull, comment)
                if id == f"PRRC_{comment.id}":
                    return self.shapes.review_comment(repository, pull, comment)
            for said in pull.comments:
                if id == f"IC_{said.id}":
                    return self.shapes.issue_comment(said)
        raise missing_node(id)

    def pulls(self) -> list[tuple[Repository, PullRequest]]:
        """All pull requests, each with its repository."""
        repositories = self.world.repositories.values()
        return [(repository, pull) for repository in repositories for pull in repository.pulls.values()]

    # -- mutations -----------------------------------------------------------------------------------------------

    def resolve_thread(self, _info: Any, **arguments: Any) -> Json:
        return self.set_resolved(arguments["input"], self.token.account)

    def unresolve_thread(self, _info: Any, **arguments: Any) -> Json:
        return self.set_resolved(arguments["input"], None)

    def set_resolved(self, given: Json, resolved_by: Account | None) -> Json:
        repository, pull, comment = self.find_thread(given["threadId"])
        if not self.shapes.may_resolve():
            raise Refused("FORBIDDEN", "Resource not accessible by integration")
        comment.resolved_by = resolved_by
        thread = self.shapes.thread(repository, pull, comment)
        return {"thread": thread, "clientMutationId": given.get("clientMutationId")}

    def find_thread(self, thread_id: str) -> tuple[Repository, PullRequest, ReviewComment]:
        for repository, pull in self.pulls():
            for comment in pull.review_comments:
                if thread_id == f"PRRT_{comment.id}" and comment.in_reply_to is None:
                    return repository, pull, comment
        raise missing_node(thread_id)

    def minimize_comment(self, _info: Any, **arguments: Any) -> Json:
        given = arguments["input"]
        if not (self.token.has("pull_requests", "write") or self.token.has("issues", "write")):
            raise Refused("FORBIDDEN", "Resource not accessible by integration")
        shown = self.minimize(given["subjectId"], given["classifier"].lower())
        return {"minimizedComment": shown, "clientMutationId": given.get("clientMutationId")}

    def minimize(self, wanted: str, reason: str) -> Json:
        """Hide a comment. Returns what it looks like then."""
        for repository, pull in self.pulls():
            for said in pull.comments:
                if wanted == f"IC_{said.id}":
                    said.minimized = reason
                    return self.shapes.issue_comment(said)
            for comment in pull.review_comments:
                if wanted == f"PRRC_{comment.id}":
                    comment.minimized = reason
                    return self.shapes.review_comment(repository, pull, comment)
        raise missing_node(wanted)


def missing_node(wanted: str) -> Refused:
    return Refused("NOT_FOUND", f"Could not resolve to a node with the global id of '{wanted}'.")
