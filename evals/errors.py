"""What can go wrong in an evaluation, below `reviewer.errors.GlossatorError`.

GlossatorError
└── EvalError   6   a held-out set, a run or a scorecard that cannot be read or written, or does not fit another
"""

from __future__ import annotations

from pathlib import Path

from reviewer.errors import GlossatorError


class EvalError(GlossatorError):
    """A file of the evaluation that cannot be used. The message names it."""

    exit_code = 6


def refuse_read(path: Path, error: OSError) -> EvalError:
    """The error for a file that cannot be read."""
    return EvalError(f"Cannot read {path}: {error.strerror or error}.", "Is it there, and yours to read?")


def refuse_write(path: Path, error: OSError) -> EvalError:
    """The error for a file that cannot be written. What stood there still stands."""
    return EvalError(f"Cannot write {path}: {error.strerror or error}.", "Make room, or choose another folder.")
