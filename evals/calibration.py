"""Calibration: of the places that were called 30 % likely, are 30 % right?

The scale from 0 to 1 is cut into bins with about as many items each (Nixon and others, Measuring Calibration in Deep
Learning, CVPR workshops 2019): with bins of the same width nearly all hunks would be in the first. Items of the same
probability share a bin, so that their order says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evals.scorecard import Estimate
from evals.statistics import DRAWS, draw_weights
from evals.table import Floats
from evals.ties import Bools

BINS: Final = 10
_NEAR_95: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class MassBin:
    """Items of about the same probability: the mean of what was `said`, and the share that was `seen` to be right."""

    said: float
    seen: float
    items: int


def bin_by_mass(said: Floats, right: Bools, bins: int = BINS) -> list[MassBin]:
    """The bins from the least to the most likely; empty ones are left out. `said` and `right` are (items,)."""
    places = _place(said, bins)
    masks = (places == at for at in range(bins))
    return [
        MassBin(float(said[mask].mean()), float(right[mask].mean()), int(mask.sum())) for mask in masks if mask.any()
    ]


def expect_calibration_error(said: Floats, right: Bools, bins: int = BINS) -> float:
    """The expected calibration error: the mean over the items of how far their bin is off, from 0 to 1."""
    found = bin_by_mass(said, right, bins)
    return sum(one.items * abs(one.said - one.seen) for one in found) / len(said)


def estimate_calibration_error(
    said: Sequence[Floats], right: Sequence[Bools], bins: int = BINS, draws: int = DRAWS
) -> Estimate:
    """The expected calibration error with its 95 % interval, by a bootstrap over pull requests.

    A draw's error is larger than the sample's by about as much as the sample's is larger than the true one, as chance
    moves bins away from where they belong and never towards it. So the interval is the reflected one (Davison and
    Hinkley, Bootstrap Methods and their Application, 1997, section 5.2), cut at 0.

    Args:
        said: For each pull request the probabilities of its items.
        right: Likewise, which of them were right.
        bins: How many.
        draws: Of the bootstrap. The bins stay those of the whole sample.
    """
    places = _place(np.concatenate(said), bins)
    groups = np.repeat(np.arange(len(said)), [len(one) for one in said])
    gaps = np.concatenate(said) - np.concatenate(right)
    table = np.bincount(groups * bins + places, gaps, len(said) * bins).reshape(len(said), bins)
    items = np.bincount(groups, minlength=len(said)).astype(np.float64)
    value = float(np.abs(table.sum(axis=0)).sum() / items.sum())
    weights = draw_weights(len(said), draws)
    drawn = np.abs(weights @ table).sum(axis=1) / np.maximum(1.0, weights @ items)
    low, high = np.percentile(2 * value - drawn, _NEAR_95)
    return Estimate(value, max(0.0, float(low)), max(0.0, float(high)), len(said))


def _place(said: Floats, bins: int) -> NDArray[np.int64]:
    """(items,) The bin of each, from 0: by how many are less likely."""
    places: NDArray[np.int64] = np.searchsorted(np.sort(said), said, side="left") * bins // len(said)
    return places
