"""The examples of one pull request: the pieces of its diff that the reviewer would ask about, with what humans said.

The pieces are those of serving (`reviewer.locate`, default settings). A kept comment whose line is in the diff stands
on its piece. One whose line is gone, or whose diff nobody knows, is an example of its own, made of the code that was
shown with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from reviewer.diff import parse_diff
from reviewer.diff_hunks import HUNK, number_lines, split_lines
from reviewer.domain import ExampleComment, Hunk, Line, PullRequest, ReviewExample, Side, Split
from reviewer.errors import SourceError
from reviewer.file_classes import language_of
from reviewer.locate import LINE_CHARACTERS, PIECE_LINES, PIECE_TOKENS, rank_hunks, split_hunk
from reviewer.settings import Settings
from reviewer.tokens import estimate_tokens
from training.aligned import Aligned, AlignedComment
from training.filtered import Filtered, FilteredComment, FilterReason
from training.snapshot import Snapshot, SnapshotComment
from training.splits import Assigned

NO_REMARK = frozenset({FilterReason.BOT, FilterReason.AGENT, FilterReason.OWN, FilterReason.REPLY, FilterReason.LINTER})
"""Comments that do not show where a human reviewer stopped. All other reasons are about the words."""
UNSEEN = frozenset({"outdated", "unplaced"})
"""Standings of comments that may be about any hunk of their file."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment with all that the stages say of it. `kept`: it teaches something, and its split may have it."""

    comment: SnapshotComment
    aligned: AlignedComment
    filtered: FilteredComment
    kept: bool

    @property
    def is_human(self) -> bool:
        """Whether a reviewer began a thread with it."""
        return self.filtered.reason not in NO_REMARK and self.comment.in_reply_to is None


@dataclass(frozen=True, slots=True)
class PullRequestExamples:
    """The examples of a pull request in the order of its diff; those made of single comments come last, by id.

    `pull_request` has no file when there is no diff. `left_out` counts kept comments and pieces that are no example.
    """

    pull_request: PullRequest
    examples: tuple[ReviewExample, ...]
    unseen: int
    """Human comments whose line is not in the diff: their files' hunks are not labelled."""
    left_out: Counter[str]


def build_examples(snapshot: Snapshot, aligned: Aligned, filtered: Filtered, assigned: Assigned) -> PullRequestExamples:
    """All examples of a pull request that `split` gave to a split, without a scope; none of one that is refused."""
    split = cast("Split", assigned.split)
    pull_request = read_pull_request(snapshot)
    if filtered.reason:
        return PullRequestExamples(pull_request, (), 0, Counter())
    remarks = list(join_remarks(snapshot, aligned, filtered, assigned))
    left_out: Counter[str] = Counter()
    examples = [*_from_diff(snapshot, pull_request, remarks, split, left_out)]
    examples += _from_diff_hunks(snapshot, remarks, split, left_out)
    hidden = frozenset(assigned.left_out_hunks)
    kept = tuple(example for example in examples if not hidden or example.hunk.digest not in hidden)
    left_out["nearly the same in a later split"] += len(examples) - len(kept)
    unseen = sum(remark.is_human and remark.aligned.standing in UNSEEN for remark in remarks)
    return PullRequestExamples(pull_request, kept, unseen, +left_out)


def read_pull_request(snapshot: Snapshot) -> PullRequest:
    """The pull request as the reviewer gets it; without files when there is no diff, or none that can be read."""
    try:
        files = parse_diff(clean(snapshot.diff)) if snapshot.diff else ()
    except SourceError:  # `align` has told why
        files = ()
    return PullRequest(
        snapshot.repo,
        snapshot.number,
        clean(snapshot.title),
        clean(snapshot.body),
        snapshot.author,
        snapshot.base_sha,
        snapshot.head_sha,
        files,
    )


def clean(text: str) -> str:
    """The text with a question mark for each lone surrogate, which Parquet cannot hold. Digests stay the same."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def join_remarks(snapshot: Snapshot, aligned: Aligned, filtered: Filtered, assigned: Assigned) -> Iterator[Remark]:
    """The comments of a snapshot that both stages speak of."""
    places = {comment.id: comment for comment in aligned.comments}
    decisions = {comment.id: comment for comment in filtered.comments}
    left_out = frozenset(assigned.left_out_comments)
    for comment in snapshot.comments:
        if comment.id in places and comment.id in decisions:
            decision = decisions[comment.id]
            yield Remark(comment, places[comment.id], decision, not decision.reason and comment.id not in left_out)


def _from_diff(
    snapshot: Snapshot, pull_request: PullRequest, remarks: list[Remark], split: Split, left_out: Counter[str]
) -> list[ReviewExample]:
    placed = _by_line(remarks)
    blurred = {remark.comment.path for remark in remarks if remark.is_human and remark.aligned.standing in UNSEEN}
    asked = {id(hunk) for _, hunk in rank_hunks(pull_request, Settings())[0]}
    found: dict[str, ReviewExample] = {}
    for file in pull_request.files:
        is_labelled = snapshot.comments_complete and blurred.isdisjoint({file.path, file.previous_path, ""})
        for hunk in file.hunks:
            if id(hunk) not in asked:
                said = [remark for line in hunk.lines for remark in _remarks_on(hunk.path, line, placed)]
                left_out["on a hunk that is not read"] += sum(remark.kept for remark in said)
                continue
            for piece in split_hunk(hunk):
                example = _example(snapshot, piece, placed, split, is_labelled=is_labelled)
                before = found.setdefault(piece.digest, example)
                if before is not example:  # word for word the same: the first with a remark stands for all
                    left_out["the same piece again"] += 1
                    found[piece.digest] = example if example.commented and not before.commented else before
    return list(found.values())


Places = dict[tuple[str, Side, int], list[Remark]]


def _by_line(remarks: Iterable[Remark]) -> Places:
    """The human remarks by path, side and line of the snapshot's diff."""
    placed: Places = {}
    for remark in remarks:
        if remark.is_human and (anchor := remark.aligned.current):
            placed.setdefault((anchor.path, anchor.side, anchor.line), []).append(remark)
    return placed


