"""Few and good: which comments stand inline, which go to the summary, which are dropped.

A comment's score is the locator's of its hunk, where a human would most likely comment; what the model says of its own
severity only decides between equals. The policy is a budget: so many comments, and only on such pieces as humans
comment on most. Where there is none of these, nothing is said inline, which is normal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import lru_cache

from reviewer.domain import SEVERITIES, Dropped, DropReason, Finding, ReviewComment, Routed
from reviewer.place import Placement
from reviewer.settings import Settings

MAX_ROUTED = 20
"""Findings in the summary; the rest is dropped as over budget."""
SAME_WORDS = 0.6
"""Two comments on the same file with this share of common words say the same."""

Reason = tuple[DropReason, str]


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
    is_likely: Callable[[ReviewComment], bool] = lambda _: True,
) -> Ranking:
    """Order placed findings and keep to the budget. The order of the input does not matter.

    Args:
        placement: What `place_findings` made of the findings.
        settings: Gives `max_comments` and `min_severity`.
        score_of: The locator's score of a comment's hunk, 0 to 1.
        posted: Fingerprints that stand on the pull request already.
        inline_left: How many inline comments may still be posted; `settings.max_comments` when None.
        is_likely: Whether a comment's hunk is one of those that may get comments inline. What a rule found always may.
    """
    budget = settings.max_comments if inline_left is None else max(0, inline_left)
    dropped = list(placement.dropped)
    scored = (replace(comment, score=round(score_of(comment), 4)) for comment in placement.comments)
    kept: list[ReviewComment] = []
    for comment in sorted(scored, key=_comment_order):
        if reason := _why_not_comment(comment, kept, settings, posted, budget + MAX_ROUTED):
            dropped.append(Dropped(reason[0], comment.path, reason[1], comment.finding))
        else:
            kept.append(comment)
    unsure: list[Routed] = []
    for entry in sorted(placement.routed, key=_finding_order):
        heard = [*(comment.finding for comment in kept), *(other.finding for other in unsure)]
        if reason := _why_not_routed(entry.finding, heard, settings, budget + MAX_ROUTED):
            dropped.append(Dropped(reason[0], entry.finding.path, reason[1], entry.finding))
        else:
            unsure.append(entry)
    likely = [comment for comment in kept if comment.finding.rule or is_likely(comment)]
    inline = likely[:budget]
    over = (
        Routed(comment.finding, "over-budget" if comment in likely else "unlikely-place", comment)
        for comment in kept
        if comment not in inline
    )
    return Ranking(tuple(inline), (*over, *unsure), tuple(dropped))


def _comment_order(comment: ReviewComment) -> tuple[object, ...]:
    """What a rule found goes before what the model found, then best first, then the gravest.

    Between equals the first in the diff, then one with a suggestion, then any fixed order.
    """
    place = (comment.path, comment.line, comment.side, comment.start_line or comment.line)
    grave = SEVERITIES.index(comment.finding.severity)
    return not comment.finding.rule, -comment.score, grave, *place, comment.suggestion is None, repr(comment.finding)


def _finding_order(routed: Routed) -> tuple[object, ...]:
    finding = routed.finding
    return not finding.rule, SEVERITIES.index(finding.severity), finding.path, finding.line, repr(finding)


def _why_not_comment(
    comment: ReviewComment, kept: list[ReviewComment], settings: Settings, posted: Collection[str], room: int
) -> Reason | None:
    if not _is_grave(comment.finding, settings):
        return DropReason.BELOW_SEVERITY, f"{comment.finding.severity} is under {settings.min_severity}"
    if comment.fingerprint in posted:
        return DropReason.ALREADY_POSTED, "the same finding stands on the pull request"
    if any((c.path, c.side, c.line) == (comment.path, comment.side, comment.line) for c in kept):
        return DropReason.DUPLICATE, "another comment stands on the same line"
    if any(c.fingerprint == comment.fingerprint or _same_words(c.finding, comment.finding) for c in kept):
        return DropReason.DUPLICATE, "another comment says the same"
    return _why_no_room(len(kept), room)


def _why_not_routed(finding: Finding, heard: list[Finding], settings: Settings, room: int) -> Reason | None:
    if not _is_grave(finding, settings):
        return DropReason.BELOW_SEVERITY, f"{finding.severity} is under {settings.min_severity}"
    if any(_same_words(finding, other) for other in heard):
        return DropReason.DUPLICATE, "another comment says the same"
    return _why_no_room(len(heard), room)


def _why_no_room(count: int, room: int) -> Reason | None:
    return (DropReason.OVER_BUDGET, f"more than {MAX_ROUTED} in the summary") if count >= room else None


def _is_grave(finding: Finding, settings: Settings) -> bool:
    return bool(finding.rule) or SEVERITIES.index(finding.severity) <= SEVERITIES.index(settings.min_severity)


def _same_words(one: Finding, other: Finding) -> bool:
    """Whether two findings on one file say the same. A rule says the same of every line, and means each."""
    if one.path != other.path or (one.rule and other.rule and one.line != other.line):
        return False
    mine, theirs = _words(one.message), _words(other.message)
    return len(mine & theirs) >= SAME_WORDS * len(mine | theirs)


@lru_cache(4096)
def _words(message: str) -> frozenset[str]:
    return frozenset(message.lower().split())
