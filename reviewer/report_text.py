"""The review in a terminal: status first, then each comment with its code, then what was left out, and by whom."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from reviewer.domain import EMBEDDED, Line, PullRequest, Review, ReviewComment, Routed, Severity
from reviewer.report_lines import (
    Anchor,
    clean,
    find_anchor,
    left_out,
    render_coverage,
    render_drops,
    render_model,
    render_outcome,
    render_place,
)

MAX_WIDTH = 100
MIN_WIDTH = 40
MAX_EXCERPT = 12
"""Lines of code shown with a comment."""
MAX_LEFT_OUT = 10
"""Rows about what was not looked at; the rest is counted."""
SMALL = "A small model, run here: check what it says. A larger one is a better reviewer."

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
SEVERITY_STYLES: dict[Severity, str] = {"error": "red", "warning": "yellow", "info": "cyan"}
KIND_STYLES = {"+": "green", "-": "red", " ": "dim"}


@dataclass(frozen=True, slots=True)
class Page:
    """Where the text goes: how many columns it has and whether it shows colours."""

    width: int
    color: bool

    def paint(self, text: str, *styles: str) -> str:
        """The text in a style; as it is on a page without colours."""
        if not self.color or not text:
            return text
        return f"\x1b[{';'.join(STYLES[style] for style in styles)}m{text}\x1b[0m"

    def clip(self, text: str, indent: int) -> str:
        """The beginning of a line of code that fits beside its indentation, with an ellipsis where it was cut."""
        room = self.width - indent
        if measure(text) <= room:
            return text
        while measure(text) > room - 1:
            text = text[: min(len(text) - 1, room)]
        return text + "…"

    def wrap(self, text: str, indent: int) -> list[str]:
        """The text in lines of words, indented."""
        lines = [""]
        for word in re.split(r" +", text.strip()):
            for piece in split_word(word, self.width - indent):
                joined = f"{lines[-1]} {piece}" if lines[-1] else piece
                lines = [*lines, piece] if measure(joined) > self.width - indent else [*lines[:-1], joined]
        return [" " * indent + line for line in lines if line]


def measure(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(column_count(character) for character in text)


def column_count(character: str) -> int:
    """Wide characters take two columns, combining ones none."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def split_word(word: str, room: int) -> Iterator[str]:
    """The word, in pieces where it is longer than a line."""
    piece, used = "", 0
    for character in word:
        if used + column_count(character) > room:
            yield piece
            piece, used = "", 0
        piece += character
        used += column_count(character)
    yield piece


def render_text(review: Review, pull_request: PullRequest, *, width: int, color: bool) -> str:
    """The whole review for a terminal."""
    page = Page(max(MIN_WIDTH, min(width, MAX_WIDTH)), color)
    blocks = [list(render_head(review, pull_request, page))]
    blocks += [list(render_comment(comment, pull_request, page)) for comment in review.comments]
    if review.routed:
        blocks += [[page.paint("Also noted" if review.comments else "Noted", "bold")]]
        blocks += [list(render_routed(routed, page)) for routed in review.routed]
    blocks += [list(render_tail(review, page))]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def render_head(review: Review, pull_request: PullRequest, page: Page) -> Iterator[str]:
    """What came out, and of what."""
    style = {"reviewed": "green", "partial": "yellow", "not-reviewed": "red"}[review.status]
    yield from (page.paint(line, "bold", style) for line in page.wrap(clean(render_outcome(review)), 0))
    if pull_request.title:
        yield page.paint(page.clip(clean(pull_request.title), 0), "dim")


def render_comment(comment: ReviewComment, pull_request: PullRequest, page: Page) -> Iterator[str]:
    """One comment: place and weight, the code, the message, the suggestion."""
    yield render_label(page, clean(render_place(comment)), comment)
    anchor = find_anchor(comment, pull_request)
    if anchor:
        yield from render_excerpt(anchor, page)
        yield ""
    for paragraph in comment.finding.message.split("\n"):
        yield from page.wrap(clean(paragraph), 2)
    if anchor and comment.suggestion is not None:
        yield ""
        yield "  Suggested change:"
        yield from render_suggestion(anchor, comment.suggestion, page)


