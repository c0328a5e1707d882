"""What stands beside the figures: who could have seen the test set, what the figures do not say, how they were made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from evals.markup import Html, element
from evals.plots import wilson
from evals.report import Report
from evals.report_metrics import BY_NAME, OFF, count, render_interval, render_value
from evals.report_tables import make_table, scroll

LIMITS: Final = (
    "A comment where no human left one counts as wrong. Humans overlook things, so precision is a lower bound.",
    "Few human comments are good references, and a text can be like one and wrong: similarity is weak evidence.",
    "So read the lift over texts that need no reviewer, and the examples.",
    "Average precision over all pull requests is mostly an effect of their sizes: read the one within pull requests.",
    "The intervals tell how figures would vary with other pull requests of these repositories, not of other ones.",
    "Nothing here says whether anybody would act on a comment. Only its outcomes after posting do.",
    "Seconds are those of one machine under its load on that day, and no service's.",
)
"""What holds for every report."""


def render_noise(report: Report) -> Html:
    """What it does where humans had nothing to say, in a sentence."""
    found = {name: report.card.metrics.get(f"running.{name}", OFF) for name in ("noise", "noise_comments")}
    if found["noise"].value is None:
        return Html()
    parts = {name: render_value(one.value, BY_NAME[f"running.{name}"].unit) for name, one in found.items()}
    interval = render_interval(found["noise"], "share")
    pulls = count(found["noise"].pull_requests, "pull request")
    return element(
        "p",
        f"Noise: of the {pulls} without a human comment it commented on {parts['noise']} ({interval}), "
        f"with {parts['noise_comments']} comments each on average.",
    )


def render_bins(report: Report) -> Html:
    """The calibration with its counts."""
    rows = []
    for one in report.card.calibration:
        low, high = wilson(one.right, one.comments)
        cells = (render_value(one.right, "share"), f"{100 * low:.1f} to {100 * high:.1f}", f"{one.comments:,}")
        rows.append(
            element("tr", element("th", f"{one.score:.2f}", scope="row"), [element("td", cell) for cell in cells])
        )
    heads = [element("th", name, scope="col") for name in ("mean score", "share right", "95 % interval", "comments")]
    return scroll(make_table("Comments by their score.", heads, rows), "Comments by their score")


def render_origins(report: Report) -> Iterator[Html]:
    """Where and when the pull requests were made: could the model have seen them?"""
    rows = [
        element(
            "tr",
            element("th", origin.repo, scope="row"),
            [element("td", text) for text in (origin.first[:10], origin.last[:10], f"{origin.pull_requests:,}")],
        )
        for origin in report.card.origins
    ]
    heads = [element("th", name, scope="col") for name in ("repository", "first", "last", "pull requests")]
    if rows:
        yield scroll(make_table("Origin of the pull requests.", heads, rows), "Origin of the pull requests")
    if report.card.notes:
        yield element("ul", [element("li", note) for note in report.card.notes])


def render_limits() -> Html:
    """What the figures do not say."""
    return element("ul", [element("li", words) for words in LIMITS])


def render_provenance(report: Report) -> Html:
    """Model, versions and settings: what it takes to do it again."""
    card = report.card
    facts: dict[str, Any] = {
        "held-out set": card.dataset,
        "revision of the set": card.revision,
        "model": card.model.name,
        "model version": card.model.version,
        "model alias": card.model.alias,
        "adapter": card.model.adapter_digest,
        "prompt version": card.model.prompt_version,
        "trained on dataset revision": card.model.dataset_revision,
        "Glossator": card.glossator,
        **{f"text scorer {name}": value for name, value in sorted(card.text_scorer.items())},
        **{f"setting {name}": value for name, value in sorted(card.settings.items())},
    }
    rows = [
        element("tr", element("th", name, scope="row"), element("td", str(value), class_="words"))
        for name, value in facts.items()
        if value not in ("", None)
    ]
    heads = [element("th", name, scope="col") for name in ("what", "value")]
    table = scroll(make_table("What it takes to do it again.", heads, rows), "Versions and settings")
    return element("details", element("summary", "Versions and settings"), table)
