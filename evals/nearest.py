"""The documents most like a query, by BM25 over words (Robertson and Zaragoza 2009, formulas 3.15 and 3.16)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

K1: Final = 1.2
"""How soon more of the same word counts no more."""
B: Final = 0.75
"""How much long documents are marked down."""


class Bm25:
    """An index of documents, each a list of words."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._size = len(documents)
        found: dict[str, list[tuple[int, int]]] = {}
        for at, words in enumerate(documents):
            for word, count in Counter(words).items():
                found.setdefault(word, []).append((at, count))
        lengths = np.array([len(words) for words in documents], dtype=np.float64)
        norms = K1 * (1 - B + B * lengths / max(1.0, float(lengths.mean()) if len(lengths) else 1.0))
        self._postings = {word: self._weigh(entries, norms) for word, entries in found.items()}

    def _weigh(
        self, entries: list[tuple[int, int]], norms: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        at, counts = np.array(entries, dtype=np.int64).T
        rarity = np.log(1 + (self._size - len(at) + 0.5) / (len(at) + 0.5))
        return at, rarity * counts * (K1 + 1) / (counts + norms[at])

    def find(self, words: Sequence[str], count: int = 1) -> list[int]:
        """The places of the best documents, best first, fewer when no more share a word; the first of equals."""
        scores = np.zeros(self._size)
        for word in dict.fromkeys(words):
            if word in self._postings:
                at, weights = self._postings[word]
                scores[at] += weights
        best = np.argsort(-scores, kind="stable")[:count]
        return [int(at) for at in best if scores[at] > 0]
