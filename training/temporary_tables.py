"""Tables of SQLite in a temporary file: what a stage has to look up, and may not keep in memory."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

from training.errors import DataError
from training.records import is_running

_PRAGMAS: Final = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;"
_LEFT: Final = re.compile(r"\.tables-(\d+)-.*")


@contextmanager
def open_tables(script: str, folder: Path | None = None) -> Iterator[sqlite3.Connection]:
    """A database of its own that goes when the block ends. What a killed process left in the folder goes first.

    Args:
        script: The statements that create the tables.
        folder: Where the file stands, in a folder of its own; the system's for such files by default.

    Raises:
        DataError: There is no room, or the folder cannot be written to. Errors of SQLite in the block become it too.
    """
    with ExitStack() as stack:
        try:
            _remove_left_behind(folder)
            prefix = f".tables-{os.getpid()}-"
            name = stack.enter_context(TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True))
        except OSError as error:
            raise refuse_tables(folder, error) from error
        try:
            base = sqlite3.connect(Path(name) / "tables.sqlite", isolation_level=None)
            stack.callback(base.close)
            base.executescript(f"{_PRAGMAS}{script};BEGIN")
            yield base
        except sqlite3.Error as error:
            raise refuse_tables(folder, error) from error


def _remove_left_behind(folder: Path | None) -> None:
    for other in folder.iterdir() if folder else ():
        if (found := _LEFT.fullmatch(other.name)) and not is_running(int(found[1])):
            shutil.rmtree(other, ignore_errors=True)


def refuse_tables(folder: Path | None, error: sqlite3.Error | OSError) -> DataError:
    """The error for temporary tables that cannot be written or read, mostly for want of room."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    where = folder or gettempdir()
    hint = "Make room there, or let it be written to, and run the same command again."
    return DataError(f"Cannot keep temporary tables in {where}: {why}.", hint)
