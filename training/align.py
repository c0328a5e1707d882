"""Find the line of each review comment: in the diff that it was made on, and in the snapshot's diff.

Where a thread starts decides for all of it. What the host says comes first: `line`, else the legacy `position`, and
what was said of the snapshot's own head; and it is believed when the line there reads as the comment's `diff_hunk`
ends. Everything else is looked for by text (`training.anchors`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from reviewer.diff import parse_diff, parse_positions
from reviewer.diff_header import read_header
from reviewer.diff_hunks import read_spans, split_lines
from reviewer.domain import ChangedFile, Side
from reviewer.errors import SourceError
from training.aligned import Aligned, AlignedComment, Anchor, Standing
from training.anchors import (
    AlignParams,
    Commented,
    FileSide,
    Spot,
    collapse,
    find_again,
    find_file,
    make_anchor,
    number_on,
    parse_comment_hunk,
    stands_on,
)
from training.outcomes import label_outcomes
from training.snapshot import Snapshot, SnapshotComment

NO_DIFF: Final = "the pull request's diff is not known"
NO_FILE: Final = "the diff does not change the file"
MOVED: Final = "the line moved"


@dataclass(slots=True)
class Diff:
    """The snapshot's diff. Its patches by path are only made for comments that have nothing but a `position`."""

    text: str
    head_sha: str
    files: tuple[ChangedFile, ...]
    _patches: dict[str, str] | None = field(default=None)
    _sides: dict[tuple[str, Side], FileSide] = field(default_factory=dict)

    def side_of(self, path: str, side: Side) -> FileSide | None:
        """One side of a file under its present name or the one before, None when the diff does not change it."""
        file = find_file(self.files, path)
        if file and (file.path, side) not in self._sides:
            self._sides[file.path, side] = FileSide(file, side)
        return self._sides[file.path, side] if file else None

    def number_at(self, path: str, side: Side, position: int) -> int | None:
        """The line number at a legacy position, None when no line of that side is there."""
        if self._patches is None:
            self._patches = dict(split_patches(self.text))
        line = parse_positions(self._patches.get(path, "")).get(position)
        return number_on(line, side) if line and stands_on(line, side) else None


def split_patches(diff: str) -> Iterator[tuple[str, str]]:
    """Each file's path and patch, as GitHub's list of files has it."""
    lines = split_lines(diff)
    at = 0
    while at < len(lines):
        if header := read_header(lines, at):
            spans = read_spans(lines, header.end)
            at = spans[-1].end if spans else header.end
            yield header.path, "\n".join(lines[header.end : at])
        else:
            at += 1


def align(snapshot: Snapshot, params: AlignParams | None = None) -> Aligned:
    """Place all comments of a pull request. A diff that cannot be read is told in `problem`, not raised."""
    diff, problem = read_diff(snapshot)
    roots = find_roots(snapshot.comments)
    by_id = {comment.id: comment for comment in snapshot.comments}
    places = {root: place(by_id[root], diff, params or AlignParams()) for root in set(roots.values())}
    comments = tuple(replace(places[roots[comment.id]], id=comment.id) for comment in snapshot.comments)
    outcomes = label_outcomes(snapshot, comments, diff.files if diff else None)
    labelled = tuple(replace(comment, outcome=outcome) for comment, outcome in zip(comments, outcomes, strict=True))
    return Aligned(snapshot.repo, snapshot.number, labelled, problem)


def read_diff(snapshot: Snapshot) -> tuple[Diff | None, str]:
    """The snapshot's diff, or None and why."""
    if snapshot.diff is None:
        told = next((problem.reason for problem in snapshot.problems if problem.what == "diff"), "")
        return None, told or NO_DIFF
    try:
        return Diff(snapshot.diff, snapshot.head_sha, parse_diff(snapshot.diff)), ""
    except SourceError as error:
        return None, error.what


