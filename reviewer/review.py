"""The hot path: a bundle and a model in, a Review out. Read it top to bottom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from reviewer.domain import Bundle, Coverage, Dropped, DropReason, Finding, Hunk, ModelVersion, Review, Status, Usage
from reviewer.errors import ModelError
from reviewer.locate import choose_hunks
from reviewer.place import place_findings
from reviewer.prompt import PROMPT_VERSION, Prompt, render_prefix, render_prompt
from reviewer.rank import rank_comments
from reviewer.reply import ReplyError, parse_reply
from reviewer.settings import Settings


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. Token counts are None where the server did not say. `cut`: stopped at the token limit."""

    text: str
    cut: bool = False
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None


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
    """What became of one hunk: its findings, or the reason why there are none."""

    hunk: Hunk
    findings: tuple[Finding, ...] = ()
    failure: Dropped | None = None
    replies: tuple[Reply, ...] = ()


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
    prefix = render_prefix(bundle)
    results = await ask_all(model, [(hunk, render_prompt(prefix, hunk)) for hunk in plan.hunks], settings, on_progress)

    findings = [finding for result in results for finding in result.findings]
    placed = place_findings(findings, bundle.pull_request)
    ranked = rank_comments(placed, settings, plan.scores)
    coverage = (*plan.left_out, *(cover(result) for result in results))
    status, note = decide_status(coverage)
    return Review(
        repo=bundle.pull_request.repo,
        number=bundle.pull_request.number,
        head_sha=bundle.pull_request.head_sha,
        status=status,
        note=note,
        model=model.version,
        comments=ranked.comments,
        routed=ranked.routed,
        dropped=(*(result.failure for result in results if result.failure), *ranked.dropped),
        coverage=coverage,
        usage=add_usage(results, time.monotonic() - started),
    )