def _remarks_on(path: str, line: Line, placed: Places) -> list[Remark]:
    """What was said of a line; a context line has a number on either side."""
    found = placed.get((path, line.side, line.number), [])
    if line.kind == " " and line.source_line is not None:
        found = found + placed.get((path, "LEFT", line.source_line), [])
    return found


def _example(snapshot: Snapshot, piece: Hunk, placed: Places, split: Split, *, is_labelled: bool) -> ReviewExample:
    is_remarked = any(path == piece.path for path, _, _ in placed)
    found = [(line, it) for line in piece.lines for it in _remarks_on(piece.path, line, placed)] if is_remarked else []
    comments = tuple(_comment(remark, line, piece) for line, remark in found if remark.kept)
    return ReviewExample(
        repo=snapshot.repo,
        number=snapshot.number,
        hunk=piece,
        comments=comments,
        origin="pull-request",
        labelled=is_labelled,
        split=split,
        language=language_of(piece.path),
        commented=tuple(dict.fromkeys(line.id for line, _ in found)),
    )


def _comment(remark: Remark, line: Line, piece: Hunk) -> ExampleComment:
    """The comment on its line of the piece. A range counts when it begins in the piece, on the same side."""
    anchor = remark.aligned.current or remark.aligned.original
    start = anchor.start_line if anchor and anchor.side == line.side else None
    numbers = {other.number for other in piece.lines if other.side == line.side}
    return ExampleComment(
        id=remark.comment.id,
        line=line.number,
        side=line.side,
        start_line=start if start in numbers and start is not None and start < line.number else None,
        body=clean(remark.filtered.body),
        author=remark.comment.author,
        created_at=remark.comment.created_at,
        quality=remark.filtered.quality,
        outcome=remark.aligned.outcome,
    )


def _from_diff_hunks(
    snapshot: Snapshot, remarks: list[Remark], split: Split, left_out: Counter[str]
) -> Iterator[ReviewExample]:
    for remark in sorted(remarks, key=lambda remark: remark.comment.id):
        if not remark.kept or remark.aligned.current is not None:
            continue
        hunk = parse_diff_hunk(remark.comment.path, clean(remark.comment.diff_hunk))
        if hunk is None:
            left_out["no readable code with the comment"] += 1
            continue
        last = hunk.lines[-1]
        yield ReviewExample(
            repo=snapshot.repo,
            number=snapshot.number,
            hunk=hunk,
            comments=(_comment(remark, last, hunk),),
            origin="diff-hunk",
            labelled=False,
            split=split,
            language=language_of(hunk.path),
            commented=(last.id,),
        )


def parse_diff_hunk(path: str, text: str) -> Hunk | None:
    """GitHub's `diff_hunk`: a hunk from its header down to the commented line, which is the last. None if it is none.

    Its header counts the lines of the whole hunk, so the lines alone say where it ends. Of a long one the end is kept
    that fits a request.
    """
    header, *body = split_lines(text)
    found = HUNK.match(header)
    if not found:
        return None
    lines = tuple(number_lines(body, int(found[1]), int(found[3])))
    whole = Hunk(path, found[5].rstrip("\r"), int(found[1]), int(found[3]), lines)
    return _keep_end(whole) if lines else None


def _keep_end(hunk: Hunk) -> Hunk:
    """The hunk, or as many of its last lines as a piece may have."""
    lines = hunk.lines[-PIECE_LINES:]
    while len(lines) > 1 and sum(len(line.text) for line in lines) > PIECE_TOKENS and _is_long(lines):
        lines = lines[len(lines) // 8 + 1 :]
    if len(lines) == len(hunk.lines):
        return hunk
    source = next((line.source_line for line in lines if line.source_line is not None), hunk.source_start)
    target = next((line.target_line for line in lines if line.target_line is not None), hunk.target_start)
    return replace(hunk, source_start=source, target_start=target, lines=lines)


def _is_long(lines: tuple[Line, ...]) -> bool:
    return estimate_tokens("\n".join(line.text[:LINE_CHARACTERS] for line in lines)) > PIECE_TOKENS
