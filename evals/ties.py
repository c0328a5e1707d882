"""What a ranking is worth when some scores are equal: the mean over all orders that they allow.

So whoever gives everything the same score gets exactly what chance gets, and no luck of the order. `scores` and `right`
are (items,) each, in any order.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from evals.table import Floats

Bools = NDArray[np.bool_]


def draw_tie(*words: object) -> float:
    """A number from 0 to 1 that depends on nothing but the words: it orders by chance, and always the same way."""
    data = "\0".join(map(str, words)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=6).digest(), "big") / 2**48


def expect_right(scores: Floats, right: Bools, best: int) -> float:
    """How many of the `best` highest scores are right, on average over the orders of ties."""
    above, tied, slots = _cut(scores, best)
    return float(np.sum(right & above) + slots * np.sum(right & tied) / np.sum(tied))


def expect_hit(scores: Floats, right: Bools, best: int) -> float:
    """How likely one of the `best` highest scores is right, when a draw orders ties."""
    above, tied, slots = _cut(scores, best)
    if np.any(right & above):
        return 1.0
    group = int(np.sum(tied))
    misses = (max(0, group - slots - at) / (group - at) for at in range(int(np.sum(right & tied))))
    return 1.0 - float(np.prod(list(misses)))


def expect_average_precision(scores: Floats, right: Bools) -> float:
    """Average precision, on average over the orders of ties (McSherry and Najork, ECIR 2008). Something must be right.

    In a group of n equal scores with r right ones, after s others with R right ones, the place j of the group is right
    with probability r/n, and then R + 1 + (j - 1)(r - 1)/(n - 1) of the s + j are expected to be.
    """
    total = 0.0
    before, found = 0, 0
    for score in np.unique(scores)[::-1]:
        group = scores == score
        size, hits = int(np.sum(group)), int(np.sum(right & group))
        if hits:
            places = np.arange(size)
            expected = found + 1 + places * ((hits - 1) / max(1, size - 1))
            total += hits / size * float(np.sum(expected / (before + 1 + places)))
        before, found = before + size, found + hits
    return total / found


def _cut(scores: Floats, best: int) -> tuple[Bools, Bools, int]:
    """Which scores are surely among the best, which tie for the last places, and how many places these have."""
    best = min(best, len(scores))
    edge = np.partition(scores, len(scores) - best)[len(scores) - best]
    above = scores > edge
    return above, scores == edge, best - int(np.sum(above))
