"""What `split` needs to know of a pull request: its time, its other names, and the texts that may stand elsewhere.

`Facts` are found before it has a split, a `Stand` is what then stands in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from reviewer.domain import ReviewExample, Split
from reviewer.prompt import show
from training.aligned import Aligned
from training.completion import cut_message, plain_message
from training.examples import build_examples
from training.filtered import Filtered
from training.snapshot import Snapshot
from training.split import find_span
from training.splits import Assigned

UnitKind = Literal["comment", "hunk"]
SAME_PIECE: Final = "on the same piece again"
"""Why `training.examples` loses a comment that stands on a copy of a piece that is shown."""
KINDS: Final[tuple[UnitKind, ...]] = ("comment", "hunk")


@dataclass(frozen=True, slots=True)
class Unit:
    """What may stand nearly the same on both sides: what a comment says, or the changed lines of a hunk."""

    kind: UnitKind
    id: str
    """The comment's id, or the hunk's digest."""
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """One pull request. Two that share one of their `marks` are the same under two names."""

    repo: str
    number: int
    began: str
    ended: str
    marks: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    unusable: str = ""
    """Why nothing of it may be used, as `filter` says; then it has neither marks nor units."""
    snapshot: str = ""
    """Digest of the snapshot's file that this was made from; `run_stage` fills it in."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What stands in a split of one pull request, or of a part of it. Times are of `parse_time`, empty when unknown."""

    split: Split
    repo: str
    number: int
    began: str = ""
    ended: str = ""
    marks: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    is_listed: bool = True
    """False: one that is listed has come before, and says when the pull request was."""

    @property
    def row(self) -> str:
        """What a message calls it."""
        return f"{self.repo}#{self.number}"


def find_facts(snapshot: Snapshot, aligned: Aligned, filtered: Filtered) -> Facts:
    """What a pull request would bring into its split: what a worker does."""
    span = find_span(snapshot)
    if filtered.reason:
        return Facts(snapshot.repo, snapshot.number, *span, unusable=filtered.reason)
    examples = list_possible(snapshot, aligned, filtered)
    units = dict.fromkeys(unit for example in examples for unit in list_units(example))
    return Facts(snapshot.repo, snapshot.number, *span, list_marks(snapshot), tuple(units))


def list_possible(snapshot: Snapshot, aligned: Aligned, filtered: Filtered) -> Iterator[ReviewExample]:
    """All examples that there may be, whatever is left out of them.

    Where a piece stands twice, the copy with the most comments is shown; without these it is another one.
    """
    left_out: tuple[int, ...] = ()
    while True:
        assigned = Assigned(snapshot.repo, snapshot.number, "train", left_out_comments=left_out)
        built = build_examples(snapshot, aligned, filtered, assigned)
        yield from built.shown
        if not built.lost[SAME_PIECE]:
            return
        left_out += tuple(comment.id for example in built.examples for comment in example.comments)


def list_marks(snapshot: Snapshot) -> tuple[str, ...]:
    """The head commit and the ids of the comments: they stay when a repository is forked, renamed or moved."""
    head = [f"commit {snapshot.head_sha}"] if snapshot.head_sha else []
    return (*head, *(f"comment {comment.id}" for comment in snapshot.comments))


def list_units(example: ReviewExample) -> Iterator[Unit]:
    """The changed lines and the comments of an example; all lines where a comment was shown with unchanged ones.

    What the chats show as another text is one under both: a long line is cut there, and a comment may stand without its
    suggestion.
    """
    lines = [line for line in example.hunk.lines if line.kind != " "] or example.hunk.lines
    text, shown = ("\n".join(texts) for texts in ((line.text for line in lines), (show(line.text) for line in lines)))
    if text.strip():
        yield Unit("hunk", example.hunk.digest, text)
        if shown.split() != text.split():
            yield Unit("hunk", example.hunk.digest, shown)
    for comment in example.comments:
        yield Unit("comment", str(comment.id), comment.body)
        message = cut_message(plain_message(comment.body))
        if message and message.split() != comment.body.split():
            yield Unit("comment", str(comment.id), message)
