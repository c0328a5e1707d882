"""Score runs on held-out pull requests: every count of every pull request, the figures made of them, and the slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evals import facts, location, ranking, running, similarity
from evals.contamination import list_origins, list_trained, note_contamination
from evals.held_out import HeldOut, Key
from evals.loaded_run import LoadedRun, Sample
from evals.matching import STRICTNESSES
from evals.metrics import Metric, Ratio
from evals.predictions import Prediction
from evals.scorecard import Estimate, Pair, SavedPool, Scorecard, Slice
from evals.similarity import Similarity, score_similarity
from evals.slices import Part, list_parts, note_size, restrict
from evals.statistics import estimate
from evals.table import Item, Pool, Row, Table, build_table
from evals.text_scorers import TextScorer
from evals.training_pairs import TrainingPair, describe_pairs

METRICS: Final[tuple[Metric, ...]] = (
    *location.METRICS,
    *ranking.METRICS,
    *similarity.METRICS,
    *facts.METRICS,
    *running.METRICS,
)
"""Every figure of a scorecard."""
SLICE_METRICS: Final = (
    "location.hunk.f1",
    "location.hunk.precision",
    "location.hunk.recall",
    "location.hunk.recall_open",
    "running.noise",
    "text.bertscore.matched",
    "text.chrf.matched",
)
"""The figures of a slice."""
EXAMPLES: Final = 48
"""Pairs of texts that a scorecard keeps for people: from the most alike to the least, at even steps."""
_POOLS: Final[dict[str, str]] = {**location.POOLS, **ranking.POOLS}
_DIGITS: Final = 6

Pairs = Sequence[tuple[HeldOut, Prediction]]


@dataclass(frozen=True)
class Seen:
    """What is known of what the model saw: its training pairs (None: not known), and the day on which it came out."""

    pairs: Sequence[TrainingPair] | None = None
    released: str = ""


@dataclass(frozen=True)
class Texts:
    """How texts are compared, and what the model said before it was trained, if that is known."""

    scorers: Sequence[TextScorer] = ()
    untuned: Mapping[Key, Prediction] | None = None
    notes: tuple[str, ...] = ()
    """Sentences for the scorecard, as when a scorer is missing."""


def score_run(run: LoadedRun, sample: Sample, texts: Texts | None = None, seen: Seen | None = None) -> Scorecard:
    """The scorecard of a run on these pull requests, all of which it has. `texts` None: they are not compared."""
    seen = seen or Seen()
    held = sample.pull_requests
    pairs = [(one, run.predictions[one.key]) for one in held]
    said = compare_texts(pairs, texts, seen) if texts else None
    table = count(pairs, said.count() if said else {})
    metrics = list_metrics(said)
    trained_on = None if seen.pairs is None else list_trained(held, seen.pairs)
    return Scorecard(
        candidate=run.run.candidate,
        kind=run.run.kind,
        model=run.run.model,
        dataset=sample.held_out.name,
        revision=sample.held_out.revision,
        glossator=run.run.glossator,
        metrics=estimate_all(metrics, table),
        keys=list(table.keys),
        columns={name: column.tolist() for name, column in table.columns.items()},
        pools={name: _save_pool(pool) for name, pool in table.pools.items()},
        slices=[
            score_part(part, pairs, table, said) for part in list_parts(held, trained_on, sample.held_out.pull_requests)
        ],
        origins=list_origins(held),
        curves={name: location.trace_curve(table, name) for name in map(_pool_name, STRICTNESSES)},
        calibration=location.bin_scores(table.pools[_pool_name("hunk")]),
        drops=_add_drops(prediction for _, prediction in pairs),
        pairs=choose_pairs(said) if said else [],
        text_scorer=describe_scoring(said, seen) if said else {},
        settings=run.run.settings,
        in_set=len(sample.held_out.pull_requests),
        holes=sample.holes,
        notes=[
            *sample.notes,
            *location.note_unplaced(held),
            *(texts.notes if texts else ("Texts were not compared.",)),
            *note_contamination(held, seen.pairs, seen.released),
        ],
    )


def compare_texts(pairs: Pairs, texts: Texts, seen: Seen) -> Similarity:
    """How alike the run's comments are to the human ones."""
    predictions = {held.key: prediction for held, prediction in pairs}
    held_out = [held for held, _ in pairs]
    return score_similarity(held_out, predictions, texts.scorers, seen.pairs or (), texts.untuned)


