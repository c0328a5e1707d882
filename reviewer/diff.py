"""Unified diffs: files, hunks and line numbers, read from git's own diffs and from GitHub's `patch` fields.

Text is split on the newline character only, and a hunk ends where its header says, so no content can pass for a header
and no exotic line separator moves a line number. A line's text is what git has, without the newline: the carriage
return of a CRLF file stays, as a change of line endings alone could not be seen otherwise.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from reviewer.diff_header import Header, read_header
from reviewer.diff_hunks import MAKE_ONE, MAX_FILE_LINES, Span, build_hunks, number_lines, read_spans, split_lines
from reviewer.domain import ChangedFile, FileStatus, Line, Side
from reviewer.errors import SourceError

MAX_DIFF_LINES: Final = 500_000
"""Lines of all hunks together: keeps the memory of a hostile or generated diff below about 200 MB."""

NOT_PROVIDED: Final = "diff not provided by GitHub"

COMBINED = re.compile(r"diff --(?:cc|combined) |@@@+ -")
SUBMODULE_LOG = re.compile(r"Submodule (.+) [0-9a-f]{7,64}\.{2,3}[0-9a-f]{7,64}(?: \((.*)\)|:)?$")
SUBMODULE_STATUS: Final[dict[str, FileStatus]] = {"new submodule": "added", "submodule deleted": "removed"}
SUBMODULE_LINE = re.compile(r"Subproject commit [0-9a-f]{40,64}(?:-dirty)?")


def parse_diff(data: bytes | str) -> tuple[ChangedFile, ...]:
    """Read a whole diff: git's own, GitHub's diff media type, `git format-patch`, or plain `diff -u`.

    Args:
        data: The diff. Bytes are taken as UTF-8 with replacement characters for what is not.

    Returns:
        The files in the order of the diff, none for a blank diff. Files without hunks say why in `note`.

    Raises:
        SourceError: The text is no diff, is damaged or cut off, is a combined diff, or changes one file twice.
    """
    lines = split_lines(data)
    files: list[ChangedFile] = []
    room = MAX_DIFF_LINES
    at = 0
    while at < len(lines):
        if COMBINED.match(lines[at]):
            raise SourceError("This is a combined diff of a merge: its line numbers have two old sides.", MAKE_ONE)
        header = read_header(lines, at)
        if header:
            spans = read_spans(lines, header.end)
            files.append(build_file(header, lines, spans, room))
            room -= sum(len(hunk.lines) for hunk in files[-1].hunks)
            at = spans[-1].end if spans else header.end
        elif found := SUBMODULE_LOG.match(lines[at]):
            files.append(ChangedFile(found[1], SUBMODULE_STATUS.get(found[2], "modified"), note="submodule"))
            at += 1
        else:
            at += 1
    if not files and any(line.strip() for line in lines):
        raise SourceError('This is no diff: it has no "diff --git" line and no "---" and "+++" lines.', MAKE_ONE)
    return merge_type_changes(files)


def parse_patch(
    path: str, patch: str | None, status: str, previous_path: str | None = None, changes: int | None = None
) -> ChangedFile:
    """Read one entry of GitHub's list of pull request files.

    Args:
        path: The entry's `filename`.
        patch: Its `patch`: bare hunks without a file header, None where GitHub left it out.
        status: Its `status`, also `changed` and `unchanged`.
        previous_path: Its `previous_filename`.
        changes: Its count of changed lines, where known: it tells a diff too large to send from one without lines.

    Returns:
        The file. One whose patch cannot be read says so in `note`: one file must not cost the whole review.
    """
    known: dict[str, FileStatus] = {"added": "added", "removed": "removed", "renamed": "renamed", "copied": "copied"}
    file = ChangedFile(path, known.get(status, "modified"), previous_path=previous_path)
    if not patch:
        return replace(file, note=explain_missing_patch(status, changes))
    lines = split_lines(patch)
    try:
        spans = read_spans(lines, 0)
    except SourceError:
        spans = []
    if not spans:
        return replace(file, note="diff not readable")
    hunks, note = build_hunks(path, lines, spans, MAX_FILE_LINES)
    if all(SUBMODULE_LINE.fullmatch(line.text) for hunk in hunks for line in hunk.lines) and not note:
        return replace(file, note="submodule")
    return replace(file, hunks=hunks, note=note)


def explain_missing_patch(status: str, changes: int | None) -> str:
    """Why GitHub sent no patch, as far as its other fields tell."""
    if changes is None or changes > 0:
        return NOT_PROVIDED
    return "rename only or binary" if status in {"renamed", "copied"} else "binary, empty file or mode change only"


def build_file(header: Header, lines: list[str], spans: list[Span], room: int) -> ChangedFile:
    """One file of a diff from its header and its hunks, of which at most `room` lines are kept."""
    hunks, note = build_hunks(header.path, lines, spans, min(room, MAX_FILE_LINES))
    note = note or header.explain(has_hunks=bool(hunks))
    if header.is_submodule:
        hunks = ()
    return ChangedFile(header.path, header.status, hunks, header.previous_path, note)


def merge_type_changes(files: list[ChangedFile]) -> tuple[ChangedFile, ...]:
    """Make one file of git's two where a file becomes a symlink or a submodule, or the reverse.

    Raises:
        SourceError: A path comes twice for another reason.
    """
    merged: dict[str, ChangedFile] = {}
    for file in files:
        before = merged.get(file.path)
        if before is not None and (before.status, file.status) != ("removed", "added"):
            what = f"The diff changes {file.path!r} twice: it looks like a series of commits."
            raise SourceError(what, "Give one diff over all of them. " + MAKE_ONE)
        merged[file.path] = file if before is None else join_type_change(before, file)
    return tuple(merged.values())


def join_type_change(old: ChangedFile, new: ChangedFile) -> ChangedFile:
    """One modified file of a removed and an added one."""
    return replace(new, status="modified", hunks=old.hunks + new.hunks, note=new.note or old.note)


def parse_positions(patch: str) -> dict[int, Line]:
    """GitHub's legacy `position` of each line of one file's `patch`.

    Position 1 is the line below the first hunk header. Everything further down counts: removed lines, later hunk
    headers and marks of a missing newline. It is asked of the patch, as a `ChangedFile` does not keep those marks.

    Raises:
        SourceError: The patch is damaged.
    """
    lines = split_lines(patch)
    spans = read_spans(lines, 0)
    positions: dict[int, Line] = {}
    for span in spans:
        body = lines[span.start : span.end]
        places = (at for at, text in enumerate(body, span.start) if not text.startswith("\\"))
        positions.update(zip(places, number_lines(body, span.source_start, span.target_start), strict=True))
    return positions


def line_at_position(patch: str, position: int) -> Line | None:
    """The line at a legacy `position` of one file's patch, None where there is none (a hunk header, the end)."""
    return parse_positions(patch).get(position)


def position_of(patch: str, line: int, side: Side) -> int | None:
    """The legacy `position` of a line number of one side, None when the patch does not show it."""
    for position, candidate in parse_positions(patch).items():
        if line == (candidate.source_line if side == "LEFT" else candidate.target_line):
            return position
    return None
