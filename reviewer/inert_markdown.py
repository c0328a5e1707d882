"""A small Markdown, read from untrusted text and written anew: paragraphs, flat lists, emphasis, code.

All else is escaped. What GitHub would act on in plain text, such as mentions and addresses, becomes code, since GitHub
looks for it in the rendered text, where an escape no longer shows. Tested against GitHub's own parser.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import takewhile

from reviewer.invisible import drop_hidden

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
EDGES = re.compile(r"""([(\[{<"',;]*)(:[\w+-]+:|.*?)([)\]}>"'.,;:!?]*)""", re.DOTALL)
BLOCK_START = re.compile(r"\A(?P<before>(?:\d{1,9}(?=[.)](?:\s|$)))?)(?P<mark>(?<!\d)[#+=:-]|(?<=\d)[.)])")
BOT = re.compile(
    r"(?<!\w)@(?=(?:[\w-]*bot|bors|homu|mergifyio|renovate|codecov|copilot|claude|gemini\w*|coderabbitai|codex|cursor)\b)",
    re.IGNORECASE,
)
COMMAND = re.compile(r"^(?=\s*(?:/[A-Za-z][\w-]*(?:\s|$)|bors\b))", re.MULTILINE)
SPECIAL = re.compile(r"&(?=[#A-Za-z])|[<>\\`*~\[\]|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\\": "&#92;", "`": "&#96;"}
"""Where a backslash could be misread, beside code or another backslash, or does not help."""


def render_blocks(text: str, host: str) -> str:
    """Inert Markdown of a text without hidden characters. Links may point to `host` only."""
    blocks: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if fence := FENCE.fullmatch(line):
            blocks += ["", _read_fence(fence, lines), ""]
        else:
            blocks.append(render_line(line, host))
    return "\n".join(block for i, block in enumerate(blocks) if block or (i and blocks[i - 1])).strip("\n")


def _read_fence(opening: re.Match[str], lines: Iterator[str]) -> str:
    """The block that a fence opens, which takes its lines from those that follow, to the end if nothing closes it."""
    closing = re.compile(rf"\s*{opening['mark'][0]}{{{len(opening['mark'])},}}\s*")
    indent = re.compile(rf"\s{{0,{len(opening['indent'])}}}")
    code = [indent.sub("", line, count=1) for line in takewhile(lambda line: not closing.fullmatch(line), lines)]
    info = opening["info"].strip().lower()
    return render_fence(tame_code("\n".join(code)), info if info in LANGUAGES else "")


def render_fence(code: str, info: str) -> str:
    """A block of code whose fence is longer than any run of backticks inside."""
    runs = re.findall("`+", code)
    fence = "`" * max([3, *(len(run) + 1 for run in runs)])
    return f"{fence}{info}\n{code}\n{fence}"


def tame_code(code: str) -> str:
    """Code in which no program that reads comments raw finds a marker or a command."""
    return COMMAND.sub("\u00b7 ", BOT.sub("@ ", code.replace("<!--", "<! --")))


def render_line(line: str, host: str, bar: str = "|") -> str:
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
    return drop_hidden(ESCAPED.sub(lambda match: match[1] or html.unescape(match[2]), text))


def _words(text: str, host: str) -> Iterator[tuple[bool, str]]:
    """The pieces of plain text: each word that something would act on becomes code."""
    for word in re.split(r"(\s+)", _literal(text)):
        if not ACTIVE.search(word):
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
