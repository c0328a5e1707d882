"""How the locator is calibrated where it has not learned, and what its numbers weigh.

Right is what `training.locator.labels` says: also a hunk whose commented line was changed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.locator_report.left_out import LeftOut, measure_within, score
from evals.calibration import MassBin, bin_by_mass, estimate_calibration_error
from evals.scorecard import Estimate
from reviewer.locator import Linear, load_locator
from reviewer.locator_features import CHANGE_FEATURES, HUNK_FEATURES, LINE_FEATURES
from training.locator.fit import adapt
from training.locator.labels import Floats

ADAPTED_BY: Final = (0, 20, 100)
HUNKS, LINES = 15, 12
"""Of so many features the weights are drawn."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reliability after learning from `own` pull requests of the repository."""

    own: int
    bins: list[MassBin]
    error: Estimate


@dataclass(frozen=True, slots=True)
class Weighed:
    """A feature: its weight times its spread, and what is lost without it (None: not measured)."""

    feature: str
    weight: float
    loss: float | None = None


def calibrate(left: LeftOut, draws: int) -> Iterator[Calibration]:
    """On the newest half, as trained and adapted by those that came just before."""
    labelled = [one.labelled for one in left.known if len(one.labelled.right)]
    before, newest = labelled[: len(labelled) // 2], labelled[len(labelled) // 2 :]
    right = [one.right for one in newest]
    for own in ADAPTED_BY:
        linear, _ = adapt(left.locator, before[max(0, len(before) - own) :])
        said = [score(linear, one.rows) for one in newest]
        bins = bin_by_mass(np.concatenate(said), np.concatenate(right))
        yield Calibration(own, bins, estimate_calibration_error(said, right, draws=draws))


def weigh_shipped(lefts: Sequence[LeftOut], draws: int) -> tuple[list[Weighed], list[Weighed]]:
    """What the shipped locator weighs. What is lost is measured with those trained without the repository."""
    shipped = load_locator()
    labelled = [*lefts[0].others, *(one.labelled for one in lefts[0].known)]
    rows = np.concatenate([one.rows for one in labelled])
    lines = np.concatenate([hunk.rows for one in labelled for hunk in one.lines])
    hunk = [
        Weighed(one.feature, one.weight, None if one.feature in CHANGE_FEATURES else loss)
        for one in weigh(shipped.hunk, rows, HUNK_FEATURES, HUNKS)
        for loss in [measure_loss(lefts, HUNK_FEATURES.index(one.feature), draws)]
    ]
    return hunk, weigh(shipped.line, lines, LINE_FEATURES, LINES)


def weigh(linear: Linear, rows: Floats, features: Sequence[str], most: int) -> list[Weighed]:
    """The features with the largest weight times spread over these rows, the strongest first."""
    strength = np.array(linear.weights) * rows.std(axis=0)
    order = np.argsort(-np.abs(strength), kind="stable")[:most]
    return [Weighed(features[at], float(strength[at])) for at in order.tolist()]


def measure_loss(lefts: Sequence[LeftOut], column: int, draws: int) -> float:
    """What average precision within a pull request loses when its hunks change this feature among them."""
    losses = []
    for left in lefts:
        whole = measure_within(left.known, left.locator.hunk)
        for draw in range(draws):
            chance = np.random.default_rng((column, draw))

            def shuffle(rows: Floats, chance: np.random.Generator = chance) -> Floats:
                mixed = rows.copy()
                mixed[:, column] = chance.permutation(rows[:, column])
                return mixed

            losses.append(whole - measure_within(left.known, left.locator.hunk, shuffle))
    return float(np.mean(losses))
