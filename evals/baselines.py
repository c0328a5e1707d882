"""Candidates without a model: what a reviewer has to beat to be worth its cost. They see what the product sees.

Each is an idea of where to comment and what to say. Those that are only about the place say what the template says.
A place is the first added line of a hunk, or its first removed line where nothing was added: of the human comments on
the sets that were looked at, 9 in 10 stand on an added line.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evals.held_out import HeldOut
from evals.predictions import Predicted, Prediction, Run, list_changed, list_hunks
from evals.reference_texts import render_template
from evals.run import NO_MODEL, locate_hunks, locate_lines, score_places
from reviewer import __version__
from reviewer.domain import Hunk, Line
from reviewer.fixed_order import score_hunk
from reviewer.rank import MAX_ROUTED
from reviewer.settings import Settings

CONSTANT: Final = "Can we remove this? I don't think we need this anymore."
"""On CodeReviewer's test comments this sentence has a higher BLEU than CodeReviewer."""
LARGE: Final = 5
"""Added lines of a hunk that `large-hunks` comments on: humans say more on these, and less often nothing."""

Score = Callable[[HeldOut], Sequence[float]]
"""A score from 0 to 1 for each hunk of `list_hunks`; less than 0: no comment there."""
Choose = Callable[[Hunk], Sequence[Line]]
Write = Callable[[Hunk, Line], str]


@dataclass(frozen=True, slots=True)
class Spot:
    """A line where a baseline would comment, and how sure it is, from 0 to 1."""

    hunk: Hunk
    line: Line
    score: float
    body: str


@dataclass(frozen=True, slots=True)
class Guess:
    """What a baseline makes of a pull request, in any order. Scores as in `Prediction`; empty: it does not rank."""

    spots: Sequence[Spot] = ()
    hunk_scores: Sequence[float] = ()
    line_scores: Sequence[float] = ()
    """Empty where `hunk_scores` are not: lines follow the comments, then their hunks."""


Idea = Callable[[HeldOut, int], Guess]
"""What to make of a pull request; the number is the seed of what is left to chance."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """An idea, and a sentence on it. `posts_all`: it knows no budget."""

    about: str
    idea: Idea
    posts_all: bool = False


class Baseline:
    """A recipe as a candidate of `evals.run`.

    Args:
        name: A short name.
        recipe: The idea.
        dataset: Name of the held-out set.
        seed: Of what is left to chance.
        budget: How many comments are posted; as the product does, it names up to 20 more that are not.
        facts: More that it depends on, for `Run.settings`.
    """

    def __init__(
        self,
        name: str,
        recipe: Recipe,
        dataset: str = "",
        seed: int = 0,
        budget: int = Settings().max_comments,
        facts: dict[str, object] | None = None,
    ) -> None:
        settings: dict[str, object] = {"seed": seed, "max_comments": budget, **(facts or {})}
        self.run = Run(name, "baseline", NO_MODEL, dataset, settings, __version__)
        self._recipe, self._seed, self._budget = recipe, seed, budget

    async def predict(self, held: HeldOut) -> Prediction:
        """Its comments on one pull request, best first."""
        guess = self._recipe.idea(held, self._seed)
        spots = sorted(guess.spots, key=lambda spot: -spot.score)
        if not self._recipe.posts_all:
            spots = spots[: self._budget + MAX_ROUTED]
        posted = len(spots) if self._recipe.posts_all else self._budget
        comments = tuple(_predicted(spot, posted=at < posted) for at, spot in enumerate(spots))
        hunk_scores, line_scores = guess.hunk_scores, guess.line_scores
        if hunk_scores and not line_scores:
            hunk_scores, line_scores = score_places(held, comments, hunk_scores)
        repo, number = held.key
        return Prediction(repo, number, held.digest, comments, tuple(hunk_scores), tuple(line_scores))


def _predicted(spot: Spot, *, posted: bool) -> Predicted:
    line = spot.line
    return Predicted(spot.hunk.path, line.side, line.number, None, spot.body, round(spot.score, 6), posted)


def write_template(_: Hunk, line: Line) -> str:
    """A sentence that quotes the line that it stands on: as an excerpt ends there, its last line."""
    return render_template(line.text)


def write_constant(_: Hunk, __: Line) -> str:
    """The same for all."""
    return CONSTANT


def by_hunk(score: Score, choose: Choose, write: Write = write_template, *, ranks: bool = True, least: int = 0) -> Idea:
    """The idea to score hunks, and to comment on the same lines of each with at least so many added lines."""

    def guess(held: HeldOut, _: int) -> Guess:
        scores = score(held)
        spots = [
            Spot(hunk, line, value, write(hunk, line))
            for value, hunk in zip(scores, list_hunks(held), strict=True)
            if value >= 0 and _count_added(hunk) >= least
            for line in choose(hunk)
        ]
        return Guess(spots, scores if ranks else ())

    return guess


def guess_lines(held: HeldOut, seed: int) -> Guess:
    """Lines, and apart from them hunks, in an order of chance."""
    chance = random.Random(f"{seed}:{held.key}")  # noqa: S311 - a fixed order, not a secret
    lines = [round(chance.random(), 6) for _ in list_changed(held)]
    hunks = [round(chance.random(), 6) for _ in list_hunks(held)]
    spots = [
        Spot(hunk, line, score, write_template(hunk, line))
        for score, (_, hunk, line) in zip(lines, list_changed(held), strict=True)
    ]
    return Guess(spots, hunks, lines)


def guess_located(held: HeldOut, _: int) -> Guess:
    """The locator's order of hunks and of lines, and a comment on the likeliest line of each hunk."""
    hunks, lines = locate_hunks(held, Settings()), locate_lines(held, Settings())
    best: dict[int, tuple[float, Line]] = {}
    for (place, __, line), score in zip(list_changed(held), lines, strict=True):
        if place not in best or score > best[place][0]:
            best[place] = (score, line)
    spots = [
        Spot(hunk, best[at][1], hunks[at], write_template(hunk, best[at][1]))
        for at, hunk in enumerate(list_hunks(held))
        if hunks[at] >= 0 and at in best
    ]
    return Guess(spots, hunks, lines)


