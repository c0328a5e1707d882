"""The report as one HTML page: no network, no script, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evals.markup import Html, element
from evals.plots import draw_calibration, draw_curves, draw_seconds
from evals.plots_rows import REACH, draw_differences, draw_drops, draw_lifts, draw_slices, has_arrows
from evals.report import Report, render_headline, render_title
from evals.report_examples import render_examples
from evals.report_notes import (
    render_bins,
    render_limits,
    render_noise,
    render_origins,
    render_provenance,
)
from evals.report_style import STYLE
from evals.report_tables import render_all_figures, render_main_table

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Even if a stranger's words got out of their place, they could load, run and send nothing."""

VERDICTS: Final = {
    "promote": "It may review in the champion's place.",
    "hold": "It may not: a rule is broken, or there is nothing to gain.",
    "inconclusive": "These pull requests cannot tell.",
}
DIFFERENCE: Final = (
    "Dots are this candidate less the champion on the same pull requests, with 95 % intervals; green is significantly "
    "better, red significantly worse, each figure taken alone. A difference within the grey band would be missed more "
    "than once in five times."
)
ARROW: Final = f" An arrow is more than {100 * REACH:.0f} points away."
WHERE: Final = (
    "The line takes the comments from the highest score down, those over the budget too. Dots are what each candidate "
    "posts, a model with its 95 % intervals. On the grey curves F1 is the same."
)
SCORE: Final = (
    "Of the comments with about this score, how many stand in a hunk that a human commented on, with 95 % intervals "
    "(Wilson) that take comments for independent. A score is made to rank comments; on the grey line it would be a "
    "probability."
)
WORDS: Final = (
    "How much more like the human comments its comments are than these texts at the same places, with 95 % intervals. "
    "At 0 a text that needs no reviewer does as well."
)
SLICES: Final = "With 95 % intervals; the line is the whole set. Hollow dots: too few human comments to rely on."


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
    yield from _pictures(report)
    examples = list(render_examples(report))
    if examples:
        yield section("examples", "Examples", *examples)
    yield section("origins", "Could the model have seen them?", *render_origins(report))
    yield section("limits", "What these figures do not say", render_limits())
    yield section("all", "Everything", render_all_figures(report), render_provenance(report))


def section(name: str, title: str, *content: Html) -> Html:
    """A part of the page that can be linked to."""
    return element(
        "section", element("h2", title, id=f"{name}-title"), content, id=name, aria_labelledby=f"{name}-title"
    )


def _pictures(report: Report) -> Iterator[Html]:
    """The sections that have something to show."""
    parts = (
        ("difference", "Difference to the champion", draw_differences, DIFFERENCE + ARROW * has_arrows(report)),
        ("where", "Where it comments", draw_curves, WHERE),
        ("score", "What a score is worth", _show_calibration, SCORE),
        ("words", "What it says, beyond texts that need no reviewer", draw_lifts, WORDS),
        ("slices", "Parts of the set", draw_slices, SLICES),
        ("running", "How it runs", _show_running, ""),
    )
    for name, title, show, words in parts:
        shown = list(show(report))
        if any(shown):
            yield section(name, title, element("p", words) if words else Html(), element("div", shown, class_="grid"))


def _show_calibration(report: Report) -> Iterator[Html]:
    if report.card.calibration:
        yield draw_calibration(report)
        yield render_bins(report)


def _show_running(report: Report) -> Iterator[Html]:
    yield from draw_drops(report)
    yield from draw_seconds(report)
    yield render_noise(report)


def _header(report: Report) -> Html:
    lead = element("p", render_headline(report), class_="lead")
    return element("header", element("h1", render_title(report)), lead, _decision(report))


def _decision(report: Report) -> Html:
    if report.decision is None:
        return Html()
    verdict = report.decision.verdict
    words = element("p", "Decision: ", element("strong", verdict), f". {VERDICTS[verdict]}")
    reasons = element("ul", [element("li", reason) for reason in report.decision.reasons])
    return element("div", words, reasons, class_=f"decision {verdict}", role="note")
