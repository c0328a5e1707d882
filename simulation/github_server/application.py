"""From a request to an answer, without the network: authentication, limits, contract, routes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

from simulation.github_server import (
    routes_actions,
    routes_apps,
    routes_git,
    routes_issues,
    routes_reviews,
    routes_runners,
    routes_tracker,
    routes_variables,
)
from simulation.github_server.answers import Answer, ApiError, Redirect, Request, not_found
from simulation.github_server.contract import Operation, load_contract
from simulation.github_server.limits import Resource, give_back, render_headers, spend
from simulation.github_server.routes import ROUTES
from simulation.github_server.state import Token, World
from simulation.github_server.views import Views

ROUTE_MODULES = (
    routes_actions,
    routes_apps,
    routes_git,
    routes_issues,
    routes_reviews,
    routes_runners,
    routes_tracker,
    routes_variables,
)
"""Imported for the routes that they register."""


@dataclass(slots=True)
class Call:
    """A request as it came. `path` has no prefix and is still quoted; `base` is the API's address for the client."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = "http://127.0.0.1"
    token: Token | None = None
    """Set for calls inside the process: whose call it is, free of limits."""

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")


class Application:
    """Answers calls one after another from one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.violations: list[str] = []

    def answer(self, call: Call) -> Answer:
        """Carry out a call. Never raises for what a client did wrong."""
        with self.lock:
            token: Token | None = None
            try:
                token = call.token or self.authenticate(call.header("authorization"))
                answer = self.dispatch(call, token)
            except ApiError as error:
                answer = Answer(error.status, error.body, dict(error.headers))
            resource: Resource = "graphql" if call.path == "/graphql" else "core"
            answer.headers = {**render_headers(self.world, token, resource), **answer.headers}
            return answer

    def authenticate(self, header: str) -> Token | None:
        """The token of an Authorization header; None without one."""
        scheme, _, value = header.partition(" ")
        if not header:
            return None
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode().rpartition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                value = ""
        value = value.strip()
        if value.count(".") == 2 and self.world.apps:
            return routes_apps.authenticate_app(self.world, value)
        token = self.world.tokens.get(value)
        if token is None or (token.expires is not None and token.expires <= self.world.clock()):
            raise ApiError(401, "Bad credentials")
        return token

    def dispatch(self, call: Call, token: Token | None) -> Answer:
        """Find the operation, check both directions against the contract, answer."""
        if call.path == "/graphql":
            return self.answer_graphql(call, token)
        path = self.follow_names(call)
        found = load_contract().match(call.method, path)
        if found is None:
            self.violations.append(f"{call.method} {call.path}: not an operation of the committed contract")
            raise not_found()
        operation, parameters = found
        if call.token is None and operation.id != "rate-limit/get":
            spend(self.world, token, writes=call.method != "GET")
        query, body = dict(parse_qsl(call.query, keep_blank_values=True)), parse_body(call.body)
        self.check_request(call, operation, query, body)
        views = Views(self.world, call.base)
        accept = call.header("accept")
        request = Request(self.world, views, operation, call.base + path, parameters, query, body, accept, token)
        try:
            answer = ROUTES[operation.id](request)
        except ApiError as error:
            answer = Answer(error.status, error.body, dict(error.headers))
        self.check_answer(call, operation, answer)
        return self.answer_unchanged(call, token, answer)

    def follow_names(self, call: Call) -> str:
        """The path with a repository's name of today: by its number, or a redirect from a name of old."""
        kind, *rest = call.path.removeprefix("/").split("/")
        if kind == "repositories" and rest:
            named = [one for one in self.world.repositories.values() if str(one.id) == rest[0]]
            return "/".join(["", "repos", named[0].full_name, *rest[1:]]) if named else call.path
        if kind == "repos" and len(rest) >= 2:
            name = f"{rest[0]}/{rest[1]}".lower()
            moved = None if name in self.world.repositories else self.world.renamed.get(name)
            if moved is not None:
                place = "/".join([f"{call.base}/repositories/{moved.id}", *rest[2:]])
                raise Redirect(place + (f"?{call.query}" if call.query else ""), reads=call.method == "GET")
        return call.path

    def answer_unchanged(self, call: Call, token: Token | None, answer: Answer) -> Answer:
        """Give what was read an ETag. A client that has it already gets 304, free of the primary limit."""
        if call.method != "GET" or answer.status != 200:
            return answer
        tag = render_etag(answer, call.header("accept"))
        answer.headers["ETag"] = tag
        if not is_unchanged(call, tag, answer.headers.get("Last-Modified", "")):
            return answer
        if call.token is None:
            give_back(token)
        return Answer(304, None, answer.headers)

    def answer_graphql(self, call: Call, token: Token | None) -> Answer:
        """GraphQL answers 200 whatever happened, with `errors`; without a token it does not answer at all."""
        from simulation.github_server.graphql import answer_query

        if token is None:
            raise ApiError(401, "This endpoint requires you to be authenticated.")
        if call.method != "POST":
            raise not_found()
        body, problems = answer_query(self.world, token, parse_body(call.body), free=call.token is not None)
        self.record(call, "query", problems)
        return Answer(200, body)

    def check_request(self, call: Call, operation: Operation, query: dict[str, str], body: Any) -> None:
        """Refuse what GitHub's schema does not know."""
        if not self.world.switches.check_contract:
            return
        problems = load_contract().check_request(operation, query, body)
        if problems:
            self.record(call, "request", problems)
            raise ApiError(500, f"contract violation: {'; '.join(problems)}")

    def check_answer(self, call: Call, operation: Operation, answer: Answer) -> None:
        """Record where the stand-in itself breaks GitHub's schema."""
        if not self.world.switches.check_contract or isinstance(answer.body, bytes):
            return
        if answer.status in (301, 307, 406, 502):
            return
        problems = load_contract().check_answer(operation, answer.status, answer.body)
        self.record(call, f"answer {answer.status}", problems)

    def record(self, call: Call, what: str, problems: list[str]) -> None:
        """Remember violations for the test to fail on."""
        self.violations += [f"{call.method} {call.path} {what}: {problem}" for problem in problems]


def render_etag(answer: Answer, accept: str) -> str:
    """The same for the same answer in the same form."""
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    return f'W/"{hashlib.sha256(body + accept.encode()).hexdigest()}"'


def is_unchanged(call: Call, tag: str, modified: str) -> bool:
    """Whether a client has this answer already. A tag decides before a date does."""
    if known := call.header("if-none-match"):
        return tag.removeprefix("W/") in (one.strip().removeprefix("W/") for one in known.split(","))
    since = call.header("if-modified-since")
    return bool(since and modified) and parsedate_to_datetime(modified) <= parsedate_to_datetime(since)


def parse_body(body: bytes) -> Any:
    """A JSON body; None for none."""
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        raise ApiError(400, "Problems parsing JSON") from error
