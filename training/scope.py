"""The enclosing function or class of a line, as its first line stands in the code."""

from __future__ import annotations

from reviewer.domain import Hunk, Line


def find_scope(hunk: Hunk, line: Line | None = None) -> str:  # noqa: ARG001 - the first form knows the heading alone
    """The scope of a line of the hunk, by default of its first changed one; empty when nobody knows."""
    return hunk.section
