from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from reviewer import local_model
from reviewer.domain import Hunk, Line
from reviewer.errors import ModelError, ModelFileError, ModelRefused, ModelUnavailable
from reviewer.local_model import LocalModel, load_server
from reviewer.model_files import find_model
from reviewer.prompt import INSTRUCTIONS, PROMPT_VERSION, Prompt, render_prompt

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"line": {"type": "string", "enum": ["R1", "R2"]}},
    "required": ["line"],
    "additionalProperties": False,
}


class FakeServer:
    """Plays xllamacpp's server: hands out chunks, stops when told to, keeps the requests."""

    def __init__(self, *answers: list[dict[str, Any]] | Exception, pause: float = 0) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.pause = pause
        self.given = 0

    def handle_chat_completions(
        self, request: dict[str, Any], callback: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any] | None:
        self.requests.append(request)
        is_prefix = len(request["messages"]) == 1
        answer = PREFIX_READ if is_prefix else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        for chunk in answer:
            if "fails" in chunk:
                return {"error": chunk["fails"]}
            self.given += not is_prefix
            time.sleep(0 if is_prefix else self.pause)
            if callback(chunk):
                return None
        return None


def chunk(content: str | None = None, finish_reason: str | None = None, **rest: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": content}, "finish_reason": finish_reason, "index": 0}], **rest}


PREFIX_READ = [chunk("x", "length")]
USAGE = {"prompt_tokens": 50, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 40}}


def make_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: FakeServer, timeout: float = 600.0
) -> LocalModel:
    monkeypatch.setattr(local_model, "load_server", lambda *_: server)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "own-model.gguf"
    path.write_bytes(b"GGUF")
    return LocalModel(path, timeout=timeout)


def prompt(hunk: str = "File: a.py", prefix: str = "Review this.") -> Prompt:
    return Prompt(prefix, hunk, SCHEMA, max_tokens=60)


async def test_an_answer_is_put_together_with_its_token_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    progress = {"prompt_progress": {"total": 9, "processed": 9}, **chunk()}
    server = FakeServer([progress, chunk('{"li'), chunk('ne"}'), chunk(None, "stop"), {"choices": [], "usage": USAGE}])
    reply = await make_model(monkeypatch, tmp_path, server).complete(prompt())
    assert reply.text == '{"line"}'
    assert not reply.cut
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens) == (50, 40, 7)


async def test_the_request_is_greedy_and_constrained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = FakeServer([chunk("{}", "stop")])
    await make_model(monkeypatch, tmp_path, server).complete(prompt())
    request = server.requests[1]
    assert request["temperature"] == 0
    assert request["max_tokens"] == 60
    assert request["response_format"]["json_schema"]["schema"] == SCHEMA
    assert [message["role"] for message in request["messages"]] == ["system", "user"]


async def test_the_prefix_is_read_anew_only_when_it_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = FakeServer(*[[chunk("{}", "stop")] for _ in range(3)])
    model = make_model(monkeypatch, tmp_path, server)
    for prefix in ("one", "one", "two"):
        await model.complete(prompt(prefix=prefix))
    assert [len(request["messages"]) for request in server.requests] == [1, 2, 1, 2, 1, 2]
    assert [request["cache_prompt"] for request in server.requests] == [False, True, True, True, False, True]


async def test_a_template_that_takes_no_lone_system_message_means_no_sharing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(globals(), "PREFIX_READ", [{"fails": {"code": 500, "message": "roles must alternate"}}])
    server = FakeServer([chunk("{}", "stop")], [chunk("{}", "stop")])
    model = make_model(monkeypatch, tmp_path, server)
    for _ in range(2):
        await model.complete(prompt())
    assert [(len(request["messages"]), request["cache_prompt"]) for request in server.requests] == [
        (1, False),
        (2, False),
        (2, False),
    ]


async def test_an_answer_that_hits_the_token_limit_is_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reply = await make_model(monkeypatch, tmp_path, FakeServer([chunk('{"a', "length")])).complete(prompt())
    assert reply.cut


async def test_a_prompt_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    error = {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 8192}
    model = make_model(monkeypatch, tmp_path, FakeServer([{"fails": error}]))
    with pytest.raises(ModelRefused, match=r"9000 tokens.* 8192") as caught:
        await model.complete(prompt())
    assert "context-tokens" in caught.value.hint


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ([{"fails": {"code": 500, "message": "out of memory"}}], ModelUnavailable),
        ([{"error": {"code": 503, "message": "busy"}}], ModelUnavailable),
        ([{"fails": {"code": 400, "message": "bad grammar"}}], ModelRefused),
        (ValueError("bad request"), ModelRefused),
    ],
)
async def test_a_failure_keeps_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failure: list[dict[str, Any]] | Exception, kind: type[ModelError]
) -> None:
    model = make_model(monkeypatch, tmp_path, FakeServer(failure))
    with pytest.raises(kind, match=r"out of memory|busy|bad grammar|bad request"):
        await model.complete(prompt())


async def test_a_slow_answer_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = FakeServer([chunk("a") for _ in range(1000)], pause=0.01)
    model = make_model(monkeypatch, tmp_path, server, timeout=0.1)
    with pytest.raises(ModelUnavailable, match="no whole answer in 0 s"):
        await model.complete(prompt())
    assert server.given < 100


async def test_without_any_time_the_model_is_not_even_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = FakeServer([chunk("{}", "stop")])
    with pytest.raises(ModelUnavailable):
        await make_model(monkeypatch, tmp_path, server, timeout=-1).complete(prompt())
    assert not server.requests


