"""The report as one HTML page: no network, no script, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evals.markup import Html, element, join
from evals.report import Report, count, render_headline, render_interval, render_title, render_value
from evals.report_style import STYLE
from evals.report_table import OFF, Figure, choose_groups, is_beaten
from evals.scorecard import Estimate, Scorecard

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Even if a stranger's words got out of their place, they could load, run and send nothing."""


def render_html(report: Report) -> str:
    """The page.

    Args:
        report: What it says.

    Returns:
        A document in UTF-8 without anything that has to be fetched.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{render_title(report)}: evaluation"),
        element("style", Html(STYLE)),
    )
    body = element("body", element("main", list(_sections(report))))
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def _sections(report: Report) -> Iterator[Html]:
    yield element("header", element("h1", render_title(report)), element("p", render_headline(report), class_="lead"))
    yield section("figures", "Figures", *_main_table(report))


def section(name: str, title: str, *content: Html) -> Html:
    """A part of the page that can be linked to."""
    return element("section", element("h2", title), content, id=name)


def scroll(table: Html, label: str) -> Html:
    """A table that may be wider than the page, and can be scrolled by keyboard as well."""
    return element("div", table, class_="scroll", role="region", tabindex="0", aria_label=label)


def _main_table(report: Report) -> Iterator[Html]:
    caption = "Each figure with its 95 % interval, by a bootstrap over pull requests."
    heads = [element("th", "metric", scope="col"), *(_column_head(card, report) for card in report.cards)]
    rows: list[Html] = []
    for group in choose_groups(report):
        width = str(len(report.cards) + 1)
        rows.append(element("tr", element("th", group.title, colspan=width, scope="colgroup", class_="group")))
        rows += [_row(figure, report) for figure in group.figures]
    table = element(
        "table", element("caption", caption), element("thead", element("tr", heads)), element("tbody", rows)
    )
    yield scroll(table, "Figures of all candidates")
    if report.others:
        yield element("p", "\u25b2 better than this candidate, by the value alone.", class_="small")


def _column_head(card: Scorecard, report: Report) -> Html:
    role = "this candidate" if card is report.card else "champion" if card is report.champion else card.kind
    pulls = count(len(card.keys), "pull request")
    return element("th", card.candidate, element("small", role), element("small", pulls), scope="col")


def _row(figure: Figure, report: Report) -> Html:
    ours = report.card.metrics.get(figure.name, OFF)
    arrow = {"higher": "", "lower": " (lower is better)", "neither": ""}[figure.better]
    cells = [_cell(figure, ours, "ours")]
    for card in report.others:
        theirs = card.metrics.get(figure.name, OFF)
        cells.append(_cell(figure, theirs, "beats" if is_beaten(figure, ours, theirs) else ""))
    return element("tr", element("th", figure.label, element("small", arrow), scope="row"), cells)


def _cell(figure: Figure, estimate: Estimate, class_: str) -> Html:
    if estimate.value is None:
        return element("td", "\u2013", class_=class_ or "none", title=estimate.note)
    mark = element("abbr", " \u25b2", title="better than this candidate") if class_ == "beats" else Html()
    value = join([render_value(estimate.value, figure.unit), mark])
    return element("td", value, element("small", render_interval(estimate, figure.unit)), class_=class_ or "other")
