"""One exchange with a model server over HTTP: bounded in time, tries and bytes, and silent about where it goes.

Neither the address nor the token is ever in a text that leaves this module: not in errors (nor in what caused them),
not in logs, not in a `repr`. What `httpx` says of a failure is therefore put into words of our own, and a server's own
words are cleaned of both.
"""

from __future__ import annotations

import asyncio
import email.utils
import functools
import ipaddress
import json
import logging
import random
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import httpx

from reviewer import __version__
from reviewer.errors import UsageError

TRIES = 5
RETRIED = {0, 429, 502, 503, 504}
CONNECT_SECONDS = 10.0
LONGEST_WAIT = 60.0
"""Seconds: a server that asks for more patience counts as unavailable."""
LARGEST_ANSWER = 2_000_000
"""Bytes."""
LONGEST_MESSAGE = 300
"""Characters."""
MIN_SECRET = 8
"""Characters: a shorter token ("none", "x") is a placeholder, and would be found inside ordinary words."""
TOO_LATE = "did not answer in time"
ADDRESS_HINT = "Give it like https://models.example.org or http://127.0.0.1:8080/v1, without a user or a password."
LOOPBACK: dict[str, httpx.AsyncBaseTransport | None] = dict.fromkeys(
    ("all://localhost", "all://127.0.0.1", "all://[::1]")
)

