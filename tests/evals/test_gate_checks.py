"""Each check of the gate by hand: what passes, what fails, and what nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from evals.comparison import SliceComparison
from evals.gate_checks import (
    Result,
    check_above_zero,
    check_baselines,
    check_cheaper,
    check_floor,
    check_guards,
    check_improvements,
    check_slices,
)
from evals.metrics import Metric, Ratio
from evals.rules import Beats, Cheaper, Floor, Guard, Improvement, Slices
from evals.statistics import Comparison
from evals.table import Table, build_table

F1 = Metric("f1", "F1", Ratio({"hits": 1}, {"tries": 1}))
SECONDS = Metric("seconds", "Seconds", Ratio({"time": 1}, {"tries": 1}), "lower", "seconds")
METRICS: Mapping[str, Metric] = {"f1": F1, "seconds": SECONDS}


def compared(
    low: float, high: float, p: float = 0.001, metric: str = "f1", champion: float = 0.5, pull_requests: int = 80
) -> Comparison:
    """A difference in the middle of its interval."""
    middle = (low + high) / 2
    return Comparison(metric, champion, champion + middle, middle, low, high, p, (high - low) * 0.7, pull_requests)


MISSING = Comparison("f1", 0.5, None, pull_requests=80, note="the challenger has no value")


def make_table(hits: list[float]) -> Table:
    return build_table(
        [("octo/demo", number) for number in range(len(hits))], [{"hits": hit, "tries": 1.0} for hit in hits]
    )


@pytest.mark.parametrize(
    ("comparison", "result"),
    [
        (compared(-0.02, 0.03, 0.7), "passed"),  # the interval is within the margin
        (compared(-0.05, 0.01, 0.2), "passed"),  # just
        (compared(-0.04, -0.01), "passed"),  # significantly worse, by less than matters
        (compared(-0.12, 0.08, 0.7), "unclear"),  # nothing significant, and nothing ruled out
        (compared(-0.07, 0.05, 0.7), "unclear"),  # the value is within the margin, the interval is not
        (compared(-0.07, -0.01), "unclear"),  # significantly worse, maybe by more than is allowed
        (compared(-0.14, -0.04), "failed"),
        (compared(-0.14, -0.04, 0.2), "unclear"),  # by the interval, and not by p
        (MISSING, "unclear"),
    ],
)
def test_guard_rails(comparison: Comparison, result: Result) -> None:
    (check,) = check_guards([Guard(metric="f1", allowed=0.05)], {"f1": comparison}, METRICS)
    assert check.result == result, check.words


def test_the_words_of_a_broken_guard_rail() -> None:
    comparison = Comparison("f1", 0.31, 0.22, -0.09, -0.14, -0.04, 0.001, 0.07, 80)
    (check,) = check_guards([Guard(metric="f1", allowed=0.02)], {"f1": comparison}, METRICS)
    assert check.words == (
        "F1: fell from 31.0 % to 22.0 % (difference \u22129.0 points, 95 % interval \u221214.0 to \u22124.0); "
        "the rule allows \u22122.0 points."
    )


@pytest.mark.parametrize(
    ("low", "high", "result"), [(-9, -1, "passed"), (-1, 2, "passed"), (1, 4, "unclear"), (3, 9, "failed")]
)
def test_a_guard_rail_on_what_should_be_low(low: float, high: float, result: Result) -> None:
    guard = Guard(metric="seconds", allowed_share=0.25)
    (check,) = check_guards([guard], {"seconds": compared(low, high, metric="seconds", champion=10.0)}, METRICS)
    assert check.result == result
    assert "the rule allows +2.5 s (25 %)" in check.words


def test_what_the_champion_hardly_has_cannot_be_lost() -> None:
    """Nor does it count among the guard rails that are looked at."""
    guards = [Guard(metric="f1", allowed=0.05), Guard(metric="seconds", allowed=0.1)]
    found = {"f1": compared(-0.14, -0.04, 0.9), "seconds": compared(3, 9, 0.03, "seconds", 10.0)}
    lost, slow = check_guards(guards, found, METRICS, ["f1"])
    assert (lost.result, slow.result) == ("skipped", "failed")
    assert "only floors judge" in lost.words


def test_one_of_many_guard_rails_must_be_surer_to_hold() -> None:
    guards = [Guard(metric="f1", allowed=0.05)] * 6
    alone = list(check_guards(guards[:1], {"f1": compared(-0.14, -0.04, 0.02)}, METRICS))
    many = list(check_guards(guards, {"f1": compared(-0.14, -0.04, 0.02)}, METRICS))
    assert alone[0].result == "failed"
    assert {check.result for check in many} == {"unclear"}


@pytest.mark.parametrize(
    ("comparison", "result"),
    [
        (compared(0.01, 0.09), "passed"),
        (compared(0.01, 0.09, 0.06), "unclear"),
        (compared(-0.01, 0.09, 0.2), "unclear"),
        (compared(-0.03, 0.04, 0.8), "failed"),  # a gain of 5 points is ruled out
        (compared(-0.09, -0.03), "failed"),
        (MISSING, "unclear"),
    ],
)
def test_improvements(comparison: Comparison, result: Result) -> None:
    rules = [Improvement(metric="f1", worth=0.05)]
    (check,) = check_improvements(rules, {"f1": comparison}, make_table([1.0] * 9), METRICS)
    assert check.result == result, check.words


def test_looking_at_more_improvements_makes_none_easier() -> None:
    rules = [Improvement(metric="f1", worth=0.05), Improvement(metric="seconds", worth=1.0)]
    found = {"f1": compared(0.01, 0.09, 0.03), "seconds": compared(-1, 1, 0.9, "seconds")}
    table = make_table([1.0] * 9)
    assert [check.result for check in check_improvements(rules[:1], found, table, METRICS)] == ["passed"]
    assert next(check_improvements(rules, found, table, METRICS)).result == "unclear"


@pytest.mark.parametrize(
    ("gain", "cost", "result"),
    [
        (compared(-0.03, 0.03), (-6, -3), "passed"),
        (compared(-0.08, 0.03), (-6, -3), "unclear"),  # maybe worse
        (compared(-0.03, 0.08), (-6, -3), "unclear"),  # maybe better: then that is the reason
        (compared(-0.03, 0.03), (-6, -1), "unclear"),  # cheaper, but maybe not by a fifth
        (compared(-0.03, 0.03), (-3, 0.5), "failed"),
        (compared(-0.03, 0.03), (3, 6), "failed"),
        (MISSING, (-6, -3), "unclear"),
    ],
)
def test_cheaper(gain: Comparison, cost: tuple[float, float], result: Result) -> None:
    found = {"f1": gain, "seconds": compared(*cost, metric="seconds", champion=10.0)}
    rule = Cheaper(metric="seconds", lower_share=0.2)
    assert check_cheaper(rule, [Improvement(metric="f1", worth=0.05)], found, METRICS).result == result


def test_without_the_cost_nobody_knows_whether_it_is_cheaper() -> None:
    found = {"f1": compared(-0.03, 0.03), "seconds": Comparison("seconds", None, None, note="measured apart")}
    rule = Cheaper(metric="seconds", lower_share=0.2)
    check = check_cheaper(rule, [Improvement(metric="f1", worth=0.05)], found, METRICS)
    assert check.result == "unclear"
    assert "measured apart" in check.words


def test_what_costs_nothing_cannot_be_made_cheaper() -> None:
    found = {"f1": compared(-0.03, 0.03), "seconds": compared(0, 0, 1.0, "seconds", 0.0)}
    rule = Cheaper(metric="seconds", lower_share=0.2)
    assert check_cheaper(rule, [Improvement(metric="f1", worth=0.05)], found, METRICS).result == "failed"


MIXED = make_table([1.0, 0.0] * 20)
"""Half of the tries hit: about 34 to 66 % with its interval."""


@pytest.mark.parametrize(
    ("floor", "result"),
    [
        (Floor(metric="f1", least=0.5), "passed"),
        (Floor(metric="f1", least=0.51), "failed"),
        (Floor(metric="f1", most=0.49), "failed"),
        (Floor(metric="f1", least=0.4, most=0.6), "passed"),
        (Floor(metric="f1", least=0.55, judge="high"), "passed"),
        (Floor(metric="f1", least=0.8, judge="high"), "failed"),
        (Floor(metric="f1", least=0.3, judge="low"), "passed"),
        (Floor(metric="f1", least=0.45, judge="low"), "unclear"),
        (Floor(metric="f1", least=0.8, judge="low"), "failed"),
        (Floor(metric="seconds", most=9.0), "passed"),
    ],
)
def test_floors(floor: Floor, result: Result) -> None:
    assert check_floor(floor, MIXED, METRICS).result == result


def test_a_floor_of_what_was_not_counted_is_unclear() -> None:
    assert check_floor(Floor(metric="f1", least=0.0), make_table([]), METRICS).result == "unclear"


@pytest.mark.parametrize(("hits", "result"), [([1.0] * 30, "passed"), ([0.0] * 30, "failed"), ([1.0], "unclear")])
def test_above_zero(hits: list[float], result: Result) -> None:
    (check,) = check_above_zero("first", ["f1"], make_table(hits), METRICS)
    assert check.result == result


def test_every_baseline_must_be_beaten() -> None:
    rule = Beats(metric="f1", worth=0.03)
    pairs = [("weak", compared(0.1, 0.2)), ("even", compared(-0.05, 0.06, 0.9)), ("strong", compared(-0.2, -0.1))]
    assert [check.result for check in check_baselines(rule, pairs, METRICS)] == ["passed", "unclear", "failed"]
    assert [check.result for check in check_baselines(rule, [], METRICS)] == ["unclear"]


def test_baselines_that_are_asked_for_must_be_given() -> None:
    rule = Beats(metric="f1", worth=0.03, names=("weak", "even", "strong"))
    missing, weak = check_baselines(rule, [("weak", compared(0.1, 0.2))], METRICS)
    assert (missing.result, weak.result) == ("unclear", "passed")
    assert "not compared with 'even', 'strong'" in missing.words


def test_beside_a_baseline_it_may_be_enough_not_to_be_worse() -> None:
    mute = Comparison("f1", None, 0.5, pull_requests=80, note="the champion has no value")
    pairs = [("same", compared(0, 0, 1.0)), ("even", compared(-0.2, 0.2, 0.9)), ("strong", compared(-0.3, -0.1))]
    rule = Beats(metric="f1", allowed=0.05)
    found = [check.result for check in check_baselines(rule, [*pairs, ("mute", mute)], METRICS)]
    assert found == ["passed", "unclear", "failed", "skipped"]
    asked = Beats(metric="f1", allowed=0.05, names=("mute",))
    assert [check.result for check in check_baselines(asked, [("mute", mute)], METRICS)] == ["unclear"]


@pytest.mark.parametrize(
    ("comparison", "result"),
    [
        (compared(-0.3, -0.1), "failed"),
        (compared(-0.3, -0.1, 0.03), "passed"),  # one of two: p is doubled
        (compared(-0.04, -0.02), "passed"),
        (compared(-0.3, 0.2, 0.7), "passed"),
        (compared(-0.3, -0.1, pull_requests=29), "skipped"),
        (MISSING, "skipped"),
    ],
)
def test_slices(comparison: Comparison, result: Result) -> None:
    slices = [SliceComparison("size", "small", comparison), SliceComparison("size", "large", compared(0, 0.1, 0.04))]
    rule = Slices(metrics=("f1",), pull_requests=30, allowed=0.05)
    first, _ = check_slices(rule, slices, {"f1": compared(0, 0.02)}, METRICS)
    assert first.result == result, first.words
    assert first.of == "size small"


def test_a_slice_that_is_all_of_the_set_is_not_looked_at_again() -> None:
    whole = compared(-0.3, -0.1)
    rule = Slices(metrics=("f1",), pull_requests=30, allowed=0.05)
    (check,) = check_slices(rule, [SliceComparison("age", "new", whole)], {"f1": whole}, METRICS)
    assert check.result == "skipped"
    assert "the same as the whole set" in check.words
