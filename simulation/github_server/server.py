"""The stand-in on a port of 127.0.0.1: HTTP around `application`, with faults and a log of requests."""

from __future__ import annotations

import http.server
import json
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from simulation.github_server import script
from simulation.github_server.answers import Answer
from simulation.github_server.application import Application, Call
from simulation.github_server.faults import Fault, Faults
from simulation.github_server.git_store import GitError
from simulation.github_server.scenario import Scenario, ScenarioError
from simulation.github_server.state import Budget, Level, Switches, Token, World

ACTIONS_LOGIN = "github-actions[bot]"
HANG_SECONDS = 60.0
POLL_SECONDS = 0.01
"""How long a stop waits at most until the server notices it: the tests start and stop hundreds."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request as it came and what it was answered. `status` 0: no answer was sent. `body` is parsed JSON."""

    method: str
    path: str
    query: str
    status: int
    token: str
    body: Any
    seconds: float


class GitHubServer(Scenario):
    """A running stand-in. Use it as a context manager.

    `url` is the API's address, `graphql_url` that of GraphQL. The tokens `actions-token` (a job's GITHUB_TOKEN that may
    write) and `fork-token` (one that may only read) are there from the start.
    """

    def __init__(self, switches: Switches | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="github-server-"))
        self.world = World(self.folder, switches or Switches())
        self.application = Application(self.world)
        self.faults = Faults()
        self.requests: list[LogEntry] = []
        self.http = HttpServer(self)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self.prefix = "/api/v3" if self.world.switches.enterprise else ""
        self.origin = f"http://127.0.0.1:{self.http.server_port}"
        self.url = self.origin + self.prefix
        self.graphql_url = f"{self.origin}/api/graphql" if self.prefix else f"{self.origin}/graphql"
        self.add_token("actions", "actions-token", ACTIONS_LOGIN, actions=True)
        self.add_token(
            "fork",
            "fork-token",
            ACTIONS_LOGIN,
            actions=True,
            contents="read",
            pull_requests="read",
            issues="read",
            workflows="read",
        )

    @property
    def switches(self) -> Switches:
        return self.world.switches

    @property
    def violations(self) -> list[str]:
        """Where a client or the stand-in broke GitHub's schema. A test fails when there are any."""
        return self.application.violations

    def add_token(
        self,
        name: str,
        value: str,
        login: str,
        *,
        actions: bool = False,
        contents: Level = "write",
        pull_requests: Level = "write",
        issues: Level = "write",
        workflows: Level = "write",
        administration: Level = "none",
        organization_runners: Level = "none",
        variables: Level = "none",
        limit: int | None = None,
    ) -> str:
        """Let clients in. `limit` is in requests an hour; by default 1,000 for a GITHUB_TOKEN and 5,000 for others."""
        budget = limit or (1000 if actions else 5000)
        account = self.world.account(login)
        token = Token(
            name,
            value,
            account,
            actions,
            contents,
            pull_requests,
            issues,
            workflows,
            administration,
            organization_runners,
            Budget(budget),
            Budget(budget),
            variables=variables,
        )
        self.world.tokens[value] = token
        return value

    def advance(self, seconds: float) -> None:
        """Move the world's clock forward."""
        self.world.offset += seconds

    def start(self) -> Self:
        self.thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and remove the repositories."""
        self.faults.clear()
        if self.thread.is_alive():
            self.http.shutdown()
            self.thread.join()
        self.http.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def control(self, method: str, path: str, body: bytes) -> Answer:
        """The routes of the stand-in's own: GET /_state and POST /_control."""
        try:
            if (method, path) == ("GET", "/_state"):
                return Answer(200, script.render_state(self))
            if (method, path) == ("POST", "/_control"):
                return Answer(200, script.run_step(self, json.loads(body)))
        except (KeyError, TypeError, ValueError, ScenarioError, GitError) as error:
            return Answer(400, {"message": f"{type(error).__name__}: {error}"})
        return Answer(404, {"message": "Not Found"})

    def count(self, method: str, path: str = "") -> int:
        """How many logged requests have that method and a path that contains the text."""
        return sum(entry.method == method and path in entry.path for entry in self.requests)


