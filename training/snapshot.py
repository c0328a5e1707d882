"""A snapshot: one pull request as the code host had it, with nothing worked out yet. One JSON file each.

Authors are hashed before anything is written (`hash_name`). Times are RFC 3339 in UTC, as GitHub writes them. Texts are
as people wrote them: data, which may hold instructions, insults, secrets or attacks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from reviewer.domain import Side

SNAPSHOT_SCHEMA = "glossator/snapshot/1"

AuthorType = Literal["User", "Bot", ""]
"""Empty: GitHub does not say any more, as for a deleted account."""
SubjectType = Literal["line", "file"]


@dataclass(frozen=True, slots=True)
class SnapshotComment:
    """A review comment. Line numbers count from 1; None where the host does not say.

    `line`, `position` and `commit_id` follow the pull request's head and are None when the comment is outdated;
    `original_*` are frozen, and belong to `original_commit_id`.
    """

    id: int
    path: str
    body: str
    created_at: str = ""
    author: str = ""
    author_type: AuthorType = ""
    author_association: str = ""
    in_reply_to: int | None = None
    diff_hunk: str = ""
    side: Side | None = None
    line: int | None = None
    start_line: int | None = None
    start_side: Side | None = None
    original_line: int | None = None
    original_start_line: int | None = None
    position: int | None = None
    """GitHub's legacy place: lines below the first hunk header of the file."""
    original_position: int | None = None
    commit_id: str = ""
    original_commit_id: str = ""
    subject_type: SubjectType = "line"
    reactions: dict[str, int] = field(default_factory=dict)
    """GitHub's names (`+1`, `-1`, `laugh`...) and how many people chose each."""
    updated_at: str = ""
    ai_suspected: bool = False
    """The source says that a program may have written it."""


@dataclass(frozen=True, slots=True)
class SnapshotThread:
    """What only the thread knows. `root` is the id of its first comment."""

    root: int
    is_resolved: bool = False
    is_outdated: bool = False
    resolved_by: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotCommit:
    """A commit of the pull request."""

    sha: str
    committed_at: str = ""
    headline: str = ""


FINAL_DIFF = "final diff"
"""What a problem is about when the snapshot's diff is an older state of the pull request than its last one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the snapshot does not hold, and why: `diff`, `final diff`, `comments`, `head repository`..."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One pull request with its diff and all that was said about its lines."""

    repo: str
    number: int
    source: str = "github"
    """`github`, or the name of the published set that it comes from."""
    comments_complete: bool = True
    """False: only some of the review comments are here, so that a hunk without one says nothing."""
    title: str = ""
    body: str = ""
    author: str = ""
    author_type: AuthorType = ""
    author_association: str = ""
    labels: tuple[str, ...] = ()
    license: str = ""
    """SPDX identifier of the repository's licence; empty when nobody knows."""
    language: str = ""
    merged: bool | None = None
    created_at: str = ""
    updated_at: str = ""
    merged_at: str = ""
    base_sha: str = ""
    head_sha: str = ""
    merge_sha: str = ""
    diff: str | None = None
    """Three-dot, base to head. None when there is none; then a problem says why."""
    comments: tuple[SnapshotComment, ...] = ()
    threads: tuple[SnapshotThread, ...] = ()
    thread_count: int = 0
    """Threads as GitHub counts them, also those of people who opted out. 0: none, or nobody counted."""
    commits: tuple[SnapshotCommit, ...] = ()
    problems: tuple[Problem, ...] = ()
    etag: str = ""

    @property
    def key(self) -> Key:
        """What the pull request goes by."""
        return (self.repo, self.number)


Key = tuple[str, int]
"""Repository and number. All files of the pipeline are in the order of this key."""

HIGHEST: Final = 2**53
"""No number of GitHub's is higher; what is breaks databases and readers of JSON."""
MOST_REACTIONS: Final = 100_000_000
"""Nobody gets more of one kind. The sum of all kinds is a column of 32 bits."""
_TEXTS: Final = {
    Snapshot: (
        *("repo", "source", "author", "author_association", "license", "language", "created_at", "updated_at"),
        *("merged_at", "base_sha", "head_sha", "merge_sha"),
    ),
    SnapshotComment: (
        *("path", "created_at", "updated_at", "author", "author_association", "commit_id", "original_commit_id"),
    ),
    SnapshotThread: ("resolved_by",),
    SnapshotCommit: ("sha", "committed_at"),
}
"""What programs write. Texts of people may hold half a character, as GitHub lets them."""
_IDS: Final = {Snapshot: ("number",), SnapshotComment: ("id", "in_reply_to"), SnapshotThread: ("root",)}
_NUMBERS: Final = (*("line", "start_line", "original_line", "original_start_line", "position", "original_position"),)


def find_faults(snapshot: Snapshot) -> Iterator[str]:
    """What the types do not say and no later stage can hold: each field with what is wrong with it."""
    groups = {"comments": snapshot.comments, "threads": snapshot.threads, "commits": snapshot.commits}
    yield from _find_faults(snapshot, "")
    for group, parts in groups.items():
        for at, part in enumerate(parts):
            yield from _find_faults(part, f"{group}[{at}].")


def _find_faults(part: Any, where: str) -> Iterator[str]:
    for name in _TEXTS[type(part)]:
        text = getattr(part, name)
        if not text.isascii() and text != text.encode("utf-8", "replace").decode():
            yield f"{where}{name} holds half a character: {text[:80]!a}"
    for name in _IDS.get(type(part), ()):
        number = getattr(part, name)
        if number is not None and not 1 <= number <= HIGHEST:
            yield f"{where}{name} is {number}, not from 1 to {HIGHEST}"
    if isinstance(part, SnapshotComment):
        for name in _NUMBERS:
            if abs(number := getattr(part, name) or 0) > HIGHEST:
                yield f"{where}{name} is {number}, beyond {HIGHEST}"
        for name, number in part.reactions.items():
            if not 0 <= number <= MOST_REACTIONS:
                yield f"{where}{name} is {number}, not from 0 to {MOST_REACTIONS}"


def hash_name(login: str, salt: str = "") -> str:
    """`user-` and ten hex digits: the same login under the same salt is the same name, and none can be read back.

    Without a secret salt, logins that somebody guesses can be confirmed.
    """
    return "user-" + hashlib.sha256((salt + login.lower()).encode("utf-8", "replace")).hexdigest()[:10]
