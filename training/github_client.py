"""GitHub's REST and GraphQL with the limits kept: conditional requests, pages, several tokens, visible waits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from reviewer.errors import HostError, HostUnavailable, NotFound, PermissionDenied, RateLimited
from training.github_shapes import Cost, Document, parse_document, read_shape
from training.github_tokens import HOUR, Credential, Resource
from training.github_wire import Wire

JSON = "application/vnd.github+json"
DIFF = "application/vnd.github.diff"
PER_PAGE = 100
FIRST_WAIT = 60.0
"""Seconds after a secondary limit that names no time; doubled each time."""
MAX_STRIKES = 7
_SECONDARY = ("secondary rate limit", "abuse detection", "retry your request again later")
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


@dataclass(frozen=True, slots=True)
class Answer:
    """What REST answered: 200, or 304 when what the ETag stands for has not changed."""

    status: int
    content: bytes
    etag: str = ""
    next_url: str = ""
    url: str = ""
    """Where it came from in the end, after redirects."""

    @property
    def unchanged(self) -> bool:
        """Whether it is a 304."""
        return self.status == httpx.codes.NOT_MODIFIED

    def json(self) -> Any:
        """The document, or HostError."""
        return parse_document(self.content)


@dataclass(frozen=True, slots=True)
class Reply:
    """What GraphQL answered. A part that was refused is None in `data`, and stands in `errors`."""

    data: dict[str, Any]
    errors: tuple[dict[str, Any], ...] = field(default=())


class GitHubClient:
    """Asks GitHub in the name of whichever credential has most left. `counts` says how often."""

    def __init__(self, wire: Wire, credentials: Sequence[Credential]) -> None:
        self.wire = wire
        self.credentials = credentials
        self.counts: Counter[str] = Counter()
        """`core`, `graphql`: requests; `unchanged`: those of `core` that were free; `points`: of GraphQL."""

    def get(
        self, path: str, *, accept: str = JSON, etag: str = "", params: dict[str, str | int] | None = None
    ) -> Answer:
        """GET. With an ETag the answer may be a 304, which costs nothing of the limit.

        Raises:
            NotFound, PermissionDenied, RateLimited, HostUnavailable, HostError: GitHub said no, or nothing.
        """
        headers = {"Accept": accept, **({"If-None-Match": etag} if etag else {})}
        response = self._request("core", "GET", self.wire.url(path), headers=headers, params=params)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            self.counts["unchanged"] += 1
        elif response.status_code != httpx.codes.OK:
            raise translate(response, path)
        found = _NEXT.search(response.headers.get("link", ""))
        etag = response.headers.get("etag", "")
        return Answer(response.status_code, response.content, etag, found[1] if found else "", str(response.url))

    def pages(self, path: str, params: dict[str, str | int] | None = None) -> Iterator[Any]:
        """The items of all pages of a list."""
        answer = self.get(path, params={"per_page": PER_PAGE, **(params or {})})
        yield from read_shape(answer.json(), list[Any])
        while answer.next_url:
            answer = self.get(answer.next_url)
            yield from read_shape(answer.json(), list[Any])

    def query(self, text: str, **variables: Any) -> Reply:
        """Ask GraphQL.

        Raises:
            NotFound: There is no such repository.
            HostUnavailable: It took GitHub too long; a smaller page may do.
            HostError: GitHub refused the whole query.
        """
        headers = {"Accept": JSON}
        body = {"query": text, "variables": variables}
        response = self._request("graphql", "POST", self.wire.graphql_url, headers=headers, body=body)
        if response.status_code != httpx.codes.OK:
            raise translate(response, "GraphQL")
        document = read_shape(parse_document(response.content), Document)
        data, errors = document.get("data") or {}, tuple(document.get("errors") or ())
        self.counts["points"] += (read_shape(data.get("rateLimit"), Cost | None) or {}).get("cost") or 1
        if errors and all(value is None for name, value in data.items() if name != "rateLimit"):
            raise translate_errors(errors)
        return Reply(data, errors)

    def _request(self, resource: Resource, method: str, url: str, **given: Any) -> httpx.Response:
        while True:
            credential = self._choose(resource)
            token = credential.token(self.wire.watch.now())
            response = self.wire.exchange(method, url, token, **given)
            self.counts[resource] += 1
            credential.learn(resource, response.headers, self.wire.watch.now())
            if response.status_code == httpx.codes.UNAUTHORIZED:
                credential.refused = True
                self.wire.watch.say(f"GitHub does not accept {credential.name}: it is not used any more.")
            elif not self._block(credential, resource, response):
                credential.strikes = 0
                return response

    def _choose(self, resource: Resource) -> Credential:
        """The credential with most left, after a wait when none may ask."""
        usable = [credential for credential in self.credentials if not credential.refused]
        if not usable:
            raise PermissionDenied("GitHub accepts none of the tokens.", "Check that they have not expired.", 401)
        watch = self.wire.watch
        first = min(usable, key=lambda one: one.budgets[resource].blocked_until)
        until = first.budgets[resource].blocked_until
        if until > (now := watch.now()):
            watch.wait(until - now, f"GitHub's rate limit is reached until {render_clock(until)} UTC")
        now = max(watch.now(), until)
        free = [one for one in usable if one.budgets[resource].blocked_until <= now]
        return max(free, key=lambda one: one.left(resource, now))

    def _block(self, credential: Credential, resource: Resource, response: httpx.Response) -> bool:
        """Whether a limit was reached; then the credential rests as long as GitHub says."""
        now = self.wire.watch.now()
        kind, seconds = read_limit(response, resource, now)
        if kind == "primary":
            credential.budgets[resource].blocked_until = now + seconds
        elif kind == "secondary":
            credential.strikes += 1
            if credential.strikes > MAX_STRIKES:
                raise RateLimited(
                    "GitHub's secondary rate limit does not end.",
                    "Run the same command again in some hours: it goes on.",
                    response.status_code,
                )
            pause = seconds or min(FIRST_WAIT * 2 ** (credential.strikes - 1), HOUR)
            for budget in credential.budgets.values():
                budget.blocked_until = now + pause
        return bool(kind)


def read_limit(response: httpx.Response, resource: Resource, now: float) -> tuple[str, float]:
    """`primary` or `secondary`, or nothing, and the seconds until more may be asked (0: GitHub does not say)."""
    headers = response.headers
    limited = response.status_code in {httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS}
    if resource == "graphql" and response.status_code == httpx.codes.OK:
        limited = b'"RATE_LIMITED"' in response.content[:2000]  # in a text its last quote would be escaped
    if not limited:
        return "", 0.0
    retry_after = headers.get("retry-after", "")
    if retry_after.isdecimal():
        return "secondary", min(float(retry_after), HOUR)
    words = response.text.lower()
    if any(word in words for word in _SECONDARY):
        return "secondary", 0.0
    if headers.get("x-ratelimit-remaining") == "0" or "rate_limited" in words:
        reset = headers.get("x-ratelimit-reset", "")
        left = min(float(reset) - now, HOUR) if reset.isdecimal() else 0.0
        return "primary", left + 1.0 if left > 0 else FIRST_WAIT  # our clock may be ahead of GitHub's
    return ("secondary", 0.0) if response.status_code == httpx.codes.TOO_MANY_REQUESTS else ("", 0.0)


def translate(response: httpx.Response, path: str) -> HostError:
    """The error for an answer that is no success."""
    status, message = response.status_code, read_message(response)
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE, httpx.codes.UNAVAILABLE_FOR_LEGAL_REASONS}:
        return NotFound(f"GitHub has no {path}, or the token may not see it.", "Check the name.", status)
    if status == httpx.codes.FORBIDDEN:
        return PermissionDenied(f"GitHub does not let us read {path}: {message}.", "Check the token's scope.", status)
    return HostError(f"GitHub answered {status} for {path}: {message}.", "Try again.", status)


def read_message(response: httpx.Response) -> str:
    """GitHub's own words, cut short."""
    try:
        document = parse_document(response.content)
    except HostError:
        return "no reason given"
    return str(document.get("message", "no reason given"))[:200].rstrip(".") if isinstance(document, dict) else ""


def translate_errors(errors: Sequence[dict[str, Any]]) -> HostError:
    """The error for a query that gave nothing at all."""
    kinds, message = {str(error.get("type", "")) for error in errors}, str(errors[0].get("message", ""))[:200]
    if "NOT_FOUND" in kinds:
        return NotFound(message, "Check the name, and what the token may see.", 404)
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return PermissionDenied(message, "Check the token's scope.", 403)
    if not kinds - {"", "MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED"}:
        return HostUnavailable(f"GraphQL gave up: {message}", "Run the same command again later: it goes on.")
    return HostError(f"GraphQL refused the query: {message}", "Report it.", 400)


def render_clock(seconds: float) -> str:
    """`14:05:09` of a time in seconds since 1970, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")
