"""The server: routes, the strictness of each flavour, and a log of what was asked."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

from tests.model_server.faults import Fault
from tests.model_server.models import careful_model

Flavour = Literal["tgi", "openai", "vllm", "llama.cpp"]
StandInModel = Callable[[dict[str, Any]], str]
TGI_TYPES = ("json", "json_object", "regex", "json_schema")
CHAT_FIELDS = {"model", "messages", "temperature", "max_tokens", "stream", "response_format", "seed", "stop"}
LARGEST_REQUEST = 2_000_000
INFO: dict[str, object] = {
    "model_sha": "0123456789abcdef0123456789abcdef01234567",
    "model_pipeline_tag": "text-generation",
    "max_concurrent_requests": 128,
    "max_best_of": 2,
    "max_stop_sequences": 4,
    "validation_workers": 2,
    "max_client_batch_size": 4,
    "router": "text-generation-router",
    "version": "3.3.6-dev0",
    "sha": None,
    "docker_label": None,
}


@dataclass(slots=True)
class Exchanged:
    """One request that came in, and the status of its answer (0: none yet, or none at all)."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int = 0


class Refused(Exception):
    """The request is not as this flavour wants it. Holds the status and the body to answer with."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class ModelServer:
    """A model server in threads of this process; a context manager. `url` is valid inside it.

    Args:
        model: Makes the answers.
        flavour: Whose manners it has.
        token: Required as a bearer token when not empty.
        name: The model's id.
        adapters: Names that TGI and vLLM know beside it.
        faults: What goes wrong with the next POSTs, in order; None: nothing.
        always: What goes wrong with every POST after those.
        grammar: False: `response_format` is refused, as with TGI's --disable-grammar-support.
        max_total_tokens: Of prompt and answer, at about 4 characters each.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        model: StandInModel = careful_model,
        *,
        flavour: Flavour = "openai",
        token: str = "",
        name: str = "acme/reviewer-1b",
        adapters: tuple[str, ...] = (),
        faults: Iterable[Fault | None] = (),
        always: Fault | None = None,
        grammar: bool = True,
        max_total_tokens: int = 32_768,
        port: int = 0,
    ) -> None:
        self.model, self.flavour, self.token, self.name = model, flavour, token, name
        self.adapters, self.grammar, self.max_total_tokens = adapters, grammar, max_total_tokens
        self.faults: deque[Fault | None] = deque(faults)
        self.always = always
        self.requests: list[Exchanged] = []
        self.busy = self.busiest = 0
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._prompts: list[str] = []
        self._server = _Listener(("127.0.0.1", port), Handler)
        self._server.stand_in = self

    @property
    def url(self) -> str:
        """Without /v1."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def posts(self) -> list[Exchanged]:
        """The prompts that were asked."""
        return [request for request in self.requests if request.method == "POST"]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count_cached(self, prompt: str) -> int:
        """Characters at the start of the prompt that an earlier prompt shares: what a prefix cache saves."""
        with self.lock:
            shared = max((_common(prompt, earlier) for earlier in self._prompts), default=0)
            self._prompts.append(prompt)
        return shared


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: ModelServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left is no news; anything else is a mistake of the stand-in, and shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """Answers one connection. What faults may use is public."""

    protocol_version = "HTTP/1.1"
    server: _Listener

    @property
    def stand_in(self) -> ModelServer:
        """The server's settings and log."""
        return self.server.stand_in

    def do_GET(self) -> None:
        """/info, /health and /v1/models."""
        self.body: dict[str, Any] = {}
        self._answer(self._get)

    def do_POST(self) -> None:
        """/v1/chat/completions."""
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self.body = json.loads(raw)
        except ValueError:
            self.body = {}
        with self.stand_in.lock:
            self.stand_in.busy += 1
            self.stand_in.busiest = max(self.stand_in.busiest, self.stand_in.busy)
        self._answer(lambda: self._post(len(raw)))
        with self.stand_in.lock:
            self.stand_in.busy -= 1

    def _answer(self, route: Callable[[], None]) -> None:
        self.entry = Exchanged(self.command, self.path, dict(self.headers), self.body)
        self.stand_in.requests.append(self.entry)
        try:
            route()
        except Refused as refusal:
            if isinstance(refusal.body, str):
                self.send_bytes(refusal.status, refusal.body.encode(), "text/plain; charset=utf-8")
            else:
                self.send(refusal.status, refusal.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _get(self) -> None:
        stand_in = self.stand_in
        if self.path == "/info" and stand_in.flavour == "tgi":
            limits = {"max_input_tokens": stand_in.max_total_tokens - 1, "max_total_tokens": stand_in.max_total_tokens}
            self.send(200, {"model_id": stand_in.name, **INFO, **limits})
        elif self.path == "/health":
            self.send(200, {"status": "ok"})
        elif self.path == "/v1/models":
            if stand_in.flavour != "tgi":
                self._check_token()
            self.send(200, {"object": "list", "data": [_model_entry(stand_in, name) for name in _listed(stand_in)]})
        else:
            self.send(404, {"error": {"message": "Not found", "code": 404}})

    def _post(self, size: int) -> None:
        if self.path != "/v1/chat/completions":
            raise Refused(404, {"error": {"message": f"No route {self.path}", "code": 404}})
        self._check_token()
        if size > LARGEST_REQUEST:
            raise Refused(413, "Failed to buffer the request body: length limit exceeded")
        check_request(self.body, self.stand_in)
        text = self.stand_in.model(self.body)
        fault = self.stand_in.faults.popleft() if self.stand_in.faults else self.stand_in.always
        if fault:
            fault(self, text)
        else:
            self.send_completion(text)

    def _check_token(self) -> None:
        if self.stand_in.token and self.headers.get("Authorization") != f"Bearer {self.stand_in.token}":
            if self.stand_in.flavour == "tgi":
                raise Refused(401, "")
            raise Refused(401, {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}})

    def completion(self, text: str, finish_reason: str = "stop") -> dict[str, Any]:
        """A chat completion."""
        stand_in = self.stand_in
        prompt = json.dumps(self.body["messages"], ensure_ascii=False)
        usage: dict[str, Any] = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(text) // 4 + 1}
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        if stand_in.flavour != "tgi":
            usage["prompt_tokens_details"] = {"cached_tokens": stand_in.count_cached(prompt) // 4}
        message = {"role": "assistant", "content": text}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": stand_in.name,
            "system_fingerprint": "stand-in",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": usage,
        }

    def send_completion(self, text: str, finish_reason: str = "stop") -> None:
        """Answer as a model server does when all is well."""
        answer = self.completion(text, finish_reason)
        usage = answer["usage"]
        counts = {"x-prompt-tokens": usage["prompt_tokens"], "x-generated-tokens": usage["completion_tokens"]}
        self.send(200, answer, {k: str(v) for k, v in counts.items()} if self.stand_in.flavour == "tgi" else None)

    def send(self, status: int, answer: object, headers: dict[str, str] | None = None) -> None:
        """Answer in JSON."""
        self.send_bytes(status, json.dumps(answer).encode(), "application/json", headers)

    def send_bytes(self, status: int, content: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        """Answer anything."""
        self.start(status, content_type, len(content), headers)
        self.wfile.write(content)

    def start(self, status: int, content_type: str, length: int, headers: dict[str, str] | None = None) -> None:
        """Send the head of an answer."""
        self.entry.status = status
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(length), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: `requests` is the log."""


def check_request(body: dict[str, Any], stand_in: ModelServer) -> None:
    """Refuse what the real server of this flavour refuses, in its words and form."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused(422 if stand_in.flavour == "tgi" else 400, _error(stand_in, "messages are missing"))
    tokens = len(json.dumps(messages)) // 4 + int(body.get("max_tokens") or 0)
    if tokens > stand_in.max_total_tokens:
        raise _too_long(tokens, stand_in)
    if body.get("response_format") is not None:
        check_format(body["response_format"], stand_in)
    if stand_in.flavour == "openai" and (unknown := set(body) - CHAT_FIELDS):
        raise Refused(400, _error(stand_in, f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}"))
    if stand_in.flavour == "vllm" and body.get("model") not in _listed(stand_in):
        raise Refused(404, _error(stand_in, f"The model `{body.get('model')}` does not exist."))


def check_format(wanted: dict[str, Any], stand_in: ModelServer) -> None:
    """Refuse a `response_format` of another flavour's shape."""
    kind = wanted.get("type")
    if stand_in.flavour == "tgi":
        start = "Failed to deserialize the JSON body into the target type: response_format: "
        if kind not in TGI_TYPES:
            raise Refused(422, f"{start}unknown variant `{kind}`, expected one of `json`, `regex`, `json_schema`")
        if "value" not in wanted:
            raise Refused(422, f"{start}missing field `value` at line 1 column 900")
        if not stand_in.grammar:
            raise Refused(422, _error(stand_in, "Input validation error: grammar is not supported"))
        if kind == "json" and "properties" not in wanted["value"]:
            raise Refused(422, _error(stand_in, 'Input validation error: Grammar must have a "properties" field'))
        return
    if not stand_in.grammar:
        raise Refused(400, _error(stand_in, "response_format is not supported by this model"))
    if kind not in ("text", "json_object", "json_schema"):
        raise Refused(400, _error(stand_in, f"response_format type must be one of ..., but got: {kind}"))
    if kind == "json_schema" and "schema" not in wanted.get("json_schema", {}):
        raise Refused(400, _error(stand_in, "response_format.json_schema.schema is missing"))


def _too_long(tokens: int, stand_in: ModelServer) -> Refused:
    limit = stand_in.max_total_tokens
    if stand_in.flavour == "tgi":
        words = f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {limit}. Given: {tokens}"
        return Refused(422, _error(stand_in, words))
    words = f"request ({tokens} tokens) exceeds the available context size ({limit} tokens), try increasing it"
    return Refused(400, _error(stand_in, words))


def _error(stand_in: ModelServer, message: str) -> dict[str, object]:
    if stand_in.flavour == "tgi":
        return {"error": message, "error_type": "validation"}
    return {"error": {"message": message, "type": "invalid_request_error", "code": 400}}


def _listed(stand_in: ModelServer) -> list[str]:
    """TGI lists only the base model."""
    return [stand_in.name, *(stand_in.adapters if stand_in.flavour == "vllm" else ())]


def _model_entry(stand_in: ModelServer, name: str) -> dict[str, object]:
    owner = {"llama.cpp": "llamacpp", "vllm": "vllm"}.get(stand_in.flavour, "acme")
    entry: dict[str, object] = {"id": name, "object": "model", "created": 1, "owned_by": owner}
    if stand_in.flavour == "vllm":
        entry["max_model_len"] = stand_in.max_total_tokens
    if stand_in.flavour == "llama.cpp":
        entry["meta"] = {"n_ctx": stand_in.max_total_tokens}
    return entry


def _common(left: str, right: str) -> int:
    """How many characters two texts share at their start."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if left[:middle] == right[:middle] else (low, middle - 1)
    return low
