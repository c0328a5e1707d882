"""Run candidates on held-out pull requests: each is asked once, whatever stops the run on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from evals.held_out import HeldOut, HeldOutSet, Key
from evals.predictions import Prediction, Run, RunFolder
from evals.same_run import hold_folder
from reviewer.errors import ModelError
from reviewer.review import PATIENCE


class Candidate(Protocol):
    """Whatever can be judged: the reviewer with a model, a baseline without one, a peer."""

    @property
    def run(self) -> Run:
        """Who it is, and on what it is run."""
        ...

    async def predict(self, held: HeldOut) -> Prediction:
        """What it makes of one pull request.

        Raises:
            ModelError: Its model failed, which says nothing of what it would have said.
        """
        ...


class Listener(Protocol):
    """Whoever wants to know how a run goes."""

    def start(self, done: int, total: int) -> None:
        """So many pull requests were done before."""
        ...

    def add(self, prediction: Prediction) -> None:
        """One more is done."""
        ...

    def fail(self, held: HeldOut, error: ModelError) -> None:
        """The model failed on one."""
        ...


class Silence:
    """A listener that shows nothing."""

    def start(self, done: int, total: int) -> None:
        """Nothing."""

    def add(self, prediction: Prediction) -> None:
        """Nothing."""

    def fail(self, held: HeldOut, error: ModelError) -> None:
        """Nothing."""


async def run_candidate(
    held_out: HeldOutSet, candidate: Candidate, folder: RunFolder, listener: Listener | None = None
) -> dict[Key, Prediction]:
    """Run a candidate on a set, or go on where an earlier run was stopped.

    A pull request on which the model failed gets no prediction, and one more try at the end.

    Returns:
        The predictions by pull request, in the order of the set.

    Raises:
        EvalError: The folder holds another run, one is writing to it, or it cannot be written.
        ModelError: The model failed on some pull requests, or PATIENCE times in a row: then the rest is left.
    """
    held = held_out.pull_requests
    with hold_folder(folder.folder):
        done = folder.start(candidate.run)
        done = {one.key: done[one.key] for one in held if one.key in done and done[one.key].shown == one.digest}
        listener = listener or Silence()
        listener.start(len(done), len(held))
        waiting = [one for one in held if one.key not in done]
        for _ in range(2):
            failed = await _predict_all(waiting, candidate, folder, done, listener)
            waiting = [one for one, _ in failed]
    if failed:
        raise _refuse(failed[-1][1], len(failed), len(done))
    return {one.key: done[one.key] for one in held}


async def _predict_all(
    waiting: Sequence[HeldOut],
    candidate: Candidate,
    folder: RunFolder,
    done: dict[Key, Prediction],
    listener: Listener,
) -> list[tuple[HeldOut, ModelError]]:
    """Predict each and write it down; those on which the model failed."""
    failed: list[tuple[HeldOut, ModelError]] = []
    in_a_row = 0
    for held in waiting:
        try:
            prediction = await candidate.predict(held)
        except ModelError as error:
            listener.fail(held, error)
            failed.append((held, error))
            in_a_row += 1
            if in_a_row == PATIENCE:
                raise _refuse(error, len(failed), len(done)) from error
            continue
        in_a_row = 0
        folder.add(prediction)
        done[held.key] = prediction
        listener.add(prediction)
    return failed


def _refuse(error: ModelError, failed: int, done: int) -> ModelError:
    kept = f"{done} {'has its prediction' if done == 1 else 'have their predictions'}"
    hint = f"{error.hint}\nThe same command goes on from here: it asks for no answer again.".lstrip()
    return type(error)(f"The model failed on {count_things(failed, 'pull request')}; {kept}. {error.what}", hint)


def count_things(count: int, thing: str) -> str:
    """`1 comment`, `2 comments`."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
