"""A pull request's three-dot diff from GitHub: only if it changed, in one piece or file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx

from reviewer.errors import HostError, NotFound, RateLimited
from training.files_diff import MAX_FILES, assemble_diff
from training.github_client import DIFF, GitHubClient
from training.snapshot import Problem, Snapshot


@dataclass(frozen=True, slots=True)
class DiffAnswer:
    """The diff as text, or the reason why there is none."""

    text: str | None
    etag: str = ""
    problems: tuple[Problem, ...] = ()


def get_diff(client: GitHubClient, name: str, number: int, stored: Snapshot | None) -> DiffAnswer:
    """The diff as GitHub has it for `refs/pull/N/head`: a deleted fork and a force-push take nothing away.

    Args:
        client: Whom to ask.
        name: What GitHub calls the repository now.
        number: Of the pull request.
        stored: The snapshot from before: its diff is kept when GitHub says that nothing changed.

    Raises:
        HostUnavailable: GitHub does not answer for now.
    """
    path = f"/repos/{name}/pulls/{number}"
    etag = stored.etag if stored and stored.diff is not None else ""
    try:
        answer = client.get(path, accept=DIFF, etag=etag)
    except NotFound:
        return DiffAnswer(None, problems=(Problem("diff", "GitHub answers 404: deleted, or not for this token"),))
    except HostError as error:
        if isinstance(error, RateLimited) or error.status == httpx.codes.UNAUTHORIZED:
            raise
        return _from_files(client, path, error)
    if answer.unchanged and stored:
        kept = tuple(problem for problem in stored.problems if problem.what == "diff")
        return DiffAnswer(stored.diff, stored.etag, kept)
    return DiffAnswer(answer.content.decode("utf-8", "replace"), answer.etag)


def _from_files(client: GitHubClient, path: str, error: HostError) -> DiffAnswer:
    """What the list of files gives when the diff is too large (406), or takes GitHub too long (5xx)."""
    try:
        text, problems = assemble_diff(islice(_list_files(client, path), MAX_FILES))
    except NotFound:
        return DiffAnswer(None, problems=(Problem("diff", f"{error.what} The list of files is gone, too."),))
    reason = (
        "too large" if error.status == httpx.codes.NOT_ACCEPTABLE else f"not to be had in one piece ({error.status})"
    )
    return DiffAnswer(text, problems=(Problem("diff", f"{reason}: put together from the list of files"), *problems))


def _list_files(client: GitHubClient, path: str) -> Iterator[dict[str, Any]]:
    yield from client.pages(f"{path}/files")
