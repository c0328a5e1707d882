"""A pull request's three-dot diff from GitHub: only if it changed, in one piece or file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx

from reviewer.errors import HostError, HostUnavailable, NotFound, RateLimited
from training.files_diff import MAX_FILES, assemble_diff
from training.github_client import DIFF, GitHubClient
from training.github_shapes import ChangedFile, read_shape
from training.snapshot import FINAL_DIFF, Problem, Snapshot


@dataclass(frozen=True, slots=True)
class DiffAnswer:
    """The diff as text, or the reason why there is none."""

    text: str | None
    etag: str = ""
    problems: tuple[Problem, ...] = ()
    is_kept: bool = False
    """GitHub has it no more: it is the one from before."""


def get_diff(client: GitHubClient, name: str, number: int, head_sha: str, stored: Snapshot | None) -> DiffAnswer:
    """The diff as GitHub has it for `refs/pull/N/head`: a deleted fork and a force-push take nothing away.

    Args:
        client: Whom to ask.
        name: What GitHub calls the repository now.
        number: Of the pull request.
        head_sha: Its last commit.
        stored: The snapshot from before: its diff is kept when GitHub says that nothing changed, or has it no more.

    Raises:
        HostUnavailable: GitHub does not answer for now.
    """
    path = f"/repos/{name}/pulls/{number}"
    etag = stored.etag if stored and stored.diff is not None else ""
    try:
        answer = client.get(path, accept=DIFF, etag=etag)
    except NotFound:
        return _keep(stored, head_sha, Problem("diff", "GitHub answers 404: deleted, or not for this token"))
    except HostError as error:
        if isinstance(error, HostUnavailable | RateLimited) or error.status == httpx.codes.UNAUTHORIZED:
            raise
        return _from_files(client, path, error)
    if answer.unchanged and stored:
        return DiffAnswer(stored.diff, stored.etag)  # only a diff in one piece has an ETag: nothing is wrong with it
    return DiffAnswer(answer.content.decode("utf-8", "replace"), answer.etag)


def _keep(stored: Snapshot | None, head_sha: str, problem: Problem) -> DiffAnswer:
    """The diff from before, if there is one, with what is wrong about it."""
    if stored is None or stored.diff is None:
        return DiffAnswer(None, problems=(problem,))
    problems = [one for one in stored.problems if one.what in {"diff", FINAL_DIFF}]
    if stored.head_sha != head_sha:
        problems.append(Problem(FINAL_DIFF, "pushed to since; the diff is from before"))
    return DiffAnswer(stored.diff, stored.etag, tuple(dict.fromkeys((*problems, problem))), is_kept=True)


def _from_files(client: GitHubClient, path: str, error: HostError) -> DiffAnswer:
    """What the list of files gives when the diff is too large (406), or refused for another reason."""
    try:
        text, problems = assemble_diff(islice(_list_files(client, path), MAX_FILES))
    except NotFound:
        return DiffAnswer(None, problems=(Problem("diff", f"{error.what} The list of files is gone, too."),))
    reason = (
        "too large" if error.status == httpx.codes.NOT_ACCEPTABLE else f"not to be had in one piece ({error.status})"
    )
    return DiffAnswer(text, problems=(Problem("diff", f"{reason}: put together from the list of files"), *problems))


def _list_files(client: GitHubClient, path: str) -> Iterator[dict[str, Any]]:
    for file in client.pages(f"{path}/files"):
        yield read_shape(file, ChangedFile)
