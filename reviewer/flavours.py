"""How each kind of model server is asked, and how its answers are read. Pure: no network here.

TGI is known by `GET /info` (it has "router"), the others by who owns the models of `GET /v1/models`. All of them answer
`POST /v1/chat/completions`, with these differences:

- TGI takes a schema as {"type": "json", "value": ...}, with "properties" at the top, and refuses OpenAI's shape with a
  text/plain 422. Its `model` is an adapter's name, and "tgi" is none; an unknown adapter is silently the base model.
- TGI adds 2 to a `presence_penalty`, samples when `temperature` is missing, and restarts a grammar every 1,024 tokens:
  so the first is never sent, the second is always 0, and `max_tokens` has a ceiling.
- llama.cpp reuses cached prompts, which may change greedy answers a little; `cache_prompt` false makes them repeatable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reviewer.errors import ModelRefused, ModelUnavailable
from reviewer.prompt import Prompt, Reply

Flavour = Literal["tgi", "llama.cpp", "vllm", "sglang", "openai"]

MAX_TOKENS = 1024
"""Of an answer: above it TGI starts the grammar again in the middle."""

OWNERS: dict[str, Flavour] = {"llamacpp": "llama.cpp", "vllm": "vllm", "sglang": "sglang"}
CUT_REASONS = {"length", "content_filter", "abort"}
NOT_A_MODEL_SERVER = (
    "Check that the address is a model server's: one that answers POST …/v1/chat/completions with JSON."
)

_FORMAT_WORDS = re.compile(r"response_?format|grammar|schema|guided|structured|missing field `value`", re.IGNORECASE)
_NAME_NOISE = re.compile(r"[^\w.:/+@-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself. Token limits are None where it does not say."""

    flavour: Flavour
    models: tuple[str, ...] = ()
    revision: str = ""
    max_input_tokens: int | None = None
    max_total_tokens: int | None = None


def parse_info(body: bytes) -> ServerFacts | None:
    """What TGI's `GET /info` says, None when this is not TGI."""
    info = _load_object(body)
    if "router" not in info:
        return None
    return ServerFacts(
        flavour="tgi",
        models=(str(info.get("model_id", "")),),
        revision=clean_name(str(info.get("model_sha") or "")),
        max_input_tokens=_count(info.get("max_input_tokens")),
        max_total_tokens=_count(info.get("max_total_tokens")),
    )


def parse_models(body: bytes) -> ServerFacts:
    """What `GET /v1/models` says; a plain OpenAI server without names when it says nothing that can be read."""
    entries = _load_object(body).get("data")
    models = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    first = models[0] if models else {}
    meta = first.get("meta")
    context = first.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else None)
    return ServerFacts(
        flavour=OWNERS.get(str(first.get("owned_by")), "openai"),
        models=tuple(str(entry["id"]) for entry in models if entry.get("id")),
        max_total_tokens=_count(context),
    )


def choose_model(facts: ServerFacts, wanted: str) -> str:
    """What goes into `model`: the wanted name, else the server's first or ""; for TGI an adapter, else "tgi"."""
    if facts.flavour == "tgi":
        return "tgi" if wanted in ("", *facts.models) else wanted
    return wanted or next(iter(facts.models), "")


def render_name(facts: ServerFacts, model: str) -> str:
    """The model's name for people, as the server states it, without its folders; with TGI the adapter's too."""
    base = clean_name(next(iter(facts.models), ""))
    if facts.flavour != "tgi":
        answers_to_any_name = facts.flavour == "llama.cpp" and model not in facts.models
        return (base if answers_to_any_name else clean_name(model) or base) or "unknown"
    return base if model == "tgi" else f"{base}+{clean_name(model)}"


def clean_name(name: str) -> str:
    """A model's name in plain characters, at most 100 of them; of a file's path only the last part."""
    if re.match(r"[/\\~.]|[A-Za-z]:[/\\]", name):
        name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    return _NAME_NOISE.sub("-", name)[:100].strip("-")


