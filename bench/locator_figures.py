"""What is drawn of the locator: how it is calibrated, what more pull requests teach it, and what its numbers weigh.

Everything is measured on a repository that the locator was trained without. Orders are scored by `evals.ranking`, with
the comments that are on a line of the diff; probabilities by `training.locator.labels`, where a hunk whose commented
line was changed afterwards is right too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evals.calibration import MassBin, bin_by_mass, estimate_calibration_error
from evals.held_out import HeldOut
from evals.matching import list_spots
from evals.metrics import AveragePrecision
from evals.predictions import Prediction, list_hunks
from evals.ranking import POOLS, list_pools, list_right
from evals.scorecard import Estimate
from evals.table import build_table
from evals.ties import expect_average_precision
from reviewer.locate import list_readable
from reviewer.locator import Linear, Locator
from reviewer.settings import Settings
from training.locator.fit import Recipe, adapt, fit_locator
from training.locator.labels import Bools, Floats, Labelled, label

LEAST: Final = 20
"""Commented pull requests with all their comments, without which nothing is learned."""
SIZES: Final = (25, 50, 100, 200, 400, 800)
REPOSITORIES: Final = (1, 2, 4, 8)
AT_EACH: Final = 200
"""Commented pull requests, however many repositories they are from."""
ADAPTED_BY: Final = (0, 20, 100)
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


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reliability after learning from `own` pull requests of the repository."""

    own: int
    bins: list[MassBin]
    error: Estimate


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a learning curve, one value for each draw: within a pull request, and over commented ones together."""

    count: int
    within: tuple[float, ...]
    pooled: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A feature: its weight times its spread, and what is lost without it (None: not measured)."""

    feature: str
    weight: float
    loss: float | None = None


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


def calibrate(left: LeftOut, draws: int) -> Iterator[Calibration]:
    """On the newest half, as trained and adapted by those that came just before."""
    labelled = [one.labelled for one in left.known if len(one.labelled.right)]
    before, newest = labelled[: len(labelled) // 2], labelled[len(labelled) // 2 :]
    right = [one.right for one in newest]
    for own in ADAPTED_BY:
        linear, _ = adapt(left.locator, before[len(before) - own :])
        said = [score(linear, one.rows) for one in newest]
        bins = bin_by_mass(np.concatenate(said), np.concatenate(right))
        yield Calibration(own, bins, estimate_calibration_error(said, right, draws=draws))


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


def learn_by_size(left: LeftOut, draws: int) -> Iterator[Step]:
    """From 25 commented pull requests to all. Of the complete ones there are at least LEAST, else as many as chance."""
    complete, selected = _split(left.others)
    every = len(complete) + len(selected)
    for count in (*(size for size in SIZES if size < every), every):
        whole = max(LEAST, round(count * len(complete) / every))
        chances = [np.random.default_rng((count, draw)) for draw in range(draws if count < every else 1)]
        yield _measure(
            left, count, [_pick(complete, whole, each) + _pick(selected, count - whole, each) for each in chances]
        )


def learn_by_repositories(left: LeftOut, draws: int) -> Iterator[Step]:
    """From AT_EACH commented pull requests of one repository to as many of all. The complete ones are of the first."""
    complete, selected = _split(left.others)
    names = sorted({one.repo for one in selected} - {one.repo for one in complete})
    every = 1 + len(names)
    for count in (*(size for size in REPOSITORIES if size < every), every):
        chances = [np.random.default_rng((AT_EACH, count, draw)) for draw in range(draws)]
        yield _measure(left, count, [_pick_evenly(complete, selected, names, count, each) for each in chances])


def _pick_evenly(
    complete: Sequence[Labelled],
    selected: Sequence[Labelled],
    names: Sequence[str],
    count: int,
    chance: np.random.Generator,
) -> list[Labelled]:
    """As many of each repository; where one has fewer, the complete one gives more."""
    chosen = chance.choice(len(names), count - 1, replace=False).tolist() if count > 1 else []
    share = min(AT_EACH // count, (AT_EACH - LEAST) // max(1, count - 1))
    picked = [
        one
        for at in sorted(chosen)
        for one in _pick([each for each in selected if each.repo == names[at]], share, chance)
    ]
    return _pick(complete, AT_EACH - len(picked), chance) + picked


def _split(others: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    commented = [one for one in others if one.commented]
    return [one for one in commented if one.complete], [one for one in commented if not one.complete]


def _pick(labelled: Sequence[Labelled], count: int, chance: np.random.Generator) -> list[Labelled]:
    drawn = chance.choice(len(labelled), min(count, len(labelled)), replace=False) if labelled else ()
    return [labelled[at] for at in sorted(map(int, drawn))]


def _measure(left: LeftOut, count: int, samples: Sequence[Sequence[Labelled]]) -> Step:
    models = [fit(sample).hunk for sample in samples]
    within = tuple(measure_within(left.known, model) for model in models)
    return Step(count, within, tuple(measure_pooled(left.known, model) for model in models))


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
