"""Fake models that are as bad as models get, and one that judges by the shape of a line alone. All deterministic.

Whatever a model answers, the product must stay right: each of these plays one way to be wrong.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reviewer.domain import ModelVersion
from reviewer.errors import ModelUnavailable
from reviewer.prompt import Prompt, Reply

_ID = re.compile(r"[RL]\d+")
_ID_WIDTH = 6
_FEW, _MANY = 5, 30
"""Comments on one piece. Two are allowed."""
_LETTERS = re.compile(r"[^\W\d]\w*|\d+|\s+")


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line as a prompt shows it. `mark` is `+`, `-` or a blank."""

    id: str
    mark: str
    text: str


def read_piece(prompt: Prompt) -> list[ShownLine]:
    """The lines of the piece that a prompt asks about."""
    found = []
    for row in prompt.hunk.split("\n"):
        if match := _ID.match(row):
            rest = row[max(_ID_WIDTH, match.end()) :]
            found.append(ShownLine(match[0], rest[:1] or " ", rest[2:]))
    return found


class FakeModel:
    """A `reviewer.review.Model` that answers by a function and keeps the prompts that came."""

    def __init__(self, name: str, answer: Callable[[Prompt], str]) -> None:
        self._name = name
        self._answer = answer
        self.prompts: list[Prompt] = []

    @property
    def version(self) -> ModelVersion:
        """Who answers."""
        return ModelVersion(self._name)

    async def complete(self, prompt: Prompt) -> Reply:
        """The function's answer.

        Raises:
            ModelUnavailable: The function raises it.
        """
        self.prompts.append(prompt)
        return Reply(self._answer(prompt))


def _render(*comments: tuple[str, str, str]) -> str:
    """An answer of these comments: line, quote, message."""
    keys = ("line", "quote", "message")
    plain = {"severity": "error", "category": "bug"}
    return json.dumps({"comments": [dict(zip(keys, comment, strict=True)) | plain for comment in comments]})


def say_nothing(prompt: Prompt) -> str:  # noqa: ARG001 - as all of them
    """Find nothing wrong."""
    return _render()


def comment_everywhere(prompt: Prompt) -> str:
    """Comment on each changed line as long as an answer can be, in other words each time."""
    changed = [line for line in read_piece(prompt) if line.mark != " "][:_MANY]
    return _render(
        *((line.id, line.text, f"{_word(line)} {_word(line)[::-1]} {line.id} breaks it.") for line in changed)
    )


def _word(line: ShownLine) -> str:
    return f"w{zlib.crc32(f'{line.id} {line.text}'.encode('utf-8', 'replace')):08x}"


def talk_garbage(prompt: Prompt) -> str:  # noqa: ARG001 - as all of them
    """Praise the change, and begin a JSON object that never ends."""
    return 'LGTM, ship it! {"comments": [{"line": "R1", "quo'


def cite_elsewhere(prompt: Prompt) -> str:
    """Cite lines that are not in the change."""
    numbers = [int(line.id[1:]) for line in read_piece(prompt)] or [1]
    lost = (f"R{max(numbers) + 100_000}", "R0", "L0", "line 1 of another file")
    return _render(*((place, "no_such_line();", f"The place {place} breaks it.") for place in lost))


def quote_wrongly(prompt: Prompt) -> str:
    """Cite the first lines of the change, and quote what does not stand there."""
    changed = [line for line in read_piece(prompt) if line.mark != " "][:_FEW]
    return _render(
        *((line.id, f"zq_{at}_never_written_here();", f"{_word(line)} breaks it.") for at, line in enumerate(changed))
    )


def refuse_to_answer(prompt: Prompt) -> str:  # noqa: ARG001 - as all of them
    """Be away.

    Raises:
        ModelUnavailable: Always.
    """
    raise ModelUnavailable("The model is away.", "Ask another one.")


ADVERSARIES: Final[dict[str, Callable[[Prompt], str]]] = {
    "silent": say_nothing,
    "everywhere": comment_everywhere,
    "garbage": talk_garbage,
    "elsewhere": cite_elsewhere,
    "misquoting": quote_wrongly,
    "away": refuse_to_answer,
}
UNHEARD: Final = frozenset({"garbage", "away"})
"""Those of whom nothing is heard: a review by them never reads as one."""
UNPLACED: Final = frozenset({"garbage", "elsewhere", "misquoting", "away", "silent"})
"""Those who can have no comment of theirs on a line."""


def judge_by_shape(prompt: Prompt) -> str:
    """Comment on about a third of the changed lines, chosen by their signs without names, numbers and white space.

    So the answer stays the same where only those differ: any other difference in a review is the product's.
    """
    changed = [line for line in read_piece(prompt) if line.mark != " " and _shape(line)]
    chosen = [line for line in changed if zlib.crc32(_shape(line).encode("utf-8", "replace")) % 3 == 0]
    return _render(*((line.id, line.text, f"{line.id} {_word_of_shape(line)} breaks it.") for line in chosen))


def _shape(line: ShownLine) -> str:
    signs = _LETTERS.sub("", line.text)
    return f"{line.mark}{signs}" if signs else ""


def _word_of_shape(line: ShownLine) -> str:
    return f"s{zlib.crc32(_shape(line).encode('utf-8', 'replace')):08x}"
