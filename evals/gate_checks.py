"""The checks of the gate: each holds one rule of rules.toml against the counts, and says in words what came out.

A loss is judged by its 95 % interval: `passed` when the interval excludes a loss of more than the rule allows, `failed`
when it is significantly worse and by more than that, `unclear` when the data cannot tell. Nothing passes because a
difference is not significant, or because it could not be computed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from evals.comparison import SliceComparison
from evals.gate_words import (
    describe_change,
    describe_estimate,
    describe_lead,
    describe_sight,
    render_size,
)
from evals.metrics import Metric
from evals.report_metrics import count, render_change, render_value
from evals.rules import Beats, Cheaper, Floor, Guard, Improvement, Slices
from evals.scorecard import Estimate
from evals.statistics import Comparison, correct_holm, estimate
from evals.table import Table

ALPHA: Final = 0.05
_ROUNDING: Final = 1e-9

Result = Literal["passed", "failed", "unclear", "skipped"]
Part = Literal["sample", "pairs", "cases", "floor", "baseline", "first", "guard", "slice", "improvement", "cheaper"]
Metrics = Mapping[str, Metric]


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a rule. `part` is the part of rules.toml that it stands in, or `pairs` or `cases`."""

    part: Part
    metric: str
    result: Result
    words: str
    of: str = ""
    """The slice, the baseline or the group of cases."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A difference turned so that more is better, with its 95 % interval."""

    value: float
    low: float
    high: float
    p: float

    @property
    def is_better(self) -> bool:
        """Significantly: by the interval and by p, which must be corrected where several were looked at."""
        return self.low > 0 and self.p <= ALPHA

    @property
    def is_worse(self) -> bool:
        """Likewise."""
        return self.high < 0 and self.p <= ALPHA


def read_gain(comparison: Comparison, metric: Metric, p: float | None = None) -> Gain | None:
    """The gain of the challenger; None when the two were not compared. `p`: the corrected one."""
    value, low, high = comparison.difference, comparison.low, comparison.high
    if value is None or low is None or high is None or comparison.p is None:
        return None
    p = comparison.p if p is None else p
    return Gain(value, low, high, p) if metric.better == "higher" else Gain(-value, -high, -low, p)


def check_floor(rule: Floor, table: Table, metrics: Metrics) -> Check:
    """Does the challenger keep a bound? What misses it by its interval alone is unclear, not failed."""
    metric = metrics[rule.metric]
    found = estimate(metric, table)
    words = f"{describe_estimate(found, metric)}."
    if found.value is None or found.low is None or found.high is None:
        return Check("floor", rule.metric, "unclear", words)
    words = f"{words} {_describe_floor(rule, metric)}"
    values = {"value": found.value, "low": found.low, "high": found.high}
    if _keeps(values[rule.judge], rule):
        return Check("floor", rule.metric, "passed", words)
    might = rule.judge != "value" and any(_keeps(value, rule) for value in values.values())
    return Check("floor", rule.metric, "unclear" if might else "failed", words)


def check_baselines(rule: Beats, compared: Sequence[tuple[str, Comparison]], metrics: Metrics) -> Iterator[Check]:
    """Does the challenger do beside each baseline what is asked? `compared`: names, and each as the champion.

    Where it may only not be worse, a baseline without a figure that need not be given is not looked at.
    """
    metric = metrics[rule.metric]
    missing = [repr(name) for name in rule.names if name not in {given for given, _ in compared}]
    if not compared:
        words = f"{metric.label}: no baseline was given, so that nobody knows whether a rule of thumb does as well."
        yield Check("baseline", rule.metric, "unclear", words)
    elif missing:
        words = f"{metric.label}: not compared with {', '.join(missing)}: give the scorecards of these baselines, too."
        yield Check("baseline", rule.metric, "unclear", words)
    for name, comparison in compared:
        lead, gain = describe_lead(comparison, metric, name), read_gain(comparison, metric)
        if rule.worth is not None:
            result, asked = _judge_gain(gain, rule.worth), "It must be significantly better."
        else:
            margin = rule.allowed or 0.0
            result = "unclear" if gain is None else _judge_loss(gain, margin)
            asked = f"It may be worse by {render_size(margin, metric.unit)}."
            if comparison.champion is None and name not in rule.names:
                result = "skipped"
        sight = describe_sight(comparison, metric) if result == "unclear" else ""
        yield Check("baseline", rule.metric, result, f"{lead}. {asked}{sight}", name)


