"""Misbehaviours of the stand-in server. Each is used up by one POST, unless the server has it as `always`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.model_server.server import Handler

Fault = Callable[["Handler", str], None]
"""Answers instead of the server. Takes the handler and the text that the model would have given."""


def status(code: int, message: str = "no", headers: dict[str, str] | None = None) -> Fault:
    """An error in OpenAI's form."""
    return lambda handler, _: handler.send(code, {"error": {"message": message, "code": code}}, headers)


def plain(code: int, text: str, content_type: str = "text/plain") -> Fault:
    """An answer that is not JSON."""
    return lambda handler, _: handler.send_bytes(code, text.encode(), content_type)


def html(code: int = 200) -> Fault:
    """A web page."""
    return plain(code, "<!doctype html><title>Welcome</title><h1>It works</h1>", "text/html")


def value(answer: object) -> Fault:
    """Any JSON with status 200."""
    return lambda handler, _: handler.send(200, answer)


def hang(seconds: float) -> Fault:
    """No answer for a while, then the right one; stops early with the server."""

    def fault(handler: Handler, text: str) -> None:
        handler.stand_in.stopping.wait(seconds)
        handler.send_completion(text)

    return fault


def drip(seconds: float) -> Fault:
    """The right answer, a byte at a time over so many seconds."""

    def fault(handler: Handler, text: str) -> None:
        content = json.dumps(handler.completion(text)).encode()
        handler.start(200, "application/json", len(content))
        for index in range(len(content)):
            handler.wfile.write(content[index : index + 1])
            if handler.stand_in.stopping.wait(seconds / len(content)):
                return

    return fault


def half(handler: Handler, text: str) -> None:
    """Half of the bytes that Content-Length promises, then the end of the connection."""
    content = json.dumps(handler.completion(text)).encode()
    handler.start(200, "application/json", len(content))
    handler.wfile.write(content[: len(content) // 2])
    handler.close_connection = True


def half_unsaid(handler: Handler, text: str) -> None:
    """Half an answer that nothing tells from a whole one but its JSON."""
    content = json.dumps(handler.completion(text)).encode()
    handler.send_bytes(200, content[: len(content) // 2], "application/json")


def reset(handler: Handler, text: str) -> None:
    """The connection ends before any answer."""
    handler.close_connection = True


def huge(size: int = 5_000_000) -> Fault:
    """An answer of so many bytes."""
    return lambda handler, _: handler.send_completion("x" * size)


def cut(handler: Handler, text: str) -> None:
    """The model stopped at the token limit."""
    handler.send_completion(text[: len(text) // 2], finish_reason="length")


def redirect(to: str, code: int = 307) -> Fault:
    """Elsewhere."""
    return status(code, "moved", {"Location": to})


def echo(code: int = 400) -> Fault:
    """An error that repeats the token and the address, in several spellings."""

    def fault(handler: Handler, text: str) -> None:
        url, sent = handler.stand_in.url, handler.headers.get("Authorization", "")
        host = handler.headers["Host"]
        message = f"bad request to {url}/v1 at {host.upper()} with {sent}\n\x1b[31m(key={sent.split()[-1:]})"
        handler.send(code, {"error": {"message": message, "code": code}})

    return fault


def slow(seconds: float) -> Fault:
    """The right answer, later."""

    def fault(handler: Handler, text: str) -> None:
        time.sleep(seconds)
        handler.send_completion(text)

    return fault


BY_NAME: dict[str, Fault] = {
    "hang": hang(600),
    "html": html(),
    "half": half,
    "half-unsaid": half_unsaid,
    "reset": reset,
    "overloaded": status(429, "Model is overloaded"),
    "unavailable": status(503, "starting"),
    "wrong-json": value(["not", "an", "object"]),
    "cut": cut,
    "huge": huge(),
    "redirect": redirect("http://localhost:9/v1/chat/completions"),
    "echo": echo(),
}
