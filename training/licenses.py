"""Which licences of a repository let its code be learned from: permissive ones, by SPDX identifier."""

from __future__ import annotations

import re
from typing import Literal

LicenseRule = Literal["permissive", "any"]

PERMISSIVE = frozenset(
    {
        "0BSD",
        "AFL-3.0",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "Artistic-2.0",
        "BlueOak-1.0.0",
        "BSD-1-Clause",
        "BSD-2-Clause",
        "BSD-2-Clause-Patent",
        "BSD-3-Clause",
        "BSD-3-Clause-Clear",
        "BSL-1.0",
        "CC0-1.0",
        "curl",
        "ECL-2.0",
        "HPND",
        "ISC",
        "MIT",
        "MIT-0",
        "MulanPSL-2.0",
        "NCSA",
        "PostgreSQL",
        "PSF-2.0",
        "Python-2.0",
        "Unicode-3.0",
        "Unlicense",
        "UPL-1.0",
        "W3C",
        "X11",
        "Zlib",
    }
)
"""Licences that ask for no more than a notice, and exceptions to them, which only allow more.

What asks for the same licence back (GPL, MPL, EPL) is not here.
"""
MAX_SHOWN = 60
"""Characters of a licence's name in a message: a dump may hold any text there."""
_SPELLING = frozenset(name.lower() for name in PERMISSIVE)
_WORD = re.compile(r"[()]|[^\s()]+")
_NAME = re.compile(r"[a-z0-9.:+-]+")
_OPERATORS = frozenset({"or", "and", "with"})


def is_permissive(spdx: str) -> bool:
    """Whether an SPDX expression, in any case, is permissive: `A OR B` when one is, `A AND B` when both are.

    `WITH` binds closer than `AND`, that closer than `OR`. What is no expression is not permissive.
    """
    words = _WORD.findall(spdx.lower())[::-1]
    try:
        return _parse_or(words) and not words
    except (IndexError, ValueError, RecursionError):
        return False


def _parse_or(words: list[str]) -> bool:
    """Take an expression from the end of the words, which are in reverse."""
    found = _parse_and(words)
    while words[-1:] == ["or"]:
        words.pop()
        found |= _parse_and(words)
    return found


def _parse_and(words: list[str]) -> bool:
    found = _parse_one(words)
    while words[-1:] == ["and"]:
        words.pop()
        found &= _parse_one(words)
    return found


def _parse_one(words: list[str]) -> bool:
    if words[-1] == "(":
        words.pop()
        found = _parse_or(words)
        if words.pop() != ")":
            raise ValueError
        return found
    name = _pop_name(words)
    if words[-1:] == ["with"]:
        words.pop()
        name = f"{name} with {_pop_name(words)}"
    return name in _SPELLING


def _pop_name(words: list[str]) -> str:
    name = words.pop()
    if name in _OPERATORS or not _NAME.fullmatch(name):
        raise ValueError
    return name


def refuse_license(spdx: str, rule: LicenseRule) -> str:
    """Why a repository is left out, or nothing. `NOASSERTION` is what GitHub says of a text that it does not know."""
    if rule == "any" or is_permissive(spdx):
        return ""
    if spdx in {"", "NONE"}:
        return "no licence"
    shown = "".join(character if character.isprintable() else "?" for character in spdx[:MAX_SHOWN])
    return "an unknown licence" if spdx == "NOASSERTION" else f"the licence {shown}"
