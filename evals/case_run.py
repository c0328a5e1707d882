"""Run the cases: the product with fake models, and with a real one where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from evals.case_checks import check_failure_mode, check_invariance
from evals.case_files import CaseSet
from evals.case_format import DirectionalCase, FailureMode, Invariance
from evals.case_measures import Reviewer, measure_directional, measure_invariance
from evals.case_results import CaseResult, CaseResults, Directional, ResultGroup, Tally, count_results
from reviewer.domain import ModelVersion
from reviewer.settings import Settings

_MEASURED: Final[tuple[ResultGroup, ...]] = ("model-invariance", "model-directional")


def tell_nobody(done: int, result: CaseResult) -> None:
    """Show nothing."""


async def run_cases(
    case_set: CaseSet,
    settings: Settings,
    candidate: str,
    version: ModelVersion,
    reviewer: Reviewer | None = None,
    on_done: Callable[[int, CaseResult], None] = tell_nobody,
) -> CaseResults:
    """Judge the product on the cases, and measure a model.

    Args:
        case_set: The cases.
        settings: Those of the reviews with fake models.
        candidate: A short name for who is measured.
        version: Its model.
        reviewer: The product with a real model; None: only what needs none is run.
        on_done: Told of each result, and how many there are by then.

    Returns:
        The results with their tallies.

    Raises:
        EvalError: A case contradicts itself.
    """
    results: list[CaseResult] = []
    async for result in _results(case_set, settings, reviewer):
        results.append(result)
        on_done(len(results), result)
    return count_results(candidate, version, case_set.revision, results)


async def _results(case_set: CaseSet, settings: Settings, reviewer: Reviewer | None) -> AsyncIterator[CaseResult]:
    for case in case_set.cases:
        if isinstance(case, FailureMode):
            yield await check_failure_mode(case, settings)
        elif isinstance(case, Invariance):
            yield await check_invariance(case, settings)
    for case in case_set.cases:
        if reviewer is None:
            break
        if isinstance(case, DirectionalCase):
            yield await measure_directional(case, reviewer)
        elif isinstance(case, Invariance):
            yield await measure_invariance(case, reviewer)


def count_directional(results: CaseResults) -> dict[str, int]:
    """The directional cases by what was commented on.

    `hits`: comments on the fault; `alarms`: at its place in the clean version; `caught` and `reversed`: the one
    without the other; `up` and `down`: the fault is pointed to sooner or later than the same place without it.
    """
    found = [case.directional for case in results.cases if case.directional]

    def count(holds: Callable[[Directional], bool]) -> int:
        return sum(map(holds, found))

    return {
        "cases": len(found),
        "hits": count(lambda one: one.hit),
        "alarms": count(lambda one: one.alarm),
        "caught": count(lambda one: one.hit and not one.alarm),
        "reversed": count(lambda one: one.alarm and not one.hit),
        "up": count(lambda one: one.rank < one.clean_rank),
        "down": count(lambda one: one.rank > one.clean_rank),
    }


def render_results(results: CaseResults) -> str:
    """The results as a table for people, with each failure and why."""
    return "\n".join([*_table(results), *_directional_lines(results), *_failures(results)]) + "\n"


def _table(results: CaseResults) -> Iterator[str]:
    yield f"{'':34}{'passed':>8}{'failed':>8}{'skipped':>9}"
    for group, tally in results.groups.items():
        yield _row(group, tally)
        for kind, part in results.kinds.items():
            if kind.startswith(f"{group}/"):
                yield _row(f"  {kind.partition('/')[2]}", part)


def _row(name: str, tally: Tally) -> str:
    return f"{name:34}{tally.passed:>8}{tally.total - tally.passed:>8}{tally.not_applicable:>9}"


def _directional_lines(results: CaseResults) -> Iterator[str]:
    count = count_directional(results)
    if count["cases"]:
        yield ""
        yield (
            f"Of {count['cases']} planted faults {count['hits']} got a comment; the same place without the fault got "
            f"one in {count['alarms']}. Only with the fault: {count['caught']}; only without it: {count['reversed']}. "
            f"Pointed to sooner with the fault: {count['up']}, later: {count['down']}."
        )


def _failures(results: CaseResults) -> Iterator[str]:
    told = [case for case in results.cases if case.outcome != "passed"]
    if told:
        yield ""
    for case in told:
        yield f"{case.outcome} {case.group} {case.name}: {case.why}"
