"""Files of JSON lines: the first line says what the file is, each other one is a record.

Texts of pull requests may hold lone surrogates (bytes that are no UTF-8): they are written as JSON escapes and read
back as they were.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from evals.errors import EvalError, refuse_read, refuse_write
from reviewer.jsonfile import decode, replace_file

Record = TypeVar("Record")


def encode(value: Any) -> bytes:
    """A dataclass as one line of compact JSON, without the newline."""
    return encode_values({field.name: getattr(value, field.name) for field in fields(value)})


def encode_values(values: dict[str, Any]) -> bytes:
    """A JSON object as one line."""
    try:
        return msgspec.json.encode(values)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(values)).encode("ascii")


def digest(data: bytes) -> str:
    """Sixteen hex digits that stand for the data."""
    return hashlib.sha256(data).hexdigest()[:16]


def save_lines(path: Path, head: dict[str, Any], lines: Iterable[bytes]) -> None:
    """Write a file of records, whole or not at all.

    Raises:
        EvalError: It cannot be written. What stood there still stands.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(encode_values(head) + b"\n")
            file.writelines(line + b"\n" for line in lines)
        partial.replace(path)
    except OSError as error:
        raise refuse_write(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def save_document(path: Path, schema: str, value: Any) -> None:
    """Write one dataclass as an indented JSON document with its schema's name first, whole or not at all.

    Raises:
        EvalError: It cannot be written. What stood there still stands.
    """
    values = {"schema": schema} | {field.name: getattr(value, field.name) for field in fields(value)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, _indent(values) + b"\n")
    except OSError as error:
        raise refuse_write(path, error) from error


def _indent(values: dict[str, Any]) -> bytes:
    """A JSON object over several lines. Only the standard library writes a lone surrogate, as an escape."""
    try:
        return msgspec.json.format(msgspec.json.encode(values), indent=1)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(values), indent=1).encode("ascii")


def load_document(path: Path, schema: str, kind: type[Record]) -> Record:
    """Read what `save_document` wrote.

    Raises:
        EvalError: It cannot be read, or is something else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refuse_read(path, error) from error
    check_head(data, schema, path)
    return parse_line(data, kind, str(path))


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file without their newlines, one in memory at a time.

    Raises:
        EvalError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n")
    except OSError as error:
        raise refuse_read(path, error) from error


def check_head(line: bytes, schema: str, path: Path) -> None:
    """Refuse a file whose head names another schema.

    Raises:
        EvalError: It is another kind of file, or none of ours.
    """
    found = parse_line(line, _Head, f"{path}").schema
    if found != schema:
        raise EvalError(f"{path} is {found[:80]!r}, not {schema!r}.", "Were two files mixed up, or are versions?")


def parse_line(line: bytes, kind: type[Record], where: str) -> Record:
    """A record of JSON; `where` is what the message calls it.

    Raises:
        EvalError: It is no JSON, or does not fit.
    """
    try:
        return decode(line, kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise EvalError(f"{where} cannot be read: {error}.", "Was it cut short? Make it again.") from error


class _Head(msgspec.Struct):
    schema: str = ""
