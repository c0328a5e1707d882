"""What the champion made of the pull requests when it was last good: what each night is compared with.

It changes only when there is a reason: a night that is significantly better, other pull requests in the set, or
somebody who accepts what there is now. Were it last night's, small losses would add up unseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from evals.decided import Decided
from evals.errors import EvalError, refuse_read, refuse_write
from evals.held_out import HeldOutSet
from evals.predictions import Prediction, Run, RunFolder
from evals.records import digest
from reviewer.jsonfile import replace_file

SUFFIX: Final = " when last good"
"""Behind the candidate's name, to tell it from the same one tonight."""
GAPS: Final = "the set has changed since"
"""Why it lacks pull requests, if it does."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether tonight's run is the last good one from now on, and why."""

    taken: bool
    why: str

    def say(self) -> str:
        """The two in a sentence."""
        kept = "Tonight's run is the last good one from now on" if self.taken else "The last good run stays"
        return f"{kept}: {self.why}"


@dataclass(frozen=True, slots=True)
class Kept:
    """The last good run as it is kept: nothing when there is none, or none that can be read."""

    run: Run | None = None
    predictions: tuple[Prediction, ...] = ()
    digest: str = ""
    """Stands for it."""
    problem: str = ""
    """Why it cannot be read."""


def load_kept(folder: RunFolder) -> Kept:
    """Read the last good run. What cannot be read counts as none: else it would stop every night from now on."""
    if not folder.run_file.exists():
        return Kept()
    try:
        run, predictions = folder.load_run(), folder.load_predictions()
        data = folder.predictions_file.read_bytes() if predictions else b""
    except EvalError as error:
        return Kept(problem=error.what)
    return Kept(run, tuple(predictions.values()), digest(data))


def recall(kept: Kept, held_out: HeldOutSet, out: RunFolder) -> str:
    """Write the last good run into a folder, as far as the set still shows the same pull requests.

    Args:
        kept: The last good run, if any.
        held_out: The set of tonight.
        out: A new folder.

    Returns:
        What stands for the kept run; empty when there is none, or none of its pull requests is there any more.

    Raises:
        EvalError: The folder cannot be written.
    """
    same = _pick_same(kept.predictions, held_out)
    if not (kept.run and same):
        return ""
    out.start(replace(kept.run, candidate=kept.run.candidate + SUFFIX, gaps=GAPS))
    for prediction in same:
        out.add(prediction)
    return kept.digest


def decide_keep(kept: Kept, held_out: HeldOutSet, decided: Decided | None, *, accept: bool) -> Choice:
    """Whether tonight's run takes the place of the kept one.

    Args:
        kept: The last good one, if any.
        held_out: The set of tonight.
        decided: The gate on tonight's run against the kept one; None when they could not be compared.
        accept: Somebody wants it so.
    """
    if accept:
        return Choice(taken=True, why="it was accepted by hand.")
    if kept.problem:
        return Choice(taken=True, why="what was kept cannot be read.")
    same = _pick_same(kept.predictions, held_out)
    if not same:
        why = "the set has no pull request of before." if kept.predictions else "there was none before."
        return Choice(taken=True, why=why)
    changed = len(same) < max(len(held_out.pull_requests), len(kept.predictions))
    return _judge(decided if decided and decided.is_enough else None, changed=changed)


def _judge(decided: Decided | None, *, changed: bool) -> Choice:
    if decided is None:
        return Choice(taken=False, why="there is too little to compare.")
    if decided.losses:
        return Choice(taken=False, why="tonight's is worse.")
    if decided.is_better:
        return Choice(taken=True, why="it is significantly better.")
    if changed:
        return Choice(taken=True, why="the set has other pull requests than before, and it is not worse.")
    return Choice(taken=False, why="tonight's is not significantly better.")


def keep(run: RunFolder, kept: RunFolder) -> None:
    """Put a run in the place of the kept one.

    Raises:
        EvalError: It cannot be read or written.
    """
    for source, target in ((run.predictions_file, kept.predictions_file), (run.run_file, kept.run_file)):
        try:
            data = source.read_bytes()
        except OSError as error:
            raise refuse_read(source, error) from error
        try:
            kept.folder.mkdir(parents=True, exist_ok=True)
            replace_file(target, data)
        except OSError as error:
            raise refuse_write(kept.folder, error) from error


def _pick_same(predictions: Iterable[Prediction], held_out: HeldOutSet) -> list[Prediction]:
    """Those of pull requests that the set holds as they were shown."""
    shown = {held.key: held.digest for held in held_out.pull_requests}
    return [prediction for prediction in predictions if shown.get(prediction.key) == prediction.shown]
