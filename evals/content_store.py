"""Results by the content that they were made of, in one SQLite file: what was worked out once is not worked out again.

Several processes may use a file at once, and one that is killed loses only what it was working on. A file that is
damaged is moved aside, and a new one begun: all that it remembers can be worked out again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from evals.errors import EvalError

_AT_ONCE = 500
"""Keys in one question: SQLite takes at least 999."""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_WAIT = 60.0
"""Seconds that a writer waits for another one."""


def content_key(*parts: str) -> str:
    """The key of a result: a digest of all that it depends on."""
    content = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


class ContentStore:
    """A table of results, each a JSON text. Close it, or use it as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._refuse(error) from error
        self._mended(self._prepare)

    def _prepare(self) -> None:
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value TEXT NOT NULL)")

    def _mended(self, work: Callable[[], None]) -> None:
        """Do something, with a new file if this one is damaged.

        Raises:
            EvalError: It cannot be done.
        """
        try:
            try:
                work()
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
                    raise
                self._start_anew(error)
                work()
        except (OSError, sqlite3.Error) as error:
            raise self._refuse(error) from error

    def _start_anew(self, error: sqlite3.Error) -> None:
        """Move the file aside, and those that belong to it."""
        self._database.close()
        aside = self.path.with_name(f"{self.path.name}.damaged")
        click.echo(
            f"Warning: {self.path} is damaged ({error}). It is {aside.name} now, and a new one is begun.", err=True
        )
        self.path.replace(aside)
        for end in ("-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        self._database = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        self._prepare()

    def _refuse(self, error: Exception) -> EvalError:
        hint = "Make room, choose another file, or remove it: what it remembers can be worked out again."
        return EvalError(f"Cannot use {self.path} to remember results: {error}.", hint)

    def get(self, key: str) -> str | None:
        """The result, if it is known."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, str]:
        """The results that are known, by key.

        Raises:
            EvalError: The file cannot be read.
        """
        found: dict[str, str] = {}
        wanted = list(keys)

        def look() -> None:
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                question = f"SELECT key, value FROM results WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608 - question marks
                found.update(self._database.execute(question, some))

        self._mended(look)
        return found

    def put_many(self, results: Mapping[str, str]) -> None:
        """Remember results.

        Raises:
            EvalError: They cannot be written.
        """

        def write() -> None:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?)", results.items())

        self._mended(write)

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
