"""The figures behind the pictures, as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.locator_report.figures import Calibration, Weighed
from bench.locator_report.learning import Step
from bench.locator_report.words import LINE_WORDS
from evals.scorecard import Estimate
from reviewer.locator_reasons import WORDS

NONE = "–"  # noqa: RUF001 - the dash of a cell without a figure


def tell(found: Estimate) -> str:
    """`.027 (.011 to .035)`."""
    if found.value is None or found.low is None or found.high is None:
        return NONE
    value, low, high = (f"{number:.3f}".removeprefix("0") for number in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def tell_calibration(calibrations: Mapping[str, Sequence[Calibration]]) -> Iterator[str]:
    """The expected calibration errors."""
    yield "| expected calibration error | as trained | adapted by 20 | adapted by 100 |\n| --- | --- | --- | --- |"
    for repo, found in calibrations.items():
        yield f"| {repo} | {' | '.join(tell(one.error) for one in found)} |"


def tell_steps(what: str, by_repo: Mapping[str, Sequence[Step]]) -> Iterator[str]:
    """The learning curves: the mean of the draws, and their range."""
    yield f"\n| {what} | left out | within a pull request | commented, pooled |\n| --- | --- | --- | --- |"
    for repo, steps in by_repo.items():
        for step in steps:
            yield f"| {step.count:,} | {repo} | {_tell_range(step.within)} | {_tell_range(step.pooled)} |"


def _tell_range(values: Sequence[float]) -> str:
    return tell(Estimate(sum(values) / len(values), min(values), max(values))) if values else NONE


def tell_weighed(hunk: Sequence[Weighed], line: Sequence[Weighed]) -> Iterator[str]:
    """What the features weigh."""
    yield "\n| of a hunk | weight times spread | lost without it |\n| --- | --- | --- |"
    for one in hunk:
        lost = NONE if one.loss is None else f"{one.loss:+.4f}"
        yield f"| {WORDS[one.feature][0]} | {one.weight:+.2f} | {lost} |"
    yield "\n| of a line | weight times spread |\n| --- | --- |"
    yield from (f"| {LINE_WORDS[one.feature]} | {one.weight:+.2f} |" for one in line)
