"""What the product must get right whatever the model says: the known failure modes and the invariances.

Each case goes through the real `review_pull_request` with fake models. A problem is a sentence that says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evals.case_changes import build_bundle, build_variant, list_ids
from evals.case_format import Expect, FailureMode, Invariance
from evals.case_models import ADVERSARIES, UNHEARD, UNPLACED, FakeModel, judge_by_shape
from evals.case_results import CaseResult
from reviewer.domain import SELDOM, Bundle, PullRequest, Review, ReviewComment
from reviewer.invisible import BIDI
from reviewer.jsonfile import parse_json, render_json
from reviewer.locate import split_hunk
from reviewer.prompt import Prompt
from reviewer.recheck import check_again
from reviewer.review import review_pull_request
from reviewer.settings import Settings

_NAMED = 5
"""Lines that a sentence names at most."""
_STEERS = re.compile(f"[{''.join(sorted(BIDI))}\ud800-\udfff\x00-\x08\x0b-\x1f]")
"""Characters that would move, hide or break what stands around them."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One review of a case by a fake model."""

    adversary: str
    bundle: Bundle
    review: Review
    prompts: tuple[Prompt, ...]
    """One for each piece that was asked about, in the order of asking; repair turns left out."""

    @property
    def said(self) -> tuple[ReviewComment, ...]:
        """The inline comments that the model made, not a rule."""
        return tuple(comment for comment in self.review.comments if not comment.finding.rule)


async def try_model(adversary: str, model: FakeModel, bundle: Bundle, settings: Settings) -> Trial:
    """Review a change with a fake model."""
    review = await review_pull_request(bundle, model, settings)
    return Trial(adversary, bundle, review, tuple(prompt for prompt in model.prompts if not prompt.repair))


async def check_failure_mode(case: FailureMode, settings: Settings) -> CaseResult:
    """Review the case with each of the fake models; the first problem fails it.

    Raises:
        EvalError: The case's change is no diff.
    """
    bundle = build_bundle(case.change, case.name)
    now = build_bundle(case.now, case.name).pull_request if case.now else None
    for name, answer in ADVERSARIES.items():
        trial = await try_model(name, FakeModel(name, answer), bundle, settings)
        problems = [*find_faults(trial, settings), *find_surprises(trial, case.expect)]
        if now and name == "everywhere":
            problems += find_outdated(trial, now, case.expect, settings)
        if problems:
            return CaseResult(case.name, "failure-modes", case.kind, "failed", f"{name} model: {problems[0]}")
    return CaseResult(case.name, "failure-modes", case.kind, "passed")


async def check_invariance(case: Invariance, settings: Settings) -> CaseResult:
    """Review both versions with a model that judges by the shape of lines alone.

    Raises:
        EvalError: One of the versions is no diff.
    """
    bundles = build_bundle(case.change, case.name), build_variant(case)
    first, second = [
        await try_model("shape", FakeModel("shape", judge_by_shape), bundle, settings) for bundle in bundles
    ]
    problem = next(_differences(case, first, second), "")
    return CaseResult(case.name, "invariance", case.kind, "failed" if problem else "passed", problem)


def find_faults(trial: Trial, settings: Settings) -> Iterator[str]:
    """What is wrong in any case: a comment beside the diff, a line unaccounted for, a status that flatters."""
    review, pull_request = trial.review, trial.bundle.pull_request
    yield from _misplaced(review.comments, pull_request)
    if len(review.comments) > settings.max_comments:
        yield f"{len(review.comments)} inline comments, and {settings.max_comments} are allowed"
    yield from _unaccounted(review, pull_request)
    if trial.adversary in UNPLACED and trial.said:
        yield f"it has a comment of its own on {_name(trial.said[0])}"
    if trial.adversary == "everywhere" and trial.prompts and not (review.comments or review.routed):
        yield "it found something everywhere, and none of it is left"
    if trial.adversary in UNHEARD and trial.prompts and review.status != "not-reviewed":
        yield f"nothing was heard of it, and the review reads as {review.status}"
    if not trial.prompts and review.status == "reviewed":
        yield "nothing was looked at, and the review reads as reviewed"
    shown = "\n".join([*{prompt.prefix for prompt in trial.prompts}, *(prompt.hunk for prompt in trial.prompts)])
    if strange := _STEERS.search(shown):
        yield f"a prompt holds U+{ord(strange[0]):04X} as it is"
    if parse_json(render_json(review), Review, "review.json") != review:
        yield "the review changes when it is written and read again"


def find_surprises(trial: Trial, expect: Expect) -> Iterator[str]:
    """What is not as the case expects."""
    review, asked = trial.review, len(trial.prompts)
    if expect.status and trial.adversary == "silent" and review.status != expect.status:
        yield f"the status is {review.status}, not {expect.status}: {review.note}"
    if trial.adversary != "away":
        if expect.asked is not None and asked != expect.asked:
            yield f"{asked} pieces are asked about, not {expect.asked}"
        if expect.at_least_asked is not None and asked < expect.at_least_asked:
            yield f"{asked} pieces are asked about, not {expect.at_least_asked} or more"
    over = any(entry.state == "over-budget" for entry in review.coverage)
    if over != expect.over_budget:
        yield "some pieces are over the budget" if over else "no piece is over the budget"
    yield from _unlike_files(trial, expect)
    yield from _unlike_prompts(trial, expect)
    flagged = {_name(comment) for comment in _listed(review) if comment.finding.rule}
    yield from _compare("the rule against hidden characters comments on", flagged, set(expect.flagged))
    if expect.everywhere is not None and trial.adversary == "everywhere":
        found = {_name(comment) for comment in _listed(review) if not comment.finding.rule}
        yield from _compare("the comments are on", found, set(expect.everywhere))


