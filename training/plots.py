"""The plots of the data card: PNG files, the same bytes for the same counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from training.counts import CHARACTER_BINS, Counts, name_bins
from training.filter_counts import SAID
from training.splits import SPLITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 7.2
"""Inches, at 150 dots each."""
COLORS: Final = {"train": "#3b6ea8", "validation": "#e0a030", "test": "#b5485d"}
"""Told apart by colour-blind readers and in grey."""
INK: Final = "#2b2f36"
FAINT: Final = "#d9dde3"
MOST_BARS: Final = 12

Bars = Mapping[str, Mapping[str, int]]
"""Length by label and split, in the order in which they are drawn."""


def save_plots(folder: Path, counts: Counts) -> list[tuple[str, str]]:
    """Draw all plots that have something to show.

    Returns:
        The name of each file and what it shows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plots: Sequence[tuple[str, str, Bars, Callable[[Axes, Bars], None]]] = (
        ("years", "Comments by the year they were written in", _in_order(counts, "years"), draw_columns),
        ("languages", "Examples by language", _largest(counts, "languages"), draw_bars),
        ("comment-length", "Comments by length, in characters", _binned(counts, "characters"), draw_columns),
        ("comments-per-hunk", "Pieces of final diffs by comments kept", _comments_per_piece(counts), draw_bars),
        ("drops", "Comments that the filter left out, by reason", _drops(counts), draw_bars),
    )
    saved = []
    for name, title, bars, draw in plots:
        if any(sum(row.values()) for row in bars.values()):
            _save(folder / f"{name}.png", title, bars, draw)
            saved.append((f"{name}.png", title))
    return saved


def _save(path: Path, title: str, bars: Bars, draw: Callable[[Axes, Bars], None]) -> None:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "xtick.color": INK, "ytick.color": INK}
    with rc_context(cast("Any", style)):
        height = 3.2 if draw is draw_columns else 1.1 + 0.27 * len(bars)
        figure = Figure(figsize=(WIDTH, height), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.set_title(title, loc="left", fontweight="bold", fontsize=11, pad=24)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(FAINT)
        axes.tick_params(length=0)
        axes.set_axisbelow(True)
        draw(axes, bars)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, borderpad=0)
        figure.savefig(path, format="png", metadata={"Software": None}, facecolor="white")


def draw_columns(axes: Axes, bars: Bars) -> None:
    """Stacked columns, for labels that have an order."""
    from matplotlib.ticker import MaxNLocator

    below = [0] * len(bars)
    for split in _splits(bars):
        heights = [row.get(split, 0) for row in bars.values()]
        axes.bar(range(len(bars)), heights, 0.72, bottom=below, color=COLORS.get(split, INK), label=split or None)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    axes.set_xticks(range(len(bars)), list(bars))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", color=FAINT, linewidth=0.7)


def draw_bars(axes: Axes, bars: Bars) -> None:
    """Stacked bars with their sums, for labels that have names."""
    left = [0] * len(bars)
    for split in _splits(bars):
        widths = [row.get(split, 0) for row in bars.values()]
        color = COLORS.get(split, COLORS["train"])
        axes.barh(range(len(bars)), widths, 0.72, left=left, color=color, label=split or None)
        left = [low + width for low, width in zip(left, widths, strict=True)]
    longest = max(left)
    for at, total in enumerate(left):
        axes.text(total + longest * 0.01, at, f"{total:,}", va="center", fontsize=8)
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set_xlim(0, longest * 1.1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.invert_yaxis()


def _splits(bars: Bars) -> list[str]:
    return [split for split in ("", *SPLITS) if any(row.get(split) for row in bars.values())]


def _rows(counts: Counts, section: str) -> dict[str, dict[str, int]]:
    return counts.sections.get(section, {})


def _in_order(counts: Counts, section: str) -> Bars:
    return dict(sorted((key, row) for key, row in _rows(counts, section).items() if key != "unknown"))


def _binned(counts: Counts, section: str) -> Bars:
    rows = _rows(counts, section)
    return {name.replace("-", " to "): rows.get(name, {}) for name in name_bins(CHARACTER_BINS)}


def _largest(counts: Counts, section: str) -> Bars:
    """The longest bars, and all others as one."""
    rows = sorted(_rows(counts, section).items(), key=lambda row: (row[0] == "other", -sum(row[1].values()), row[0]))
    shown, rest = dict(rows[:MOST_BARS]), rows[MOST_BARS:]
    for _, row in rest:
        others = shown.setdefault("other", {})
        shown["other"] = {split: others.get(split, 0) + row.get(split, 0) for split in SPLITS}
    return shown


def _comments_per_piece(counts: Counts) -> Bars:
    """Commented pieces only: the others are many times as many."""
    rows: dict[str, dict[str, int]] = {}
    for key, row in _rows(counts, "comments_per_piece").items():
        if key != "0":
            label = f"{key} comment{'s' * (key != '1')}" if int(key) <= 4 else "5 or more comments"  # noqa: PLR2004
            others = rows.setdefault(label, {})
            rows[label] = {split: others.get(split, 0) + row.get(split, 0) for split in SPLITS}
    return dict(sorted(rows.items()))


def _drops(counts: Counts) -> Bars:
    by_key = sorted(counts.by_key("filtered").items(), key=lambda row: (-row[1], row[0]))
    return {SAID.get(key, key): {"": count} for key, count in by_key if key != "kept" and count}