async def test_a_cancelled_request_stops_the_model_and_frees_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = FakeServer([chunk("a") for _ in range(1000)], [chunk("{}", "stop")], pause=0.01)
    model = make_model(monkeypatch, tmp_path, server)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(model.complete(prompt()), 0.1)
    assert (await model.complete(prompt())).text == "{}"
    assert server.given < 100


async def test_requests_are_answered_one_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    busy = threading.Lock()

    class OneAtATime(FakeServer):
        def handle_chat_completions(
            self, request: dict[str, Any], callback: Callable[[dict[str, Any]], bool]
        ) -> dict[str, Any] | None:
            assert busy.acquire(blocking=False)
            try:
                return super().handle_chat_completions(request, callback)
            finally:
                busy.release()

    server = OneAtATime(*[[chunk("{}", "stop")] for _ in range(4)], pause=0.01)
    model = make_model(monkeypatch, tmp_path, server)
    replies = await asyncio.gather(*(model.complete(prompt(f"File: {i}")) for i in range(4)))
    assert [reply.text for reply in replies] == ["{}"] * 4


def test_the_version_of_an_unknown_file_is_its_name_and_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    version = make_model(monkeypatch, tmp_path, FakeServer()).version
    assert (version.name, version.version, version.prompt_version) == (
        "own-model",
        hashlib.sha256(b"GGUF").hexdigest()[:12],
        PROMPT_VERSION,
    )


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelError) as caught:
        load_server(Path("any.gguf"), 512, 1)
    assert caught.value.hint.startswith("Install it with: pip install 'glossator[local]'")


def test_a_file_that_is_no_model_is_an_error_of_ours(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(2000))
    with pytest.raises(ModelFileError, match="cannot be loaded"):
        LocalModel(path)


def test_threads_do_not_wait_busily(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with pytest.raises(ModelFileError):
        load_server(tmp_path / "none.gguf", 512, 1)
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


# The real engine on a real, very small model.


def code(start: int, *texts: str) -> Hunk:
    lines = tuple(Line("+", text, None, start + i) for i, text in enumerate(texts))
    return Hunk("app/store.py", "def load", start, start, lines)


HUNKS = [
    code(1, "def load(path):", "    file = open(path)", "    return json.load(file)"),
    code(10, "def add(item, items=[]):", "    items.append(item)", "    return items"),
    code(20, "def area(w, h):", "    return w + h"),
]
PREFIX = INSTRUCTIONS + "\nFrom CONTRIBUTING.md:\nEvery public function has a test. Close what you open.\n" * 8


@pytest.fixture(scope="module")
def real_model() -> LocalModel:
    pytest.importorskip("xllamacpp")
    return LocalModel(find_model("smollm2-135m"), context=4096, threads=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_real_answers_fit_the_schema_and_do_not_depend_on_the_order(real_model: LocalModel) -> None:
    prompts = [replace(render_prompt(PREFIX, hunk), max_tokens=40) for hunk in HUNKS]
    answers: dict[int, set[str]] = {0: set(), 1: set(), 2: set()}
    for i in (0, 1, 2, 2, 1):
        reply = await real_model.complete(prompts[i])
        assert reply.cut or set(json.loads(reply.text)) == {"comments"}
        assert reply.cached_tokens is not None
        assert reply.prompt_tokens is not None
        assert reply.cached_tokens > 0.6 * reply.prompt_tokens
        answers[i].add(reply.text)
    await real_model.complete(replace(prompts[0], prefix=INSTRUCTIONS + "\nAnother pull request."))
    answers[0].add((await real_model.complete(prompts[0])).text)
    assert {i: len(texts) for i, texts in answers.items()} == {0: 1, 1: 1, 2: 1}


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_real_model_refuses_is_cut_and_can_be_stopped(real_model: LocalModel) -> None:
    with pytest.raises(ModelRefused, match="the embedded model takes 4096"):
        await real_model.complete(Prompt(PREFIX, "word " * 5000, SCHEMA))
    short = Prompt(PREFIX, "Write a poem.", {"type": "string", "minLength": 200}, max_tokens=5)
    assert (await real_model.complete(short)).cut
    started = time.monotonic()
    endless = Prompt(PREFIX, "Write a poem.", {"type": "string", "minLength": 1500}, max_tokens=1500)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(real_model.complete(endless), 2)
    reply = await real_model.complete(Prompt(PREFIX, "Which line?", SCHEMA))
    assert json.loads(reply.text)["line"] in {"R1", "R2"}
    assert time.monotonic() - started < 60


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nobody_else_can_use_the_models_port(real_model: LocalModel) -> None:
    address = real_model._server.listening_address  # noqa: SLF001 - the port is not for callers
    assert address.startswith("http://127.0.0.1:")
    body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
    assert httpx.post(f"{address}/v1/chat/completions", json=body, trust_env=False).status_code == 401
    assert httpx.get(f"{address}/props", trust_env=False).status_code == 401
    assert httpx.get(f"{address}/slots", trust_env=False).status_code == 401


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_real_version_and_a_cut_file(real_model: LocalModel, tmp_path: Path) -> None:
    assert (real_model.version.name, real_model.version.version) == ("SmolLM2-135M-Instruct Q4_1", "b179c9523d0e")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(find_model("smollm2-135m").read_bytes()[:50_000_000])
    with pytest.raises(ModelFileError, match="cannot be loaded"):
        LocalModel(cut)
