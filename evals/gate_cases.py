"""The known failure modes and template tests as rules of the gate: what must pass, and what must not get worse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import Final

from evals.case_files import load_cases
from evals.case_results import MUST, CaseResults, pair_results
from evals.errors import EvalError
from evals.gate_checks import ALPHA, Check
from evals.report_metrics import count
from evals.scorecard import Scorecard
from evals.statistics import correct_holm
from reviewer.domain import ModelVersion

NAMED: Final = 3
"""Broken cases that a sentence names at most."""


@dataclass(frozen=True, slots=True)
class Cases:
    """The results of the challenger on the cases, and of the champion, where there are any."""

    challenger: CaseResults
    champion: CaseResults | None = None


def check_cases(cases: Cases) -> Iterator[Check]:
    """Does the product get right what it must, and the model no less than the champion on the same cases?

    All cases that come with this version have to be tried, and on the challenger what was tried on the champion.

    Raises:
        EvalError: The two were run on other cases.
    """
    groups = cases.challenger.groups
    if cases.challenger.revision != load_cases().revision:
        words = (
            "Cases: these are not all cases of this version. Run `glossator-eval cases` without --case and --folder."
        )
        yield Check("cases", "", "unclear", words)
    for name in sorted(MUST):
        broken = [case.name for case in cases.challenger.broken if case.group == name]
        if name not in groups:
            yield Check("cases", "", "unclear", f"Cases, {name}: not run.", name)
        elif broken:
            more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
            words = f"Cases, {name}: {count(len(broken), 'case')} broken: {', '.join(broken[:NAMED])}{more}."
            yield Check("cases", "", "failed", words, name)
        else:
            yield Check("cases", "", "passed", f"Cases, {name}: all {groups[name].passed} pass.", name)
    if cases.champion:
        yield from _check_pairs(cases.champion, cases.challenger)


def check_models(cases: Cases, champion: Scorecard | None, challenger: Scorecard) -> None:
    """Refuse results of another model than the scorecards'.

    Raises:
        EvalError: They are.
    """
    pairs = [(cases.challenger, challenger), *([(cases.champion, champion)] if cases.champion and champion else [])]
    for results, card in pairs:
        asked = any(group not in MUST for group in results.groups)
        if asked and _identify(results.model) != _identify(card.model):
            names = f"{results.model.name!r}, the scorecard of {card.candidate!r} is of {card.model.name!r}"
            raise EvalError(f"The cases were tried on {names}.", "Try the cases on the model that was scored.")


def compute_mcnemar(one: int, other: int) -> float:
    """The exact two-sided p of McNemar's test: a sign test on the cases in which just one of two passed."""
    discordant = one + other
    tail = sum(comb(discordant, successes) for successes in range(min(one, other) + 1))
    return min(1.0, tail / 2.0 ** (discordant - 1))


def _check_pairs(champion: CaseResults, challenger: CaseResults) -> Iterator[Check]:
    tried = {case.key for case in challenger.cases}
    untried = Counter(case.group for case in champion.cases if case.group not in MUST and case.key not in tried)
    for group, missing in untried.items():
        words = f"Cases, {group}: {count(missing, 'case')} tried on the champion alone."
        yield Check("cases", "", "unclear", words, group)
    pairs = [(name, paired) for name, paired in pair_results(champion, challenger).items() if name not in MUST]
    ps = correct_holm([compute_mcnemar(paired.only_champion, paired.only_challenger) for _, paired in pairs])
    for (name, paired), p in zip(pairs, ps, strict=True):
        is_worse = p <= ALPHA and paired.only_champion > paired.only_challenger
        words = (
            f"Cases, {name}: {paired.both + paired.only_champion} passed by the champion, "
            f"{paired.both + paired.only_challenger} by the challenger; {paired.only_champion} by the champion alone, "
            f"{paired.only_challenger} by the challenger alone (p {p:.2g})."
        )
        yield Check("cases", "", "failed" if is_worse else "passed", words, name)


def _identify(model: ModelVersion) -> tuple[str, str, str]:
    return model.name, model.version, model.adapter_digest
