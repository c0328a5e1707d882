"""Ranking: does a candidate point to the right hunks and lines first, whether it comments on them or not?

A hunk is right when a human comment lies on one of its lines. A line is right when it was added or removed and lies in
the range of a human comment; a comment on unchanged lines alone has no such line and counts as never found.

Equal scores tell nothing: each figure of one pull request is its mean over all orders that ties allow (`evals.ties`).
In pools, which go over all pull requests, a draw orders ties.

Lines that humans remarked on are mostly changed afterwards, and such a remark has no line in the final diff. The
figures `ranking.remarked.*` count the hunk with its code as right too, where it can be told (`HeldOut.outdated`).

Only where all human comments are known is a hunk without one wrong. Of any other pull request nothing is counted but
`ranking.open.*`, which is ground for recall alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from evals.errors import EvalError
from evals.held_out import HeldOut
from evals.matching import Spot, list_spots
from evals.metrics import AveragePrecision, Metric, Ratio
from evals.predictions import Prediction, list_changed, list_hunks
from evals.table import Floats, Item, Row
from evals.ties import Bools, draw_tie, expect_average_precision, expect_hit, expect_right

MANY: Final = 3
"""A pull request with more hunks than this has many: where there are few, a hit says little."""
PRECISIONS: Final = (1, 3, 5)
TOPS: Final = (5, 10)
SHARE: Final = 5
"""One line in so many is looked at for `recall20`."""
POOLS: Final = {
    "ranking.hunk": "ranking.hunk.right",
    "ranking.hunk.commented": "ranking.hunk.right",
    "ranking.remarked": "ranking.remarked.right",
    "ranking.remarked.commented": "ranking.remarked.right",
}
"""The column that counts what could be found, by pool."""
_REMARKED: Final = ("hunks", "right", "many", "p1_many", "mixed", "within_ap")


def score_ranking(held: HeldOut, prediction: Prediction) -> Row:
    """Count how far up the right hunks and lines of one pull request stand.

    Columns: `ranking.diffs` (1 when there is a hunk) and `ranking.ranked` (1 when these have scores). Then what
    `METRICS` divides; what they are divided by are `ranking.hunk.diffs`, `.commented`, `.many`, `.mixed` and
    `ranking.line.commented`, which are 1 where it applies, and `ranking.line.spots`.

    Raises:
        EvalError: There are more or fewer scores than hunks or changed lines.
    """
    spots = list_spots(held)
    if not held.complete:
        return {f"ranking.open.{name}": value for name, value in _count_recall(held, prediction, spots).items()}
    right = list_right(held, spots)
    row = {"ranking.diffs": float(bool(len(right))), "ranking.ranked": float(bool(prediction.hunk_scores))}
    if prediction.hunk_scores:
        scores = _check(prediction, "hunk", prediction.hunk_scores, len(right))
        row |= {f"ranking.hunk.{name}": value for name, value in _count_hunks(scores, right).items()}
        remarked = _count_hunks(scores, list_remarked(held, spots))
        row |= {f"ranking.remarked.{name}": remarked[name] for name in _REMARKED if name in remarked}
    if spots and prediction.line_scores:
        row |= {f"ranking.line.{name}": value for name, value in _count_lines(held, prediction, spots).items()}
    return row


def list_pools(held: HeldOut, prediction: Prediction) -> dict[str, list[Item]]:
    """The hunks of this pull request for each of POOLS; for `commented` only if one of them is right.

    Raises:
        EvalError: There are more or fewer scores than hunks.
    """
    pools: dict[str, list[Item]] = {name: [] for name in POOLS}
    if not held.complete or not prediction.hunk_scores:
        return pools
    hunks, spots = list_hunks(held), list_spots(held)
    scores = _check(prediction, "hunk", prediction.hunk_scores, len(hunks)).tolist()
    ties = [draw_tie(*held.key, hunk.path, hunk.source_start, hunk.target_start) for hunk in hunks]
    for name, right in (("hunk", list_right(held, spots)), ("remarked", list_remarked(held, spots))):
        items = list(map(Item, scores, right.astype(np.float64).tolist(), ties))
        pools[f"ranking.{name}"] = items
        pools[f"ranking.{name}.commented"] = items if right.any() else []
    return pools


def list_right(held: HeldOut, spots: Sequence[Spot]) -> Bools:
    """(hunks,): whether a human comment lies on the hunk, in the order of `list_hunks`."""
    right: list[bool] = []
    for file in held.bundle.pull_request.files:
        touched = {at for spot in spots if spot.path == file.path for at in spot.hunks}
        right += [at in touched for at in range(len(file.hunks))]
    return np.array(right, dtype=np.bool_)


def list_remarked(held: HeldOut, spots: Sequence[Spot]) -> Bools:
    """(hunks,): as `list_right`; also right is a hunk with the code of a human comment whose line was changed since."""
    files = held.bundle.pull_request.files
    moved = {(one.path, one.hunk) for one in held.outdated}
    found: Bools = np.array(
        [(file.path, at) in moved for file in files for at in range(len(file.hunks))], dtype=np.bool_
    )
    return found | list_right(held, spots)


def _count_hunks(scores: Floats, right: Bools) -> dict[str, float]:
    hunks, positives = len(right), int(np.sum(right))
    row: dict[str, float] = {"diffs": 1, "hunks": hunks, "right": positives}
    if not positives:
        return row
    row |= {"commented": 1, "hunks_commented": hunks, "many": hunks > MANY, "mixed": positives < hunks}
    row |= {f"p{best}": expect_right(scores, right, best) / min(best, hunks) for best in PRECISIONS}
    row["p1_many"] = row["p1"] * row["many"]
    row["within_ap"] = expect_average_precision(scores, right) * row["mixed"]
    return row | _count_tops(scores, right)


def _count_tops(scores: Floats, right: Bools) -> dict[str, float]:
    row: dict[str, float] = {}
    for best in TOPS:
        row[f"top{best}"] = expect_hit(scores, right, best)
        row[f"more{best}"] = len(scores) > best
        row[f"top{best}_many"] = row[f"top{best}"] * row[f"more{best}"]
    return row


def _count_lines(held: HeldOut, prediction: Prediction, spots: Sequence[Spot]) -> dict[str, float]:
    scores, by_spot = _read_lines(held, prediction, spots)
    return {"commented": 1} | _count_tops(scores, np.any(by_spot, axis=0)) | _count_found(scores, by_spot)


def _count_recall(held: HeldOut, prediction: Prediction, spots: Sequence[Spot]) -> dict[str, float]:
    if not spots or not prediction.line_scores:
        return {}
    return _count_found(*_read_lines(held, prediction, spots))


def _count_found(scores: Floats, by_spot: Bools) -> dict[str, float]:
    best = max(1, len(scores) // SHARE)
    return {"spots": len(by_spot), "found20": sum(expect_hit(scores, right, best) for right in by_spot)}


def _read_lines(held: HeldOut, prediction: Prediction, spots: Sequence[Spot]) -> tuple[Floats, Bools]:
    """The scores (changed lines,), and for each spot (spots, changed lines) which of them are right."""
    changed = list_changed(held)
    scores = _check(prediction, "line", prediction.line_scores, len(changed))
    of_path: dict[str, list[int]] = {}
    for at, (_, hunk, _) in enumerate(changed):
        of_path.setdefault(hunk.path, []).append(at)
    right = np.zeros((len(spots), len(changed)), dtype=np.bool_)
    for row, spot in zip(right, spots, strict=True):
        for at in of_path.get(spot.path, ()):
            line = changed[at][2]
            row[at] = line.side == spot.side and spot.first <= line.number <= spot.last
    return scores, right


def _check(prediction: Prediction, what: str, scores: Sequence[float], expected: int) -> Floats:
    if len(scores) != expected:
        raise EvalError(
            f"{prediction.repo}#{prediction.number} has {len(scores)} {what} scores for {expected} in the diff.",
            "Run the candidate again on this held-out set.",
        )
    return np.array(scores, dtype=np.float64)


def _list_metrics() -> Iterator[Metric]:
    everywhere = "Pull requests that no human commented on count too."
    pooled = "Over all pull requests together: mostly tells small pull requests from large ones."
    yield _metric("hunk.base", "Share of hunks with a human comment", "hunk.right", "hunk.hunks", "What chance gets.")
    yield Metric(
        "ranking.hunk.ap",
        "Average precision of hunks",
        AveragePrecision("ranking.hunk"),
        about=f"{pooled} {everywhere}",
    )
    yield Metric(
        "ranking.hunk.ap_commented",
        "Average precision of hunks, commented pull requests",
        AveragePrecision("ranking.hunk.commented"),
        about=pooled,
    )
    about = "Mean over pull requests with hunks of both kinds."
    yield _metric("hunk.within_ap", "Average precision within a pull request", "hunk.within_ap", "hunk.mixed", about)
    for best in PRECISIONS:
        label = f"Precision of the best {best} hunks" if best > 1 else "Precision of the best hunk"
        yield _metric(f"hunk.p{best}", label, f"hunk.p{best}", "hunk.commented")
        label = f"{label}, all pull requests"
        yield _metric(f"hunk.p{best}_all", label, f"hunk.p{best}", "hunk.diffs", everywhere)
    label = f"Precision of the best hunk, more than {MANY} hunks"
    yield _metric("hunk.p1_many", label, "hunk.p1_many", "hunk.many")
    yield from _list_remarked_metrics(f"{pooled} {everywhere}", pooled, about, label)
    for what in ("hunk", "line"):
        for best in TOPS:
            label = f"A right {what} among the best {best}"
            yield _metric(f"{what}.top{best}", label, f"{what}.top{best}", f"{what}.commented")
            label = f"{label}, where there are more"
            yield _metric(f"{what}.top{best}_many", label, f"{what}.top{best}_many", f"{what}.more{best}")
    label = "Human comments found in the best 20 % of the changed lines"
    yield _metric("line.recall20", label, "line.found20", "line.spots")
    label = f"{label}, where not all human comments are known"
    yield _metric("line.recall20_open", label, "open.found20", "open.spots")
    yield _metric("ranked", "Pull requests whose hunks are ranked", "ranked", "diffs")


def _list_remarked_metrics(all_about: str, pooled: str, within: str, first: str) -> Iterator[Metric]:
    counted = "A hunk with code that was remarked on and changed since counts as right too."
    label = "Share of hunks that a human remarked on"
    yield _metric("remarked.base", label, "remarked.right", "remarked.hunks", f"What chance gets. {counted}")
    for pool, where, about in (("remarked", "", all_about), ("remarked.commented", ", remarked pull requests", pooled)):
        name = "ranking.remarked.ap" + "_commented" * bool(where)
        label = f"Average precision of remarked hunks{where}"
        yield Metric(name, label, AveragePrecision(f"ranking.{pool}"), about=f"{about} {counted}")
    label, name = "Average precision within a pull request, remarked hunks", "remarked.within_ap"
    yield _metric(name, label, "remarked.within_ap", "remarked.mixed", f"{within} {counted}")
    yield _metric("remarked.p1_many", f"{first}, remarked", "remarked.p1_many", "remarked.many", counted)


def _metric(name: str, label: str, above: str, below: str, about: str = "") -> Metric:
    ratio = Ratio({f"ranking.{above}": 1}, {f"ranking.{below}": 1})
    return Metric(f"ranking.{name}", label, ratio, about=about)


METRICS: Final[tuple[Metric, ...]] = tuple(_list_metrics())
