"""Where a collection stands: a small file beside each repository's snapshots, and one for the whole folder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from reviewer.errors import UsageError
from reviewer.jsonfile import decode, replace_file
from training.errors import DataError
from training.records import encode
from training.snapshot import hash_name
from training.store import SchemaOnly, SnapshotStore

STATE_SCHEMA = "glossator/collect/1"
STATE_NAME = "collect.json"


@dataclass(frozen=True, slots=True)
class Walk:
    """An unfinished walk over the pull requests, last updated first."""

    after: str = ""
    """GraphQL's cursor of the last page that is done."""
    newest: str = ""
    """When the first pull request of the first page was updated."""
    seen: int = 0
    failed: bool = False
    """Something that has no number could not be read for now: the next collection walks here again."""
    anew: bool = False
    """Of `--refresh`: what seems unchanged was asked for, too."""


@dataclass(frozen=True, slots=True)
class RepoState:
    """What is known of a repository, and how far its pull requests are collected."""

    repo: str
    name: str = ""
    """What GitHub calls it now."""
    id: int = 0
    """GitHub's number of it, whatever its name. 0: not known yet."""
    license: str = ""
    language: str = ""
    branch: str = ""
    """The default branch."""
    etag: str = ""
    since: str = ""
    """All that was updated before is here, as far as `reach` goes."""
    reach: str = ""
    """What the collection was limited to; another limit walks over everything again."""
    stored: int = 0
    """Snapshots that there were after the last whole walk; when some are lost it walks over everything again."""
    left: tuple[int, ...] = ()
    """Pull requests that could not be read last time, or were deleted here: they are asked for by number."""
    walk: Walk = field(default_factory=Walk)

    @property
    def is_renamed(self) -> bool:
        """Whether GitHub has another name for it than it was asked for by."""
        return self.name.lower() != self.repo.lower()


@dataclass(frozen=True, slots=True)
class FolderState:
    """What holds for all snapshots of a folder."""

    salt_check: str = ""
    """Tells whether names are hashed with the same salt as before."""
    opt_out: str = ""
    """Of the opt-out list that has been applied to everything here."""


State = TypeVar("State", RepoState, FolderState)


def load_state(path: Path, empty: State) -> State:
    """The state of a file, or `empty` when there is none that can be read: then all is walked over again."""
    try:
        data = path.read_bytes()
        if decode(data, SchemaOnly).schema != STATE_SCHEMA:
            return empty
        return decode(data, type(empty))
    except (OSError, msgspec.DecodeError, ValueError, RecursionError):
        return empty


def save_state(path: Path, state: State) -> None:
    """Write the state, whole or not at all; what has not changed is not written.

    Raises:
        DataError: It cannot be written.
    """
    data = encode(state, STATE_SCHEMA) + b"\n"
    try:
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise DataError(f"Cannot write {path}: {error.strerror}.", "Make room, and collect again.") from error


def check_salt(state: FolderState, salt: str, folder: Path) -> str:
    """What the salt is recognised by; refuses another one than before.

    Raises:
        UsageError: The names in the folder are hashed with another salt: people would have two names, and the opt-out
            list would not find them.
    """
    check = hash_name("glossator collect", salt)
    if state.salt_check not in {"", check}:
        raise UsageError(
            f"The names in {folder} are hashed with another GLOSSATOR_NAME_SALT.",
            "Set the same one as before, or collect into another folder.",
        )
    return check


def settle_salt(store: SnapshotStore, salt: str) -> str:
    """What a salt that more names are to be hashed with is recognised by; see `check_salt`.

    Raises:
        UsageError: The names in the folder are hashed with another salt, or with one that nobody knows any more.
    """
    path = store.folder / STATE_NAME
    state = load_state(path, FolderState())
    check = check_salt(state, salt, store.folder)
    if not state.salt_check and holds_hashed(store):
        raise UsageError(
            f"{store.folder} holds names that were hashed here, and {path}, which tells with what salt, is gone.",
            "Bring that file back, as `dvc checkout` does, or collect into another folder.",
        )
    return check


def remember_salt(store: SnapshotStore, salt: str) -> None:
    """Settle the salt and write down what it is recognised by.

    Raises:
        UsageError: As `settle_salt` says.
        DataError: It cannot be written.
    """
    path, check = store.folder / STATE_NAME, settle_salt(store, salt)
    save_state(path, replace(load_state(path, FolderState()), salt_check=check))


def holds_hashed(store: SnapshotStore) -> bool:
    """Whether some repository's pull requests come from GitHub or a dump: by its state, or one of its snapshots."""
    if any(store.folder.glob(f"*/*/{STATE_NAME}")):
        return True
    one_of_each = dict(store.list_keys()) if store.folder.is_dir() else {}
    for key in one_of_each.items():
        with suppress(DataError):
            if store.load(key).source in {"github", "github-dump"}:
                return True
    return False
