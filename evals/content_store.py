"""Results by the content that they were made of, in one SQLite file: what was worked out once is not worked out again.

Several processes may use a file at once, and one that is killed loses only what it was working on.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from evals.errors import EvalError

_AT_ONCE = 500
"""Keys in one question: SQLite takes at least 999."""
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
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        except (OSError, sqlite3.Error) as error:
            raise self._refuse(error) from error

    def _refuse(self, error: Exception) -> EvalError:
        hint = "Remove the file, or choose another one: what it remembers can be worked out again."
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
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            question = f"SELECT key, value FROM results WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608 - question marks
            try:
                found.update(self._database.execute(question, some))
            except sqlite3.Error as error:
                raise self._refuse(error) from error
        return found

    def put_many(self, results: Mapping[str, str]) -> None:
        """Remember results.

        Raises:
            EvalError: They cannot be written.
        """
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?)", results.items())
        except sqlite3.Error as error:
            raise EvalError(f"Cannot write {self.path}: {error}.", "Make room, and run the same again.") from error

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
