"""Reply text to findings, or ReplyError; never a silently shorter list."""

from __future__ import annotations

import json

from reviewer.domain import DropReason, Finding


class ReplyError(Exception):
    """A reply that cannot be read whole. `reason` is `unreadable-reply` or `cut-reply`."""

    def __init__(self, reason: DropReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def parse_reply(text: str, path: str, *, cut: bool = False) -> tuple[Finding, ...]:
    """Read a reply about one file's hunk. `cut`: the server says that it stopped at the token limit."""
    if cut:
        raise ReplyError(DropReason.CUT_REPLY, "the answer was cut at the token limit")
    try:
        comments = json.loads(text)["comments"]
        return tuple(Finding(path=path, **comment) for comment in comments)
    except (ValueError, KeyError, TypeError) as error:
        raise ReplyError(DropReason.UNREADABLE_REPLY, str(error)) from error
