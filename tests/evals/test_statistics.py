"""Intervals cover, p values are honest, what can be seen is seen: against scipy and by simulation."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score

from evals.metrics import AveragePrecision, Metric, Ratio
from evals.statistics import FEWEST, _quantile_t, compare, correct_holm, draw_weights, estimate, pick_common
from evals.table import Item, Row, Table, build_table

SHARE = Metric("share", "Share", Ratio({"hits": 1}, {"tries": 1}))
PLACES = Metric("ap", "Average precision", AveragePrecision("found"))


def make_table(hits: Iterable[float], tries: Iterable[float]) -> Table:
    rows = [{"hits": hit, "tries": tried} for hit, tried in zip(hits, tries, strict=True)]
    return build_table([("octo/demo", number) for number in range(len(rows))], rows)


def draw_clustered(rng: np.random.Generator, pull_requests: int, share: float = 0.3) -> Table:
    """Pull requests of very different size, alike within: what makes intervals over comments too narrow."""
    tries = rng.integers(1, 12, pull_requests)
    own = rng.beta(4 * share, 4 * (1 - share), pull_requests)
    return make_table(rng.binomial(tries, own).astype(float).tolist(), tries.astype(float).tolist())


def draw_pool(rng: np.random.Generator, pull_requests: int, skill: float) -> Table:
    rows: list[Row] = []
    items: list[list[Item]] = []
    for _ in range(pull_requests):
        right = rng.random(rng.integers(1, 8)) < 0.3
        rows.append({"gold": float(right.sum())})
        items.append([Item(float(skill * gain + rng.normal()), float(gain), rng.random()) for gain in right])
    keys = [("octo/demo", number) for number in range(pull_requests)]
    return build_table(keys, rows, {"found": ("gold", items)})


def test_each_draw_has_as_many_pull_requests_as_the_set() -> None:
    weights = draw_weights(40, 500, 3)
    assert weights.shape == (500, 40)
    assert (weights.sum(axis=1) == 40).all()
    assert abs(weights.var() - (1 - 1 / 40)) < 0.05  # of a multinomial: n p (1 - p)
    assert (weights == draw_weights.__wrapped__(40, 500, 3)).all()
    with pytest.raises(ValueError, match="read-only"):
        weights[0, 0] = 7


def test_an_arm_without_a_value_is_as_much_as_any() -> None:
    """When those six change places by chance, 2 of 64 ways differ as much, and in 2 one arm has no try at all."""
    first, second = make_table([0] * 6, [1] * 5 + [0]), make_table([0] * 5 + [1], [0] * 5 + [1])
    assert compare(SHARE, first, second).p == pytest.approx(4 / 64, abs=0.015)


def test_a_figure_of_a_hand() -> None:
    found = estimate(SHARE, make_table([1, 0, 2, 0, 1, 0], [2, 1, 4, 0, 2, 1]))
    assert found.value == pytest.approx(4 / 10)
    assert found.pull_requests == 5  # the fourth has no say
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low < 0.4 < found.high <= 1


@pytest.mark.parametrize(("hits", "words"), [([], "nothing to count"), ([1] * (FEWEST - 1), "only 4 pull requests")])
def test_too_few_have_no_value(hits: list[float], words: str) -> None:
    found = estimate(SHARE, make_table(hits, [1.0] * len(hits)))
    assert found.value is None
    assert found.low is None
    assert words in found.note


def test_a_figure_that_never_varies_says_so() -> None:
    found = estimate(SHARE, make_table([1.0] * 20, [1.0] * 20))
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert "every draw" in found.note


def test_a_pool_that_is_not_there_has_no_value() -> None:
    assert estimate(PLACES, make_table([1.0] * 9, [1.0] * 9)).value is None


def test_the_interval_is_scipys() -> None:
    table = draw_clustered(np.random.default_rng(1), 80)
    hits, tries = table.column("hits"), table.column("tries")
    theirs = stats.bootstrap(
        (hits, tries),
        lambda one, other, axis: one.sum(axis) / other.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=4000,
        method="percentile",
        random_state=np.random.default_rng(2),
    ).confidence_interval
    ours = estimate(SHARE, table, draws=4000)
    assert ours.low == pytest.approx(theirs.low, abs=0.008)
    assert ours.high == pytest.approx(theirs.high, abs=0.008)


@pytest.mark.parametrize("pull_requests", [5, 8, 30, 500])
def test_the_interval_is_expanded_by_scipys_t(pull_requests: int) -> None:
    assert _quantile_t(pull_requests - 1) == pytest.approx(stats.t.ppf(0.975, pull_requests - 1), abs=0.05)


def test_the_p_value_is_scipys() -> None:
    rng = np.random.default_rng(5)
    first, second = draw_clustered(rng, 60), draw_clustered(rng, 60, 0.37)
    theirs = stats.permutation_test(
        (first.column("hits") / 10, second.column("hits") / 10),
        lambda one, other, axis: one.mean(axis) - other.mean(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=4000,
        random_state=np.random.default_rng(6),
    )
    mean = Metric("mean", "Mean", Ratio({"hits": 0.1}, {"one": 1}))
    one, other = (
        build_table(table.keys, [{"hits": hits, "one": 1.0} for hits in table.column("hits")])
        for table in (first, second)
    )
    assert compare(mean, one, other, draws=4000).p == pytest.approx(theirs.pvalue, abs=0.03)


def test_average_precision_under_weights_is_scikit_learns() -> None:
    table = draw_pool(np.random.default_rng(7), 50, 1.0)
    pool = table.pools["found"]
    weights = draw_weights(50, 20, 1)
    ours = PLACES.formula.compute(table, weights)
    for value, weight in zip(ours, weights, strict=True):
        theirs = average_precision_score(pool.gains, pool.scores, sample_weight=weight[pool.rows])
        assert value == pytest.approx(theirs)


@pytest.mark.parametrize("pull_requests", [20, 80])
def test_intervals_cover_the_truth(pull_requests: int) -> None:
    rng = np.random.default_rng(pull_requests + 1)
    covered = 0
    for _ in range(300):
        found = estimate(SHARE, draw_clustered(rng, pull_requests), draws=400)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.3 <= found.high
    assert 0.92 <= covered / 300 <= 0.98


def test_intervals_over_comments_would_be_too_narrow() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        table = draw_clustered(rng, 60)
        hits, tries = table.column("hits").sum(), table.column("tries").sum()
        half = 1.96 * math.sqrt(0.3 * 0.7 / tries)
        covered += abs(hits / tries - 0.3) <= half
    assert covered / 300 < 0.85


def test_intervals_of_differences_cover_and_p_is_uniform_when_nothing_differs() -> None:
    rng = np.random.default_rng(11)
    covered, ps = 0, []
    for _ in range(300):
        found = compare(SHARE, draw_clustered(rng, 60), draw_clustered(rng, 60), draws=400)
        assert found.low is not None
        assert found.high is not None
        assert found.p is not None
        covered += found.low <= 0 <= found.high
        ps.append(found.p)
    assert 0.92 <= covered / 300 <= 0.98
    assert stats.kstest(ps, "uniform").pvalue > 0.01
    assert np.mean(np.array(ps) <= 0.05) < 0.08


def test_p_of_average_precision_is_uniform_when_nothing_differs() -> None:
    rng = np.random.default_rng(13)
    ps = []
    for _ in range(120):
        first = draw_pool(rng, 25, 1.0)
        ps.append(compare(PLACES, first, _score_again(rng, first, 1.0), draws=100).p)
    assert stats.kstest([p for p in ps if p is not None], "uniform").pvalue > 0.01
    assert len(ps) == 120


def _score_again(rng: np.random.Generator, table: Table, skill: float) -> Table:
    """The same pull requests, ranked by another candidate of this skill."""
    pool = table.pools["found"]
    items: list[list[Item]] = [[] for _ in table.keys]
    for row, gain in zip(pool.rows, pool.gains, strict=True):
        items[row].append(Item(float(skill * gain + rng.normal()), float(gain), rng.random()))
    rows = [{"gold": value} for value in table.column("gold")]
    return build_table(table.keys, rows, {"found": ("gold", items)})


def test_a_difference_of_the_detectable_size_is_seen_four_times_in_five() -> None:
    rng = np.random.default_rng(17)
    detectable = np.mean(
        [compare(SHARE, draw_clustered(rng, 80), draw_clustered(rng, 80), draws=300).detectable or 0 for _ in range(20)]
    )
    seen = 0
    for _ in range(200):
        found = compare(SHARE, draw_clustered(rng, 80), draw_clustered(rng, 80, 0.3 + float(detectable)), draws=300)
        seen += found.low is not None and found.low > 0
    assert 0.7 <= seen / 200 <= 0.9


def test_pairing_sees_what_two_intervals_hide() -> None:
    rng = np.random.default_rng(19)
    first = draw_clustered(rng, 80)
    better = np.minimum(first.column("hits") + (rng.random(80) < 0.25), first.column("tries"))
    second = make_table(better.tolist(), first.column("tries").tolist())
    alone = estimate(SHARE, first), estimate(SHARE, second)
    found = compare(SHARE, first, second)
    assert alone[0].high is not None
    assert alone[1].low is not None
    assert alone[1].low < alone[0].high  # they overlap
    assert found.low is not None
    assert found.low > 0
    assert found.p is not None
    assert found.p < 0.01


def test_a_candidate_does_not_differ_from_itself() -> None:
    table = draw_pool(np.random.default_rng(23), 30, 1.0)
    found = compare(PLACES, table, table)
    assert (found.difference, found.low, found.high, found.p, found.detectable) == (0, 0, 0, 1, 0)


def test_scores_of_another_scale_change_nothing() -> None:
    rng = np.random.default_rng(29)
    first = draw_pool(rng, 40, 1.0)
    second = _score_again(rng, first, 1.5)
    pool = second.pools["found"]
    items: list[list[Item]] = [[] for _ in second.keys]
    for row, score, gain in zip(pool.rows, pool.scores, pool.gains, strict=True):
        items[row].append(Item(1000 + 7 * float(score), float(gain), 0.0))
    rows = [{"gold": value} for value in second.column("gold")]
    scaled = build_table(second.keys, rows, {"found": ("gold", items)})
    assert compare(PLACES, first, scaled, draws=300) == compare(PLACES, first, second, draws=300)


def test_only_common_pull_requests_are_compared() -> None:
    many, few = make_table([1.0] * 20, [1.0] * 20), make_table([0.0] * 12, [1.0] * 12)
    first, second = pick_common(many, few)
    assert first.keys == second.keys == few.keys
    assert compare(SHARE, many, few).pull_requests == 12


def test_nothing_comes_of_a_candidate_without_a_value() -> None:
    silent, other = make_table([0.0] * 12, [0.0] * 12), make_table([1.0] * 12, [1.0] * 12)
    found = compare(SHARE, other, silent)
    assert (found.difference, found.p, found.detectable) == (None, None, None)
    assert "challenger has no value" in found.note


def test_holm_by_hand() -> None:
    assert correct_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert correct_holm([0.6, 0.9]) == [1.0, 1.0]
    assert correct_holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_makes_a_p_smaller_nor_changes_their_order(ps: list[float]) -> None:
    corrected = correct_holm(ps)
    assert all(after >= before for before, after in zip(ps, corrected, strict=True))
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    assert [corrected[at] for at in order] == sorted(corrected)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(5, 9)), min_size=FEWEST, max_size=30),
    st.integers(0, 99),
)
def test_who_is_called_champion_only_turns_the_sign(rows: list[tuple[int, int, int]], seed: int) -> None:
    first = make_table([row[0] for row in rows], [row[2] for row in rows])
    second = make_table([row[1] for row in rows], [row[2] for row in rows])
    there, back = compare(SHARE, first, second, draws=200), compare(SHARE, second, first, draws=200)
    assert there.difference == pytest.approx(-(back.difference or 0))
    assert there.p == back.p
    assert there.low == pytest.approx(-(back.high or 0))
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    moved = compare(SHARE, first.pick([first.keys[at] for at in order]), second, draws=200)
    assert moved.difference == pytest.approx(there.difference)
