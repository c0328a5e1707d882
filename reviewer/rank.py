"""Few and good: which comments stand inline, which go to the summary, which are dropped.

A comment's score is its severity plus the locator's score of its hunk; the policy is a budget, not a threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from reviewer.domain import SEVERITIES, Dropped, DropReason, ReviewComment, Routed
from reviewer.place import Placement, squeeze
from reviewer.settings import Settings

MAX_ROUTED = 20
"""Findings in the summary; the rest is dropped as over budget."""
SAME_WORDS = 0.6
"""Two comments on the same file with this share of common words say the same."""

_SEVERITY_SCORE = {"error": 1.0, "warning": 0.5, "info": 0.0}


@dataclass(frozen=True, slots=True)
class Ranking:
    """The comments best first, and what became of the others."""

    comments: tuple[ReviewComment, ...]
    routed: tuple[Routed, ...]
    dropped: tuple[Dropped, ...]


def rank_comments(
    placement: Placement,
    settings: Settings,
    score_of: Callable[[ReviewComment], float],
    posted: Collection[str] = (),
    inline_left: int | None = None,
) -> Ranking:
    """Order placed findings and keep to the budget.

    Args:
        placement: What `place_findings` made of the findings.
        settings: Gives `max_comments` and `min_severity`.
        score_of: The locator's score of a comment's hunk, 0 to 1.
        posted: Fingerprints that stand on the pull request already.
        inline_left: How many inline comments may still be posted; `settings.max_comments` when None.
    """
    dropped = list(placement.dropped)
    scored = (replace(c, score=round(_SEVERITY_SCORE[c.finding.severity] + score_of(c), 4)) for c in placement.comments)
    ordered = sorted(scored, key=lambda comment: (-comment.score, comment.path, comment.line))
    kept: list[ReviewComment] = []
    for comment in ordered:
        reason = _drop_reason(comment, kept, settings, posted)
        if reason is None:
            kept.append(comment)
        else:
            dropped.append(Dropped(reason[0], comment.path, reason[1], comment.finding))
    budget = settings.max_comments if inline_left is None else max(0, inline_left)
    over = [Routed(comment.finding, "over-budget", comment) for comment in kept[budget:]]
    unsure = [routed for routed in placement.routed if _grave_enough(routed.finding.severity, settings)]
    dropped += [
        Dropped(DropReason.BELOW_SEVERITY, routed.finding.path, f"under {settings.min_severity}", routed.finding)
        for routed in placement.routed
        if routed not in unsure
    ]
    routed = [*over, *unsure]
    dropped += [
        Dropped(DropReason.OVER_BUDGET, extra.finding.path, f"more than {MAX_ROUTED} in the summary", extra.finding)
        for extra in routed[MAX_ROUTED:]
    ]
    return Ranking(tuple(kept[:budget]), tuple(routed[:MAX_ROUTED]), tuple(dropped))


def _drop_reason(
    comment: ReviewComment, kept: list[ReviewComment], settings: Settings, posted: Collection[str]
) -> tuple[DropReason, str] | None:
    if not _grave_enough(comment.finding.severity, settings):
        return DropReason.BELOW_SEVERITY, f"{comment.finding.severity} is under {settings.min_severity}"
    if comment.fingerprint in posted:
        return DropReason.ALREADY_POSTED, "the same finding stands on the pull request"
    if any(_says_the_same(comment, other) for other in kept):
        return DropReason.DUPLICATE, "another comment says the same"
    return None


def _grave_enough(severity: str, settings: Settings) -> bool:
    return SEVERITIES.index(severity) <= SEVERITIES.index(settings.min_severity)


def _says_the_same(one: ReviewComment, other: ReviewComment) -> bool:
    if one.fingerprint == other.fingerprint:
        return True
    if one.path != other.path:
        return False
    if (one.side, one.line) == (other.side, other.line):
        return True
    mine, theirs = (set(squeeze(c.finding.message.lower()).split(" ")) for c in (one, other))
    return len(mine & theirs) >= SAME_WORDS * len(mine | theirs)
