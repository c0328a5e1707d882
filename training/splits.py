"""What `split` says of a pull request: to which split its examples go, and which of them stay out. Records only.

Where two splits hold nearly the same, the one that is used later keeps it: test before validation before train. So the
held-out pull requests stay whole, as metrics of ranking need them, and what they are measured on does not shrink when
the training data grows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from reviewer.domain import Split

SPLITS_SCHEMA = "glossator/splits/1"
SUMMARY_SCHEMA = "glossator/split-summary/1"
SUMMARY_FILE = "summary.json"

SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")
"""In the order of their use. Of two that hold nearly the same, the later one keeps it."""


class OutReason(StrEnum):
    """Why a pull request is in no split."""

    SAME = "same-pull-request"
    """Another name of the repository, or another number, holds the same head commit or the same comments."""
    NO_TIME = "no-time"
    STRADDLES = "straddles-a-cut"
    DISAGREE = "time-and-repository-disagree"
    """As a test repository's pull request from before the cut."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """One pull request's split. `split` is empty when it stays out, and `reason` says why.

    The reason is an `OutReason`, or what `filter` says of a pull request of which nothing may be used.
    """

    repo: str
    number: int
    split: Literal[Split, ""] = ""
    reason: str = ""
    """An `OutReason`."""
    left_out_comments: tuple[int, ...] = ()
    """Comments that stand, nearly the same, in a later split."""
    left_out_hunks: tuple[str, ...] = ()
    """Digests of hunks whose changed lines stand, nearly the same, in a later split."""
    snapshot: str = ""
    """Digest of the snapshot's file that this was made from."""


@dataclass(frozen=True, slots=True)
class SplitCount:
    """What one split holds, and what stays out of it because a later one holds nearly the same."""

    repositories: int = 0
    pull_requests: int = 0
    comments: int = 0
    hunks: int = 0
    left_out_comments: int = 0
    left_out_hunks: int = 0


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """How the split was made and what came of it: `summary.json` beside the records."""

    method: str = "repository"
    validation_from: str = ""
    """The cuts that were used, as dates in UTC; empty when time did not matter."""
    test_from: str = ""
    similarity: float = 0.7
    splits: dict[str, SplitCount] = field(default_factory=dict)
    out: dict[str, int] = field(default_factory=dict)
    """Pull requests in no split, by reason."""
