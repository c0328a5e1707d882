"""Training comments for the evaluation to choose references from: those of the dataset's training split alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evals.errors import EvalError
from evals.training_pairs import TrainingPair, save_training_pairs
from training.errors import DataError
from training.parquet import load_examples


def list_pairs(dataset: Path) -> Iterator[TrainingPair]:
    """Each comment of the training split with the code that it was made on, in the dataset's order.

    Raises:
        DataError: The dataset cannot be read.
    """
    for example in load_examples(dataset, "train"):
        hunk = "\n".join(line.kind + line.text for line in example.hunk.lines)
        for comment in example.comments:
            yield TrainingPair(example.repo, example.number, example.hunk.path, hunk, comment.body, comment.created_at)


def write_pairs(dataset: Path, path: Path) -> int:
    """Write them for `glossator-eval`.

    Returns:
        How many there are.

    Raises:
        DataError: The dataset cannot be read, or the file cannot be written.
    """
    pairs = list(list_pairs(dataset))
    try:
        save_training_pairs(path, pairs)
    except EvalError as error:
        raise DataError(error.what, error.hint) from error
    return len(pairs)
