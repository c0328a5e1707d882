"""The order of hunks when there is no trained locator: a score by simple rules.

Product code, then tests, then configuration, then documentation; within one class the hunks with more changed lines
first, where a removed line counts half of an added one. After all of these come hunks that only remove lines or only
change imports, and last those that change nothing but white space.

Measured on 246 pull requests with all their human comments (bitcoin-core/gui and secp256k1): a commented hunk goes
before one without a comment in 76 % of the pairs of a pull request. Humans commented on 19 % of the hunks with more
than two changed lines, on 2 % of those that only remove lines and on 5 % of those that only change imports.
"""

from __future__ import annotations

import re

from reviewer.domain import Hunk
from reviewer.file_classes import FileClass, file_class

_MINOR_SCORE = 0.01
_CLASS_SCORES: dict[FileClass, float] = {"product": 0.8, "test": 0.6, "config": 0.4, "docs": 0.2}
_IMPORT = re.compile(r"\s*(?:#\s*include\b|import\b|from\s+\S+\s+import\b|use\s|using\s|package\s|require|export \*|$)")


def score_hunk(hunk: Hunk) -> float:
    """The place of a hunk in this order as a number from 0 to 1."""
    added = [line.text for line in hunk.lines if line.kind == "+"]
    removed = [line.text for line in hunk.lines if line.kind == "-"]
    if "".join("".join(added).split()) == "".join("".join(removed).split()):
        return 0.0
    size = len(added) + len(removed) / 2
    minor = not added or all(_IMPORT.match(text) for text in (*added, *removed))
    base = _MINOR_SCORE if minor else _CLASS_SCORES[file_class(hunk.path)]
    return round(base + 0.19 * size / (size + 20), 4)