def check_above_zero(part: Part, names: Sequence[str], table: Table, metrics: Metrics) -> Iterator[Check]:
    """Is the challenger significantly above 0 in each of them?"""
    for name in names:
        found = estimate(metrics[name], table)
        words = f"{describe_estimate(found, metrics[name])}. It must be significantly above 0."
        yield Check(part, name, _judge_above_zero(found), words)


def check_guards(
    rules: Sequence[Guard], compared: Mapping[str, Comparison], metrics: Metrics, silent: Collection[str] = ()
) -> Iterator[Check]:
    """Did nothing get worse by more than is allowed?

    In what the champion is `silent`, as the texts of one that says hardly any, nothing can be lost: there the floors
    alone judge.
    """
    corrected = iter(_correct([compared[rule.metric] for rule in rules if rule.metric not in silent]))
    for rule in rules:
        comparison, metric = compared[rule.metric], metrics[rule.metric]
        if rule.metric in silent:
            words = f"{metric.label}: the champion has hardly any to lose: only floors judge the challenger's."
            yield Check("guard", rule.metric, "skipped", words)
            continue
        gain = read_gain(comparison, metric, next(corrected))
        if gain is None:
            yield Check("guard", rule.metric, "unclear", f"{describe_change(comparison, metric)}.")
            continue
        margin = rule.margin(comparison.champion or 0.0)
        result = _judge_loss(gain, margin)
        sight = describe_sight(comparison, metric) if result == "unclear" else ""
        allows = render_change(-margin if metric.better == "higher" else margin, metric.unit)
        share = f" ({100 * rule.allowed_share:.0f} %)" if rule.allowed_share is not None else ""
        words = f"{describe_change(comparison, metric)}; the rule allows {allows}{share}.{sight}"
        yield Check("guard", rule.metric, result, words)


def check_slices(
    rule: Slices, compared: Sequence[SliceComparison], whole: Mapping[str, Comparison], metrics: Metrics
) -> Iterator[Check]:
    """Did no part of the set with enough pull requests get significantly worse? `whole`: the same in all of the set."""
    for name in rule.metrics:
        if not any(each.comparison.metric == name for each in compared):
            words = f"{metrics[name].label}: the scorecards have no part of the set in common."
            yield Check("slice", name, "unclear", words)
    reasons = [_skip_slice(rule, each.comparison, whole) for each in compared]
    asked = [each.comparison for each, reason in zip(compared, reasons, strict=True) if not reason]
    corrected = iter(_correct(asked))
    for each, reason in zip(compared, reasons, strict=True):
        comparison, metric = each.comparison, metrics[each.comparison.metric]
        place = f"{each.field} {each.value}"
        if reason:
            yield Check("slice", metric.name, "skipped", f"{place}: {metric.label}: {reason}.", place)
            continue
        gain = read_gain(comparison, metric, next(corrected))
        is_worse = gain is not None and gain.is_worse and gain.value < -rule.allowed
        sight = "" if is_worse else describe_sight(comparison, metric)
        words = f"{place}: {describe_change(comparison, metric)}.{sight}"
        yield Check("slice", metric.name, "failed" if is_worse else "passed", words, place)


