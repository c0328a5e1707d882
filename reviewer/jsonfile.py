"""bundle.json and review.json: what the three steps hand to one another, and the run record.

Each document is its noun of `reviewer.domain` with a `schema` key at the top that names the kind and the version. The
readers take nothing for granted: the files come from another job. Texts of a pull request may hold lone surrogates
(bytes that are no UTF-8); they are written as JSON escapes and read back as they were.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from pathlib import Path
from typing import TypeVar, get_args

import msgspec

from reviewer import __version__
from reviewer.domain import CATEGORIES, SEVERITIES, Bundle, CoverageState, DropReason, Review
from reviewer.errors import UsageError

BUNDLE_SCHEMA = "glossator/bundle/1"
REVIEW_SCHEMA = "glossator/review/1"
RUN_SCHEMA = "glossator/run/1"
MAX_BYTES = {BUNDLE_SCHEMA: 64 * 2**20, REVIEW_SCHEMA: 16 * 2**20}
"""A pull request of 100,000 changed lines makes a bundle of about 15 MiB."""

SETTING_VALUE = {"type": ["string", "number", "boolean", "array"]}
"""What `object` means in Bundle.settings."""

Document = TypeVar("Document", bound=Bundle | Review)
Anything = TypeVar("Anything")


class Header(msgspec.Struct):
    """The part of a document that says what the rest is."""

    schema: str = ""


def save_json(document: Bundle | Review, path: Path) -> None:
    """Write bundle.json or review.json, whole or not at all.

    Raises:
        UsageError: The document is too large for its readers, or the file cannot be written.
    """
    data = render_json(document)
    limit = MAX_BYTES[schema_of(type(document))]
    if len(data) > limit:
        raise UsageError(
            f"{path.name} would have {len(data) / 2**20:.0f} MiB, at most {limit / 2**20:.0f} MiB can be read again.",
            "Exclude large generated files with the setting exclude.",
        )
    try:
        replace_file(path, data)
    except OSError as error:
        raise UsageError(
            f"Cannot write {path}: {error.strerror}.", "Choose a folder that can be written to."
        ) from error


def replace_file(path: Path, data: bytes) -> None:
    """Put the data in place of the file at once: a reader sees the old content or the new one, never half of it.

    What is no plain file, as a terminal or a pipe is, is written to and not replaced; of a link, what it leads to.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_bundle(path: Path) -> Bundle:
    """Read bundle.json, or raise UsageError that says where in the document it is wrong."""
    return parse_json(read_file(path, MAX_BYTES[BUNDLE_SCHEMA]), Bundle, path.name)


def load_review(path: Path) -> Review:
    """Read review.json, or raise UsageError that says where in the document it is wrong."""
    return parse_json(read_file(path, MAX_BYTES[REVIEW_SCHEMA]), Review, path.name)


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of a plain file that is not larger than the limit."""
    hint = "Give the file that the step before has written."
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a plain file.", hint)
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", hint) from error
    if len(data) > limit:
        raise UsageError(f"{path} is larger than {limit / 2**20:.0f} MiB.", hint)
    return data


def schema_of(kind: type[object]) -> str:
    """The name and version of a kind of document."""
    return BUNDLE_SCHEMA if kind is Bundle else REVIEW_SCHEMA


def render_json(document: Bundle | Review) -> bytes:
    """The document as compact JSON, in UTF-8."""
    values: dict[str, object] = {"schema": schema_of(type(document))}
    values |= {field.name: getattr(document, field.name) for field in dataclasses.fields(document)}
    try:
        return msgspec.json.encode(values)
    except UnicodeEncodeError:  # a lone surrogate: only the standard library writes it as an escape
        return json.dumps(msgspec.to_builtins(values)).encode("ascii")


def parse_json(data: bytes, kind: type[Document], name: str) -> Document:
    """The document in these bytes; `name` is what the messages call it."""
    try:
        check_schema(decode(data, Header).schema, schema_of(kind), name)
        return decode(data, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} does not fit its schema: {error}.", "Run the step before it again.") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON: {error}.", "Was it cut short? Run the step before it again.") from error


def decode(data: bytes, kind: type[Anything]) -> Anything:
    """Strictly typed data from JSON, by way of the standard library where a lone surrogate stands in it."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(data, parse_constant=refuse_constant), kind)


def refuse_constant(word: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError(f"{word} is no JSON value")


def check_schema(found: str, wanted: str, name: str) -> None:
    """Refuse another kind of document and another version of this kind, each by its name."""
    if found == wanted:
        return
    if not found:
        raise UsageError(f"{name} does not say what it is.", f'Its "schema" must be "{wanted}".')
    if found.rpartition("/")[0] != wanted.rpartition("/")[0]:
        raise UsageError(f"{name} is {found[:80]!r}, not {wanted!r}.", "Were two files mixed up?")
    raise UsageError(
        f"{name} is {found[:80]!r}, and this version of Glossator reads {wanted!r}.",
        "Run all steps with the same version of Glossator.",
    )


def render_document_schema(kind: type[object]) -> str:
    """The JSON Schema of a document, as the text of schemas/bundle.schema.json or schemas/review.schema.json."""
    schema = msgspec.json.schema(kind, schema_hook=lambda _: SETTING_VALUE)
    top = schema["$defs"][kind.__name__]
    top["properties"] = {"schema": {"const": schema_of(kind)}, **top["properties"]}
    top["required"] = ["schema", *top["required"]]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Glossator {kind.__name__.lower()}.json",
    }
    return json.dumps({**head, **schema}, indent=2) + "\n"


def run_record(review: Review, **facts: str | float | bool | None) -> dict[str, object]:
    """What a run did, in numbers and names: flat, fit for JSON, and without a word of the code or of the model.

    Args:
        review: The review that the run made.
        facts: More columns that the caller knows, such as the run's id, its trigger or the canary's arm.
    """
    record: dict[str, object] = {
        "schema": RUN_SCHEMA,
        "glossator": __version__,
        "repo": review.repo,
        "number": review.number,
        "head_sha": review.head_sha,
        "status": review.status,
        "comments": len(review.comments),
        "routed": len(review.routed),
        "dropped": len(review.dropped),
    }
    severities = Counter(finding.severity for finding in review.findings)
    categories = Counter(finding.category for finding in review.findings)
    reasons = Counter(dropped.reason for dropped in review.dropped)
    states = Counter(part.state for part in review.coverage)
    record |= {f"severity_{name}": severities[name] for name in SEVERITIES}
    record |= {f"category_{name}": categories[name] for name in CATEGORIES}
    record |= {f"dropped_{name.replace('-', '_')}": reasons[name] for name in DropReason}
    record |= {f"coverage_{name.replace('-', '_')}": states[name] for name in get_args(CoverageState)}
    record |= {f"model_{name}": value for name, value in dataclasses.asdict(review.model).items()}
    record |= {f"usage_{name}": value for name, value in dataclasses.asdict(review.usage).items()}
    return record | facts
