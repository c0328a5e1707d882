"""Location: does a candidate comment where humans did? Precision, recall, F1 and average precision of its comments.

Only a pull request of which all human comments are known has a say in precision, F1 and average precision. Of any other
one nothing is counted but `location.open.*`, which is ground for recall alone: no metric of precision reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from evals.held_out import HeldOut
from evals.matching import STRICTNESSES, Placed, Strictness, count_lines
from evals.metrics import AveragePrecision, Metric, Ratio
from evals.predictions import Prediction
from evals.scorecard import Bin, Point
from evals.table import Floats, Item, Pool, Row, Table

NAMES: Final[dict[Strictness, str]] = {
    "line": "exact line",
    "near": "within 3 lines",
    "hunk": "same hunk",
    "file": "same file",
}
POOLS: Final[dict[str, str]] = {
    f"location.{strictness}{part}": "location.gold" for strictness in STRICTNESSES for part in ("", ".commented")
}
"""The column that counts what could be found, by pool."""


def score_location(held: HeldOut, prediction: Prediction) -> Row:
    """Count the posted comments of one pull request, the human spots, and how many of them meet.

    Columns, for each strictness S: `location.S.tp`, and of this one pull request `location.S.macro_precision`,
    `.macro_recall` and `.macro_f1`; `location.placed.S.tp` where each human comment has a line in the diff;
    `location.open.S.tp` where not all human comments are known. Then what these are divided by: `location.predicted`,
    `location.gold`, and 1 in `location.posting` where there is a posted comment, in `location.commented` where there is
    a human one, in `location.either` where there is any. `location.lines` are those of all posted comments, and
    `location.unplaced` the human ones that have no line in the diff.
    """
    placed = Placed(held, prediction)
    gold = len(placed.spots)
    found = {strictness: len(placed.match(strictness)) for strictness in STRICTNESSES}
    if not held.complete:
        return {"location.open.gold": gold} | {f"location.open.{name}.tp": tp for name, tp in found.items()}
    posted = [comment for comment in prediction.comments if comment.posted]
    predicted = len(posted)
    row: dict[str, float] = {
        "location.gold": gold,
        "location.predicted": predicted,
        "location.lines": sum(count_lines(comment) for comment in posted),
        "location.predicted_commented": predicted if gold else 0,
        "location.posting": bool(predicted),
        "location.commented": bool(gold),
        "location.either": bool(predicted or gold),
        "location.unplaced": held.unplaced,
    }
    if not held.unplaced:
        row |= {"location.placed.gold": gold, "location.placed.predicted": predicted}
    for strictness, tp in found.items():
        row[f"location.{strictness}.tp"] = tp
        row[f"location.{strictness}.macro_precision"] = tp / max(1, predicted)
        row[f"location.{strictness}.macro_recall"] = tp / max(1, gold)
        row[f"location.{strictness}.macro_f1"] = 2 * tp / max(1, predicted + gold)
        if not held.unplaced:
            row[f"location.placed.{strictness}.tp"] = tp
    return row


def note_unplaced(held_out: Sequence[HeldOut]) -> tuple[str, ...]:
    """A sentence on the human comments that nobody can find; none where each has a line in the diff."""
    lost = [held.unplaced for held in held_out if held.unplaced]
    if not lost:
        return ()
    human = sum(lost) + sum(len(held.gold) for held in held_out)
    where = f"on {len(lost):,} of {len(held_out):,} pull requests"
    what = f"{sum(lost):,} of {human:,} human comments, {where}, have no line in the diff"
    return (f"{what}: who comments there seems to be wrong. Figures of fully placed pull requests leave these out.",)


def list_ranked(held: HeldOut, prediction: Prediction, strictness: Strictness) -> list[Item]:
    """The comments of a pull request for a pool, those over the budget too. None unless all human ones are known.

    A comment is right when it adds a pair to the matching of those with a better score.
    """
    return _list_items(Placed(held, prediction), strictness) if held.complete else []


def list_pools(held: HeldOut, prediction: Prediction) -> dict[str, list[Item]]:
    """What this pull request adds to each of POOLS; to those named `commented` only if a human commented on it."""
    if not held.complete:
        return {name: [] for name in POOLS}
    placed = Placed(held, prediction)
    pools: dict[str, list[Item]] = {}
    for strictness in STRICTNESSES:
        items = _list_items(placed, strictness)
        pools[f"location.{strictness}"] = items
        pools[f"location.{strictness}.commented"] = items if placed.spots else []
    return pools


def _list_items(placed: Placed, strictness: Strictness) -> list[Item]:
    return [Item(placed.comments[at].score, float(gains), placed.ties[at]) for at, gains in placed.rank(strictness)]


def trace_curve(table: Table, pool: str, most: int = 200) -> list[Point]:
    """The precision and recall of the best comments of a pool, for more and more of them.

    Comments of the same score are taken together. At most about `most` points, the last one with all comments. Empty
    when there is no comment, or nothing to find.
    """
    ranked = table.pools[pool]
    positives = float(table.column(ranked.positives).sum())
    if not positives or not len(ranked.scores):
        return []
    seen, right = np.arange(1, len(ranked.scores) + 1), np.cumsum(ranked.gains)
    ends = np.flatnonzero(np.append(np.diff(ranked.scores) != 0, True))
    kept = np.unique(ends[np.linspace(0, len(ends) - 1, min(most, len(ends))).round().astype(np.int64)])
    return [
        Point(float(seen[at] / len(seen)), float(right[at] / seen[at]), float(right[at] / positives)) for at in kept
    ]


def bin_scores(pool: Pool, bins: int = 10) -> list[Bin]:
    """Are comments with a higher score more often right? Bins of about as many comments each, the lowest score first.

    Comments of the same score stay together, so that there can be fewer bins.
    """
    if not len(pool.scores):
        return []
    edges = np.unique(np.quantile(pool.scores, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    places = np.searchsorted(edges, pool.scores, side="right")
    parts = ((pool.scores[places == place], pool.gains[places == place]) for place in np.unique(places))
    return [Bin(_mean(scores), _mean(gains), len(scores)) for scores, gains in parts]


def _mean(values: Floats) -> float:
    return float(np.mean(values))


def _list_metrics(strictness: Strictness) -> Iterator[Metric]:
    base, label = f"location.{strictness}", NAMES[strictness]
    tp, predicted, gold = f"{base}.tp", "location.predicted", "location.gold"
    placed_tp, placed_predicted, placed_gold = (
        f"location.placed.{strictness}.tp",
        "location.placed.predicted",
        "location.placed.gold",
    )
    commented = "location.predicted_commented"
    everywhere = "Pull requests that no human commented on count too."
    some = "Only pull requests with a human comment: flatters whoever comments everywhere."
    whole = "Only pull requests each of whose human comments has a line in the diff."
    each = "Mean over pull requests."
    yield Metric(f"{base}.precision", f"Precision, {label}", _ratio(tp, predicted), about=everywhere)
    yield Metric(f"{base}.recall", f"Recall, {label}", _ratio(tp, gold))
    yield Metric(f"{base}.f1", f"F1, {label}", _f1(tp, predicted, gold), about=everywhere)
    yield Metric(f"{base}.ap", f"Average precision, {label}", AveragePrecision(base), about=everywhere)
    yield Metric(
        f"{base}.recall_open",
        f"Recall, {label}, where not all human comments are known",
        _ratio(f"location.open.{strictness}.tp", "location.open.gold"),
    )
    named = f"{label}, commented pull requests"
    yield Metric(f"{base}.precision_commented", f"Precision, {named}", _ratio(tp, commented), about=some)
    yield Metric(f"{base}.f1_commented", f"F1, {named}", _f1(tp, commented, gold), about=some)
    yield Metric(
        f"{base}.ap_commented", f"Average precision, {named}", AveragePrecision(f"{base}.commented"), about=some
    )
    named = f"{label}, fully placed pull requests"
    yield Metric(f"{base}.precision_placed", f"Precision, {named}", _ratio(placed_tp, placed_predicted), about=whole)
    yield Metric(f"{base}.recall_placed", f"Recall, {named}", _ratio(placed_tp, placed_gold), about=whole)
    yield Metric(f"{base}.f1_placed", f"F1, {named}", _f1(placed_tp, placed_predicted, placed_gold), about=whole)
    named = f"{label}, per pull request"
    yield Metric(
        f"{base}.macro_precision",
        f"Precision, {named}",
        _ratio(f"{base}.macro_precision", "location.posting"),
        about=f"{each} Those with a posted comment.",
    )
    yield Metric(
        f"{base}.macro_recall",
        f"Recall, {named}",
        _ratio(f"{base}.macro_recall", "location.commented"),
        about=f"{each} Those with a human comment.",
    )
    yield Metric(
        f"{base}.macro_f1",
        f"F1, {named}",
        _ratio(f"{base}.macro_f1", "location.either"),
        about=f"{each} Those with a posted or a human comment.",
    )


def _ratio(above: str, below: str) -> Ratio:
    return Ratio({above: 1}, {below: 1})


def _f1(tp: str, predicted: str, gold: str) -> Ratio:
    return Ratio({tp: 2}, {predicted: 1, gold: 1})


METRICS: Final[tuple[Metric, ...]] = (
    *(metric for strictness in STRICTNESSES for metric in _list_metrics(strictness)),
    Metric(
        "location.lines",
        "Lines of a comment",
        _ratio("location.lines", "location.predicted"),
        "neither",
        "count",
        "Whoever points to more lines meets more human comments: compare line and near only between much the same.",
    ),
)
