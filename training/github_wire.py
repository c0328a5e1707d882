"""One request to GitHub and its answer: repeated when the network or the server fails, and never sent elsewhere.

All that is asked here reads, or makes a short-lived token, so that asking twice does no harm.
"""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from reviewer.errors import HostError, HostUnavailable, UsageError
from reviewer.exchange import load_certificates

API_URL = "https://api.github.com"
API_VERSION = "2022-11-28"
TIMEOUT = 60.0
"""Seconds for one request. A large diff takes GitHub up to ten."""
RETRY_AFTER = (1.0, 4.0, 16.0)
"""Seconds before each further try."""
HOPS = 3


class Watch(Protocol):
    """The clock, and whoever looks on."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def wait(self, seconds: float, why: str) -> None:
        """Let time pass, and say why: a sentence."""
        ...

    def say(self, sentence: str) -> None:
        """Tell what happened."""
        ...


class Wire:
    """HTTP to one GitHub. `sent` counts what went out. A client that is given stays open on `close`."""

    def __init__(
        self, watch: Watch, api_url: str = API_URL, graphql_url: str = "", *, http: httpx.Client | None = None
    ) -> None:
        self.watch = watch
        self.api_url = check_url(api_url).rstrip("/")
        self.graphql_url = check_url(graphql_url) if graphql_url else derive_graphql_url(self.api_url)
        self.sent = 0
        self._is_ours = http is None
        self._http = http or httpx.Client(timeout=TIMEOUT, verify=load_certificates())

    def close(self) -> None:
        """Let the connections go."""
        if self._is_ours:
            self._http.close()

    def url(self, path: str) -> str:
        """The address of an API path; a whole address stays as it is."""
        return path if "://" in path else self.api_url + path

    def exchange(
        self,
        method: str,
        url: str,
        token: str,
        *,
        headers: dict[str, str] | None = None,
        params: dict[str, str | int] | None = None,
        body: Any = None,
    ) -> httpx.Response:
        """The answer to a request, whatever its status below 500. Redirects on the same host are followed.

        Raises:
            HostUnavailable: No answer, or a 5xx, after several tries.
            HostError: The address, or a redirect, is none or leads to another host: the token stays here.
        """
        given = {"User-Agent": "glossator", "X-GitHub-Api-Version": API_VERSION, **(headers or {})}
        given |= {"Authorization": f"Bearer {token}"} if token else {}
        for _ in range(HOPS):
            self._check_host(url)
            response = self._send(self._http.build_request(method, url, headers=given, params=params, json=body))
            if not response.has_redirect_location:  # 304 is none
                return response
            url, params = join_url(url, response.headers["location"]), None
        raise HostError("GitHub redirects again and again.", "Check the repository's name.", status=310)

    def _send(self, request: httpx.Request) -> httpx.Response:
        reason, status = "no answer", 0
        for seconds in (*RETRY_AFTER, 0.0):
            self.sent += 1
            try:
                response = self._http.send(request, follow_redirects=False)
            except httpx.RequestError as error:
                reason, status = type(error).__name__, 0
            else:
                if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return response
                reason, status = str(response.status_code), response.status_code
            if seconds:
                self.watch.wait(seconds, f"GitHub did not answer ({reason})")
        raise HostUnavailable(
            f"GitHub did not answer: {reason}.", "Run the same command again later: it goes on.", status=status
        )

    def _check_host(self, url: str) -> None:
        allowed = {origin_of(self.api_url), origin_of(self.graphql_url)}
        try:
            origin = origin_of(url)
        except ValueError as error:
            raise HostError(
                f"GitHub's answer leads to {url[:80]!r}, which is no address.", "Is there a proxy in between?"
            ) from error
        if origin not in allowed:
            host = urlsplit(url).hostname
            raise HostError(f"GitHub's answer leads to another host, {host}.", "The token was not sent there.")


def check_url(url: str) -> str:
    """The address as it is, or UsageError when it is none."""
    try:
        scheme, host, _ = origin_of(url)
    except ValueError:
        scheme, host = "", ""
    if scheme not in {"http", "https"} or not host:
        raise UsageError(f"{url!r} is no address of an API.", f"Write it as {API_URL}.")
    return url


def join_url(url: str, location: str) -> str:
    """Where a redirect leads; what is no address stays as it is."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; ValueError when it is no address."""
    try:
        httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(url) from error
    parts = urlsplit(url)
    ports = {"http": 80, "https": 443}
    return parts.scheme, parts.hostname or "", parts.port or ports.get(parts.scheme)


def derive_graphql_url(api_url: str) -> str:
    """`/graphql`; on GitHub Enterprise Server `/api/graphql` beside `/api/v3`."""
    return api_url.removesuffix("/v3") + "/graphql"