def render_request(
    prompt: Prompt, flavour: Flavour, model: str, *, constrained: bool = True, repeatable: bool = False
) -> dict[str, object]:
    """The JSON body of `POST /v1/chat/completions`. Without a `model`, a server takes the only one it has."""
    body: dict[str, object] = {
        "messages": prompt.messages,
        "temperature": 0,
        "max_tokens": min(prompt.max_tokens, MAX_TOKENS),
        "stream": False,
    }
    if model:
        body["model"] = model
    if flavour == "llama.cpp":
        body["cache_prompt"] = not repeatable
    if constrained:
        body["response_format"] = render_response_format(prompt.schema, flavour)
    return body


def render_response_format(schema: dict[str, object], flavour: Flavour) -> dict[str, object]:
    """The constraint on the answer, in the shape that this kind of server takes.

    No `strict`: OpenAI refuses a strict schema that has an optional property, and the others constrain without it.
    """
    if flavour == "tgi":
        wrapped = {"type": "object", "properties": {"comments": schema}, "required": ["comments"]}
        return {"type": "json", "value": schema if "properties" in schema else wrapped}
    return {"type": "json_schema", "json_schema": {"name": "review", "schema": schema}}


def is_format_refusal(status: int, message: str) -> bool:
    """Whether a server said no because of `response_format`: without it, it may well answer."""
    return status in (400, 422, 501) and _FORMAT_WORDS.search(message) is not None


def parse_error(body: bytes) -> str:
    """The server's own words in an error's body: of TGI, OpenAI, vLLM, FastAPI, or plain text; "" for HTML."""
    answer = _load_object(body)
    error = answer.get("error") or answer.get("message") or answer.get("detail")
    if isinstance(error, dict):
        error = error.get("message")
    if error:
        return error if isinstance(error, str) else json.dumps(error)
    text = body.decode("utf-8", "replace").strip()
    return "" if answer or text.startswith(("<", "{")) else text


def parse_model(body: bytes) -> str:
    """The model that a chat completion says it is from; "" when it does not."""
    model = _load_object(body).get("model")
    return model if isinstance(model, str) else ""


def parse_completion(body: bytes, headers: Mapping[str, str], clean: Callable[[str], str]) -> Reply:
    """The reply in a chat completion. `reasoning_content` is not part of it.

    Args:
        body: Of an answer with status 200.
        headers: Its headers, by lower-case name.
        clean: Makes the server's words fit for an error.

    Raises:
        ModelUnavailable: The answer is not a chat completion: HTML, half of one, no choice in it.
        ModelRefused: It is an error with status 200, or the model declined to answer.
    """
    answer = _load_object(body)
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        if answer.get("error"):
            raise ModelRefused(f"The model server answered with an error: {clean(parse_error(body))}")
        raise ModelUnavailable(f"The model server's answer {_describe(body)}.", NOT_A_MODEL_SERVER)
    cut = choice.get("finish_reason") in CUT_REASONS
    text = _text(message.get("content"))
    if text is None and not cut:
        declined = clean(str(message.get("refusal") or ""))
        raise ModelRefused(f"The model declined: {declined}" if declined else "The model answered without any text.")
    return Reply(text=text or "", cut=cut, **_counts(answer, headers))


def _text(content: object) -> str | None:
    """A message's text, given whole or in parts; None when there is none."""
    if isinstance(content, list):
        content = "".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else None


def _counts(answer: dict[str, Any], headers: Mapping[str, str]) -> dict[str, int | None]:
    """The tokens of a request, from `usage`, from llama.cpp's `timings` or from TGI's headers."""
    usage, timings = _object(answer.get("usage")), _object(answer.get("timings"))
    cached = _count(_object(usage.get("prompt_tokens_details")).get("cached_tokens"))
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    return {
        "prompt_tokens": _count(headers.get("x-prompt-tokens")) if prompt is None else prompt,
        "cached_tokens": _count(timings.get("cache_n")) if cached is None else cached,
        "completion_tokens": _count(headers.get("x-generated-tokens")) if completion is None else completion,
    }


def _describe(body: bytes) -> str:
    """What is wrong with an answer that is no chat completion."""
    start = body.lstrip()[:1]
    if start in (b"", b"<"):
        return "is a web page" if start else "is empty"
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return "stops in the middle" if start == b"{" else "is not JSON"
    return "has no choice with a message in it"


def _count(value: object) -> int | None:
    """A number of tokens, None for anything else."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _load_object(body: bytes) -> dict[str, Any]:
    """A JSON object, {} for anything else."""
    try:
        return _object(json.loads(body))
    except (ValueError, RecursionError):
        return {}
