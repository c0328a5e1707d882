"""What the locator sees of each changed line. Counts enter as log(1 + n), shares from 0 to 1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import log1p
from typing import Final

from reviewer.domain import Hunk, Line
from reviewer.locator_text import COMMENT, IMPORT, KINDS, ChangeText, HunkText, Row, list_tokens, split_word

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
    "comment",
    "blank",
    "marks_only",
    "import",
    "repeated",
    "moved",
    "number",
    "call",
    *KINDS_OF_LINES,
    "new_words",
    "title_words",
    "added_block_length",
    "added_hunk_added",
    "added_hunk_removed",
    "added_comment",
    "added_length",
)
"""Those that begin with `added_` are 0 for removed lines."""

_OF_SOME_KIND = frozenset().union(*(KINDS[kind] for kind in KINDS_OF_LINES))
_NO_KIND = [0.0] * len(KINDS_OF_LINES)
_NOT_ADDED = [0.0] * 5
_LENGTH, _IS_COMMENT = LINE_FEATURES.index("length"), LINE_FEATURES.index("comment")
_NUMBER = re.compile(r"\b\d")


def measure_lines(hunk: Hunk, text: HunkText, change: ChangeText) -> Iterator[Row]:
    """(changed lines, LINE_FEATURES), in the order of the diff."""
    lines, changed = hunk.lines, hunk.changed
    added = [line.text for line in lines if line.kind == "+"]
    least = min((len(line) - len(line.lstrip()) for line in added if line.strip()), default=0)
    sizes = [log1p(len(added)), log1p(changed - len(added))]
    index = 0
    for first, last in find_blocks(lines):
        length = last - first + 1
        block = [log1p(length), *sizes]
        for at in range(first, last + 1):
            line = lines[at]
            is_added = line.kind == "+"
            indent = len(line.text) - len(line.text.lstrip())
            row = [
                float(is_added),
                float(is_added and (at == first or lines[at - 1].kind != "+")),
                float(is_added and at == last),
                log1p(index),
                index / changed,
                (at - first) / length,
                log1p(max(0, indent - least)),
                *_measure_text(line, text, change),
            ]
            row += (*block, row[_IS_COMMENT], row[_LENGTH]) if is_added else _NOT_ADDED
            yield row
            index += 1


def _measure_text(line: Line, text: HunkText, change: ChangeText) -> Row:
    """The features from `length` to the kinds of lines."""
    stripped = line.text.strip()
    names, before, after = _read_text(stripped)
    added, removed = change.added.get(stripped, 0), change.removed.get(stripped, 0)
    titled = sum(not change.title.isdisjoint(split_word(name)) for name in names) if change.title else 0
    return [
        *before,
        log1p(added + removed),
        log1p(removed if line.kind == "+" else added),
        *after,
        log1p(len(names & text.new)),
        log1p(titled),
    ]


@lru_cache(maxsize=1 << 15)
def _read_text(stripped: str) -> tuple[frozenset[str], Row, Row]:
    """The names on a line, and the features that depend on nothing else. Many lines of a large change are equal."""
    tokens = list_tokens(stripped)
    words = list(filter(str.isidentifier, tokens))
    names = frozenset(words)
    found = _OF_SOME_KIND.intersection(tokens)
    before = [
        log1p(len(stripped)),
        log1p(len(words)),
        float(COMMENT.match(stripped) is not None),
        float(not stripped),
        float(not names),
        float(IMPORT.match(stripped) is not None),
    ]
    kinds = [float(not found.isdisjoint(KINDS[kind])) for kind in KINDS_OF_LINES] if found else _NO_KIND
    return names, before, [float(_NUMBER.search(stripped) is not None), float("(" in stripped), *kinds]


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
