"""The baseline that copies: what was once said about the training hunk that is most like this one, said again.

Its places are the hunks most like a training hunk that somebody commented on, at the line most like the last one of
that hunk: as GitHub cuts an excerpt, it ends with the line that the comment is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evals.baselines import Guess, Recipe, Spot, choose_all, choose_first
from evals.held_out import HeldOut
from evals.nearest import Bm25
from evals.predictions import list_hunks
from evals.reference_texts import keep_changed, render_hunk
from evals.text_scorers import list_words
from evals.training_pairs import TrainingPair
from reviewer.domain import Hunk, Line

COMPARED: Final = 5
"""Training hunks that are found by their words and then compared whole."""


class Retrieval:
    """An `evals.baselines.Idea` over training pairs."""

    def __init__(self, pairs: Sequence[TrainingPair]) -> None:
        self._pairs = pairs
        documents = [list_words(keep_changed(pair.hunk)) for pair in pairs]
        self._index = Bm25(documents)
        self._words = [frozenset(words) for words in documents]

    def __call__(self, held: HeldOut, _: int) -> Guess:
        """The comments of the nearest training hunks, and how near they are."""
        spots: list[Spot] = []
        scores: list[float] = []
        for hunk in list_hunks(held):
            score, pair = self._find(hunk)
            scores.append(score)
            if pair and hunk.changed:
                spots.append(Spot(hunk, choose_like(hunk, pair.hunk.rpartition("\n")[2]), score, pair.comment))
        return Guess(spots, scores)

    def _find(self, hunk: Hunk) -> tuple[float, TrainingPair | None]:
        """How like the nearest training hunk is, as the share of common words among all of both; and its pair."""
        words = list_words(keep_changed(render_hunk(hunk)))
        mine = frozenset(words)
        found = [(overlap(mine, self._words[at]), -at) for at in self._index.find(words, COMPARED)]
        if not found:
            return 0.0, None
        score, at = max(found)
        return score, self._pairs[-at]


def choose_like(hunk: Hunk, text: str) -> Line:
    """The changed line with most words in common with a text; the first added one where none has any."""
    wanted = frozenset(list_words(text))
    lines = sorted(choose_all(hunk), key=lambda line: line.kind == "-")
    best = max(lines, key=lambda line: overlap(frozenset(list_words(line.text)), wanted))
    return best if wanted.intersection(list_words(best.text)) else choose_first(hunk)[0]


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The Jaccard index: the size of the intersection over that of the union."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def make_retrieval(pairs: Sequence[TrainingPair]) -> Recipe:
    """The recipe over these pairs."""
    return Recipe("What was said about the training hunk most like it.", Retrieval(pairs))
