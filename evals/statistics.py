"""How sure a figure is, and whether two candidates differ. The unit is the pull request: its comments hang together.

- Interval: expanded percentile bootstrap over pull requests (Hesterberg, What Teachers Should Know about the Bootstrap,
  2015, section 5.1): the plain one is too narrow where there are few.
- Comparison: on the pull requests that both have, the same draws for both, so that what is hard for both cancels out.
- p: permutation test in which the two candidates change places in each pull request by the toss of a coin (Noreen,
  Computer-Intensive Methods for Testing Hypotheses, 1989).
- Several at once: Holm, A simple sequentially rejective multiple test procedure, 1979.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np

from evals.metrics import AveragePrecision, Metric, Ratio
from evals.scorecard import Estimate
from evals.table import Floats, Pool, Table

DRAWS: Final = 2000
SEED: Final = 20_260_701
FEWEST: Final = 5
"""Pull requests that must have a say in a figure for an interval to mean anything at all."""
DETECTABLE: Final = 1.96 + 0.84
"""Standard errors that a difference must have to be seen at alpha 5 % (two-sided) in 80 % of all studies."""
_Z: Final = 1.959964
"""The normal distribution's quantile at 97.5 %."""
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two candidates in one metric, on the pull requests that both have. All None: not compared, `note` says why.

    `difference` is challenger less champion, with its 95 % interval. `p` is two-sided. `detectable`: the smallest
    difference that such data would show in 80 % of all cases.
    """

    metric: str
    champion: float | None
    challenger: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    detectable: float | None = None
    pull_requests: int = 0
    note: str = ""


@lru_cache(maxsize=8)
def draw_weights(pull_requests: int, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """How often each pull request is drawn when as many as there are are drawn with replacement.

    Returns:
        (draws, pull requests), read-only; each row sums to the number of pull requests.
    """
    if not pull_requests:
        return np.zeros((draws, 0))
    drawn = np.random.default_rng(seed).integers(0, pull_requests, (draws, pull_requests))
    drawn += np.arange(draws)[:, None] * pull_requests
    counts = np.bincount(drawn.ravel(), minlength=draws * pull_requests)
    weights: Floats = counts.reshape(draws, pull_requests).astype(np.float64)
    weights.flags.writeable = False
    return weights


def estimate(metric: Metric, table: Table, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """The metric with its 95 % interval; without a value where too few pull requests have a say in it."""
    having_a_say = int(np.count_nonzero(metric.formula.base(table)))
    value = _observe(metric, table)
    if value is None or having_a_say < FEWEST:
        return Estimate(None, pull_requests=having_a_say, note=_say_few(having_a_say))
    drawn = metric.formula.compute(table, draw_weights(len(table.keys), draws, seed))
    low, high = _interval(drawn, having_a_say)
    return Estimate(value, low, high, having_a_say, "the same in every draw" if low == high else "")


def compare(metric: Metric, champion: Table, challenger: Table, draws: int = DRAWS, seed: int = SEED) -> Comparison:
    """The metric of two candidates on the pull requests that both have."""
    champion, challenger = pick_common(champion, challenger)
    base = np.abs(metric.formula.base(champion)) + np.abs(metric.formula.base(challenger))
    having_a_say = int(np.count_nonzero(base))
    values = _observe(metric, champion), _observe(metric, challenger)
    if values[0] is None or values[1] is None or having_a_say < FEWEST:
        return Comparison(metric.name, *values, pull_requests=having_a_say, note=_say_missing(values, having_a_say))
    weights = draw_weights(len(champion.keys), draws, seed)
    differences = metric.formula.compute(challenger, weights) - metric.formula.compute(champion, weights)
    low, high = _interval(differences, having_a_say)
    difference = values[1] - values[0]
    p = _permute(metric, champion, challenger, difference, draws, seed)
    detectable = DETECTABLE * float(np.std(differences[np.isfinite(differences)], ddof=1))
    return Comparison(metric.name, *values, difference, low, high, p, detectable, having_a_say)


def pick_common(champion: Table, challenger: Table) -> tuple[Table, Table]:
    """The rows of the pull requests that both tables have, in the champion's order."""
    if champion.keys == challenger.keys:
        return champion, challenger
    theirs = set(challenger.keys)
    common = [key for key in champion.keys if key in theirs]
    return champion.pick(common), challenger.pick(common)