def check_improvements(
    rules: Sequence[Improvement], compared: Mapping[str, Comparison], table: Table, metrics: Metrics
) -> Iterator[Check]:
    """Did something get significantly better? `failed` when a gain that is worth it is ruled out."""
    corrected = _correct([compared[rule.metric] for rule in rules])
    for rule, p in zip(rules, corrected, strict=True):
        comparison, metric = compared[rule.metric], metrics[rule.metric]
        gain = read_gain(comparison, metric, p)
        if gain is None:
            yield Check("improvement", rule.metric, "unclear", f"{describe_change(comparison, metric)}.")
            continue
        result = _judge_gain(gain, rule.worth)
        sight = describe_sight(comparison, metric) if result == "unclear" else ""
        words = f"{describe_change(comparison, metric)}{_describe_gain(result, rule.worth, metric)}.{sight}"
        if result == "passed":
            short = [
                one for one in check_above_zero("first", rule.above_zero, table, metrics) if one.result != "passed"
            ]
            result = next((one.result for one in short), result)
            words = " ".join([words, *(f"But it does not count: {one.words}" for one in short[:1])])
        yield Check("improvement", rule.metric, result, words)


def check_cheaper(
    rule: Cheaper, improvements: Sequence[Improvement], compared: Mapping[str, Comparison], metrics: Metrics
) -> Check:
    """Is it as good, each gain within what would be worth it, and surely cheaper by the share that is asked for?"""
    cost, metric = compared[rule.metric], metrics[rule.metric]
    saving = read_gain(cost, metric)
    gains = [(read_gain(compared[one.metric], metrics[one.metric]), one.worth) for one in improvements]
    equal = all(gain is not None and -worth <= gain.low and gain.high <= worth for gain, worth in gains)
    asked = rule.lower_share * abs(cost.champion or 0.0)
    result: Result = "unclear" if saving is None else "failed"
    if saving is not None and asked > 0 and saving.value >= asked:
        result = "passed" if equal and saving.is_better and saving.low >= asked else "unclear"
    goodness = "as good" if equal else "not shown to be as good"
    words = f"{describe_change(cost, metric)}; {goodness} otherwise. Cheaper means {100 * rule.lower_share:.0f} % less."
    return Check("cheaper", rule.metric, result, words)


def _skip_slice(rule: Slices, comparison: Comparison, whole: Mapping[str, Comparison]) -> str:
    """Why nothing follows from a slice; empty when it counts."""
    if comparison.pull_requests < rule.pull_requests:
        return f"too small, {count(comparison.pull_requests, 'pull request')} of the {rule.pull_requests} that it takes"
    if comparison.difference is None:
        return f"not compared, {comparison.note}"
    return "the same as the whole set" if comparison == whole.get(comparison.metric) else ""


def _judge_loss(gain: Gain, margin: float) -> Result:
    if gain.low >= -margin - _ROUNDING:
        return "passed"
    return "failed" if gain.is_worse and gain.value < -margin else "unclear"


def _judge_gain(gain: Gain | None, worth: float) -> Result:
    if gain is None:
        return "unclear"
    if gain.is_better:
        return "passed"
    return "failed" if gain.high < worth else "unclear"


def _judge_above_zero(found: Estimate) -> Result:
    if found.low is None or found.high is None:
        return "unclear"
    if found.low > 0:
        return "passed"
    return "unclear" if found.high > 0 else "failed"


def _keeps(value: float, rule: Floor) -> bool:
    return (rule.least is None or value >= rule.least) and (rule.most is None or value <= rule.most)


def _correct(comparisons: Sequence[Comparison]) -> list[float]:
    """Holm's p of each; those that could not be compared count as if they had p 1."""
    return correct_holm([1.0 if comparison.p is None else comparison.p for comparison in comparisons])


def _describe_floor(rule: Floor, metric: Metric) -> str:
    bounds = [("at least", rule.least), ("at most", rule.most)]
    said = " and ".join(f"{words} {render_value(bound, metric.unit)}" for words, bound in bounds if bound is not None)
    how = {"value": "", "low": " by its whole interval", "high": ", or not significantly below"}[rule.judge]
    return f"The rule asks for {said}{how}."


def _describe_gain(result: Result, worth: float, metric: Metric) -> str:
    if result == "passed":
        return ", a significant improvement"
    if result == "failed":
        return f", no improvement: a gain of {render_size(worth, metric.unit)} is ruled out"
    return ", no significant improvement"
