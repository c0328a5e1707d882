"""A Review for people and for other tools: text, json, markdown, sarif, rdjson; and the exit code that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reviewer.domain import SEVERITIES, PullRequest, Review, Severity
from reviewer.errors import EXIT_FINDINGS, EXIT_OK, ModelError

Format = Literal["text", "json", "markdown", "sarif", "rdjson"]
FORMATS: tuple[Format, ...] = ("text", "json", "markdown", "sarif", "rdjson")


def render(
    review: Review, pull_request: PullRequest, output_format: Format, *, width: int = 80, color: bool = False
) -> str:
    """The review in one of the formats, ending with a newline. Nothing in it can steer a terminal.

    Args:
        review: What to show.
        pull_request: Where the lines of code around a comment come from.
        output_format: One of `FORMATS`.
        width: Columns of the terminal; text only.
        color: Whether to colour; text only. `wants_color` says.
    """
    # The modules are imported late: each run needs one of them.
    if output_format == "json":
        from reviewer.report_json import render_pretty_json

        return render_pretty_json(review)
    if output_format == "sarif":
        from reviewer.sarif import render_sarif

        return render_sarif(review, pull_request)
    if output_format == "rdjson":
        from reviewer.rdjson import render_rdjson

        return render_rdjson(review, pull_request)
    if output_format == "markdown":
        from reviewer.report_markdown import render_markdown

        return render_markdown(review, pull_request)
    from reviewer.report_text import render_text

    return render_text(review, pull_request, width=width, color=color)


def decide_exit_code(review: Review, fail_on: Severity | Literal["never"]) -> int:
    """The exit code of a run that came to an end: 0, 1 (`fail-on` is met) or 4 (the model failed, nothing reviewed).

    A finding counts when it stands on a verified line, whether it is shown on the line or in the summary.
    """
    failed = any(part.state == "failed" for part in review.coverage)
    if review.status == "not-reviewed" and (failed or not review.coverage):
        return ModelError.exit_code
    if fail_on == "never":
        return EXIT_OK
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    placed = [*review.comments, *(routed.comment for routed in review.routed if routed.comment)]
    return EXIT_FINDINGS if any(comment.finding.severity in grave for comment in placed) else EXIT_OK


def wants_color(environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to colour what goes to a stream, by the customs of NO_COLOR, FORCE_COLOR and TERM."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or (is_terminal and environ.get("TERM") != "dumb")
