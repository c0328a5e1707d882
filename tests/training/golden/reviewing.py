"""What GitHub says of a comment on a line of a real diff, worked out here without the parser that is tested."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reviewer.domain import Side
from tests.git_folder import GitFolder
from training.aligned import AlignedComment
from training.snapshot import Snapshot, SnapshotComment

HEADER = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
REPO = "octo/demo"


@dataclass(frozen=True)
class Shown:
    """A line that a reviewer can comment on: its numbers, its legacy position, and its hunk down to it."""

    kind: str
    text: str
    source: int
    target: int
    position: int
    diff_hunk: str

    @property
    def side(self) -> Side:
        return "LEFT" if self.kind == "-" else "RIGHT"

    @property
    def number(self) -> int:
        return self.source if self.kind == "-" else self.target


def show_lines(patch: str) -> list[Shown]:
    """Each line of one file's patch, counted as GitHub counts."""
    shown: list[Shown] = []
    hunk: list[str] = []
    source = target = 0
    rows = patch.removesuffix("\n").split("\n")
    for position, row in enumerate(rows):
        if found := HEADER.match(row):
            hunk, source, target = [row], int(found[1]), int(found[2])
            continue
        hunk.append(row)
        if not row.startswith("\\"):
            shown.append(Shown(row[:1], row[1:], source, target, position, "\n".join(hunk)))
            source += row[:1] != "+"
            target += row[:1] != "-"
    return shown


def patch_of(diff: bytes) -> str:
    """The hunks of a diff of one file."""
    text = diff.decode()
    return text[text.index("\n@@ ") + 1 :]


def make_comment(line: Shown, path: str, start: int | None = None) -> SnapshotComment:
    """An outdated comment: GitHub knows no `line` any more, only what was."""
    return SnapshotComment(
        id=1,
        path=path,
        body="Why?",
        diff_hunk=line.diff_hunk,
        side=line.side,
        original_line=line.number,
        original_start_line=start,
        original_position=line.position,
        original_commit_id="1" * 40,
    )


def make_snapshot(diff: str, *comments: SnapshotComment) -> Snapshot:
    return Snapshot(repo=REPO, number=1, head_sha="2" * 40, diff=diff, comments=comments)


def diff_of(folder: GitFolder, old: dict[str, bytes], new: dict[str, bytes]) -> bytes:
    """Git's own diff between two states of the files."""
    base = folder.commit_blobs(old)
    return folder.diff(base, folder.commit_blobs(new, parent=base))


def render_place(comment: AlignedComment) -> str:
    """`reanchored R4-6`, as the golden cases have it."""
    here = comment.current
    if here is None:
        return comment.standing
    start = "" if here.start_line is None else f"{here.start_line}-"
    return f"{comment.standing} {here.side[0]}{start}{here.line}"
