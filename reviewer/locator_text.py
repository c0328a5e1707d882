"""The words of a change, as the locator reads them: the same way in every language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from reviewer.domain import Hunk, PullRequest

Row = list[float]
"""The features of a hunk or a line."""

_LINE_CHARACTERS: Final = 400
"""Of one line so much is read: more is data."""
_BODY_CHARACTERS: Final = 4_000
_SHORTEST: Final = 3
"""Shorter lines, such as a bracket, and shorter parts of words say nothing."""
_TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|[^\w\s]{1,3}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PREPROCESSOR = "include|define|if|ifdef|ifndef|endif|else|elif|pragma|undef"
COMMENT: Final = re.compile(rf"#(?!\s*(?:{_PREPROCESSOR})\b)|//|/\*|\*|--|<!--|%|\"\"\"|'''")
IMPORT: Final = re.compile(r"#\s*include\b|import\b|from\s+\S+\s+import\b|use\s|using\s|package\s|require|export \*|$")
"""Also an empty line, which stands among them."""
_KINDS = {
    "control": "if else for while switch case match elif unless until when do loop foreach default goto break continue",
    "definition": "def fn func function class struct interface enum trait impl template typedef typename namespace"
    " module void lambda",
    "log": "print println printf log logger LogPrintf console debug warn warning info fprintf qDebug qWarning",
    "logic": "&& || ! and or not",
    "null": "null None nullptr NULL nil undefined Optional Option",
    "todo": "TODO FIXME XXX HACK",
    "type": "int char bool size_t string str float double long unsigned uint32_t uint64_t uint8_t int64_t int32_t"
    " String boolean number any",
}
KINDS: Final = {kind: frozenset(words.split()) for kind, words in _KINDS.items()}
"""Tokens that stand for something in most languages."""


@dataclass(frozen=True, slots=True)
class HunkText:
    """The tokens of one hunk."""

    added: Counter[str]
    removed: Counter[str]
    new: frozenset[str]
    """Words of added lines that stand on no other line of the hunk."""


@dataclass(frozen=True, slots=True)
class ChangeText:
    """What the whole change says: how often it adds and removes each line, and the words of its title and body."""

    added: Counter[str]
    removed: Counter[str]
    title: frozenset[str]
    body: frozenset[str]


def read_change_text(pull_request: PullRequest, hunks: Sequence[Hunk]) -> ChangeText:
    """Count the lines of these hunks, without their indentation."""
    return ChangeText(
        _count_lines(hunks, "+"),
        _count_lines(hunks, "-"),
        split_text(pull_request.title),
        split_text(pull_request.body[:_BODY_CHARACTERS]),
    )


def _count_lines(hunks: Sequence[Hunk], kind: str) -> Counter[str]:
    texts = (line.text.strip() for hunk in hunks for line in hunk.lines if line.kind == kind)
    return Counter(text for text in texts if len(text) > _SHORTEST)


def read_hunk_text(hunk: Hunk) -> HunkText:
    """Read all lines of a hunk at once: no token goes beyond its line."""
    sides: dict[str, list[str]] = {"+": [], "-": [], " ": []}
    for line in hunk.lines:
        sides[line.kind].append(line.text[:_LINE_CHARACTERS])
    added, removed, kept = (_TOKEN.findall("\n".join(sides[kind])) for kind in "+- ")
    new = frozenset(filter(str.isidentifier, added)).difference(removed, kept)
    return HunkText(Counter(added), Counter(removed), new)


def list_tokens(text: str) -> list[str]:
    """The tokens of a line."""
    return _TOKEN.findall(text[:_LINE_CHARACTERS])


@lru_cache(maxsize=1 << 16)
def split_word(token: str) -> frozenset[str]:
    """`maxRetryCount` → max, retry, count."""
    return frozenset(part.lower() for part in _PART.findall(token) if len(part) >= _SHORTEST)


def split_text(text: str) -> frozenset[str]:
    """The parts of all words of a text."""
    return join_parts(_TOKEN.findall(text))


def join_parts(tokens: Iterable[str]) -> frozenset[str]:
    """The parts of all these words."""
    return frozenset().union(*map(split_word, tokens))
