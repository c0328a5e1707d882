"""The report's short form in Markdown, for the summary of a GitHub job."""

from __future__ import annotations

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
    "\u25b2 significantly better and \u25bc significantly worse than this candidate, by the paired difference."
)
MOST_REASONS: Final = 12


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
    heads = ["metric"]
    for column in report.columns:
        heads.append(_text(column.card.candidate))
        if column.role == "champion":
            heads.append("difference to it")
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    lines += [_row(metric, report) for _, metrics in report.groups for metric in metrics]
    return "\n".join(lines)


def _row(metric: Metric, report: Report) -> str:
    cells = []
    for column in report.columns:
        cells.append(_cell(metric, column))
        if column.role == "champion":
            cells.append(_difference(metric, column.comparisons.get(metric.name)))
    return f"| {_text(metric.label)} | {' | '.join(cells)} |"


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
