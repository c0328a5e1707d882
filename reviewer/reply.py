"""Reply text to findings, or ReplyError; never a silently shorter list.

What the model said and could not be read is either an error, when nothing could, or a `Dropped` beside the findings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from reviewer.comment_fields import UnreadableCommentError, is_comment, parse_comment, plain_key
from reviewer.domain import Dropped, DropReason, Finding, Hunk
from reviewer.loose_json import read_json

MAX_WRAPPERS = 3
"""How many objects may stand around the list."""
LISTS = frozenset(("comments", "findings", "issues", "reviews", "reviewcomments", "problems", "results"))


class ReplyError(Exception):
    """A reply of which nothing can be read. `reason` is `unreadable-reply` or `cut-reply`."""

    def __init__(self, reason: DropReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """What a reply says, and what of it could not be read. Both empty: the model found nothing wrong."""

    findings: tuple[Finding, ...]
    dropped: tuple[Dropped, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cut or unreadable: only then has the model's whole say on the hunk been heard."""
        return all(dropped.reason is DropReason.EMPTY_MESSAGE for dropped in self.dropped)


def parse_reply(text: str, hunk: Hunk, *, cut: bool = False) -> ParsedReply:
    """Read a reply about one hunk.

    Args:
        text: The model's whole answer, as it came.
        hunk: What was asked about: tells a bare line number's side.
        cut: The server says that it stopped at the token limit.

    Returns:
        The findings, and a `Dropped` for each part that was cut (`cut-reply`) or could not be read
        (`unreadable-reply`, `empty-message`).

    Raises:
        ReplyError: Nothing could be read, and so nobody knows whether the model found something.
    """
    found = read_json(_unwrap(text))
    lists = [_list_comments(value, alone=found.alone) for value in found.values]
    lists += [list(found.broken.kept)] if found.broken else []
    comments = [comment for comments in lists if comments is not None for comment in comments]
    findings, dropped = _read_comments(comments, hunk)
    if found.broken and not cut:
        reason = DropReason.CUT_REPLY if found.broken.cut else DropReason.UNREADABLE_REPLY
        dropped.append(Dropped(reason, hunk.path, f"the answer could not be read whole: {found.broken.detail}"))
    if cut:
        dropped.append(Dropped(DropReason.CUT_REPLY, hunk.path, "the answer was cut at the token limit"))
    parsed = ParsedReply(findings, tuple(dropped))
    if not findings and not parsed.is_whole:
        raise ReplyError(dropped[-1].reason, dropped[-1].detail)
    if all(comments is None for comments in lists):
        detail = "the answer holds no list of comments" if text.strip() else "the answer is empty"
        raise ReplyError(DropReason.UNREADABLE_REPLY, detail)
    return parsed


def render_complaint(error: ReplyError) -> str:
    """What to tell the model when it is asked once more."""
    if error.reason is DropReason.CUT_REPLY:
        return (
            'Your answer was cut. Answer again, shorter, with JSON only: {"comments": [...]} with one comment at most.'
        )
    return (
        f"Your answer could not be used: {error.detail}. Answer again with one JSON object only, no other text, "
        'quotes inside strings escaped: {"comments": [...]}. If nothing is wrong: {"comments": []}.'
    )


def _unwrap(text: str) -> str:
    """The text inside, when the whole answer is one JSON string."""
    try:
        whole = json.loads(text) if text.lstrip("\ufeff \n").startswith('"') else text
    except (ValueError, RecursionError):
        return text
    return whole if isinstance(whole, str) else text


def _list_comments(value: object, *, alone: bool, depth: int = 0) -> list[object] | None:
    """The comments in a value, readable or not, or None when it is no answer. An empty list counts only `alone`."""
    if isinstance(value, list):
        return value if (alone and not value) or any(isinstance(item, dict) for item in value) else None
    if not isinstance(value, dict):
        return None
    if is_comment(value):
        return [value]
    for key, item in value.items():
        if plain_key(key) in LISTS:
            return item if isinstance(item, list) else [] if item is None else [item]
    inner = (
        [_list_comments(item, alone=False, depth=depth + 1) for item in value.values()] if depth < MAX_WRAPPERS else []
    )
    return next((comments for comments in inner if comments is not None), None)


def _read_comments(comments: Iterable[object], hunk: Hunk) -> tuple[tuple[Finding, ...], list[Dropped]]:
    findings: list[Finding] = []
    dropped: list[Dropped] = []
    for comment in comments:
        try:
            finding = parse_comment(comment, hunk)
        except UnreadableCommentError as error:
            dropped.append(Dropped(DropReason.UNREADABLE_REPLY, hunk.path, str(error)))
            continue
        if finding.message:
            findings.append(finding)
        else:
            dropped.append(Dropped(DropReason.EMPTY_MESSAGE, hunk.path, "a comment says nothing", finding))
    return tuple(dict.fromkeys(findings)), dropped
