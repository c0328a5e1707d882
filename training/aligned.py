"""What `align` says of a pull request: for each review comment its place, and what became of it. Records only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reviewer.domain import LineKind, Outcome, Side

ALIGNED_SCHEMA = "glossator/aligned/1"

Standing = Literal["exact", "reanchored", "outdated", "file", "unplaced"]
"""Whether the commented line stands in the snapshot's diff.

`exact`: where the host says that it stands, or at the number that it had. `reanchored`: moved, found again by mark,
text and context. `outdated`: not in the diff any more, or nobody can tell which of several it is, though the line it
was made on is known; also where there is no diff. `file`: about a whole file. `unplaced`: nobody knows the line.
"""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A line, or a range that ends with it, of one diff. Numbers count from 1 on their `side`."""

    path: str
    side: Side
    line: int
    start_line: int | None
    kind: LineKind
    text: str
    """Of `line`, as the diff has it."""


@dataclass(frozen=True, slots=True)
class AlignedComment:
    """A comment's place. `root` is the id of the first comment of its thread, its own when it is that."""

    id: int
    root: int
    standing: Standing
    reason: str = ""
    """Why it is not `exact`."""
    original: Anchor | None = None
    """In the diff that the comment was made on."""
    current: Anchor | None = None
    """In the snapshot's diff; None when `outdated`, `file` or `unplaced`."""
    outcome: Outcome = field(default_factory=Outcome)


@dataclass(frozen=True, slots=True)
class Aligned:
    """One pull request's comments in the snapshot's order."""

    repo: str
    number: int
    comments: tuple[AlignedComment, ...]
    problem: str = ""
    """Why the diff could not be read."""
    snapshot: str = ""
    """Digest of the snapshot's file that this was made from; `run_stage` fills it in."""
