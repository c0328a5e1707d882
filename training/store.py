"""The folder of snapshots: one JSON file a pull request, `OWNER/NAME/000123.json`, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from reviewer.errors import UsageError
from reviewer.jsonfile import check_schema, decode, replace_file
from training.errors import DataError
from training.records import encode
from training.snapshot import SNAPSHOT_SCHEMA, Key, Snapshot


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
        repos = sorted(
            f"{owner.name}/{name.name}"
            for owner in self.folder.iterdir()
            if owner.is_dir() and not owner.name.startswith(".")
            for name in owner.iterdir()
            if name.is_dir()
        )
        for repo in repos:
            numbers = (entry.name.removesuffix(".json") for entry in os.scandir(self.folder / repo))
            yield from ((repo, number) for number in sorted(int(name) for name in numbers if name.isdecimal()))

    def __contains__(self, key: Key) -> bool:
        return self.path(key).is_file()

    def load(self, key: Key) -> Snapshot:
        """One snapshot.

        Raises:
            DataError: It is gone, cut short, or not a snapshot of this version.
        """
        return load_snapshot(self.path(key))

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
            raise DataError(
                f"Cannot write {path}: {error.strerror}.", "Make room, and run the same command again: it goes on."
            ) from error


def load_snapshot(path: Path) -> Snapshot:
    """Read one snapshot file; see `SnapshotStore.load`."""
    hint = "Delete the file and collect that pull request again."
    try:
        data = path.read_bytes()
        check_schema(decode(data, SchemaOnly).schema, SNAPSHOT_SCHEMA, str(path))
        return decode(data, Snapshot)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.", hint) from error
    except UsageError as error:
        raise DataError(error.what, hint) from error
    except msgspec.ValidationError as error:
        raise DataError(f"{path} does not fit the schema of a snapshot: {error}.", hint) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON (cut short?): {error}.", hint) from error


class SchemaOnly(msgspec.Struct):
    """The part of a document that says what the rest is."""

    schema: str = ""


def in_shard(key: Key, shard: int, shards: int) -> bool:
    """Whether a pull request belongs to a shard, from 1 to `shards`. The same for everyone who asks."""
    digest = hashlib.sha256(f"{key[0]}#{key[1]}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:4], "big") % shards == shard - 1
