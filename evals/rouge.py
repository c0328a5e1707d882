"""ROUGE-L: how much of two texts is one common subsequence of words (Lin 2004, formula 4 with beta 1).

Words are runs of letters and digits in small letters, as in the public implementation for English; it drops all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals.text_scorers import TextPair, list_words


class RougeL:
    """The F1 of ROUGE-L, the best over the references, from 0 to 1."""

    name = "rouge_l"

    def describe(self) -> dict[str, Any]:
        """What its scores depend on."""
        return {"scorer": "ROUGE-L F1", "stemmer": False}

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        """A score for each pair, in their order."""
        return [max((rouge_l(candidate, reference) for reference in texts), default=0.0) for candidate, texts in pairs]


def rouge_l(candidate: str, reference: str) -> float:
    """The F1 of ROUGE-L of two texts; 0 when one has no word."""
    ours, theirs = list_words(candidate), list_words(reference)
    if not ours or not theirs:
        return 0.0
    return 2 * common_length(ours, theirs) / (len(ours) + len(theirs))


def common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence.

    One bit for each word of the first text, one addition for each of the second (Hyyro 2004, "Bit-parallel LCS-length
    computation revisited"): a 0 in `row` is a place where the length grows.
    """
    places: dict[str, int] = {}
    for at, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << at
    full = (1 << len(first)) - 1
    row = full
    for word in second:
        hits = row & places.get(word, 0)
        row = ((row + hits) | (row - hits)) & full
    return len(first) - row.bit_count()
