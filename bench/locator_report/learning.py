"""What more pull requests teach the locator, and more repositories. A fit that refuses what was drawn is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.locator_report.left_out import LeftOut, fit, measure_pooled, measure_within
from training.errors import DataError
from training.locator.labels import Labelled

LEAST: Final = 20
"""Commented pull requests with all their comments, without which nothing is learned."""
SIZES: Final = (25, 50, 100, 200, 400, 800)
REPOSITORIES: Final = (1, 2, 4, 8)
AT_EACH: Final = 200
"""Commented pull requests, however many repositories they are from."""


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a learning curve: within a pull request, and over commented ones together.

    One value for each draw that was enough to learn from.
    """

    count: int
    within: tuple[float, ...]
    pooled: tuple[float, ...]


def learn_by_size(left: LeftOut, draws: int) -> Iterator[Step]:
    """From 25 commented pull requests to all. Of the complete ones there are at least LEAST, else as many as chance."""
    complete, selected = _split(left.others)
    every = len(complete) + len(selected)
    for count in (*(size for size in SIZES if size < every), every):
        whole = max(LEAST, round(count * len(complete) / every))
        chances = (np.random.default_rng((count, draw)) for draw in range(draws if count < every else 1))
        drawn = (_pick(complete, whole, each) + _pick(selected, count - whole, each) for each in chances)
        yield _measure(left, count, drawn)


def learn_by_repositories(left: LeftOut, draws: int) -> Iterator[Step]:
    """From AT_EACH commented pull requests of one repository to as many of all. The complete ones are of the first."""
    complete, selected = _split(left.others)
    names = sorted({one.repo for one in selected} - {one.repo for one in complete})
    every = 1 + len(names)
    for count in (*(size for size in REPOSITORIES if size < every), every):
        chances = (np.random.default_rng((AT_EACH, count, draw)) for draw in range(draws))
        yield _measure(left, count, (_pick_evenly(complete, selected, names, count, each) for each in chances))


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


def _measure(left: LeftOut, count: int, samples: Iterable[Sequence[Labelled]]) -> Step:
    within, pooled = [], []
    for sample in samples:
        with suppress(DataError):
            model = fit(sample).hunk
            within.append(measure_within(left.known, model))
            pooled.append(measure_pooled(left.known, model))
    return Step(count, tuple(within), tuple(pooled))
