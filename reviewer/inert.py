"""Untrusted text to text that can do nothing: Markdown for GitHub, plain lines for terminals, blocks of code.

The text is read as a small Markdown (paragraphs, flat lists, emphasis, code) and written anew. All else is escaped.
What GitHub would act on in plain text, such as mentions and addresses, becomes code, since GitHub looks for it in the
rendered text, where an escape no longer shows.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import takewhile

from reviewer.invisible import find_hidden, is_hidden

MAX_LINES = 80
MAX_EMOJI = 20
MAX_MARKS = 4
"""Combining marks on one letter: enough for any language, too few to cover other lines."""

LANGUAGES = frozenset(
    [
        *("bash", "c", "console", "cpp", "cs", "csharp", "css", "dart", "diff", "dockerfile", "elixir", "erlang", "go"),
        *("graphql", "haskell", "hcl", "html", "ini", "java", "javascript", "js", "json", "jsx", "kotlin", "lua"),
        *("makefile", "nix", "objc", "ocaml", "perl", "php", "powershell", "proto", "py", "python", "r", "rb", "ruby"),
        *("rs", "rust", "scala", "scss", "sh", "shell", "sql", "swift", "text", "toml", "ts", "tsx", "typescript"),
        *("vue", "xml", "yaml", "yml", "zig", "zsh"),
    ]
)
"""What may stand after a fence: words that only choose colours. Not `suggestion` or `mermaid`, which do more."""

FENCE = re.compile(r"(?P<indent>\s*)(?:(?:[-*+]|\d{1,9}[.)])\s+)?(?P<mark>`{3,}|~{3,})\s*(?P<info>[^`]*)")
BLOCK = re.compile(r"^\s*(?P<mark>`{3,}|~{3,})[^`\n]*\n.*?(?:^\s*(?P=mark)\s*$|\Z)", re.DOTALL | re.MULTILINE)
ITEM = re.compile(r"\s*(?:[-*+]|(?P<number>\d{1,9})[.)])\s+(?=\S)")
HEADING = re.compile(r"\A(?:#{1,6}\s+)+")
INLINE = re.compile(
    r"""
    (?<![`\\])(?P<run>`+)(?!`)(?P<code>.+?)(?<!`)(?P=run)(?!`)
    |(?<![^\s(])!?\[(?P<label>[^\[\]]*)\]\(\s*<?(?P<target>[^\s()<>]+(?:\([^\s()<>]*\))?)>?(?:\s+["'(][^"')]*["')])?\s*\)
    |(?<![^\s("'])(?P<mark>\*\*|\*)(?=[^\s*])(?P<star>[^*]+)(?<=[^\s*\\])(?P=mark)(?![^\s)"'.,;:!?])
    |(?<![^\s("'])_(?=[^\s_])(?P<low>[^_]+)(?<=[^\s_\\])_(?![^\s)"'.,;:!?])
    """,
    re.VERBOSE,
)
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|(&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)")
ACTIVE = re.compile(
    r"""
    @.|.@                               # mentions of people and teams, commits, email addresses
    |\#\d|\bGH-\d                       # issues and pull requests
    |://|\bwww\.|\b(?:mailto|xmpp):     # addresses
    |(?<!\w)[0-9a-f]{7,40}(?!\w)        # commits
    |\$                                 # mathematics
    |:[\w+-]+:                          # emoji by name
    |^/[a-z]|^bors\b                    # commands to bots
    |__\w+__                            # names that would turn bold
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What GitHub or a bot acts on, in a word of plain text."""
MARKUP = re.compile(r"[*_~\\]")
EDGES = re.compile(r"""([(\[{<"',;]*)(:[\w+-]+:|.*?)([)\]}>"'.,;:!?]*)""", re.DOTALL)
BLOCK_START = re.compile(r"\A(?P<before>(?:\d{1,9}(?=[.)](?:\s|$)))?)(?P<mark>(?<!\d)[#+=:-]|(?<=\d)[.)])")
BOT = re.compile(
    r"(?<!\S)@(?=(?:[\w-]*bot|bors|homu|mergifyio|renovate|codecov|copilot|claude|gemini\w*|coderabbitai|codex|cursor)\b)",
    re.IGNORECASE,
)
COMMAND = re.compile(r"^(?=\s*(?:/[A-Za-z][\w-]*(?:\s|$)|bors\b))", re.MULTILINE)
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~])")
SPECIAL = re.compile(r"&(?=[#A-Za-z])|[<>\\`*~\[\]|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\\": "&#92;", "`": "&#96;"}
"""Where a backslash could be misread, beside code or another backslash, or does not help."""


def make_inert(text: str, host: str = "github.com", limit: int = 4000) -> str:
    """Turn untrusted text into Markdown blocks that can do nothing on GitHub.

    Args:
        text: What a model wrote, taken as Markdown.
        host: The only host that a link may point to, and then only to files and folders: they notify nobody.
        limit: Characters of the result. What is longer ends in an ellipsis.

    Returns:
        Paragraphs, flat lists, emphasis, code spans and fenced code. No other construct is live.
    """
    return _fit(_clean(text, limit), limit, lambda part: _render_blocks(part, host))


def make_inert_line(text: str, host: str = "github.com", limit: int = 400) -> str:
    """The same on one line, for lists and table cells: code blocks are left out, a `|` in code is a broken bar."""
    line = " ".join(BLOCK.sub("\u2026", _clean(text, limit)).split())
    return _fit(line, limit, lambda part: _render_line(part, host, bar="\u00a6"))


def inert_line(text: str, limit: int = 400) -> str:
    """Plain text on one line, for terminals and logs: no escape sequences, no workflow commands. Not for Markdown."""
    line = " ".join(_clean(ANSI.sub("", text[: 10 * limit]), limit).split())
    line = line.replace("##[", "# #[")
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
    if "\r" in code or any(find_hidden(line) for line in lines) or _tame(code) != code:
        return None
    return _fence(code, info)


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
    kept = "".join(_drop_floods(char for char in "\n".join(lines[:MAX_LINES]) if not is_hidden(char)))
    return kept + "\u2026" * is_cut


def _drop_floods(chars: Iterator[str]) -> Iterator[str]:
    emoji = marks = 0
    for char in chars:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        emoji += category == "So"
        if marks <= MAX_MARKS and (category != "So" or emoji <= MAX_EMOJI):
            yield char


def _render_blocks(text: str, host: str) -> str:
    blocks: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if fence := FENCE.fullmatch(line):
            blocks += ["", _read_fence(fence, lines), ""]
        else:
            blocks.append(_render_line(line, host))
    return "\n".join(block for i, block in enumerate(blocks) if block or (i and blocks[i - 1])).strip("\n")


def _read_fence(opening: re.Match[str], lines: Iterator[str]) -> str:
    """The block that a fence opens, which takes its lines from those that follow, to the end if nothing closes it."""
    closing = re.compile(rf"\s*{opening['mark'][0]}{{{len(opening['mark'])},}}\s*")
    indent = re.compile(rf"\s{{0,{len(opening['indent'])}}}")
    code = [indent.sub("", line, count=1) for line in takewhile(lambda line: not closing.fullmatch(line), lines)]
    info = opening["info"].strip().lower()
    return _fence(_tame("\n".join(code)), info if info in LANGUAGES else "")


def _fence(code: str, info: str) -> str:
    runs = re.findall("`+", code)
    fence = "`" * max([3, *(len(run) + 1 for run in runs)])
    return f"{fence}{info}\n{code}\n{fence}"


def _tame(code: str) -> str:
    """Code in which no program that reads comments raw finds a marker or a command."""
    return COMMAND.sub("\u00b7 ", BOT.sub("@ ", code.replace("<!--", "<! --")))


def _render_line(line: str, host: str, bar: str = "|") -> str:
    """One line outside of fenced code: a list item or a piece of a paragraph."""
    item = ITEM.match(line)
    text = " ".join(line[item.end() if item else 0 :].split())
    body = _join(_inline(HEADING.sub("", text, 1), host), bar)
    body = BLOCK_START.sub(r"\g<before>\\\g<mark>", body, 1)
    marker = "" if not (item and body) else f"{item['number']}. " if item["number"] else "- "
    return marker + body


def _join(pieces: Iterator[tuple[bool, str]], bar: str) -> str:
    """Pieces of code and of finished Markdown as one text. Code next to code is one span: two would not be."""
    result, code = "", ""
    for is_code, text in [*pieces, (False, "")]:
        if is_code:
            code += text
        elif text:
            result += _code_span(code, bar) + text
            code = ""
    return result + _code_span(code, bar)


def _code_span(code: str, bar: str) -> str:
    code = " ".join(code.replace("<!--", "<! --").split()).replace("|", bar)
    code = BOT.sub("@ ", code) if " " in code else code
    if not code:
        return ""
    run = "`" * (max((len(run) for run in re.findall("`+", code)), default=0) + 1)
    pad = " " if code[0] == "`" or code[-1] == "`" else ""
    return f"{run}{pad}{code}{pad}{run}"


def _inline(text: str, host: str) -> Iterator[tuple[bool, str]]:
    """The pieces of a line: whether each is code, and its text."""
    at = 0
    for match in INLINE.finditer(text):
        yield from _words(text[at : match.start()], host)
        at = match.end()
        if match["code"] is not None:
            yield True, match["code"]
        elif match["target"] is not None:
            yield from _link(match["label"], match["target"], host)
        else:
            mark = match["mark"] or "_"
            yield False, mark
            yield from _inline(match[0][len(mark) : -len(mark)], host)
            yield False, mark
    yield from _words(text[at:], host)


def _link(label: str, target: str, host: str) -> Iterator[tuple[bool, str]]:
    """A link or an image, as its label and its address. The address always parts the label from what follows."""
    address = (False, f"<{target}>") if _is_plain_link(target, host) else (True, _literal(target))
    if label.strip() in {"", target}:
        yield address
    else:
        yield from _inline(label, host)
        yield from [(False, " ("), address, (False, ")")]


def _is_plain_link(address: str, host: str) -> bool:
    """Whether an address is that of a file or a folder on the host, without anything that acts or redirects."""
    match = re.fullmatch(r"https://([^/]+)/([\w.-]+/[\w.-]+/(?:blob|tree)/[\w./-]+)(?:#[\w-]+)?", address, re.ASCII)
    return match is not None and match[1] == host and not {"", ".", ".."} & set(match[2].removesuffix("/").split("/"))


def _literal(text: str) -> str:
    """What a text reads once its escapes and entities are resolved."""
    found = ESCAPED.sub(lambda match: match[1] or html.unescape(match[2]), text)
    return "".join(char for char in found if not is_hidden(char))


def _words(text: str, host: str) -> Iterator[tuple[bool, str]]:
    """The pieces of plain text: each word that something would act on becomes code."""
    for word in re.split(r"(\s+)", _literal(text)):
        if not (ACTIVE.search(word) or ACTIVE.search(MARKUP.sub("", word))):
            yield False, " " if word.isspace() else _escape(word)
            continue
        match = EDGES.fullmatch(word)
        before, core, after = match.groups() if match and match[2] else ("", word, "")
        if _is_plain_link(core, host):
            before, core, after = before.removesuffix("<"), f"<{core}>", after.removeprefix(">")
            yield False, _escape(before) + core + _escape(after)
            continue
        yield False, _escape(before)
        yield True, core
        yield False, _escape(after)


def _escape(word: str) -> str:
    return SPECIAL.sub(lambda match: ENTITIES.get(match[0], f"\\{match[0]}"), word)
