"""Texts that need no reviewer. A candidate is worth what it says beyond them, at the very places of its own comments.

- the best constant: one comment of the training data for all places;
- shuffled references: the human comment of another place;
- retrieval: the human comment on the training hunk that is most like the one commented on; the constant where none is;
- the template, which quotes the line that the human commented on.

All depend on the human's place alone, so that a candidate cannot choose what its rivals say.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from evals.chrf import ChrF
from evals.held_out import HeldOut, Key
from evals.nearest import Bm25
from evals.text_scorers import TextScorer, TokenScorer, list_words
from evals.training_pairs import TrainingPair
from reviewer.domain import Hunk, Side

SAMPLE: Final = 100
"""Training comments that a constant is judged by."""
FIRST: Final = 50
"""Of these, those that decide on the first choice."""
TRIED: Final = 1_000
"""Training comments that are tried as a constant, by chrF and by their words."""
KEPT: Final = 15
"""Of these, the best of each, which the scorer itself tries."""
TEMPLATE: Final = "Is `{line}` needed here? I think we should simplify this."
QUOTED: Final = 120
"""Characters of a line that the template quotes."""


def choose_constants(scorers: Sequence[TextScorer], comments: Sequence[str], seed: int = 0) -> dict[str, str]:
    """For each scorer, by name, the comment with the highest mean similarity to a sample of the comments.

    Args:
        scorers: How alike texts are. chrF and shared words make a first choice for all.
        comments: Those of the training data, never the ones that are to be predicted.
        seed: Of the sample.
    """
    kept, sample = _choose_first(tuple(comments), seed)
    return {scorer.name: _rank(scorer, kept, sample)[0] for scorer in scorers if kept}


@lru_cache(maxsize=1)  # the same for all runs that are scored together
def _choose_first(comments: tuple[str, ...], seed: int) -> tuple[list[str], list[str]]:
    """The comments that the scorers try, and the sample that decides."""
    distinct = sorted({comment for comment in comments if comment.strip()})
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret
    sample = draw.sample(distinct, min(SAMPLE, len(distinct)))
    tried = draw.sample(distinct, min(TRIED, len(distinct)))
    best = [text for measure in (ChrF(), TokenScorer()) for text in _rank(measure, tried, sample[:FIRST])]
    return list(dict.fromkeys(best)), sample


def _rank(scorer: TextScorer, texts: Sequence[str], sample: Sequence[str]) -> list[str]:
    """Those with the highest mean similarity to the texts of the sample that are others, best first."""
    others = [[reference for reference in sample if reference != text] for text in texts]
    scores = iter(scorer.score([(text, (other,)) for text, some in zip(texts, others, strict=True) for other in some]))
    means = [sum(next(scores) for _ in some) / max(1, len(some)) for some in others]
    order = sorted(range(len(texts)), key=lambda at: (-means[at], texts[at]))
    return [texts[at] for at in order[:KEPT]]


def permute(keys: Sequence[Key], seed: int = 0) -> list[int]:
    """For each place another one, each once, and none of its own pull request as long as that can be had.

    Args:
        keys: The pull request of each place.
        seed: Of the permutation.
    """
    draw = random.Random(seed)  # noqa: S311 - a permutation, no secret
    order = list(range(len(keys)))
    draw.shuffle(order)
    for at, key in enumerate(keys):
        if keys[order[at]] != key:
            continue
        others = [other for other in range(len(keys)) if keys[order[other]] != key and keys[other] != keys[order[at]]]
        if others:
            other = draw.choice(others)
            order[at], order[other] = order[other], order[at]
    return order


class Neighbours:
    """Human comments of the training data, found by the changed lines of the hunk that they are about."""

    def __init__(self, pairs: Sequence[TrainingPair]) -> None:
        self._pairs = pairs
        self._index = Bm25([list_words(keep_changed(pair.hunk)) for pair in pairs])

    def find(self, hunk: Hunk | None) -> str:
        """The comment on the most similar hunk; empty when none shares a word."""
        found = self._index.find(list_words(keep_changed(render_hunk(hunk)))) if hunk else []
        return self._pairs[found[0]].comment if found else ""


@lru_cache(maxsize=1)
def index_neighbours(pairs: tuple[TrainingPair, ...]) -> Neighbours:
    """The index of these pairs, made once for all runs that are scored together."""
    return Neighbours(pairs)


def fill_template(hunk: Hunk, side: Side, line: int) -> str:
    """What the template says about a line: it quotes it.

    Where the hunk does not show the line, or no word is in it, the last changed line that has one stands for it.
    """
    text = _text_of(hunk, side, line) or ""
    if not list_words(text):
        changed = [one.text for one in hunk.lines if one.kind in {"+", "-"} and list_words(one.text)]
        text = changed[-1] if changed else text
    return render_template(text)


def render_template(line: str) -> str:
    """The template with the start of a line."""
    return TEMPLATE.format(line=line.strip()[:QUOTED])


def find_hunk(held: HeldOut, path: str, side: Side, line: int) -> Hunk | None:
    """The hunk of the diff that shows a line."""
    return next(
        (hunk for hunk in held.bundle.pull_request.hunks_of(path) if _text_of(hunk, side, line) is not None), None
    )


def render_hunk(hunk: Hunk) -> str:
    """The lines of a hunk behind their marks."""
    return "\n".join(line.kind + line.text for line in hunk.lines)


def keep_changed(hunk: str) -> str:
    """The changed lines of a hunk of marked lines, without the marks; all of it when none is marked."""
    lines = hunk.split("\n")
    return "\n".join([line[1:] for line in lines if line[:1] in {"+", "-"}] or lines)


def _text_of(hunk: Hunk, side: Side, number: int) -> str | None:
    for line in hunk.lines:
        if number == (line.source_line if side == "LEFT" else line.target_line):
            return line.text
    return None