for _chatty in ("httpx", "httpcore"):  # at INFO and DEBUG they log addresses
    logging.getLogger(_chatty).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` 0: nothing did. `problem` says why the body is not to be used."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def parse_address(url: str) -> str:
    """An endpoint's address without a trailing slash and `/v1`.

    Raises:
        UsageError: It is no http(s) address, or holds a user, a query or a space. The error does not repeat it.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        host = None
    if not url.lower().startswith(("http://", "https://")):
        raise UsageError("The endpoint's address has to start with https:// or http://.", ADDRESS_HINT)
    if not host or re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise UsageError("The endpoint's address is not a valid one.", ADDRESS_HINT)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError("The endpoint's address holds more than a host and a path.", ADDRESS_HINT)
    path = re.sub(r"(/v1(/chat/completions)?)?/*$", "", parts.path.rstrip("/"))
    return f"{parts.scheme}://{parts.netloc}{path}"


def parse_token(token: str) -> str:
    """A token as it goes into a header, "" for none. Raises UsageError when it cannot; the error does not repeat it."""
    token = token.strip()
    if re.fullmatch(r"[!-~]*", token) is None:
        raise UsageError(
            "The endpoint's token holds characters that cannot be sent.", "Copy it anew: one line, no spaces."
        )
    return token


@functools.cache
def load_certificates() -> ssl.SSLContext:
    """The certificates to trust, read once since that is slow: SSL_CERT_FILE's, SSL_CERT_DIR's or certifi's."""
    return httpx.create_ssl_context()


class Exchange:
    """An HTTP client for model servers.

    Proxies and certificates of the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE) are used, since behind a
    company's proxy nothing works without them; but a server on this machine is always asked directly. Certificates are
    verified. Redirects are not followed: they would carry the code under review elsewhere.

    Args:
        addresses: What `parse_address` made: only to be cleaned out of texts.
        token: Sent as a bearer token with each request.
        concurrency: Connections at a time.
        backoff: Seconds before the first retry; doubled each time.
        transport: Instead of the network.
    """

    def __init__(
        self,
        addresses: list[str],
        token: str,
        *,
        concurrency: int,
        backoff: float = 1.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._backoff = backoff
        self._token = token
        self._addresses = [address.partition("://")[2].partition("/")[0] for address in addresses]
        self._secrets = _secrets_pattern(addresses, token)
        headers = {"User-Agent": f"glossator/{__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        limits = httpx.Limits(max_connections=concurrency)
        problem = False
        try:
            self._client = httpx.AsyncClient(
                verify=load_certificates(), headers=headers, limits=limits, mounts=LOOPBACK, transport=transport
            )
        except (ValueError, ImportError, OSError, httpx.InvalidURL):
            problem = True
        if problem:
            raise UsageError(
                "The proxy or the certificates that the environment names cannot be used.",
                "Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
            )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def clean(self, text: str) -> str:
        """A server's words as one short line, without addresses and the token."""
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        line = self._secrets.sub("[removed]", line)
        return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"

    def clean_reply(self, text: str) -> str:
        """A model's reply without the token and the addresses, should a server repeat them there."""
        for secret in (self._token, *self._addresses):
            text = text.replace(secret, "[removed]") if len(secret) >= MIN_SECRET else text
        return text

    async def ask(self, url: str, body: object = None, *, deadline: float, patience: float) -> Answer:
        """POST `body` as JSON, or GET without one; again on 429, 502, 503, 504 and when the connection fails.

        Args:
            url: The whole address.
            body: What to post.
            deadline: The time.monotonic() at which the last try must be over.
            patience: Seconds that one try may take.
        """
        content = None if body is None else json.dumps(body).encode()
        attempt = 0
        while True:
            attempt += 1
            answer = await self._try(url, content, min(patience, max(0.0, deadline - time.monotonic())))
            pause = self._choose_pause(answer, attempt)
            if answer.status not in RETRIED or attempt == TRIES or time.monotonic() + pause >= deadline:
                return answer
            await asyncio.sleep(pause)

    async def _try(self, url: str, content: bytes | None, limit: float) -> Answer:
        timeout = httpx.Timeout(limit, connect=min(limit, CONNECT_SECONDS))
        method, headers = ("GET", {}) if content is None else ("POST", {"Content-Type": "application/json"})
        try:
            async with (
                asyncio.timeout(limit),
                self._client.stream(method, url, content=content, headers=headers, timeout=timeout) as response,
            ):
                return await _read(response)
        except TimeoutError:
            return Answer(0, problem=TOO_LATE)
        except httpx.RequestError as error:
            return Answer(0, problem=_describe(error))

    def _choose_pause(self, answer: Answer, attempt: int) -> float:
        """Seconds before the next try: what the server asks for, else twice as long each time; never all at once."""
        asked = parse_retry_after(answer.headers.get("retry-after", ""))
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, hides nothing
        pause = self._backoff * 2 ** (attempt - 1) * jitter
        return pause if asked is None else asked + self._backoff * jitter if asked <= LONGEST_WAIT else float("inf")


def parse_retry_after(value: str) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None when it does not."""
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value.strip()):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


async def _read(response: httpx.Response) -> Answer:
    """The whole answer, or as much of it as is needed to know that it is too long."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            return Answer(response.status_code, problem=f"answered more than {LARGEST_ANSWER // 1_000_000} MB")
    return Answer(response.status_code, bytes(body), response.headers)


def _describe(error: httpx.RequestError) -> str:
    """A failed connection in our own words: the error's would name the address."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and len(causes) < 10:  # noqa: PLR2004 - no endless loop
        causes.append(cause)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "has a name that is not known here"
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "has a certificate that cannot be verified"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "does not speak TLS as it should"
    words: dict[type[httpx.RequestError], str] = {
        httpx.ConnectError: "refused the connection",
        httpx.TimeoutException: TOO_LATE,
        httpx.ProxyError: "cannot be reached through the proxy",
        httpx.DecodingError: "sent an answer that cannot be unpacked",
    }
    return next(
        (text for kind, text in words.items() if isinstance(error, kind)), "broke off in the middle of an answer"
    )


def _secrets_pattern(addresses: list[str], token: str) -> re.Pattern[str]:
    """Finds any web address, any IPv4 address, the given addresses in whole and in part, and the token."""
    words: set[str] = set()
    for address in addresses:
        parts = urlsplit(address)
        words |= {address, parts.netloc, parts.hostname or "", parts.path}
    whole = [re.escape(word) for word in sorted(words - {""}, key=len, reverse=True)]
    patterns = [
        r"https?://[^\s\"'<>]+",
        rf"(?<!\w)(?:{'|'.join(whole)})(?::\d+)?(?!\w)",
        r"\b\d+(?:\.\d+){3}(?::\d+)?\b",
    ]
    for secret in {token, quote(token, safe="")} - {""}:
        bound = "" if len(secret) >= MIN_SECRET else r"\b"
        patterns.insert(0, bound + re.escape(secret) + bound)
    return re.compile("|".join(patterns), re.IGNORECASE)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
