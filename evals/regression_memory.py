"""What the issue about a regression remembers from night to night, in a hidden marker in its own body."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Final

from reviewer.jsonfile import decode

MARK: Final = "<!-- glossator:1:regression:"
_MARKER: Final = re.compile(r"<!-- glossator:1:regression:([A-Za-z0-9_=-]{1,4000}): -->")


@dataclass(frozen=True, slots=True)
class Memory:
    """What an issue remembers."""

    evaluation: str
    """Which evaluation it is about: a repository may have several."""
    worse: tuple[str, ...] = ()
    """The comparisons in which something is worse; none: it is over."""
    nights: int = 0
    """Runs that have seen it."""
    run: str = ""
    """The last of them."""
    since: str = ""
    """The first of them."""
    last_good: str = ""
    """Digest of the scorecard that the champion is compared with."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the gate said of one comparison: its name, whether something is significantly worse, and all in words."""

    name: str
    is_worse: bool
    title: str = ""
    text: str = ""
    """Markdown that can do nothing."""


@dataclass(frozen=True, slots=True)
class Night:
    """What one run of the evaluation found. `expected`: the comparisons that could have been made."""

    evaluation: str
    comparisons: tuple[Comparison, ...]
    expected: tuple[str, ...]
    run: str
    last_good: str = ""
    """As in `Memory`; empty when there was none."""


def remember(before: Memory, night: Night) -> Memory:
    """What is known after this night. A comparison that could not be made tonight stays as it was."""
    made = {one.name: one.is_worse for one in night.comparisons}
    worse = [name for name in night.expected if made.get(name, name in before.worse)]
    again = before.run == night.run
    return replace(
        before,
        worse=tuple(worse),
        nights=before.nights + (bool(worse) and not again),
        run=night.run,
        since=before.since or night.run,
        last_good=night.last_good or before.last_good,
    )


def render_memory(memory: Memory) -> str:
    """The hidden marker. Its payload is base64, so that nothing in it can close the comment."""
    payload = json.dumps(asdict(memory), separators=(",", ":")).encode()
    return f"{MARK}{base64.urlsafe_b64encode(payload).decode()}: -->"


def parse_memory(body: str) -> Memory | None:
    """What the last marker of a body says; None without one that this version can read."""
    for payload in reversed(_MARKER.findall(body)):
        try:
            return decode(base64.urlsafe_b64decode(payload), Memory)
        except (binascii.Error, ValueError):
            continue
    return None


def replace_memory(body: str, memory: Memory) -> str:
    """The body with this marker in the place of those that it has."""
    return f"{_MARKER.sub('', body).rstrip()}\n\n{render_memory(memory)}"
