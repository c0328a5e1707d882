"""What is said: how alike a candidate's comments are to the human ones, and how alike texts of no reviewer are.

A posted comment is paired one to one with what humans said in the same hunk, the closest first (`evals.matching`). Only
human comments that teach something count, and those of one line are alternatives: the most similar one counts. All
pairs are scored in one batch for each scorer, and folded into sums for each pull request. The whole is counted once
more, as `text.prose`, for the places where humans wrote prose only: there no text scores by quoting code.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from evals import repeats
from evals.held_out import HeldOut, Key
from evals.matching import Placed
from evals.metrics import Metric, Ratio
from evals.predictions import Predicted, Prediction
from evals.reference_texts import choose_constants, fill_template, find_hunk, index_neighbours, permute, render_hunk
from evals.repeats import Repeats
from evals.scorecard import Pair
from evals.table import Row
from evals.text_scorers import TextPair, TextScorer
from evals.training_pairs import TrainingPair
from reviewer.domain import Hunk, Side

SCORERS: Final = {"bertscore": "BERTScore", "chrf": "chrF", "rouge_l": "ROUGE-L"}
REFERENCE_TEXTS: Final = {
    "constant": "the best constant comment",
    "shuffled": "itself, against human comments of other places",
    "retrieval": "the human comment on the most similar training hunk, or else the constant",
    "template": "the template that quotes the line that the human commented on",
}
"""What a candidate is compared with at the places of its own comments. Each is a column of its own."""
SHOWN: Final = 12
"""Pairs that are kept for people."""

_CODE: Final = re.compile(r"`|^~~~|(?:\A|\n[ \t]*\n)(?: {4}|\t)[^\s]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Spot:
    """What humans said on one line. `hunk` shows it, or else another line of theirs; None: no hunk does."""

    held: HeldOut
    path: str
    side: Side
    line: int
    texts: tuple[str, ...]
    hunk: Hunk | None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The families of columns that it counts in."""
        return ("text", "text.prose") if all(map(is_prose, self.texts)) else ("text",)


@dataclass(frozen=True, slots=True)
class Place:
    """A comment of a candidate, and the spot that it was matched with, by its number among all of the set."""

    spot: int
    ours: Predicted


@dataclass(frozen=True)
class Similarity:
    """All that came of it. `scores`, by scorer and text, has one score for each of `places`, or of `untuned`.

    `constants`: the best constant comment, by scorer. `describe`: what each scorer's scores depend on.
    """

    keys: Sequence[Key]
    spots: Sequence[Spot]
    places: Sequence[Place]
    untuned: Sequence[Place] | None
    repeats: Repeats
    scores: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    describe: dict[str, dict[str, Any]] = field(default_factory=dict)

    def count(self, wants: Callable[[str], bool] = lambda _: True) -> dict[Key, Row]:
        """The counts of each pull request, of the files that `wants` takes: all of them, if nothing else is said."""
        rows: dict[Key, defaultdict[str, float]] = {key: defaultdict(float) for key in self.keys}
        self.repeats.count(rows, wants)
        for name, scores in self.scores.items():
            for spot in self.spots:
                if wants(spot.path):
                    for scope in spot.scopes:
                        rows[spot.held.key][f"{scope}.{name}.gold"] += 1
                        rows[spot.held.key][f"{scope}.{name}.untuned.gold"] += self.untuned is not None
            for text, values in scores.items():
                places = self.untuned if text == "untuned" else self.places
                for place, score in zip(places or (), values, strict=True):
                    spot = self.spots[place.spot]
                    for scope in spot.scopes if wants(spot.path) else ():
                        rows[spot.held.key][f"{scope}.{name}.{text}"] += score
                        rows[spot.held.key][f"{scope}.{name}.{text}.matched"] += 1
        return dict(rows.items())

    def list_best(self, name: str, count: int = SHOWN) -> list[Pair]:
        """The pairs that a scorer finds most alike, best first, one of a pull request, for people to read."""
        scores = self.scores.get(name, {}).get("own", [])
        order = sorted(range(len(scores)), key=lambda at: (-scores[at], self.places[at].spot))
        best: dict[Key, Pair] = {}
        for rank, at in enumerate(order, 1):
            spot, ours = self.spots[self.places[at].spot], self.places[at].ours
            if spot.held.key not in best and len(best) < count:
                hunk = find_hunk(spot.held, ours.path, ours.side, ours.line)
                lines = [(line.side, line.number) for line in hunk.lines] if hunk else []
                place = (ours.side, ours.line)
                best[spot.held.key] = Pair(
                    *spot.held.key,
                    ours.path,
                    ours.line,
                    render_hunk(hunk) if hunk else "",
                    "\n\n".join(spot.texts),
                    ours.body,
                    scores[at],
                    lines.index(place) if place in lines else -1,
                    rank,
                    len(order),
                )
        return list(best.values())


