"""A folder whose entries change together, when all of them are whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from training.errors import DataError
from training.records import is_running

_OWN: Final = re.compile(r"\.(?:partial|old)(?:-(\d+)-.*)?")
"""Each run has folders of its own, which its process names; older versions wrote no process."""


@contextmanager
def replace_entries(folder: Path, last: str) -> Iterator[Path]:
    """Give a new folder to write into; when the block ends well, its entries take the place of those in `folder`.

    Of two runs at once the one that ends last stays.

    Args:
        folder: Where the entries go. Others in it stay.
        last: The entry that is taken away first and put in place last: where it is, all are of one run.

    Raises:
        DataError: They cannot be written, as on a full disk, or another run puts its own in place at this very moment.
            Then nothing has changed, or `last` is missing.
    """
    own: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for other in _list_others(folder, is_alive=False):
            shutil.rmtree(other, ignore_errors=True)
        own.append(new := _make_own(folder, "partial"))
        yield new
        own.append(old := _make_own(folder, "old"))
        _swap(folder, new, old, last)
    except OSError as error:
        why = error.strerror or str(error)
        raise DataError(f"Cannot write {folder}: {why}.", "Make room, and run the stage again.") from error
    finally:
        for each in own:
            shutil.rmtree(each, ignore_errors=True)


def _make_own(folder: Path, name: str) -> Path:
    return Path(mkdtemp(prefix=f".{name}-{os.getpid()}-", dir=folder))


def _list_others(folder: Path, *, is_alive: bool) -> list[Path]:
    """The folders of runs whose process is running, or is not."""
    found = [(path, _OWN.fullmatch(path.name)) for path in folder.iterdir()]
    return [path for path, name in found if name and is_alive == bool(name[1] and is_running(int(name[1])))]


def _swap(folder: Path, new: Path, old: Path, last: str) -> None:
    """Put the new entries in place and those before them into `old`, which tells others that it is being done."""
    others = [path for path in _list_others(folder, is_alive=True) if path.name.startswith(".old") and path != old]
    if others:
        hint = f"Run the stage again. If nothing else is running, remove {others[0]} first."
        raise DataError(f"Another run is changing {folder} at this moment.", hint)
    if (folder / last).exists():
        (folder / last).rename(old / last)
    for entry in sorted(new.iterdir(), key=lambda entry: (entry.name == last, entry.name)):
        if (folder / entry.name).exists():
            (folder / entry.name).rename(old / entry.name)
        entry.rename(folder / entry.name)
