"""Unified diffs: the only module that imports unidiff."""

from __future__ import annotations

from unidiff import PatchSet

from reviewer.domain import ChangedFile, Hunk, Line


def parse_diff(text: str) -> tuple[ChangedFile, ...]:
    """Read a git diff into changed files."""
    files = []
    for patched in PatchSet(text):
        hunks = tuple(
            Hunk(
                path=patched.path,
                section=hunk.section_header,
                source_start=hunk.source_start,
                target_start=hunk.target_start,
                lines=tuple(
                    Line(line.line_type, line.value.removesuffix("\n"), line.source_line_no, line.target_line_no)
                    for line in hunk
                    if line.line_type in " +-"
                ),
            )
            for hunk in patched
        )
        files.append(ChangedFile(path=patched.path, status="modified", hunks=hunks))
    return tuple(files)
