"""What a workflow's step can say to GitHub: commands in the log, outputs, the job summary.

Written here rather than taken: PyPI's `pyactions` holds no code, and `actions-toolkit` last moved in 2022 and installs
a package named `tests` (docs/adr/0004-actions-toolkit.md). The rules are those of GitHub's workflow commands.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Literal

from reviewer.domain import Finding, Review, ReviewComment, Severity
from reviewer.inert import inert_line

Level = Literal["error", "warning", "notice"]

MAX_ANNOTATIONS = 10
"""Of one level, that GitHub shows for a step."""
MAX_PATH = 4096
"""Characters of a path, the most that git takes on most systems."""
LEVELS: dict[Severity, Level] = {"error": "error", "warning": "warning", "info": "notice"}


def say(line: str) -> None:
    """Write a line to the job's log. The runner reads commands there, so what others wrote is made inert first."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def render_command(level: Level, message: str, **properties: str | int) -> str:
    """One `::level key=value::message` line."""
    pairs = ",".join(f"{key}={_escape(str(value), property_=True)}" for key, value in properties.items())
    return f"::{level}{' ' + pairs if pairs else ''}::{_escape(message)}"


def annotate(review: Review) -> int:
    """Show all findings as annotations, inline ones first; how many GitHub will show."""
    entries = [*((c.finding, c) for c in review.comments), *((r.finding, r.comment) for r in review.routed)]
    shown = 0
    for level in ("error", "warning", "notice"):
        for finding, comment in [e for e in entries if LEVELS[e[0].severity] == level][:MAX_ANNOTATIONS]:
            say(_annotation(level, finding, comment))
            shown += 1
    return shown


def _annotation(level: Level, finding: Finding, comment: ReviewComment | None) -> str:
    """On the line in its file; for a removed or unsure line, on the file.

    A file whose name may not stand in a log as it is, is named in the message.
    """
    message, title = inert_line(finding.message, 1000), f"Glossator: {finding.category}"
    if inert_line(finding.path, MAX_PATH) != finding.path:
        return render_command(level, f"{inert_line(finding.path, 200)}: {message}", title=title)
    if comment is None or comment.side == "LEFT":
        return render_command(level, message, file=finding.path, title=title)
    first = comment.start_line or comment.line
    return render_command(level, message, file=finding.path, line=first, endLine=comment.line, title=title)


def set_output(name: str, value: str) -> None:
    """Set an output of the step, when there is a file to write it to."""
    delimiter = secrets.token_hex(16)
    _append("GITHUB_OUTPUT", f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def add_summary(markdown: str) -> None:
    """Add to the job's summary page."""
    _append("GITHUB_STEP_SUMMARY", markdown)


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if path:
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _escape(text: str, *, property_: bool = False) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace(":", "%3A").replace(",", "%2C") if property_ else escaped
