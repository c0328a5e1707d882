"""What people said of a pull request: where they stopped, and where it says nothing that nobody did.

A piece without a remark shows good code only when all that people said is known, and none of it is about the piece: a
reply, a word of the author's or a remark that teaches nothing is no example, and no silence either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reviewer.domain import ChangedFile, Hunk, Line, Side
from training.aligned import Aligned, AlignedComment
from training.anchors import number_on, stands_on
from training.filtered import Filtered, FilteredComment, FilterReason
from training.outcomes import is_last_word
from training.published import REVIEWED_DIFF
from training.snapshot import Snapshot, SnapshotComment
from training.splits import Assigned

NO_REMARK = frozenset({FilterReason.BOT, FilterReason.AGENT, FilterReason.OWN, FilterReason.LINTER})
"""Comments that do not show where a human reviewer stopped. All other reasons are about the words, the
thread, or, as for outsiders, a human whom nobody should learn from."""
UNSEEN = frozenset({"outdated", "unplaced", "file"})
"""Standings of comments that may be about any hunk of their file."""
MOVED = frozenset({"added", "renamed", "copied"})
"""What a file may be in the final diff that had another name when it was remarked on."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment with all that the stages say of it. `kept`: it teaches something, and its split may have it."""

    comment: SnapshotComment
    aligned: AlignedComment
    filtered: FilteredComment
    kept: bool

    @property
    def is_remark(self) -> bool:
        """Whether a reviewer began a thread with it, or what is left of a thread."""
        return self.filtered.reason not in NO_REMARK and self.aligned.root == self.comment.id

    @property
    def is_by_human(self) -> bool:
        """Whether a person's account said it, whatever it says."""
        return self.filtered.reason != FilterReason.BOT

    @property
    def is_unseen(self) -> bool:
        """Whether a person said it of lines that nobody knows in the final diff."""
        return self.is_by_human and self.aligned.standing in UNSEEN


def join_remarks(snapshot: Snapshot, aligned: Aligned, filtered: Filtered, assigned: Assigned) -> Iterator[Remark]:
    """The comments of a snapshot that both stages speak of."""
    places = {comment.id: comment for comment in aligned.comments}
    decisions = {comment.id: comment for comment in filtered.comments}
    left_out = frozenset(assigned.left_out_comments)
    for comment in snapshot.comments:
        if comment.id in places and comment.id in decisions:
            decision = decisions[comment.id]
            yield Remark(comment, places[comment.id], decision, not decision.reason and comment.id not in left_out)


def may_be_answered(snapshot: Snapshot, comment: SnapshotComment) -> bool:
    """Whether the final diff may hold the answer to a comment: false only when nothing was pushed after it.

    The commit that it was made on tells that. Where nobody knows it, a diff of the commit that was reviewed is that of
    the only thread; else dates must do: a commit may be older than the comment and pushed after it.
    """
    if snapshot.head_sha and comment.original_commit_id:
        return comment.original_commit_id != snapshot.head_sha
    if REVIEWED_DIFF in snapshot.problems and sum(other.in_reply_to is None for other in snapshot.comments) == 1:
        return False
    return not is_last_word(snapshot, comment)


Places = dict[tuple[str, Side, int], list[Remark]]


def place_remarks(remarks: Iterable[Remark]) -> Places:
    """The human remarks by path, side and line of the snapshot's diff."""
    placed: Places = {}
    for remark in remarks:
        if remark.is_remark and (anchor := remark.aligned.current):
            placed.setdefault((anchor.path, anchor.side, anchor.line), []).append(remark)
    return placed


def list_remarks_on(path: str, line: Line, placed: Places) -> list[Remark]:
    """What was said of a line; a context line has a number on either side."""
    found = placed.get((path, line.side, line.number), [])
    if line.kind == " " and line.source_line is not None:
        found = found + placed.get((path, "LEFT", line.source_line), [])
    return found


Spans = dict[str, list[tuple[Side, int, int]]]
"""By path: the side, and the first and last line of each human comment, whatever it says."""


def list_spans(remarks: Iterable[Remark]) -> Spans:
    """All lines of the final diff that people spoke of, reviewers or not."""
    spans: Spans = {}
    for remark in remarks:
        if remark.is_by_human and (anchor := remark.aligned.current):
            span = (anchor.side, anchor.start_line or anchor.line, anchor.line)
            spans.setdefault(anchor.path, []).append(span)
    return spans


def is_touched(piece: Hunk, spans: Spans) -> bool:
    """Whether anybody spoke of a line of the piece."""
    return any(
        first <= number_on(line, side) <= last
        for side, first, last in spans.get(piece.path, ())
        for line in piece.lines
        if stands_on(line, side)
    )


def blur_files(files: tuple[ChangedFile, ...], remarks: Sequence[Remark]) -> frozenset[str]:
    """The files that a human may have remarked on without anybody knowing where.

    A comment on a path that the diff does not have may be about any new file of the same kind: it had another name.
    """
    said = {remark.comment.path for remark in remarks if remark.is_unseen or _has_lost_its_start(remark)}
    names = {file.path: {file.path, file.previous_path or file.path, ""} for file in files}
    gone = {_ending(path) for path in said.difference(*names.values())}
    moved = {file.path for file in files if file.status in MOVED and _ending(file.path) in gone}
    return frozenset(moved | {path for path, known in names.items() if not known.isdisjoint(said)})


def _has_lost_its_start(remark: Remark) -> bool:
    """Whether a person spoke of a range of which only the last line is found in the final diff."""
    comment, anchor = remark.comment, remark.aligned.current
    start = comment.original_start_line or comment.start_line
    is_range = start is not None and start != (comment.original_line or comment.line)
    return remark.is_by_human and anchor is not None and anchor.start_line is None and is_range


def _ending(path: str) -> str:
    """What follows the last dot of a file's name; all of a name without one."""
    return path.rpartition("/")[2].rpartition(".")[2]
