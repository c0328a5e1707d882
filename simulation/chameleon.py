"""A site of Chameleon on a port of 127.0.0.1: Keystone v3 with application credentials, Blazar, Nova's flavors.

    with ChameleonServer() as site:
        environment = site.environment()   # OS_* variables of a credential that may make leases

OpenStack's own clients work on it (tests/runners/test_lease_client.py): it is how the wire format is known to be right.
"""

from __future__ import annotations

import http.server
import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from simulation.chameleon_leases import Leases, Refused

REGION = "CHI@TACC"
HOSTS = {"gpu_p100": 2, "gpu_rtx_6000": 1}
FLAVORS = {"m1.medium": ("3", 4), "m1.large": ("4", 4), "m1.xlarge": ("5", 4), "g1.h100.pci.1": ("a1f7", 1)}
POLL_SECONDS = 0.01


@dataclass(slots=True)
class Application:
    """An application credential of the stand-in."""

    secret: str
    restricted: bool = False
    expires: datetime | None = None


@dataclass(slots=True)
class Fault:
    """How often, from now on, a request is answered otherwise; status 0 cuts the connection."""

    method: str
    path: str
    status: int
    times: int = 1
    after: bool = False
    """The request is carried out, and only its answer is lost."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    body: Any
    status: int


@dataclass(slots=True)
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class ChameleonServer:
    """A running site. Use it as a context manager. `advance` moves its clock."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self.applications = {
            "lease-credential": Application("lease-secret-1"),
            "restricted-credential": Application("restricted-secret-1", restricted=True),
            "expired-credential": Application("expired-secret-1", expires=datetime(2026, 1, 1, tzinfo=UTC)),
        }
        self.tokens: dict[str, Application] = {}
        self.blazar = Leases(self.now, dict(HOSTS), dict(FLAVORS))
        self.faults: list[Fault] = []
        self.requests: list[Asked] = []
        self.lock = threading.RLock()
        self.http = Server(self)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def environment(self, name: str = "lease-credential", region: str = REGION) -> dict[str, str]:
        """The variables of an openrc file that was downloaded for a credential."""
        return {
            "OS_AUTH_TYPE": "v3applicationcredential",
            "OS_AUTH_URL": f"{self.url}/v3",
            "OS_IDENTITY_API_VERSION": "3",
            "OS_REGION_NAME": region,
            "OS_INTERFACE": "public",
            "OS_APPLICATION_CREDENTIAL_ID": name,
            "OS_APPLICATION_CREDENTIAL_SECRET": self.applications[name].secret,
        }

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)

    def count(self, method: str, path: str) -> int:
        return sum(one.method == method and path in one.path for one in self.requests)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: Any) -> Reply | None:
        """The answer to a request; None cuts the connection."""
        parts = urlsplit(target)
        with self.lock:
            fault = next((one for one in self.faults if one.method == method and one.path in parts.path), None)
            if fault is not None:
                fault.times -= 1
                self.faults = [one for one in self.faults if one.times > 0]
                if fault.after:
                    self.carry_out(method, parts.path, parts.query, headers, body)
                reply = Reply(fault.status, b"") if fault.status else None
            else:
                reply = self.carry_out(method, parts.path, parts.query, headers, body)
            self.requests.append(Asked(method, parts.path, body, reply.status if reply else 0))
            return reply

    def carry_out(self, method: str, path: str, query: str, headers: dict[str, str], body: Any) -> Reply:
        if path.rstrip("/") in {"", "/v3"} and method == "GET":
            return self.show_versions(path)
        if path == "/v3/auth/tokens" and method == "POST":
            return self.log_in(body)
        application = self.tokens.get(headers.get("x-auth-token", ""))
        if application is None:
            return Reply(401, {"error": {"code": 401, "title": "Unauthorized", "message": UNAUTHORIZED}})
        if path.startswith("/reservation/v1"):
            return self.answer_blazar(method, path.removeprefix("/reservation/v1"), application, body)
        return self.answer_others(path, query)

    def answer_others(self, path: str, query: str) -> Reply:
        """What a lease needs of Nova and Neutron."""
        if path == "/compute/v2.1/flavors":
            return Reply(200, {"flavors": [{"name": name, "id": one[0]} for name, one in self.blazar.flavors.items()]})
        if path == "/network/v2.0/networks":
            names = parse_qs(query).get("name", ["public"])
            return Reply(200, {"networks": [{"id": "net-public", "name": "public"}] if "public" in names else []})
        return Reply(404, {"error": {"code": 404, "title": "Not Found", "message": "Not found"}})

    def show_versions(self, path: str) -> Reply:
        links = [{"rel": "self", "href": f"{self.url}/v3/"}]
        version = {"id": "v3.14", "status": "stable", "links": links, "media-types": []}
        return (
            Reply(200, {"version": version})
            if path.startswith("/v3")
            else Reply(300, {"versions": {"values": [version]}})
        )

    def log_in(self, body: Any) -> Reply:
        """Keystone says the same whether the id, the secret or the date is wrong."""
        given = body["auth"]["identity"]
        credential = given.get("application_credential", {})
        application = self.applications.get(credential.get("id", ""))
        expired = application is not None and application.expires is not None and application.expires <= self.now()
        if application is None or application.secret != credential.get("secret") or expired:
            return Reply(401, {"error": {"code": 401, "title": "Unauthorized", "message": UNAUTHORIZED}})
        subject = f"token-{len(self.tokens)}"
        self.tokens[subject] = application
        token = {
            "methods": ["application_credential"],
            "user": {"id": "user", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "project", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "1", "name": "member"}, {"id": "2", "name": "reader"}],
            "application_credential": {
                "id": credential["id"], "name": credential["id"], "restricted": application.restricted,
            },
            "catalog": [
                self.show_service(kind, path)
                for kind, path in (
                    ("identity", "/v3"), ("reservation", "/reservation/v1"), ("compute", "/compute/v2.1"),
                    ("network", "/network"),
                )
            ],
            "issued_at": stamp(self.now()),
            "expires_at": stamp(self.now() + timedelta(hours=1)),
        }  # fmt: skip
        return Reply(201, {"token": token}, {"X-Subject-Token": subject})

    def show_service(self, kind: str, path: str) -> dict[str, Any]:
        endpoint = {"interface": "public", "region": REGION, "region_id": REGION, "url": self.url + path, "id": kind}
        return {"type": kind, "name": kind, "id": kind, "endpoints": [endpoint]}

    def answer_blazar(self, method: str, path: str, application: Application, body: Any) -> Reply:
        try:
            return self.run_blazar(method, path, application, body)
        except Refused as refused:
            words = {"error_code": refused.status, "error_message": refused.words, "error_name": refused.status}
            return Reply(refused.status, words)

    def run_blazar(self, method: str, path: str, application: Application, body: Any) -> Reply:
        if method != "GET" and application.restricted:
            raise Refused(500, "Internal Server Error")  # no trust can be made, and Blazar hides why
        if path == "/leases" and method in {"GET", "POST"}:
            return (
                Reply(200, {"leases": self.blazar.list_all()})
                if method == "GET"
                else Reply(201, {"lease": self.blazar.create(body)})
            )
        lease = re.fullmatch(r"/leases/([^/]+)", path)
        if lease is None:
            raise Refused(404, "Not found")
        if method == "DELETE":
            self.blazar.delete(lease[1])
            return Reply(200, {})
        shown = self.blazar.get(lease[1]) if method == "GET" else self.blazar.update(lease[1], body)
        return Reply(200, {"lease": shown})


UNAUTHORIZED = "The request you have made requires authentication."


def stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: ChameleonServer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.owner = owner


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server
    METHODS: ClassVar = ("GET", "POST", "PUT", "DELETE")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_") and name[3:] in self.METHODS:
            return self.handle_call
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing: the log is `ChameleonServer.requests`."""

    def handle_call(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.owner.answer(self.command, self.path, headers, json.loads(content) if content else None)
        if reply is None:
            self.close_connection = True
            return
        data = (
            b""
            if reply.status == 204
            else reply.body
            if isinstance(reply.body, bytes)
            else json.dumps(reply.body).encode()
        )
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
