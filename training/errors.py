"""What can go wrong with data, below `reviewer.errors.GlossatorError`.

GlossatorError
├── DataError   6   a file of the pipeline that cannot be read or written: truncated, of another version, no room
└── LeakError   7   the same thing stands on both sides of a split
"""

from __future__ import annotations

import errno
from pathlib import Path

from reviewer.errors import GlossatorError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DataError(GlossatorError):
    """A file of the pipeline that cannot be used. The message names it."""

    exit_code = 6


def refuse_read(path: Path, error: OSError) -> DataError:
    """The error for a file or folder of the pipeline that cannot be read."""
    return DataError(f"Cannot read {path}: {error.strerror or error}.", "Is it yours to read, and is the disk whole?")


def refuse_write(path: Path, error: OSError) -> DataError:
    """The error for a file of the pipeline that cannot be written. What stood there still stands."""
    hint = "Choose a folder that can be written to."
    if error.errno in _NO_ROOM:
        hint = "Make room, and run the same command again."
    return DataError(f"Cannot write {path}: {error.strerror or error}.", hint)


class LeakError(GlossatorError):
    """Something stands on both sides of a split. The message names the rows."""

    exit_code = 7
