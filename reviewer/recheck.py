"""What `post` makes of review.json, and what the next run shall remember of it: pure, on the diff as it is now.

Nothing of review.json is trusted that the pull request can tell: where a finding stands, which pieces there are, what
the rules find. What only the model can know is taken as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reviewer.domain import SEVERITIES, Coverage, Dropped, DropReason, Finding, Order, PullRequest, Review, Routed
from reviewer.invisible import find_invisible
from reviewer.locate import split_hunk
from reviewer.place import place_findings
from reviewer.rank import MAX_ROUTED, rank_comments
from reviewer.review import decide_status
from reviewer.settings import Settings
from reviewer.state import Signer, State

ORDERS: dict[Order, str] = {
    "own": "",
    "shipped": "The repository's own locator cannot be used; the shipped one was.",
    "fixed": "No trained locator can be used: pieces were looked at in a fixed order.",
}
"""What is said of an order that is not as it should be. The log of the step that asks the model says why."""
MAX_REMEMBERED = 2000
"""Digests of reviewed hunks in the state."""
MAX_MESSAGE = 600
"""Characters of a finding's message and of its quote in the state."""
MAX_MARKER = 40_000
"""Characters of the state's marker, so that the summary still fits its comment."""


def check_again(
    review: Review, pull_request: PullRequest, settings: Settings, posted: Collection[str], on_this_head: int
) -> Review:
    """The review with its findings placed and ranked anew on the diff as it is, less what is posted already.

    Args:
        review: As `infer` left it.
        pull_request: As it is now.
        settings: Budget and severities.
        posted: Fingerprints that stand on the pull request already.
        on_this_head: How many of our comments stand on this head, which count against the budget.
    """
    scores = {comment.finding: comment.score for comment in review.comments}
    said = [finding for finding in review.findings if not finding.rule]
    placement = place_findings([*find_invisible(pull_request), *said], pull_request)
    unlikely = {routed.finding for routed in review.routed if routed.reason == "unlikely-place"}
    left = settings.max_comments - on_this_head
    ranking = rank_comments(
        placement,
        settings,
        lambda comment: scores.get(comment.finding, 0.0),
        posted,
        left,
        lambda comment: comment.finding not in unlikely,
    )
    coverage = check_coverage(review.coverage, pull_request)
    status, note = review.status, review.note
    if coverage and status != "not-reviewed":
        status, why = decide_status(coverage)
        note = " ".join(filter(None, (why, ORDERS[review.order])))
    dropped = (*review.dropped, *ranking.dropped)
    return replace(
        review,
        status=status,
        note=note,
        comments=ranking.comments,
        routed=ranking.routed,
        dropped=dropped,
        coverage=coverage,
    )


def check_coverage(coverage: Collection[Coverage], pull_request: PullRequest) -> tuple[Coverage, ...]:
    """The coverage, in which only pieces of this change can have been reviewed."""
    claimed = {entry.digest for entry in coverage if entry.state in {"reviewed", "already-reviewed"}}
    pieces = {piece.digest for file in pull_request.files for hunk in file.hunks for piece in split_hunk(hunk)}
    unknown = claimed - pieces
    return tuple(
        replace(entry, state="failed", reason="not a piece of this change")
        if entry.digest in unknown and entry.state in {"reviewed", "already-reviewed"}
        else entry
        for entry in coverage
    )


def carry_over(review: Review, pull_request: PullRequest, before: State) -> Review:
    """Add the earlier findings for the summary on pieces of the change that had no need of a second look.

    A run that has looked at nothing changes nothing about what was found before.
    """
    unchanged = {entry.digest for entry in review.coverage if entry.state == "already-reviewed"}
    kept = [finding for finding in before.findings if not review.coverage or finding.hunk in unchanged]
    placement = place_findings(kept, pull_request)
    earlier = [*(Routed(c.finding, "over-budget", c) for c in placement.comments), *placement.routed]
    known = {routed.comment.fingerprint for routed in review.routed if routed.comment}
    new = (entry for entry in earlier if not entry.comment or entry.comment.fingerprint not in known)
    routed = sorted([*review.routed, *new], key=lambda entry: SEVERITIES.index(entry.finding.severity))
    over = (
        Dropped(DropReason.OVER_BUDGET, entry.finding.path, f"more than {MAX_ROUTED} in the summary", entry.finding)
        for entry in routed[MAX_ROUTED:]
    )
    return replace(review, routed=tuple(routed[:MAX_ROUTED]), dropped=(*review.dropped, *over))


def next_state(review: Review, before: State) -> State:
    """What the next run shall know. Only what is still in the diff is remembered."""
    missed = {entry.digest for entry in review.coverage if entry.state in {"failed", "over-budget"}}
    seen = (entry.digest for entry in review.coverage if entry.state in {"reviewed", "already-reviewed"})
    known = [digest for digest in dict.fromkeys(seen) if digest and digest not in missed]
    return State(
        head_sha=review.head_sha,
        status=review.status,
        paused=before.paused,
        reviewed=tuple(known[:MAX_REMEMBERED]) if review.coverage else before.reviewed,
        findings=tuple(shorten(routed.finding) for routed in review.routed if not routed.finding.rule),
    )


def shorten(finding: Finding) -> Finding:
    """The finding as far as a summary shows it."""
    return replace(finding, message=finding.message[:MAX_MESSAGE], quote=finding.quote[:MAX_MESSAGE], suggestion=None)


def render_state(state: State, signer: Signer) -> str:
    """The state's marker. Where it is too long it forgets: pieces are then looked at again, before findings go."""
    marker = signer.render(state)
    while len(marker) > MAX_MARKER and (state.reviewed or state.findings):
        if state.reviewed:
            state = replace(state, reviewed=state.reviewed[: len(state.reviewed) // 2])
        else:
            state = replace(state, findings=state.findings[: len(state.findings) // 2])
        marker = signer.render(state)
    return marker
