"""The hot path: a bundle and a model in, a Review out. Read it top to bottom."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from reviewer.domain import (
    Bundle,
    Coverage,
    Dropped,
    DropReason,
    Finding,
    Hunk,
    ModelVersion,
    Review,
    Status,
    Usage,
)
from reviewer.errors import ModelError, ModelUnavailable
from reviewer.invisible import find_invisible
from reviewer.locate import choose_hunks
from reviewer.place import place_findings
from reviewer.prompt import Prompt, Reply, is_copied_example, render_prefix, render_prompt, render_repair
from reviewer.rank import rank_comments
from reviewer.reply import ParsedReply, ReplyError, parse_reply, render_complaint
from reviewer.settings import Settings

PATIENCE = 3


class Model(Protocol):
    """Whatever can answer a prompt: `endpoint.Endpoint`, `local_model.LocalModel`, `FakeModel` in tests."""

    @property
    def version(self) -> ModelVersion:
        """Who answers. Shown to people: never an address or a token."""
        ...

    async def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt, or raise ModelError. Called concurrently, at most `settings.concurrency` at a time."""
        ...


@dataclass(frozen=True, slots=True)
class HunkResult:
    """What became of one hunk. `failure` says why the model's whole say on it was not heard; empty when it was."""

    hunk: Hunk
    findings: tuple[Finding, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    failure: str = ""
    replies: tuple[Reply, ...] = ()
    unavailable: bool = False
    """The model could not be reached or did not answer in time."""


def no_progress(done: int, total: int) -> None:
    """Show nothing."""


async def review_pull_request(
    bundle: Bundle, model: Model, settings: Settings, on_progress: Callable[[int, int], None] = no_progress
) -> Review:
    """Review the hunks of a pull request that deserve it, and account for all the others.

    Never raises for a model that fails: what it failed on is in `coverage` and `dropped`, and the status says so.
    """
    started = time.monotonic()
    plan = choose_hunks(bundle, settings)
    prefix = render_prefix(bundle, settings)
    results = await ask_all(model, [(hunk, render_prompt(prefix, hunk)) for hunk in plan.hunks], settings, on_progress)

    findings = [*find_invisible(bundle.pull_request), *(found for result in results for found in result.findings)]
    placed = place_findings(findings, bundle.pull_request)
    ranked = rank_comments(
        placed,
        settings,
        lambda comment: plan.scores.get(comment.finding.hunk, 0.0),
        is_likely=lambda comment: comment.finding.hunk in plan.likely,
    )
    coverage = (*plan.left_out, *(cover(result) for result in results))
    status, why = decide_status(coverage)
    return Review(
        repo=bundle.pull_request.repo,
        number=bundle.pull_request.number,
        head_sha=bundle.pull_request.head_sha,
        status=status,
        note=" ".join(filter(None, (why, plan.note))),
        order=plan.order,
        model=model.version,
        comments=ranked.comments,
        routed=ranked.routed,
        dropped=(*(dropped for result in results for dropped in result.dropped), *ranked.dropped),
        coverage=coverage,
        usage=add_usage(results, time.monotonic() - started),
    )


async def ask_all(
    model: Model,
    requests: Sequence[tuple[Hunk, Prompt]],
    settings: Settings,
    on_progress: Callable[[int, int], None] = no_progress,
) -> list[HunkResult]:
    """Ask the model about each hunk, a few at a time. The results are in the order of the requests.

    The first goes alone, so that a server has the shared prefix in its cache when the others come. A model that cannot
    be reached PATIENCE times in a row is not asked about the rest.
    """
    gate = asyncio.Semaphore(settings.concurrency)
    done = silence = 0
    if requests:
        on_progress(0, len(requests))

    async def ask(hunk: Hunk, prompt: Prompt) -> HunkResult:
        nonlocal done, silence
        async with gate:
            result = give_up(hunk) if silence >= PATIENCE else await ask_about(model, hunk, prompt)
        silence = silence + 1 if result.unavailable else 0
        done += 1
        on_progress(done, len(requests))
        return result

    first = [await ask(hunk, prompt) for hunk, prompt in requests[:1]]
    return first + await asyncio.gather(*(ask(hunk, prompt) for hunk, prompt in requests[1:]))


async def ask_about(model: Model, hunk: Hunk, prompt: Prompt) -> HunkResult:
    """Ask about one hunk. An answer that cannot be read whole gets one repair turn; then it costs this hunk only."""
    replies: list[Reply] = []
    best = ParsedReply(())
    error = ReplyError(DropReason.UNREADABLE_REPLY, "")
    try:
        for turn in range(2):
            asked = render_repair(prompt, replies[0].text, render_complaint(error)) if turn else prompt
            replies.append(await model.complete(asked))
            try:
                parsed = parse_reply(replies[-1].text, hunk, cut=replies[-1].cut)
            except ReplyError as unreadable:
                error = unreadable
                continue
            if parsed.is_whole:
                return _result(hunk, parsed, "", replies)
            best = max(best, parsed, key=lambda reply: len(reply.findings))
            error = next(
                ReplyError(part.reason, part.detail)
                for part in parsed.dropped
                if part.reason is not DropReason.EMPTY_MESSAGE
            )
    except ModelError as unanswered:
        why = unanswered.what or type(unanswered).__name__
        dropped = (*best.dropped, Dropped(DropReason.MODEL_FAILED, hunk.path, why))
        result = _result(hunk, replace(best, dropped=dropped), why, replies)
        return replace(result, unavailable=isinstance(unanswered, ModelUnavailable))
    dropped = best.dropped or (Dropped(error.reason, hunk.path, error.detail),)
    return _result(hunk, replace(best, dropped=dropped), error.detail or error.reason, replies)


def give_up(hunk: Hunk) -> HunkResult:
    """The result of a hunk about which a model that does not answer was not asked any more."""
    why = f"not asked: the model had not answered {PATIENCE} times in a row"
    return HunkResult(hunk, (), (Dropped(DropReason.MODEL_FAILED, hunk.path, why),), why, unavailable=True)


def _result(hunk: Hunk, parsed: ParsedReply, failure: str, replies: list[Reply]) -> HunkResult:
    copied = [finding for finding in parsed.findings if is_copied_example(finding.message, hunk)]
    said = tuple(finding for finding in parsed.findings if finding not in copied)
    why = "repeats the example of the instructions"
    dropped = (*parsed.dropped, *(Dropped(DropReason.COPIED_EXAMPLE, hunk.path, why, finding) for finding in copied))
    return HunkResult(hunk, said, dropped, failure, tuple(replies))


def cover(result: HunkResult) -> Coverage:
    """The coverage line of a hunk that was asked about."""
    return result.hunk.coverage("failed" if result.failure else "reviewed", result.failure)


def decide_status(coverage: Iterable[Coverage]) -> tuple[Status, str]:
    """The review's status and, unless it is a plain `reviewed`, the sentence that says why."""
    count = Counter(entry.state for entry in coverage)
    looked_at, missed = count["reviewed"] + count["already-reviewed"], count["failed"] + count["over-budget"]
    reasons = [f"{count['failed']} got no usable answer"] if count["failed"] else []
    reasons += [f"{count['over-budget']} did not fit the token budget"] if count["over-budget"] else []
    why = " and ".join(reasons)
    if not count:
        return "not-reviewed", "This change has no line that could be reviewed."
    if not looked_at and not missed:
        return "not-reviewed", "No changed line calls for a review: each was skipped, with its reason below."
    if not looked_at:
        return "not-reviewed", f"No piece of this change was reviewed: of {missed}, {why}."
    return ("partial", f"Of {looked_at + missed} pieces of this change, {why}.") if missed else ("reviewed", "")


def add_usage(results: Iterable[HunkResult], seconds: float) -> Usage:
    """Tokens of all replies; a count is None unless every reply gives it."""
    replies = [reply for result in results for reply in result.replies]

    def total(counts: Iterable[int | None]) -> int | None:
        known = list(counts)
        return None if not known or None in known else sum(count for count in known if count is not None)

    return Usage(
        requests=len(replies),
        prompt_tokens=total(reply.prompt_tokens for reply in replies),
        cached_tokens=total(reply.cached_tokens for reply in replies),
        completion_tokens=total(reply.completion_tokens for reply in replies),
        seconds=round(seconds, 3),
    )
