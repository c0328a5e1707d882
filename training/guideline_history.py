"""Which guidelines a repository had when: one `guidelines.json` beside its snapshots, a version a line of history.

Followed are files that stood at the default branch at some collection, and only back to `VERSIONS` changes of each:
what was deleted or renamed before the first one is not known, and is then not there, rather than there with a text of
another time. What is deleted or renamed later keeps its versions, and ends with one without a text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from reviewer.errors import UsageError
from reviewer.jsonfile import check_schema, decode, replace_file
from training.errors import DataError
from training.records import encode
from training.store import SchemaOnly

GUIDELINES_SCHEMA = "glossator/guidelines/1"
GUIDELINES_NAME = "guidelines.json"
VERSIONS = 50
"""The newest versions of a file that are kept."""


@dataclass(frozen=True, slots=True)
class GuidelineVersion:
    """What a file held from `since` on, until its next version. `text` is None when it was no text, or gone."""

    path: str
    since: str
    """When it was committed to the default branch: RFC 3339, UTC."""
    sha: str
    """Of the commit."""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class GuidelineHistory:
    """The versions of all guideline files of a repository, by path and time."""

    repo: str
    versions: tuple[GuidelineVersion, ...] = ()
    blobs: dict[str, str] = field(default_factory=dict)
    """Path and blob of each file as it was last seen: an unchanged file is not asked for again."""
    etag: str = ""
    """Of the listing of the default branch."""


@dataclass(frozen=True, slots=True)
class HistoryFiles:
    """The guideline files at one time. Fits `reviewer.context.BaseFiles`."""

    texts: dict[str, str]

    def list_files(self) -> tuple[str, ...]:
        """The paths, in order."""
        return tuple(self.texts)

    def read_file(self, path: str, limit: int) -> str | None:
        """A file's text, cut at `limit` characters; None when it was not there."""
        text = self.texts.get(path)
        return None if text is None else text[:limit]


def files_at(history: GuidelineHistory, time: str) -> HistoryFiles:
    """The files in force at a time (RFC 3339, UTC, as GitHub writes it): of each the newest version not after it."""
    texts: dict[str, str | None] = {}
    for version in history.versions:
        if version.since <= time:
            texts[version.path] = version.text
    return HistoryFiles({path: text for path, text in sorted(texts.items()) if text is not None})


def history_path(folder: Path, repo: str) -> Path:
    """Where a repository's guidelines stand in the folder of snapshots."""
    return folder / repo / GUIDELINES_NAME


def load_history(folder: Path, repo: str) -> GuidelineHistory:
    """A repository's guidelines; an empty history when none were collected.

    Raises:
        DataError: The file is cut short, or of another version.
    """
    path = history_path(folder, repo)
    hint = "Delete the file and run `glossator-train collect` again."
    try:
        data = path.read_bytes()
        check_schema(decode(data, SchemaOnly).schema, GUIDELINES_SCHEMA, str(path))
        return decode(data, GuidelineHistory)
    except FileNotFoundError:
        return GuidelineHistory(repo)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.", hint) from error
    except UsageError as error:
        raise DataError(error.what, hint) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read (cut short?): {error}.", hint) from error


def save_history(folder: Path, history: GuidelineHistory) -> bool:
    """Write the guidelines whole or not at all. Returns whether anything changed.

    Raises:
        DataError: It cannot be written, as on a full disk.
    """
    path = history_path(folder, history.repo)
    data = encode(history, GUIDELINES_SCHEMA) + b"\n"
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise DataError(f"Cannot write {path}: {error.strerror}.", "Make room, and collect again.") from error
    return True