def guess_nothing(_: HeldOut, __: int) -> Guess:
    """No comment."""
    return Guess()


def score_located(held: HeldOut) -> Sequence[float]:
    """The product's own order."""
    return locate_hunks(held, Settings())


def score_fixed(held: HeldOut) -> Sequence[float]:
    """The order that the product goes by when it has no trained locator."""
    return [score_hunk(hunk) for hunk in list_hunks(held)]


def score_changed(held: HeldOut) -> Sequence[float]:
    """The more lines changed, the higher."""
    return [_share(hunk.changed) for hunk in list_hunks(held)]


def score_added(held: HeldOut) -> Sequence[float]:
    """The more lines were added, the higher."""
    return [_share(_count_added(hunk)) for hunk in list_hunks(held)]


def score_order(held: HeldOut) -> Sequence[float]:
    """The order of the diff."""
    return [1 / (1 + at) for at in range(len(list_hunks(held)))]


def score_alike(held: HeldOut) -> Sequence[float]:
    """No hunk before another."""
    return [0.0] * len(list_hunks(held))


def _count_added(hunk: Hunk) -> int:
    return sum(line.kind == "+" for line in hunk.lines)


def _share(size: int) -> float:
    """A size as a number from 0 to 1, as the locator has it."""
    return size / (size + 20)


def choose_first(hunk: Hunk) -> Sequence[Line]:
    """The first added line, or else the first removed one."""
    return _added(hunk)[:1]


def choose_last(hunk: Hunk) -> Sequence[Line]:
    """The last added line, or else the last removed one."""
    return _added(hunk)[-1:]


def choose_all(hunk: Hunk) -> Sequence[Line]:
    """Each changed line."""
    return [line for line in hunk.lines if line.kind != " "]


def _added(hunk: Hunk) -> Sequence[Line]:
    changed = choose_all(hunk)
    return [line for line in changed if line.kind == "+"] or changed


BASELINES: Final[dict[str, Recipe]] = {
    "random-line": Recipe("Changed lines by chance.", guess_lines),
    "first-line": Recipe("The first hunks of the diff.", by_hunk(score_order, choose_first)),
    "largest-hunk": Recipe("The hunks with most changed lines.", by_hunk(score_changed, choose_first)),
    "largest-added": Recipe("The hunks with most added lines.", by_hunk(score_added, choose_first)),
    "locator": Recipe("The product's order of hunks, at the likeliest line of each.", guess_located),
    "fixed-order": Recipe("The product's order without a trained locator.", by_hunk(score_fixed, choose_first)),
    "large-hunks": Recipe(
        f"The same order, and only hunks with {LARGE} added lines or more.",
        by_hunk(score_located, choose_first, least=LARGE),
    ),
    "template": Recipe("The hunks of locator, at the last line of each.", by_hunk(score_located, choose_last)),
    "constant": Recipe(
        "The same hunks, at the first added line: one sentence.", by_hunk(score_located, choose_first, write_constant)
    ),
    "every-hunk": Recipe("A comment on each hunk.", by_hunk(score_alike, choose_first, ranks=False), posts_all=True),
    "everywhere": Recipe(
        "A comment on each changed line.", by_hunk(score_alike, choose_all, ranks=False), posts_all=True
    ),
    "silent": Recipe("No comment.", guess_nothing),
}
"""By name. `retrieval` needs training pairs: `evals.retrieval` makes it."""
