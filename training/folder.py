"""A folder whose entries change together, when all of them are whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.errors import DataError


@contextmanager
def replace_entries(folder: Path, last: str) -> Iterator[Path]:
    """Give a new folder to write into; when the block ends well, its entries take the place of those in `folder`.

    Args:
        folder: Where the entries go. Others in it stay.
        last: The entry that is taken away first and put in place last: where it is, all are of one run.

    Raises:
        DataError: They cannot be written, as on a full disk. Then nothing has changed, or `last` is missing.
    """
    partial, old = folder / ".partial", folder / ".old"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir()
        if (folder / last).exists():
            (folder / last).rename(old / last)
        for entry in sorted(partial.iterdir(), key=lambda entry: (entry.name == last, entry.name)):
            if (folder / entry.name).exists():
                (folder / entry.name).rename(old / entry.name)
            entry.rename(folder / entry.name)
    except OSError as error:
        why = error.strerror or str(error)
        raise DataError(f"Cannot write {folder}: {why}.", "Make room, and run the stage again.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
