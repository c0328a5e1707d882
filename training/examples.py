"""The examples of one pull request: the pieces of its diff that the reviewer would ask about, with what humans said.

The pieces are those of serving (`reviewer.locate`, default settings). A kept comment whose line is in the diff stands
on its piece. One whose line is gone, or whose diff nobody knows, is an example of its own, made of the code that was
shown with it. Every kept comment is in an example, or counted with the reason why not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import cast

from reviewer.diff import parse_diff
from reviewer.domain import ChangedFile, ExampleComment, Hunk, Line, PullRequest, ReviewExample, Split
from reviewer.errors import SourceError
from reviewer.file_classes import language_of
from reviewer.locate import list_readable, split_hunk
from reviewer.settings import Settings
from training.aligned import Aligned, Anchor
from training.comment_hunk import parse_diff_hunk
from training.filtered import Filtered
from training.remarks import (
    Places,
    Remark,
    blur_files,
    is_touched,
    join_remarks,
    list_remarks_on,
    list_spans,
    may_be_answered,
    place_remarks,
)
from training.snapshot import Snapshot
from training.splits import Assigned

Pieces = dict[int, tuple[Hunk, ...]]
"""The pieces of each hunk that the reviewer would ask about, by the hunk's `id()`."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What is no example, and why: pieces by reason, and the reason of each kept comment."""

    pieces: Counter[str] = field(default_factory=Counter)
    comments: dict[int, str] = field(default_factory=dict)

    def lose(self, comments: Iterable[ExampleComment], why: str) -> None:
        """Note comments that are in no example."""
        self.comments.update(dict.fromkeys((comment.id for comment in comments), why))


@dataclass(frozen=True, slots=True)
class PullRequestExamples:
    """The examples of a pull request in the order of its diff; those made of single comments come last, by id.

    `pull_request` has no file when there is no diff, and none of the pieces that stay out for a later split.
    """

    pull_request: PullRequest
    examples: tuple[ReviewExample, ...] = ()
    unseen: int = 0
    """Human comments without a line in the diff: their files' hunks are not labelled."""
    answered: frozenset[int] = frozenset()
    """Comments of `examples` whose answer the final diff may hold, as something was pushed after them."""
    before: tuple[ReviewExample, ...] = ()
    """The code that these comments were made on, each with its comment. They are for chats alone, and no rows."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Pieces that are no example, by reason."""
    lost: Counter[str] = field(default_factory=Counter)
    """Comments that the filter keeps and no example has, by reason."""

    @property
    def shown(self) -> tuple[ReviewExample, ...]:
        """Whatever code the dataset shows, in rows or in chats."""
        return (*self.examples, *self.before)


def build_examples(snapshot: Snapshot, aligned: Aligned, filtered: Filtered, assigned: Assigned) -> PullRequestExamples:
    """All examples of a pull request that `split` gave to a split, without a scope; none of one that is refused."""
    split = cast("Split", assigned.split)
    pull_request = read_pull_request(snapshot)
    if filtered.reason:
        return PullRequestExamples(pull_request)
    remarks = list(join_remarks(snapshot, aligned, filtered, assigned))
    losses = Losses(comments=dict.fromkeys(assigned.left_out_comments, "said in a later split, or nearly"))
    hidden = frozenset(assigned.left_out_hunks)
    outdated = [remark for remark in remarks if remark.kept and remark.aligned.current is None]
    pieces = {id(hunk): split_hunk(hunk) for hunk in list_readable(pull_request, Settings())[0]}
    found = _from_diff(snapshot, pull_request.files, pieces, remarks, split, losses)
    found += _from_diff_hunks(snapshot, outdated, split, losses)
    examples = _without_hidden(found, hidden, losses)
    answered = _list_answered(snapshot, remarks, examples)
    before = _without_hidden(_from_diff_hunks(snapshot, answered, split, Losses()), hidden, Losses())
    return PullRequestExamples(
        replace(pull_request, files=tuple(_hide(file, pieces, hidden) for file in pull_request.files)),
        examples,
        sum(remark.is_unseen for remark in remarks),
        frozenset(remark.comment.id for remark in answered),
        before,
        losses.pieces,
        _count_lost(filtered, examples, losses),
    )


def _list_answered(snapshot: Snapshot, remarks: list[Remark], examples: Iterable[ReviewExample]) -> list[Remark]:
    """The comments on pieces of the final diff that may hold their answer."""
    shown = {comment.id for example in examples for comment in example.comments if example.origin != "diff-hunk"}
    said = (remark for remark in remarks if remark.comment.id in shown)
    return [remark for remark in said if remark.aligned.outcome.addressed or may_be_answered(snapshot, remark.comment)]


