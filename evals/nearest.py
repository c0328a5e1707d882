"""The documents most like a query, by BM25 over words (Robertson and Zaragoza 2009).

A word that most documents have still counts a little: its rarity is the logarithm of 1 and more, as Lucene has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

K1: Final = 1.2
"""How soon more of the same word counts no more."""
B: Final = 0.75
"""How much long documents are marked down."""


class Bm25:
    """An index of documents, each a list of words."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._size = len(documents)
        entries: dict[str, list[tuple[int, int]]] = {}
        for at, words in enumerate(documents):
            for word, count in Counter(words).items():
                entries.setdefault(word, []).append((at, count))
        self._entries = {word: np.array(found, dtype=np.int64).T for word, found in entries.items()}
        lengths = np.array([len(words) for words in documents], dtype=np.float64)
        self._norms = K1 * (1 - B + B * lengths / max(1.0, float(lengths.sum()) / max(1, self._size)))

    def find(self, words: Sequence[str], count: int = 1) -> list[int]:
        """The places of the best documents, best first, fewer when no more share a word; the first of equals."""
        scores = np.zeros(self._size)
        for word in dict.fromkeys(words):
            if word in self._entries:
                at, times = self._entries[word]
                rarity = np.log(1 + (self._size - len(at) + 0.5) / (len(at) + 0.5))
                scores[at] += rarity * times * (K1 + 1) / (times + self._norms[at])
        if count < self._size:
            scores[scores < np.partition(scores, -count)[-count]] = 0
        found = np.flatnonzero(scores)
        return [int(at) for at in found[np.argsort(-scores[found], kind="stable")][:count]]
