"""chrF: the F2 of the runs of 1 to 6 characters that two texts share, white space aside (Popovic 2015).

Precision and recall are averaged over the lengths that both texts have, as sacrebleu does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evals.text_scorers import TextPair

ORDER: Final = 6
"""The longest runs, in characters."""
BETA: Final = 2.0
"""So much more recall weighs than precision."""
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_ORDER_BITS: Final = np.uint64(3)
_ORDER_MASK: Final = np.uint64(7)

_Grams = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]
"""The distinct runs as sorted hashes that end with their length, how often each comes, and totals by length."""


class ChrF:
    """chrF, the best over the references, from 0 to 1."""

    name = "chrf"

    def describe(self) -> dict[str, Any]:
        """What its scores depend on."""
        return {"scorer": "chrF", "order": ORDER, "beta": BETA, "whitespace": False, "case": "mixed"}

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        """A score for each pair, in their order."""
        return [max((chrf(candidate, reference) for reference in texts), default=0.0) for candidate, texts in pairs]


def chrf(candidate: str, reference: str) -> float:
    """The chrF of two texts, from 0 to 1; 0 when one is empty."""
    ours, our_counts, our_totals = _count_runs(candidate)
    theirs, their_counts, their_totals = _count_runs(reference)
    orders = int(np.count_nonzero((our_totals > 0) & (their_totals > 0)))
    if not orders:
        return 0.0
    places = np.minimum(np.searchsorted(theirs, ours), len(theirs) - 1)
    both = theirs[places] == ours
    least = np.minimum(our_counts[both], their_counts[places[both]])
    shared = np.bincount((ours[both] & _ORDER_MASK).astype(np.int64), least, ORDER + 1)
    precision = float(np.sum(shared / np.maximum(our_totals, 1))) / orders
    recall = float(np.sum(shared / np.maximum(their_totals, 1))) / orders
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall) if precision else 0.0


@lru_cache(maxsize=8192)
def _count_runs(text: str) -> _Grams:
    points = np.frombuffer("".join(text.split()).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    hashes, runs = np.zeros(len(points), np.uint64), []
    for order in range(1, min(ORDER, len(points)) + 1):
        # The hash of a run is that of the run without its last character, and then this one; 61 bits of it are kept.
        hashes = (hashes[: len(points) - order + 1] + points[order - 1 :] + np.uint64(1)) * _FACTOR
        hashes ^= hashes >> np.uint64(32)
        runs.append((hashes << _ORDER_BITS) | np.uint64(order))
    keys, counts = np.unique(np.concatenate(runs) if runs else hashes, return_counts=True)
    totals = np.array([0, *(max(0, len(points) - order + 1) for order in range(1, ORDER + 1))], np.float64)
    return keys, counts, totals