def render_label(page: Page, place: str, comment: ReviewComment) -> str:
    """`src/a.py:12  error, bug`."""
    finding = comment.finding
    severity = page.paint(finding.severity, "bold", SEVERITY_STYLES[finding.severity])
    return f"{page.paint(place, 'bold')}  {severity}, {finding.category}"


def render_excerpt(anchor: Anchor, page: Page) -> Iterator[str]:
    """The lines that the comment is about, marked, with a little context."""
    shown = list(anchor.window(before=2, after=1))
    gap = len(shown) - MAX_EXCERPT
    rows = [render_code_line(line, page, marked=marked) for line, marked in shown]
    if gap > 0:
        half = MAX_EXCERPT // 2
        rows = [*rows[:half], page.paint(f"         … {gap} more lines", "dim"), *rows[half + gap :]]
    yield from rows


def render_code_line(line: Line, page: Page, *, marked: bool) -> str:
    """Mark, line number, kind of line, code."""
    mark = page.paint(">", "bold") if marked else " "
    code = page.clip(f"{line.kind} {clean(line.text)}".rstrip(), 9)
    number = page.paint(f"{line.number:>6}", "dim")
    return f"{mark} {number} {page.paint(code, KIND_STYLES[line.kind])}".rstrip()


def render_suggestion(anchor: Anchor, suggestion: str, page: Page) -> Iterator[str]:
    """The suggestion as a small diff against the lines it replaces."""
    old = [clean(line.text) for line, _ in anchor.window(0, 0) if line.kind != "-"]
    new = [clean(line) for line in suggestion.split("\n")] if suggestion else []
    for tag, first, last, new_first, new_last in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        removed = [f"{' ' if tag == 'equal' else '-'} {line}" for line in old[first:last]]
        added = [] if tag == "equal" else [f"+ {line}" for line in new[new_first:new_last]]
        for row in (*removed, *added):
            yield "    " + page.paint(page.clip(row.rstrip(), 4), KIND_STYLES[row[0]])


def render_routed(routed: Routed, page: Page) -> Iterator[str]:
    """A finding without a place among the comments: over the budget, or not sure of its line."""
    finding = routed.finding
    place = render_place(routed.comment) if routed.comment else f"{finding.path} (line not certain)"
    severity = page.paint(finding.severity, SEVERITY_STYLES[finding.severity])
    yield f"{clean(place)}  {severity}, {finding.category}"
    yield from page.wrap(clean(finding.message.replace("\n", " ")), 2)


def render_tail(review: Review, page: Page) -> Iterator[str]:
    """Coverage, drops, model: one short line each, and a row for each thing that was not looked at."""
    rows = left_out(review)
    if review.coverage:
        yield from render_row("Coverage", render_coverage(review), page)
    for state, place, reason in rows[:MAX_LEFT_OUT]:
        yield from render_row("", f"{state}: {place}{f' ({reason})' if reason else ''}", page)
    if len(rows) > MAX_LEFT_OUT:
        yield from render_row("", f"and {len(rows) - MAX_LEFT_OUT:,} more, all listed by --format json", page)
    if review.dropped:
        yield from render_row("Dropped", render_drops(review), page)
    yield from render_row("Model", render_model(review), page)
    if review.model.alias == EMBEDDED:
        yield from render_row("", SMALL, page)


def render_row(label: str, text: str, page: Page) -> Iterator[str]:
    """A label and its text, the text in its own column."""
    indent = 11
    first, *rest = page.wrap(clean(text), indent)
    yield page.paint(label.ljust(indent) + first[indent:], "dim")
    yield from (page.paint(line, "dim") for line in rest)
