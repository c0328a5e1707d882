"""The review as SARIF 2.1.0, for code scanning and other viewers. It validates against the OASIS schema.

Regions have whole lines and no columns. A comment on removed lines stands at the nearest line that is left, a finding
without a sure line at the piece of the change that it came from; the message then says so. A review that did not happen
is an unsuccessful invocation, never an empty success.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from reviewer import __version__
from reviewer.domain import Category, Finding, PullRequest, Review, ReviewComment, Routed, Severity
from reviewer.report_lines import clean, head_lines, render_outcome

Json = dict[str, object]

LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
RULES: dict[Category, str] = {
    "bug": "The code does not do what it should.",
    "security": "The change opens a way to attack.",
    "performance": "The change costs more time or memory than it has to.",
    "test": "A test is missing or does not test what it says.",
    "docs": "Documentation is missing or wrong.",
    "design": "The change makes the code harder to change or to use.",
    "style": "The change breaks a convention of the project.",
}


def render_sarif(review: Review, pull_request: PullRequest) -> str:
    """One SARIF log with one run. Findings over the comment budget are in it as well."""
    run = {
        "tool": {
            "driver": {"name": "Glossator", "semanticVersion": __version__, "rules": list(map(render_rule, RULES))}
        },
        "automationDetails": {"id": "glossator/"},
        "invocations": [render_invocation(review)],
        "results": [
            *(render_result(comment.finding, comment, pull_request) for comment in review.comments),
            *(render_routed(routed, pull_request) for routed in review.routed),
        ],
        "properties": {"status": review.status, "model": review.model.name, "headSha": review.head_sha},
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def render_rule(category: Category) -> Json:
    """The rule that stands for a category of findings."""
    return {
        "id": rule_id(category),
        "name": f"Review{category.capitalize()}",
        "shortDescription": {"text": RULES[category]},
        "fullDescription": {"text": RULES[category]},
        "help": {"text": f"{RULES[category]} A language model wrote the finding: judge it before you act on it."},
        "properties": {"tags": ["review", category]},
    }


def rule_id(category: Category) -> str:
    """The name of the rule, apart from other tools' rules."""
    return f"glossator/{category}"


def render_invocation(review: Review) -> Json:
    """Whether the review happened, and what it has to say about itself when it did not, or not wholly."""
    invocation: Json = {"executionSuccessful": review.status != "not-reviewed"}
    if review.status != "reviewed":
        level = "error" if review.status == "not-reviewed" else "warning"
        notification = {"level": level, "message": {"text": make_plain(render_outcome(review))}}
        invocation["toolExecutionNotifications"] = [notification]
    return invocation


def render_routed(routed: Routed, pull_request: PullRequest) -> Json:
    """A finding of the summary."""
    return render_result(routed.finding, routed.comment, pull_request) | {"properties": {"routed": routed.reason}}


def render_result(finding: Finding, comment: ReviewComment | None, pull_request: PullRequest) -> Json:
    """One finding, with the fingerprint that keeps it the same over pushes and with its suggestion as a fix."""
    region = render_region(choose_lines(finding, comment, pull_request))
    artifact = {"uri": render_uri(finding.path), "uriBaseId": "%SRCROOT%"}
    result: Json = {
        "ruleId": rule_id(finding.category),
        "ruleIndex": list(RULES).index(finding.category),
        "level": LEVELS[finding.severity],
        "message": {"text": make_plain(render_message(finding, comment))},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }
    if comment:
        result["partialFingerprints"] = {"glossator/v1": comment.fingerprint}
    if comment and comment.side == "RIGHT" and comment.suggestion:  # to delete a line, a region needs columns
        replacement = {"deletedRegion": region, "insertedContent": {"text": tidy(comment.suggestion)}}
        change = {"artifactLocation": artifact, "replacements": [replacement]}
        result["fixes"] = [{"description": {"text": "Suggested change"}, "artifactChanges": [change]}]
    return result


def choose_lines(finding: Finding, comment: ReviewComment | None, pull_request: PullRequest) -> tuple[int, int]:
    """First and last line in the new file: of the comment, else of the piece it came from, else the first line."""
    lines = head_lines(comment, pull_request) if comment else None
    hunk = next((hunk for hunk in pull_request.hunks_of(finding.path) if hunk.digest == finding.hunk), None)
    numbers = [line.target_line for line in hunk.lines if line.target_line] if hunk else []
    return lines or (min(numbers, default=1), max(numbers, default=1))


def render_message(finding: Finding, comment: ReviewComment | None) -> str:
    """What the finding says, and where it is when no region can name its line."""
    if comment is None:
        return f"(Line not certain) {finding.message}"
    if comment.side == "RIGHT":
        return finding.message
    lines = f"lines {comment.start_line}-{comment.line}" if comment.start_line else f"line {comment.line}"
    return f"(Removed {lines}) {finding.message}"


def render_region(lines: tuple[int, int]) -> Json:
    """Whole lines."""
    return {"startLine": lines[0], "endLine": lines[1]}


def render_uri(path: str) -> str:
    """A path of the repository as a relative URI. Bytes that are no UTF-8 come back as they were."""
    try:
        return quote(path, errors="surrogateescape")
    except UnicodeEncodeError:
        return quote(path, errors="replace")


def make_plain(text: str) -> str:
    """Text without control characters and without what SARIF viewers take for a link: `[text](target)`."""
    return "\n".join(map(clean, text.split("\n"))).replace("](", "] (")


def tidy(text: str) -> str:
    """Code that is to be inserted: as it is, but for halves of characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
