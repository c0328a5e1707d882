"""The pull requests of one repository, as the stages of the pipeline left them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from evals.errors import EvalError
from evals.held_out import HeldOut, load_held_out
from reviewer.domain import Split
from training.dataset import Names
from training.held_out import Choice, write_held_out
from training.store import SnapshotStore

_SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class StageFolders:
    """What collect, align, filter and split wrote."""

    snapshots: Path
    aligned: Path
    filtered: Path
    splits: Path


def load_own(folders: StageFolders, repo: str, names: Names, jobs: int = 0) -> tuple[list[HeldOut], list[str]]:
    """All pull requests of a repository with their human comments, whichever split they are of, and what went wrong.

    Raises:
        DataError: A folder cannot be read.
    """
    held: list[HeldOut] = []
    problems: list[str] = []
    store, stages = SnapshotStore(folders.snapshots), (folders.aligned, folders.filtered, folders.splits)
    with TemporaryDirectory(prefix="glossator-own-") as scratch:
        for split in _SPLITS:
            path = Path(scratch) / f"{split}.jsonl"
            counts, told = write_held_out(store, stages, path, Choice(split, (repo,)), names, jobs=jobs)
            problems += told.problems
            if counts.pull_requests:
                held += _load(path)
    return held, problems


def _load(path: Path) -> tuple[HeldOut, ...]:
    try:
        return load_held_out(path).pull_requests
    except EvalError as error:  # written a moment ago
        raise AssertionError(error.what) from error
