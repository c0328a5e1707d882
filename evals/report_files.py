"""Where the report goes: files, and the summary of a GitHub job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from evals.errors import refuse_write
from reviewer.jsonfile import replace_file

MOST_BYTES: Final = 1024 * 1024
"""GitHub throws away the summary of a step that is larger."""


def append_summary(text: str, variable: str = "GITHUB_STEP_SUMMARY") -> bool:
    """Add the text to the job's summary, where a job has one and it still fits.

    Returns:
        Whether it was added.

    Raises:
        EvalError: The file cannot be written.
    """
    name = os.environ.get(variable, "")
    if not name:
        return False
    path = Path(name)
    data = text.encode()
    try:
        before = path.stat().st_size if path.exists() else 0
        if before + len(data) > MOST_BYTES:
            return False
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise refuse_write(path, error) from error
    return True


def save_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises:
        EvalError: It cannot be written. What stood there still stands.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as error:
        raise refuse_write(path, error) from error
