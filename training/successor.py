"""Where the code of an outdated comment stands now: the hunk that reads most like what the comment was made on.

More than half of all human comments are on lines that were changed afterwards. They have no line in the final diff, but
most have a hunk there. To count such a hunk as one that nobody commented on would be wrong: the locator learns from it,
and the figures `ranking.remarked.*` count it. It tells which hunk it is, not whether there is one: with the true hunk
taken away, another one is found for half of them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from reviewer.domain import ChangedFile, Hunk
from training.anchors import Commented, collapse, count_telling

SHOWN: Final = 6
"""Lines, the commented one and those above it, that are looked for."""
ALIKE: Final = 0.6
"""The least share of their tokens that the hunk must hold; the commented line itself, if changed, counts .5 more."""
_SAME_LINE: Final = 0.5
_LEAST: Final = 4
"""Letters and digits that the commented line must have to count by itself."""
_TOKEN = re.compile(r"\w+|[^\w\s]")


def find_successor(commented: Commented, file: ChangedFile) -> int | None:
    """Which of the file's hunks holds the commented code now, from 0; None when none is alike.

    Of 713 human comments whose line still stands in a file with several hunks, 98 % are found in the right one.
    """
    wanted = Counter(token for line in commented.hunk.lines[-SHOWN:] for token in _TOKEN.findall(line.text))
    if not wanted or not file.hunks:
        return None
    text = collapse(commented.line.text)
    telling = text if count_telling(text) >= _LEAST else ""
    likeness = [_compare(wanted, telling, hunk) for hunk in file.hunks]
    best = max(range(len(likeness)), key=likeness.__getitem__)
    return best if likeness[best] >= ALIKE else None


def _compare(wanted: Counter[str], telling: str, hunk: Hunk) -> float:
    shown = Counter(token for line in hunk.lines for token in _TOKEN.findall(line.text))
    same = bool(telling) and any(line.kind != " " and collapse(line.text) == telling for line in hunk.lines)
    return (wanted & shown).total() / wanted.total() + _SAME_LINE * same
