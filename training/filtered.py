"""What `filter` says of a pull request: which comments teach something, and why the others do not. Records only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FILTERED_SCHEMA = "glossator/filtered/1"


class FilterReason(StrEnum):
    """Why a comment is no example. The first that holds, in this order."""

    OPTED_OUT = "opted-out"
    LICENSE = "license"
    BOT = "bot"
    AGENT = "agent-written"
    OWN = "authors-own"
    REPLY = "reply"
    NO_PLACE = "no-place"
    LINTER = "linter-text"
    LINKS = "links-only"
    ACKNOWLEDGEMENT = "acknowledgement"
    PROCESS = "process"
    LANGUAGE = "language"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    ELSEWHERE = "needs-other-code"
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
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True)
class Filtered:
    """One pull request's comments in the snapshot's order."""

    repo: str
    number: int
    comments: tuple[FilteredComment, ...]
