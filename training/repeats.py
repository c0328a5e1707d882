"""The texts that a first pass kept, and which of them repeat an earlier one: in a temporary file, not in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self


class Repeats:
    """Texts by their comments' ids. Use it with `with`; the file stands in `folder` and is the caller's to remove."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "repeats.sqlite"

    def __enter__(self) -> Self:
        self._base = sqlite3.connect(self._path, isolation_level=None)
        self._base.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
            "CREATE TABLE text (created TEXT, id INTEGER, body TEXT);"
            "CREATE TABLE repeat (id INTEGER PRIMARY KEY, earlier INTEGER);"
            "BEGIN"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def add_all(self, texts: Iterable[tuple[str, int, str]]) -> None:
        """Note texts: when each was written, its comment's id, its words."""
        encoded = ((created, id_, body.encode("utf-8", "surrogatepass")) for created, id_, body in texts)
        self._base.executemany("INSERT INTO text VALUES (?, ?, ?)", encoded)

    def in_order(self) -> Iterator[tuple[int, str]]:
        """Ids and texts as they were written, the earliest first; of the same moment the lower id."""
        rows = self._base.execute("SELECT id, body FROM text ORDER BY created, id")
        return ((id_, body.decode("utf-8", "surrogatepass")) for id_, body in rows)

    def mark(self, comment: int, earlier: int) -> None:
        """Note that a comment repeats an earlier one."""
        self._base.execute("INSERT OR REPLACE INTO repeat VALUES (?, ?)", (comment, earlier))

    def find(self, comment: int) -> int | None:
        """The id of the earlier comment that this one repeats."""
        row = self._base.execute("SELECT earlier FROM repeat WHERE id = ?", (comment,)).fetchone()
        return None if row is None else int(row[0])
