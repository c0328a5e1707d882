"""The report as one HTML page: no network, no script, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evals.markup import Html, element
from evals.report import Report, render_headline, render_title
from evals.report_style import STYLE
from evals.report_tables import render_all_figures, render_main_table

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
    yield _header(report)
    yield section("figures", "Figures", *render_main_table(report))
    yield section("all", "Everything", render_all_figures(report))


def section(name: str, title: str, *content: Html) -> Html:
    """A part of the page that can be linked to."""
    return element("section", element("h2", title), content, id=name)


def _header(report: Report) -> Html:
    lead = element("p", render_headline(report), class_="lead")
    return element("header", element("h1", render_title(report)), lead, _decision(report))


def _decision(report: Report) -> Html:
    if report.decision is None:
        return Html()
    words = element("p", "Decision: ", element("strong", report.decision.verdict))
    reasons = element("ul", [element("li", reason) for reason in report.decision.reasons])
    return element("div", words, reasons, class_=f"decision {report.decision.verdict}")
