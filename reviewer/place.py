"""Findings to comments that GitHub will take. Nothing here guesses: the line id and the quoted text must agree.

In order: the cited line, when the quote stands on it; else the one line of the hunk that holds the quote, the nearest
one when several do; else the finding has no sure line and is routed to the summary.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reviewer.domain import Dropped, DropReason, Finding, Hunk, Line, PullRequest, ReviewComment, Routed
from reviewer.suggestion import check_suggestion

MIN_PARTIAL_QUOTE = 8
"""Characters that a quote must have before a part of a line counts as the line."""
MAX_RANGE = 30
"""Lines that one comment may span."""

_LINE_ID = re.compile(r"^\s*[RL]\d+\s*[:|]?\s*")


@dataclass(frozen=True, slots=True)
class Placement:
    """Findings sorted by what can be done with them."""

    comments: tuple[ReviewComment, ...]
    routed: tuple[Routed, ...]
    dropped: tuple[Dropped, ...]


def place_findings(findings: Iterable[Finding], pull_request: PullRequest) -> Placement:
    """Give each finding its line in the diff, or say why it has none."""
    comments: list[ReviewComment] = []
    routed: list[Routed] = []
    dropped: list[Dropped] = []
    hunks = {file.path: file.hunks for file in pull_request.files}
    for finding in findings:
        placed = _place(finding, hunks.get(finding.path, ()))
        if isinstance(placed, ReviewComment):
            comments.append(placed)
        elif isinstance(placed, Routed):
            routed.append(placed)
        else:
            dropped.append(placed)
    return Placement(tuple(comments), tuple(routed), tuple(dropped))


def fingerprint(path: str, anchored_text: str, category: str) -> str:
    """Sixteen hex digits: the same finding after a rebase or in other words has the same one."""
    return hashlib.sha256("\0".join((path, squeeze(anchored_text), category)).encode()).hexdigest()[:16]


def squeeze(text: str) -> str:
    """The text with each run of white space as one space."""
    return " ".join(text.split())


def _place(finding: Finding, hunks: tuple[Hunk, ...]) -> ReviewComment | Routed | Dropped:
    if not finding.message.strip():
        return Dropped(DropReason.EMPTY_MESSAGE, finding.path, "the comment says nothing", finding)
    found = next(((hunk, line) for hunk in hunks for line in hunk.lines if line.id == finding.line), None)
    if found is None:
        detail = f"{finding.line or 'no line'} is not in the diff of this file"
        return Dropped(DropReason.OUTSIDE_DIFF, finding.path, detail, finding)
    hunk, cited = found
    line = cited if is_quoted(finding.quote, cited) else _nearest_quoted(finding.quote, cited, hunk)
    if line is None:
        return Routed(finding, "quote-not-found")
    if line is not cited:
        finding = replace(finding, end_line=None, suggestion=None)
    return _comment_on(line, finding, hunk)


def is_quoted(quote: str, line: Line) -> bool:
    """Whether the quote is this line, or a telling part of it, white space aside."""
    text, said = squeeze(line.text), _clean_quote(quote)
    if said == text:
        return True
    return len(said) >= MIN_PARTIAL_QUOTE and said in text


def _clean_quote(quote: str) -> str:
    first = next((row for row in quote.splitlines() if row.strip()), "")
    bare = squeeze(_LINE_ID.sub("", first))
    return bare[1:].strip() if first != bare and bare[:2] in {"+ ", "- "} else bare


def _nearest_quoted(quote: str, cited: Line, hunk: Hunk) -> Line | None:
    if not _clean_quote(quote):
        return None
    at = hunk.lines.index(cited)
    distances = sorted(
        (abs(index - at), index) for index, line in enumerate(hunk.lines) if is_quoted(quote, line)
    )
    if not distances or (len(distances) > 1 and distances[0][0] == distances[1][0]):
        return None
    return hunk.lines[distances[0][1]]


def _comment_on(line: Line, finding: Finding, hunk: Hunk) -> ReviewComment:
    last = _range_end(line, finding.end_line, hunk)
    replaced = [
        other.text for other in hunk.lines if other.side == line.side and line.number <= other.number <= last.number
    ]
    suggestion = finding.suggestion if line.side == "RIGHT" else None
    return ReviewComment(
        finding=finding,
        path=finding.path,
        line=last.number,
        side=line.side,
        start_line=line.number if last is not line else None,
        anchored_text=line.text,
        suggestion=check_suggestion(suggestion, replaced, hunk, line.number) if suggestion is not None else None,
        fingerprint=fingerprint(finding.path, line.text, finding.category),
    )


def _range_end(line: Line, end_line: str | None, hunk: Hunk) -> Line:
    """The last line of the range: on the same side of the same hunk, after the first, not too far; else the first."""
    end = next((other for other in hunk.lines if other.id == end_line), line)
    return end if end.side == line.side and 0 < end.number - line.number < MAX_RANGE else line
