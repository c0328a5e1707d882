"""The review as rdjson, the diagnostic format of reviewdog.

Ranges have lines and no columns, which the format reads as whole lines, the last one included. A comment on removed
lines stands at the nearest line that is left; a finding without a sure line has only its file.
"""

from __future__ import annotations

import json

from reviewer.domain import SEVERITIES, Finding, PullRequest, Review, ReviewComment
from reviewer.inert import make_inert
from reviewer.report_lines import head_lines
from reviewer.sarif import Json, render_message, tidy


def render_rdjson(review: Review, pull_request: PullRequest) -> str:
    """One DiagnosticResult. The format has no word for a review that did not happen: the exit code says it."""
    findings: list[tuple[Finding, ReviewComment | None]] = [(comment.finding, comment) for comment in review.comments]
    findings += [(routed.finding, routed.comment) for routed in review.routed]
    result: Json = {
        "source": {"name": "glossator"},
        "diagnostics": [render_diagnostic(finding, comment, pull_request) for finding, comment in findings],
    }
    if findings:
        result["severity"] = min((finding.severity for finding, _ in findings), key=SEVERITIES.index).upper()
    return json.dumps(result, indent=2) + "\n"


def render_diagnostic(finding: Finding, comment: ReviewComment | None, pull_request: PullRequest) -> Json:
    """One finding. Reviewdog posts the message as Markdown, so it is made inert."""
    lines = head_lines(comment, pull_request) if comment else None
    span = {"start": {"line": lines[0]}, "end": {"line": lines[1]}} if lines else None
    diagnostic: Json = {
        "message": make_inert(render_message(finding, comment), "") or finding.category,
        "location": {"path": tidy(finding.path)} | ({"range": span} if span else {}),
        "severity": finding.severity.upper(),
        "code": {"value": finding.category},
    }
    if span and comment and comment.side == "RIGHT" and comment.suggestion is not None:
        diagnostic["suggestions"] = [{"range": span, "text": tidy(comment.suggestion)}]
    return diagnostic
