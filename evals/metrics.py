"""What a metric is: a name, what it is made of, and which way is better. The modules that count own their metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evals.table import Floats, Pool, Table

Better = Literal["higher", "lower", "neither"]
Unit = Literal["share", "score", "count", "seconds", "tokens"]

_BLOCK = 256
"""Items that are worked out at once: what they need stays small."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One sum of columns divided by another; each column has a factor."""

    numerator: Mapping[str, float]
    denominator: Mapping[str, float]

    def base(self, table: Table) -> Floats:
        """(pull requests,) What each one adds to the denominator: 0 has no say."""
        return _sum(table, self.denominator)

    def compute(self, table: Table, weights: Floats) -> Floats:
        """The values for each row of `weights` (draws, pull requests); NaN where the denominator is 0."""
        above, below = (weights @ _sum(table, part) for part in (self.numerator, self.denominator))
        return divide(above, below)


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """The average precision of a pool: the mean, over all that could be found, of the precision where each is found."""

    pool: str

    def base(self, table: Table) -> Floats:
        """(pull requests,) What could be found in each: 0 has no say."""
        pool = table.pools.get(self.pool)
        return np.zeros(len(table.keys)) if pool is None else table.column(pool.positives)

    def compute(self, table: Table, weights: Floats) -> Floats:
        """The values for each row of `weights` (draws, pull requests); NaN where nothing could be found."""
        pool = table.pools.get(self.pool)
        if pool is None:
            return np.full(len(weights), np.nan)
        return divide(_sum_precisions(weights, pool), weights @ self.base(table))


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the scorecard."""

    name: str
    """As `location.hunk.f1`: family, what, which."""
    label: str
    """For people."""
    formula: Ratio | AveragePrecision
    better: Better = "higher"
    unit: Unit = "share"
    about: str = ""
    """A sentence on how to read it."""


def divide(above: Floats, below: Floats) -> Floats:
    """Element by element; NaN where the divisor is 0."""
    result: Floats = np.full(above.shape, np.nan)
    np.divide(above, below, out=result, where=below != 0)
    return result


def _sum(table: Table, part: Mapping[str, float]) -> Floats:
    total: Floats = np.zeros(len(table.keys))
    for name, factor in part.items():
        total = total + factor * table.column(name)
    return total


def _sum_precisions(weights: Floats, pool: Pool) -> Floats:
    """For each draw the sum of the precisions at the items that are right, each as often as it was drawn.

    How many items are seen where one is right is a sum over pull requests: their weights times how many of their items
    stand so far up. Only the items that are right take time for each draw, however many are ranked.
    """
    ends = np.flatnonzero(pool.gains)
    gained = weights[:, pool.rows[ends]] * pool.gains[ends]
    seen = np.empty(gained.shape)
    before, start = np.zeros(weights.shape[1]), 0
    for first in range(0, len(ends), _BLOCK):
        some = ends[first : first + _BLOCK]
        items = np.arange(start, some[-1] + 1)
        places = np.searchsorted(some, items) * len(before) + pool.rows[items]
        counts = np.bincount(places, minlength=len(some) * len(before)).reshape(len(some), len(before))
        ranked = np.cumsum(counts, axis=0) + before
        seen[:, first : first + _BLOCK] = weights @ ranked.T
        before, start = ranked[-1], int(some[-1]) + 1
    precision = divide(np.cumsum(gained, axis=1), seen)
    total: Floats = np.nansum(precision * gained, axis=1)
    return total