def describe_scoring(said: Similarity, seen: Seen) -> dict[str, Any]:
    """What the figures of texts depend on: the scorers, and the training pairs that reference texts come from."""
    return {**said.describe, **({"training_pairs": describe_pairs(seen.pairs)} if seen.pairs else {})}


def list_metrics(said: Similarity | None) -> list[Metric]:
    """The figures that are worked out: none of texts that were not compared in its way."""
    absent = similarity.SCORERS.keys() - (said.describe.keys() if said else ())
    return [
        metric
        for metric in METRICS
        if (said or not metric.name.startswith("text.")) and absent.isdisjoint(metric.name.split("."))
    ]


def count(pairs: Pairs, said: Mapping[Key, Row]) -> Table:
    """The counts of all pull requests, those of texts among them, and the pools of what is ranked."""
    listed = [location.list_pools(*pair) | ranking.list_pools(*pair) for pair in pairs]
    pools: dict[str, tuple[str, list[Sequence[Item]]]] = {
        name: (positives, [of_row[name] for of_row in listed]) for name, positives in _POOLS.items()
    }
    rows = [
        {
            **count_places(*pair),
            **ranking.score_ranking(*pair),
            **facts.check_facts(*pair),
            **said.get(pair[0].key, {}),
        }
        for pair in pairs
    ]
    return build_table([held.key for held, _ in pairs], rows, pools)


def count_places(held: HeldOut, prediction: Prediction) -> Row:
    """What is counted of a pull request, or of some of its files, without its texts and its ranking."""
    return {**location.score_location(held, prediction), **running.score_running(held, prediction)}


def estimate_all(metrics: Iterable[Metric], table: Table) -> dict[str, Estimate]:
    """Each figure by name."""
    return {metric.name: estimate(metric, table) for metric in metrics}


def score_part(part: Part, pairs: Pairs, table: Table, said: Similarity | None = None) -> Slice:
    """The figures of a slice. Whole pull requests are rows of the table; a choice of files is counted again."""
    chosen = [pairs[row] for row in part.rows]
    if part.wants is None:
        counts = _pick_rows(table, part.rows)
    else:
        texts = said.count(part.wants) if said else {}
        chosen = [restrict(held, prediction, part.wants) for held, prediction in chosen]
        rows = [{**count_places(*pair), **texts.get(pair[0].key, {})} for pair in chosen]
        counts = build_table([held.key for held, _ in chosen], rows)
    metrics = [metric for metric in list_metrics(said) if metric.name in SLICE_METRICS]
    gold = [count_spots(held) for held, _ in chosen]
    return Slice(
        field=part.field,
        value=part.value,
        pull_requests=len(chosen),
        gold=sum(gold),
        metrics=estimate_all(metrics, counts),
        note=note_size(sum(map(bool, gold)), sum(gold)),
        rows=list(part.rows),
        columns={} if part.wants is None else {name: counts.column(name).tolist() for name in _list_columns(metrics)},
    )


def count_spots(held: HeldOut) -> int:
    """The lines that humans commented on: several comments on one line count once, as in the figures."""
    return len({(comment.path, comment.side, comment.line) for comment in held.gold})


def choose_pairs(said: Similarity) -> list[Pair]:
    """Pairs of a human comment and ours by the first scorer, from the most alike to the least."""
    ranked = said.list_best(next(iter(said.scores)), len(said.places)) if said.scores else []
    places = np.linspace(0, len(ranked) - 1, min(EXAMPLES, len(ranked))).round().astype(np.int64)
    return [ranked[place] for place in places]


def _pick_rows(table: Table, rows: Sequence[int]) -> Table:
    """These rows without the pools."""
    chosen = np.array(rows, dtype=np.int64)
    columns = {name: column[chosen] for name, column in table.columns.items()}
    return Table(tuple(table.keys[row] for row in rows), columns)


def _list_columns(metrics: Iterable[Metric]) -> list[str]:
    """What ratios are made of, by name."""
    ratios = [metric.formula for metric in metrics if isinstance(metric.formula, Ratio)]
    return sorted({name for ratio in ratios for name in (*ratio.numerator, *ratio.denominator)})


def _save_pool(pool: Pool) -> SavedPool:
    scores = np.round(pool.scores, _DIGITS).tolist()
    return SavedPool(pool.rows.tolist(), scores, pool.gains.tolist(), pool.positives)


def _add_drops(predictions: Iterable[Prediction]) -> dict[str, int]:
    drops = Counter[str]()
    for prediction in predictions:
        drops.update(prediction.drops)
    return dict(sorted(drops.items()))


def _pool_name(strictness: str) -> str:
    return f"location.{strictness}"
