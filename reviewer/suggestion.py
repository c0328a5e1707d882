"""Whether a suggested change may be offered: it replaces exactly the verified lines, changes something, and parses.

Models often leave out the indentation of the first line, or of all lines: it is put back before anything is checked.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from os.path import commonprefix

from reviewer.domain import Hunk

PROSE_FILES = (".md", ".mdx", ".rst", ".txt", ".adoc")
"""Where a sentence is a fair suggestion."""

_SENTENCE = re.compile(r"[A-Z][a-z]+(?: +[\w`'\".,:()-]+){2,}[.!?]?")
_COPIED_ID = re.compile(r"[RL]\d+ +[+-]? ")
"""How the prompt shows a line."""
_OPENERS = (":", "{", "(", "[")
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
    if not lines or _is_diff(lines, replaced):
        return None
    if is_advice(suggestion, hunk.path) and not is_advice("\n".join(replaced), hunk.path):
        return None
    lines = _indent_like(lines, replaced)
    if [line.rstrip() for line in lines] == [line.rstrip() for line in replaced]:
        return None
    if _brackets(lines) != _brackets(replaced):
        return None
    if hunk.path.endswith((".py", ".pyi")) and not _still_parses(lines, replaced, hunk, first):
        return None
    return "\n".join(lines)


def is_advice(suggestion: str, path: str) -> bool:
    """Whether it is a sentence about the code ("Remove this function.") where code ought to stand."""
    words = suggestion.strip()
    return not path.endswith(PROSE_FILES) and bool(_SENTENCE.fullmatch(words))


def _indent_like(lines: list[str], replaced: list[str]) -> list[str]:
    """The lines with the replaced code's indentation where the first one has none.

    When the line after it is indented as if nothing was missing, only the first one lacks it; else all do.
    """
    indent = next((_indent_of(line) for line in replaced if line.strip()), "")
    if not indent or lines[0][:1].isspace():
        return lines
    following = next((line for line in lines[1:] if line.strip()), "")
    is_deeper = following[len(indent) : len(indent) + 1].isspace()
    if following.startswith(indent) and (is_deeper or not lines[0].rstrip().endswith(_OPENERS)):
        return [indent + lines[0], *lines[1:]]
    return [indent + line if line.strip() else line for line in lines]


def _indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _is_diff(lines: list[str], replaced: list[str]) -> bool:
    """Whether line ids or diff marks were copied along."""
    marks = {line[:1] for line in lines}
    is_marked = marks <= {"+", "-"} and not any(line[:1] in marks for line in replaced)
    return is_marked or any(map(_COPIED_ID.match, lines))


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
    """False when the code parses as Python as it is and no longer does with the suggestion.

    A hunk often is no whole program. Then the lines are judged by themselves, at last as the head of a block.
    """
    before = [line.text for line in hunk.lines if line.kind != "-" and line.number < first]
    after = [line.text for line in hunk.lines if line.kind != "-" and line.number >= first + len(replaced)]
    contexts: tuple[Callable[[list[str]], list[str]], ...] = (
        lambda code: [*before, *code, *after],
        lambda code: code,
        lambda code: [*code, _indent_of(code[0]) + " pass"],
    )
    for context in contexts:
        code = context(replaced)
        margin = commonprefix([_indent_of(line) for line in code if line.strip()])  # noqa: RUF071 - by characters
        if _parses(code, margin):
            return _parses(context(lines), margin)
    return True


def _parses(lines: list[str], margin: str) -> bool:
    """Whether the lines are Python once they are moved to the left by the margin."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse("\n".join(line.removeprefix(margin) for line in lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
