"""Collect merged pull requests from GitHub: one snapshot each, only what changed, from wherever it was broken off.

The list of a repository's pull requests is walked from the last updated backwards (`collect_repo`). What is stored with
the same time of update is passed over; what is new or changed is written at once, whole (`collect_pulls`). So a
collection that is killed at any point goes on as if nothing had happened, and a finished one is not walked again beyond
its own beginning.
"""

from __future__ import annotations

from dataclasses import replace

from reviewer.errors import HostError, RateLimited
from training.collect_repo import RepoCollector
from training.collect_run import Collected, Run
from training.collect_state import STATE_NAME, FolderState, RepoState, load_state, save_state, settle_salt
from training.github_client import GitHubClient
from training.opt_out import OptOut, rewrite_without
from training.store import SnapshotStore


def collect(run: Run) -> Collected:
    """Collect every repository of a run. What cannot be read is told, and the rest goes on (`check_finished`).

    Raises:
        UsageError: The names in the folder are hashed with another salt, or with one that nobody knows any more.
        DataError: A file cannot be written.
    """
    run.told.problems += apply_opt_out(run.store, run.opt_out, run.salt)
    seen: dict[str, str] = {}
    limit: RateLimited | None = None
    for repo in dict.fromkeys(run.params.repos):
        if limit:
            run.told.unfinished[repo] = limit
            continue
        client = None
        try:
            client = GitHubClient(run.wire, run.credentials.for_repo(repo))
            RepoCollector(run, client, seen).collect(repo)
        except HostError as error:
            limit = error if isinstance(error, RateLimited) else None
            run.told.problems.append(f"{repo}: {error.what}")
            run.told.unfinished[repo] = error
        finally:
            run.told.requests += client.counts if client else {}
    return run.told


def apply_opt_out(store: SnapshotStore, opt_out: OptOut, salt: str | None, *, again: bool = False) -> list[str]:
    """Take people who opted out since the last time out of what is stored already.

    Args:
        store: The snapshots.
        opt_out: The list.
        salt: What names are hashed with; None when none were hashed here.
        again: Look through the snapshots though the list is the one of last time.

    Returns:
        A sentence for each file that was changed.

    Raises:
        UsageError: The names there are hashed with another salt, or with one that nobody knows any more.
        DataError: A file cannot be read or written.
    """
    path = store.folder / STATE_NAME
    state = load_state(path, FolderState())
    check = state.salt_check if salt is None else settle_salt(store, salt)
    told: list[str] = []
    if opt_out and (again or state.opt_out != opt_out.digest):
        before = list_stored(store)
        told = list(rewrite_without(store, opt_out))
        note_deleted(store, before)
    save_state(path, FolderState(check, opt_out.digest))
    return told


def list_stored(store: SnapshotStore) -> dict[str, set[int]]:
    """The numbers of the pull requests of each repository in the folder."""
    found: dict[str, set[int]] = {}
    for repo, number in store.list_keys() if store.folder.is_dir() else ():
        found.setdefault(repo, set()).add(number)
    return found


def note_deleted(store: SnapshotStore, before: dict[str, set[int]]) -> None:
    """Write down that snapshots were deleted here, or the next collection would miss them.

    It asks for each by number, as some were deleted only because nobody could read whose words were in them.
    """
    after = list_stored(store)
    for repo, numbers in before.items():
        path = store.folder / repo / STATE_NAME
        if path.is_file() and (gone := numbers - after.get(repo, set())):
            state = load_state(path, RepoState(repo))
            left = tuple(sorted({*state.left, *gone}))
            save_state(path, replace(state, stored=max(state.stored - len(gone), 0), left=left))
