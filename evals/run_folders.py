"""Where runs and their scorecards lie. A folder of runs, as `--baseline all` leaves it, stands for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from evals.errors import EvalError

RUN: Final = "run.json"
SCORECARD: Final = "scorecard.json"


def list_runs(folders: Iterable[Path]) -> list[Path]:
    """Folders of single runs, in order. One that is no run itself stands for the runs in it, by name."""
    return [run for folder in folders for run in _open(folder)]


def list_scorecards(places: Iterable[Path]) -> list[Path]:
    """Files of scorecards, in order. A folder stands for its own scorecard, or for those of the runs in it.

    Raises:
        EvalError: A folder holds no run, or one that has not been scored.
    """
    return [file for place in places for file in (_find_scored(place) if place.is_dir() else [place])]


def _find_scored(folder: Path) -> list[Path]:
    files = [run / SCORECARD for run in _open(folder)]
    for file in files:
        if not file.is_file():
            raise EvalError(f"There is no {file}.", "Score the run first: glossator-eval score.")
    return files


def _open(folder: Path) -> list[Path]:
    if (folder / RUN).exists():
        return [folder]
    return sorted(run.parent for run in folder.glob(f"*/{RUN}")) or [folder]
