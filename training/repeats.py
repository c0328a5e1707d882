"""The texts that a first pass kept, and which of them repeat an earlier one: in a temporary file, not in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

Place = tuple[str, int, int]
"""Repository, number and comment: a pull request may be stored under two names of its repository."""


class Repeats:
    """Texts by their comments' places. Use it with `with`; the file stands in `folder`, the caller's to remove."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "repeats.sqlite"

    def __enter__(self) -> Self:
        self._base = sqlite3.connect(self._path, isolation_level=None)
        self._base.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE text (created TEXT, id INTEGER, repo TEXT, number INTEGER, body BLOB);"
            "CREATE INDEX in_order ON text (created, id, repo, number);"  # or SQLite sorts in the system's folder
            "CREATE TABLE repeat (repo TEXT, number INTEGER, id INTEGER, earlier INTEGER,"
            " PRIMARY KEY (repo, number, id)) WITHOUT ROWID;"
            "BEGIN"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def add_all(self, repo: str, number: int, texts: Iterable[tuple[str, int, str]]) -> None:
        """Note texts of a pull request: when each was written, its comment's id, its words."""
        rows = ((created, id_, repo, number, body.encode("utf-8", "surrogatepass")) for created, id_, body in texts)
        self._base.executemany("INSERT INTO text VALUES (?, ?, ?, ?, ?)", rows)

    def in_order(self) -> Iterator[tuple[Place, str]]:
        """Places and texts as they were written, the earliest first; of the same moment the lower id."""
        rows = self._base.execute("SELECT repo, number, id, body FROM text ORDER BY created, id, repo, number")
        return ((tuple(place), body.decode("utf-8", "surrogatepass")) for *place, body in rows)

    def mark(self, place: Place, earlier: int) -> None:
        """Note that the comment there repeats an earlier one."""
        self._base.execute("INSERT OR REPLACE INTO repeat VALUES (?, ?, ?, ?)", (*place, earlier))

    def find(self, place: Place) -> int | None:
        """The id of the earlier comment that the one there repeats."""
        found = self._base.execute("SELECT earlier FROM repeat WHERE repo = ? AND number = ? AND id = ?", place)
        row = found.fetchone()
        return None if row is None else int(row[0])
