"""The report's short form in Markdown, for the summary of a GitHub job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from evals.metrics import Metric
from evals.report import Column, Report, render_headline, render_title
from evals.report_metrics import render_change, render_interval, render_value
from evals.statistics import Comparison
from reviewer.inert import make_inert_line

NO_HOST: Final = ""
"""Links stay live to no host at all."""
MARKS: Final = {"better": " \u25b2", "worse": " \u25bc", "": ""}
LEGEND: Final = (
    "Below each other: value (95 % interval by a bootstrap over pull requests). "
    "\u25b2 significantly better and \u25bc significantly worse than this candidate, by the paired difference of "
    "each figure alone; the gate also corrects for their number."
)
MOST_REASONS: Final = 12
MOST_BASELINES: Final = 2
"""More than these do not fit beside each other: then each figure stands beside the best of them."""


def render_markdown(report: Report) -> str:
    """Decision, then the main figures: under 60 lines, nothing live in it."""
    blocks = [f"## {_text(render_title(report))}", _decision(report), _text(render_headline(report)), _table(report)]
    return "\n\n".join(block for block in [*blocks, LEGEND] if block) + "\n"


def _decision(report: Report) -> str:
    if report.decision is None:
        return ""
    reasons = [f"- {_text(reason)}" for reason in report.decision.reasons[:MOST_REASONS]]
    more = len(report.decision.reasons) - len(reasons)
    lines = [*reasons, *([f"- and {more} more"] if more else [])]
    return "\n".join([f"**Decision: {_text(report.decision.verdict)}**", *(["", *lines] if lines else [])])


def _table(report: Report) -> str:
    shown = _list_shown(report)
    heads = ["metric"]
    for column in shown:
        heads.append(_text(column.card.candidate))
        if column.role == "champion":
            heads.append("difference to it")
    heads += ["best baseline"] if len(shown) < len(report.columns) else []
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    lines += [_row(metric, report, shown) for _, metrics in report.groups for metric in metrics]
    return "\n".join(lines)


def _list_shown(report: Report) -> tuple[Column, ...]:
    """The columns that are shown each for itself."""
    if len(report.baselines) <= MOST_BASELINES:
        return report.columns
    return tuple(column for column in report.columns if column.role != "baseline")


def _row(metric: Metric, report: Report, shown: tuple[Column, ...]) -> str:
    cells = []
    for column in shown:
        cells.append(_cell(metric, column))
        if column.role == "champion":
            cells.append(_difference(metric, column.comparisons.get(metric.name)))
    if len(shown) < len(report.columns):
        best = choose_best(metric, report.baselines)
        cells.append(
            f"{_cell(metric, best)}, {_text(best.card.candidate)}" if best else render_value(None, metric.unit)
        )
    return f"| {_text(metric.label)} | {' | '.join(cells)} |"


def choose_best(metric: Metric, baselines: Iterable[Column]) -> Column | None:
    """The baseline with the highest figure, the first of equals. None where less is better: there silence wins."""
    if metric.better != "higher":
        return None
    known = [(value, column) for column in baselines if (value := column.get(metric).value) is not None]
    return max(known, key=lambda entry: entry[0])[1] if known else None


def _cell(metric: Metric, column: Column) -> str:
    estimate = column.get(metric)
    interval = render_interval(estimate, metric.unit)
    value = render_value(estimate.value, metric.unit) + (f" ({interval})" if interval else "")
    return value + MARKS[column.judge(metric)]


def _difference(metric: Metric, found: Comparison | None) -> str:
    if found is None or found.difference is None:
        return render_value(None, metric.unit)
    low, high = (render_change(value, metric.unit).removesuffix(" points") for value in (found.low, found.high))
    return f"{render_change(found.difference, metric.unit)} ({low} to {high})"


def _text(text: str) -> str:
    return make_inert_line(text, NO_HOST)
