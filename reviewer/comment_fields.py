"""One comment of a reply, as the model named and wrote its fields, to a finding."""

from __future__ import annotations

import re
from typing import TypeVar

from reviewer.domain import Category, Finding, Hunk, Severity
from reviewer.json_reader import join_surrogates

LINE = ("line", "lineid", "linenumber", "lineno", "startline", "lines")
END_LINE = ("endline", "lineend", "endlinenumber")
QUOTE = ("quote", "quoted", "code", "codesnippet", "snippet", "linetext", "existingcode")
MESSAGE = ("message", "body", "comment", "text", "description", "review", "issue", "content", "explanation")
SEVERITY = ("severity", "level", "priority")
CATEGORY = ("category", "type", "kind")
SUGGESTION = ("suggestion", "suggestedcode", "suggestedfix", "fix", "replacement", "improvedcode")
"""Names of the fields, most usual first, as `plain_key` writes them."""

SEVERITY_STEMS: tuple[tuple[str, Severity], ...] = (
    *(
        (stem, "info")
        for stem in ("info", "low", "nit", "minor", "trivial", "note", "hint", "suggest", "style", "nonbl")
    ),
    *((stem, "error") for stem in ("error", "critical", "high", "major", "block", "severe", "fatal", "must")),
)
"""What a severity may hold, as `plain_key` writes it. All others are warnings."""
CATEGORY_STEMS: tuple[tuple[str, Category], ...] = (
    *((stem, "security") for stem in ("secur", "vuln", "inject", "auth", "crypto", "xss", "privacy")),
    *((stem, "performance") for stem in ("perf", "effic", "speed", "memory", "optimi", "scal")),
    *((stem, "test") for stem in ("test", "coverage")),
    *((stem, "docs") for stem in ("doc", "comment", "spelling", "typo")),
    *((stem, "style") for stem in ("style", "format", "naming", "lint", "nit", "readab", "convention")),
    *((stem, "bug") for stem in ("bug", "correct", "logic", "error", "crash", "exception", "leak", "race", "concurr")),
)
"""What a category may hold, likewise. All others are design."""

LINE_ID = re.compile(r"\W*?(?:lines?\b\s*)?#?(?P<side>[rRlL+-]?)\s*(?P<number>\d{1,9})(?!\d)", re.IGNORECASE)
RANGE_END = re.compile(r"\s*(?:[-\u2013\u2014,:]|\.{2,3}|to)\s*(?P<side>[rRlL+-]?)(?P<number>\d{1,9})\b")
FENCED = re.compile(r"\s*(`{3,}|~{3,})[^\n]*\n(?P<code>.*?)\n?[ \t]*\1\s*", re.DOTALL)
NO_SUGGESTION = frozenset({"", "none", "null", "n/a", "na", "-"})
DEFAULT_CONFIDENCE = 0.5


Choice = TypeVar("Choice")


class UnreadableCommentError(Exception):
    """A comment that lacks what a finding needs."""


def plain_key(key: object) -> str:
    """A field's name without case and separators: `lineNumber` and `line_number` are one."""
    return re.sub(r"[^a-z]", "", str(key).lower())


def _fields(comment: dict[str, object]) -> dict[str, object]:
    return {plain_key(key): value for key, value in comment.items()}


def is_comment(value: object) -> bool:
    """Whether a value has at least a message and a place."""
    if not isinstance(value, dict):
        return False
    keys = _fields(value).keys()
    return not keys.isdisjoint(MESSAGE) and not keys.isdisjoint([*LINE, *QUOTE])


def parse_comment(comment: object, hunk: Hunk) -> Finding:
    """Read a comment about a hunk.

    Fields that are missing or odd get their defaults, except the message and the line. The message may be empty.

    Raises:
        UnreadableCommentError: There is no message, or no telling which line is meant.
    """
    if not isinstance(comment, dict):
        raise UnreadableCommentError("a comment is not an object")
    fields = _fields(comment)
    message = _first(fields, MESSAGE)
    if not isinstance(message, str):
        raise UnreadableCommentError("a comment has no message")
    quote = _text(_first(fields, QUOTE))
    line, end_line = _read_lines(_first(fields, LINE), _first(fields, END_LINE), quote, hunk)
    return Finding(
        path=hunk.path,
        line=line,
        quote=quote,
        message=_text(message).strip(),
        severity=_choose(_first(fields, SEVERITY), SEVERITY_STEMS, "warning"),
        category=_choose(_first(fields, CATEGORY), CATEGORY_STEMS, "design"),
        end_line=end_line,
        suggestion=_read_suggestion(_first(fields, SUGGESTION)),
        confidence=_read_confidence(fields.get("confidence")),
        hunk=hunk.digest,
    )


def _first(fields: dict[str, object], names: tuple[str, ...]) -> object:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _text(value: object) -> str:
    return join_surrogates(value) if isinstance(value, str) else ""


def _read_lines(cited: object, end: object, quote: str, hunk: Hunk) -> tuple[str, str | None]:
    """The cited line and the end of the range: `R12`, 12, `+12`, `line 12`, `R10-R12`, [10, 12]."""
    text = " to ".join(_as_text(line) for line in cited) if isinstance(cited, list) else _as_text(cited)
    match = LINE_ID.match(text)
    if match is None:
        return _find_quote(quote, hunk), None
    first = _choose_id(match, hunk)
    last = LINE_ID.match(_as_text(end)) or RANGE_END.match(text, match.end())
    last_id = _choose_id(last, hunk) if last else first
    return first, last_id if last_id != first else None


def _find_quote(quote: str, hunk: Hunk) -> str:
    """The only line of the hunk that reads like the quote."""
    same = [line.id for line in hunk.lines if quote.strip() and line.text.strip() == quote.strip()]
    if len(same) != 1:
        raise UnreadableCommentError("a comment names no line")
    return same[0]


def _as_text(line: object) -> str:
    if isinstance(line, str):
        return line
    if isinstance(line, float) and line.is_integer():
        return str(int(line))
    return str(line) if type(line) is int else ""


def _choose_id(match: re.Match[str], hunk: Hunk) -> str:
    """The line's id. A bare number is of the new side if the hunk has it; so is `L12` where no line 12 was removed."""
    number = int(match["number"])
    side = match["side"].upper()
    choices = {"R": "R", "+": "R", "-": "L", "L": "LR", "": "RL"}[side]
    ids = [f"{choice}{number}" for choice in choices]
    if len(ids) == 1:
        return ids[0]
    known = {line.id for line in hunk.lines}
    return next((line_id for line_id in ids if line_id in known), ids[0])


def _choose(value: object, stems: tuple[tuple[str, Choice], ...], default: Choice) -> Choice:
    plain = plain_key(value)
    return next((choice for stem, choice in stems if stem in plain), default)


def _read_suggestion(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    text = _text(value)
    match = FENCED.fullmatch(text)
    text = match["code"] if match else text
    return None if text.strip().lower() in NO_SUGGESTION else text


def _read_confidence(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    return DEFAULT_CONFIDENCE