def _without_hidden(
    examples: Iterable[ReviewExample], hidden: frozenset[str], losses: Losses
) -> tuple[ReviewExample, ...]:
    """The examples whose code does not stand in a later split."""
    kept = []
    for example in examples:
        if hidden and example.hunk.digest in hidden:
            losses.pieces["nearly the same in a later split"] += 1
            losses.lose(example.comments, "on code that is nearly the same in a later split")
        else:
            kept.append(example)
    return tuple(kept)


def _hide(file: ChangedFile, pieces: Pieces, hidden: frozenset[str]) -> ChangedFile:
    """The file without the pieces that are hidden: prompts show the diff around a piece, as far as it is read."""
    hunks: list[Hunk] = []
    for hunk in file.hunks if hidden else ():
        of_hunk = pieces.get(id(hunk), ())
        kept = [piece for piece in of_hunk if piece.digest not in hidden]
        hunks += [hunk] if len(kept) == len(of_hunk) else kept
    return replace(file, hunks=tuple(hunks)) if hidden else file


def _count_lost(filtered: Filtered, examples: tuple[ReviewExample, ...], losses: Losses) -> Counter[str]:
    """Why the comments that the filter keeps are in no example."""
    taken = {comment.id for example in examples for comment in example.comments}
    missing = [each.id for each in filtered.comments if not each.reason and each.id not in taken]
    return Counter(losses.comments.get(comment, "not the first of its thread") for comment in missing)


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


def _from_diff(
    snapshot: Snapshot,
    files: tuple[ChangedFile, ...],
    pieces: Pieces,
    remarks: list[Remark],
    split: Split,
    losses: Losses,
) -> list[ReviewExample]:
    placed, spans = place_remarks(remarks), list_spans(remarks)
    blurred = blur_files(files, remarks)
    found: dict[str, ReviewExample] = {}
    for file in files:
        is_labelled = snapshot.comments_complete and file.path not in blurred
        for hunk in file.hunks:
            if id(hunk) not in pieces:
                said = [remark for line in hunk.lines for remark in list_remarks_on(hunk.path, line, placed)]
                losses.comments.update((remark.comment.id, "on a hunk that is not read") for remark in said)
                continue
            for piece in pieces[id(hunk)]:
                may_be_silent = is_labelled and not is_touched(piece, spans)
                example = _example(snapshot, piece, placed, split, labelled=(is_labelled, may_be_silent))
                before = found.setdefault(piece.digest, example)
                if before is not example:  # word for word the same: one stands for all
                    found[piece.digest], other = _choose_one(before, example)
                    losses.pieces["the same piece again"] += 1
                    losses.lose(other.comments, "on the same piece again")
    return list(found.values())


def _choose_one(before: ReviewExample, again: ReviewExample) -> tuple[ReviewExample, ReviewExample]:
    """Of two of the same words the one with more comments, and the other. Silence counts when both are silent."""
    best, other = sorted((before, again), key=_count_remarks, reverse=True)
    return best if best.commented or other.labelled else replace(best, labelled=False), other


def _count_remarks(example: ReviewExample) -> tuple[int, int]:
    return len(example.comments), len(example.commented)


def _example(
    snapshot: Snapshot, piece: Hunk, placed: Places, split: Split, *, labelled: tuple[bool, bool]
) -> ReviewExample:
    """The piece with what was said of it. `labelled`: if there is a remark, and if there is none."""
    is_remarked = any(path == piece.path for path, _, _ in placed)
    found = (
        [(line, it) for line in piece.lines for it in list_remarks_on(piece.path, line, placed)] if is_remarked else []
    )
    comments = tuple(_comment(it, it.aligned.current, line, piece) for line, it in found if it.kept)
    return ReviewExample(
        repo=snapshot.repo,
        number=snapshot.number,
        hunk=piece,
        comments=comments,
        origin="pull-request",
        labelled=labelled[not found],
        split=split,
        language=language_of(piece.path),
        commented=tuple(dict.fromkeys(line.id for line, _ in found)),
    )


def _comment(remark: Remark, anchor: Anchor | None, line: Line, piece: Hunk) -> ExampleComment:
    """The comment on its line of the piece. A range counts when it begins in the piece, on the same side."""
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
    snapshot: Snapshot, remarks: list[Remark], split: Split, losses: Losses
) -> Iterator[ReviewExample]:
    """Comments with the code that was shown with them, the commented line last."""
    for remark in sorted(remarks, key=lambda remark: remark.comment.id):
        hunk = parse_diff_hunk(remark.comment.path, clean(remark.comment.diff_hunk))
        if hunk is None:
            losses.comments[remark.comment.id] = "no readable code with the comment"
            continue
        last = hunk.lines[-1]
        yield ReviewExample(
            repo=snapshot.repo,
            number=snapshot.number,
            hunk=hunk,
            comments=(_comment(remark, remark.aligned.original, last, hunk),),
            origin="diff-hunk",
            labelled=False,
            split=split,
            language=language_of(hunk.path),
            commented=(last.id,),
        )
