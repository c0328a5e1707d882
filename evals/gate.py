"""The gate: may the challenger review in the champion's place? `promote`, `hold` or `inconclusive`, with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from evals.card_checks import check_card, check_figures
from evals.comparison import (
    Aligned,
    SliceComparison,
    align,
    by_name,
    check_text_scorers,
    compare_slices,
    is_silent,
)
from evals.gate_cases import Cases, check_cases, check_models
from evals.gate_checks import (
    Check,
    Metrics,
    check_above_zero,
    check_baselines,
    check_cheaper,
    check_floor,
    check_guards,
    check_improvements,
    check_slices,
)
from evals.gate_terms import check_baseline, check_holes, check_pairs, check_sample
from evals.metrics import Metric
from evals.records import save_document
from evals.rules import Rules, check_metrics
from evals.scorecard import Scorecard
from evals.statistics import DRAWS, Comparison
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
    cards = [challenger, *([champion] if champion else []), *baselines]
    for card in cards:
        check_card(card)
        check_figures(card, [known[name] for name in rules.list_metrics()])
    aligned = align(champion, challenger) if champion else None
    table = aligned.challenger if aligned else challenger.table
    others = _align_others(baselines, challenger)
    rivals = [(card, found) for card, found in others if card.kind == "baseline"]
    asked = [known[rule.metric] for rule in rules.beats]
    beaten = [(card.candidate, found.compare(metric, draws)) for card, found in rivals for metric in asked]
    checks = _check_alone(rules, challenger, table, beaten, known)
    checks += [check for card, found in rivals for check in check_baseline(card, found, rules.beats, challenger, table)]
    checks += [check for card in cards for check in check_holes(card)]
    if cases:
        check_models(cases, champion, challenger)
        checks += check_cases(cases)
    compared: dict[str, Comparison] = {}
    slices: list[SliceComparison] = []
    if champion and aligned:
        check_text_scorers(champion, challenger)
        compared = {name: aligned.compare(known[name], draws) for name in rules.list_compared()}
        parts = [known[name] for name in rules.slices.metrics] if rules.slices else []
        slices = compare_slices(champion, challenger, parts, draws)
        checks += check_guards(rules.guard, compared, known, _list_silent(rules, champion, aligned, known))
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
        _write_notes(aligned, others, challenger, len(table.keys)),
    )


def choose_verdict(checks: Sequence[Check]) -> tuple[Verdict, list[str]]:
    """What follows from the checks, and the words of those that it follows from.

    In this order: too little to decide anything is inconclusive; a rule that is broken holds; that nothing can have
    become better holds; what nobody can tell is inconclusive; only then is it promoted.
    """
    gains = [check for check in checks if check.part in {"improvement", "cheaper"}]
    musts = [check for check in checks if check not in gains]
    thin = [check.words for check in musts if check.part in {"sample", "pairs"} and check.result != "passed"]
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


def _align_others(cards: Sequence[Scorecard], challenger: Scorecard) -> list[tuple[Scorecard, Aligned]]:
    """Each in the champion's place."""
    for card in cards:
        check_text_scorers(card, challenger)
    return [(card, align(card, challenger)) for card in cards]


def _list_silent(rules: Rules, champion: Scorecard, aligned: Aligned, known: Metrics) -> list[str]:
    """In what the champion was measured and hardly has anything to lose."""
    measured = [rule.metric for rule in rules.guard if rule.metric in champion.metrics]
    return [name for name in measured if is_silent(known[name], aligned.champion, aligned.challenger)]


def _write_notes(
    aligned: Aligned | None, others: Sequence[tuple[Scorecard, Aligned]], challenger: Scorecard, pull_requests: int
) -> list[str]:
    """What belongs beside the decision, each sentence once."""
    notes = list(aligned.notes) if aligned else []
    if pull_requests < challenger.in_set:
        scored = f"Decided on {pull_requests:,} of the {challenger.in_set:,} pull requests of the set"
        notes.append(f"{scored}: who tries several numbers takes the luckiest.")
    said: dict[str, list[str]] = {}
    for card, found in others:
        if card.kind != "baseline":
            notes.append(f"{card.candidate!r} is a {card.kind}, no baseline: it need not be beaten.")
        for note in found.notes:
            said.setdefault(note, []).append(repr(card.candidate))
    notes += [f"{', '.join(names)}: {note}" for note, names in said.items()]
    return list(dict.fromkeys([*notes, *challenger.notes]))


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
