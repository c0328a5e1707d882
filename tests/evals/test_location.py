"""Location: values worked out by hand, those of scikit-learn, and what no candidate can do to its figures."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.held_out import GoldComment, HeldOut
from evals.location import (
    METRICS,
    POOLS,
    bin_scores,
    list_pools,
    list_ranked,
    note_unplaced,
    score_location,
    trace_curve,
)
from evals.matching import STRICTNESSES
from evals.metrics import Ratio
from evals.predictions import Predicted, Prediction
from evals.table import Item, Pool, Table, build_table
from tests.evals.places import HUNKS, golds, human, make_held, ours, predict, predicteds

Pair = tuple[HeldOut, Prediction]
SHARES = [metric.name for metric in METRICS if metric.unit == "share"]


def count(pairs: Sequence[Pair]) -> Table:
    listed = [list_pools(*pair) for pair in pairs]
    pools = {name: (positives, [of_pair[name] for of_pair in listed]) for name, positives in POOLS.items()}
    return build_table([held.key for held, _ in pairs], [score_location(*pair) for pair in pairs], pools)


def measure(pairs: Sequence[Pair]) -> dict[str, float]:
    """All figures; those without ground are NaN."""
    table = count(pairs)
    weights = np.ones((1, len(pairs)))
    return {metric.name: float(metric.formula.compute(table, weights)[0]) for metric in METRICS}


def make_pairs() -> list[Pair]:
    """A commented pull request, one without a comment, one with an unplaced comment, and one that is not complete."""
    commented = make_held(*HUNKS, gold=[human("a.c", 13), human("a.c", 15), human("a.c", 13)], number=1)
    quiet = make_held(*HUNKS, number=2)
    unplaced = make_held(*HUNKS, gold=[human("b.c", 1)], unplaced=1, number=3)
    partly = make_held(*HUNKS, gold=[human("a.c", 13)], complete=False, number=4)
    three = ours("a.c", 13, score=0.9), ours("a.c", 18, score=0.5), ours("a.c", 70, start=61, score=0.7)
    return [
        (commented, predict(commented, *three)),
        (quiet, predict(quiet, ours("a.c", 13, score=0.8))),
        (unplaced, predict(unplaced, ours("b.c", 1, score=0.6, posted=False))),
        (partly, predict(partly, ours("a.c", 14), ours("b.c", 2))),
    ]


def test_figures_worked_out_by_hand() -> None:
    figures = measure(make_pairs())
    expected = {
        "line.precision": 1 / 4,
        "line.recall": 1 / 3,
        "line.f1": 2 / 7,
        "line.precision_commented": 1 / 3,
        "line.f1_commented": 2 / 6,
        "line.precision_placed": 1 / 4,
        "line.recall_placed": 1 / 2,
        "line.f1_placed": 2 / 6,
        "line.recall_open": 0,
        "line.macro_precision": (1 / 3 + 0) / 2,
        "line.macro_recall": (1 / 2 + 0) / 2,
        "line.macro_f1": (2 / 5 + 0 + 0) / 3,
        "near.precision": 2 / 4,
        "near.recall": 2 / 3,
        "near.f1": 4 / 7,
        "near.recall_open": 1,
        "near.macro_precision": (2 / 3 + 0) / 2,
        "near.macro_recall": (1 + 0) / 2,
        "near.macro_f1": (4 / 5 + 0 + 0) / 3,
        "file.precision": 2 / 4,
        "lines": (1 + 1 + 10 + 1) / 4,
        # .9 right, .8 on the quiet one, .7 wrong, .6 over the budget and right, .5 right.
        "near.ap": (1 / 1 + 2 / 4 + 3 / 5) / 3,
        "near.ap_commented": (1 / 1 + 2 / 3 + 3 / 4) / 3,
        "line.ap": (1 / 1 + 2 / 4) / 3,
        # .7 is right now, in the place of .5.
        "file.ap": (1 / 1 + 2 / 3 + 3 / 4) / 3,
    }
    assert {name: figures[f"location.{name}"] for name in expected} == pytest.approx(expected)


def test_human_comments_without_a_line_are_told() -> None:
    pairs = make_pairs()
    assert count(pairs).column("location.unplaced").tolist() == [0, 0, 1, 0]
    (note,) = note_unplaced([held for held, _ in pairs])
    assert note.startswith("1 of 6 human comments, on 1 of 4 pull requests, have no line in the diff")
    assert note_unplaced([held for held, _ in pairs if not held.unplaced]) == ()


def test_each_figure_has_its_counts() -> None:
    """No name of a column is mistyped: with a human and a posted comment each one is there."""
    table = count(make_pairs())
    for metric in METRICS:
        if isinstance(metric.formula, Ratio):
            assert {*metric.formula.numerator, *metric.formula.denominator} <= set(table.columns), metric.name
        else:
            assert metric.formula.pool in table.pools
    assert len({metric.name for metric in METRICS}) == len({metric.label for metric in METRICS}) == len(METRICS)


def test_without_ground_there_is_no_figure() -> None:
    held = make_held(*HUNKS)
    figures = measure([(held, predict(held))])
    assert all(math.isnan(value) for value in figures.values())


def test_silence_has_no_precision_and_no_recall() -> None:
    held = make_held(*HUNKS, gold=[human("a.c", 13)])
    figures = measure([(held, predict(held))])
    assert math.isnan(figures["location.hunk.precision"])
    assert [figures[f"location.hunk.{name}"] for name in ("recall", "f1", "ap", "macro_f1")] == [0, 0, 0, 0]


@given(golds, predicteds)
def test_a_pull_request_whose_human_comments_are_not_all_known_is_ground_for_recall_alone(
    gold: list[GoldComment], comments: list[Predicted]
) -> None:
    held = make_held(*HUNKS, gold=gold, complete=False)
    prediction = predict(held, *comments)
    assert {name.split(".")[1] for name in score_location(held, prediction)} == {"open"}
    assert not any(list_pools(held, prediction).values())
    assert not any(list_ranked(held, prediction, strictness) for strictness in STRICTNESSES)
    pairs = make_pairs()
    more = measure([*pairs, (held, prediction)])
    assert [name for name, value in measure(pairs).items() if more[name] != value and "open" not in name] == []


@given(golds, predicteds, st.booleans())
def test_a_wrong_comment_more_never_helps(gold: list[GoldComment], comments: list[Predicted], posted: bool) -> None:
    held = make_held(*HUNKS, gold=[one for one in gold if one.path != "b.c"])
    wrong = ours("b.c", 2, score=0.4, posted=posted)
    before = measure([(held, predict(held, *comments))])
    after = measure([(held, predict(held, *comments, wrong))])
    assert [name for name in SHARES if after[name] > before[name] + 1e-12] == []


@given(golds, predicteds, st.data())
def test_saying_it_again_never_helps(gold: list[GoldComment], comments: list[Predicted], data: st.DataObject) -> None:
    held = make_held(*HUNKS, gold=gold)
    again = data.draw(st.lists(st.sampled_from(comments), max_size=3)) if comments else []
    before, after = (measure([(held, predict(held, *said))]) for said in (comments, [*comments, *again]))
    assert [name for name in SHARES if after[name] > before[name] + 1e-12] == []


@given(golds, predicteds, st.integers(0, 99))
def test_no_order_matters(gold: list[GoldComment], comments: list[Predicted], seed: int) -> None:
    def shuffle(items: Sequence[object]) -> list[object]:
        return random.Random(seed).sample(list(items), len(items))

    held = make_held(*HUNKS, gold=gold, number=9)
    other = make_held(*HUNKS, gold=shuffle(gold), number=9)  # type: ignore[arg-type] # the same items
    pairs = make_pairs()
    expected = measure([(held, predict(held, *comments)), *pairs])
    shuffled = predict(other, *shuffle(comments))  # type: ignore[arg-type] # the same items
    found = measure([*reversed(pairs), (other, shuffled)])
    assert found == pytest.approx(expected, nan_ok=True)


@given(golds, predicteds)
def test_figures_are_shares_and_looser_senses_are_no_lower(gold: list[GoldComment], comments: list[Predicted]) -> None:
    held = make_held(*HUNKS, gold=gold)
    figures = measure([(held, predict(held, *comments))])
    assert all(math.isnan(figures[name]) or 0 <= figures[name] <= 1 for name in SHARES)
    for what in ("precision", "recall", "f1", "macro_f1", "precision_placed"):
        values = [figures[f"location.{strictness}.{what}"] for strictness in STRICTNESSES]
        assert np.isnan(values).all() or values == sorted(values)


def test_over_the_budget_counts_in_the_ranking_alone() -> None:
    held = make_held(*HUNKS, gold=[human("a.c", 13)])
    prediction = predict(held, ours("a.c", 13, posted=False))
    row = score_location(held, prediction)
    assert (row["location.predicted"], row["location.line.tp"]) == (0, 0)
    (item,) = list_ranked(held, prediction, "line")
    assert (item.gain, item.score) == (1, 0)
    assert 0 <= item.tie < 1


def test_ties_are_drawn_by_what_is_said_and_where() -> None:
    held = make_held(*HUNKS)
    comments = [ours("a.c", line, body=body) for line in range(10, 19) for body in ("x", "y")]
    ties = [item.tie for item in list_ranked(held, predict(held, *comments), "line")]
    assert len(set(ties)) == len(ties)
    again = [item.tie for item in list_ranked(held, predict(held, *reversed(comments)), "line")]
    assert sorted(ties) == sorted(again)


ranked_items = st.lists(
    st.tuples(st.integers(0, 6).map(lambda score: score / 8), st.booleans()), min_size=1, max_size=30
)


def make_table(items: Sequence[tuple[float, bool]], missed: int) -> Table:
    """A pull request with these comments, and so many human ones that none of them meets."""
    drawn = random.Random(1)
    pool = [Item(score, float(right), drawn.random()) for score, right in items]
    positives = sum(right for _, right in items) + missed
    return build_table([("octo/demo", 1)], [{"location.gold": positives}], {"location.line": ("location.gold", [pool])})


@pytest.mark.slow
@settings(deadline=None)
@given(ranked_items, st.integers(0, 5))
def test_average_precision_is_that_of_scikit_learn(items: list[tuple[float, bool]], missed: int) -> None:
    """Without ties, as it takes tied items together; and over all that could be found, not only over what was."""
    from sklearn.metrics import average_precision_score

    distinct = [(at + score / 2, right) for at, (score, right) in enumerate(items)]
    found = sum(right for _, right in items)
    formula = next(metric.formula for metric in METRICS if metric.name == "location.line.ap")
    value = float(formula.compute(make_table(distinct, missed), np.ones((1, 1)))[0])
    if not found:
        assert math.isnan(value) if not missed else value == 0
        return
    scores, right = zip(*distinct, strict=True)
    assert value == pytest.approx(average_precision_score(right, scores) * found / (found + missed))


@pytest.mark.slow
@settings(deadline=None)
@given(ranked_items, st.integers(0, 5))
def test_the_curve_is_that_of_scikit_learn(items: list[tuple[float, bool]], missed: int) -> None:
    from sklearn.metrics import precision_recall_curve

    points = trace_curve(make_table(items, missed), "location.line")
    found = sum(right for _, right in items)
    if not found:
        assert (points == []) == (not missed)
        return
    scores, right = zip(*items, strict=True)
    precision, recall, thresholds = precision_recall_curve(right, scores)
    assert [point.precision for point in points] == pytest.approx(precision[-2::-1])
    assert [point.recall for point in points] == pytest.approx(recall[-2::-1] * found / (found + missed))
    shares = [np.mean(np.array(scores) >= threshold) for threshold in thresholds[::-1]]
    assert [point.share for point in points] == pytest.approx(shares)


def test_a_curve_has_few_points_and_its_ends() -> None:
    items = [(at / 1000, at % 3 == 0) for at in range(1000)]
    points = trace_curve(make_table(items, 0), "location.line", most=50)
    assert len(points) == 50
    assert points[0].share == 1 / 1000
    assert (points[-1].share, points[-1].recall) == (1, 1)
    assert trace_curve(make_table([], 3), "location.line") == []


def test_bins_hold_about_as_many_comments_each_and_keep_ties_together() -> None:
    scores = np.array([0.9, 0.8, 0.5, 0.5, 0.5, 0.5, 0.2, 0.1])
    gains = np.array([1, 1, 1, 0, 0, 0, 0, 1], dtype=np.float64)
    low, middle, high = bin_scores(Pool(np.zeros(8, dtype=np.int64), scores, gains, "location.gold"), bins=4)
    assert (low.score, low.right, low.comments) == pytest.approx((0.15, 0.5, 2))
    assert (middle.score, middle.right, middle.comments) == (0.5, 0.25, 4)
    assert (high.score, high.right, high.comments) == pytest.approx((0.85, 1, 2))


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60), st.integers(1, 12))
def test_bins_hold_each_comment_once(items: list[tuple[int, bool]], bins: int) -> None:
    scores, gains = (np.array([item[at] for item in items], dtype=np.float64) for at in (0, 1))
    found = bin_scores(Pool(np.zeros(len(items), dtype=np.int64), scores, gains, "location.gold"), bins)
    assert len(found) <= bins
    assert sum(one.comments for one in found) == len(items)
    assert sum(one.comments * one.right for one in found) == pytest.approx(gains.sum())
    assert [one.score for one in found] == sorted({one.score for one in found})


def test_a_bin_of_one_score() -> None:
    (one,) = bin_scores(Pool(np.zeros(3, dtype=np.int64), np.full(3, 0.5), np.array([1.0, 0, 0]), "location.gold"))
    assert (one.score, one.comments) == (0.5, 3)
