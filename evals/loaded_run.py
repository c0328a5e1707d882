"""A run read back for scoring, checked against the held-out set that it is scored on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evals.errors import EvalError
from evals.held_out import HeldOut, HeldOutSet, Key
from evals.predictions import Prediction, Run, RunFolder, list_changed, list_hunks
from evals.run_folders import SCORECARD

_AGAIN: Final = "Was the set made again since? Run the candidate on this one: what stays the same is not done twice."


@dataclass(frozen=True)
class LoadedRun:
    """Who was run, and what it made of which pull requests."""

    folder: Path
    run: Run
    predictions: dict[Key, Prediction]


@dataclass(frozen=True)
class Sample:
    """The pull requests of a set on which runs are scored, in the set's order, and sentences on what is left out.

    `holes`: how many are left out because a run has no prediction of them, and no reason.
    """

    held_out: HeldOutSet
    pull_requests: tuple[HeldOut, ...]
    notes: tuple[str, ...] = ()
    holes: int = 0


def load_run(folder: Path, held_out: HeldOutSet) -> LoadedRun:
    """Read a run of this set.

    Raises:
        EvalError: It cannot be read, is of another set, or the set shows something else now.
    """
    run, predictions = RunFolder(folder).load_run(), RunFolder(folder).load_predictions()
    held = {one.key: one for one in held_out.pull_requests}
    for (repo, number), prediction in predictions.items():
        one = held.get((repo, number))
        if one is None:
            where = f"{repo}#{number}, which the set {held_out.name!r} does not hold"
            raise EvalError(f"{folder} is a run of {run.dataset!r}: it has {where}.", "Score it on its own set.")
        if prediction.shown != one.digest:
            raise EvalError(f"{folder} was shown another {repo}#{number} than {held_out.name!r} holds.", _AGAIN)
        _check_scores(folder, one, prediction)
    if not predictions:
        raise EvalError(f"{folder} has no prediction.", "Run the candidate first: glossator-eval run.")
    return LoadedRun(folder, run, predictions)


def _check_scores(folder: Path, held: HeldOut, prediction: Prediction) -> None:
    """Refuse scores that no hunk or line can be told for."""
    counts = (
        ("hunks", len(prediction.hunk_scores), len(list_hunks(held))),
        ("changed lines", len(prediction.line_scores), len(list_changed(held))),
    )
    for what, scores, there in counts:
        if scores not in {0, there}:
            where = f"{folder} has {scores} scores for the {there} {what} of {held.key[0]}#{held.key[1]}"
            raise EvalError(f"{where}.", "A run gives one for each, or none: make it again.")


def choose_sample(
    held_out: HeldOutSet, runs: Sequence[LoadedRun], limit: int = 0, *, allow_holes: bool = False
) -> Sample:
    """The pull requests that all runs have, the first `limit` of them.

    A run may have the head of the set, which is drawn by chance. One with holes has left out what its model failed on,
    so that its failures would choose the sample: it is refused, unless that is wanted or the run says why.

    Raises:
        EvalError: There is none, or a run has holes.
    """
    common = [one for one in held_out.pull_requests if all(one.key in run.predictions for run in runs)]
    if not common:
        raise EvalError("No pull request was predicted by all of the runs.", "Score them one by one, or run on.")
    chosen = tuple(common[:limit] if limit else common)
    notes = []
    if len(chosen) < len(held_out.pull_requests):
        why = "those with a prediction" if len(runs) == 1 else f"those that all {len(runs)} runs have"
        why = f"the first {limit} of {why}" if len(chosen) < len(common) else why
        notes.append(f"Scored on {len(chosen)} of {len(held_out.pull_requests)} pull requests of the set: {why}.")
    holed = [(run, holes) for run in runs if (holes := list_holes(held_out, run, chosen[-1].key))]
    notes += [_excuse(run, holes, allow_holes=allow_holes) for run, holes in holed]
    unexcused = {key for run, holes in holed if not run.run.gaps for key in holes}
    return Sample(held_out, chosen, tuple(notes), len(unexcused))


def list_holes(held_out: HeldOutSet, run: LoadedRun, last: Key) -> list[Key]:
    """The pull requests before the last one of the sample that a run has no prediction of."""
    keys = [one.key for one in held_out.pull_requests]
    return [key for key in keys[: keys.index(last)] if key not in run.predictions]


def _excuse(run: LoadedRun, holes: Sequence[Key], *, allow_holes: bool) -> str:
    """Say what a run has left out.

    Raises:
        EvalError: It must not.
    """
    repo, number = holes[0]
    more = f" and {len(holes) - 1} more" if len(holes) > 1 else ""
    if not (allow_holes or run.run.gaps):
        raise EvalError(
            f"{run.folder} has no prediction of {repo}#{number}{more}, but of pull requests behind in the set.",
            "Run it again: it goes on, and asks only about these. With --allow-holes they are left out of the figures.",
        )
    why = run.run.gaps or "its model may have failed there"
    return f"{run.run.candidate} has no prediction of {repo}#{number}{more}: {why}."


def choose_files(runs: Sequence[LoadedRun], out: Path | None) -> list[Path]:
    """Where the scorecard of each run goes: beside its predictions, or to `out`.

    Args:
        runs: The runs.
        out: `NAME.json` is the file of the only run; anything else a folder that gets a file for each candidate.

    Raises:
        EvalError: Two would go to one file.
    """
    if out is None:
        files = [run.folder / SCORECARD for run in runs]
    elif out.suffix == ".json":
        files = [out for _ in runs]
    else:
        files = [out / f"{_file_name(run.run.candidate)}.json" for run in runs]
    for at, file in enumerate(files):
        if file in files[:at]:
            raise EvalError(f"Two scorecards would go to {file}.", "Name each run once, and candidates differently.")
    return files


def _file_name(candidate: str) -> str:
    """The candidate's name as a file's: nothing of it leaves the folder."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", candidate).strip(".") or "candidate"
