"""What a diff says, read independently of the code under test: files, hunks, and every line with its position."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from simulation.github_server.git_store import GitStore

HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
STATUSES = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a hunk. `position` counts from 1 below the file's first `@@`, later `@@` lines included."""

    kind: str
    old: int | None
    new: int | None
    position: int
    hunk: int

    def number(self, side: str | None) -> int | None:
        """The line's number on one side."""
        return self.old if side == "LEFT" else self.new


@dataclass(slots=True)
class FileDiff:
    """One changed file of a comparison. `patch` is None where GitHub leaves the key out."""

    path: str
    previous: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: bytes | None = None
    lines: list[DiffLine] = field(default_factory=list)

    def find(self, side: str, number: int) -> DiffLine | None:
        """The line with that number on that side: removed and context lines are LEFT, added and context RIGHT."""
        for line in self.lines:
            if line.number(side) == number:
                return line
        return None

    def find_position(self, position: int) -> DiffLine | None:
        """The line at a position of the old style."""
        return next((line for line in self.lines if line.position == position), None)

    def excerpt(self, line: DiffLine) -> str:
        """The `diff_hunk` of a comment: the hunk's header and its lines down to the commented one."""
        assert self.patch is not None
        text = self.patch.decode("utf-8", "replace").split("\n")[: line.position + 1]
        start = max(index for index, row in enumerate(text) if row.startswith("@@ "))
        return "\n".join(text[start:])


def compare(store: GitStore, base: str, head: str) -> list[FileDiff]:
    """Every changed file between two commits, in git's order."""
    files = []
    sections = split_sections(store.diff(base, head))
    for (letter, _, mode, sha, path, previous), (added, removed) in zip(*store.list_changes(base, head), strict=True):
        file = FileDiff(path, previous, STATUSES[letter], sha, added or 0, removed or 0)
        section = sections.pop(0)
        if letter == "T":
            sections.pop(0)  # git shows a changed type as a deletion and an addition
        elif section:
            file.patch = b"\n".join(section)
            file.lines = number_lines(section)
        if mode == "160000":
            file.status = STATUSES[letter]
        files.append(file)
    return files


def split_sections(patch: bytes) -> list[list[bytes]]:
    """The rows of each `diff --git` section from its first `@@` on. Rows are counted, so content cannot fool it."""
    sections: list[list[bytes]] = []
    old = new = 0
    for row in patch.split(b"\n"):
        if old or new or row.startswith(b"\\ "):
            sections[-1].append(row)
            old -= row[:1] in (b" ", b"-", b"")
            new -= row[:1] in (b" ", b"+", b"")
        elif row.startswith(b"diff --git "):
            sections.append([])
        elif found := HUNK.match(row):
            old, new = int(found[2] or 1), int(found[4] or 1)
            sections[-1].append(row)
    return sections


def number_lines(section: list[bytes]) -> list[DiffLine]:
    """The lines of a file's hunks with their numbers."""
    lines: list[DiffLine] = []
    old = new = old_left = new_left = hunk = 0
    for position, row in enumerate(section):
        found = HUNK.match(row) if not (old_left or new_left) else None
        if found:
            old, new, hunk = int(found[1]), int(found[3]), hunk + 1
            old_left, new_left = int(found[2] or 1), int(found[4] or 1)
            continue
        kind = row[:1].decode("latin-1")
        if kind == "\\":
            continue
        in_old, in_new = kind in " -", kind in " +"
        lines.append(DiffLine(kind, old if in_old else None, new if in_new else None, position, hunk))
        old, new = old + in_old, new + in_new
        old_left, new_left = old_left - in_old, new_left - in_new
    return lines


def map_line(store: GitStore, old: str, new: str, path: str, number: int) -> int | None:
    """Where a line of `path` at commit `old` is at commit `new`; None when it was changed or is gone."""
    if old == new:
        return number
    out = store.recall("diff", "-U0", "--no-color", "--no-renames", old, new, "--", f":(literal){path}")
    shift = 0
    for section in split_sections(out):
        for start, removed, added in ranges(section):
            if number < start:
                return number + shift
            if number < start + removed:
                return None
            shift += added - removed
    if b"deleted file mode" in out.split(b"@@", 1)[0]:
        return None
    return number + shift


def ranges(section: list[bytes]) -> list[tuple[int, int, int]]:
    """(first changed old line, removed, added) of each hunk of a diff without context."""
    found_ranges = []
    left = 0
    for row in section:
        if left:
            left -= not row.startswith(b"\\")
            continue
        if found := HUNK.match(row):
            removed, added = int(found[2] or 1), int(found[4] or 1)
            start = int(found[1]) + (removed == 0)
            left = removed + added
            found_ranges.append((start, removed, added))
    return found_ranges