def score_similarity(
    held_out: Sequence[HeldOut],
    predictions: Mapping[Key, Prediction],
    scorers: Sequence[TextScorer],
    pairs: Sequence[TrainingPair] = (),
    untuned: Mapping[Key, Prediction] | None = None,
    seed: int = 0,
) -> Similarity:
    """Compare a candidate's comments with the human ones.

    Args:
        held_out: The pull requests; those without a prediction are left out.
        predictions: The candidate's.
        scorers: How alike texts are. Only those named in `SCORERS` have metrics.
        pairs: Training comments, for the constant and for retrieval. Those of held-out pull requests are not used.
        untuned: What the model made of the same pull requests before it was trained.
        seed: Of the shuffled references, and of the sample that the constant is chosen with.
    """
    chosen = [held for held in held_out if held.key in predictions]
    theirs = {held.key for held in held_out}
    pairs = [pair for pair in pairs if pair.key not in theirs]
    spots = [spot for held in chosen for spot in _list_spots(held)]
    places = _match(chosen, spots, predictions)
    before = None if untuned is None else _match(chosen, spots, untuned)
    parts = {"own": _compare(spots, places), **_stand_in(spots, places, pairs, seed)}
    if before is not None:
        parts["untuned"] = _compare(spots, before)
    comments = [pair.comment for pair in pairs]
    result = Similarity([held.key for held in chosen], spots, places, before, Repeats(chosen, predictions, comments))
    result.constants.update(choose_constants(scorers, comments, seed))
    neighbours = parts.get("retrieval", ())
    for scorer in scorers:
        if comments:
            constant = result.constants.get(scorer.name, "")
            parts["constant"] = [(constant, spots[place.spot].texts) for place in places]
            parts["retrieval"] = [(found if found.strip() else constant, texts) for found, texts in neighbours]
        result.scores[scorer.name] = _score_all(scorer, parts)
        result.describe[scorer.name] = scorer.describe()
    return result


def is_prose(text: str) -> bool:
    """Whether a comment has no code: no block, no suggestion and nothing in backticks."""
    return not _CODE.search(text)


def keep_texts(held: HeldOut) -> HeldOut:
    """The pull request with those human comments alone that a text can be compared with."""
    return replace(held, gold=tuple(gold for gold in held.gold if gold.teaches and gold.body.strip()))


def _list_spots(held: HeldOut) -> Iterator[Spot]:
    kept = keep_texts(held)
    for spot in Placed(kept, Prediction(*held.key, "")).spots:
        hunk = find_hunk(held, spot.path, spot.side, spot.last)
        if hunk is None and spot.hunks:
            hunk = held.bundle.pull_request.hunks_of(spot.path)[min(spot.hunks)]
        texts = tuple(kept.gold[at].body for at in spot.comments)
        yield Spot(held, spot.path, spot.side, spot.last, texts, hunk)


