"""What a file is by its name, and whether its diff is worth reading at all. Pure tables and path rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from statistics import median
from typing import Literal

from reviewer.domain import Hunk

FileClass = Literal["product", "test", "config", "docs"]

_LOCK_FILES = """
    bun.lock bun.lockb cargo.lock composer.lock conan.lock flake.lock gemfile.lock go.sum go.work.sum
    gradle.lockfile mix.lock npm-shrinkwrap.json package-lock.json package.resolved packages.lock.json
    pdm.lock pipfile.lock pixi.lock pnpm-lock.yaml podfile.lock poetry.lock pubspec.lock uv.lock yarn.lock
    .terraform.lock.hcl deno.lock
"""
_VENDORED = re.compile(
    r"(?:^|/)(?:vendor|vendored|third[_-]?party|3rdparty|node_modules|bower_components|jspm_packages|site-packages|"
    r"\.yarn|Godeps|Pods|Carthage|external-libs)/|(?:^|/)(?:gradlew|gradlew\.bat|mvnw|mvnw\.cmd)$"
)
_GENERATED = re.compile(
    r"(?:^|/)(?:dist|__snapshots__|__generated__|\.generated|generated|gen-src)/|"
    r"(?:\.(?:pb|gen|generated|g|designer|freezed|min|bundle)\.[a-z0-9]{1,6}|_pb2(?:_grpc)?\.pyi?|\.pb\.(?:go|cc|h)|"
    r"_generated\.[a-z]+)$|(?:^|/)zz_generated[._]",
    re.IGNORECASE,
)
_DATA = re.compile(r"\.(?:csv|tsv|snap|map|ipynb|svg|po|pot|xlf|xliff)$", re.IGNORECASE)
_TEST = re.compile(
    r"(?:^|/)(?:tests?|__tests__|__mocks__|specs?|testing|testdata|fixtures?|e2e|benches|benchmarks?)/|"
    r"(?:^|/)(?:test_[^/]*|tests?\.[^/]+|conftest\.py|[^/]*(?:[._-](?:tests?|specs?)|Tests?|Spec|IT)\.[A-Za-z]+)$"
)
_DOCS = re.compile(
    r"(?:^|/)docs?/|\.(?:md|mdx|markdown|rst|adoc|txt|tex|org)$|"
    r"(?:^|/)(?:LICEN[CS]E|NOTICE|AUTHORS|CHANGELOG|CHANGES|README|CODEOWNERS)[^/]*$",
    re.IGNORECASE,
)
_BUILD_TEXT = re.compile(r"(?:^|/)(?:CMakeLists|requirements[^/]*|constraints[^/]*)\.txt$")
"""By their ending they look like documentation."""
_CONFIG = re.compile(
    r"\.(?:json[5c]?|ya?ml|toml|ini|cfg|conf|properties|xml|plist|env|lock|gitignore|editorconfig|ui|resx)$|"
    r"(?:^|/)\.[^/]+$|(?:^|/)[^/]+\.config\.[a-z]+$|(?:^|/)(?:requirements[^/]*|Gemfile|Podfile)$",
    re.IGNORECASE,
)
_GENERATED_MARK = re.compile(
    r"@generated\b|\bDO NOT (?:EDIT|MODIFY)\b|\bcode generated (?:by|from)\b|\bautomatically generated\b|"
    r"\bauto-?generated (?:by|from|file)\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"\s*(?:#|//|/\*|\*|--|;|<!--|%|\"\"\"|rem\b)", re.IGNORECASE)
_MARK_LINES = 20
_LONG_LINE = 2_000
_MINIFIED_LINE = 400

_LANGUAGES = {
    "c": "c h",
    "cpp": "cc cpp cxx hpp hh hxx ipp inl cu mm",
    "csharp": "cs",
    "css": "css scss sass less",
    "go": "go",
    "java": "java",
    "javascript": "js jsx mjs cjs vue svelte",
    "kotlin": "kt kts",
    "markdown": "md mdx markdown",
    "php": "php",
    "python": "py pyi pyx",
    "ruby": "rb rake gemspec",
    "rust": "rs",
    "scala": "scala",
    "shell": "sh bash zsh",
    "sql": "sql",
    "swift": "swift",
    "typescript": "ts tsx mts cts",
    "xml": "xml ui",
    "yaml": "yml yaml",
}
_LANGUAGE_OF = {ending: language for language, endings in _LANGUAGES.items() for ending in endings.split()}


def language_of(path: str) -> str:
    """The file's language by its ending, such as `python`; empty when the ending says nothing."""
    return _LANGUAGE_OF.get(path.rsplit("/", 1)[-1].rpartition(".")[2].lower(), "")


