"""The review as a Markdown file. Model text and code are made inert, as on GitHub."""

from __future__ import annotations

from collections.abc import Iterator

from reviewer.domain import PullRequest, Review, ReviewComment, Routed
from reviewer.inert import inert_code, make_inert, make_inert_line
from reviewer.report_lines import (
    clean,
    find_anchor,
    left_out,
    render_coverage,
    render_drops,
    render_model,
    render_outcome,
    render_place,
    render_span,
)

NO_HOST = ""
"""Links stay live to no host at all: a file may be read anywhere."""


def render_markdown(review: Review, pull_request: PullRequest) -> str:
    """A page: outcome, comments with their code, further findings, what was not looked at, and who wrote it."""
    blocks = ["# Glossator review", make_inert_line(render_outcome(review), NO_HOST, 1000)]
    if pull_request.title:
        blocks.append(f"> {make_inert_line(pull_request.title, NO_HOST)}")
    for comment in review.comments:
        blocks += render_comment(comment, pull_request)
    if review.routed:
        blocks += ["## Also noted" if review.comments else "## Noted", "\n".join(map(render_routed, review.routed))]
    return "\n\n".join([*blocks, "## What was looked at", "\n".join(render_tail(review))]) + "\n"


def render_comment(comment: ReviewComment, pull_request: PullRequest) -> Iterator[str]:
    """One comment: place, code, message, suggestion."""
    finding = comment.finding
    yield f"## {render_span(render_place(comment))}: {finding.severity}, {finding.category}"
    anchor = find_anchor(comment, pull_request)
    if anchor:
        yield render_code([line.kind + clean(line.text) for line, _ in anchor.window(2, 1)], "diff")
    yield make_inert(finding.message, NO_HOST)
    if comment.suggestion is not None:
        yield "Suggested change:"
        yield render_code([clean(line) for line in comment.suggestion.split("\n")], "")


def render_code(lines: list[str], info: str) -> str:
    """A block of code, or the words that say why there is none."""
    return inert_code("\n".join(lines), info) or "*Not shown: this code holds commands or markers for programs.*"


def render_routed(routed: Routed) -> str:
    """One line for a finding without a place among the comments."""
    finding = routed.finding
    place = render_place(routed.comment) if routed.comment else finding.path
    unsure = "" if routed.comment else " (line not certain)"
    message = make_inert_line(finding.message, NO_HOST, 1000)
    return f"- {render_span(place)}{unsure} {finding.severity}, {finding.category}: {message}"


def render_tail(review: Review) -> Iterator[str]:
    """Coverage, what was left out, drops and model, as a list."""
    yield f"- {render_coverage(review)}"
    for state, place, reason in left_out(review):
        yield f"  - {render_span(place)} {state}{f': {make_inert_line(reason, NO_HOST)}' if reason else ''}"
    if review.dropped:
        yield f"- Dropped: {render_drops(review)}"
    yield f"- Model: {make_inert_line(render_model(review), NO_HOST)}"
