"""The report's pictures with a row for each thing: dots with whiskers, and bars. Names stand at the left."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from evals.markup import Html
from evals.metrics import Metric, Unit
from evals.picture import BAD, GOOD, INK, LINE, OURS, PAPER, SOFT, draw_picture, label
from evals.report import Report
from evals.report_metrics import BY_NAME, OFF, count, render_change, render_range, render_value
from evals.scorecard import Estimate, Slice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW: Final = 0.28
"""Inches of a row."""
LETTERS: Final = 30
"""Of a line of a name; a longer one gets a second line."""
REACH: Final = 0.3
"""The largest difference to the champion that is drawn at its place."""
UNITS: Final[dict[Unit, str]] = {"share": "%"}
POINTS: Final = "points; of scores, hundredths"
SLICED: Final = (
    "location.hunk.f1",
    "location.hunk.recall",
    "location.hunk.recall_open",
    "running.noise",
    "text.bertscore.matched",
)
COMPARED: Final = frozenset({"share", "score"})
"""Units of what can be drawn on one axis from 0 to 1."""
SCORERS: Final = {"bertscore": "BERTScore", "chrf": "chrF", "rouge_l": "ROUGE-L"}
STAND_INS: Final = {
    "constant": "best constant comment",
    "shuffled": "comments of other places",
    "retrieval": "comment of the nearest hunk",
    "template": "template, quotes the line",
    "untuned": "untuned model",
}


@dataclass(frozen=True, slots=True)
class Dot:
    """A row. Without a value: a heading, or what could not be scored, with `note` saying why.

    `band`: what lies within so much of 0 would not show.
    """

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    color: str = OURS
    is_hollow: bool = False
    is_heading: bool = False
    band: float | None = None


def draw_dots(
    name: str,
    title: str,
    dots: Sequence[Dot],
    unit: Unit,
    line: float | None = None,
    reach: float = math.inf,
    axis: str = "",
) -> Html:
    """Values with their intervals.

    Args:
        name: Another one for each picture of a page.
        title: What stands above it.
        dots: The rows, from above.
        unit: Of the values.
        line: A value that all are compared with.
        reach: What is further from 0 is drawn as an arrow at the edge, so that it does not squeeze the others.
        axis: What the values are; without it the unit.
    """
    told = " ".join(
        f"{dot.name}: {render_value(dot.value, unit)} ({render_range(dot.low, dot.high, unit)}) {dot.note}."
        for dot in dots
        if not dot.is_heading
    )

    def paint(axes: Axes) -> None:
        if line is not None:
            axes.axvline(line, color=SOFT, linewidth=0.8, zorder=0)
        for at, dot in enumerate(dots):
            _paint_dot(axes, at, dot, reach)
        _finish_rows(axes, [(dot.name, dot.is_heading) for dot in dots])
        notes = [(at, dot.note) for at, dot in enumerate(dots) if dot.note]
        for at, note in notes:
            axes.annotate(
                note, (1, at), (4, 0), ("axes fraction", "data"), "offset points", va="center", fontsize=7, color=SOFT
            )
        _finish_axis(axes, unit)
        axes.set_xlabel(axis or UNITS.get(unit, unit), fontsize=8)

    return draw_picture(name, title, told, 0.7 + ROW * len(dots), paint)


def _finish_axis(axes: Axes, unit: Unit) -> None:
    """Ticks beyond all that is drawn, so that each length can be read off; the unit stands below."""
    low, high = axes.dataLim.intervalx
    ticks = axes.xaxis.get_major_locator().tick_values(low, high)
    edge = 0.03 * (ticks[-1] - ticks[0])
    axes.set_xlim(ticks[0] - edge, ticks[-1] + edge)
    factor = 100 if unit == "share" else 1
    axes.set_xticks(ticks, [f"{factor * tick:.4g}".replace("-", "\u2212") for tick in ticks], fontsize=8)
    axes.grid(axis="x", color=LINE, linewidth=0.6)


def _paint_dot(axes: Axes, at: int, dot: Dot, reach: float) -> None:
    if dot.band is not None:
        axes.plot([-dot.band, dot.band], [at, at], color=LINE, linewidth=7, solid_capstyle="butt", zorder=1)
    if dot.value is None:
        return
    if abs(dot.value) > reach:
        axes.plot(math.copysign(reach, dot.value), at, ">" if dot.value > 0 else "<", color=dot.color, markersize=5.5)
        return
    if dot.low is not None and dot.high is not None:
        axes.plot([dot.low, dot.high], [at, at], color=dot.color, linewidth=1.4, solid_capstyle="butt")
    face = PAPER if dot.is_hollow else dot.color
    axes.plot(dot.value, at, "o", markersize=5.5, markerfacecolor=face, markeredgecolor=dot.color)


def _finish_rows(axes: Axes, names: Sequence[tuple[str, bool]]) -> None:
    """Names at the left, headings in bold, the first row above."""
    axes.set_yticks(range(len(names)), [textwrap.fill(label(name, 2 * LETTERS), LETTERS) for name, _ in names])
    for text, (_, is_heading) in zip(axes.get_yticklabels(), names, strict=True):
        text.set(fontsize=7.2, color=INK, fontweight="bold" if is_heading else "normal", linespacing=1.0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)


def draw_slices(report: Report) -> Iterator[Html]:
    """A picture for each figure of the slices, the whole set as a line."""
    for name in SLICED:
        metric = BY_NAME.get(name)
        if metric and any(part.metrics.get(name, OFF).value is not None for part in report.card.slices):
            whole = report.card.metrics.get(name, OFF).value
            yield draw_dots(f"slices-{name}", metric.label, _list_slices(report.card.slices, name), metric.unit, whole)


def _list_slices(slices: Sequence[Slice], name: str) -> list[Dot]:
    dots = []
    for field, parts in groupby(slices, key=lambda part: part.field):
        dots.append(Dot(field, is_heading=True))
        dots += [_slice_dot(part, part.metrics.get(name, OFF)) for part in parts]
    return dots


def _slice_dot(part: Slice, estimate: Estimate) -> Dot:
    small = ", too small" if part.note else ", not scored" if estimate.value is None else ""
    note = f"{part.pull_requests:,} PRs, {part.gold:,} comments{small}"
    return Dot(part.value, estimate.value, estimate.low, estimate.high, note, is_hollow=bool(part.note))


def draw_lifts(report: Report) -> Iterator[Html]:
    """What the comments have beyond texts that need no reviewer, by scorer."""
    for scorer, said in SCORERS.items():
        dots = []
        for scope, words in (("text", "all comments"), ("text.prose", "comments in prose only")):
            found = {kind: report.card.metrics.get(f"{scope}.{scorer}.lift_{kind}", OFF) for kind in STAND_INS}
            if any(estimate.value is not None for estimate in found.values()):
                dots.append(Dot(words, is_heading=True))
                dots += [_lift_dot(STAND_INS[kind], estimate) for kind, estimate in found.items()]
        if dots:
            yield draw_dots(f"lift-{scorer}", f"{said}: lift over ...", dots, "score", 0.0)


def _lift_dot(name: str, estimate: Estimate) -> Dot:
    note = render_change(estimate.value, "score") if estimate.value is not None else "not scored"
    return Dot(name, estimate.value, estimate.low, estimate.high, note)


def draw_differences(report: Report) -> Iterator[Html]:
    """This candidate less the champion in all figures from 0 to 1; grey is what such data would not show."""
    champion = report.champion
    if champion is None:
        return
    dots = []
    for title, metrics in report.groups:
        rows = [_difference_dot(metric, report) for metric in metrics if metric.unit in COMPARED]
        if any(dot.value is not None for dot in rows):
            dots += [Dot(title, is_heading=True), *rows]
    if dots:
        title = f"Difference to {label(champion.card.candidate)}"
        yield draw_dots("differences", title, dots, "share", 0.0, REACH, POINTS)


def has_arrows(report: Report) -> bool:
    """Whether some difference to the champion is too large to be drawn at its place."""
    dots = [
        _difference_dot(metric, report) for _, group in report.groups for metric in group if metric.unit in COMPARED
    ]
    return any(dot.value is not None and abs(dot.value) > REACH for dot in dots)


def _difference_dot(metric: Metric, report: Report) -> Dot:
    champion = report.champion
    found = champion.comparisons.get(metric.name) if champion else None
    if champion is None or found is None or found.difference is None:
        return Dot(metric.label, note="not compared")
    color = {"worse": GOOD, "better": BAD, "": SOFT}[champion.judge(metric)]
    note = render_change(found.difference, metric.unit)
    return Dot(metric.label, found.difference, found.low, found.high, note, color, band=found.detectable)


def draw_drops(report: Report) -> Iterator[Html]:
    """What was not posted, by reason."""
    drops = sorted(report.card.drops.items(), key=lambda drop: (-drop[1], drop[0]))
    if not drops:
        return
    total = sum(number for _, number in drops)
    names = [(reason.replace("-", " "), False) for reason, _ in drops]
    told = " ".join(f"{name}: {number:,}." for (name, _), (_, number) in zip(names, drops, strict=True))

    def paint(axes: Axes) -> None:
        axes.barh(range(len(drops)), [number for _, number in drops], 0.62, color=OURS)
        for at, (_, number) in enumerate(drops):
            words = f" {number:,} ({number / total:.0%})"
            axes.text(number, at, words, va="center", fontsize=8, color=INK)
        _finish_rows(axes, names)
        axes.set_xlim(0, drops[0][1] * 1.3)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)

    title = f"{count(total, 'finding')} and replies left out, by reason"
    yield draw_picture("drops", title, told, 0.3 + ROW * len(drops), paint)
