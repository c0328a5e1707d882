"""The gateway for events of short-lived jobs: POST /events takes one, /metrics shows what was counted.

A review job is over before Prometheus could ask it, and a push gateway keeps the last push where a sum is wanted. Both
sides listen on loopback; the machine's door gives the first TLS and the way in. The token is compared in constant time,
and neither it nor the content of a request is ever logged.
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.process_collector import ProcessCollector

from reviewer.errors import UsageError
from runners.events import MAX_EVENT, parse_event, render_event
from runners.gateway_metrics import Clock, list_changes
from runners.gateway_store import Store

PATIENCE: Final = 10.0
"""Seconds that a client may be silent."""
MOST_READ: Final = 16 * MAX_EVENT
"""Bytes that are read of a body that is too long, so that its sender hears so."""
AT_ONCE: Final = 32
"""Requests that are worked on at the same time; further ones are told to come again."""
REASONS: Final = ("busy", "conflict", "length", "path", "schema", "size", "slow", "token")
"""Words that refusals are counted under. They are shown from the start: a rise from nothing cannot be seen as one."""
MIN_TOKEN: Final = 16
"""Characters: shorter ones can be guessed."""
POLL: Final = 0.05
"""Seconds between two looks at whether to stop."""
LOOPBACK: Final = "127.0.0.1"
TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets: status, a sentence, and the word it is counted under when it is refused."""

    status: HTTPStatus
    said: str
    reason: str = ""


class Gateway:
    """The store and the token, and what is done with one request. The two servers below only speak HTTP."""

    def __init__(self, token: str, state: Path | None = None, clock: Clock = time.time) -> None:
        """`state` is a file that survives a restart.

        Raises:
            UsageError: The token is too short, or the state file cannot be used.
        """
        if len(token) < MIN_TOKEN:
            raise UsageError(
                f"The token for events has fewer than {MIN_TOKEN} characters.", "Make one with: openssl rand -hex 32"
            )
        self._token, self._clock = token.encode(), clock
        self.store = Store(state)
        self.store.change([("add", "glossator_events_rejected_total", (reason,), 0) for reason in REASONS])
        self.store.change([("add", "glossator_gateway_state_errors_total", (), 0)])
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self.store)
        ProcessCollector(registry=self.registry)

    def is_known(self, header: str) -> bool:
        """Whether this is the value of an Authorization header with the right token."""
        scheme, _, given = header.partition(" ")
        return hmac.compare_digest(given.strip().encode("utf-8", "replace"), self._token) and scheme.lower() == "bearer"

    def take(self, body: bytes) -> Answer:
        """Count an event."""
        try:
            event = parse_event(body)
        except UsageError as error:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, error.what, "schema")
        taken = self.store.take(event.id, render_event(event), list_changes(event, self._clock()))
        if taken is None:
            return Answer(HTTPStatus.CONFLICT, "Another event had this id. Give each event a new one.", "conflict")
        if not taken:
            self.store.count("glossator_events_repeated_total", str(event.__struct_config__.tag))
            return Answer(HTTPStatus.OK, "This event had been taken before.")
        return Answer(HTTPStatus.OK, "Taken.")

    def refuse(self, answer: Answer) -> Answer:
        """Count a refusal."""
        self.store.count("glossator_events_rejected_total", answer.reason)
        return answer


