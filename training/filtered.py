"""What `filter` says of a pull request: which comments teach something, and why the others do not. Records only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

FILTERED_SCHEMA = "glossator/filtered/1"


class FilterReason(StrEnum):
    """Why a comment is no example. The first that holds, in this order."""

    OPTED_OUT = "opted-out"
    LICENSE = "license"
    BOT = "bot"
    AGENT = "agent-written"
    OWN = "authors-own"
    OUTSIDER = "outsider"
    REPLY = "reply"
    NO_PLACE = "no-place"
    TOO_LONG = "too-long"
    LINTER = "linter-text"
    LINKS = "links-only"
    ACKNOWLEDGEMENT = "acknowledgement"
    PROCESS = "process"
    ELSEWHERE = "needs-other-code"
    LANGUAGE = "language"
    TOO_SHORT = "too-short"
    LOW_QUALITY = "low-quality"
    NEAR_DUPLICATE = "near-duplicate"


@dataclass(frozen=True, slots=True)
class FilteredComment:
    """The decision about one comment. `reason` is empty when it is kept."""

    id: int
    reason: str = ""
    """A `FilterReason`."""
    detail: str = ""
    body: str = ""
    """Without secrets and personal data; empty unless it is kept."""
    quality: float = 0.0
    """From 0 to 1: how likely it is that a reviewer can learn from it. 0 when another reason came first."""
    duplicate_of: int | None = None
    """The id of the earliest comment that says nearly the same."""
    created_at: str = ""
    """Of the comment, when it is kept or a near-duplicate: which of the same comes first."""
    removed: dict[str, int] = field(default_factory=dict)
    """What was taken out of the body: `secret`, `e-mail`, `address`, `phone`, `mention`, `login`, and how many."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """One pull request's comments in the snapshot's order."""

    repo: str
    number: int
    comments: tuple[FilteredComment, ...]
    reason: str = ""
    """A `FilterReason` when nothing of the pull request may be used, its diff included: `opted-out`, `license`."""
    snapshot: str = ""
    """Digest of the snapshot's file that this was made from; `run_stage` fills it in."""
