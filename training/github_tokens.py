"""What we authenticate with: one or several tokens, or a GitHub App; and what each may still ask for.

A token never stands in a message: it goes by its number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import httpx

from reviewer.errors import HostError, NotFound, PermissionDenied, UsageError
from training.github_shapes import Installation, IssuedToken, parse_document, read_shape
from training.github_wire import Wire

Resource = Literal["core", "graphql"]
"""GitHub counts REST and GraphQL apart."""
REFRESH = 300.0
"""Seconds before its end at which an installation's token is replaced."""
JWT_LIFE = 540
"""Seconds; GitHub takes no more than ten minutes."""
HOUR = 3600.0
"""Seconds. GitHub counts by the hour: nothing is waited for longer at once, whatever an answer says."""
SETUP = "Set GLOSSATOR_GITHUB_TOKENS (several with commas between), or GLOSSATOR_APP_ID and GLOSSATOR_APP_KEY."


@dataclass(slots=True)
class Budget:
    """What is left of an hour's limit, as far as the answers told, and until when nothing may be asked."""

    remaining: int | None = None
    limit: int = 5000
    reset: float = 0.0
    blocked_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and when it ends."""

    token: str
    expires: float = float("inf")


@dataclass(slots=True)
class Credential:
    """A token that may have to be renewed, with its budgets. `name` is what messages call it."""

    name: str
    fetch: Callable[[], Issued]
    budgets: dict[Resource, Budget] = field(default_factory=lambda: {"core": Budget(), "graphql": Budget()})
    issued: Issued | None = None
    strikes: int = 0
    """Secondary limits that came one after another."""
    refused: bool = False

    def token(self, now: float) -> str:
        """The token, renewed when it is about to end."""
        if self.issued is None or self.issued.expires - now < REFRESH:
            self.issued = self.fetch()
        return self.issued.token

    def learn(self, resource: Resource, headers: Mapping[str, str], now: float) -> None:
        """Take what an answer says about the limit."""
        budget = self.budgets[resource]
        remaining, reset = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
        if not (is_count(remaining) and reset.isdecimal()):
            return
        budget.remaining, budget.reset = int(remaining), min(float(reset), now + HOUR)
        if not budget.remaining:  # the next request would be refused
            budget.blocked_until = max(budget.blocked_until, budget.reset + 1.0)
        if is_count(headers.get("x-ratelimit-limit", "")):
            budget.limit = int(headers["x-ratelimit-limit"])

    def left(self, resource: Resource, now: float) -> float:
        """How much may still be asked, as far as one knows."""
        budget = self.budgets[resource]
        return float("inf") if budget.remaining is None or budget.reset <= now else budget.remaining


def is_count(text: str) -> bool:
    """Whether it is a number of requests."""
    return text.isdecimal() and len(text) < 10  # noqa: PLR2004 - no hour has a milliard of requests


def is_token(text: str) -> bool:
    """Whether it can stand in a header."""
    return text.isascii() and text.isprintable()


class Credentials(Protocol):
    """Where the credentials for a repository come from."""

    def for_repo(self, repo: str) -> Sequence[Credential]:
        """Those that may read the repository."""
        ...


class Tokens:
    """The same tokens for every repository."""

    def __init__(self, tokens: Sequence[str]) -> None:
        count = len(tokens)
        self.credentials = [
            Credential(f"token {number} of {count}", lambda token=token: Issued(token))  # type: ignore[misc] # bound now
            for number, token in enumerate(tokens, 1)
        ]

    def for_repo(self, repo: str) -> Sequence[Credential]:  # noqa: ARG002 - the protocol's signature
        """All of them."""
        return self.credentials


class GitHubApp:
    """A GitHub App: for each account that it is installed on, a token of an hour."""

    def __init__(self, app_id: str, key: str, wire: Wire) -> None:
        self.app_id = app_id
        self._key = key.replace("\\n", "\n")
        self._wire = wire
        self._installations: dict[int, Credential] = {}

    def for_repo(self, repo: str) -> Sequence[Credential]:
        """The installation that may read the repository.

        Raises:
            HostError: The app is not installed there, or GitHub does not take its key.
        """
        number: int = self._ask("GET", f"/repos/{repo}/installation", Installation)["id"]
        if number not in self._installations:
            self._installations[number] = Credential(f"installation {number}", lambda: self._issue(number))
        return [self._installations[number]]

    def _issue(self, number: int) -> Issued:
        data = self._ask("POST", f"/app/installations/{number}/access_tokens", IssuedToken)
        if not is_token(data["token"]):
            raise HostError("GitHub's answer is not what it should be: no token.", "Is there a proxy in between?")
        return Issued(data["token"], data["expires_at"].timestamp())

    def _ask(self, method: str, path: str, shape: type[Any]) -> Any:
        response = self._wire.exchange(method, self._wire.url(path), self._sign())
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(f"The GitHub App {self.app_id} is not installed for {path}.", "Install it there.", 404)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise PermissionDenied(
                f"GitHub does not take the key of the app {self.app_id}.", "Check GLOSSATOR_APP_KEY.", 401
            )
        if response.is_error:
            raise HostError(f"GitHub answered {response.status_code} to the app.", "Try again.", response.status_code)
        return read_shape(parse_document(response.content), shape)

    def _sign(self) -> str:
        """A JSON web token, signed with the app's key. It may lie a minute back: clocks differ."""
        import jwt

        now = int(self._wire.watch.now())
        claims = {"iat": now - 60, "exp": now + JWT_LIFE - 60, "iss": self.app_id}
        try:
            return jwt.encode(claims, self._key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise UsageError("GLOSSATOR_APP_KEY is no private key.", "Give the whole PEM file's text.") from error


def load_credentials(wire: Wire, environment: Mapping[str, str] = os.environ) -> Credentials:
    """What the environment gives: an app, else tokens, else GITHUB_TOKEN.

    Raises:
        UsageError: Nothing is set, only half of an app, or what can be no token.
    """
    app_id, key = environment.get("GLOSSATOR_APP_ID", ""), environment.get("GLOSSATOR_APP_KEY", "")
    if bool(app_id) != bool(key):
        raise UsageError("GLOSSATOR_APP_ID and GLOSSATOR_APP_KEY belong together.", "Set both, or none.")
    if app_id:
        return GitHubApp(app_id, key, wire)
    given = environment.get("GLOSSATOR_GITHUB_TOKENS", "") or environment.get("GITHUB_TOKEN", "")
    tokens = list(dict.fromkeys(given.replace(",", " ").split()))
    if not tokens:
        raise UsageError("There is no token for GitHub.", SETUP)
    for number, token in enumerate(tokens, 1):
        if not is_token(token):
            raise UsageError(
                f"Token {number} of {len(tokens)} for GitHub holds characters that no token has.",
                "Copy it again: it has letters from A to z, digits and _ only.",
            )
    return Tokens(tokens)
