"""What a metric is: a name, what it is made of, and which way is better. The modules that count own their metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evals.table import Floats, Table

Better = Literal["higher", "lower", "neither"]
Unit = Literal["share", "score", "count", "seconds", "tokens"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One sum of columns divided by another; each column has a factor."""

    numerator: Mapping[str, float]
    denominator: Mapping[str, float]

    def compute(self, table: Table, weights: Floats) -> Floats:
        """The values for each row of `weights` (draws, pull requests); NaN where the denominator is 0."""
        above, below = (_sum(table, weights, part) for part in (self.numerator, self.denominator))
        return divide(above, below)


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """The average precision of a pool: the mean, over all that could be found, of the precision where each is found."""

    pool: str

    def compute(self, table: Table, weights: Floats) -> Floats:
        """The values for each row of `weights` (draws, pull requests); NaN where nothing could be found."""
        pool = table.pools.get(self.pool)
        if pool is None:
            return np.full(len(weights), np.nan)
        positives = weights @ table.column(pool.positives)
        values = np.array([_weighted_average_precision(draw[pool.rows], pool.gains) for draw in weights])
        return divide(values, positives)


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


def _sum(table: Table, weights: Floats, part: Mapping[str, float]) -> Floats:
    total = np.zeros(len(table.keys))
    for name, factor in part.items():
        total = total + factor * table.column(name)
    summed: Floats = weights @ total
    return summed


def _weighted_average_precision(weights: Floats, gains: Floats) -> float:
    """The sum of the precisions at the items that are right, each as often as its pull request was drawn."""
    seen, right = np.cumsum(weights), np.cumsum(weights * gains)
    precision = np.divide(right, seen, out=np.zeros(len(seen)), where=seen != 0)
    return float(np.sum(precision * weights * gains))