def correct_holm(ps: Sequence[float]) -> list[float]:
    """The p values as they are when all of them were looked at, by Holm's step-down method."""
    corrected = [1.0] * len(ps)
    largest = 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[at]))
        corrected[at] = largest
    return corrected


def _observe(metric: Metric, table: Table) -> float | None:
    value = float(metric.formula.compute(table, np.ones((1, len(table.keys))))[0])
    return value if np.isfinite(value) else None


def _interval(drawn: Floats, having_a_say: int) -> tuple[float, float]:
    """The middle 95 % of the draws that have a value, and a little more: as much as Student's t is wider."""
    tail = 100 * NormalDist().cdf(-_quantile_t(having_a_say - 1) * math.sqrt(having_a_say / (having_a_say - 1)))
    low, high = np.percentile(drawn[np.isfinite(drawn)], (tail, 100 - tail))
    return float(low), float(high)


def _quantile_t(freedom: int) -> float:
    """Student's t at 97.5 %, by its expansion (Abramowitz and Stegun, 26.7.5): to 0.05 from four degrees on."""
    return _Z + (_Z**3 + _Z) / (4 * freedom) + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * freedom**2)


def _permute(metric: Metric, champion: Table, challenger: Table, difference: float, draws: int, seed: int) -> float:
    """How often candidates that change places by chance differ as much. Never 0: what was seen is one of the ways."""
    both = _stack(metric.formula, champion, challenger)
    first, second = (metric.formula.compute(both, arm) for arm in _draw_swaps(len(champion.keys), draws, seed))
    differences = np.abs(second - first)
    differences[~np.isfinite(differences)] = np.inf  # without a value in an arm it may be as much as any
    return float(1 + np.count_nonzero(differences >= abs(difference) - _ROUNDING)) / (1 + draws)


@lru_cache(maxsize=2)
def _draw_swaps(pull_requests: int, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Weights of the rows of both candidates, one after the other: who takes part in which arm, by a toss each."""
    swapped = np.random.default_rng(seed + 1).integers(0, 2, (draws, pull_requests)).astype(np.float64)
    return np.hstack([1 - swapped, swapped]), np.hstack([swapped, 1 - swapped])


def _stack(formula: Ratio | AveragePrecision, champion: Table, challenger: Table) -> Table:
    """One table with the rows of both, as far as the formula reads them, so that an arm is a matter of weights."""
    names: set[str] = set()
    pools: dict[str, Pool] = {}
    if isinstance(formula, Ratio):
        names = {*formula.numerator, *formula.denominator}
    else:
        pool = _merge(champion.pools[formula.pool], challenger.pools[formula.pool], len(champion.keys))
        names, pools = {pool.positives}, {formula.pool: pool}
    columns = {name: np.concatenate([champion.column(name), challenger.column(name)]) for name in sorted(names)}
    return Table(champion.keys + challenger.keys, columns, pools)


def _merge(first: Pool, second: Pool, offset: int) -> Pool:
    """The items of both pools in one order: by their rank in their own, as their scores may have other scales."""
    ranks = np.concatenate([(np.arange(len(pool.rows)) + 0.5) / max(1, len(pool.rows)) for pool in (first, second)])
    order = np.argsort(ranks, kind="stable")
    rows = np.concatenate([first.rows, second.rows + offset])[order]
    gains = np.concatenate([first.gains, second.gains])[order]
    return Pool(rows, -ranks[order], gains, first.positives)


def _say_few(having_a_say: int) -> str:
    if not having_a_say:
        return "not scored, or nothing to count it on"
    return f"only {having_a_say} pull request{'s' * (having_a_say > 1)} to count it on, at least {FEWEST} are needed"


def _say_missing(values: tuple[float | None, float | None], having_a_say: int) -> str:
    without = [name for name, value in zip(("champion", "challenger"), values, strict=True) if value is None]
    return f"the {' and the '.join(without)} has no value" if len(without) == 1 else _say_few(having_a_say)
