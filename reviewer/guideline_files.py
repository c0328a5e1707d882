"""Which files of a repository say how code is to be written and reviewed there. Pure tables and path rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from reviewer.file_classes import language_of

GuidelineKind = Literal[
    "review guide", "instructions", "style guide", "contributor guide", "lint configuration", "template"
]

_PER_KIND = 3
"""More files of one kind are not read: they are further away from the change."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may guide the review. `distance` counts the folders between it and the nearest changed file."""

    path: str
    kind: GuidelineKind
    distance: int


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: GuidelineKind
    pattern: re.Pattern[str]
    languages: frozenset[str] = frozenset()
    """Only for changes in one of these; empty for all."""


def _rule(kind: GuidelineKind, pattern: str, languages: str = "") -> _Rule:
    return _Rule(kind, re.compile(pattern, re.IGNORECASE), frozenset(languages.split()))


_TEXT = r"(?:\.(?:md|mdx|rst|txt|adoc|markdown))?"
_WEB = "javascript typescript css"
_RULES = (
    _rule("review guide", rf"(?:code[_-]?)?review(?:ing|[_-]?guide(?:lines)?|[_-]?checklist)?{_TEXT}"),
    _rule("instructions", r"(?:agents|claude|gemini|copilot-instructions)\.md|\.cursorrules|.+\.instructions\.md"),
    _rule("style guide", rf"(?:(?:code?|coding)[_-]?)?(?:style|conventions|standards)(?:[_-]?guide(?:lines)?)?{_TEXT}"),
    _rule("style guide", rf"(?:developer|coding)[_-]?(?:notes|guide(?:lines)?){_TEXT}"),
    _rule("contributor guide", rf"contributing{_TEXT}|hacking{_TEXT}"),
    _rule("lint configuration", r"\.eslintrc(?:\.\w+)?|eslint\.config\.\w+|biome\.jsonc?|\.oxlintrc\.json", _WEB),
    _rule("lint configuration", r"\.prettierrc(?:\.\w+)?|prettier\.config\.\w+|tslint\.json", _WEB),
    _rule("lint configuration", r"tsconfig(?:\.base)?\.json", "typescript"),
    _rule("lint configuration", r"\.?stylelint(?:rc)?(?:\.config)?(?:\.\w+)?", "css"),
    _rule(
        "lint configuration",
        r"\.?ruff\.toml|\.flake8|\.?pylintrc|mypy\.ini|pyproject\.toml|setup\.cfg|tox\.ini",
        "python",
    ),
    _rule(
        "lint configuration", r"checkstyle.*\.xml|(?:spotbugs|findbugs).*\.xml|pmd.*\.xml|.*ruleset\.xml", "java kotlin"
    ),
    _rule("lint configuration", r"detekt.*\.ya?ml", "kotlin"),
    _rule("lint configuration", r"\.rubocop\.ya?ml", "ruby"),
    _rule("lint configuration", r"\.golangci\.(?:ya?ml|toml|json)", "go"),
    _rule("lint configuration", r"\.?clippy\.toml|\.?rustfmt\.toml", "rust"),
    _rule("lint configuration", r"\.clang-(?:format|tidy)", "c cpp"),
    _rule("lint configuration", r"\.swiftlint\.ya?ml", "swift"),
    _rule("lint configuration", r"phpcs\.xml(?:\.dist)?|phpstan\.neon(?:\.dist)?|\.php-cs-fixer.*\.php", "php"),
    _rule("lint configuration", r"\.scalafmt\.conf|scalastyle.*\.xml", "scala"),
    _rule("lint configuration", r"\.markdownlint.*", "markdown"),
    _rule("lint configuration", r"\.yamllint(?:\.ya?ml)?", "yaml"),
    _rule("lint configuration", r"\.editorconfig"),
    _rule("template", rf"pull_request_template{_TEXT}"),
)
_KINDS: tuple[GuidelineKind, ...] = tuple(dict.fromkeys(rule.kind for rule in _RULES))
_CONFIG_FOLDERS = ("config", "config/checkstyle", "config/detekt", "config/pmd", "config/spotbugs")
_COMMON_FOLDERS = (
    "",
    ".github",
    ".github/instructions",
    ".github/PULL_REQUEST_TEMPLATE",
    "docs",
    "doc",
    *_CONFIG_FOLDERS,
)


def choose_candidates(
    listing: Iterable[str], changed: Iterable[str], limit: int
) -> tuple[list[Candidate], list[Candidate]]:
    """The files to read, most telling first and at most `limit`, and those that match but are too many.

    A file counts when it stands at the root, in `.github`, `docs`, `config` or in a folder above a changed file, and
    when it speaks of a language of the change. Within a kind the file nearest to a changed file goes first.
    """
    changed = tuple(changed)
    folders = _distances(changed)
    languages = frozenset(language_of(path) for path in changed)
    found = [candidate for path in listing if (candidate := _candidate(path, folders, languages))]
    found.sort(key=lambda candidate: (candidate.distance, candidate.path))
    found.sort(key=lambda candidate: _KINDS.index(candidate.kind))
    chosen: list[Candidate] = []
    for kind in _KINDS:
        most = limit if kind == "lint configuration" else _PER_KIND
        chosen += [candidate for candidate in found if candidate.kind == kind][:most]
    chosen = chosen[:limit]
    return chosen, [candidate for candidate in found if candidate not in chosen]


def _distances(changed: Iterable[str]) -> dict[str, int]:
    """Every folder that counts, and how many folders lie between it and the nearest changed file."""
    distances = dict.fromkeys(_COMMON_FOLDERS, 99)
    for folder in {path.rpartition("/")[0] for path in changed}:
        parts = PurePosixPath(folder).parts
        for depth in range(len(parts) + 1):
            above = "/".join(parts[:depth])
            distances[above] = min(distances.get(above, 99), len(parts) - depth)
    return distances


def _candidate(path: str, folders: dict[str, int], languages: frozenset[str]) -> Candidate | None:
    folder, _, name = path.rpartition("/")
    distance = folders.get(folder)
    if distance is None:
        return None
    if folder == ".github/PULL_REQUEST_TEMPLATE":
        return Candidate(path, "template", distance)
    for rule in _RULES:
        if rule.pattern.fullmatch(name) and (not rule.languages or rule.languages & languages):
            return Candidate(path, rule.kind, distance)
    return None
