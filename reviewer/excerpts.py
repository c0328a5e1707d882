"""A guideline or lint configuration in pieces, each scored by how much it has to say about a change."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from reviewer.domain import PullRequest
from reviewer.file_classes import language_of
from reviewer.tokens import cut_text, estimate_tokens

PIECE_TOKENS = 160
LEAST_SCORE = 1.5
"""Of a piece of prose: under it, too little of it is about the change or about reviewing."""
_LINES_READ = 3_000
_WORDS_KEPT = 300
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_STOP_WORDS = """
    this that with from have will when then else elif none null true false self return const function import export
    class static public private void string value name type data item list file files path line lines code index
    default args kwargs param params your into should must there which were what each only also
"""
_STOPPED = frozenset(_STOP_WORDS.split())
_REVIEW_WORDS = re.compile(
    r"\b(?:tests?|testing|coverage|styles?|null|errors?|exceptions?|securit\w+|nam(?:e|es|ing)|types?|annotations?|must|"
    r"never|always|avoid|prefer|don.t|do not|review\w*|assert\w*|locks?|thread\w*|memory|leaks?|performance|logg?ing|"
    r"compatib\w+|deprecat\w+|breaking|immutab\w+|validat\w+|overflow|unsafe|const\w*)\b",
    re.IGNORECASE,
)
_OFF_TOPIC = re.compile(
    r"install|set ?up|setting up|getting (?:started|help)|quick ?start|prerequisite|requirements|licen[cs]|copyright|"
    r"conduct|support|contact|communit|chat|slack|discord|question|sponsor|donat|fund|fork|clone|"
    r"report\w* (?:a )?(?:bug|issue|vulnerab)|bug report|feature request|"
    r"(?:new|open\w*|submit\w*|creat\w*) (?:an? )?issue|"
    r"pull request process|sign.?off|\bcla\b|\bdco\b|certificate of origin|table of contents|changelog|releas|"
    r"translat|first.time|where to|how to (?:build|run)|^(?:re)?building|^running|commands$|debugging|"
    r"maintainers?$|governance|roadmap|thank|credit",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{1,6}\s+(?P<title>.*?)\s*#*")
_UNDERLINE = re.compile(r"(=|-|~|\^|\*){3,}\s*")
_FENCE = re.compile(r"\s*(?:```|~~~)\s*(\w*)")
_SHELL = frozenset({"sh", "bash", "shell", "console", "zsh", "powershell", "bat", "cmd", "shellsession"})
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_NOISE = re.compile(r"\s*(?:\$ .*|(?:[-*+]\s+)?!?\[[^\]]*\]\([^)]*\)|\[!\[.*)\s*")
"""A shell command, a line that is only a link, a badge."""
_PARAGRAPH_START = re.compile(r"\s{0,3}(?:[-*+]|\d+[.)])\s")
_BLOCK_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/|<!--.*?-->)[ \t]*$", re.DOTALL | re.MULTILINE)
_LINE_COMMENT = re.compile(r"\s*(?:[#;]|//|\* ).*")
_END_COMMENT = re.compile(r"\s+#\s[^\"']*$")
_LINT_SECTION = re.compile(r"(?:tool\.)?(?:ruff|black|isort|flake8|mypy|pylint|pyright|pydocstyle|pycodestyle|pep8)\b")
_TABLE_HEAD = re.compile(r"\[+\s*([^\]]+?)\s*\]+\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file: where it stood, the heading that it stood under, its text and its score."""

    order: int
    heading: str
    text: str
    score: float


def change_words(pull_request: PullRequest) -> frozenset[str]:
    """The words that a change is about: of its paths, its languages and its changed lines, the most frequent first."""
    words = Counter[str]()
    for file in pull_request.files[:_LINES_READ]:
        words.update(dict.fromkeys(_words(file.path), 3))
        words.update([language_of(file.path)])
    lines = (line.text for file in pull_request.files for hunk in file.hunks for line in hunk.lines if line.kind != " ")
    for text in islice(lines, _LINES_READ):
        words.update(_words(text[:400]))
    return frozenset(word for word, _ in words.most_common(_WORDS_KEPT))


