"""What the stages hand to one another: folders of JSON lines, in the order of the pull requests' keys.

A folder holds one part, or one for each shard (`part-1-of-2.jsonl`); reading merges them back into one order, so that
the number of shards changes nothing downstream. The first line of a part says what it is, the last how many records
it holds: what was cut short is seen and refused. Parts appear whole or not at all.
"""

from __future__ import annotations

import heapq
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from reviewer.jsonfile import decode
from training.errors import DataError
from training.snapshot import Key

Record = TypeVar("Record")
_PART = re.compile(r"part-([0-9]+)-of-([0-9]+)\.jsonl")


class _Header(msgspec.Struct):
    schema: str = ""
    records: int = -1


class _Keyed(msgspec.Struct):
    repo: str
    number: int


class Raw(Generic[Record]):
    """A record that is read when somebody needs it. `line` is its JSON."""

    __slots__ = ("key", "kind", "line", "where")

    def __init__(self, key: Key, line: bytes, kind: type[Record], where: str) -> None:
        self.key = key
        self.line = line
        self.kind = kind
        self.where = where

    def read(self) -> Record:
        """The record itself, or a DataError that says where it is wrong."""
        try:
            return decode(self.line, self.kind)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise DataError(f"{self.where} does not fit its schema: {error}.", "Run the stage before again.") from error


def encode(value: Any, schema: str = "") -> bytes:
    """A dataclass as one line of compact JSON, with its schema's name first when one is given."""
    values: dict[str, object] = {"schema": schema} if schema else {}
    values |= {field.name: getattr(value, field.name) for field in fields(value)}
    try:
        return msgspec.json.encode(values)
    except UnicodeEncodeError:  # a lone surrogate: only the standard library writes it as an escape
        return json.dumps(msgspec.to_builtins(values)).encode("ascii")


def part_path(folder: Path, shard: int = 1, shards: int = 1) -> Path:
    """Where a shard's records stand."""
    return folder / f"part-{shard}-of-{shards}.jsonl"


def save_records(folder: Path, schema: str, lines: Iterable[bytes], shard: int = 1, shards: int = 1) -> int:
    """Write one part from encoded records as they come, and remove parts of another number of shards.

    Returns:
        How many records were written.

    Raises:
        DataError: It cannot be written. Then nothing has changed.
    """
    path = part_path(folder, shard, shards)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(msgspec.json.encode({"schema": schema}) + b"\n")
            for line in lines:
                file.write(line + b"\n")
                count += 1
            file.write(msgspec.json.encode({"schema": schema, "records": count}) + b"\n")
        partial.replace(path)
    except OSError as error:
        raise DataError(f"Cannot write {path}: {error.strerror}.", "Make room, and run the stage again.") from error
    finally:
        partial.unlink(missing_ok=True)
    for other in folder.glob("part-*.jsonl"):
        if (found := _PART.fullmatch(other.name)) and int(found[2]) != shards:
            other.unlink()
    return count


def read_records(folder: Path, schema: str, kind: type[Record]) -> Iterator[Raw[Record]]:
    """All records of a folder in the order of their keys. One line of each part is in memory.

    Raises:
        DataError: A part is missing, cut short, of another schema, or not in order.
    """
    return heapq.merge(*(_read_part(path, schema, kind) for path in list_parts(folder)), key=lambda raw: raw.key)


def list_parts(folder: Path) -> list[Path]:
    """The parts of a folder, all of them or a DataError."""
    hint = "Run the stage before first."
    found = {path.name: path for path in folder.glob("part-*.jsonl")} if folder.is_dir() else {}
    counts = {int(match[2]) for name in found if (match := _PART.fullmatch(name))}
    if len(counts) != 1:
        what = "has no records" if not counts else f"holds parts of {len(counts)} runs"
        raise DataError(f"{folder} {what}.", hint)
    shards = counts.pop()
    parts = [part_path(folder, shard, shards) for shard in range(1, shards + 1)]
    if missing := [path.name for path in parts if path.name not in found]:
        raise DataError(f"{folder} lacks {', '.join(missing)}.", "Run the stage for these shards too.")
    return parts


def _read_part(path: Path, schema: str, kind: type[Record]) -> Iterator[Raw[Record]]:
    hint = "Run the stage that writes it again."
    count, before, ended = 0, None, False
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            where = f"{path}, line {number},"
            try:
                if number == 1 or line.startswith(b'{"schema":'):
                    header = decode(line, _Header)
                    if header.schema != schema:
                        raise DataError(f"{path} is {header.schema[:80]!r}, not {schema!r}.", hint)
                    ended = header.records == count
                    continue
                keyed = decode(line, _Keyed)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                raise DataError(f"{where} cannot be read: {error}.", hint) from error
            key = (keyed.repo, keyed.number)
            if before is not None and key <= before:
                raise DataError(f"{where} is out of order: {key[0]}#{key[1]}.", hint)
            count, before = count + 1, key
            yield Raw(key, line, kind, where)
    if not ended:
        raise DataError(f"{path} was cut short after {count} records.", hint)