def _match(chosen: Sequence[HeldOut], spots: Sequence[Spot], predictions: Mapping[Key, Prediction]) -> list[Place]:
    """Pair what was posted with the spots; both in the order of the pull requests."""
    found: list[Place] = []
    first = dict.fromkeys((held.key for held in chosen), 0)
    for at, spot in reversed(list(enumerate(spots))):
        first[spot.held.key] = at
    for held in chosen:
        if prediction := predictions.get(held.key):
            matched = Placed(keep_texts(held), prediction).match("hunk")
            found += [
                Place(first[held.key] + spot, prediction.comments[comment]) for comment, spot in sorted(matched.items())
            ]
    return found


def _compare(spots: Sequence[Spot], places: Sequence[Place]) -> list[TextPair]:
    return [(place.ours.body, spots[place.spot].texts) for place in places]


def _stand_in(
    spots: Sequence[Spot], places: Sequence[Place], pairs: Sequence[TrainingPair], seed: int
) -> dict[str, list[TextPair]]:
    """The texts that stand in for the candidate's, each beside what humans said there; the constant comes later."""
    there = [spots[place.spot] for place in places]
    partners = _shuffle(spots, seed)
    found: dict[str, list[TextPair]] = {
        "shuffled": [(place.ours.body, spots[partners[place.spot]].texts) for place in places],
        "template": [
            (fill_template(spot.hunk, spot.side, spot.line) if spot.hunk else "", spot.texts) for spot in there
        ],
    }
    if pairs:
        neighbours = index_neighbours(tuple(pairs))
        found["retrieval"] = [(neighbours.find(spot.hunk), spot.texts) for spot in there]
    return found


def _shuffle(spots: Sequence[Spot], seed: int) -> dict[int, int]:
    """For each spot another one that counts in the same scopes, by their numbers.

    What humans wrote in prose is beside prose: a comment full of code would be less like anything that is said there.
    """
    partners: dict[int, int] = {}
    for scopes in sorted({spot.scopes for spot in spots}):
        group = [at for at, spot in enumerate(spots) if spot.scopes == scopes]
        order = permute([spots[at].held.key for at in group], seed)
        partners.update(zip(group, (group[at] for at in order), strict=True))
    return partners


def _score_all(scorer: TextScorer, parts: Mapping[str, Sequence[TextPair]]) -> dict[str, list[float]]:
    """The scores of all parts, in one batch."""
    scores = iter(scorer.score([pair for part in parts.values() for pair in part]))
    return {name: [next(scores) for _ in part] for name, part in parts.items()}


def _list_metrics() -> Iterator[Metric]:
    for scope, of in (("text", ""), ("text.prose", ", prose only")):
        for name, label in SCORERS.items():
            start = f"{scope}.{name}"
            own = {f"{start}.own": 1.0}
            matched = Ratio(own, {f"{start}.own.matched": 1.0})
            about = "The mean over the comments that stand in a hunk where a human commented."
            yield Metric(f"{start}.matched", f"{label}, matched{of}", matched, unit="score", about=about)
            whole = Ratio(own, {f"{start}.gold": 1.0})
            about = "The mean over all lines that humans commented on; 0 for those that were missed."
            yield Metric(f"{start}.all_gold", f"{label}, all human comments{of}", whole, unit="score", about=about)
            for text, words in REFERENCE_TEXTS.items():
                lift = Ratio({**own, f"{start}.{text}": -1.0}, {f"{start}.{text}.matched": 1.0})
                about = f"What a comment has beyond {words}, at the same places."
                yield Metric(f"{start}.lift_{text}", f"{label}, lift over {text}{of}", lift, unit="score", about=about)
            lift = Ratio({**own, f"{start}.untuned": -1.0}, {f"{start}.untuned.gold": 1.0})
            about = "What it has beyond the same model before training, over all lines that humans commented on."
            yield Metric(f"{start}.lift_untuned", f"{label}, lift over untuned{of}", lift, unit="score", about=about)


METRICS: Final[tuple[Metric, ...]] = (*_list_metrics(), *repeats.METRICS)
