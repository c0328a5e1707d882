"""Stand-ins that tests share: a model fed from a queue, and pull requests made of diffs."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from reviewer.diff import parse_diff
from reviewer.domain import Bundle, Hunk, ModelVersion, PullRequest
from reviewer.prompt import Prompt, Reply

NOTHING = '{"comments": []}'
"""The reply of a model that found nothing wrong."""


class FakeModel:
    """A `reviewer.review.Model` that gives its replies one after another, and then `otherwise` for ever.

    A reply is a text, a `Reply`, or an exception, which is raised. Without `otherwise`, one prompt more than there are
    replies fails the test. `prompts` are all that came; `at_once` is how many were answered at the same time at most.
    """

    def __init__(
        self, *replies: str | Reply | Exception, otherwise: str | Reply | Exception | None = None, pause: float = 0.0
    ) -> None:
        self.replies = deque(replies)
        self.otherwise = otherwise
        self.pause = pause
        self.prompts: list[Prompt] = []
        self.at_once = 0
        self._running = 0

    @property
    def version(self) -> ModelVersion:
        return ModelVersion("fake", "1")

    async def complete(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        reply = self.replies.popleft() if self.replies else self.otherwise
        assert reply is not None, f"more prompts than replies: {prompt.hunk}"
        self._running += 1
        self.at_once = max(self.at_once, self._running)
        await asyncio.sleep(self.pause)
        self._running -= 1
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Reply) else Reply(reply)


def make_reply(*comments: Mapping[str, Any]) -> str:
    """A well-formed answer with these comments; what a comment lacks gets a plain value."""
    plain = {"severity": "warning", "category": "bug", "message": "This breaks on empty input."}
    return json.dumps({"comments": [{**plain, **comment} for comment in comments]})


def make_diff(path: str, old: str, new: str, context: int = 3) -> str:
    """A git diff of one file, lines split on the newline only. Added or removed when `old` or `new` is empty."""
    before, after = (text.removesuffix("\n").split("\n") if text else [] for text in (old, new))
    names = f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null"
    mode = "" if old and new else f"{'new' if new else 'deleted'} file mode 100644\n"
    rows = difflib.unified_diff(before, after, *names, n=context, lineterm="")
    body = "".join(f"{row}\n" for row in rows)
    return f"diff --git a/{path} b/{path}\n{mode}{body}" if body else ""


def make_pull_request(*diffs: str, **fields: Any) -> PullRequest:
    """A pull request of these diffs."""
    files = tuple(file for diff in diffs for file in parse_diff(diff))
    plain = {"repo": "octo/demo", "number": 7, "title": "Change things", "body": "", "author": "alice"}
    return PullRequest(**{**plain, "base_sha": "b" * 40, "head_sha": "a" * 40, "files": files, **fields})


def make_bundle(*diffs: str, **fields: Any) -> Bundle:
    """A bundle of a pull request of these diffs; `fields` are the bundle's."""
    return Bundle(make_pull_request(*diffs), **fields)


def make_hunk(path: str, old: str, new: str) -> Hunk:
    """The only hunk of an edit."""
    (file,) = parse_diff(make_diff(path, old, new, context=100))
    (hunk,) = file.hunks
    return hunk
