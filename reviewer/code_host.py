"""What the reviewer needs of a code host, and the little it needs to know of what stands there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from reviewer.context import BaseFiles
from reviewer.domain import PullRequest, ReviewComment

CommentKind = Literal["issue", "review"]
"""A comment in the conversation (an issue comment to GitHub), or one on a line of the diff."""


@dataclass(frozen=True, slots=True)
class PostedComment:
    """A comment that stands on the pull request. `mine`: the token that reads it has written it."""

    id: int
    body: str
    mine: bool
    is_current: bool = True
    """Its line is still in the diff."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A review thread. `mine`: it begins with a comment of ours. `answered`: there is a second comment."""

    id: str
    path: str
    is_resolved: bool
    is_outdated: bool
    mine: bool
    answered: bool
    body: str


@dataclass(frozen=True, slots=True)
class RenderedComment:
    """A review comment and the body that it will have."""

    comment: ReviewComment
    body: str


class CodeHost(Protocol):
    """GitHub, or what stands in for it. Every method raises HostError when it fails; reads may be repeated freely."""

    def get_pull_request(self, number: int) -> PullRequest:
        """The pull request with its three-dot diff at this moment."""
        ...

    def base_files(self, sha: str) -> BaseFiles:
        """The repository's files at a commit."""
        ...

    def get_permission(self, login: str) -> str:
        """`admin`, `write`, `read` or `none`: what the user may do in the repository."""
        ...

    def list_comments(self, number: int, kind: CommentKind) -> list[PostedComment]:
        """All comments of one kind, oldest first."""
        ...

    def create_review(self, number: int, head_sha: str, body: str, comments: Sequence[RenderedComment]) -> None:
        """Post one review (event COMMENT) with its comments: all of them or none."""
        ...

    def create_review_comment(self, number: int, head_sha: str, comment: RenderedComment) -> None:
        """Post one comment on a line."""
        ...

    def delete_pending_review(self, number: int) -> bool:
        """Delete a pending review that we have left behind, which blocks a new one. False when there is none."""
        ...

    def save_comment(self, number: int, body: str, comment_id: int = 0) -> None:
        """Write a comment in the conversation: a new one, or over the one that is named."""
        ...

    def list_threads(self, number: int) -> list[Thread]:
        """All review threads."""
        ...

    def resolve_thread(self, thread_id: str) -> None:
        """Mark a thread as resolved."""
        ...

    def add_reaction(self, kind: CommentKind, comment_id: int, content: str) -> None:
        """React to a comment: `eyes`, `rocket`, `-1`, `confused`..."""
        ...