class Handler(BaseHTTPRequestHandler):
    """What both servers share: they say little, wait for nobody for ever, and keep no connection."""

    server_version, sys_version, protocol_version = "glossator", "", "HTTP/1.1"
    timeout = PATIENCE

    def __init__(self, gateway: Gateway, room: threading.Semaphore, *request: Any) -> None:
        self.gateway, self.room = gateway, room
        super().__init__(*request)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        """Nothing: the door in front keeps a log."""

    def say(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        """Answer, and close the connection."""
        self.close_connection = True
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            if status == HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", "Bearer")
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                self.send_header("Retry-After", "1")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except OSError:
            pass  # who asked has gone

    def answer(self, answer: Answer) -> None:
        """Answer with a sentence, as JSON."""
        key = "error" if answer.status >= HTTPStatus.BAD_REQUEST else "status"
        self.say(answer.status, json.dumps({key: answer.said}).encode(), "application/json")


class EventsHandler(Handler):
    """POST /events, and GET /health for whoever watches the process."""

    def do_GET(self) -> None:
        """Whether it lives."""
        if self.path == "/health":
            self.answer(Answer(HTTPStatus.OK, "ok"))
        elif self.path == "/events":
            self.answer(Answer(HTTPStatus.METHOD_NOT_ALLOWED, "POST one event as JSON."))
        else:
            self.answer(Answer(HTTPStatus.NOT_FOUND, "POST /events is all there is."))

    def do_POST(self) -> None:
        """Take one event."""
        if not self.room.acquire(blocking=False):
            busy = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests at once. Try again.", "busy")
            self.answer(self.gateway.refuse(busy))
            return
        try:
            wrong = self.check()
            body = self.read()  # of a wrong one as well: who is cut off while it speaks does not hear why
            answer = wrong or self.gateway.take(body)
        except OSError:  # a client that fell silent, or has gone
            answer = Answer(HTTPStatus.REQUEST_TIMEOUT, "The event did not come in time.", "slow")
        finally:
            self.room.release()
        self.answer(self.gateway.refuse(answer) if answer.reason else answer)

    def read(self) -> bytes:
        """The body, if it is not far too long, and comes in time as a whole.

        Raises:
            OSError: It does not, or the client has gone.
        """
        left, parts, deadline = self.length(), [], time.monotonic() + PATIENCE
        while 0 < left <= MOST_READ and (part := self.rfile.read1(left)):
            parts.append(part)
            left -= len(part)
            if left and time.monotonic() > deadline:
                raise TimeoutError
        return b"".join(parts)

    def check(self) -> Answer | None:
        """What is wrong with the request, before its body is read."""
        if self.path != "/events":
            return Answer(HTTPStatus.NOT_FOUND, "POST /events is all there is.", "path")
        if not self.gateway.is_known(self.headers.get("Authorization", "")):
            return Answer(HTTPStatus.UNAUTHORIZED, "The token is missing or wrong.", "token")
        if self.length() < 0:
            return Answer(HTTPStatus.LENGTH_REQUIRED, "Say how long the event is: Content-Length.", "length")
        if self.length() > MAX_EVENT:
            said = f"An event has at most {MAX_EVENT} bytes."
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said, "size")
        return None

    def length(self) -> int:
        """Bytes of the body; -1 where it is not said."""
        given = self.headers.get("Content-Length", "")
        return int(given) if given.isascii() and given.isdigit() and len(given) < len(str(10**12)) else -1


class MetricsHandler(Handler):
    """GET /metrics."""

    def do_GET(self) -> None:
        """All numbers, in Prometheus' text format."""
        if self.path.partition("?")[0] == "/metrics":
            self.say(HTTPStatus.OK, generate_latest(self.gateway.registry), TEXT_FORMAT)
        else:
            self.answer(Answer(HTTPStatus.NOT_FOUND, "GET /metrics is all there is."))


class Server(ThreadingHTTPServer):
    """A thread a request; stopping waits for those that are being answered."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that breaks off is no news, and a traceback would show what it sent."""


@contextmanager
def serving(gateway: Gateway, events_port: int, metrics_port: int, host: str = LOOPBACK) -> Iterator[tuple[int, int]]:
    """Serve until the block ends; then finish what is being answered, and save. Gives the two ports.

    Raises:
        UsageError: A port is taken or not allowed.
    """
    room = threading.Semaphore(AT_ONCE)
    servers: list[Server] = []
    try:
        for handler, port in ((EventsHandler, events_port), (MetricsHandler, metrics_port)):
            try:
                servers.append(Server((host, port), partial(handler, gateway, room)))
            except OSError as error:
                raise UsageError(f"Cannot listen on port {port}: {error.strerror}.", "Is a gateway running?") from error
        threads = [threading.Thread(target=server.serve_forever, args=(POLL,)) for server in servers]
        for thread in threads:
            thread.start()
        try:
            yield servers[0].server_port, servers[1].server_port
        finally:
            for server in servers:
                server.shutdown()
            for thread in threads:
                thread.join()
    finally:
        for server in servers:
            server.server_close()
        gateway.store.save()
