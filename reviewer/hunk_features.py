"""What the locator sees of each hunk. Counts enter as log(1 + n), shares from 0 to 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import chain
from math import log1p
from typing import Final

from reviewer.domain import Hunk
from reviewer.file_classes import file_class
from reviewer.locator_text import IMPORT, KINDS, ChangeText, HunkText, Row, join_parts, split_text

CHANGE_FEATURES: Final = ("change_hunks", "change_files", "change_added", "change_removed", "product_added")
HUNK_FEATURES: Final = (
    # The words of the hunk.
    "edited_tokens",
    "new_words",
    "words_only_here",
    "added_many",
    "only_removes",
    "only_spaces",
    "only_imports",
    "logic",
    "control",
    "todo",
    "title_words",
    "body_words",
    "title_path",
    "kept_tokens",
    "imports",
    "repeated_lines",
    # Its file, and its place in the change.
    "same_edit",
    "same_edit_share",
    "test",
    "config",
    "docs",
    "new_file",
    "share_of_change",
    "share_of_file",
    "share_of_largest",
    "rank",
    "rank_share",
    "place",
    "file_place",
    "file_hunks",
    "file_added",
    *CHANGE_FEATURES,
)
"""The last ones are the same for all hunks of a change."""


def measure_hunks(
    hunks: Sequence[Hunk], texts: Sequence[HunkText], change: ChangeText, new_files: Collection[str]
) -> list[Row]:
    """(hunks, HUNK_FEATURES). `new_files` are the paths of those that the change adds."""
    added = [sum(line.kind == "+" for line in hunk.lines) for hunk in hunks]
    removed = [hunk.changed - count for hunk, count in zip(hunks, added, strict=True)]
    classes = [file_class(hunk.path) for hunk in hunks]
    product = sum(count for count, kind in zip(added, classes, strict=True) if kind == "product")
    largest_first = sorted(range(len(hunks)), key=lambda at: -added[at])
    ranks = {at: rank for rank, at in enumerate(largest_first)}
    edits = [_describe_edit(text) for text in texts]
    same_edits, named_in = Counter(edits), Counter(chain.from_iterable(text.new for text in texts))
    in_file, added_to = Counter(hunk.path for hunk in hunks), Counter[str]()
    for hunk, count in zip(hunks, added, strict=True):
        added_to[hunk.path] += count
    file_places = {path: at / len(in_file) for at, path in enumerate(in_file)}
    total, largest = max(1, sum(added)), max(1, *added, 0)
    counts = (len(hunks), len(in_file), sum(added), sum(removed), product)
    whole = [log1p(count) for count in counts]
    return [
        [
            *_measure_words(hunk, text, change, named_in),
            log1p(same_edits[edits[at]]),
            same_edits[edits[at]] / len(hunks),
            float(classes[at] == "test"),
            float(classes[at] == "config"),
            float(classes[at] == "docs"),
            float(hunk.path in new_files),
            added[at] / total,
            added[at] / max(1, added_to[hunk.path]),
            added[at] / largest,
            log1p(ranks[at]),
            ranks[at] / len(hunks),
            log1p(at),
            file_places[hunk.path],
            log1p(in_file[hunk.path]),
            log1p(added_to[hunk.path]),
            *whole,
        ]
        for at, (hunk, text) in enumerate(zip(hunks, texts, strict=True))
    ]


def _describe_edit(text: HunkText) -> tuple[frozenset[str], frozenset[str]]:
    """What makes two hunks the same edit: the tokens that came and those that went."""
    return frozenset(text.added.keys() - text.removed.keys()), frozenset(text.removed.keys() - text.added.keys())


def _measure_words(hunk: Hunk, text: HunkText, change: ChangeText, named_in: Counter[str]) -> Row:
    """The features of the hunk's words. `named_in`: in how many hunks a word is new."""
    added, removed = text.added, text.removed
    lines = [line.text.strip() for line in hunk.lines if line.kind == "+"]
    changed = [line.text.strip() for line in hunk.lines if line.kind != " "]
    came, went = added.total(), removed.total()
    kept = sum(min(count, removed[token]) for token, count in added.items() if token in removed)
    parts = join_parts(filter(str.isidentifier, added))
    return [
        log1p(came + went - 2 * kept),
        log1p(len(text.new)),
        log1p(sum(named_in[word] == 1 for word in text.new)),
        float(len(lines) > 1),
        float(not lines),
        float(came + went == 2 * kept),
        float(all(map(IMPORT.match, changed))),
        log1p(_count(added, "logic")),
        log1p(_count(added, "control")),
        float(not KINDS["todo"].isdisjoint(added)),
        log1p(len(parts & change.title)),
        log1p(len(parts & change.body)),
        log1p(len(split_text(hunk.path) & change.title)),
        kept / max(1, came, went),
        sum(bool(IMPORT.match(line)) for line in lines) / max(1, len(lines)),
        sum(change.added[line] > 1 for line in lines) / max(1, len(lines)),
    ]


def _count(tokens: Counter[str], kind: str) -> int:
    return sum(tokens[token] for token in KINDS[kind] if token in tokens)
