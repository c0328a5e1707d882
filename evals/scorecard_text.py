"""Scorecards as tables: figures with intervals, candidates side by side. Markdown, or as wide as a terminal."""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from evals.metrics import Metric, Unit
from evals.report_metrics import choose_groups, render_interval, render_value
from evals.runner import count_things
from evals.scorecard import Estimate, Scorecard, Slice
from reviewer.inert import inert_line, make_inert_line

OFF: Final = Estimate(None)
BESIDE: Final = 4
"""Scorecards in one table: more would not fit a screen, and go into another table below."""
LEAST: Final = 24
"""Letters that the first column has at least, in a terminal: what is longer goes on in the next line."""
NAME: Final = 40
"""Letters of a candidate's name, in a terminal."""
SLICE_METRIC: Final = "location.hunk.f1"
"""What the table of slices shows."""

Rows = list[tuple[str, ...]]
"""A table, its head first."""


def measure_terminal() -> int:
    """The columns of the terminal that standard output is; 0 where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def render_scorecards(cards: Sequence[Scorecard], metrics: Sequence[Metric] = (), width: int = 0) -> str:
    """The main figures of scorecards of one set, the slices, and what must be said beside them.

    Args:
        cards: At least one; the first is the candidate, the others stand beside it.
        metrics: Show these figures instead of the main ones.
        width: Columns of the terminal: as many cards stand beside each other as fit, names are plain text. 0: Markdown
            for a file, in which names are no markup.
    """
    shown = metrics or [metric for _, group in choose_groups(cards) for metric in group]
    blocks = [
        _describe(cards[0], width),
        *_tables(cards, width, lambda part: _list_figures(part, shown, width)),
        *(_tables(cards, width, lambda part: _list_slices(part, width)) if cards[0].slices else ()),
        "\n".join(_item(note, width) for note in dict.fromkeys(_notes(cards))),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _describe(card: Scorecard, width: int) -> str:
    table = card.table
    gold = table.column("location.gold") + table.column("location.open.gold")
    commented = int((gold > 0).sum())
    words = (
        f"{_text(card.dataset, width)}, revision {_text(card.revision, width)}: "
        f"{count_things(len(card.keys), 'pull request')}, "
        f"{commented:,} with a human comment, {count_things(int(gold.sum()), 'commented spot')}."
    )
    return textwrap.fill(words, width) if width else words


def _list_figures(cards: Sequence[Scorecard], shown: Sequence[Metric], width: int) -> Rows:
    figures = [(one.label, *(_cell(card.metrics.get(one.name, OFF), one.unit) for card in cards)) for one in shown]
    return [("", *_names(cards, width)), *figures]


def _list_slices(cards: Sequence[Scorecard], width: int) -> Rows:
    rows: Rows = [("F1, same hunk, in a part", "pull requests", "spots", *_names(cards, width))]
    for part in cards[0].slices:
        same = [_find(card, part) for card in cards]
        figures = [_cell(one.metrics.get(SLICE_METRIC, OFF) if one else OFF, "share") for one in same]
        small = " (too small)" if part.note else ""
        rows.append((f"{part.field}: {part.value}{small}", f"{part.pull_requests:,}", f"{part.gold:,}", *figures))
    return rows


def _names(cards: Sequence[Scorecard], width: int) -> list[str]:
    return [_text(card.candidate, width) for card in cards]


def _text(text: str, width: int) -> str:
    """What comes from outside: plain in a terminal, no markup in a file."""
    return inert_line(text, NAME) if width else make_inert_line(text, "")


def _find(card: Scorecard, part: Slice) -> Slice | None:
    return next((one for one in card.slices if (one.field, one.value) == (part.field, part.value)), None)


def _notes(cards: Sequence[Scorecard]) -> Iterator[str]:
    for card in cards:
        yield from card.notes


def _item(note: str, width: int) -> str:
    return textwrap.fill(note, width, initial_indent="- ", subsequent_indent="  ") if width else f"- {note}"


def _cell(estimate: Estimate, unit: Unit) -> str:
    interval = render_interval(estimate, unit)
    return render_value(estimate.value, unit) + (f" ({interval})" if interval else "")


def _tables(cards: Sequence[Scorecard], width: int, build: Callable[[Sequence[Scorecard]], Rows]) -> list[str]:
    """As few tables below each other as fit: the cards are shared out evenly."""
    fewest = math.ceil(len(cards) / BESIDE)
    for number in range(fewest, len(cards) + 1):
        beside = math.ceil(len(cards) / number)
        tables = [build(cards[start : start + beside]) for start in range(0, len(cards), beside)]
        if not width or all(_room(rows, width) >= LEAST for rows in tables):
            break
    return [_table(rows, max(LEAST, _room(rows, width)) if width else 0) for rows in tables]


def _room(rows: Rows, width: int) -> int:
    """Letters that are left for the first column."""
    return width - 4 - sum(3 + max(map(len, column)) for column in list(zip(*rows, strict=True))[1:])


def _table(rows: Rows, most: int) -> str:
    """A Markdown table with padded columns: the first to the left, the others to the right.

    `most`: letters of the first column, 0 for any number; what is longer goes on in a row of its own.
    """
    head, *lines = [line for row in rows for line in _wrap(row, most)] if most else rows
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    rule = (f":{'-' * (widths[0] - 1)}", *(f"{'-' * (width - 1)}:" for width in widths[1:]))
    padded = [_pad(head, widths), rule, *(_pad(line, widths) for line in lines)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in padded)


def _wrap(row: tuple[str, ...], most: int) -> Rows:
    first, *others = textwrap.wrap(row[0], most) or [""]
    return [(first, *row[1:]), *((other, *[""] * (len(row) - 1)) for other in others)]


def _pad(line: tuple[str, ...], widths: Sequence[int]) -> tuple[str, ...]:
    return (line[0].ljust(widths[0]), *(cell.rjust(size) for cell, size in zip(line[1:], widths[1:], strict=True)))
