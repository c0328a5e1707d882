"""Whether a run may go on in a folder: it is of one candidate, with the same settings, and the only one that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evals.errors import EvalError, refuse_write
from evals.records import digest
from reviewer.model_files import is_locked_by_us

if TYPE_CHECKING:
    from evals.predictions import Run

PACE: Final = "concurrency"
"""The setting that shapes no review, but how long each answer takes: seconds of two paces are of two kinds."""


def name_server(address: str) -> str:
    """Four digits that tell two servers apart: too few to tell an address by. Empty without an address."""
    return digest(f"the server of a run: {address}".encode("utf-8", "surrogatepass"))[:4] if address else ""


def is_same_run(before: Run, run: Run) -> bool:
    """Whether a run goes on. Older runs name no server and no pace."""
    settings = {PACE: run.settings[PACE], **before.settings} if PACE in run.settings else before.settings
    return replace(before, settings=settings, server=before.server or run.server) == run


def tell_difference(before: Run, run: Run) -> str:
    """In what two runs differ."""
    if is_same_run(replace(before, server=""), run):
        return "at another server"
    paces = before.settings.get(PACE), run.settings.get(PACE)
    if is_same_run(replace(before, settings={**before.settings, PACE: paces[1]}), run):
        return f"with a {PACE} of {paces[0]}, not {paces[1]}: their seconds cannot be compared"
    return "with other settings"


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep other runs away from a folder. The system lets go of it when a process dies.

    Raises:
        EvalError: Another run is writing here, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("ab")
    except OSError as error:
        raise refuse_write(folder, error) from error
    with lock:
        if not is_locked_by_us(lock):
            raise EvalError(f"Another run is writing to {folder}.", "Wait until it ends, or choose another folder.")
        yield
