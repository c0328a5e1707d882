"""Which metrics the main table shows, in which order, and how figures are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from evals.metrics import Metric, Ratio, Unit
from evals.score import METRICS
from evals.scorecard import Estimate, Scorecard

OFF: Final = Estimate(None, note="not in this scorecard")
POSTED: Final = "running.posted"
"""The column that counts comments: of who posted none, nothing can be said of the comments."""
BY_NAME: Final = {metric.name: metric for metric in METRICS}
GROUPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (
        "Where it comments",
        (
            *(f"location.{strictness}.f1" for strictness in ("line", "near", "hunk", "file")),
            "location.hunk.precision",
            "location.hunk.recall",
            "location.hunk.recall_open",
            "location.hunk.f1_commented",
            "location.hunk.f1_placed",
            "location.hunk.macro_f1",
            "location.hunk.ap",
        ),
    ),
    (
        "Where it points",
        (
            "ranking.hunk.ap",
            "ranking.hunk.within_ap",
            "ranking.hunk.p1",
            "ranking.hunk.p1_many",
            "ranking.line.top5",
            "ranking.line.top10",
            "ranking.line.recall20",
        ),
    ),
    (
        "What it says",
        (
            "text.bertscore.matched",
            "text.bertscore.all_gold",
            *(f"text.bertscore.lift_{kind}" for kind in ("constant", "shuffled", "retrieval", "template", "untuned")),
            "text.chrf.matched",
            "text.rouge_l.matched",
            "text.distinct",
            "text.copied",
            "facts.identifiers",
            "facts.suggestions",
        ),
    ),
    (
        "How it runs",
        (
            "running.parse_rate",
            "running.anchoring_rate",
            "running.comments",
            "running.noise",
            "running.noise_comments",
            "running.seconds",
            "running.tokens",
        ),
    ),
)


def list_shown() -> list[Metric]:
    """The metrics of the main table."""
    return [BY_NAME[name] for _, names in GROUPS for name in names if name in BY_NAME]


def choose_groups(cards: Iterable[Scorecard]) -> tuple[tuple[str, tuple[Metric, ...]], ...]:
    """The main table's headings and metrics, without those that no scorecard has a value for."""
    scored = {name for card in cards for name, estimate in card.metrics.items() if estimate.value is not None}
    groups = (
        (title, [BY_NAME[name] for name in names if name in BY_NAME and name in scored]) for title, names in GROUPS
    )
    return tuple((title, tuple(metrics)) for title, metrics in groups if metrics)


def say_missing(metric: Metric, card: Scorecard) -> str:
    """Why a figure has no value: too little to count it on, nothing at all, or it was not scored."""
    estimate, formula = card.metrics.get(metric.name, OFF), metric.formula
    if estimate.pull_requests:
        return "too few"
    is_silent = POSTED in card.columns and not any(card.columns[POSTED])
    is_scored = isinstance(formula, Ratio) and any(name in card.columns for name in formula.denominator)
    return "undefined" if is_silent or is_scored else "not scored"


def count(number: int, noun: str) -> str:
    """`1 pull request`, `1,234 pull requests`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def render_value(value: float | None, unit: Unit) -> str:
    """A figure for people; a dash where there is none."""
    if value is None:
        return "\u2013"
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "score":
        return f"{value:.3f}"
    if unit == "seconds":
        return f"{value:,.1f} s"
    return f"{value:,.0f}" if unit == "tokens" else f"{value:,.2f}"


def render_range(low: float | None, high: float | None, unit: Unit) -> str:
    """`28.1 to 40.0`, without the unit; empty where there is no interval."""
    if low is None or high is None:
        return ""
    return " to ".join(render_value(value, unit).removesuffix(" %").removesuffix(" s") for value in (low, high))


def render_interval(estimate: Estimate, unit: Unit) -> str:
    """The 95 % interval of a figure, without the unit; empty where there is none."""
    return render_range(estimate.low, estimate.high, unit)


def render_change(value: float | None, unit: Unit) -> str:
    """A difference with its sign; of shares in percentage points."""
    if value is None:
        return "\u2013"
    text = render_value(abs(value), unit).removesuffix(" %")
    sign = "" if not float(text.removesuffix(" s").replace(",", "")) else "+" if value > 0 else "\u2212"
    return f"{sign}{text}{' points' if unit == 'share' else ''}"
