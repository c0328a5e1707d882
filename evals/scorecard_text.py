"""Scorecards as Markdown tables that read well in a terminal too: figures with intervals, candidates side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from evals.metrics import Metric, Unit
from evals.report_metrics import choose_groups, render_interval, render_value
from evals.runner import count_things
from evals.scorecard import Estimate, Scorecard, Slice
from reviewer.inert import make_inert_line

OFF: Final = Estimate(None)
BESIDE: Final = 4
"""Scorecards in one table: more would not fit a screen, and go into another table below."""
SLICE_METRIC: Final = "location.hunk.f1"
"""What the table of slices shows."""


def render_scorecards(cards: Sequence[Scorecard], metrics: Sequence[Metric] = ()) -> str:
    """The main figures of scorecards of one set, the slices, and what must be said beside them.

    Args:
        cards: At least one; the first is the candidate, the others stand beside it.
        metrics: Show these figures instead of the main ones.
    """
    shown = metrics or [metric for _, group in choose_groups(cards) for metric in group]
    beside = math.ceil(len(cards) / math.ceil(len(cards) / BESIDE))
    some = [cards[start : start + beside] for start in range(0, len(cards), beside)]
    blocks = [
        _describe(cards[0]),
        *(_render_figures(part, shown) for part in some),
        *(_render_slices(part) for part in some if cards[0].slices),
        "\n".join(f"- {note}" for note in dict.fromkeys(_notes(cards))),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _describe(card: Scorecard) -> str:
    table = card.table
    gold = table.column("location.gold") + table.column("location.open.gold")
    commented = int((gold > 0).sum())
    name = make_inert_line(card.dataset, "")
    return (
        f"{name}, revision {card.revision}: {count_things(len(card.keys), 'pull request')}, "
        f"{commented:,} with a human comment, {count_things(int(gold.sum()), 'commented spot')}."
    )


def _render_figures(cards: Sequence[Scorecard], shown: Sequence[Metric]) -> str:
    figures = [(one.label, *(_cell(card.metrics.get(one.name, OFF), one.unit) for card in cards)) for one in shown]
    return _table(("", *_names(cards)), figures)


def _render_slices(cards: Sequence[Scorecard]) -> str:
    rows = []
    for part in cards[0].slices:
        same = [_find(card, part) for card in cards]
        figures = [_cell(one.metrics.get(SLICE_METRIC, OFF) if one else OFF, "share") for one in same]
        small = " (too small to rely on)" if part.note else ""
        rows.append((f"{part.field}: {part.value}{small}", f"{part.pull_requests:,}", f"{part.gold:,}", *figures))
    return _table(("F1, same hunk, in a part of the set", "pull requests", "spots", *_names(cards)), rows)


def _names(cards: Sequence[Scorecard]) -> list[str]:
    return [make_inert_line(card.candidate, "") for card in cards]


def _find(card: Scorecard, part: Slice) -> Slice | None:
    return next((one for one in card.slices if (one.field, one.value) == (part.field, part.value)), None)


def _notes(cards: Sequence[Scorecard]) -> Iterator[str]:
    for card in cards:
        yield from card.notes


def _cell(estimate: Estimate, unit: Unit) -> str:
    interval = render_interval(estimate, unit)
    return render_value(estimate.value, unit) + (f" ({interval})" if interval else "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with padded columns: the first to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    rule = [f":{'-' * (widths[0] - 1)}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    padded = [
        [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [padded[0], rule, *padded[1:]])
