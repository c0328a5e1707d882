"""What came of the known failure modes and the template tests: a small document that the gate reads.

Groups: `failure-modes` and `invariance` are judged with fake models, and the product must pass all of them; and
`model-invariance` and `model-directional` are measured with a real one. A group that was not run is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from evals.errors import EvalError
from evals.records import load_document, save_document
from reviewer.domain import ModelVersion

CASES_SCHEMA: Final = "glossator/cases/1"

ResultGroup = Literal["failure-modes", "invariance", "model-invariance", "model-directional"]
Outcome = Literal["passed", "failed", "not-applicable"]
RESULT_GROUPS: Final[tuple[ResultGroup, ...]] = (
    "failure-modes",
    "invariance",
    "model-invariance",
    "model-directional",
)
MUST: Final = frozenset({"failure-modes", "invariance"})
"""Groups in which each failure is a fault of the product, whatever the model is worth."""


@dataclass(frozen=True, slots=True)
class Directional:
    """A planted fault, and the same place in the clean version. A comment counts within three lines.

    `rank` and `clean_rank`: the share of the other changed lines that the product points to sooner, a tie counted
    half; 0 is first and 1 is last.
    """

    hit: bool
    """A comment at the fault."""
    alarm: bool
    """A comment at the same place where nothing is wrong."""
    rank: float
    clean_rank: float
    comments: int = 0
    """On the version with the fault."""
    clean_comments: int = 0


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case. `name` is unique within its group."""

    name: str
    group: ResultGroup
    kind: str
    """As `rename-only`, `same-title`, `off-by-one`."""
    outcome: Outcome
    why: str = ""
    """Why it failed or does not apply, in words."""
    language: str = ""
    directional: Directional | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What two candidates' results are paired by."""
        return (self.group, self.name)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of the cases that apply passed, and how many do not apply."""

    passed: int
    total: int
    not_applicable: int = 0

    @property
    def rate(self) -> float | None:
        """The share that passed; None when none applies."""
        return self.passed / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class CaseResults:
    """The results of one candidate. Only those of the same `revision` can be compared."""

    candidate: str
    model: ModelVersion
    revision: str
    """Digest of all case files that were run."""
    groups: dict[str, Tally] = field(default_factory=dict)
    kinds: dict[str, Tally] = field(default_factory=dict)
    """The same by `GROUP/KIND`."""
    cases: tuple[CaseResult, ...] = ()

    @property
    def broken(self) -> tuple[CaseResult, ...]:
        """The cases that the product must pass and did not."""
        return tuple(case for case in self.cases if case.group in MUST and case.outcome == "failed")


def count_results(candidate: str, model: ModelVersion, revision: str, cases: Iterable[CaseResult]) -> CaseResults:
    """The results with their tallies, in the order of the groups and the names."""
    ordered = tuple(sorted(cases, key=lambda case: (RESULT_GROUPS.index(case.group), case.kind, case.name)))
    groups = dict.fromkeys(case.group for case in ordered)
    kinds = dict.fromkeys((case.group, case.kind) for case in ordered)
    return CaseResults(
        candidate=candidate,
        model=model,
        revision=revision,
        groups={group: _tally(case for case in ordered if case.group == group) for group in groups},
        kinds={
            f"{group}/{kind}": _tally(case for case in ordered if (case.group, case.kind) == (group, kind))
            for group, kind in kinds
        },
        cases=ordered,
    )


def _tally(cases: Iterable[CaseResult]) -> Tally:
    outcomes = [case.outcome for case in cases]
    skipped = outcomes.count("not-applicable")
    return Tally(outcomes.count("passed"), len(outcomes) - skipped, skipped)


@dataclass(frozen=True, slots=True)
class Paired:
    """Two candidates on the same cases of a group: how many passed with both, with one alone, with neither.

    `only_champion` and `only_challenger` are what an exact sign test (McNemar) compares.
    """

    both: int = 0
    only_champion: int = 0
    only_challenger: int = 0
    neither: int = 0


def pair_results(champion: CaseResults, challenger: CaseResults) -> dict[ResultGroup, Paired]:
    """Compare two candidates case by case, group by group, as far as both were tried.

    A case without a usable answer is one that was not passed: silence earns nothing, and hides nothing.

    Raises:
        EvalError: They were run on other cases.
    """
    if champion.revision != challenger.revision:
        what = f"{champion.candidate!r} and {challenger.candidate!r} were run on different cases."
        raise EvalError(what, "Run `glossator-eval cases` again for the older one.")
    theirs = {case.key: case.outcome == "passed" for case in challenger.cases}
    counts: Counter[tuple[ResultGroup, bool, bool]] = Counter(
        (case.group, case.outcome == "passed", theirs[case.key]) for case in champion.cases if case.key in theirs
    )
    return {
        group: Paired(
            counts[group, True, True],
            counts[group, True, False],
            counts[group, False, True],
            counts[group, False, False],
        )
        for group in RESULT_GROUPS
        if any(found == group for found, _, _ in counts)
    }


def save_case_results(results: CaseResults, path: Path) -> None:
    """Write the results.

    Raises:
        EvalError: They cannot be written.
    """
    save_document(path, CASES_SCHEMA, results)


def load_case_results(path: Path) -> CaseResults:
    """Read the results.

    Raises:
        EvalError: They cannot be read, or are something else.
    """
    return load_document(path, CASES_SCHEMA, CaseResults)