def find_roots(comments: tuple[SnapshotComment, ...]) -> dict[int, int]:
    """The first comment of each one's thread. Where that was deleted, it is the first one that is left."""
    parents = {comment.id: comment.in_reply_to for comment in comments}
    first: dict[int, int] = {}
    roots: dict[int, int] = {}
    for comment in comments:
        seen = {at := comment.id}
        while (parent := parents.get(at)) is not None and parent not in seen:
            seen.add(at := parent)
        roots[comment.id] = at if at in parents else first.setdefault(at, comment.id)
    return roots


def place(comment: SnapshotComment, diff: Diff | None, params: AlignParams) -> AlignedComment:
    """The place of the first comment of a thread."""
    if comment.subject_type == "file":
        return AlignedComment(comment.id, comment.id, "file", "it is about the whole file")
    commented = parse_comment_hunk(comment.diff_hunk, comment.side)
    if isinstance(commented, str):
        return place_without_hunk(comment, diff, commented)
    start = commented.number - count_above(comment)
    original = make_anchor(comment.path, commented.side, commented.line, start)
    aligned = AlignedComment(comment.id, comment.id, "outdated", NO_DIFF, original)
    shown = diff.side_of(comment.path, commented.side) if diff else None
    if diff is None or shown is None:
        return replace(aligned, reason=NO_FILE if diff else NO_DIFF)
    for spot in list_told(comment, diff, shown):
        if collapse(spot.line.text) == collapse(commented.line.text):
            return replace(aligned, standing="exact", reason="", current=carry_range(shown, comment, commented, spot))
    found = find_again(commented, shown, params)
    if isinstance(found, str):
        return replace(aligned, reason=found)
    current = carry_range(shown, comment, commented, found)
    is_there = current.line == original.line
    standing: Standing = "exact" if is_there else "reanchored"
    return replace(aligned, standing=standing, reason="" if is_there else MOVED, current=current)


def place_without_hunk(comment: SnapshotComment, diff: Diff | None, reason: str) -> AlignedComment:
    """The place of a comment of which only numbers are known: the host must say that it stands in this very diff."""
    side = comment.side or "RIGHT"
    shown = diff.side_of(comment.path, side) if diff else None
    if diff and shown:
        for spot in list_told(comment, diff, shown):
            start = number_on(spot.line, side) - count_above(comment)
            current = make_anchor(shown.path, side, spot.line, start)
            return AlignedComment(comment.id, comment.id, "exact", "", current, current)
    return AlignedComment(comment.id, comment.id, "unplaced", reason)


def list_told(comment: SnapshotComment, diff: Diff, shown: FileSide) -> Iterator[Spot]:
    """The lines that the host names, best first. What is said of another commit than the head is no line of this diff.

    GitHub's newer dumps say `position` 1 of everything outdated, so that one says nothing.
    """
    numbers = [comment.line]
    if comment.line is None and comment.position is not None and comment.position != 1:
        numbers.append(diff.number_at(shown.path, shown.side, comment.position))
    if diff.head_sha and comment.original_commit_id == diff.head_sha:
        numbers.append(comment.original_line)
        if comment.original_line is None and comment.original_position is not None:
            numbers.append(diff.number_at(shown.path, shown.side, comment.original_position))
    for number in numbers:
        if number is not None and number in shown.by_number:
            yield shown.by_number[number]


def count_above(comment: SnapshotComment) -> int:
    """How many lines above the commented one its range starts."""
    if comment.side and comment.start_side and comment.side != comment.start_side:
        return 0
    ends = ((comment.line, comment.start_line), (comment.original_line, comment.original_start_line))
    return next((end - start for end, start in ends if end is not None and start is not None and start < end), 0)


def carry_range(shown: FileSide, comment: SnapshotComment, commented: Commented, spot: Spot) -> Anchor:
    """Where the line stands now. Its range is kept when it starts in the same hunk, with the text that it had.

    Where the host says that both ends stand now, the text may be another one.
    """
    above, number = count_above(comment), number_on(spot.line, shown.side)
    is_told = (comment.start_line, comment.line) == (number - above, number)
    before = None if is_told or above >= len(commented.lines) else collapse(commented.lines[-1 - above].text)
    kept = above <= spot.at and before in {None, spot.texts[spot.at - above]}
    return make_anchor(shown.path, shown.side, spot.line, number - above if kept else None)
