"""Held-out pull requests: what a candidate is shown, and where and what humans said. One JSON object a line.

`gold` are the placed human root comments: by a person, not by the pull request's author, first of their thread, on a
line of the diff that is shown. When `complete` is false they are a selection, and a comment elsewhere may be right:
such a pull request is ground for recall, never for precision (`evals.location` enforces it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from evals.errors import EvalError
from evals.records import check_head, digest, encode, parse_line, read_lines, save_lines
from reviewer.domain import Bundle, Side

HELD_OUT_SCHEMA: Final = "glossator/held-out/1"

Key = tuple[str, int]
"""Repository and number."""


@dataclass(frozen=True, slots=True)
class GoldComment:
    """A human review comment. Line numbers are those of `side`, as GitHub counts them; `start_line` None: one line."""

    id: int
    path: str
    side: Side
    line: int
    start_line: int | None
    body: str = ""
    """Without secrets and personal data. Empty when its author opted out: then only the place counts."""
    created_at: str = ""
    anchor: Literal["exact", "reanchored"] = "exact"
    """`reanchored`: made on an older revision, and found again in this one by mark, text and context."""
    teaches: bool = True
    """Whether the training data would keep it: no acknowledgement, no process talk, no question about other code."""


@dataclass(frozen=True, slots=True)
class OutdatedComment:
    """A human comment whose line is no more in the diff, though its code is: in hunk `hunk` of the file, from 0."""

    id: int
    path: str
    hunk: int


@dataclass(frozen=True)
class HeldOut:
    """One held-out pull request."""

    bundle: Bundle
    gold: tuple[GoldComment, ...]
    complete: bool
    """All human comments of the pull request are known."""
    unplaced: int = 0
    """Human root comments that have no line in this diff: recall is measured without them."""
    created_at: str = ""
    license: str = ""
    source: str = ""
    outdated: tuple[OutdatedComment, ...] = ()
    """Those of the unplaced ones whose hunk can be told. No gold: it was found by likeness."""

    @property
    def key(self) -> Key:
        """What the pull request goes by."""
        return (self.bundle.pull_request.repo, self.bundle.pull_request.number)

    @cached_property
    def digest(self) -> str:
        """Stands for what a candidate is shown; neither the human comments nor who locates are part of it."""
        return digest(encode(replace(self.bundle, locator="")))


@dataclass(frozen=True)
class HeldOutSet:
    """A set of held-out pull requests in the order of the file, which is drawn by chance: its head is a sample."""

    name: str
    pull_requests: tuple[HeldOut, ...]
    revision: str = field(default="", compare=False)
    """Digest of all of it: a score is only comparable with another of the same revision."""


def save_held_out(path: Path, name: str, lines: Iterable[bytes]) -> None:
    """Write a set from encoded `HeldOut` records.

    Raises:
        EvalError: It cannot be written.
    """
    save_lines(path, {"schema": HELD_OUT_SCHEMA, "name": name}, lines)


def load_held_out(path: Path, limit: int = 0) -> HeldOutSet:
    """Read a set, or its first `limit` pull requests.

    Raises:
        EvalError: It cannot be read, is something else, is empty, or holds a pull request twice.
    """
    lines = read_lines(path)
    head = next(lines, b"{}")
    check_head(head, HELD_OUT_SCHEMA, path)
    seen: set[Key] = set()
    found: list[HeldOut] = []
    digests: list[str] = []
    for number, line in enumerate(lines, 2):
        if limit and len(found) == limit:
            break
        each = parse_line(line, HeldOut, f"{path}, line {number},")
        if each.key in seen:
            raise EvalError(f"{path}, line {number}, holds {each.key[0]}#{each.key[1]} again.", "Make the set again.")
        seen.add(each.key)
        found.append(each)
        digests.append(digest(line))
    name = parse_line(head, _Head, str(path)).name
    if not found:
        raise EvalError(f"{path} holds no pull request.", "Hold out more: glossator-train held-out.")
    return HeldOutSet(name, tuple(found), digest("\n".join(digests).encode()))


@dataclass(frozen=True, slots=True)
class _Head:
    name: str
