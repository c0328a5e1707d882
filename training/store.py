"""The folder of snapshots: one JSON file a pull request, `OWNER/NAME/000123.json`, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import msgspec

from reviewer.errors import UsageError
from reviewer.jsonfile import check_schema, decode, replace_file
from training.errors import DataError, refuse_read, refuse_write
from training.records import encode
from training.snapshot import SNAPSHOT_SCHEMA, Key, Snapshot, find_faults

_NAME = re.compile(r"([0-9]{6}|[1-9][0-9]{6,})\.json")
"""What `SnapshotStore.path` writes. Nothing else in the folder is a snapshot, such as the rest of a killed process."""


_BEGINNING: Final = f'{{"schema":"{SNAPSHOT_SCHEMA}",'.encode()
"""Of a file as `SnapshotStore.save` writes it, which need not be read twice to know its version."""
_PART = re.compile(r"\.(?:[0-9]{6,}|collect|guidelines)\.json\.([0-9]+)")
"""What `replace_file` writes before it is whole."""


class SnapshotStore:
    """Snapshots in a folder. Nothing is held in memory but the names of one repository's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: Key) -> Path:
        """Where a pull request's snapshot stands."""
        repo, number = key
        return self.folder / repo / f"{number:06}.json"

    def list_keys(self) -> Iterator[Key]:
        """All pull requests in order: by owner, name and number."""
        if not self.folder.is_dir():
            raise DataError(f"There is no folder {self.folder}.", "Run `glossator-train collect` first.")
        owners = [owner for owner in list_folders(self.folder) if not owner.name.startswith(".")]
        for repo in sorted(f"{owner.name}/{folder.name}" for owner in owners for folder in list_folders(owner)):
            yield from ((repo, number) for number in list_numbers(self.folder / repo))

    def sweep(self) -> None:
        """Delete the half-written files, `.NAME.PID`, of processes that were killed. Not while this one writes.

        Raises:
            DataError: One cannot be deleted.
        """
        for path in sorted(path for deep in ("", "*/", "*/*/") for path in self.folder.glob(f"{deep}.*.json.*")):
            if (match := _PART.fullmatch(path.name)) and not is_running(int(match[1])):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise refuse_write(path, error) from error

    def __contains__(self, key: Key) -> bool:
        return self.path(key).is_file()

    def load(self, key: Key) -> Snapshot:
        """One snapshot.

        Raises:
            DataError: It is gone, cut short, not a snapshot of this version, or one of another pull request.
        """
        return load_snapshot(self.path(key), key)

    def save(self, snapshot: Snapshot) -> None:
        """Write a snapshot in place of the one before it.

        Raises:
            DataError: It cannot be written, as on a full disk. What stood there still stands.
        """
        path = self.path(snapshot.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, encode(snapshot, SNAPSHOT_SCHEMA) + b"\n")
        except OSError as error:
            raise refuse_write(path, error) from error


def list_folders(folder: Path) -> list[Path]:
    """The folders in a folder."""
    try:
        return [entry for entry in folder.iterdir() if entry.is_dir()]
    except OSError as error:
        raise refuse_read(folder, error) from error


def list_numbers(folder: Path) -> list[int]:
    """The numbers of the pull requests that a repository's folder holds, in order."""
    try:
        return sorted(int(found[1]) for entry in os.scandir(folder) if (found := _NAME.fullmatch(entry.name)))
    except OSError as error:
        raise refuse_read(folder, error) from error


def is_running(pid: int) -> bool:
    """Whether another process of this machine has that number."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return pid != os.getpid()


def load_snapshot(path: Path, key: Key) -> Snapshot:
    """Read one snapshot file; see `SnapshotStore.load`."""
    return read_snapshot(path, key)[0]


def read_snapshot(path: Path, key: Key, known: Collection[str] = ()) -> tuple[Snapshot, str]:
    """One snapshot file and a digest of its bytes, which tells later whether it is still the same.

    `known` are digests of files in which no fault was found before: they are not looked through again.
    """
    hint = "Delete the file and collect that pull request again."
    try:
        data = path.read_bytes()
        if not data.startswith(_BEGINNING):
            check_schema(decode(data, SchemaOnly).schema, SNAPSHOT_SCHEMA, str(path))
        snapshot = decode(data, Snapshot)
    except OSError as error:
        raise refuse_read(path, error) from error
    except UsageError as error:
        raise DataError(error.what, hint) from error
    except msgspec.ValidationError as error:
        raise DataError(f"{path} does not fit the schema of a snapshot: {error}.", hint) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON (cut short?): {error}.", hint) from error
    if snapshot.key != key:
        raise DataError(f"{path} holds {snapshot.repo[:80]}#{snapshot.number}, another pull request.", hint)
    digest = hashlib.sha256(data).hexdigest()[:16]
    if digest not in known and (fault := next(find_faults(snapshot), "")):
        raise DataError(f"{path}: {fault}.", hint)
    return snapshot, digest


class SchemaOnly(msgspec.Struct):
    """The part of a document that says what the rest is."""

    schema: str = ""


def in_shard(key: Key, shard: int, shards: int) -> bool:
    """Whether a pull request belongs to a shard, from 1 to `shards`. The same for everyone who asks."""
    digest = hashlib.sha256(f"{key[0]}#{key[1]}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:4], "big") % shards == shard - 1
