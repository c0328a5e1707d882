"""The code that a comment was made on, as the host shows it with the comment."""

from __future__ import annotations

from dataclasses import replace

from reviewer.domain import Hunk, Line
from reviewer.locate import LINE_CHARACTERS, PIECE_LINES, PIECE_TOKENS
from reviewer.tokens import estimate_tokens
from training.anchors import parse_comment_hunk


def parse_diff_hunk(path: str, text: str) -> Hunk | None:
    """GitHub's `diff_hunk`: a hunk from its header down to the commented line, which is the last. None if it is none.

    Of a long one the end is kept that fits a request.
    """
    shown = parse_comment_hunk(text)
    return None if isinstance(shown, str) else _keep_end(shown.as_hunk(path))


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