@lru_cache(maxsize=1024)
def file_class(path: str) -> FileClass:
    """What kind of file this is. What no rule knows is product code."""
    if _BUILD_TEXT.search(path):
        return "config"
    if _DOCS.search(path):
        return "docs"
    if _TEST.search(path):
        return "test"
    return "config" if _CONFIG.search(path) else "product"


@lru_cache(maxsize=1024)
def skip_path_reason(path: str) -> str:
    """Why a file is not read, by its name: lock file, vendored, generated, data. Empty when it is read."""
    if path.rsplit("/", 1)[-1].lower() in _LOCK_FILES.split():
        return "lock file"
    if _VENDORED.search(path):
        return "vendored"
    if _GENERATED.search(path):
        return "generated"
    return "data, not code" if _DATA.search(path) else ""


def skip_content_reason(hunk: Hunk) -> str:
    """Why a hunk is not read, by its lines: a submodule's new commit, a generator's mark, minified code; or empty."""
    changed = [line.text for line in hunk.lines if line.kind != " "]
    if changed and all(text.startswith("Subproject commit ") for text in changed):
        return "submodule"
    lengths = [len(text) for text in changed]
    if lengths and max(lengths) > _LONG_LINE and median(lengths) > _MINIFIED_LINE:
        return "minified"
    if hunk.target_start <= _MARK_LINES and any(
        _COMMENT.match(line.text) and _GENERATED_MARK.search(line.text[:_MINIFIED_LINE])
        for line in hunk.lines[:_MARK_LINES]
    ):
        return "generated"
    return ""


def is_excluded(path: str, patterns: Iterable[str]) -> bool:
    """Whether gitignore-like patterns exclude a path: the last one that matches decides, `!` takes back."""
    excluded = False
    for pattern in patterns:
        if parse_glob(pattern.removeprefix("!")).fullmatch(path):
            excluded = not pattern.startswith("!")
    return excluded


@lru_cache(maxsize=1024)
def parse_glob(pattern: str) -> re.Pattern[str]:
    """A gitignore-like pattern as a regular expression over whole paths.

    `*` and `?` stay within a folder, `**` crosses folders, `{a,b}` is a choice. A pattern without an inner slash counts
    at any depth, and one that names a folder covers all that is in it.
    """
    body = re.sub(r"/(?:\*\*/)+", "/**/", pattern.strip()).removeprefix("./")
    anchored = "/" in body.rstrip("/")
    body, folder = body.removeprefix("/").rstrip("/"), body.endswith("/")
    tokens = re.findall(r"\*\*/|/\*\*$|\*+|\?|\[[^]/]+\]|\{[^{}/]*\}|[^*?\[{]+|.", body, re.DOTALL)
    source = "".join(_glob_token(token) for token in tokens)
    return re.compile(("" if anchored else "(?:.*/)?") + source + ("/.*" if folder else "(?:/.*)?"), re.DOTALL)


def _glob_token(token: str) -> str:
    simple = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "**": ".*", "?": "[^/]"}
    if token in simple:
        return simple[token]
    if token.startswith("[") and token.endswith("]") and token not in {"[]", "[!]"}:
        return _glob_class(token[1:-1])
    if token.startswith("{") and token.endswith("}"):
        return "(?:" + "|".join(_glob_token_run(part) for part in token[1:-1].split(",")) + ")"
    return "[^/]*" if set(token) == {"*"} else re.escape(token)


def _glob_class(inside: str) -> str:
    pieces = re.findall(r".-.|.", inside.removeprefix("!"), re.DOTALL)
    letters = "".join("-".join(map(re.escape, piece[::2])) for piece in pieces)
    source = f"[^/{letters}]" if inside.startswith("!") else f"[{letters}]"
    try:
        re.compile(source)
    except re.error:  # such as [z-a]: then the brackets stand for themselves
        return re.escape(f"[{inside}]")
    return source


def _glob_token_run(part: str) -> str:
    return "".join(_glob_token(token) for token in re.findall(r"\*+|\?|[^*?]+", part))
