"""What can go wrong with data, below `reviewer.errors.GlossatorError`.

GlossatorError
├── DataError   6   a file of the pipeline that cannot be read or written: truncated, of another version, no room
└── LeakError   7   the same thing stands on both sides of a split
"""

from __future__ import annotations

from reviewer.errors import GlossatorError


class DataError(GlossatorError):
    """A file of the pipeline that cannot be used. The message names it."""

    exit_code = 6


class LeakError(GlossatorError):
    """Something stands on both sides of a split. The message names the rows."""

    exit_code = 7
