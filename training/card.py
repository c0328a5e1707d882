"""The data card."""

from __future__ import annotations

from training.counts import Counts
from training.splits import SPLITS


def render_summary(counts: Counts) -> str:
    """What the dataset holds, as a table for a terminal."""
    rows = [("", *SPLITS)]
    for name, section in (
        ("pull requests", "pull_requests"),
        ("examples", "examples"),
        ("comments", "comments"),
        ("chats", "chats"),
    ):
        rows.append((name, *(f"{counts.total(section, split):,}" for split in SPLITS)))
    return "\n".join(f"{row[0]:<16}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)
