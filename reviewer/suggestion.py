"""Whether a suggested change may be offered: it replaces exactly the verified lines, changes something, and parses."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

from reviewer.domain import Hunk

PROSE_FILES = (".md", ".mdx", ".rst", ".txt", ".adoc")
"""Where a sentence is a fair suggestion."""

_SENTENCE = re.compile(r"[A-Z][a-z]+(?: +[\w`'\".,:()-]+){2,}[.!?]?")
_CLOSING = {")": "(", "]": "[", "}": "{"}


def check_suggestion(suggestion: str, replaced: list[str], hunk: Hunk, first: int) -> str | None:
    """The suggestion as it may be posted, or None.

    Args:
        suggestion: What the model wants to stand there instead.
        replaced: The lines it replaces, as they are in the new version of the file.
        hunk: The hunk these lines are in.
        first: The number of the first replaced line, in the new version.
    """
    lines = suggestion.replace("\r\n", "\n").rstrip("\n").split("\n") if suggestion.strip() else []
    if not lines or [line.rstrip() for line in lines] == [line.rstrip() for line in replaced]:
        return None
    if _brackets(lines) != _brackets(replaced) or is_advice(suggestion, hunk.path):
        return None
    if hunk.path.endswith((".py", ".pyi")) and not _still_parses(lines, replaced, hunk, first):
        return None
    return "\n".join(lines)


def is_advice(suggestion: str, path: str) -> bool:
    """Whether it is a sentence about the code ("Remove this function.") where code ought to stand."""
    words = suggestion.strip()
    return not path.endswith(PROSE_FILES) and bool(_SENTENCE.fullmatch(words))


def _brackets(lines: list[str]) -> tuple[str, ...]:
    """The brackets that the lines leave open or close beyond their own, in order. Strings are not told apart."""
    stack: list[str] = []
    for char in "\n".join(lines):
        if char in _CLOSING and stack and stack[-1] == _CLOSING[char]:
            stack.pop()
        elif char in "()[]{}":
            stack.append(char)
    return tuple(stack)


def _still_parses(lines: list[str], replaced: list[str], hunk: Hunk, first: int) -> bool:
    """False only when the hunk's new version parses as Python as it is and no longer does with the suggestion."""
    before = [line.text for line in hunk.lines if line.kind != "-" and line.number < first]
    after = [line.text for line in hunk.lines if line.kind != "-" and line.number >= first + len(replaced)]
    return not _parses([*before, *replaced, *after]) or _parses([*before, *lines, *after])


def _parses(lines: list[str]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(textwrap.dedent("\n".join(lines)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