def _words(text: str) -> set[str]:
    return {word.lower().removesuffix("s") for word in _WORD.findall(text)} - _STOPPED


def score_text(text: str, words: frozenset[str]) -> float:
    """How much a piece speaks about a change and about reviewing at all, for its length; 0 for not at all."""
    shared = min(len(_words(text) & words), 10)
    general = min(len({match.lower() for match in _REVIEW_WORDS.findall(text)}), 8)
    return (shared + 2 * general) / math.sqrt(1 + estimate_tokens(text) / 80)


def split_guide(text: str, words: frozenset[str]) -> list[Piece]:
    """The pieces of a Markdown, reStructuredText or plain text, without sections that do not help a review."""
    pieces: list[Piece] = []
    for heading, body in _sections(_HTML_COMMENT.sub("", text)):
        if _OFF_TOPIC.search(heading):
            continue
        for part in _parts(body):
            if (score := score_text(f"{heading}\n{part}", words)) >= LEAST_SCORE:
                pieces.append(Piece(len(pieces), heading, part, score))
    return pieces


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Headings with the lines below them, without shell examples. Text before the first heading has none."""
    heading, body, fenced, kept = "", list[str](), False, True
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    for number, line in enumerate(lines):
        if fence := _FENCE.match(line):
            fenced = not fenced
            kept = fence[1].lower() not in _SHELL if fenced else True
            continue
        below = lines[number + 1] if number + 1 < len(lines) else ""
        title = "" if fenced else _title(line, below)
        if title:
            yield heading, body
            heading, body = title, []
        elif kept and not _NOISE.fullmatch(line) and (fenced or not _UNDERLINE.fullmatch(line)):
            body.append(line)
    yield heading, body


def _title(line: str, below: str) -> str:
    if match := _HEADING.fullmatch(line):
        return match["title"]
    return line.strip() if line.strip() and _UNDERLINE.fullmatch(below) and len(below) >= len(line) - 2 else ""


def _parts(body: Iterable[str]) -> Iterator[str]:
    """Paragraphs and list items, joined up to a piece's size; a larger one is cut."""
    part: list[str] = []
    for block in _blocks(body):
        if part and estimate_tokens("\n".join([*part, block])) > PIECE_TOKENS:
            yield "\n".join(part)
            part = []
        part.append(cut_text(block, PIECE_TOKENS) or block[: 2 * PIECE_TOKENS])
    if part:
        yield "\n".join(part)


def _blocks(body: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    for line in body:
        if block and (not line.strip() or _PARAGRAPH_START.match(line)):
            yield "\n".join(block)
            block = []
        if line.strip():
            block.append(line)
    if block:
        yield "\n".join(block)


def split_configuration(path: str, text: str, words: frozenset[str]) -> list[Piece]:
    """The pieces of a lint configuration without its comments; of a shared file only the linters' own tables."""
    lines = [line.rstrip() for line in _BLOCK_COMMENT.sub("", text).split("\n")]
    lines = [_END_COMMENT.sub("", line) for line in lines if line and not _LINE_COMMENT.fullmatch(line)]
    if path.endswith(("pyproject.toml", "setup.cfg", "tox.ini")):
        lines = list(_lint_tables(lines))
    return [Piece(i, "", part, 3.0 / (i + 1) + score_text(part, words) / 4) for i, part in enumerate(_runs(lines))]


def _lint_tables(lines: Iterable[str]) -> Iterator[str]:
    wanted = False
    for line in lines:
        if match := _TABLE_HEAD.fullmatch(line):
            wanted = bool(_LINT_SECTION.match(match[1]))
        if wanted:
            yield line


def _runs(lines: Iterable[str]) -> Iterator[str]:
    run: list[str] = []
    left = PIECE_TOKENS
    for line in lines:
        cost = estimate_tokens(line) + 1
        if run and cost > left:
            yield "\n".join(run)
            run, left = [], PIECE_TOKENS
        run.append(line[: 2 * PIECE_TOKENS])
        left -= cost
    if run:
        yield "\n".join(run)
