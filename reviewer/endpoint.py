"""The model over HTTP: TGI, vLLM, llama.cpp or any OpenAI-style server, with a fallback."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Literal, Self

import httpx

from reviewer.domain import ModelVersion
from reviewer.errors import ModelRefused, ModelUnavailable
from reviewer.exchange import RETRIED, Answer, Exchange, is_loopback, parse_address, parse_token
from reviewer.flavours import (
    Flavour,
    ServerFacts,
    choose_model,
    clean_name,
    is_format_refusal,
    parse_completion,
    parse_error,
    parse_info,
    parse_model,
    parse_models,
    render_name,
    render_request,
)
from reviewer.prompt import PROMPT_VERSION, Prompt, Reply

GIVE_UP_AFTER = 3
"""Prompts in a row that a server did not answer: it is not asked again in this run."""
LEARN_SECONDS = 30.0
HINTS = {
    401: "Check the endpoint's token.",
    403: "Check the endpoint's token and what it may use.",
    404: "Check the address (…/v1, or what comes before it) and the model's name.",
    413: "Lower `max-prompt-tokens`, or let the server take longer prompts.",
    429: "Lower `concurrency`, or try again later.",
}
UNAVAILABLE_HINT = (
    "Check that the server runs and can be reached from here, and `timeout`; `glossator doctor` tries it."
)
FAILED = RETRIED | {424}
"""TGI's 424 is a generation that failed."""
NO_ADAPTER = "glossator-no-such-adapter"
PROBE = Prompt(
    prefix="You are a poet.",
    hunk="Write two lines about rain. No JSON.",
    schema={"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
    max_tokens=40,
)
_TOO_LONG = re.compile(
    r"context (size|length|window)|too long|must have less than|`max_new_tokens` must be", re.IGNORECASE
)


@dataclass(slots=True)
class Server:
    """One address and what is known of it so far. `constrains`: it has not refused a `response_format`."""

    base: str = field(repr=False)
    role: Literal["endpoint", "fallback endpoint"] = "endpoint"
    facts: ServerFacts | None = None
    model: str = ""
    constrains: bool = True
    failures: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """What an endpoint says of itself. `structured`: what it does with a JSON schema for its answers."""

    flavour: Flavour
    model: str
    models: tuple[str, ...]
    max_input_tokens: int | None
    max_total_tokens: int | None
    structured: Literal["enforced", "ignored", "refused"]
    seconds: float
    warnings: tuple[str, ...]


class Endpoint:
    """A model behind an address: a `reviewer.review.Model`, and an asynchronous context manager.

    Args:
        url: With or without `/v1`.
        token: Sent as a bearer token, to the fallback too.
        model: The name to ask for (with TGI an adapter's); "" takes the server's own.
        fallback_url: Asked when the first is unavailable, and from then on instead of it.
        timeout: Seconds for one prompt at one address, with all retries.
        concurrency: Requests at a time; others wait for their turn.
        repeatable: Have llama.cpp give the same answer to the same prompt, at the cost of its prompt cache.
        backoff: Seconds before the first retry; doubled each time.
        transport: Instead of the network.

    Raises:
        UsageError: The address or the token cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        model: str = "",
        *,
        fallback_url: str = "",
        timeout: float = 120.0,
        concurrency: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
        repeatable: bool = False,
        backoff: float = 1.0,
    ) -> None:
        self._servers = [Server(parse_address(url))]
        if fallback_url:
            self._servers.append(Server(parse_address(fallback_url), "fallback endpoint"))
        self._token, self._model = parse_token(token), model.strip()
        self._timeout, self._repeatable = timeout, repeatable
        self._gate = asyncio.Semaphore(concurrency)
        self._current = 0
        addresses = [server.base for server in self._servers]
        self._exchange = Exchange(addresses, self._token, concurrency=concurrency, backoff=backoff, transport=transport)

    def __repr__(self) -> str:
        return f"Endpoint(model={self.version.name!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exchange.close()

    @property
    def version(self) -> ModelVersion:
        """The model as its server calls it; as it was asked for, or "unknown", before the first answer."""
        known = [server for server in self._servers if server.facts]
        server = known[-1] if known else self._servers[0]
        facts = server.facts or ServerFacts("openai")
        name = render_name(facts, server.model or self._model)
        return ModelVersion(self._exchange.clean(name), version=facts.revision, prompt_version=PROMPT_VERSION)

    async def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises:
            ModelUnavailable: No server gave an answer.
            ModelRefused: The server said no; its own words are in the error.
        """
        async with self._gate:
            while True:
                index = self._current
                try:
                    return await self._complete_at(self._servers[index], prompt)
                except ModelUnavailable:
                    if index + 1 == len(self._servers):
                        raise
                    self._current = index + 1

    async def _complete_at(self, server: Server, prompt: Prompt) -> Reply:
        """Answer one prompt at one server, unless it has failed too often."""
        deadline = time.monotonic() + self._timeout
        try:
            facts = await self._learn(server, deadline)
            answer = await self._ask(server, facts, prompt, deadline)
            self._check(answer, server)
            reply = parse_completion(answer.body, answer.headers, self._exchange.clean)
        except ModelUnavailable:
            server.failures += 1
            raise
        server.failures = 0
        if not facts.models and (name := parse_model(answer.body)):
            server.facts = replace(facts, models=(name,))
        return replace(reply, text=self._exchange.clean_reply(reply.text))

    async def _learn(self, server: Server, deadline: float) -> ServerFacts:
        """Find out, once, what kind of server this is and which model it has."""
        async with server.lock:
            if server.failures >= GIVE_UP_AFTER:
                raise ModelUnavailable(f"The {server.role} failed too often and is not asked again.", UNAVAILABLE_HINT)
            if server.facts is None:
                try:
                    server.facts = await self._get_facts(server, min(deadline, time.monotonic() + LEARN_SECONDS))
                except ModelUnavailable:
                    server.failures = GIVE_UP_AFTER
                    raise
                server.model = choose_model(server.facts, self._model)
            return server.facts

    async def _get_facts(self, server: Server, deadline: float) -> ServerFacts:
        for path, parse in (("/info", parse_info), ("/v1/models", parse_models)):
            answer = await self._exchange.ask(server.base + path, deadline=deadline, patience=LEARN_SECONDS / 2)
            if answer.status in RETRIED:
                self._check(answer, server)
            if answer.status == httpx.codes.OK and (facts := parse(answer.body)):
                return facts
        return ServerFacts("openai")

    async def _ask(self, server: Server, facts: ServerFacts, prompt: Prompt, deadline: float) -> Answer:
        """Post the prompt; a server that refuses `response_format` gets it again without, from then on always."""

        async def post(*, constrained: bool) -> Answer:
            body = render_request(
                prompt, facts.flavour, server.model, constrained=constrained, repeatable=self._repeatable
            )
            url = f"{server.base}/v1/chat/completions"
            return await self._exchange.ask(url, body, deadline=deadline, patience=self._timeout)

        constrained = server.constrains
        answer = await post(constrained=constrained)
        if constrained and is_format_refusal(answer.status, parse_error(answer.body)):
            answer = await post(constrained=False)
            server.constrains = server.constrains and answer.status != httpx.codes.OK
        return answer

    def _check(self, answer: Answer, server: Server) -> None:
        """Raise for an answer that is not one, in the server's own words where it has some."""
        if answer.problem:
            raise ModelUnavailable(f"The {server.role} {answer.problem}.", UNAVAILABLE_HINT)
        if answer.status == httpx.codes.OK:
            return
        words = self._exchange.clean(parse_error(answer.body))
        what = f"The {server.role} answered {answer.status}" + (f": {words}" if words else ".")
        if httpx.codes.is_redirect(answer.status):
            raise ModelRefused(
                f"{what} It sends requests elsewhere.", "Give the address that it leads to, if you trust it."
            )
        if answer.status in FAILED or httpx.codes.is_server_error(answer.status):
            raise ModelUnavailable(what, HINTS.get(answer.status, UNAVAILABLE_HINT))
        raise ModelRefused(what, HINTS[413] if _TOO_LONG.search(words) else HINTS.get(answer.status, ""))

    async def probe(self) -> Probe:
        """Ask the server who it is, and whether its answers keep to a schema. Raises what `complete` raises."""
        started = time.monotonic()
        reply = await self.complete(PROBE)
        server = self._servers[self._current]
        facts = server.facts or ServerFacts("openai")
        obeyed = re.match(r'\s*\{\s*("ok"|$)', reply.text) is not None
        return Probe(
            flavour=facts.flavour,
            model=self.version.name,
            models=tuple(self._exchange.clean(clean_name(name)) for name in facts.models),
            max_input_tokens=facts.max_input_tokens,
            max_total_tokens=facts.max_total_tokens,
            structured="refused" if not server.constrains else "enforced" if obeyed else "ignored",
            seconds=time.monotonic() - started,
            warnings=tuple([text async for text in self._find_warnings(server, facts, reply)]),
        )

    async def _find_warnings(self, server: Server, facts: ServerFacts, reply: Reply) -> AsyncIterator[str]:
        """What works and may still not be what the user wants."""
        if self._current:
            yield "The endpoint is unavailable; the fallback endpoint answers."
        if self._token and server.base.startswith("http:") and not is_loopback(server.base):
            yield "The token is sent unencrypted: the address starts with http://."
        if facts.flavour == "tgi" and server.model != "tgi":
            answer = await self._ask(replace(server, model=NO_ADAPTER), facts, PROBE, time.monotonic() + self._timeout)
            self._check(answer, server)
            if parse_completion(answer.body, answer.headers, self._exchange.clean).text == reply.text:
                yield "The adapter answers as the base model does: TGI may not know it, and then uses the base model."
        elif self._model and facts.models and self._model not in facts.models:
            yield "The server does not list the model that is asked for; some servers then answer with another."
