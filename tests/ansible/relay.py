"""What a machine without a network may reach through this one: HTTP by a proxy, and single ports of loopback."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

CHUNK: Final = 1 << 16
PATIENCE: Final = 120
"""Seconds without a byte after which a connection is given up."""
MAX_HEAD: Final = 1 << 16


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until nothing does."""
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def join(here: socket.socket, there: socket.socket) -> None:
    """Pass on what comes in both directions, until both have ended."""
    back = threading.Thread(target=pump, args=(there, here), daemon=True)
    back.start()
    pump(here, there)
    back.join()


class Relay(socketserver.ThreadingTCPServer):
    """A server on one address, as a context manager. `port` is free for it to choose."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, handler: type[socketserver.BaseRequestHandler], target: int = 0) -> None:
        super().__init__((address, 0), handler)
        self.target = target
        self.port = int(self.server_address[1])
        self.address = f"{address}:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks off is the client's to tell."""


class ToPort(socketserver.BaseRequestHandler):
    """Passes a connection on to a port of loopback."""

    request: socket.socket
    server: Relay

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.target), PATIENCE) as there:
            join(self.request, there)


class Proxy(socketserver.BaseRequestHandler):
    """An HTTP proxy: CONNECT, and one plain request for each connection."""

    request: socket.socket

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < MAX_HEAD:
            data = self.request.recv(CHUNK)
            if not data:
                return
            head += data
        line, _, rest = head.partition(b"\r\n")
        method, target, version = line.decode("ascii").split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port)), PATIENCE) as there:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                there.sendall(rest.partition(b"\r\n\r\n")[2])
                join(self.request, there)
            return
        parts = urlsplit(target)
        kept = [each for each in rest.split(b"\r\n") if not each.lower().startswith((b"proxy-", b"connection:"))]
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        first = f"{method} {path or '/'} {version}\r\nConnection: close\r\n".encode("ascii")
        with socket.create_connection((parts.hostname or "", parts.port or 80), PATIENCE) as there:
            there.sendall(first + b"\r\n".join(kept))
            join(self.request, there)
