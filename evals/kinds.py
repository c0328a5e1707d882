"""What a pull request is for, by rule: its title's words and the files that it touches. Labels are not needed.

The first rule that fits decides:

1. It touches documentation alone: `docs`.
2. The title begins with a type, as `fix(parser): ...` or `wallet, refactor: ...`: that type.
3. The title speaks of documentation, spelling, a changelog or wrong comments: `docs`; of tests: `other`.
4. It speaks of something that was wrong (fix, crash, leak, regression...): `bugfix`.
5. It touches tests and configuration alone: `other`.
6. The first word of the title that tells what is done (add, rename, support...): `feature` or `refactor`.
7. Nothing fits, as when the title is empty or says "Update X": `other`.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from reviewer.domain import PullRequest
from reviewer.file_classes import file_class

Kind = Literal["bugfix", "feature", "refactor", "docs", "other"]
KINDS: Final[tuple[Kind, ...]] = ("bugfix", "feature", "refactor", "docs", "other")


def _by_word(lists: dict[Kind, str]) -> dict[str, Kind]:
    return {word: kind for kind, words in lists.items() for word in words.split()}


_TYPES: Final = _by_word(
    {
        "bugfix": "fix fixes bugfix hotfix bug security",
        "feature": "feat feature perf",
        "refactor": "refactor refactoring cleanup style scripted-diff move-only",
        "docs": "doc docs documentation",
        "other": "build chore ci test tests qa bench release deps",
    }
)
"""What stands before a title's colon, beside the names of parts."""
_ABOUT_DOCS = re.compile(
    r"\b(?:docs?|documentation|docstrings?|readme|changelog|typos?|spelling|grammar|(?:release|upgrade) notes?"
    r"|(?:code|outdated|wrong|stale|incorrect) comments?)\b",
    re.IGNORECASE,
)
_ABOUT_TESTS = re.compile(
    r"\b(?:tests|(?:unit|regression|functional|fuzz) test|test (?:case|coverage)s?)\b", re.IGNORECASE
)
_ABOUT_BUGS = re.compile(
    r"\b(?:bug-?fix|fix(?:e[sd]|ing|up|ups)?|bugs?|hotfix|crash(?:e[sd]|ing)?|segfaults?|null(?:ptr| pointer)"
    r"|deadlocks?|leak(?:s|ed|ing)?|overflows?|underflows?|race conditions?|data races?|regressions?|broken"
    r"|wrong(?:ly)?|incorrect(?:ly)?|correct(?:s|ed|ly)?|prevents?|avoids?|work ?arounds?|fail(?:s|ed|ing)? to|hangs?"
    r"|vulnerabilit(?:y|ies)|silence)\b",
    re.IGNORECASE,
)
_DOES: Final = _by_word(
    {
        "feature": "add adds added adding allow allows enable enables expose exposes export implement implements "
        "implementation introduce introduces support supports new provide provides show shows display displays let "
        "optimize optimise improve improves speed option",
        "refactor": "refactor refactors refactoring rename renames move moves extract extracts simplify simplifies "
        "clean cleanup cleanups tidy reorganize reorganise restructure rework split splits merge deduplicate dedupe "
        "unify inline modernize modernise convert replace replaces remove removes drop drops delete deletes use "
        "migrate switch port",
    }
)
_PREFIX = re.compile(r"\s*(?:\[[^\]]{1,30}\]\s*)*([^:\[\]]{1,50}?)!?\s*:(?!:)\s*(?=\S)")
_BRACKETS = re.compile(r"\[([^\]]{1,30})\]")
_WORD = re.compile(r"[a-z][a-z-]*")


def kind_of(pull_request: PullRequest) -> Kind:
    """What the pull request is for, by the rules above."""
    classes = {file_class(file.path) for file in pull_request.files}
    return "docs" if classes == {"docs"} else _kind_of_title(pull_request.title, has_product="product" in classes)


def _kind_of_title(title: str, *, has_product: bool) -> Kind:
    if named := _named_type(title):
        return named
    if _ABOUT_DOCS.search(title):
        return "docs"
    if _ABOUT_TESTS.search(title):
        return "other"
    if _ABOUT_BUGS.search(title):
        return "bugfix"
    if not has_product:
        return "other"
    return next((_DOES[word] for word in _words(_PREFIX.sub("", title, count=1)) if word in _DOES), "other")


def _named_type(title: str) -> Kind | None:
    """The type that stands before the colon or in brackets, the first of them."""
    found = _PREFIX.match(title)
    places = [*_BRACKETS.findall(title), *([found[1]] if found else [])]
    return next((_TYPES[word] for place in places for word in _words(place) if word in _TYPES), None)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