class HttpServer(http.server.ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, owner: GitHubServer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to report; a bug of the stand-in fails the test."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self.owner.violations.append(f"the stand-in failed: {error!r}")


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "GitHub.com"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    server: HttpServer
    METHODS: ClassVar = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_") and name[3:] in self.METHODS:
            return self.handle_call
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing: the log is `GitHubServer.requests`."""

    def handle_call(self) -> None:
        """Read a request, let it happen, answer."""
        started = time.monotonic()
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        owner = self.server.owner
        fault: Fault | None = None
        answer: Answer | None = None
        if target.path.startswith("/_"):
            self.send(owner.control(self.command, target.path, body))
            return
        if not owner.faults.blocks(HANG_SECONDS):
            fault = owner.faults.take(self.command, target.path)
            if fault and fault.delay:
                time.sleep(fault.delay)
            if fault is None or fault.after_effect or fault.only_delay:
                answer = self.carry_out(target.path, target.query, body)
            if fault and not fault.only_delay:
                answer = render_fault(fault)
        self.log(target.path, target.query, body, answer, time.monotonic() - started)
        self.send(answer)

    def carry_out(self, path: str, query: str, body: bytes) -> Answer | None:
        """The world's answer; None when the world stopped with this request."""
        owner = self.server.owner
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = headers.get("host", "127.0.0.1")
        kind, path = split_prefix(path, enterprise=bool(owner.prefix))
        if kind == "none":
            return Answer(404, {"message": "Not Found", "documentation_url": "", "status": "404"})
        call = Call(self.command, path, query, headers, body, f"http://{host}{owner.prefix}")
        with owner.application.lock:
            answer = owner.application.answer(call)
            wrote = answer.status < 300 and is_write(self.command, kind, body)
            return answer if not wrote or owner.faults.count_write() else None

    def log(self, path: str, query: str, body: bytes, answer: Answer | None, seconds: float) -> None:
        """Write the request down."""
        owner = self.server.owner
        token = owner.world.tokens.get(self.headers.get("Authorization", "").partition(" ")[2])
        status = answer.status if answer else 0
        name = token.name if token else ""
        owner.requests.append(LogEntry(self.command, path, query, status, name, parse_json(body), seconds))

    def send(self, answer: Answer | None) -> None:
        """Send an answer in one piece, or cut the connection."""
        if answer is None or answer.status == 0:
            self.close_connection = True
            return
        content = b"" if answer.body is None else answer.body
        if not isinstance(content, bytes):
            content = json.dumps(content, ensure_ascii=True).encode()
        self.send_response(answer.status)
        if answer.body is not None:
            self.send_header("Content-Type", answer.media)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)
        self.wfile.flush()


def split_prefix(path: str, *, enterprise: bool) -> tuple[Literal["rest", "graphql", "none"], str]:
    """What a path belongs to, and the path without the prefix of GitHub Enterprise Server."""
    if enterprise:
        if path == "/api/graphql":
            return "graphql", "/graphql"
        return ("rest", path.removeprefix("/api/v3")) if path.startswith("/api/v3/") else ("none", path)
    return ("graphql", path) if path == "/graphql" else ("rest", path)


def is_write(method: str, kind: str, body: bytes) -> bool:
    """Whether a request means to change something."""
    return b"mutation" in body if kind == "graphql" else method not in ("GET", "HEAD")


def parse_json(body: bytes) -> Any:
    """A body for the log: JSON, or text that is none."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def render_fault(fault: Fault) -> Answer:
    """The answer that a fault puts in place of the real one."""
    if isinstance(fault.body, str):
        return Answer(fault.status, fault.body.encode(), dict(fault.headers), "text/html; charset=utf-8")
    return Answer(fault.status, fault.body, dict(fault.headers))
