"""What a real model makes of the cases: measured, not demanded.

Directional cases: the same change is reviewed without and with a planted fault. A comment on the fault is worth
something only where there is none at the same place of the clean version: else a model that comments everywhere would
pass. What a model gets right by chance it gets wrong by chance as often; so the fair reading is passed against reversed
(comment on the clean version alone), which a sign test compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from evals.case_changes import build_bundle, build_variant, build_versions
from evals.case_format import DirectionalCase, Invariance
from evals.case_results import CaseResult, Directional, Outcome
from evals.errors import EvalError
from evals.held_out import HeldOut
from evals.predictions import Predicted, Prediction, list_changed
from reviewer.domain import Bundle, Line

NEAR: Final = 3
"""Lines between a fault and a comment on it."""

Place = tuple[str, Line]
"""A path and a line."""


class Reviewer(Protocol):
    """Whatever predicts: `evals.run.ReviewerCandidate`."""

    async def predict(self, held: HeldOut) -> Prediction:
        """What it makes of one pull request."""
        ...


async def measure_directional(case: DirectionalCase, reviewer: Reviewer) -> CaseResult:
    """Whether the reviewer comments on the planted fault, and not where nothing is wrong.

    Raises:
        EvalError: The case names a line that is not there.
    """
    clean, faulty = (_hold(bundle) for bundle in build_versions(case))
    before, after = await reviewer.predict(clean), await reviewer.predict(faulty)
    blamed, harmless = find_places(case, clean, faulty)
    if unheard := _why_unheard(before, after):
        return CaseResult(case.name, "model-directional", case.kind, "not-applicable", unheard, case.language)
    figures = Directional(
        hit=is_commented(after.comments, blamed),
        alarm=is_commented(before.comments, harmless),
        rank=rank_place(faulty, after, blamed),
        clean_rank=rank_place(clean, before, harmless),
        comments=len(after.comments),
        clean_comments=len(before.comments),
    )
    passed = figures.hit and not figures.alarm
    why = "" if passed else _explain(figures)
    outcome: Outcome = "passed" if passed else "failed"
    return CaseResult(case.name, "model-directional", case.kind, outcome, why, case.language, figures)


async def measure_invariance(case: Invariance, reviewer: Reviewer) -> CaseResult:
    """Whether the reviewer comments on the same lines of both versions.

    Raises:
        EvalError: One of the versions is no diff.
    """
    first = await reviewer.predict(_hold(build_bundle(case.change, case.name)))
    second = await reviewer.predict(_hold(build_variant(case)))
    if unheard := _why_unheard(first, second):
        return CaseResult(case.name, "model-invariance", case.kind, "not-applicable", unheard)
    before, after = ({_name(c) for c in each.comments if case.watch in {"", c.path}} for each in (first, second))
    if before == after:
        return CaseResult(case.name, "model-invariance", case.kind, "passed")
    why = f"comments only the first time: {sorted(before - after)}; only the second time: {sorted(after - before)}"
    return CaseResult(case.name, "model-invariance", case.kind, "failed", why)


def find_places(case: DirectionalCase, clean: HeldOut, faulty: HeldOut) -> tuple[Place, Place]:
    """The line to blame in the faulty version, and the line at its place in the clean one.

    Raises:
        EvalError: One of them is not there, or more than once.
    """
    path, plant = case.plant.path, case.plant
    blamed = _find_line(case, faulty, path, plant.line)
    return (path, blamed), (path, _find_line(case, clean, path, plant.clean_line or plant.line))


def is_commented(comments: Sequence[Predicted], place: Place) -> bool:
    """Whether a comment, inline or in the summary, stands within NEAR lines of a place, on its side."""
    path, line = place
    return any(
        (comment.path, comment.side) == (path, line.side)
        and (comment.start_line or comment.line) - NEAR <= line.number <= comment.line + NEAR
        for comment in comments
    )


def rank_place(held: HeldOut, prediction: Prediction, place: Place) -> float:
    """The share of the other changed lines that go before a place, a tie counted half: 0 is first, 1 is last."""
    scores = prediction.line_scores
    at = next(
        number
        for number, (_, hunk, line) in enumerate(list_changed(held))
        if (hunk.path, line.side, line.number) == (place[0], place[1].side, place[1].number)
    )
    if len(scores) < 2:  # noqa: PLR2004 - a line alone is first
        return 0.0
    before = sum(score > scores[at] for score in scores)
    same = sum(score == scores[at] for score in scores) - 1
    return round((before + same / 2) / (len(scores) - 1), 4)


def _find_line(case: DirectionalCase, held: HeldOut, path: str, text: str) -> Line:
    found = [line for _, hunk, line in list_changed(held) if hunk.path == path and line.text.strip() == text.strip()]
    if len(found) != 1:
        what = f"The case {case.name!r} names the line {text!r}, which is changed {len(found)} times, not once."
        raise EvalError(what, "Correct the case's `plant`.")
    return found[0]


def _hold(bundle: Bundle) -> HeldOut:
    return HeldOut(bundle, (), complete=True)


def _why_unheard(*predictions: Prediction) -> str:
    """Why a comparison says nothing: the model was not heard on some piece."""
    missed = sum(prediction.unreadable for prediction in predictions)
    return f"{missed} pieces got no usable answer" if missed else ""


def _explain(figures: Directional) -> str:
    if figures.alarm:
        return "a comment on both versions" if figures.hit else "a comment on the clean version alone"
    return "no comment near the fault"


def _name(comment: Predicted) -> str:
    return f"{comment.path} {comment.side[0]}{comment.start_line or comment.line}"
