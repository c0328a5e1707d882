"""A folder that appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reviewer.errors import UsageError
from training.errors import DataError


@contextmanager
def replace_folder(folder: Path, mark: str) -> Iterator[Path]:
    """Give a new folder to write into, and put it in place of `folder` when the block ends well.

    Args:
        folder: What is replaced. It may be missing or empty.
        mark: A file that every folder of this kind holds: one without it is somebody else's, and stays.

    Raises:
        UsageError: The folder is somebody else's.
        DataError: It cannot be written, as on a full disk. Then nothing has changed.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise UsageError(f"{folder} holds other files, and would be replaced.", "Give a new folder with --dataset.")
    partial, old = folder.with_name(f".{folder.name}.partial"), folder.with_name(f".{folder.name}.old")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
    except OSError as error:
        raise DataError(f"Cannot write {folder}: {error.strerror or error}.", "Make room, and run it again.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