def find_outdated(trial: Trial, now: PullRequest, expect: Expect, settings: Settings) -> Iterator[str]:
    """What is wrong once a review is posted on a pull request that has changed since it was made."""
    again = check_again(trial.review, now, settings, (), 0)
    yield from _misplaced(again.comments, now)
    standing = {_name(comment) for comment in _listed(again)}
    if lost := set(expect.kept) - standing:
        yield f"after the change no comment stands on {_join(lost)}"
    if left := set(expect.gone) & standing:
        yield f"after the change a comment still stands on {_join(left)}"


def _misplaced(comments: Iterable[ReviewComment], pull_request: PullRequest) -> Iterator[str]:
    """Comments that GitHub would refuse: not on a line of the diff, or over the end of a hunk."""
    hunks = {
        (hunk.path, line.side, line.number): (at, line.text)
        for file in pull_request.files
        for at, hunk in enumerate(file.hunks)
        for line in hunk.lines
    }
    for comment in comments:
        last = hunks.get((comment.path, comment.side, comment.line))
        first = hunks.get((comment.path, comment.side, comment.start_line or comment.line))
        if first is None or last is None or first[0] != last[0]:
            yield f"the comment on {_name(comment)} is not on lines of one hunk"
        elif first[1] != comment.anchored_text:
            yield f"the comment on {_name(comment)} is about another line"


def _unaccounted(review: Review, pull_request: PullRequest) -> Iterator[str]:
    digests = {entry.digest for entry in review.coverage}
    paths = {entry.path for entry in review.coverage}
    for file in pull_request.files:
        if file.path not in paths:
            yield f"nothing says what became of {file.path}"
        for hunk in file.hunks:
            if hunk.digest not in digests and not all(piece.digest in digests for piece in split_hunk(hunk)):
                yield f"nothing says what became of {file.path} from line {hunk.target_start}"


def _unlike_files(trial: Trial, expect: Expect) -> Iterator[str]:
    reasons = {
        entry.path: entry.reason
        for entry in trial.review.coverage
        if entry.state == "skipped" and entry.reason != SELDOM
    }
    for path, reason in expect.skipped.items():
        if reasons.get(path) != reason:
            yield f"{path} is left out for {reasons.get(path, 'nothing')!r}, not {reason!r}"
    if more := reasons.keys() - expect.skipped.keys():
        yield f"{_join(more)} is left out, unexpected: {reasons[min(more)]!r}"
    changed = list_ids(trial.bundle)
    for path, ids in expect.changed.items():
        if changed.get(path, "") != ids:
            yield f"the changed lines of {path} are {changed.get(path, 'none')}, not {ids}"
    previous = {file.path: file.previous_path for file in trial.bundle.pull_request.files}
    for path, before in expect.previous.items():
        if previous.get(path) != before:
            yield f"{path} was {previous.get(path)!r}, not {before!r}"


def _unlike_prompts(trial: Trial, expect: Expect) -> Iterator[str]:
    pieces = "\n".join(prompt.hunk for prompt in trial.prompts)
    for text in expect.shown:
        if text not in pieces and trial.adversary != "away":
            yield f"no piece shows {text!r}"
    if expect.first and not (trial.prompts and expect.first in trial.prompts[0].hunk):
        yield f"the piece that is asked about first does not show {expect.first!r}"
    for text in expect.hidden:
        if any(text in prompt.prefix + prompt.hunk for prompt in trial.prompts):
            yield f"a prompt holds {text!r}"


def _differences(case: Invariance, first: Trial, second: Trial) -> Iterator[str]:
    mine, theirs = ([(p.prefix, p.hunk, p.schema) for p in trial.prompts] for trial in (first, second))
    if not mine:
        yield "the model is asked about nothing"
    if case.prompts == "identical" and mine != theirs:
        yield "the prompts differ"
    if case.prompts == "pieces" and sorted(p[1] for p in mine) != sorted(p[1] for p in theirs):
        yield "the pieces that are asked about differ"
    if case.prompts == "different" and mine == theirs:
        yield "the prompts are the same: the variant tests nothing"
    verdicts = [list_verdict(_listed(trial.review), case.watch) for trial in (first, second)]
    if not verdicts[0]:
        yield "the fake model has nothing to say on this change, so nothing is compared"
    yield from _compare("the second time the comments are on", verdicts[1], verdicts[0])
    if first.review.status != second.review.status:
        yield f"the status is {second.review.status}, not {first.review.status}"
    posted = [list_verdict(trial.review.comments, case.watch) for trial in (first, second)]
    yield from _compare("the second time the inline comments are on", posted[1], posted[0])


def list_verdict(comments: Iterable[ReviewComment], watch: str = "") -> set[str]:
    """The lines that are commented on, as `PATH ID`; only of the file `watch`, if one is given."""
    return {_name(comment) for comment in comments if watch in {"", comment.path}}


def _listed(review: Review) -> list[ReviewComment]:
    """The comments inline and those for the summary that have a line."""
    return [*review.comments, *(routed.comment for routed in review.routed if routed.comment)]


def _name(comment: ReviewComment) -> str:
    return f"{comment.path} {comment.side[0]}{comment.start_line or comment.line}"


def _compare(what: str, found: set[str], wanted: set[str]) -> Iterator[str]:
    if found != wanted:
        yield f"{what} {_join(found)}, not on {_join(wanted)}"


def _join(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return (", ".join(ordered[:_NAMED]) or "none") + more
