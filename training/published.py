"""Published review data as snapshots: whole pull requests and hunk pairs, one JSON object a line, gzipped or not.

Only what GitHub's API said of a comment is carried over. What the publishers worked out is the answer that `align` is
measured by, so it stays behind: `line_in_diff`, `text_match`, `side`, and `line` of every outdated comment. GitHub says
`line` null of those; the rows hold the publishers' own finding instead (`anchor` is `reanchored`, or `outdated`, and
then `line` is the last line of `diff_hunk`). So `line` and `start_line` are carried where GitHub gave them: `anchor` is
`exact` in a complete set with the pull request's final diff. Of selections nothing but the hunk is GitHub's own.
Taken as they are: `path`, `diff_hunk`, `original_line` (in selections the last line of `diff_hunk`, filled in),
`original_commit_id`, `in_reply_to`, texts and times. `original_start_line` is missing in the rows; a range keeps its
length, so it follows from `start_line`. A hunk pair's `line` is its hunk's last line, which the hunk says itself.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from reviewer.jsonfile import decode
from training.errors import DataError
from training.snapshot import FINAL_DIFF, AuthorType, Key, Problem, Snapshot, SnapshotComment, find_faults
from training.store import SnapshotStore

NO_DIFF: Final = Problem("diff", "Only the hunks that people commented on were published.")
REVIEWED_DIFF: Final = Problem(FINAL_DIFF, "The diff is of the commit that was reviewed, not of how it ended.")
SPELLED: Final = {
    "MIT/Apache-2.0": "MIT OR Apache-2.0",
    "Apache-2.0/Vim": "Apache-2.0 AND Vim",
    "BSD": "BSD-2-Clause OR BSD-3-Clause",
}
"""Licence hints that are no SPDX expression. Which of the two BSD licences it is, the hint does not say."""
REPO: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""A repository's name; it becomes a folder, so nothing else may pass."""
SUFFIXES: Final = (".jsonl", ".jsonl.gz")


@dataclass(slots=True)
class ImportCounts:
    """What an import did. `written` snapshots are new or changed; `problems` are sentences that name file and line."""

    files: int = 0
    rows: int = 0
    written: int = 0
    unchanged: int = 0
    comments: int = 0
    problems: list[str] = field(default_factory=list)


class CommentRow(msgspec.Struct):
    """A comment of a whole pull request."""

    id: int
    path: str
    body: str | None = None
    line: int | None = None
    start_line: int | None = None
    author: str | None = None
    author_is_bot: bool | None = None
    in_reply_to: int | None = None
    created_at: str | None = None
    diff_hunk: str | None = None
    anchor: str | None = None
    original_line: int | None = None
    original_commit_id: str | None = None
    ai_suspected: bool | None = None


class ReplyRow(msgspec.Struct):
    """A reply to a hunk pair's comment."""

    id: int
    body: str | None = None
    author: str | None = None
    author_is_bot: bool | None = None
    created_at: str | None = None


class Row(msgspec.Struct):
    """A line of either kind: `diff` and `comments` make a whole pull request, `hunk` and `comment` a pair."""

    repo: str
    number: int
    source: str | None = None
    license: str | None = None
    license_hint: str | None = None
    language: str | None = None
    author: str | None = None
    created_at: str | None = None
    title: str | None = None
    body: str | None = None
    base_sha: str | None = None
    head_sha: str | None = None
    diff: str | None = None
    comments: list[CommentRow] = msgspec.field(default_factory=list)
    merged: bool | None = None
    snapshot: str | None = None
    comments_complete: bool | None = None
    hunk: str | None = None
    path: str = ""
    comment: str | None = None
    comment_id: int = 0
    author_is_bot: bool | None = None
    author_is_pr_author: bool | None = None
    replies: list[ReplyRow] = msgspec.field(default_factory=list)
    ai_suspected: bool | None = None


def import_files(paths: Iterable[Path], store: SnapshotStore) -> ImportCounts:
    """Put published files into the store, merged with what stands there: the same files again change nothing.

    Args:
        paths: Files of JSON lines, or folders of them.
        store: Where the snapshots go.

    Returns:
        What was done, and a sentence for each file and row that could not be read.

    Raises:
        DataError: There is no such file or folder, or a snapshot cannot be written.
    """
    counts = ImportCounts()
    for path in list_files(paths):
        counts.files += 1
        for key, rows in groupby(read_rows(path, counts), key=lambda row: (row.repo, row.number)):
            save_merged(store, key, rows, counts)
    return counts


def list_files(paths: Iterable[Path]) -> list[Path]:
    """The files themselves and those of the folders, in order."""
    files: list[Path] = []
    for path in paths:
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        wanted = [file for file in found if file.name.endswith(SUFFIXES) and file.is_file()]
        if not wanted:
            raise DataError(f"{path} is no file of JSON lines, nor a folder with one.", "Give .jsonl or .jsonl.gz.")
        files += wanted
    return files


