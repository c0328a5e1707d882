"""What became of a review comment: whether its lines changed afterwards, and what people said and pressed.

A comment is addressed when the lines that it is about, or those just above them, do not stand together any more in
the pull request's final diff. Both states are known: the comment's own `diff_hunk` ends with the commented line as the
reviewer saw it, and the snapshot's diff is how the pull request ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reviewer.diff_hunks import HUNK, number_lines
from reviewer.domain import ChangedFile, Line, Outcome, Side
from training.aligned import AlignedComment
from training.snapshot import Snapshot, SnapshotComment

ABOVE: Final = 2
"""Lines above the commented ones that count as their neighbourhood. What stands below, a `diff_hunk` does not show."""
UPVOTES: Final = ("+1", "heart", "hooray", "rocket")
DOWNVOTES: Final = ("-1", "confused")
"""GitHub's other reactions, `laugh` and `eyes`, say neither."""
_BREAK: Final = "\n\0\n"
"""Between two hunks: no line of a diff reads so."""


def label_outcomes(
    snapshot: Snapshot, comments: tuple[AlignedComment, ...], files: tuple[ChangedFile, ...] | None
) -> tuple[Outcome, ...]:
    """The outcome of each comment, in the order of `comments`.

    Args:
        snapshot: Where the comments' texts, threads and reactions stand.
        comments: The places of the snapshot's comments, or of some of them.
        files: The snapshot's diff; None when there is none or it cannot be read.
    """
    known = {comment.id: comment for comment in snapshot.comments}
    threads = {thread.root: thread for thread in snapshot.threads}
    replies = Counter(comment.root for comment in comments if comment.id != comment.root)
    final = None if files is None else FinalDiff(files)
    outcomes = []
    for aligned in comments:
        comment = known[aligned.id]
        is_root = aligned.id == aligned.root
        thread = threads.get(aligned.root) if is_root else None
        outcomes.append(
            Outcome(
                addressed=decide_addressed(snapshot, comment, aligned, final) if is_root else None,
                resolved=thread.is_resolved if thread else None,
                upvotes=count_reactions(comment.reactions, UPVOTES),
                downvotes=count_reactions(comment.reactions, DOWNVOTES),
                replies=replies[aligned.id],
            )
        )
    return tuple(outcomes)


def count_reactions(reactions: Mapping[str, int], names: Iterable[str]) -> int:
    """How many people pressed one of these."""
    return sum(reactions.get(name, 0) for name in names)


@dataclass(slots=True)
class FinalDiff:
    """How the pull request ended. A file's text on one side is put together when it is first asked for."""

    files: tuple[ChangedFile, ...]
    _texts: dict[tuple[str, Side], str | None] = field(default_factory=dict)

    def text(self, path: str, side: Side) -> str | None:
        """All lines that the diff shows of one side of a file, None when it does not change the file."""
        if (path, side) not in self._texts:
            file = next((file for file in self.files if path in {file.path, file.previous_path}), None)
            self._texts[path, side] = None if file is None else render_side(file, side)
        return self._texts[path, side]


def render_side(file: ChangedFile, side: Side) -> str:
    """One side's lines, each between newlines, with a break where lines are left out."""
    hunks = ("\n".join(line.text for line in hunk.lines if stands_on(line, side)) for hunk in file.hunks)
    return "\n" + _BREAK.join(hunks) + "\n"


def stands_on(line: Line, side: Side) -> bool:
    """Whether the line is one of that side's file."""
    return line.kind != ("-" if side == "RIGHT" else "+")


def decide_addressed(
    snapshot: Snapshot, comment: SnapshotComment, aligned: AlignedComment, final: FinalDiff | None
) -> bool | None:
    """Whether the commented lines changed after the comment was made; None when nobody can tell."""
    if snapshot.head_sha and comment.original_commit_id == snapshot.head_sha:
        return False
    if final is None or aligned.original is None:
        return None
    side = aligned.original.side
    window = choose_window(parse_hunk_end(comment.diff_hunk), aligned.original.start_line, aligned.original.line, side)
    if not window:
        return None
    text = final.text(comment.path, side)
    if text is not None and "\n" + "\n".join(line.text for line in window) + "\n" in text:
        return False
    if any(line.kind != " " for line in window):
        return True
    other = final.text(comment.path, "LEFT" if side == "RIGHT" else "RIGHT") or ""
    return True if f"\n{window[-1].text}\n" in other else None


def parse_hunk_end(diff_hunk: str) -> tuple[Line, ...]:
    """The lines of a comment's hunk, which GitHub cuts off below the commented line."""
    lines = diff_hunk.split("\n") if diff_hunk.startswith("@@") else []
    found = HUNK.match(lines[0]) if lines else None
    return tuple(number_lines(lines[1:], int(found[1]), int(found[3]))) if found else ()


def choose_window(lines: tuple[Line, ...], start_line: int | None, line: int, side: Side) -> tuple[Line, ...]:
    """The commented lines and the neighbourhood above them, on the side that the comment is on."""
    mine = [candidate for candidate in lines if stands_on(candidate, side)]
    numbers = [candidate.source_line if side == "LEFT" else candidate.target_line for candidate in mine]
    if line not in numbers:
        return ()
    first = (start_line or line) - ABOVE
    return tuple(
        candidate for candidate, at in zip(mine, numbers, strict=True) if at is not None and first <= at <= line
    )
