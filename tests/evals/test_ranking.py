"""Ranking: values worked out by hand, means over all orders of ties, and what comments on unchanged lines count as."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import EvalError
from evals.held_out import GoldComment, HeldOut, OutdatedComment
from evals.matching import list_spots
from evals.metrics import Ratio
from evals.predictions import Prediction, list_changed, list_hunks
from evals.ranking import METRICS, POOLS, list_pools, list_right, score_ranking
from evals.table import Table, build_table
from evals.ties import draw_tie, expect_average_precision, expect_hit, expect_right
from reviewer.domain import Hunk
from tests.evals.places import HUNKS, golds, human, make_held, make_hunk, predict

Pair = tuple[HeldOut, Prediction]


def count(pairs: Sequence[Pair]) -> Table:
    listed = [list_pools(*pair) for pair in pairs]
    pools = {name: (positives, [of_pair[name] for of_pair in listed]) for name, positives in POOLS.items()}
    return build_table([held.key for held, _ in pairs], [score_ranking(*pair) for pair in pairs], pools)


def measure(*pairs: Pair) -> dict[str, float]:
    """All figures; those without ground are NaN."""
    table = count(pairs)
    weights = np.ones((1, len(pairs)))
    names = (metric.name.removeprefix("ranking.") for metric in METRICS)
    return {name: float(metric.formula.compute(table, weights)[0]) for name, metric in zip(names, METRICS, strict=True)}


def rank(held: HeldOut, hunks: Sequence[float] = (), lines: Sequence[float] = ()) -> Pair:
    return held, predict(held, hunk_scores=tuple(hunks), line_scores=tuple(lines))


def make_rows(number: int, hunks: int, *commented: int, complete: bool = True) -> HeldOut:
    """Hunks of two added lines each, and a human comment on the first line of some."""
    gold = [human("a.c", 100 * at + 1) for at in commented]
    whole = [make_hunk("a.c", 100 * at + 1, "++") for at in range(hunks)]
    return make_held(*whole, gold=gold, number=number, complete=complete)


def test_hunk_figures_worked_out_by_hand() -> None:
    figures = measure(
        rank(make_rows(1, 4, 1, 3), [0.9, 0.7, 0.5, 0.1]),
        rank(make_rows(2, 2, 0, 1), [0.8, 0.6]),
        rank(make_rows(3, 2), [0.95, 0.2]),
        rank(make_rows(4, 6, 5), [0.66, 0.55, 0.44, 0.33, 0.22, 0.11]),
    )
    expected = {
        "hunk.base": 5 / 14,
        "hunk.p1": (0 + 1 + 0) / 3,
        "hunk.p1_all": (0 + 1 + 0 + 0) / 4,
        "hunk.p1_many": (0 + 0) / 2,
        "hunk.p3": (1 / 3 + 2 / 2 + 0 / 3) / 3,
        "hunk.p3_all": (1 / 3 + 2 / 2 + 0 / 3 + 0 / 2) / 4,
        "hunk.p5": (2 / 4 + 2 / 2 + 0 / 5) / 3,
        "hunk.within_ap": ((1 / 2 + 2 / 4) / 2 + 1 / 6) / 2,
        "hunk.top5": (1 + 1 + 0) / 3,
        "hunk.top5_many": 0 / 1,
        "hunk.top10": (1 + 1 + 1) / 3,
        # .95 .9 .8* .7* .66 .6* .55 .5 .44 .33 .22 .2 .11* .1*
        "hunk.ap": (1 / 3 + 2 / 4 + 3 / 6 + 4 / 13 + 5 / 14) / 5,
        # .9 .8* .7* .66 .6* .55 .5 .44 .33 .22 .11* .1*
        "hunk.ap_commented": (1 / 2 + 2 / 3 + 3 / 5 + 4 / 11 + 5 / 12) / 5,
        "ranked": 1,
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    assert math.isnan(figures["hunk.top10_many"])


@pytest.mark.parametrize(("hunks", "name"), [(3, "hunk.p1_many"), (5, "hunk.top5_many"), (10, "hunk.top10_many")])
def test_there_are_many_hunks_from_one_more_on(hunks: int, name: str) -> None:
    for size in (hunks, hunks + 1):
        held = make_rows(1, size, 0)
        figures = measure(rank(held, range(size, 0, -1)))
        assert figures[name] == pytest.approx(1 if size > hunks else math.nan, nan_ok=True)


def test_line_figures_worked_out_by_hand() -> None:
    one = make_held(make_hunk("a.c", 1, "+" * 12), gold=[human("a.c", 3), human("a.c", 9, start=7)], number=1)
    two = make_held(make_hunk("a.c", 1, " +- "), gold=[human("a.c", 2, side="LEFT")], number=2)
    quiet = make_held(make_hunk("a.c", 1, " +- "), number=3)
    falling = [1 - at / 100 for at in range(12)]
    figures = measure(rank(one, lines=falling), rank(two, lines=[0.9, 0.1]), rank(quiet, lines=[0.5, 0.4]))
    expected = {
        "line.top5": (1 + 1) / 2,
        "line.top5_many": 1 / 1,
        "line.top10": (1 + 1) / 2,
        # Of 12 lines 2 are looked at, of 2 lines 1: neither line 3, nor 7 to 9, nor the removed one.
        "line.recall20": 0 / 3,
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    first = [*falling[::-1]]
    assert measure(rank(one, lines=first))["line.recall20"] == 0
    first[7] = 2
    assert measure(rank(one, lines=first))["line.recall20"] == 1 / 2
    assert measure(rank(two, lines=[0.1, 0.9]))["line.recall20"] == 1
    first[1] = 3
    assert measure(rank(one, lines=first))["line.recall20"] == 1 / 2


def test_a_comment_on_an_unchanged_line_makes_its_hunk_right_and_is_found_in_no_line() -> None:
    held = make_held(make_hunk("a.c", 1, " + "), make_hunk("a.c", 9, " + "), gold=[human("a.c", 3)])
    figures = measure(rank(held, [1, 0], [1, 0]))
    assert (figures["hunk.p1"], figures["hunk.within_ap"]) == (1, 1)
    assert (figures["line.recall20"], figures["line.top5"], figures["line.top10"]) == (0, 0, 0)
    spanning = make_held(make_hunk("a.c", 1, " + "), make_hunk("a.c", 9, " + "), gold=[human("a.c", 3, start=1)])
    assert measure(rank(spanning, [1, 0], [1, 0]))["line.recall20"] == 1


def test_a_comment_on_an_old_line_is_found_by_the_removed_line_alone() -> None:
    held = make_held(make_hunk("a.c", 1, "-----+++++"), gold=[human("a.c", 2, side="LEFT")])
    removed, added = ([float(at == place) for at in range(10)] for place in (1, 6))
    assert measure(rank(held, lines=removed))["line.recall20"] == 1
    # The second place goes to one of the nine others.
    assert measure(rank(held, lines=added))["line.recall20"] == pytest.approx(1 / 9)


def test_who_gives_everything_the_same_score_gets_what_chance_gets() -> None:
    figures = measure(rank(make_rows(1, 8, 2, 4), [0.5] * 8, [0.5] * 16))
    assert figures["hunk.p1"] == figures["hunk.p1_many"] == figures["hunk.p5"] == pytest.approx(2 / 8)
    assert figures["hunk.top5"] == pytest.approx(1 - (3 * 2) / (8 * 7))
    assert figures["line.top5"] == pytest.approx(1 - (11 * 10) / (16 * 15))
    assert figures["line.recall20"] == pytest.approx(3 / 16)


scored = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=6)


@given(scored, st.integers(1, 7))
def test_what_ties_are_worth_is_the_mean_over_all_orders(items: list[tuple[float, bool]], best: int) -> None:
    orders = []
    for order in permutations(items):
        ranked = sorted(order, key=lambda item: -item[0])
        orders.append([right for _, right in ranked])
    scores, right = np.array([score for score, _ in items]), np.array([right for _, right in items])
    assert expect_right(scores, right, best) == pytest.approx(np.mean([sum(order[:best]) for order in orders]))
    assert expect_hit(scores, right, best) == pytest.approx(np.mean([any(order[:best]) for order in orders]))
    if right.any():
        expected = np.mean([average_precision(order) for order in orders])
        assert expect_average_precision(scores, right) == pytest.approx(expected)


def average_precision(order: Sequence[bool]) -> float:
    """By its definition, without ties."""
    precisions = [sum(order[: at + 1]) / (at + 1) for at, right in enumerate(order) if right]
    return sum(precisions) / len(precisions)


def test_a_draw_is_by_the_words_alone() -> None:
    assert draw_tie("a", 1) == draw_tie("a", 1) != draw_tie("a", 2)
    assert draw_tie("ab", "c") != draw_tie("a", "bc")
    draws = [draw_tie(at, "\udc80") for at in range(1000)]
    assert 0 <= min(draws) < 0.02
    assert 0.98 < max(draws) < 1
    assert np.mean(draws) == pytest.approx(0.5, abs=0.05)


@given(golds, st.integers(0, 99))
def test_only_where_all_human_comments_are_known_is_a_hunk_wrong(gold: list[GoldComment], seed: int) -> None:
    held = make_held(*HUNKS, gold=gold, complete=False)
    pair = rank_by_chance(held, seed)
    assert {name.split(".")[1] for name in score_ranking(*pair)} <= {"open"}
    assert not any(list_pools(*pair).values())
    figures = measure(pair)
    assert all(math.isnan(value) for name, value in figures.items() if name != "line.recall20_open")
    whole = measure(rank_by_chance(make_held(*HUNKS, gold=gold), seed))
    assert figures["line.recall20_open"] == pytest.approx(whole["line.recall20"], nan_ok=True)


def rank_by_chance(held: HeldOut, seed: int) -> Pair:
    drawn = random.Random(seed)
    return rank(
        held, [drawn.randrange(4) / 4 for _ in list_hunks(held)], [drawn.randrange(9) / 8 for _ in list_changed(held)]
    )


@given(golds, st.integers(0, 99))
def test_figures_are_shares_and_best_first_is_best(gold: list[GoldComment], seed: int) -> None:
    held = make_held(*HUNKS, gold=gold)
    right = list_right(held, list_spots(held)).astype(float)
    changed = list_changed(held)
    lines = [float(any(_covers(spot, hunk, line.side, line.number) for spot in gold)) for _, hunk, line in changed]
    figures, ideal = measure(rank_by_chance(held, seed)), measure(rank(held, right.tolist(), lines))
    for name, value in figures.items():
        assert math.isnan(value) or 0 <= value <= 1
        assert math.isnan(value) or "recall20" in name or value <= ideal[name] + 1e-12, name
    if right.any():
        assert ideal["hunk.p1"] == ideal["hunk.ap"] == ideal["hunk.top5"] == 1


def _covers(comment: GoldComment, hunk: Hunk, side: str, number: int) -> bool:
    first = min(comment.line, comment.start_line or comment.line)
    return (comment.path, comment.side) == (hunk.path, side) and first <= number <= comment.line


@given(golds, st.integers(0, 99))
def test_the_order_of_files_and_comments_does_not_matter(gold: list[GoldComment], seed: int) -> None:
    drawn = random.Random(seed)
    by_hunk = {(hunk.path, hunk.target_start): drawn.randrange(4) / 4 for hunk in HUNKS}
    by_line = {(h.path, line.id): drawn.randrange(9) / 8 for h in HUNKS for line in h.lines}
    figures = []
    for hunks in (HUNKS, (HUNKS[3], *HUNKS[:3])):
        held = make_held(*hunks, gold=drawn.sample(gold, len(gold)))
        scores = [by_hunk[hunk.path, hunk.target_start] for hunk in list_hunks(held)]
        figures.append(measure(rank(held, scores, [by_line[h.path, line.id] for _, h, line in list_changed(held)])))
    assert figures[0] == pytest.approx(figures[1], nan_ok=True)


def test_a_hunk_whose_code_was_remarked_on_and_changed_since_is_right_in_a_figure_of_its_own() -> None:
    moved = (OutdatedComment(7, "a.c", 2), OutdatedComment(8, "a.c", 9), OutdatedComment(9, "gone.c", 0))
    held = replace(make_rows(1, 4, 1), outdated=moved)  # two of the three name no hunk of this diff
    figures = measure(rank(held, [0.1, 0.7, 0.9, 0.2]), rank(make_rows(2, 5), [0.1] * 5))
    assert (figures["hunk.p1_many"], figures["remarked.p1_many"]) == (0, 1)
    assert (figures["hunk.within_ap"], figures["remarked.within_ap"]) == (1 / 2, 1)
    assert (figures["hunk.base"], figures["remarked.base"]) == (1 / 9, 2 / 9)
    assert figures["remarked.ap"] == figures["remarked.ap_commented"] == 1
    whole = measure(rank(make_rows(1, 4, 1), [0.1, 0.7, 0.9, 0.2]))
    assert whole["remarked.within_ap"] == whole["hunk.within_ap"]


def test_who_does_not_rank_is_not_scored_and_it_is_said_how_often() -> None:
    figures = measure(rank(make_rows(1, 4, 1)), rank(make_rows(2, 4, 1), [4, 3, 2, 1]), rank(make_rows(3, 0)))
    assert figures["ranked"] == 1 / 2
    assert figures["hunk.p1"] == 0
    silent = measure(rank(make_rows(1, 4, 1)))
    assert silent.pop("ranked") == 0
    assert all(math.isnan(value) for value in silent.values())


@pytest.mark.parametrize(
    ("complete", "hunks", "lines", "said"),
    [
        (True, [1, 2], [], "2 hunk scores for 4"),
        (True, [], [1], "1 line scores for 8"),
        (False, [], [1], "1 line scores for 8"),
    ],
)
def test_scores_of_another_diff_are_refused(complete: bool, hunks: list[float], lines: list[float], said: str) -> None:
    with pytest.raises(EvalError) as caught:
        score_ranking(*rank(make_rows(1, 4, 2, complete=complete), hunks, lines))
    assert f"octo/demo#1 has {said} in the diff." in str(caught.value)


def test_pools_refuse_scores_of_another_diff() -> None:
    with pytest.raises(EvalError):
        list_pools(*rank(make_rows(1, 4, 2), [1, 2]))


def test_each_figure_has_its_counts() -> None:
    """No name of a column is mistyped: with many hunks and lines each one is there."""
    known, open_ = make_rows(1, 11, 3), make_rows(2, 3, 1, complete=False)
    table = count([rank(known, range(11), range(22)), rank(open_, range(3), range(6))])
    for metric in METRICS:
        if isinstance(metric.formula, Ratio):
            assert {*metric.formula.numerator, *metric.formula.denominator} <= set(table.columns), metric.name
        else:
            assert metric.formula.pool in table.pools
    assert len({metric.name for metric in METRICS}) == len({metric.label for metric in METRICS}) == len(METRICS)
