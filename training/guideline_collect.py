"""Collect the guidelines of a repository over time, in few requests: one, when nothing changed on its branch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote

from reviewer.errors import HostError, HostUnavailable
from reviewer.file_classes import language_of
from reviewer.guideline_files import choose_candidates
from training.github_client import Answer, GitHubClient
from training.github_nodes import find_reason
from training.github_query import render_texts_query
from training.github_shapes import ListedCommit, TextsAnswer, Tree, read_shape
from training.guideline_history import VERSIONS, GuidelineHistory, GuidelineVersion

MAX_FILES = 24
TEXTS = 25
"""Files whose texts are asked for at once."""
MAX_TEXT = 200_000
"""Characters. A guideline longer than this is not written for people."""
_BLOB_MODES = {"100644", "100755"}


def collect_guidelines(client: GitHubClient, name: str, branch: str, before: GuidelineHistory) -> GuidelineHistory:
    """The history brought up to date.

    Args:
        client: Whom to ask.
        name: What GitHub calls the repository now.
        branch: The default branch.
        before: What is known; `before.repo` is kept.

    Raises:
        HostError: GitHub said no, or nothing, or only a part.
    """
    answer = client.get(f"/repos/{name}/git/trees/{quote(branch, '')}", params={"recursive": "1"}, etag=before.etag)
    if answer.unchanged:
        return before
    blobs = read_tree(answer)
    last = {version.path: version for version in before.versions}
    chosen = {path: blobs[path] for path in sorted({*choose_paths(blobs), *(last.keys() & blobs.keys())})}
    changed = [path for path, sha in chosen.items() if before.blobs.get(path) != sha]
    kept = [version for version in before.versions if version.path not in changed]
    found = [place for path in changed for place in _list_versions(client, name, branch, path)]
    known = {(version.path, version.sha): version.text for version in before.versions}
    texts = _read_texts(client, name, [place for place in found if place[:2] not in known]) | known
    made = [GuidelineVersion(path, time, sha, texts[path, sha]) for path, sha, time in found]
    gone = [version for path, version in last.items() if path not in chosen and version.text is not None]
    ends = [_end_version(client, name, branch, version) for version in gone]
    versions = tuple(sorted(kept + made + ends, key=lambda version: (version.path, version.since)))
    # An unrelated commit changes the ETag too: alone it must not change what is stored.
    same = bool(before.etag) and (versions, chosen) == (before.versions, before.blobs)
    return before if same else GuidelineHistory(before.repo, versions, chosen, answer.etag)


def read_tree(answer: Answer) -> dict[str, str]:
    """Path and blob of each plain file of a branch, or HostError when GitHub did not list them all."""
    tree = read_shape(answer.json(), Tree)
    if tree.get("truncated"):
        raise HostError("GitHub lists only a part of so many files.", "What was known of the guidelines is kept.")
    return {entry["path"]: entry["sha"] for entry in tree["tree"] if entry.get("mode") in _BLOB_MODES}


def choose_paths(listing: Iterable[str]) -> list[str]:
    """The guideline files at the root and in the common folders, for all languages of the repository."""
    listing = sorted(listing)
    by_language: dict[str, str] = {}
    for path in listing:
        by_language.setdefault(language_of(path), path.rpartition("/")[2])
    chosen, _ = choose_candidates(listing, by_language.values(), MAX_FILES)
    return sorted(candidate.path for candidate in chosen)


def _list_versions(
    client: GitHubClient, name: str, branch: str, path: str, count: int = VERSIONS
) -> Iterator[tuple[str, str, str]]:
    """Path, commit and time of the newest versions of a file, the oldest first."""
    params: dict[str, str | int] = {"path": path, "sha": branch, "per_page": count}
    answer = client.get(f"/repos/{name}/commits", params=params).json()
    for commit in reversed(read_shape(answer, list[ListedCommit])):
        yield path, commit["sha"], commit["commit"]["committer"]["date"]


def _end_version(client: GitHubClient, name: str, branch: str, last: GuidelineVersion) -> GuidelineVersion:
    """What a file that is gone ends with: no text, since the commit that took it away.

    Where the branch does not know of the file any more (a forced push), since the branch's newest commit.
    """
    places = chain(*(_list_versions(client, name, branch, path, 1) for path in (last.path, "")))
    times = ((sha, time) for _, sha, time in places if sha != last.sha and time >= last.since)
    sha, time = next(times, (last.sha, last.since))
    return GuidelineVersion(last.path, time, sha)


def _read_texts(
    client: GitHubClient, name: str, places: list[tuple[str, str, str]]
) -> dict[tuple[str, str], str | None]:
    owner, _, short = name.partition("/")
    texts: dict[tuple[str, str], str | None] = {}
    for start in range(0, len(places), TEXTS):
        batch = places[start : start + TEXTS]
        query = render_texts_query((sha, path) for path, sha, _ in batch)
        reply = client.query(query, owner=owner, name=short)
        found = read_shape(reply.data, TextsAnswer)["repository"]
        if reply.errors or len(found) < len(batch):
            raise HostUnavailable(f"{find_reason(reply.errors)}.", "Collect again later.")
        texts |= {(path, sha): _read_blob(found.get(f"f{at}")) for at, (path, sha, _) in enumerate(batch)}
    return texts


def _read_blob(blob: dict[str, Any] | None) -> str | None:
    if not blob or blob.get("isBinary") or blob.get("isTruncated"):
        return None
    text: str | None = blob.get("text")
    return None if text is None or len(text) > MAX_TEXT else text
