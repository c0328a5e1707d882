"""What the stand-in remembers of a repository's variables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Variable:
    """A variable. Times are in seconds since 1970."""

    name: str
    value: str
    created: float
    updated: float
