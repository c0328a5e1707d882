"""An example as a chat: the prompt that the reviewer would send, and the reply that would put the human's words there.

Every reply is read back with `reviewer.reply` and placed with `reviewer.place`: one that does not stand on the human's
own line is left out. Severity and category are weak labels, from the keywords below.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, cast

from reviewer.domain import (
    Category,
    ChangedFile,
    ExampleComment,
    Hunk,
    Line,
    PullRequest,
    ReviewComment,
    ReviewExample,
    Severity,
)
from reviewer.place import MAX_RANGE, place_findings
from reviewer.prompt import MAX_COMMENTS, break_tokens, reply_schema, show
from reviewer.reply import ReplyError, parse_reply

QUOTE_CHARACTERS = 200
MESSAGE_CHARACTERS = 400
SUGGESTION_CHARACTERS = 600
LEAST_WORDS = 2
"""Words that a comment must have where no suggestion goes along: `nit:` above one that is too long says nothing."""

EMPTY_REPLY: Final = '{"comments": []}'
SEVERITY_WORDS: Final[tuple[tuple[Severity, tuple[str, ...]], ...]] = (
    (
        "info",
        (r"nit(?:pick)?s?\b|minor\b|optional|cosmetic|typo|spelling|wording|whitespace|indent|blank line|trailing",),
    ),
    (
        "error",
        (
            r"crash|segfault|panic|overflow|underflow|deadlock|race condition|data race|leak|corrupt|data loss",
            r"undefined behaviou?r|\bub\b|null ?pointer|\bnpe\b|out[- ]of[- ]bounds|double free|use[- ]after[- ]free",
            r"vulnerab|inject|insecure|security|exploit|infinite loop|incorrect|\bbugg?y?\b",
            r"(?:will|would|does|is going to) (?:fail|break|throw|hang|not work|not compile)|doesn'?t (?:work|compile)",
            r"(?:is|are|looks?|seems?) (?:wrong|broken)",
        ),
    ),
    (
        "info",
        (r"consider\b|maybe\b|perhaps|could (?:you|we|be)|prefer|renam|naming|style|readab|simplif|cleaner|nicer",),
    ),
)
"""The first row of which one expression is found in the comment, in lower case; `warning` when none is."""
CATEGORY_WORDS: Final[tuple[tuple[Category, tuple[str, ...]], ...]] = (
    (
        "security",
        (
            r"secur|vulnerab|inject|exploit|sanitiz|escap(?:e|ing) (?:html|user|input)|\bxss\b|csrf|secret",
            r"side[- ]channel|constant[- ]time|timing attack|privilege|permission|untrusted",
        ),
    ),
    (
        "performance",
        (r"performan|slow|faster|optimi[sz]|allocat|cache|expensive|memory usage|\bo\(n|quadratic|latency",),
    ),
    ("test", (r"\btest(?:s|ed|ing)?\b|assert|coverage|fixture|mock|benchmark",)),
    ("docs", (r"\bdocs?\b|documentation|docstring|comment|readme|changelog|typo|spelling|wording|grammar|javadoc",)),
    (
        "bug",
        (
            r"crash|segfault|panic|overflow|deadlock|\brace|leak|corrupt|undefined behaviou?r|null|\bnil\b|infinite",
            r"out[- ]of[- ]bounds|\bbug|wrong|incorrect|broken|fail|exception|error|edge case|missing (?:check|return)",
        ),
    ),
    (
        "style",
        (
            r"\bnit|style|renam|naming|\bname[sd]?\b|indent|whitespace|format|lint|blank line|newline|consisten",
            r"convention|readab|brace|\bconst\b",
        ),
    ),
)
"""The first row of which one expression is found in the comment, in lower case; `design` when none is."""
_SEVERITIES = [(severity, re.compile("|".join(words))) for severity, words in SEVERITY_WORDS]
_CATEGORIES = [(category, re.compile("|".join(words))) for category, words in CATEGORY_WORDS]

_SUGGESTION = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*suggestion[^\n]*\n(?P<code>.*?)^[ \t]*\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE
)
_QUOTED = re.compile(r"^[ \t]*>.*\n?", re.MULTILINE)
_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_WORD = re.compile(r"\b(?![0-9a-f]{7,64}\b)(?:\w*[^\W\d_]{2}\w*|\d+)")
"""A word of two letters at least or a number, and no hash of a commit."""
_SENTENCE_END = re.compile(
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bcf)[.!?][\"'`)\]*_]*(?=\s|$)|(?<![:,;\s])(?=\s*\n\s*\n)"
)


@dataclass(frozen=True, slots=True)
class Completion:
    """The reply to an example. None: the example is no row, for the reasons in `left_out`.

    `severities` and `categories` are those of its comments. `left_out` counts comments that are not in the reply.
    """

    reply: str | None
    severities: tuple[Severity, ...] = ()
    categories: tuple[Category, ...] = ()
    left_out: Counter[str] = field(default_factory=Counter)


def render_completion(example: ReviewExample) -> Completion:
    """The reply that says what the humans said, the best of them first, as many as a reply may hold."""
    left_out: Counter[str] = Counter()
    citable = list_citable(example.hunk)
    kept: list[dict[str, str]] = []
    for comment in sorted(example.comments, key=lambda comment: (-comment.quality, comment.id)):
        entry = render_entry(comment, example.hunk, citable)
        if isinstance(entry, str):
            left_out[entry] += 1
        elif len(kept) == MAX_COMMENTS:
            left_out["more than a reply may hold"] += 1
        elif any(entry["message"] == other["message"] for other in kept):
            left_out["said twice"] += 1
        else:
            kept.append(entry)
    if not kept and example.comments:
        return Completion(None, left_out=left_out)
    reply = json.dumps({"comments": kept}, ensure_ascii=False)
    severities = tuple(cast("Severity", entry["severity"]) for entry in kept)
    return Completion(reply, severities, tuple(cast("Category", entry["category"]) for entry in kept), left_out)


def render_entry(comment: ExampleComment, hunk: Hunk, citable: frozenset[str]) -> dict[str, str] | str:
    """One comment of the reply, or why it cannot be one. `citable`: see `list_citable`."""
    lines = {(line.side, line.number): line for line in hunk.lines}
    last = lines[comment.side, comment.line]
    if last.id not in citable:
        return "on a line that was there before"
    body = comment.body.replace("\r\n", "\n")
    message = cut_message(break_tokens(plain_message(body)))
    if not message:
        return "a suggestion without words" if _SUGGESTION.search(body) else "no sentence short enough"
    first = lines.get((comment.side, comment.start_line or 0), last)
    if first.id not in citable or last.number - first.number >= MAX_RANGE:
        first = last
    entry = {
        "line": first.id,
        "quote": show(first.text).strip()[:QUOTE_CHARACTERS],
        "message": message,
        "severity": choose_severity(message),
        "category": choose_category(message),
    }
    if first is not last:
        entry["end_line"] = last.id
    placed = _place(entry, hunk)
    if not placed or (placed.side, placed.line, placed.finding.message) != (last.side, last.number, message):
        return "not placed on its own line"
    if with_code := _with_suggestion(entry, body, hunk, (first, last)):
        return with_code
    return entry if len(_WORD.findall(message)) >= LEAST_WORDS else "too few words"


def list_citable(hunk: Hunk) -> frozenset[str]:
    """The ids that the reply's schema lets a comment stand on."""
    schema = cast("Any", reply_schema(hunk))
    ids: list[str] = schema["properties"]["comments"]["items"]["properties"]["line"]["enum"]
    return frozenset(ids)


