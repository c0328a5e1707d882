"""The hunks of a diff: found by counting lines, then numbered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reviewer.domain import Hunk, Line
from reviewer.errors import SourceError

MAX_FILE_LINES: Final = 20_000
"""Lines of one file's hunks. GitHub shows no diff beyond this, so nobody could comment there."""
MAX_FILE_CHARACTERS: Final = 1_000_000
MAKE_ONE: Final = "Make one with `git diff main...HEAD > changes.diff`, or use --base and --head."

HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@ ?(.*)")
LEFT_OVER = re.compile(r"@@ |[+ ]|-(?!-)")
"""What cannot follow a hunk: more of its body, or a hunk header that is none. `-- ` begins the signature of a mail."""
CONVERTED = re.compile(r"^(?:diff --git [^\n]*|@@ -[0-9,]+ \+[0-9,]+ @@)\r$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Span:
    """Where a hunk stands in the lines of a diff: its parsed header and the half-open range of its body."""

    source_start: int
    target_start: int
    section: str
    start: int
    end: int


def split_lines(data: bytes | str) -> list[str]:
    """The lines of a diff without their newlines.

    Where even the headers end in CRLF, the diff as a whole was converted after git wrote it: that is undone.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    text = text.removeprefix("\ufeff")
    if CONVERTED.search(text, 0, 100_000):
        text = text.replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n")


def read_spans(lines: list[str], at: int) -> list[Span]:
    """The hunks that stand one after another from line index `at`, up to the first line that is no hunk header.

    Raises:
        SourceError: A hunk is shorter or longer than its header says, or its header cannot be read.
    """
    spans = []
    while at < len(lines) and (found := HUNK.match(lines[at])):
        source_count, target_count = (1 if count is None else int(count) for count in (found[2], found[4]))
        end = find_end(lines, at + 1, source_count, target_count)
        spans.append(Span(int(found[1]), int(found[3]), found[5].rstrip("\r"), at + 1, end))
        at = end
    if at < len(lines) and LEFT_OVER.match(lines[at]):
        raise damaged(at)
    return spans


def find_end(lines: list[str], at: int, source: int, target: int) -> int:
    """The index behind a hunk's body of `source` old and `target` new lines.

    An empty line counts as an empty context line, whose blank an editor or a mail program has taken away.
    """
    while source > 0 or target > 0:
        kind = lines[at][:1] if at < len(lines) else "end"
        if kind == "+":
            target -= 1
        elif kind == "-":
            source -= 1
        elif kind in {" ", ""}:
            source -= 1
            target -= 1
        elif kind != "\\":
            raise damaged(at)
        at += 1
    if source or target:
        raise damaged(at - 1)
    return at + 1 if at < len(lines) and lines[at].startswith("\\") else at


def damaged(at: int) -> SourceError:
    """The error for a hunk whose body is not what its header says."""
    what = f"The diff is cut off or damaged at line {at + 1}: a hunk is not as long as its header says."
    return SourceError(what, MAKE_ONE)


def build_hunks(path: str, lines: list[str], spans: list[Span], room: int) -> tuple[tuple[Hunk, ...], str]:
    """The hunks, or none and a note when they have more lines than `room` or more text than a file may have.

    A hunk without a line (`@@ -1,0 +1,0 @@`) is none: nothing can be said of it.
    """
    count = sum(span.end - span.start for span in spans)
    size = sum(len(line) for span in spans for line in lines[span.start : span.end])
    if count > room or size > MAX_FILE_CHARACTERS:
        return (), f"diff too large: {count:,} lines, {size / 1_000_000:.1f} MB"
    hunks = (build_hunk(path, lines, span) for span in spans)
    return tuple(hunk for hunk in hunks if hunk.lines), ""


def build_hunk(path: str, lines: list[str], span: Span) -> Hunk:
    """One hunk with its numbered lines."""
    body = tuple(number_lines(lines[span.start : span.end], span.source_start, span.target_start))
    return Hunk(path, span.section, span.source_start, span.target_start, body)


def number_lines(body: list[str], source: int, target: int) -> Iterator[Line]:
    """The lines of a hunk with their numbers, the first ones given. Marks of a missing newline are left out."""
    for text in body:
        kind = text[:1]
        if kind == "+":
            yield Line("+", text[1:], None, target)
            target += 1
        elif kind == "-":
            yield Line("-", text[1:], source, None)
            source += 1
        elif kind != "\\":
            yield Line(" ", text[1:], source, target)
            source += 1
            target += 1
