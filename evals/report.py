"""What a report says, before it is a page: scorecards side by side, chosen examples, sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evals.errors import EvalError
from evals.metrics import Unit
from evals.scorecard import Estimate, Pair, Scorecard

STRICTNESSES: Final = {
    "line": "exact line",
    "near": "within 3 lines",
    "hunk": "same hunk",
    "file": "same file",
}
EXAMPLES_EACH: Final = 2
"""How many of the best, of the middle and of the worst pairs are shown."""


@dataclass(frozen=True)
class Report:
    """A candidate and what it is measured against, all on the same pull requests."""

    card: Scorecard
    champion: Scorecard | None = None
    baselines: tuple[Scorecard, ...] = ()

    @property
    def others(self) -> tuple[Scorecard, ...]:
        """The champion, then the baselines."""
        return (*([self.champion] if self.champion else []), *self.baselines)

    @property
    def cards(self) -> tuple[Scorecard, ...]:
        """All, the candidate first."""
        return (self.card, *self.others)


def build_report(card: Scorecard, champion: Scorecard | None = None, baselines: Sequence[Scorecard] = ()) -> Report:
    """Put scorecards side by side.

    Raises:
        EvalError: They are of other held-out sets, or of another revision of it.
    """
    for other in (*([champion] if champion else []), *baselines):
        if (other.dataset, other.revision) != (card.dataset, card.revision):
            raise EvalError(
                f"{other.candidate!r} was scored on {other.dataset} {other.revision}, "
                f"{card.candidate!r} on {card.dataset} {card.revision}.",
                "Score both on the same held-out set.",
            )
    return Report(card, champion, tuple(baselines))


def render_title(report: Report) -> str:
    """Who, on what."""
    return f"{report.card.candidate} on {report.card.dataset}"


def render_headline(report: Report) -> str:
    """Who was judged on what, in a sentence."""
    card = report.card
    model = " ".join(part for part in (card.model.name, card.model.version) if part)
    repos = ", ".join(origin.repo for origin in card.origins)
    of = f" of {repos}" if repos else ""
    return (
        f"{card.candidate} ({model}) on {count(len(card.keys), 'pull request')}{of}: "
        f"held-out set {card.dataset}, revision {card.revision}."
    )


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


def render_interval(estimate: Estimate, unit: Unit) -> str:
    """`28.1 to 40.0`, without the unit; empty where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = (
        render_value(value, unit).removesuffix(" %").removesuffix(" s") for value in (estimate.low, estimate.high)
    )
    return f"{low} to {high}"


def choose_examples(pairs: Sequence[Pair], each: int = EXAMPLES_EACH) -> list[tuple[str, Pair]]:
    """Pairs by rule and not by hand: the most similar, those around the median, the least similar.

    Equal scores are ordered by place, so that the same pairs are chosen whatever the order of the input.
    """
    ranked = sorted(pairs, key=lambda pair: (-pair.score, pair.repo, pair.number, pair.path, pair.line))
    if len(ranked) <= 3 * each:
        return [(f"{at} of {len(ranked)}", pair) for at, pair in enumerate(ranked, 1)]
    middle = (len(ranked) - each) // 2
    places = [*range(each), *range(middle, middle + each), *range(len(ranked) - each, len(ranked))]
    kinds = ["most similar"] * each + ["median"] * each + ["least similar"] * each
    return [(f"{kind}: {at + 1} of {len(ranked)}", ranked[at]) for kind, at in zip(kinds, places, strict=True)]
