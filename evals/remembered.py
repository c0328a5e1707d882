"""A model that remembers its answers, so that a run that was killed or is made again asks for none twice.

The key is all that the answer depends on: who answers, the messages, the schema of the answer and its length.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field

import msgspec

from evals.content_store import ContentStore, content_key
from evals.predictions import Seconds
from reviewer.domain import ModelVersion
from reviewer.errors import ModelError
from reviewer.jsonfile import decode
from reviewer.prompt import Prompt, Reply
from reviewer.review import Model


@dataclass(slots=True)
class Asked:
    """What was asked since the last `take`: requests, how many answers were remembered, and the model's seconds."""

    requests: int = 0
    remembered: int = 0
    seconds: float = 0.0
    failures: list[ModelError] = field(default_factory=list)
    """Of the requests that got no answer."""


class RememberedModel:
    """A `reviewer.review.Model` around another one. Failures are not remembered."""

    def __init__(self, model: Model, store: ContentStore, settings: str = "") -> None:
        """`settings` is what else the answers depend on, such as the address of a server."""
        self._model = model
        self._store = store
        self._settings = settings
        self._asked = Asked()

    @property
    def version(self) -> ModelVersion:
        """Who answers."""
        return self._model.version

    async def complete(self, prompt: Prompt) -> Reply:
        """The remembered answer, or a new one.

        Raises:
            ModelError: The model gave none.
        """
        key = self.key(prompt)
        known = parse_answer(self._store.get(key) or "")
        self._asked.requests += 1
        if known:
            reply, seconds = known
            self._asked.remembered += 1
            self._asked.seconds += seconds
            return reply
        started = time.monotonic()
        try:
            reply = await self._model.complete(prompt)
        except ModelError as error:
            self._asked.failures.append(error)
            raise
        seconds = round(time.monotonic() - started, 3)
        self._asked.seconds += seconds
        self._store.put_many({key: json.dumps({**asdict(reply), "seconds": seconds})})
        return reply

    async def check(self) -> None:
        """Ask something that any model can answer. Before it, an endpoint does not know whose answers it gives.

        Raises:
            ModelError: There was no answer.
        """
        from reviewer.endpoint import PROBE

        await self._model.complete(PROBE)

    def take(self) -> Asked:
        """What was asked since the last call."""
        asked, self._asked = self._asked, Asked()
        return asked

    def key(self, prompt: Prompt) -> str:
        """What the answer to a prompt is remembered by."""
        version = self._model.version
        who = (version.name, version.version, version.adapter_digest, self._settings)
        return content_key("reply", *who, json.dumps([prompt.messages, prompt.schema, prompt.max_tokens]))


@dataclass(frozen=True, slots=True)
class _Took:
    seconds: Seconds


def parse_answer(text: str) -> tuple[Reply, float] | None:
    """A remembered answer and the model's seconds; None for anything else, as what a later version has written."""
    try:
        data = text.encode("utf-8", "surrogatepass")
        return decode(data, Reply), decode(data, _Took).seconds
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
