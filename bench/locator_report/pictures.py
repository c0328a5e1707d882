"""The pictures of docs/locator.md: what is drawn on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.locator_report.figures import Calibration, Weighed
from bench.locator_report.learning import Step
from bench.locator_report.runs import Curve
from bench.locator_report.style import BLUE, GREEN, GREY, INK, PINK, RED, SOFT, draw_grid, save_picture
from bench.locator_report.tables import tell
from bench.locator_report.words import CANDIDATES, LINE_WORDS, NEARLY_ALL
from evals.scorecard import Estimate
from reviewer.locator_features import CHANGE_FEATURES
from reviewer.locator_reasons import WORDS

LOOKS: Final[dict[str, dict[str, Any]]] = {
    "trained": {"color": BLUE, "linewidth": 2.2},
    "structure": {"color": RED, "linewidth": 1.2, "linestyle": "--"},
    "words": {"color": GREEN, "linewidth": 1.2, "linestyle": "-."},
    "largest-added": {"color": PINK, "linewidth": 1.6, "linestyle": ":"},
    "random-line": {"color": GREY, "linewidth": 1.0},
}
PANELS: Final = (
    ("ranking.hunk.within_ap", "Average precision within a pull request"),
    ("ranking.hunk.p1_many", "First hunk right, of more than three"),
    ("ranking.line.top5", "A right line among the first five"),
    ("ranking.line.recall20", "Comments in the first 20 % of the lines"),
)


def draw_curves(path: Path, panels: Mapping[tuple[str, str], Mapping[str, Curve]]) -> None:
    """Precision against recall. `panels`: curves of LOOKS by repository and by what is counted."""

    def paint(figure: Figure) -> None:
        for axes, ((repo, what), curves) in zip(draw_grid(figure, len(panels) // 2, 2), panels.items(), strict=True):
            for name, look in reversed(LOOKS.items()):
                axes.plot(*curves[name], label=CANDIDATES[name], **look)
            axes.set_title(f"{repo}\n{what}")
            axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="recall", ylabel="precision")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=3)

    save_picture(path, 0.8 + 2.7 * len(panels) / 2, paint)


def draw_within(path: Path, cards: Mapping[str, Mapping[str, Mapping[str, Estimate]]]) -> None:
    """The figures of PANELS with their intervals. `cards`: by repository, candidate and metric."""

    def paint(figure: Figure) -> None:
        grid = draw_grid(figure, len(PANELS), len(cards), heights=[7, 7, 4, 4], sharex="row", sharey="row")
        for at, axes in enumerate(grid):
            (metric, title), (repo, candidates) = PANELS[at // len(cards)], list(cards.items())[at % len(cards)]
            names = [name for name in CANDIDATES if "line" not in metric or name not in NEARLY_ALL]
            for row, name in enumerate(names):
                _draw_estimate(axes, row, candidates[name][metric], ours=name == "trained")
            said = "" if at % len(cards) else title
            axes.set_title(f"{repo}\n{said}" if at < len(cards) else said)
            axes.set_yticks(range(len(names)), [CANDIDATES[name] for name in names])
            axes.set(ylim=(len(names) - 0.4, -0.6))
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
            axes.grid(visible=False, axis="y")
            axes.spines["left"].set_visible(False)
            if not at % len(cards):
                axes.get_yticklabels()[0].set(color=BLUE, fontweight="bold")

    save_picture(path, 7.4, paint)


def _draw_estimate(axes: Axes, row: int, found: Estimate, *, ours: bool) -> None:
    if found.value is None or found.low is None or found.high is None:
        return
    color = BLUE if ours else SOFT
    axes.plot([found.low, found.high], [row, row], color=color, linewidth=2.2 if ours else 1.2)
    axes.plot(found.value, row, "o", color=color, markersize=6.5 if ours else 4.5)
    if ours:
        axes.axvline(found.value, color=BLUE, linewidth=0.8, linestyle=":", zorder=0)


def draw_calibration(path: Path, by_repo: Mapping[str, Sequence[Calibration]]) -> None:
    """What was said against what was seen, of ten bins with as many hunks each."""
    ticks = (0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6)
    looks: Sequence[dict[str, Any]] = (
        {"color": INK, "marker": "s", "linestyle": "--", "linewidth": 1.2},
        {"color": RED, "marker": "^", "linestyle": ":", "linewidth": 1.4},
        {"color": BLUE, "marker": "o", "linewidth": 1.6},
    )

    def paint(figure: Figure) -> None:
        for axes, (repo, found) in zip(draw_grid(figure, 1, len(by_repo)), by_repo.items(), strict=True):
            axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.9)
            for one, look in zip(found, looks, strict=True):
                name = f"adapted by {one.own}" if one.own else "as trained"
                x, y = [each.said for each in one.bins], [each.seen for each in one.bins]
                axes.plot(x, y, markersize=4, label=f"{name}: {tell(one.error)}", **look)
            for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
                scale("function", functions=(lambda value: abs(value) ** 0.5, lambda value: value**2))
                axis.set_ticks(ticks, [f"{tick:.0%}" for tick in ticks])
            axes.set(xlim=(0, 0.65), ylim=(0, 0.65), xlabel="probability that was said", ylabel="share that was seen")
            axes.set_title(repo)
            axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), title="Expected calibration error")

    save_picture(path, 4.4, paint)


def draw_learning(path: Path, by_size: Mapping[str, Sequence[Step]], by_repos: Mapping[str, Sequence[Step]]) -> None:
    """Both figures over the number of pull requests, and over the number of repositories."""

    def paint(figure: Figure) -> None:
        across = (
            ("commented pull requests learned from", by_size),
            ("repositories that 200 of them are from", by_repos),
        )
        down = (("within a pull request", "within"), ("over all hunks of commented pull requests", "pooled"))
        for at, axes in enumerate(draw_grid(figure, 2, 2, sharey="row")):
            (xlabel, found), (title, what) = across[at % 2], down[at // 2]
            for (repo, steps), look in zip(found.items(), ({"color": BLUE}, {"color": RED, "ls": "--"}), strict=False):
                _draw_steps(axes, repo, steps, what, look)
            counts = sorted({step.count for steps in found.values() for step in steps[:-1]})
            axes.set_xscale("log")
            axes.minorticks_off()
            end = max(steps[-1].count for steps in found.values())
            axes.set_xticks([*counts, end], [*map(str, counts), "all"])
            axes.set_title(f"Average precision {title}" if not at % 2 else "")
            axes.set(xlabel=xlabel, ylabel="average precision" if not at % 2 else "")
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

    save_picture(path, 5.4, paint)


def _draw_steps(axes: Axes, repo: str, steps: Sequence[Step], what: str, look: dict[str, Any]) -> None:
    counts, values = [step.count for step in steps], [getattr(step, what) for step in steps]
    means = [sum(each) / len(each) for each in values]
    axes.fill_between(counts, list(map(min, values)), list(map(max, values)), color=look["color"], alpha=0.15, lw=0)
    axes.plot(counts, means, marker="o", markersize=3.5, linewidth=1.6, label=f"{repo}, left out", **look)


def draw_features(path: Path, hunk: Sequence[Weighed], line: Sequence[Weighed]) -> None:
    """What each feature weighs, and beside those of hunks what is lost without it."""

    def paint(figure: Figure) -> None:
        grid = figure.add_gridspec(2, 2, width_ratios=[3, 2], height_ratios=[len(hunk), len(line)])
        weights, losses, lines = (figure.add_subplot(grid[place]) for place in ((0, 0), (0, 1), (1, 0)))
        _draw_bars(weights, "Hunks: weight times spread", hunk, {name: said for name, (said, _) in WORDS.items()})
        _draw_bars(lines, "Lines of a hunk: weight times spread", line, LINE_WORDS)
        reach = [one.weight for one in (*hunk, *line)]
        for axes in (weights, lines):
            axes.set_xlim(1.08 * min(reach), 1.08 * max(reach))
        losses.barh(range(len(hunk)), [one.loss or 0.0 for one in hunk], 0.7, color=SOFT)
        losses.axvline(0, color=SOFT, linewidth=0.8)
        losses.set_title("Lost when mixed up")
        losses.set(ylim=(len(hunk) - 0.4, -0.6), xlabel="average precision")
        losses.set_yticks([])
        for row, one in enumerate(hunk):
            if one.feature in CHANGE_FEATURES:
                losses.annotate(
                    "the same for all",
                    (0, row),
                    (4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7,
                    color=SOFT,
                )
        note = figure.add_subplot(grid[1, 1])
        note.set_axis_off()
        note.text(0.05, 0.95, NOTE, va="top", fontsize=7.5, color=SOFT, linespacing=1.4)

    save_picture(path, 1.3 + 0.235 * (len(hunk) + len(line)), paint)


NOTE: Final = """\
Blue: the more of it, the likelier
a comment; orange: the less.

Grey: what the order within a
pull request loses when hunks
swap this number. Those which
mean much the same can
stand in for one another."""


def _draw_bars(axes: Axes, title: str, weighed: Sequence[Weighed], words: Mapping[str, str]) -> None:
    shown = [one.weight for one in weighed]
    axes.barh(range(len(shown)), shown, 0.7, color=[BLUE if weight > 0 else RED for weight in shown])
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.set_yticks(range(len(shown)), [words[one.feature] for one in weighed])
    axes.set_title(title)
    axes.set(ylim=(len(shown) - 0.4, -0.6), xlabel="log-odds")
    axes.grid(visible=False, axis="y")
