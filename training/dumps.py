"""Dumps of GitHub's API on disk: a folder as `gh api` would fill it, or files of JSON; see docs/collect.md."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from reviewer.errors import GlossatorError
from training.collect_run import Collected, is_repo_name
from training.collect_state import remember_salt
from training.dump_rows import Dumped, read_dumped
from training.errors import DataError
from training.licenses import LicenseRule, refuse_license
from training.opt_out import OptOut, leave_out
from training.snapshot import Snapshot, find_faults
from training.store import SnapshotStore

PARTS = ("comments", "commits", "threads", "files")
"""What may stand beside a pull request, as `pulls/N/comments.json`."""
_NUMBER = re.compile(r"([0-9]+)\.json")
_LINES = (".jsonl", ".jsonl.gz")
_WHOLE = (".json", ".json.gz")


@dataclass(frozen=True, slots=True)
class Found:
    """A pull request's part of a dump. `repo` is empty unless the dump's folders say it; `where` is for messages."""

    where: str
    repo: str
    value: dict[str, Any]


def import_dumps(
    paths: Sequence[Path], store: SnapshotStore, opt_out: OptOut, salt: str, licenses: LicenseRule
) -> Collected:
    """Put the merged pull requests of dumps into the store. What cannot be read is told, and the rest goes on.

    Raises:
        UsageError: The names in the store are, or may be, hashed with another salt.
        DataError: A snapshot cannot be written.
    """
    remember_salt(store, salt)
    told, repos = Collected(), set[str]()
    for path in paths:
        for found in find_pulls(path, told.problems):
            try:
                snapshot = parse_pull(found, salt)
            except (msgspec.ValidationError, ValueError) as error:
                told.problems.append(f"{found.where}: {error}.")
                continue
            repos.add(snapshot.repo)
            save(snapshot, store, opt_out, licenses, told)
    told.repos = len(repos)
    return told


def save(snapshot: Snapshot, store: SnapshotStore, opt_out: OptOut, licenses: LicenseRule, told: Collected) -> None:
    """Write a snapshot unless it is left out or there already."""
    kept = leave_out(snapshot, opt_out)
    if reason := refuse_license(snapshot.license, licenses):
        told.left_out[f"pull request under {reason}"] += 1
    elif not snapshot.merged:
        told.left_out["pull request that was not merged"] += 1
    elif kept is None:
        told.left_out["pull request of somebody who has opted out"] += 1
    else:
        stored = None
        if kept.key in store:
            try:
                stored = store.load(kept.key)
            except DataError as error:
                told.problems.append(f"{error.what} It is written anew.")
        told.unchanged += stored == kept
        told.new += stored is None
        told.updated += stored is not None and stored != kept
        if stored != kept:
            store.save(kept)


def parse_pull(found: Found, salt: str) -> Snapshot:
    """The snapshot of a dumped pull request, or ValueError."""
    dumped = msgspec.convert(found.value, Dumped)
    if dumped.pull.number < 1:
        raise ValueError(f"there is no pull request {dumped.pull.number}: the first is 1")
    about = dumped.repo or dumped.pull.base.repo
    repo = about.full_name if about and about.full_name else found.repo
    if not is_repo_name(repo):
        raise ValueError(f"it does not say of which repository it is ({repo[:80]!r})")
    snapshot = read_dumped(dumped, repo, salt)
    if fault := next(find_faults(snapshot), ""):
        raise ValueError(fault)
    return snapshot


def find_pulls(path: Path, problems: list[str]) -> Iterator[Found]:
    """The pull requests of a dump, one after another; what cannot be read becomes a problem."""
    if path.is_dir():
        folders = sorted(folder for folder in [path / "pulls", *path.rglob("pulls")] if folder.is_dir())
        if not folders:
            problems.append(f"{path} has no folder named pulls: no dump.")
        for folder in dict.fromkeys(folders):
            yield from _read_folder(folder.parent, problems)
        return
    try:
        for where, value in _read_values(path, problems):
            if isinstance(value, dict):
                yield Found(where, "", value if "pull" in value else {"pull": value})
            else:
                problems.append(f"{where} is no object.")
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        problems.append(f"{path} cannot be read to its end: {error}.")


def _read_folder(folder: Path, problems: list[str]) -> Iterator[Found]:
    """A repository's dump: repo.json and pulls/."""
    about = folder / "repo.json"
    numbers = sorted(
        int(match[1]) for entry in (folder / "pulls").iterdir() if (match := _NUMBER.fullmatch(entry.name))
    )
    for number in numbers:
        path = folder / "pulls" / f"{number}.json"
        try:
            value = _load(path)
            value = value if isinstance(value, dict) and "pull" in value else {"pull": value}
            beside = folder / "pulls" / str(number)
            value |= {name: _flatten(_load(one)) for name in PARTS if (one := beside / f"{name}.json").is_file()}
            if about.is_file():
                value["repo"] = _load(about)
            if (diff := path.with_suffix(".diff")).is_file():
                value["diff"] = diff.read_bytes().decode("utf-8", "replace")
        except (OSError, ValueError, RecursionError) as error:
            problems.append(f"{path}, or a file beside it, cannot be read: {error}.")
            continue
        yield Found(str(path), f"{folder.parent.name}/{folder.name}", value)


def _load(path: Path) -> Any:
    """The JSON of a file; of several documents in a row, as `gh api --paginate` writes lists, one list."""
    text, decoder, at = path.read_text("utf-8-sig").strip(), json.JSONDecoder(), 0
    values: list[Any] = []
    while at < len(text) or not values:
        value, at = decoder.raw_decode(text, at)
        values.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return values[0] if len(values) == 1 else values


def _flatten(value: Any) -> Any:
    """A list of pages as one list."""
    if isinstance(value, list) and value and all(isinstance(page, list) for page in value):
        return [item for page in value for item in page]
    return value


def _read_values(path: Path, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """The objects of a file with where each stands: one a line, or one list of them. Lines of no JSON are told."""
    opener = gzip.open if path.name.endswith(".gz") else open
    if path.name.endswith(_LINES):
        with opener(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError) as error:
                    problems.append(f"{path}, line {number}, was left out: {error}.")
                else:
                    yield f"{path}, line {number}", value
    elif path.name.endswith(_WHOLE):
        with opener(path, "rb") as file:
            value = json.loads(file.read())
        for number, one in enumerate(value if isinstance(value, list) else [value], 1):
            yield f"{path}, entry {number}", one
    else:
        raise ValueError("a dump is a folder, .json, .json.gz, .jsonl or .jsonl.gz")


def is_published(path: Path) -> bool:
    """Whether a path holds published review data rather than a dump: by the keys of its first row."""
    if path.is_dir():
        files = sorted(entry for entry in path.iterdir() if entry.name.endswith(_LINES))
        return not (path / "pulls").is_dir() and bool(files) and is_published(files[0])
    if not path.name.endswith(_LINES):
        return False
    try:
        _, row = next(_read_values(path, []))
    except (OSError, EOFError, zlib.error, ValueError, StopIteration, GlossatorError):
        return False
    return isinstance(row, dict) and "pull" not in row and "repo" in row and ("hunk" in row or "diff" in row)
