"""Cases as rules of the gate: what was not tried, or not answered, is never in favour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evals.case_files import load_cases
from evals.case_results import CaseResult, CaseResults, Outcome, count_results
from evals.gate_cases import Cases, check_cases
from evals.gate_checks import Result
from reviewer.domain import ModelVersion

PASSED: list[Outcome] = ["passed"] * 9
FAILED: list[Outcome] = ["failed"] * 9
UNHEARD: list[Outcome] = ["not-applicable"] * 9
REVISION = load_cases().revision
MUSTS = [CaseResult("plain", "failure-modes", "crlf", "passed"), CaseResult("plain", "invariance", "title", "passed")]


def make_results(*outcomes: Outcome) -> CaseResults:
    """What must pass passed, and these came of planted faults."""
    planted = [CaseResult(f"race-{at}", "model-directional", "race", one) for at, one in enumerate(outcomes)]
    return count_results("model", ModelVersion("model"), REVISION, [*MUSTS, *planted])


def judge(champion: CaseResults | None, challenger: CaseResults) -> Sequence[Result]:
    """The results of what is not a passed group that must pass."""
    checks = list(check_cases(Cases(challenger, champion)))
    assert [check.result for check in checks if check.of in {"failure-modes", "invariance"}] == ["passed", "passed"]
    return [check.result for check in checks if check.of not in {"failure-modes", "invariance"}]


def test_as_good_as_the_champion() -> None:
    assert judge(None, make_results()) == []
    assert judge(make_results(), make_results(*FAILED)) == []
    assert judge(make_results(*PASSED), make_results(*PASSED)) == ["passed"]


def test_a_choice_of_cases_decides_nothing() -> None:
    few = replace(make_results(), revision=load_cases(["crlf", "binary"]).revision)
    (check, *_) = check_cases(Cases(few))
    assert (check.part, check.result) == ("cases", "unclear")
    assert "not all cases of this version" in check.words


def test_what_was_tried_on_the_champion_alone_is_unclear() -> None:
    champion = make_results(*PASSED)
    assert judge(champion, make_results()) == ["unclear"]
    assert judge(champion, make_results("passed")) == ["unclear", "passed"]
    (check,) = (one for one in check_cases(Cases(make_results(), champion)) if one.result == "unclear")
    assert check.words == "Cases, model-directional: 9 cases tried on the champion alone."


def test_without_usable_answers_nothing_is_passed() -> None:
    unheard = make_results(*UNHEARD)
    assert judge(make_results(*PASSED), unheard) == ["failed"]
    assert judge(unheard, make_results(*PASSED)) == ["passed"]
    assert judge(unheard, unheard) == ["passed"]
    one = make_results("not-applicable", *PASSED[1:])
    assert judge(make_results(*PASSED), one) == ["passed"], "one of nine is no proof"