def _place(entry: dict[str, str], hunk: Hunk) -> ReviewComment | None:
    """Where the reviewer puts a reply with this one comment."""
    pull_request = PullRequest("", 0, "", "", "", "", "", (ChangedFile(hunk.path, "modified", (hunk,)),))
    try:
        parsed = parse_reply(json.dumps({"comments": [entry]}), hunk)
    except ReplyError:
        return None
    return next(iter(place_findings(parsed.findings, pull_request).comments), None)


def _with_suggestion(entry: dict[str, str], body: str, hunk: Hunk, span: tuple[Line, Line]) -> dict[str, str] | None:
    """The comment with the human's suggestion, when there is one and the reviewer would post exactly that."""
    found = _SUGGESTION.findall(body)
    if len(found) != 1:
        return None
    code = found[0][1].removesuffix("\n")
    first, last = span
    replaced = [line for line in hunk.lines if line.side == "RIGHT" and first.number <= line.number <= last.number]
    quote = "\n".join(show(line.text) for line in replaced)
    if (
        first.side == "LEFT"
        or code != break_tokens(code)
        or len(quote) > QUOTE_CHARACTERS
        or len(code) > SUGGESTION_CHARACTERS
    ):
        return None
    with_code = entry | {"quote": quote, "suggestion": code}
    placed = _place(with_code, hunk)
    return with_code if placed and placed.suggestion == code and placed.line == last.number else None


def plain_message(body: str) -> str:
    """A comment's words: without suggestions and quoted text, white space in order."""
    text = _QUOTED.sub("", _SUGGESTION.sub("", body.replace("\r\n", "\n")))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()


def cut_message(text: str, limit: int = MESSAGE_CHARACTERS) -> str:
    """As many whole sentences as fit; none when the first does not. No code block is cut."""
    if len(text) <= limit:
        return text
    blocks = [found.span() for found in _FENCED.finditer(text)]
    ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, limit + 1)]
    whole = [end for end in ends if end <= limit and not any(start < end < stop for start, stop in blocks)]
    return text[: whole[-1]].strip() if whole else ""


def choose_severity(message: str) -> Severity:
    """The weak label of a comment's words."""
    lower = message.lower()
    return next((severity for severity, words in _SEVERITIES if words.search(lower)), "warning")


def choose_category(message: str) -> Category:
    """Likewise."""
    lower = message.lower()
    return next((category for category, words in _CATEGORIES if words.search(lower)), "design")
