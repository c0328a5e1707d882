"""What `split` says of a pull request: to which split its examples go, and which of them stay out. Records only."""

from __future__ import annotations

from dataclasses import dataclass

from reviewer.domain import Split

SPLITS_SCHEMA = "glossator/splits/1"


@dataclass(frozen=True, slots=True)
class Assigned:
    """One pull request's split. `split` is empty when it stays out, and `reason` says why."""

    repo: str
    number: int
    split: Split | str = ""
    reason: str = ""
    left_out_comments: tuple[int, ...] = ()
    """Comments that stand, nearly the same, in a split before this one."""
    left_out_hunks: tuple[str, ...] = ()
    """Digests of hunks that stand, nearly the same, in a split before this one."""
