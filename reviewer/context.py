"""Guidelines and lint configuration of the base ref that fit a budget, and a manifest of what went in and what did not.

They are chosen by the changed files (`reviewer.guideline_files`), cut by relevance (`reviewer.excerpts`) and keep the
order of their file. One listing and at most `MAX_READS` reads are asked of the base ref.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath
from typing import Protocol

from reviewer.domain import Guideline, ManifestEntry, PullRequest
from reviewer.excerpts import Piece, change_words, split_configuration, split_guide
from reviewer.file_classes import is_excluded
from reviewer.guideline_files import Candidate, GuidelineKind, choose_candidates
from reviewer.settings import Settings
from reviewer.tokens import estimate_tokens

MAX_READS = 12
READ_LIMIT = 200_000
"""Bytes. A guideline longer than this is not written for people."""
_WEIGHTS: dict[GuidelineKind, float] = {
    "review guide": 1.6,
    "instructions": 1.4,
    "style guide": 1.4,
    "contributor guide": 1.0,
    "lint configuration": 0.8,
    "template": 0.4,
}
_HEADING_TOKENS = 12
_LINK_LENGTH = 200


def guideline_budget(settings: Settings) -> int:
    """How many tokens of the shared prefix the guidelines may take."""
    return settings.context_tokens * 2 // 5


class BaseFiles(Protocol):
    """The files of the base ref, in git or at GitHub."""

    def list_files(self) -> tuple[str, ...]:
        """All paths at the base ref."""
        ...

    def read_file(self, path: str, limit: int) -> str | None:
        """A file's text, cut at `limit` characters; None when it is a symlink, a submodule or gone."""
        ...


@dataclass(frozen=True, slots=True)
class _Document:
    candidate: Candidate
    tokens: int
    pieces: tuple[Piece, ...]
    problem: str = ""


def choose_guidelines(
    files: BaseFiles, pull_request: PullRequest, budget: int
) -> tuple[tuple[Guideline, ...], tuple[ManifestEntry, ...]]:
    """The most relevant excerpts within `budget` tokens, and what was considered. Never raises for a file's content."""
    listing = files.list_files()
    changed = [file.path for file in pull_request.files]
    candidates, too_many = choose_candidates(listing, changed, MAX_READS)
    documents = _read_documents(files, candidates, listing, pull_request)
    chosen = _choose_pieces(documents, budget)

    guidelines: list[Guideline] = []
    manifest: list[ManifestEntry] = []
    for document, pieces in zip(documents, chosen, strict=True):
        path, text, reason = document.candidate.path, _join(pieces), _reason(document, pieces)
        manifest.append(ManifestEntry(path, estimate_tokens(text), document.tokens, reason))
        if text:
            guidelines.append(Guideline(path, text, reason))
    manifest += [
        ManifestEntry(late.path, 0, 0, f"{late.kind}; not read: enough others are nearer") for late in too_many
    ]
    return tuple(guidelines), tuple(manifest)


def _read_documents(
    files: BaseFiles, candidates: Iterable[Candidate], listing: Iterable[str], pull_request: PullRequest
) -> list[_Document]:
    paths = frozenset(listing)
    words = change_words(pull_request)
    documents: list[_Document] = []
    seen: dict[str, str] = {}
    for candidate in candidates:
        text = files.read_file(candidate.path, READ_LIMIT + 1)
        problem = _problem(candidate, text, paths, pull_request)
        if text is None or problem:
            documents.append(_Document(candidate, 0, (), problem))
        elif text in seen:
            documents.append(_Document(candidate, estimate_tokens(text), (), f"the same text as {seen[text]}"))
        else:
            seen[text] = candidate.path
            documents.append(_Document(candidate, estimate_tokens(text), tuple(_split(candidate, text, words))))
    return documents


def _problem(candidate: Candidate, text: str | None, paths: frozenset[str], pull_request: PullRequest) -> str:
    if text is None or "\0" in text[:READ_LIMIT] or len(text) > READ_LIMIT:
        return "cannot be read: binary, too large or no plain file"
    if not text.strip():
        return "empty"
    target = text.strip()
    if len(target) < _LINK_LENGTH and "\n" not in target and _beside(candidate.path, target) in paths:
        return f"a link to {target}"
    globs = _apply_to(candidate, text)
    if globs and not any(is_excluded(file.path, (glob,)) for glob in globs for file in pull_request.files):
        return "applies to other files"
    return ""


def _beside(path: str, target: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(path).parent / target).parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in {".", ".."}:
            parts.append(part)
    return "/".join(parts)


def _apply_to(candidate: Candidate, text: str) -> tuple[str, ...]:
    """The globs of an instructions file's front matter."""
    if not candidate.path.endswith(".instructions.md") or not text.startswith("---"):
        return ()
    head = text.split("\n---", 1)[0]
    given = next((line.partition(":")[2] for line in head.split("\n") if line.lower().startswith("applyto:")), "")
    return tuple(glob.strip().strip("'\"") for glob in given.strip().strip("'\"").split(",") if glob.strip())


def _split(candidate: Candidate, text: str, words: frozenset[str]) -> list[Piece]:
    if candidate.kind == "lint configuration":
        return split_configuration(candidate.path, text, words)
    if candidate.path.endswith(".instructions.md") and text.startswith("---"):
        text = text.partition("\n---")[2]
    return split_guide(text, words)


def _choose_pieces(documents: list[_Document], budget: int) -> list[list[Piece]]:
    """For each document its pieces that go in, in the document's order; over all documents the best that fit."""
    ranked = sorted(
        (-piece.score * _WEIGHTS[document.candidate.kind], number, piece.order)
        for number, document in enumerate(documents)
        for piece in document.pieces
    )
    taken: list[set[int]] = [set() for _ in documents]
    for _, number, order in ranked:
        piece = documents[number].pieces[order]
        cost = estimate_tokens(piece.text) + estimate_tokens(piece.heading) + 2
        cost += 0 if taken[number] else _HEADING_TOKENS
        if cost <= budget:
            taken[number].add(order)
            budget -= cost
    return [[document.pieces[i] for i in sorted(orders)] for document, orders in zip(documents, taken, strict=True)]


def _join(pieces: Iterable[Piece]) -> str:
    lines: list[str] = []
    for heading, group in groupby(pieces, key=lambda piece: piece.heading):
        lines += [f"# {heading}"] if heading else []
        lines += [piece.text for piece in group]
    return "\n".join(lines)


def _reason(document: _Document, chosen: list[Piece]) -> str:
    kind = document.candidate.kind
    if document.problem:
        return f"{kind}; {document.problem}"
    if not document.pieces:
        return f"{kind}; nothing in it is about this change"
    return f"{kind}; {len(chosen)} of {len(document.pieces)} relevant parts" + (
        "" if chosen else ", no room in the budget"
    )
