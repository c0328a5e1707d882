"""Untrusted text to text that can do nothing: Markdown for GitHub, plain lines for terminals, blocks of code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from reviewer.inert_markdown import BOT, render_blocks, render_fence, render_line, tame_code
from reviewer.invisible import drop_hidden, find_hidden

MAX_LINES = 80
MAX_EMOJI = 20
MAX_MARKS = 4
"""Combining marks on one letter: enough for any language, too few to cover other lines."""

BLOCK = re.compile(r"^\s*(?P<mark>`{3,}|~{3,})[^`\n]*\n.*?(?:^\s*(?P=mark)\s*$|\Z)", re.DOTALL | re.MULTILINE)
SURROGATE = re.compile("[\ud800-\udfff]")
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~])")


def make_inert(text: str, host: str = "github.com", limit: int = 4000) -> str:
    """Turn untrusted text into Markdown blocks that can do nothing on GitHub.

    Args:
        text: What a model wrote, taken as Markdown.
        host: The only host that a link may point to, and then only to files and folders: they notify nobody.
        limit: Characters of the result. What is longer ends in an ellipsis.

    Returns:
        Paragraphs, flat lists, emphasis, code spans and fenced code. No other construct is live.
    """
    return _fit(_clean(text, limit), limit, lambda part: render_blocks(part, host))


def make_inert_line(text: str, host: str = "github.com", limit: int = 400) -> str:
    """The same on one line, for lists and table cells: code blocks are left out, a `|` in code is a broken bar."""
    line = " ".join(BLOCK.sub("\u2026", _clean(text, limit)).split())
    return _fit(line, limit, lambda part: render_line(part, host, bar="\u00a6"))


def inert_line(text: str, limit: int = 400) -> str:
    """Plain text on one line, for terminals and logs: no escape sequences, markers, commands to runners or bots.

    Not for Markdown, except inside a code span whose backticks the caller takes care of.
    """
    line = " ".join(_clean(ANSI.sub("", text[: 10 * limit]), limit).split())
    line = BOT.sub("@ ", line.replace("##[", "# #[").replace("<!--", "<! --"))
    line = f": :{line[2:]}" if line.startswith("::") else line
    return line if len(line) <= limit else line[: max(0, limit - 1)].rstrip() + "\u2026"


def inert_code(text: str, info: str = "") -> str | None:
    """A fenced block that shows a text exactly as it is, or None when it may not be shown so.

    Args:
        text: The code, without fences.
        info: What stands after the fence, such as `suggestion`. Trusted.

    Returns:
        The block, or None for control, bidirectional and other hidden characters, HTML comments and commands to bots.
    """
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    code = "\n".join(lines)
    is_strange = "\r" in code or "\f" in code or SURROGATE.search(code) or any(find_hidden(line) for line in lines)
    return None if is_strange or tame_code(code) != code else render_fence(code, info)


def _fit(text: str, limit: int, render: Callable[[str], str]) -> str:
    """Render as much of a text as fits."""
    kept = min(len(text), limit)
    while kept > 0:
        result = render(text if kept == len(text) else text[:kept].rstrip() + "\u2026")
        if len(result) <= limit:
            return result
        kept = kept * limit // (len(result) + 1)
    return ""


def _clean(text: str, limit: int) -> str:
    """Without hidden characters and floods, each line ended by a line feed."""
    rough = text[: 10 * limit].replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    lines = rough.split("\n", MAX_LINES)
    is_cut = len(text) > 10 * limit or len(lines) > MAX_LINES
    kept = drop_hidden("\n".join(lines[:MAX_LINES]))
    if not kept.isascii():
        kept = "".join(_drop_floods(kept))
    return kept + "\u2026" * is_cut


def _drop_floods(chars: Iterable[str]) -> Iterator[str]:
    emoji = marks = 0
    for char in chars:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        emoji += category == "So"
        if marks <= MAX_MARKS and (category != "So" or emoji <= MAX_EMOJI):
            yield char
