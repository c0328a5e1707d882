"""The endpoint against real servers with a real model: llama.cpp's (xllamacpp) and `transformers serve`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reviewer.endpoint import Endpoint
from reviewer.errors import ModelRefused
from reviewer.flavours import is_format_refusal, parse_error, render_request
from reviewer.prompt import Prompt
from tests.real_models import SMOLLM2, get_smollm2, transformers_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

KEY = "key-of-the-real-server"
HUNK = "File: calc.py\nR11     def ratio(a, b):\nR12   +     return a / b\nR13   +     print('done')"
COMMENT: dict[str, object] = {
    "type": "object",
    "properties": {
        "line": {"type": "string", "enum": ["R11", "R12", "R13"]},
        "message": {"type": "string", "maxLength": 60},
    },
    "required": ["line", "message"],
    "additionalProperties": False,
}
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"comments": {"type": "array", "items": COMMENT, "minItems": 1, "maxItems": 1}},
    "required": ["comments"],
    "additionalProperties": False,
}
PROMPT = Prompt(prefix="You review code. Answer in JSON. " * 12, hunk=HUNK, schema=SCHEMA, max_tokens=200)


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[str]:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when the library is loaded
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(get_smollm2())
    params.n_ctx, params.n_parallel, params.port, params.verbosity = 4096, 1, 0, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.api_keys = [KEY]
    server = xllamacpp.Server(params)
    yield str(server.listening_address)
    del server


@pytest.fixture(scope="module")
def transformers() -> Iterator[str]:
    with transformers_server() as url:
        yield url


async def test_llama_cpp_keeps_to_the_schema(llama_cpp: str) -> None:
    async with Endpoint(llama_cpp + "/v1", KEY) as endpoint:
        reply = await endpoint.complete(PROMPT)
        assert endpoint.version.name == SMOLLM2
    [comment] = json.loads(reply.text)["comments"]
    assert comment["line"] in {"R11", "R12", "R13"}
    assert not reply.cut
    assert reply.prompt_tokens
    assert reply.completion_tokens


async def test_llama_cpp_serves_the_shared_prefix_from_its_cache(llama_cpp: str) -> None:
    other = Prompt(PROMPT.prefix, HUNK.replace("ratio", "share"), SCHEMA, max_tokens=200)
    async with Endpoint(llama_cpp, KEY) as endpoint:
        await endpoint.complete(PROMPT)
        reply = await endpoint.complete(other)
    assert reply.prompt_tokens
    assert reply.cached_tokens
    assert reply.cached_tokens > 0.7 * reply.prompt_tokens


async def test_llama_cpp_repeats_an_answer_when_asked_to(llama_cpp: str) -> None:
    async with Endpoint(llama_cpp, KEY, repeatable=True) as endpoint:
        replies = [await endpoint.complete(PROMPT) for _ in range(2)]
    assert len({reply.text for reply in replies}) == 1
    assert {reply.cached_tokens for reply in replies} == {0}


async def test_llama_cpp_answers_many_at_once(llama_cpp: str) -> None:
    async with Endpoint(llama_cpp, KEY, concurrency=3) as endpoint:
        replies = await asyncio.gather(*(endpoint.complete(PROMPT) for _ in range(3)))
    assert all(json.loads(reply.text)["comments"] for reply in replies)


async def test_llama_cpp_says_when_it_stops_at_the_limit(llama_cpp: str) -> None:
    async with Endpoint(llama_cpp, KEY) as endpoint:
        reply = await endpoint.complete(Prompt(PROMPT.prefix, HUNK, SCHEMA, max_tokens=5))
    assert reply.cut
    assert reply.completion_tokens == 5


@pytest.mark.parametrize("key", ["", "another-key-altogether"])
async def test_llama_cpp_refuses_a_wrong_key(llama_cpp: str, key: str) -> None:
    async with Endpoint(llama_cpp, key) as endpoint:
        with pytest.raises(ModelRefused, match="401: Invalid API Key") as caught:
            await endpoint.complete(PROMPT)
    assert "token" in caught.value.hint


async def test_llama_cpp_refuses_a_prompt_that_is_too_long(llama_cpp: str) -> None:
    async with Endpoint(llama_cpp, KEY) as endpoint:
        with pytest.raises(ModelRefused, match="4096 tokens") as caught:
            await endpoint.complete(Prompt("word " * 5000, HUNK, SCHEMA))
    assert "max-prompt-tokens" in caught.value.hint


async def test_llama_cpp_is_probed(llama_cpp: str) -> None:
    async with Endpoint(llama_cpp, KEY) as endpoint:
        probe = await endpoint.probe()
    assert (probe.flavour, probe.model, probe.structured) == ("llama.cpp", SMOLLM2, "enforced")
    assert probe.max_total_tokens == 4096


async def test_llama_cpp_refuses_tgis_response_format(llama_cpp: str) -> None:
    """Why the flavours are told apart; and a refusal about the format is seen as one."""
    body = render_request(PROMPT, "tgi", "tgi")
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        url, headers = f"{llama_cpp}/v1/chat/completions", {"Authorization": f"Bearer {KEY}"}
        answer = await client.post(url, json=body, headers=headers)
    assert is_format_refusal(answer.status_code, parse_error(answer.content))


async def test_transformers_serve_answers_though_it_ignores_the_schema(transformers: str) -> None:
    async with Endpoint(transformers, timeout=300) as endpoint:
        reply = await endpoint.complete(Prompt("You are brief.", "Say hello.", SCHEMA, max_tokens=12))
        assert reply.text
        assert reply.prompt_tokens
        assert reply.completion_tokens
        assert endpoint.version.name.startswith("smollm2-bf16")
        assert "/" not in endpoint.version.name
        probe = await endpoint.probe()
    assert (probe.flavour, probe.structured) == ("openai", "ignored")


async def test_transformers_serve_refuses_a_model_that_it_does_not_have(transformers: str) -> None:
    async with Endpoint(transformers, model="acme/other") as endpoint:
        with pytest.raises(ModelRefused, match="requested 'acme/other'"):
            await endpoint.complete(PROMPT)


async def test_a_real_fallback_takes_over(llama_cpp: str) -> None:
    options: dict[str, Any] = {"fallback_url": llama_cpp, "backoff": 0.01}
    async with Endpoint("http://127.0.0.1:9", KEY, **options) as endpoint:
        probe = await endpoint.probe()
    assert probe.warnings == ("The endpoint is unavailable; the fallback endpoint answers.",)


def test_the_model_is_a_real_one() -> None:
    assert Path(get_smollm2()).stat().st_size == 98_362_432
