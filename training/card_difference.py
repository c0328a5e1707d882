"""What changed from one dataset to the next, as a short Markdown table: the body of a pull request that updates it."""

from __future__ import annotations

from typing import Final

from training.counts import LEFT_OUT, Counts
from training.splits import SPLITS

SHOWN: Final = (
    ("Pull requests", "pull_requests"),
    ("Examples", "examples"),
    ("Comments", "comments"),
    ("Chats", "chats"),
)
"""Title and section, each shown by split."""
MOST_NAMES: Final = 8
"""Parameters, repositories or reasons that one sentence names."""


def render_difference(old: Counts, new: Counts) -> str:
    """A Markdown table of the counts that changed, and what else is new, without a heading.

    Args:
        old: Of the dataset before; empty when there was none.
        new: Of the dataset now.
    """
    rows = [row for title, section in SHOWN for row in _rows(title, section, old, new)]
    notes = [*_parameters(old, new), *_repositories(old, new), *_drops(old, new)]
    if not rows and not notes:
        return "Nothing that the data card counts has changed.\n"
    table = ["| | before | now | change |", "| --- | ---: | ---: | ---: |", *rows] if rows else []
    return "\n".join([*table, *([""] if table and notes else []), *notes]) + "\n"


def _rows(title: str, section: str, old: Counts, new: Counts) -> list[str]:
    sums = [(split, old.total(section, split), new.total(section, split)) for split in (*SPLITS, LEFT_OUT)]
    return [
        f"| {title}, {split} | {before:,} | {now:,} | {now - before:+,} |"
        for split, before, now in sums
        if before != now
    ]


def _parameters(old: Counts, new: Counts) -> list[str]:
    before, now = old.parameters, new.parameters
    changes = [
        f"{_code(name)} from {before.get(name, 'nothing')} to {now.get(name, 'nothing')}"
        for name in sorted({*before, *now})
        if before and before.get(name) != now.get(name)
    ]
    return [f"- Parameters: {_list(changes)}."] if changes else []


def _repositories(old: Counts, new: Counts) -> list[str]:
    before, now = (set(counts.by_key("repositories")) for counts in (old, new))
    named = (("New repositories", sorted(now - before)), ("Repositories gone", sorted(before - now)))
    return [f"- {title}: {_list([_code(name) for name in names])}." for title, names in named if names]


def _drops(old: Counts, new: Counts) -> list[str]:
    before, now = old.by_key("filtered"), new.by_key("filtered")
    changes = {key: now.get(key, 0) - before.get(key, 0) for key in sorted({*before, *now} - {"kept"})}
    ranked = sorted(changes.items(), key=lambda change: -abs(change[1]))
    named = [f"{_code(key)} {change:+,}" for key, change in ranked if change]
    return [f"- Comments that the filter leaves out: {_list(named)}."] if named else []


def _code(name: str) -> str:
    """A name as a code span that it cannot leave, on one line: anybody may have written it."""
    line = " ".join(name.replace("`", "'").split())
    return f"`{line or '?'}`"


def _list(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
