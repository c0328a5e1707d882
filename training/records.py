"""What the stages hand to one another: folders of JSON lines, in the order of the pull requests' keys.

A folder holds one part, or one for each shard (`part-1-of-2.jsonl`); reading merges them back into one order, so that
the number of shards changes nothing downstream. The first line of a part says what it is, the last how many records
it holds: what was cut short is seen and refused. Parts appear whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec

from reviewer.jsonfile import decode
from training.errors import DataError, refuse_read, refuse_write
from training.snapshot import Key

Record = TypeVar("Record")
Anything = TypeVar("Anything")
_MARK_START = b'{"schema":'
_PART = re.compile(r"part-([1-9][0-9]*)-of-([1-9][0-9]*)\.jsonl")
_PARTIAL = re.compile(r"\.part-[0-9]+-of-[0-9]+\.jsonl\.([1-9][0-9]{0,8})")

AGAIN: Final = "Run the stage that writes it again."
"""What to do about a file of records that cannot be used."""


class _Mark(msgspec.Struct):
    """The first and the last line of a part. Only the last one counts records, only the first has the parameters."""

    schema: str = ""
    records: int = -1
    parameters: str = ""


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
        return parse_line(self.line, self.kind, self.where)


def encode(value: Any, schema: str = "") -> bytes:
    """A dataclass as one line of compact JSON, with its schema's name first when one is given."""
    values: dict[str, object] = {"schema": schema} if schema else {}
    values |= {field.name: getattr(value, field.name) for field in fields(value)}
    try:
        return msgspec.json.encode(values)
    except UnicodeEncodeError:  # a lone surrogate: only the standard library writes it as an escape
        return json.dumps(msgspec.to_builtins(values)).encode("ascii")


def digest_parameters(parameters: Any) -> str:
    """What tells whether two parts were made with the same parameters, which are a dataclass."""
    return hashlib.sha256(encode(parameters)).hexdigest()[:16]


def part_path(folder: Path, shard: int = 1, shards: int = 1) -> Path:
    """Where a shard's records stand."""
    return folder / f"part-{shard}-of-{shards}.jsonl"


def save_records(
    folder: Path, schema: str, lines: Iterable[bytes], shard: int = 1, shards: int = 1, *, parameters: str = ""
) -> int:
    """Write one part from encoded records as they come, and remove parts of another number of shards.

    Two processes may write the same part at once: each writes its own file, and the last one to end stays. Parts of
    other `parameters` (see `digest_parameters`) cannot be read together with it.

    Returns:
        How many records were written.

    Raises:
        DataError: It cannot be written. What stood there still stands.
    """
    path = part_path(folder, shard, shards)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            head = {"schema": schema} | ({"parameters": parameters} if parameters else {})
            file.write(msgspec.json.encode(head) + b"\n")
            for line in lines:
                file.write(line + b"\n")
                count += 1
            file.write(msgspec.json.encode({"schema": schema, "records": count}) + b"\n")
        partial.replace(path)
        remove_others(folder, shards)
    except OSError as error:
        raise refuse_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # as where a file stands in place of the folder
            partial.unlink()
    return count


def remove_others(folder: Path, shards: int) -> None:
    """Remove the parts of another number of shards, and what processes that are gone have left half-written."""
    for other in folder.iterdir():
        found, left = _PART.fullmatch(other.name), _PARTIAL.fullmatch(other.name)
        if (found and int(found[2]) != shards) or (left and not is_running(int(left[1]))):
            other.unlink(missing_ok=True)


def is_running(pid: int) -> bool:
    """Whether there is such a process, as far as anybody can tell."""
    if os.name != "posix":  # elsewhere a signal 0 is no question
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def read_records(folder: Path, schema: str, kind: type[Record]) -> Iterator[Raw[Record]]:
    """All records of a folder in the order of their keys. One line of each part is in memory.

    Raises:
        DataError: A part is missing, cut short, of another schema or other parameters, or not in order, or two hold
            the same record.
    """
    parameters: set[str] = set()
    parts = [read_part(path, schema, kind, parameters) for path in list_parts(folder)]
    before: Raw[Record] | None = None
    for raw in heapq.merge(*parts, key=lambda raw: raw.key):
        if before is not None and raw.key <= before.key:
            raise DataError(f"{raw.where} holds {raw.key[0]}#{raw.key[1]}, and so does {before.where}.", AGAIN)
        before = raw
        yield raw


def list_parts(folder: Path) -> list[Path]:
    """The parts of a folder, all of them or a DataError."""
    found = {path.name: path for path in folder.glob("part-*.jsonl")} if folder.is_dir() else {}
    counts = {int(match[2]) for name in found if (match := _PART.fullmatch(name))}
    if len(counts) != 1:
        what = "has no records" if not counts else f"holds parts of {len(counts)} runs"
        raise DataError(f"{folder} {what}.", AGAIN if counts else "Run the stage that writes it first.")
    shards = counts.pop()
    parts = [part_path(folder, shard, shards) for shard in range(1, shards + 1)]
    if missing := [path.name for path in parts if path.name not in found]:
        raise DataError(f"{folder} lacks {', '.join(missing)}.", "Run the stage that writes it for these shards too.")
    return parts


def read_part(path: Path, schema: str, kind: type[Record], parameters: set[str]) -> Iterator[Raw[Record]]:
    """The records of one part; see `read_records`. `parameters` are those of the parts beside it."""
    count, before = 0, ("", 0)
    is_open = is_closed = False
    for number, line in enumerate(read_lines(path), 1):
        where = f"{path}, line {number},"
        if not is_open or line.startswith(_MARK_START):
            mark = parse_line(line, _Mark, where)
            if mark.schema != schema:
                raise DataError(f"{path} is {mark.schema[:80]!r}, not {schema!r}.", AGAIN)
            if is_closed or is_open != (mark.records == count):
                raise DataError(f"{where} does not fit the {count} records above it.", AGAIN)
            if not is_open:
                parameters.add(mark.parameters)
                if len(parameters) > 1:
                    raise DataError(f"{path} was made with other parameters than the parts beside it.", AGAIN)
            is_open, is_closed = not is_open, is_open
            continue
        keyed = parse_line(line, _Keyed, where)
        key = (keyed.repo, keyed.number)
        if key <= before:
            raise DataError(f"{where} is out of order: {key[0]}#{key[1]}.", AGAIN)
        count, before = count + 1, key
        yield Raw(key, line, kind, where)
    if not is_closed:
        raise DataError(f"{path} was cut short after {count} records.", AGAIN)


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, one in memory at a time."""
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise refuse_read(path, error) from error


def parse_line(line: bytes, kind: type[Anything], where: str) -> Anything:
    """A line's JSON; `where` is what the message calls it."""
    try:
        return decode(line, kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{where} cannot be read (cut short?): {error}.", AGAIN) from error
