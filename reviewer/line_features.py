"""What the locator sees of each changed line. Counts enter as log(1 + n), shares from 0 to 1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import log1p
from typing import Final

from reviewer.domain import Hunk, Line
from reviewer.locator_text import COMMENT, IMPORT, KINDS, ChangeText, HunkText, Row, split_word

KINDS_OF_LINES: Final = ("definition", "control", "logic", "log", "null", "type")
LINE_FEATURES: Final = (
    "added",
    "block_first",
    "block_last",
    "index",
    "position",
    "block_position",
    "indent",
    "length",
    "words",
    "new_words",
    "comment",
    "blank",
    "marks_only",
    "import",
    "repeated",
    "moved",
    "number",
    "call",
    "title_words",
    *KINDS_OF_LINES,
    "added_block_length",
    "added_hunk_added",
    "added_hunk_removed",
    "added_comment",
    "added_length",
)
"""Those that begin with `added_` are 0 for removed lines."""

_OF_SOME_KIND = frozenset().union(*(KINDS[kind] for kind in KINDS_OF_LINES))
_NO_KIND = [0.0] * len(KINDS_OF_LINES)
_NUMBER = re.compile(r"\b\d")


def measure_lines(hunk: Hunk, text: HunkText, change: ChangeText) -> Iterator[Row]:
    """(changed lines, LINE_FEATURES), in the order of the diff."""
    added = [line.text for line in hunk.lines if line.kind == "+"]
    least = min((_indent(line) for line in added if line.strip()), default=0)
    sizes = [log1p(len(added)), log1p(hunk.changed - len(added))]
    index = 0
    for first, last in find_blocks(hunk.lines):
        block = log1p(last - first + 1)
        for at in range(first, last + 1):
            line, tokens = hunk.lines[at], text.lines[index]
            row = _measure_line(line, tokens, text, change)
            row[:0] = [
                float(line.kind == "+"),
                float(line.kind == "+" and (at == first or hunk.lines[at - 1].kind != "+")),
                float(line.kind == "+" and at == last),
                log1p(index),
                index / len(text.lines),
                (at - first) / (last - first + 1),
                log1p(max(0, _indent(line.text) - least)),
            ]
            row += _find_kinds(tokens)
            length, is_comment = row[7], row[10]
            row += [block, *sizes, is_comment, length] if line.kind == "+" else [0.0] * 5
            yield row
            index += 1


def _measure_line(line: Line, tokens: list[str], text: HunkText, change: ChangeText) -> Row:
    """The features from `length` to `title_words`."""
    stripped = line.text.strip()
    words = list(filter(str.isidentifier, tokens))
    names = set(words)
    added, removed = change.added[stripped], change.removed[stripped]
    titled = sum(not change.title.isdisjoint(split_word(name)) for name in names) if change.title else 0
    return [
        log1p(len(stripped)),
        log1p(len(words)),
        log1p(len(names & text.new)),
        float(bool(COMMENT.match(stripped))),
        float(not stripped),
        float(not names),
        float(bool(IMPORT.match(stripped))),
        log1p(added + removed),
        log1p(removed if line.kind == "+" else added),
        float(bool(_NUMBER.search(stripped))),
        float("(" in stripped),
        log1p(titled),
    ]


def _find_kinds(tokens: list[str]) -> Row:
    found = _OF_SOME_KIND.intersection(tokens)
    return [float(not found.isdisjoint(KINDS[kind])) for kind in KINDS_OF_LINES] if found else _NO_KIND


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def find_blocks(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """The first and the last of each run of changed lines."""
    first = None
    for at, line in enumerate(lines):
        if line.kind != " " and first is None:
            first = at
        if line.kind == " " and first is not None:
            yield first, at - 1
            first = None
    if first is not None:
        yield first, len(lines) - 1
