"""A repository that the locator is trained without, and the order in which it then puts that one's hunks.

Orders are scored by `evals.ranking`, with the comments that are on a line of the diff.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evals.held_out import HeldOut
from evals.matching import list_spots
from evals.metrics import AveragePrecision
from evals.predictions import Prediction, list_hunks
from evals.ranking import POOLS, list_pools, list_right
from evals.table import build_table
from evals.ties import expect_average_precision
from reviewer.locate import list_readable
from reviewer.locator import Linear, Locator
from reviewer.settings import Settings
from training.locator.fit import Recipe, fit_locator
from training.locator.labels import Bools, Floats, Labelled, label

POOL: Final = "ranking.hunk.commented"


@dataclass(frozen=True, slots=True)
class Known:
    """A pull request with its features. `places`: of the hunks that are read, among all. `right`: all, as scored."""

    held: HeldOut
    labelled: Labelled
    places: tuple[int, ...]
    right: Bools


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A repository in the order of time, what all others teach, and the locator trained on that."""

    repo: str
    known: tuple[Known, ...]
    others: tuple[Labelled, ...]
    locator: Locator


def read_known(held: HeldOut) -> Known:
    """Measure and label a pull request."""
    every = {id(hunk): at for at, hunk in enumerate(list_hunks(held))}
    readable, _ = list_readable(held.bundle.pull_request, Settings())
    places = tuple(every[id(hunk)] for hunk in readable)
    return Known(held, label(held), places, list_right(held, list_spots(held)))


def leave_out(repo: str, known: Sequence[Known]) -> LeftOut:
    """Train on all but this repository.

    Raises:
        DataError: There is too little to learn from.
    """
    mine = sorted(
        (one for one in known if one.held.key[0] == repo), key=lambda one: (one.held.created_at, one.held.key)
    )
    others = tuple(one.labelled for one in known if one.held.key[0] != repo and len(one.labelled.right))
    return LeftOut(repo, tuple(mine), others, fit(others))


def fit(labelled: Sequence[Labelled]) -> Locator:
    """A locator as it is shipped.

    Raises:
        DataError: There is too little to learn from.
    """
    fitted = fit_locator(labelled, Recipe())
    return Locator(fitted.hunk, fitted.line, fitted.prior, "", {})


def score(linear: Linear, rows: Floats) -> Floats:
    """(hunks,) probabilities, rounded as those of the locator are."""
    logits = linear.intercept + (rows - np.array(linear.means)) @ np.array(linear.weights)
    rounded: Floats = (1 / (1 + np.exp(-logits))).round(6)
    return rounded


def measure_within(known: Sequence[Known], linear: Linear, shuffle: Callable[[Floats], Floats] | None = None) -> float:
    """Average precision within a pull request, of those with hunks of both kinds. `shuffle` is given the features."""
    found = []
    for one in known:
        if one.right.any() and not one.right.all():
            rows = shuffle(one.labelled.rows) if shuffle else one.labelled.rows
            found.append(expect_average_precision(_score_all(one, linear, rows), one.right))
    return float(np.mean(found))


def measure_pooled(known: Sequence[Known], linear: Linear) -> float:
    """Average precision over the hunks of all commented pull requests."""
    commented = [one for one in known if one.right.any()]
    items = []
    for one in commented:
        scores = _score_all(one, linear, one.labelled.rows).tolist()
        items.append(list_pools(one.held, Prediction(*one.held.key, "", hunk_scores=tuple(scores)))[POOL])
    keys = [one.held.key for one in commented]
    rows = [{POOLS[POOL]: float(one.right.sum())} for one in commented]
    table = build_table(keys, rows, {POOL: (POOLS[POOL], items)})
    return float(AveragePrecision(POOL).compute(table, np.ones((1, len(keys))))[0])


def _score_all(one: Known, linear: Linear, rows: Floats) -> Floats:
    scores = np.full(len(one.right), -1.0)
    scores[list(one.places)] = score(linear, rows)
    return scores
