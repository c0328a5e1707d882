"""REST's objects, as a dump of GitHub's API holds them, and the snapshot that they make. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from reviewer.domain import Side
from training.authors import read_actor
from training.files_diff import assemble_diff
from training.snapshot import Problem, Snapshot, SnapshotComment, SnapshotCommit, SnapshotThread


class Account(msgspec.Struct):
    """A `user`."""

    login: str = ""
    type: str = ""


class License(msgspec.Struct):
    """A repository's `license`."""

    spdx_id: str | None = None


class Repository(msgspec.Struct):
    """What `GET /repos/OWNER/NAME` says."""

    full_name: str = ""
    license: License | None = None
    language: str | None = None


class End(msgspec.Struct):
    """The `base` or `head` of a pull request."""

    sha: str = ""
    repo: Repository | None = None


class Label(msgspec.Struct):
    """One of `labels`."""

    name: str = ""


class Pull(msgspec.Struct):
    """What `GET /repos/OWNER/NAME/pulls/N` says; `review_comments` is a count."""

    number: int
    base: End
    head: End
    title: str | None = None
    body: str | None = None
    user: Account | None = None
    author_association: str = ""
    labels: list[Label] = []
    created_at: str = ""
    updated_at: str = ""
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    review_comments: int | None = None


class Comment(msgspec.Struct):
    """One of `GET /repos/OWNER/NAME/pulls/N/comments`. Old dumps have no `line`, only a `position`."""

    id: int
    path: str
    body: str | None = None
    user: Account | None = None
    author_association: str = ""
    created_at: str = ""
    updated_at: str = ""
    in_reply_to_id: int | None = None
    diff_hunk: str = ""
    side: Side | None = None
    start_side: Side | None = None
    line: int | msgspec.UnsetType | None = msgspec.UNSET
    start_line: int | None = None
    original_line: int | None = None
    original_start_line: int | None = None
    position: int | None = None
    original_position: int | None = None
    commit_id: str | None = None
    original_commit_id: str | None = None
    subject_type: str | None = None
    reactions: dict[str, Any] = {}


class Signature(msgspec.Struct):
    """A commit's `committer`."""

    date: str = ""


class GitCommit(msgspec.Struct):
    """A commit's `commit`."""

    message: str = ""
    committer: Signature | None = None


class Commit(msgspec.Struct):
    """One of `GET /repos/OWNER/NAME/pulls/N/commits`."""

    sha: str
    commit: GitCommit


class First(msgspec.Struct):
    """A thread's first comment."""

    fullDatabaseId: int | str | None = None  # noqa: N815 - GitHub's name
    databaseId: int | None = None  # noqa: N815 - likewise


class FirstOf(msgspec.Struct):
    """A thread's `comments`."""

    nodes: list[First] = []


class Thread(msgspec.Struct):
    """A `PullRequestReviewThread` of GraphQL, which alone knows of threads."""

    isResolved: bool = False  # noqa: N815 - GitHub's name
    isOutdated: bool = False  # noqa: N815 - likewise
    resolvedBy: Account | None = None  # noqa: N815 - likewise
    comments: FirstOf = msgspec.field(default_factory=FirstOf)


class Dumped(msgspec.Struct):
    """All that a dump has of one pull request. None: it has no such part."""

    pull: Pull
    repo: Repository | None = None
    comments: list[Comment] | None = None
    commits: list[Commit] | None = None
    threads: list[Thread] | None = None
    files: list[dict[str, Any]] | None = None
    diff: str | None = None


def read_dumped(dumped: Dumped, repo: str, salt: str) -> Snapshot:
    """The snapshot of a pull request; what the dump lacks is among its problems."""
    pull = dumped.pull
    about = dumped.repo or pull.base.repo or Repository()
    author, author_type = read_actor(_actor(pull.user), salt)
    diff, problems = _read_diff(dumped)
    if pull.head.repo is None:
        problems = (Problem("head repository", "deleted"), *problems)
    comments = tuple(sorted((read_comment(row, salt) for row in dumped.comments or ()), key=lambda one: one.id))
    missing = dumped.comments is None and pull.review_comments != 0
    if missing or (pull.review_comments or 0) > len(comments):
        problems += (Problem("comments", f"the dump has {len(comments)} of {pull.review_comments or 'them'}"),)
        missing = True
    return Snapshot(
        repo=repo,
        number=pull.number,
        source="github-dump",
        comments_complete=not missing,
        title=pull.title or "",
        body=pull.body or "",
        author=author,
        author_type=author_type,
        author_association=pull.author_association,
        labels=tuple(label.name for label in pull.labels),
        license=(about.license.spdx_id or "") if about.license else "",
        language=about.language or "",
        merged=pull.merged_at is not None,
        created_at=pull.created_at,
        updated_at=pull.updated_at,
        merged_at=pull.merged_at or "",
        base_sha=pull.base.sha,
        head_sha=pull.head.sha,
        merge_sha=pull.merge_commit_sha or "",
        diff=diff,
        comments=comments,
        threads=_read_threads(dumped.threads or (), salt),
        thread_count=len(dumped.threads or ()),
        commits=tuple(_read_commit(row) for row in dumped.commits or ()),
        problems=problems,
    )


def read_comment(row: Comment, salt: str) -> SnapshotComment:
    """A review comment. For an outdated one newer answers say `position` 1, whatever it was: that says nothing."""
    author, author_type = read_actor(_actor(row.user), salt)
    of_file = row.subject_type == "file"
    is_outdated = row.line is None
    return SnapshotComment(
        id=row.id,
        path=row.path,
        body=row.body or "",
        created_at=row.created_at,
        updated_at=row.updated_at,
        author=author,
        author_type=author_type,
        author_association=row.author_association,
        in_reply_to=row.in_reply_to_id,
        diff_hunk=row.diff_hunk,
        side=None if of_file else row.side,
        start_side=None if of_file else row.start_side,
        line=None if row.line is msgspec.UNSET else row.line,
        start_line=row.start_line,
        original_line=row.original_line,
        original_start_line=row.original_start_line,
        position=None if of_file or is_outdated else row.position,
        original_position=None if of_file else row.original_position,
        commit_id=row.commit_id or "",
        original_commit_id=row.original_commit_id or "",
        subject_type="file" if of_file else "line",
        reactions={
            name: count
            for name, count in row.reactions.items()
            if isinstance(count, int) and count and name != "total_count"
        },
    )


def _actor(account: Account | None) -> dict[str, Any] | None:
    return {"login": account.login, "type": account.type} if account else None


def _read_commit(row: Commit) -> SnapshotCommit:
    committed = row.commit.committer.date if row.commit.committer else ""
    return SnapshotCommit(row.sha, committed, row.commit.message.split("\n", 1)[0])


def _read_threads(rows: list[Thread] | tuple[()], salt: str) -> tuple[SnapshotThread, ...]:
    threads: list[SnapshotThread] = []
    for row in rows:
        first = row.comments.nodes[0] if row.comments.nodes else First()
        root = int(first.fullDatabaseId or first.databaseId or 0)
        if root:
            resolved_by, _ = read_actor(_actor(row.resolvedBy), salt)
            threads.append(SnapshotThread(root, row.isResolved, row.isOutdated, resolved_by))
    return tuple(sorted(threads, key=lambda thread: thread.root))


def _read_diff(dumped: Dumped) -> tuple[str | None, tuple[Problem, ...]]:
    if dumped.diff is not None:
        return dumped.diff, ()
    if dumped.files is not None:
        return assemble_diff(dumped.files)
    return None, (Problem("diff", "the dump has neither a diff nor a list of files"),)
