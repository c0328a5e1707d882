"""The gate: may the challenger review in the champion's place? `promote`, `hold` or `inconclusive`, with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from evals.card_checks import check_card, check_figures
from evals.comparison import SliceComparison, align, by_name, check_text_scorers, compare_slices
from evals.gate_cases import Cases, check_cases, check_models
from evals.gate_checks import (
    Check,
    Metrics,
    check_above_zero,
    check_baselines,
    check_cheaper,
    check_floor,
    check_guards,
    check_holes,
    check_improvements,
    check_pairs,
    check_sample,
    check_slices,
)
from evals.metrics import Metric
from evals.records import save_document
from evals.rules import Rules, check_metrics
from evals.scorecard import Scorecard
from evals.statistics import DRAWS, Comparison, compare
from evals.table import Table

GATE_SCHEMA: Final = "glossator/gate/1"
EXIT_CODES: Final = {"promote": 0, "hold": 1, "inconclusive": 8}

Verdict = Literal["promote", "hold", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate decided, and everything that it looked at. `champion` None: there was none."""

    verdict: Verdict
    challenger: str
    champion: str | None
    dataset: str
    revision: str
    pull_requests: int
    reasons: list[str]
    checks: list[Check]
    comparisons: list[Comparison] = field(default_factory=list)
    slices: list[SliceComparison] = field(default_factory=list)
    baselines: list[tuple[str, Comparison]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def decide(
    champion: Scorecard | None,
    challenger: Scorecard,
    baselines: Sequence[Scorecard],
    rules: Rules,
    metrics: Sequence[Metric],
    draws: int = DRAWS,
    cases: Cases | None = None,
) -> Decision:
    """Hold the rules against the scorecards.

    Args:
        champion: The model that reviews now; None when there is none.
        challenger: The model that would take its place.
        baselines: Candidates of the same set. Those of the kind `baseline` must be beaten, the others are notes.
        rules: What is asked.
        metrics: All that there are.
        draws: Of the bootstrap and of the permutation test.
        cases: What came of the known failure modes and template tests; None: nobody asks.

    Raises:
        EvalError: The scorecards cannot be compared.
        UsageError: The rules speak of metrics that there are not.
    """
    known = by_name(metrics)
    check_metrics(rules, known)
    for card in (challenger, *([champion] if champion else []), *baselines):
        check_card(card)
        check_figures(card, [known[name] for name in rules.list_metrics()])
    beaten, notes = _compare_baselines(challenger, baselines, rules, known, draws)
    aligned = align(champion, challenger) if champion else None
    table = aligned.challenger if aligned else challenger.table
    checks = _check_alone(rules, challenger, table, beaten, known)
    for card in (challenger, *([champion] if champion else []), *baselines):
        checks += check_holes(card)
    if cases:
        check_models(cases, champion, challenger)
        checks += check_cases(cases)
    compared: dict[str, Comparison] = {}
    slices: list[SliceComparison] = []
    if champion and aligned:
        check_text_scorers(champion, challenger)
        compared = {name: compare(known[name], aligned.champion, table, draws) for name in rules.list_compared()}
        parts = [known[name] for name in rules.slices.metrics] if rules.slices else []
        slices = compare_slices(champion, challenger, parts, draws)
        checks += check_guards(rules.guard, compared, known, champion.metrics)
        checks += _check_against(rules, compared, slices, table, known)
    else:
        checks += check_above_zero("first", rules.first.above_zero, table, known)
    verdict, reasons = choose_verdict(checks)
    return Decision(
        verdict,
        challenger.candidate,
        champion.candidate if champion else None,
        challenger.dataset,
        challenger.revision,
        len(table.keys),
        reasons,
        checks,
        list(compared.values()),
        slices,
        beaten,
        list(dict.fromkeys([*(aligned.notes if aligned else ()), *notes, *challenger.notes])),
    )


def choose_verdict(checks: Sequence[Check]) -> tuple[Verdict, list[str]]:
    """What follows from the checks, and the words of those that it follows from.

    In this order: too little to decide anything is inconclusive; a rule that is broken holds; that nothing can have
    become better holds; what nobody can tell is inconclusive; only then is it promoted.
    """
    gains = [check for check in checks if check.part in {"improvement", "cheaper"}]
    musts = [check for check in checks if check not in gains]
    thin = [check.words for check in musts if check.part == "sample" and check.result != "passed"]
    failed = [check.words for check in musts if check.result == "failed"]
    unclear = [check.words for check in musts if check.result == "unclear"]
    better = [check.words for check in gains if check.result == "passed"]
    if thin:
        return "inconclusive", thin + failed
    if failed:
        return "hold", failed
    if gains and all(check.result == "failed" for check in gains):
        return "hold", [check.words for check in gains]
    if unclear or (gains and not better):
        hoped = [] if better else [check.words for check in gains if check.result == "unclear"]
        return "inconclusive", unclear + hoped
    return "promote", better or [
        check.words for check in musts if check.part in {"baseline", "first"} and check.result == "passed"
    ]


def save_decision(decision: Decision, path: Path) -> None:
    """Write the decision as JSON.

    Raises:
        EvalError: It cannot be written.
    """
    save_document(path, GATE_SCHEMA, decision)


def _check_alone(
    rules: Rules, challenger: Scorecard, table: Table, beaten: Sequence[tuple[str, Comparison]], known: Metrics
) -> list[Check]:
    """What is asked of a challenger whatever the champion is."""
    checks = [check_sample(rules.sample, table), *check_pairs(rules.sample, challenger)]
    checks += [check_floor(rule, table, known) for rule in rules.floor]
    for rule in rules.beats:
        compared = [(name, comparison) for name, comparison in beaten if comparison.metric == rule.metric]
        checks += check_baselines(rule, compared, known)
    return checks


def _compare_baselines(
    challenger: Scorecard, baselines: Sequence[Scorecard], rules: Rules, known: Metrics, draws: int
) -> tuple[list[tuple[str, Comparison]], list[str]]:
    """Each baseline in the champion's place; and sentences on the candidates that are no baselines."""
    found: list[tuple[str, Comparison]] = []
    notes: list[str] = []
    for card in baselines:
        aligned = align(card, challenger)
        check_text_scorers(card, challenger)
        if card.kind == "baseline":
            tables = aligned.champion, aligned.challenger
            found += [(card.candidate, compare(known[rule.metric], *tables, draws)) for rule in rules.beats]
        else:
            notes.append(f"{card.candidate!r} is a {card.kind}, no baseline: it need not be beaten.")
    return found, notes


def _check_against(
    rules: Rules,
    compared: Mapping[str, Comparison],
    slices: Sequence[SliceComparison],
    table: Table,
    known: Metrics,
) -> list[Check]:
    """What is asked of a challenger beside a champion."""
    checks = list(check_slices(rules.slices, slices, compared, known)) if rules.slices else []
    checks += check_improvements(rules.improvement, compared, table, known)
    checks += [check_cheaper(rules.cheaper, rules.improvement, compared, known)] if rules.cheaper else []
    return checks