def read_rows(path: Path, counts: ImportCounts) -> Iterator[Row]:
    """The rows of a file; what cannot be read is told in `counts` and left out."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = decode(line, Row)
                except (msgspec.DecodeError, ValueError, RecursionError) as error:
                    counts.problems.append(f"{path}, line {number}, was left out: {error}.")
                    continue
                if problem := refuse_row(row):
                    counts.problems.append(f"{path}, line {number}, was left out: {problem}.")
                else:
                    counts.rows += 1
                    yield row
    except (OSError, EOFError, zlib.error) as error:
        counts.problems.append(f"{path} cannot be read past line {number}: {error}.")


def refuse_row(row: Row) -> str:
    """Why a row is of no use, or nothing."""
    if not REPO.fullmatch(row.repo) or row.number < 1:
        return f"{row.repo[:80]!r} number {row.number} is no pull request"
    if row.diff is None and (row.hunk is None or row.comment_id < 1 or not row.path):
        return "it has neither a diff nor a hunk with a comment"
    return ""


def save_merged(store: SnapshotStore, key: Key, rows: Iterable[Row], counts: ImportCounts) -> None:
    """Merge the rows of one pull request into its snapshot."""
    name = f"{key[0]}#{key[1]}"
    try:
        before = store.load(key) if key in store else None
    except DataError as error:
        counts.problems.append(f"{name} was left out: {error.what} {error.hint}")
        return
    merged = before
    for row in rows:
        new = parse_snapshot(row)
        if fault := next(find_faults(new), ""):
            counts.problems.append(f"A row of {name} was left out: {fault}.")
        else:
            merged = merge(merged, new)
    if merged is None:
        return
    counts.comments += len(merged.comments)
    counts.unchanged += merged == before
    if merged != before:
        counts.written += 1
        store.save(merged)


def merge(old: Snapshot | None, new: Snapshot) -> Snapshot:
    """One snapshot of two, whichever comes first: the fuller one, with the comments that only the other has."""
    if old is None:
        return new
    head, other = (new, old) if fullness(new) >= fullness(old) else (old, new)
    if head.diff is None:
        same = "" if head.language != other.language else head.language
        head = replace(head, language=same, author=head.author or other.author, license=head.license or other.license)
    comments = {comment.id: comment for comment in (*other.comments, *head.comments)}
    return replace(head, comments=tuple(comments[at] for at in sorted(comments)))


def fullness(snapshot: Snapshot) -> int:
    """What was collected from GitHub goes before what was published, and that before lone hunks."""
    return 2 if snapshot.source == "github" else int(snapshot.diff is not None)


def parse_snapshot(row: Row) -> Snapshot:
    """The snapshot of one row."""
    license_name = row.license or row.license_hint or ""
    head = Snapshot(
        repo=row.repo,
        number=row.number,
        source=row.source or "published",
        comments_complete=row.comments_complete is True and row.diff is not None,
        license=SPELLED.get(license_name, license_name),
        language=row.language or "",
    )
    if row.diff is None:
        author = row.author or "" if row.author_is_pr_author else ""
        return replace(head, author=author, comments=parse_pair(row), problems=(NO_DIFF,))
    of_github = head.comments_complete and row.snapshot == "final"
    comments = {comment.id: parse_comment(comment, of_github) for comment in row.comments}
    return replace(
        head,
        title=row.title or "",
        body=row.body or "",
        author=row.author or "",
        author_type="User" if row.author else "",
        merged=row.merged,
        created_at=row.created_at or "",
        base_sha=row.base_sha or "",
        head_sha=row.head_sha or "",
        diff=row.diff,
        comments=tuple(comments[at] for at in sorted(comments)),
        problems=(REVIEWED_DIFF,) if row.snapshot == "review" else (),
    )


def parse_comment(row: CommentRow, of_github: bool) -> SnapshotComment:  # noqa: FBT001 - as its one caller has it
    """A comment as GitHub's API had it, as far as the row tells; `of_github` when GitHub gave the `line` of `exact`."""
    is_current = of_github and row.anchor == "exact"
    hunk, line = row.diff_hunk or "", row.original_line
    length = row.line - row.start_line if row.line is not None and row.start_line is not None else 0
    return SnapshotComment(
        id=row.id,
        path=row.path,
        body=row.body or "",
        created_at=row.created_at or "",
        author=row.author or "",
        author_type=parse_author_type(row.author, row.author_is_bot),
        in_reply_to=row.in_reply_to,
        diff_hunk=hunk,
        line=row.line if is_current else None,
        start_line=row.start_line if is_current else None,
        original_line=line,
        original_start_line=line - length if line is not None and 0 < length < line else None,
        original_commit_id=row.original_commit_id or "",
        subject_type="file" if not hunk and line in {None, 1} else "line",
        ai_suspected=row.ai_suspected or False,
    )


def parse_pair(row: Row) -> tuple[SnapshotComment, ...]:
    """The comment of a hunk pair and the replies to it."""
    first = SnapshotComment(
        id=row.comment_id,
        path=row.path,
        body=row.comment or "",
        created_at=row.created_at or "",
        author=row.author or "",
        author_type=parse_author_type(row.author, row.author_is_bot),
        diff_hunk=row.hunk or "",
        ai_suspected=row.ai_suspected or False,
    )
    replies = (
        replace(
            first,
            id=reply.id,
            body=reply.body or "",
            created_at=reply.created_at or "",
            author=reply.author or "",
            author_type=parse_author_type(reply.author, reply.author_is_bot),
            in_reply_to=row.comment_id,
            ai_suspected=False,
        )
        for reply in row.replies
    )
    return (first, *replies)


def parse_author_type(author: str | None, is_bot: bool | None) -> AuthorType:  # noqa: FBT001 - the row's own field
    """GitHub's word for who wrote it."""
    if is_bot:
        return "Bot"
    return "User" if author else ""
