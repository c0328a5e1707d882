"""What a report says, before it is a page: a candidate beside its champion and the baselines, compared in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Literal

from evals.comparison import align, check_text_scorers
from evals.errors import EvalError
from evals.gate import Decision
from evals.metrics import Metric
from evals.report_metrics import OFF, choose_groups, count, list_shown
from evals.run import NO_MODEL
from evals.scorecard import Estimate, Pair, Scorecard
from evals.statistics import DRAWS, Comparison

EXAMPLES_EACH: Final = 2
"""How many of the best, of the middle and of the worst pairs are shown."""
BASELINE_DRAWS: Final = 500
"""Enough to say whether a baseline differs; the champion gets all draws."""

Role = Literal["this candidate", "champion", "baseline"]
Verdict = Literal["better", "worse", ""]


@dataclass(frozen=True)
class Column:
    """A scorecard in the report. `comparisons`: this candidate's figures less these, by metric.

    Figures of texts are left out of `card` where they were scored in another way than the candidate's.
    """

    card: Scorecard
    role: Role
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def get(self, metric: Metric) -> Estimate:
        """A figure; without a value where the scorecard has none."""
        return self.card.metrics.get(metric.name, OFF)

    def judge(self, metric: Metric) -> Verdict:
        """Whether this one is better or worse than the candidate: only if the interval of the difference says so."""
        found = self.comparisons.get(metric.name)
        if found is None or found.low is None or found.high is None or metric.better == "neither":
            return ""
        if found.low <= 0 <= found.high:
            return ""
        return "worse" if (found.low > 0) == (metric.better == "higher") else "better"


@dataclass(frozen=True)
class Report:
    """The candidate's column first, then the champion's, then the baselines'."""

    columns: tuple[Column, ...]
    decision: Decision | None = None

    @property
    def card(self) -> Scorecard:
        """The candidate's scorecard."""
        return self.columns[0].card

    @property
    def champion(self) -> Column | None:
        """The champion's column, if there is one."""
        return next((column for column in self.columns if column.role == "champion"), None)

    @property
    def baselines(self) -> tuple[Column, ...]:
        """The baselines' columns."""
        return tuple(column for column in self.columns if column.role == "baseline")

    @cached_property
    def groups(self) -> tuple[tuple[str, tuple[Metric, ...]], ...]:
        """The main figures by heading, without those that no scorecard has a value for."""
        return choose_groups(column.card for column in self.columns)


def build_report(
    card: Scorecard,
    champion: Scorecard | None = None,
    baselines: Sequence[Scorecard] = (),
    decision: Decision | None = None,
) -> Report:
    """Put scorecards side by side, and compare the candidate with each other one on the pull requests of both.

    Raises:
        EvalError: They are of other held-out sets or pull requests, or the decision is on another candidate.
    """
    subject = (card.candidate, card.dataset, card.revision)
    if decision and (decision.challenger, decision.dataset, decision.revision) != subject:
        raise EvalError(
            f"The decision is on {decision.challenger!r} and {decision.dataset}, revision {decision.revision}, "
            f"the scorecard {card.candidate!r} on {card.dataset}, revision {card.revision}.",
            "Give the decision that the gate made of this scorecard.",
        )
    columns = [Column(card, "this candidate")]
    columns += [_compare("champion", other, card, DRAWS) for other in ([champion] if champion else [])]
    columns += [_compare("baseline", other, card, BASELINE_DRAWS) for other in baselines]
    return Report(tuple(columns), decision)


def _compare(role: Role, other: Scorecard, card: Scorecard, draws: int) -> Column:
    kept, notes = _keep_comparable(other, card)
    aligned = align(kept, card)
    found = [aligned.compare(metric, draws) for metric in list_shown()]
    return Column(kept, role, {one.metric: one for one in found}, (*aligned.notes, *notes))


def _keep_comparable(other: Scorecard, card: Scorecard) -> tuple[Scorecard, tuple[str, ...]]:
    """The other scorecard without what it says of texts, where that was found out in another way, and a note on it."""
    try:
        check_text_scorers(other, card)
    except EvalError as error:
        metrics = {name: value for name, value in other.metrics.items() if not name.startswith("text.")}
        columns = {name: values for name, values in other.columns.items() if not name.startswith("text.")}
        note = f"{error.what} The figures of {other.candidate!r} are left out."
        return replace(other, metrics=metrics, columns=columns), (note,)
    return other, ()


def render_title(report: Report) -> str:
    """Who, on what."""
    return f"{report.card.candidate} on {report.card.dataset}"


def render_headline(report: Report) -> str:
    """Who was judged on what, in a sentence."""
    card = report.card
    model = " ".join(part for part in (card.model.name, card.model.version) if part)
    who = f"{card.candidate} ({'no model' if card.model == NO_MODEL else model})"
    repos = ", ".join(origin.repo for origin in card.origins)
    part = f"{len(card.keys):,} of " if len(card.keys) < card.in_set else ""
    pulls = part + count(max(len(card.keys), card.in_set), "pull request")
    human = int(card.table.column("location.gold").sum() + card.table.column("location.open.gold").sum())
    told = f" with {count(human, 'commented line')}" if human else ""
    return (
        f"{who} was judged on {pulls}{f' of {repos}' if repos else ''}{told}: "
        f"held-out set {card.dataset}, revision {card.revision}."
    )


def choose_examples(pairs: Sequence[Pair], each: int = EXAMPLES_EACH) -> list[tuple[str, Pair]]:
    """Pairs by rule and not by hand: the most similar, those around the median, the least similar.

    Equal scores are ordered by place, so that the same pairs are chosen whatever the order of the input.

    Returns:
        What each pair stands for, and the pair, best first.
    """
    ranked = sorted(pairs, key=lambda pair: (-pair.score, pair.repo, pair.number, pair.path, pair.line))
    if len(ranked) <= 3 * each:
        return [("", pair) for pair in ranked]
    middle = (len(ranked) - each) // 2
    parts = (("most alike", 0), ("in the middle", middle), ("least alike", len(ranked) - each))
    return [(kind, pair) for kind, start in parts for pair in ranked[start : start + each]]
