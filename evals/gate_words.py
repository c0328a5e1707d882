"""What the gate's checks say: figures, differences and margins in words."""

from __future__ import annotations

from evals.metrics import Metric, Unit
from evals.report_metrics import render_change, render_range, render_value
from evals.scorecard import Estimate
from evals.statistics import Comparison


def render_size(value: float, unit: Unit) -> str:
    """How large a difference is, without a sign: `9.0 points`, `1.2 s`, `0.041`."""
    return render_change(abs(value), unit).removeprefix("+")


def describe_change(comparison: Comparison, metric: Metric) -> str:
    """`F1, same hunk: fell from 31.0 % to 22.0 % (difference -9.0 points, 95 % interval -14.0 to -4.0)`."""
    if comparison.champion is None or comparison.challenger is None or comparison.difference is None:
        return f"{metric.label}: cannot be compared ({comparison.note})"
    first, second = (render_value(value, metric.unit) for value in (comparison.champion, comparison.challenger))
    change = f"stayed at {first}"
    if comparison.difference:
        change = f"{'fell' if comparison.difference < 0 else 'rose'} from {first} to {second}"
    difference = render_change(comparison.difference, metric.unit)
    return f"{metric.label}: {change} (difference {difference}, 95 % interval {describe_interval(comparison, metric)})"


def describe_lead(comparison: Comparison, metric: Metric, name: str) -> str:
    """`F1, same hunk: 31.0 % against 22.0 % of 'every-hunk' (difference +9.0 points, ...)`."""
    if comparison.champion is None or comparison.challenger is None or comparison.difference is None:
        return f"{metric.label}: cannot be compared with {name!r} ({comparison.note})"
    first, second = (render_value(value, metric.unit) for value in (comparison.champion, comparison.challenger))
    difference = render_change(comparison.difference, metric.unit)
    interval = describe_interval(comparison, metric)
    return f"{metric.label}: {second}, {name!r} {first} (difference {difference}, 95 % interval {interval})"


def describe_interval(comparison: Comparison, metric: Metric) -> str:
    """`-14.0 to -4.0`; empty where there is none."""
    if comparison.low is None or comparison.high is None:
        return ""
    ends = (render_change(value, metric.unit) for value in (comparison.low, comparison.high))
    return " to ".join(end.removesuffix(" points").removesuffix(" s") for end in ends)


def describe_sight(comparison: Comparison, metric: Metric) -> str:
    """The smallest difference that the data would show, as a sentence."""
    if not comparison.detectable:
        return ""
    return f" Such data show a difference of {render_size(comparison.detectable, metric.unit)} or more."


def describe_estimate(estimate: Estimate, metric: Metric) -> str:
    """`Answers that can be read: 93.1 % (95 % interval 90.2 to 95.0)`."""
    if estimate.value is None:
        return f"{metric.label}: no value ({estimate.note or 'not scored'})"
    ends = render_range(estimate.low, estimate.high, metric.unit)
    return f"{metric.label}: {render_value(estimate.value, metric.unit)} (95 % interval {ends})"
