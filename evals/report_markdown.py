"""The report's short form in Markdown, for the summary of a GitHub job."""

from __future__ import annotations

from typing import Final

from evals.report import Report, render_headline, render_interval, render_title, render_value
from evals.report_table import OFF, Figure, choose_groups
from evals.scorecard import Estimate
from reviewer.inert import make_inert_line

NO_HOST: Final = ""
"""Links stay live to no host at all."""


def render_markdown(report: Report) -> str:
    """Decision, then the main figures: under 60 lines, nothing live in it."""
    heads = ["metric", *(_text(card.candidate) for card in report.cards)]
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * len(report.cards)}"]
    for group in choose_groups(report):
        for figure in group.figures:
            cells = [_cell(figure, card.metrics.get(figure.name, OFF)) for card in report.cards]
            lines.append(f"| {figure.label} | {' | '.join(cells)} |")
    blocks = [f"## {_text(render_title(report))}", _text(render_headline(report)), "\n".join(lines)]
    return "\n\n".join(blocks) + "\n"


def _cell(figure: Figure, estimate: Estimate) -> str:
    interval = render_interval(estimate, figure.unit)
    return render_value(estimate.value, figure.unit) + (f" ({interval})" if interval else "")


def _text(text: str) -> str:
    return make_inert_line(text, NO_HOST)
