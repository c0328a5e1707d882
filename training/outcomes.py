"""What became of a review comment: whether its lines changed afterwards, and what people said and pressed.

A comment is addressed when the lines that it is about, or those just above them, do not stand together any more in
the pull request's final diff. Both states are known: the comment's own `diff_hunk` ends with the commented line as the
reviewer saw it, and the snapshot's diff is how the pull request ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from reviewer.domain import ChangedFile, Line, Outcome, Side
from training.aligned import AlignedComment, Anchor
from training.anchors import Commented, find_file, number_on, parse_comment_hunk, stands_on
from training.snapshot import FINAL_DIFF, Snapshot, SnapshotComment

ABOVE: Final = 2
"""Lines above the commented ones that count as their neighbourhood. What stands below, a `diff_hunk` does not show."""
UPVOTES: Final = ("+1", "heart", "hooray", "rocket")
DOWNVOTES: Final = ("-1", "confused")
"""GitHub's other reactions, `laugh` and `eyes`, say neither."""


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


class FinalDiff:
    """How the pull request ended. A file's text on one side is put together when it is first asked for."""

    def __init__(self, files: tuple[ChangedFile, ...]) -> None:
        self.files = files
        self._texts: dict[tuple[str, Side], str] = {}

    def text(self, file: ChangedFile | None, side: Side) -> str:
        """All lines that the diff shows of one side of a file, with a break where lines are left out."""
        if file is None:
            return ""
        if (file.path, side) not in self._texts:
            hunks = ([render_line(line, side) for line in hunk.lines if stands_on(line, side)] for hunk in file.hunks)
            self._texts[file.path, side] = "\0".join(map(join_lines, hunks))
        return self._texts[file.path, side]


def render_line(line: Line, side: Side) -> str:
    """The text of a new file's line; of an old file's line the mark too, as a line that stays is not one that goes."""
    return line.text if side == "RIGHT" else line.kind + line.text


def decide_addressed(
    snapshot: Snapshot, comment: SnapshotComment, aligned: AlignedComment, final: FinalDiff | None
) -> bool | None:
    """Whether the commented lines changed after the comment was made; None when nobody can tell."""
    is_final = all(problem.what != FINAL_DIFF for problem in snapshot.problems)
    if is_final and is_last_word(snapshot, comment):
        return False
    if final is None or aligned.original is None:
        return None
    changed = is_changed(comment, aligned.original, final)
    # An older state of the pull request can show that lines changed, never that they did not.
    return changed if changed or is_final else None


def is_last_word(snapshot: Snapshot, comment: SnapshotComment) -> bool:
    """Whether no commit of the pull request is later than the comment."""
    if snapshot.head_sha and comment.original_commit_id == snapshot.head_sha:
        return True
    times = [commit.committed_at for commit in snapshot.commits]
    return all(times) and bool(times and comment.created_at) and max(times) < comment.created_at


def is_changed(comment: SnapshotComment, place: Anchor, final: FinalDiff) -> bool | None:
    """Whether the lines that a comment was made on do not stand together any more; None when nobody can tell."""
    window = choose_window(parse_comment_hunk(comment.diff_hunk, place.side), place)
    file = find_file(final.files, comment.path)
    if not window or (file and file.note and not file.hunks):
        return None
    if join_lines(render_line(line, place.side) for line in window) in final.text(file, place.side):
        return False
    if any(line.kind != " " for line in window):
        return True
    # A context line that the diff does not show any more may stand as it stood, unless it is removed now.
    return True if join_lines(["-" + window[-1].text]) in final.text(file, "LEFT") else None


def join_lines(texts: Iterable[str]) -> str:
    """Each line between newlines, so that one text is part of another only by whole lines."""
    return "\n" + "\n".join(texts) + "\n"


def choose_window(commented: Commented | str, place: Anchor) -> tuple[Line, ...]:
    """The commented lines and the neighbourhood above them, on the side that the comment is on; none without a hunk."""
    if isinstance(commented, str) or (commented.side, commented.number) != (place.side, place.line):
        return ()
    first = (place.start_line or place.line) - ABOVE
    return tuple(line for line in commented.lines if number_on(line, place.side) >= first)
