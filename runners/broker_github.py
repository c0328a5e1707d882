"""GitHub for the broker: an app's or a token's requests about runners and runs, each answer judged by its status."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import httpx
import msgspec

from reviewer.errors import (
    HostError,
    HostUnavailable,
    NotFound,
    PermissionDenied,
    RateLimited,
    UsageError,
    ValidationFailed,
)
from reviewer.exchange import load_certificates
from runners.broker_config import BrokerConfig
from runners.errors import RunnerError

API_VERSION: Final = "2022-11-28"
TIMEOUT: Final = 30.0
"""Seconds for one request."""
JWT_LIFE: Final = 540
"""Seconds; GitHub takes no more than ten minutes."""
REFRESH: Final = 300.0
"""Seconds before its end at which the app's token is replaced."""
PER_PAGE: Final = 100
MAX_PAGES: Final = 5
REMEMBERED: Final = 500
"""Answers kept to ask about with their ETag: one that is unchanged costs nothing of GitHub's limit."""
LONGEST_WAIT: Final = 3600.0
"""Seconds: GitHub counts its limits by the hour."""
_LIMIT_WORDS: Final = ("rate limit", "abuse detection")


class BrokerGitHub:
    """One repository's runners and runs. A token of the app is fetched when it is needed, and never shown."""

    def __init__(self, config: BrokerConfig, credential: str, clock: Callable[[], float] = time.time) -> None:
        self.repository = config.repository
        self._app_id = config.app_id
        self._credential = credential
        self._clock = clock
        self._token, self._expires = ("", 0.0) if config.app_id else (credential, float("inf"))
        self._seen: dict[str, tuple[str, Any]] = {}
        self._http = open_client(config.api_url)

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def ask(self, method: str, path: str, body: Any = None, **params: str | int) -> Any:
        """The JSON of an answer about the repository; None for an answer without.

        Raises:
            HostUnavailable, RateLimited: Try again later.
            PermissionDenied, NotFound, ValidationFailed, HostError: GitHub said no.
        """
        return self._send(method, f"/repos/{self.repository}{path}", self._bearer(), body, params)

    def list_all(self, path: str, key: str, **params: str | int) -> list[Any]:
        """The items below `key` of all pages, at most 500."""
        found: list[Any] = []
        for page in range(1, MAX_PAGES + 1):
            items = self.ask("GET", path, per_page=PER_PAGE, page=page, **params)[key]
            found += items
            if len(items) < PER_PAGE:
                break
        return found

    def get_installation(self) -> Any:
        """The app's installation on the repository, with its permissions."""
        return self._send("GET", f"/repos/{self.repository}/installation", self._sign(), None, {})

    def _bearer(self) -> str:
        if self._expires - self._clock() < REFRESH:
            number = self.get_installation()["id"]
            path = f"/app/installations/{int(number)}/access_tokens"
            only = {"repositories": [self.repository.partition("/")[2]]}
            data = self._send("POST", path, self._sign(), only, {})
            self._token = data["token"]
            self._expires = datetime.fromisoformat(data["expires_at"]).timestamp()
        return self._token

    def _sign(self) -> str:
        """A JSON web token of the app, signed with its key. It may lie a minute back: clocks differ."""
        try:
            import jwt
        except ModuleNotFoundError as error:
            hint = "Install what operations need: pip install 'glossator[ops]'"
            raise UsageError(f"The library {error.name} is not installed.", hint) from error
        now = int(self._clock())
        claims = {"iat": now - 60, "exp": now + JWT_LIFE - 60, "iss": self._app_id}
        try:
            return jwt.encode(claims, self._credential, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise UsageError("The app's key is no private key.", "Give the whole PEM file.") from error

    def _send(self, method: str, path: str, bearer: str, body: Any, params: dict[str, str | int]) -> Any:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {bearer}",
            "User-Agent": "glossator",
            "X-GitHub-Api-Version": API_VERSION,
        }
        key = f"{path}?{httpx.QueryParams(params)}"
        tag, known = self._seen.get(key, ("", None)) if method == "GET" else ("", None)
        headers |= {"If-None-Match": tag} if tag else {}
        try:
            response = self._http.request(method, path, headers=headers, params=params or None, json=body)
        except httpx.RequestError as error:
            raise HostUnavailable(f"GitHub did not answer: {type(error).__name__}.", "It is asked again.") from error
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return known
        if response.is_success:
            data = read_json(response) if response.content else None
            if method == "GET" and response.headers.get("etag"):
                self._remember(key, response.headers["etag"], data)
            return data
        raise translate(response, f"{method} {path}", self._clock())

    def _remember(self, key: str, tag: str, data: Any) -> None:
        if len(self._seen) >= REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        self._seen[key] = (tag, data)


def open_client(api_url: str) -> httpx.Client:
    """A client of one GitHub. Certificates are read, which is slow, only where they are needed."""
    verify = load_certificates() if api_url.startswith("https://") else False
    return httpx.Client(base_url=api_url.rstrip("/"), timeout=TIMEOUT, verify=verify)


def read_json(response: httpx.Response) -> Any:
    """The document, or HostUnavailable: a proxy's page in between is no answer."""
    try:
        return msgspec.json.decode(response.content)
    except msgspec.MsgspecError as error:
        raise HostUnavailable("GitHub's answer is no JSON.", "Is there a proxy in between?") from error


def translate(response: httpx.Response, what: str, now: float) -> HostError:
    """The error for an answer that is no success, in GitHub's words."""
    status, said = response.status_code, read_message(response)
    headers = response.headers
    exhausted = headers.get("x-ratelimit-remaining") == "0" or any(word in said.lower() for word in _LIMIT_WORDS)
    if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.FORBIDDEN and exhausted):
        return RateLimited(f"GitHub's rate limit is reached: {said}", "", status, read_wait(headers, now))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return HostUnavailable(f"GitHub answered {status} to {what}.", "It is asked again.", status)
    message = f"GitHub refuses {what} ({status}): {said}"
    kinds = {401: PermissionDenied, 403: PermissionDenied, 404: NotFound, 422: ValidationFailed}
    return kinds.get(status, HostError)(message, "", status)


def read_message(response: httpx.Response) -> str:
    """GitHub's own words, cut short and on one line."""
    try:
        document = msgspec.json.decode(response.content)
    except msgspec.MsgspecError:
        return "no reason given"
    message = document.get("message", "") if isinstance(document, dict) else ""
    return " ".join(str(message).split())[:200] or "no reason given"


def read_wait(headers: httpx.Headers, now: float) -> float:
    """Seconds until GitHub may be asked again."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isdecimal():
        return min(float(after), LONGEST_WAIT)
    left = float(reset) - now if reset.isdecimal() else 60.0
    return min(max(left, 1.0), LONGEST_WAIT)


def explain(error: HostError, config: BrokerConfig) -> RunnerError:
    """What to do about a refusal that will not pass by itself."""
    who = f"The GitHub App {config.app_id}" if config.app_id else "The token"
    hints = {
        401: f"{who} is not known: check its number and key (or the token), and that the clock is right.",
        403: f"{who} needs Administration: read and write, and Actions: read and write, on {config.repository}.",
        404: f"{who} may not see {config.repository}: install it there, with Administration: read and write.",
        409: "Another runner has this name: remove it in Settings, Actions, Runners.",
        422: "Check `group` and `labels`: a repository's only group is 1.",
    }
    return RunnerError(error.what, hints.get(error.status, "Read GitHub's words above."))
