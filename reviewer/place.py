"""Findings to comments that GitHub will take. Nothing here guesses: the line id and the quoted text must agree.

In order: the cited line, when the quote stands on it; else the one line of the hunk that is the quote, the nearest one
when several are; else the one that holds it; else the finding has no sure line and is routed to the summary.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reviewer.domain import Dropped, DropReason, Finding, Hunk, Line, PullRequest, ReviewComment, Routed
from reviewer.prompt import show
from reviewer.suggestion import check_suggestion

MIN_PARTIAL_QUOTE = 8
"""Characters that a quote must have before a part of a line counts as the line."""
MAX_RANGE = 30
"""Lines that one comment may span."""

_LINE_ID = re.compile(r"[RL]\d+\b *[:|]? *")
_WHOLE, _PART, _NOT = 2, 1, 0
"""How much of a line a quoted row is."""


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
    lines: dict[str, dict[str, tuple[Hunk, Line]]] = {}
    for finding in findings:
        if finding.path not in lines:
            lines[finding.path] = {line.id: (hunk, line) for hunk in hunks.get(finding.path, ()) for line in hunk.lines}
        placed = _place(finding, lines[finding.path].get(finding.line))
        if isinstance(placed, ReviewComment):
            comments.append(placed)
        elif isinstance(placed, Routed):
            routed.append(placed)
        else:
            dropped.append(placed)
    return Placement(tuple(comments), tuple(routed), tuple(dropped))


def fingerprint(path: str, anchored_text: str, category: str) -> str:
    """Sixteen hex digits: the same finding after a rebase or in other words has the same one."""
    content = "\0".join((path, squeeze(anchored_text), category))
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]


def squeeze(text: str) -> str:
    """The text with each run of white space as one space."""
    return " ".join(text.split())


def is_quoted(quote: str, line: Line) -> bool:
    """Whether the first row of the quote is this line, or a telling part of it, white space aside."""
    return _likeness(next(iter(_rows(quote)), ""), line) > _NOT


def _place(finding: Finding, found: tuple[Hunk, Line] | None) -> ReviewComment | Routed | Dropped:
    if not finding.message.strip():
        return Dropped(DropReason.EMPTY_MESSAGE, finding.path, "the comment says nothing", finding)
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


def _rows(quote: str) -> list[str]:
    return [row for row in quote.split("\n") if row.strip()]


def _readings(row: str) -> set[str]:
    """What a quoted row may mean: as it is, or with a line id and a mark copied from the prompt."""
    bare = squeeze(row)
    readings = {bare, _LINE_ID.sub("", bare, 1) if _LINE_ID.match(bare) else bare}
    return readings | {reading[1:].strip() for reading in readings if reading[:1] in {"+", "-"}}


def _likeness(row: str, line: Line) -> int:
    """How much of the line the row is. The line also counts as the prompt shows it, with escapes."""
    readings = _readings(row)
    texts = {squeeze(line.text), squeeze(show(line.text))}
    if readings & texts:
        return _WHOLE
    telling = [reading for reading in readings if len(reading) >= MIN_PARTIAL_QUOTE]
    return _PART if any(reading in text for reading in telling for text in texts) else _NOT


def _nearest_quoted(quote: str, cited: Line, hunk: Hunk) -> Line | None:
    """The best match in the hunk; none when two are equally good. Blank lines are all alike and match nothing."""
    row, at = next(iter(_rows(quote)), ""), hunk.lines.index(cited)
    matches = sorted(
        (-likeness, abs(index - at), index)
        for index, line in enumerate(hunk.lines)
        if line.text.strip() and (likeness := _likeness(row, line))
    )
    if not matches or (len(matches) > 1 and matches[0][:2] == matches[1][:2]):
        return None
    return hunk.lines[matches[0][2]]


def _comment_on(line: Line, finding: Finding, hunk: Hunk) -> ReviewComment:
    last = _range_end(line, finding.end_line, hunk)
    return ReviewComment(
        finding=finding,
        path=finding.path,
        line=last.number,
        side=line.side,
        start_line=line.number if last is not line else None,
        anchored_text=line.text,
        suggestion=_suggestion_for(line, last, finding, hunk),
        fingerprint=fingerprint(finding.path, line.text, finding.category),
    )


def _range_end(line: Line, end_line: str | None, hunk: Hunk) -> Line:
    """The last line of the range: on the same side of the same hunk, after the first, not too far; else the first."""
    end = next((other for other in hunk.lines if other.id == end_line), line) if end_line else line
    return end if end.side == line.side and 0 < end.number - line.number < MAX_RANGE else line


def _suggestion_for(first: Line, last: Line, finding: Finding, hunk: Hunk) -> str | None:
    """The suggestion, checked, when the comment spans what the model meant to replace and each line was quoted."""
    if finding.suggestion is None or first.side == "LEFT" or finding.end_line not in {None, last.id}:
        return None
    replaced = [line for line in hunk.lines if line.side == "RIGHT" and first.number <= line.number <= last.number]
    rows, telling = _rows(finding.quote), [line for line in replaced if line.text.strip()]
    if len(rows) != len(telling) or not all(map(_likeness, rows, telling)):
        return None
    return check_suggestion(finding.suggestion, [line.text for line in replaced], hunk, first.number)
