"""Which hunks deserve a look, in which order, and which are left out and why."""

from __future__ import annotations

from dataclasses import dataclass

from reviewer.domain import Coverage, Hunk, PullRequest
from reviewer.settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """The hunks to ask the model about, best first, and the coverage of all the others."""

    hunks: tuple[Hunk, ...]
    left_out: tuple[Coverage, ...]


def choose_hunks(pull_request: PullRequest, settings: Settings, reviewed: frozenset[str]) -> Plan:
    """Choose and order the hunks that fit the budget."""
    return Plan(tuple(hunk for file in pull_request.files for hunk in file.hunks), ())
