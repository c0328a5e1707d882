"""The report's pictures. What is drawn is an estimate with its interval; names stand beside what they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from evals.location import NAMES
from evals.markup import Html
from evals.picture import CHAMPION, LINE, OTHER, OURS, PAPER, SOFT, draw_picture, label
from evals.picture_labels import Spot, place_labels
from evals.report import Report
from evals.report_metrics import BY_NAME
from evals.scorecard import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

F_VALUES: Final = (0.1, 0.2, 0.4, 0.6, 0.8)
Z: Final = 1.96
ROLE_COLORS: Final = {"this candidate": OURS, "champion": CHAMPION, "baseline": OTHER}
WHISKER: Final[dict[str, Any]] = {"linewidth": 1.4, "solid_capstyle": "butt"}


def draw_curves(report: Report) -> Iterator[Html]:
    """Precision against recall at each strictness: the candidate's comments by score, all others as points."""
    for strictness, said in NAMES.items():
        spots = list_spots(report, strictness)
        curve = report.card.curves.get(f"location.{strictness}", [])
        if not spots and not curve:
            continue

        def paint(axes: Axes, curve: list[Point] = curve, spots: list[Spot] = spots) -> None:
            _paint_curve(axes, curve, spots)

        told = f"Precision and recall, {said}. " + " ".join(
            f"{spot.name.replace(chr(10), ', ')}: precision {spot.y:.3f}, recall {spot.x:.3f}." for spot in spots
        )
        yield draw_picture(f"curve-{strictness}", said.capitalize(), told, 3.3, paint)


def list_spots(report: Report, strictness: str) -> list[Spot]:
    """Where each candidate stands with what it posts: models with both intervals, baselines where they are."""
    models, baselines = [], defaultdict[tuple[float, float], list[str]](list)
    for column in report.columns:
        precision, recall = (column.get(BY_NAME[f"location.{strictness}.{what}"]) for what in ("precision", "recall"))
        if precision.value is None or recall.value is None:
            continue
        name = label(column.card.candidate)
        if column.role == "baseline":
            baselines[round(recall.value, 2), round(precision.value, 2)].append(name)
            continue
        limits = (recall.low, recall.high, precision.low, precision.high)
        known = [limit for limit in limits if limit is not None]
        ranges = (known[0], known[1], known[2], known[3]) if len(known) == len(limits) else None
        models.append(Spot(recall.value, precision.value, name, ROLE_COLORS[column.role], ranges))
    return models + [Spot(*place, "\n".join(names), OTHER) for place, names in baselines.items()]


def _paint_curve(axes: Axes, curve: Sequence[Point], spots: Sequence[Spot]) -> None:
    ranges = [spot.ranges or (spot.x, spot.x, spot.y, spot.y) for spot in spots]
    right = _limit([reach[1] for reach in ranges] + [point.recall for point in curve])
    top = _limit([reach[3] for reach in ranges] + [point.precision for point in curve])
    _draw_f_lines(axes, right, top)
    axes.plot([point.recall for point in curve], [point.precision for point in curve], color=OURS, linewidth=1.6)
    for spot, (left, end, low, high) in reversed(list(zip(spots, ranges, strict=True))):
        axes.plot([left, end], [spot.y, spot.y], color=spot.color, **WHISKER)
        axes.plot([spot.x, spot.x], [low, high], color=spot.color, **WHISKER)
        axes.plot(spot.x, spot.y, "o", color=spot.color, markersize=5.5, markeredgecolor=PAPER)
    axes.set(xlim=(0, right), ylim=(0, top), xlabel="recall", ylabel="precision")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 < tick <= top])  # the corner has one 0, below
    place_labels(axes, spots, [(point.recall, point.precision) for point in curve])


def _limit(values: Sequence[float]) -> float:
    """The end of an axis that begins at 0: the next tenth above, at most 1."""
    return min(1.0, max(0.1, float(np.ceil(max(values, default=1.0) * 10.5) / 10)))


def _draw_f_lines(axes: Axes, right: float, top: float) -> None:
    """Where F1 is the same: 2PR / (P + R) = f, so that P = fR / (2R - f)."""
    for f in F_VALUES:
        start = f * top / (2 * top - f) if 2 * top > f else right
        if start >= right:
            continue
        recall = np.linspace(start, right, 200)
        precision = f * recall / (2 * recall - f)
        axes.plot(recall, precision, color=LINE, linewidth=0.8, zorder=0)
        axes.text(right, precision[-1], f" F1 {f:g}", color=SOFT, fontsize=7, va="center", clip_on=False)


def draw_calibration(report: Report) -> Html:
    """How often comments of each score are right. There must be some."""
    bins = report.card.calibration
    ranges = [wilson(one.right, one.comments) for one in bins]
    scores = [one.score for one in bins]
    told = "Share of comments in a hunk with a human comment, by score. " + " ".join(
        f"Score {one.score:.2f}: {one.right:.0%} of {one.comments}." for one in bins
    )

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=LINE, linewidth=0.8, zorder=0)
        for score, limits in zip(scores, ranges, strict=True):
            axes.plot([score, score], limits, color=OURS, **WHISKER)
        axes.plot(scores, [one.right for one in bins], "o", color=OURS, markersize=5, markeredgecolor=PAPER)
        reach = 0.05 * max(0.2, scores[-1] - scores[0])
        axes.set(xlim=(max(0.0, scores[0] - reach), scores[-1] + reach), ylim=(0, _limit([top for _, top in ranges])))
        axes.set(xlabel="score of the comment", ylabel="share right")

    return draw_picture("calibration", "Right by score", told, 2.8, paint)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of so many (Wilson, Probable inference, 1927), as if they were independent."""
    below = 1 + Z**2 / count
    middle = (share + Z**2 / (2 * count)) / below
    half = Z / below * float(np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)))
    return max(0.0, middle - half), min(1.0, middle + half)


def draw_seconds(report: Report) -> Iterator[Html]:
    """How many pull requests were done after so many seconds: this candidate and the champion."""
    shown = [column for column in report.columns if column.role != "baseline"]
    lines = [(column, np.sort(column.card.table.column("running.seconds"))) for column in shown]
    lines = [(column, seconds) for column, seconds in lines if seconds.any()]
    if not lines:
        return
    told = " ".join(
        f"{column.card.candidate}: half of the pull requests within {np.quantile(seconds, 0.5):,.1f} s, "
        f"nine tenths within {np.quantile(seconds, 0.9):,.1f} s, the longest {seconds[-1]:,.1f} s."
        for column, seconds in lines
    )

    def paint(axes: Axes) -> None:
        for column, seconds in lines:
            share = np.arange(1, len(seconds) + 1) / len(seconds)
            color = ROLE_COLORS[column.role]
            axes.step(seconds, share, where="post", color=color, linewidth=1.6)
            at = int(len(seconds) * (0.75 if color == OURS else 0.5))
            offset, side = ((-6, 4), "right") if color == OURS else ((6, -4), "left")
            words = label(column.card.candidate)
            axes.annotate(words, (seconds[at], share[at]), offset, textcoords="offset points", ha=side, color=color)
        axes.set(xlim=(0, None), ylim=(0, 1), xlabel="seconds of the model", ylabel="share of pull requests")

    yield draw_picture("seconds", "Pull requests done within so many seconds", told, 2.8, paint)
