"""Training comments, each with the hunk it is about: what reference texts are chosen from. One JSON object a line.

They come from the training part of the dataset alone. A constant or a neighbour that was chosen among the held-out
comments would have seen the answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evals.held_out import Key
from evals.records import check_head, encode, parse_line, read_lines, save_lines

TRAINING_PAIRS_SCHEMA: Final = "glossator/training-pairs/1"


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A human comment of the training data.

    `hunk` is the hunk's lines, each behind its mark (`+`, `-` or a blank), joined by newlines. `created_at` is when the
    comment was made, in ISO 8601.
    """

    repo: str
    number: int
    path: str
    hunk: str
    comment: str
    created_at: str = ""

    @property
    def key(self) -> Key:
        """What the pull request goes by."""
        return (self.repo, self.number)


def save_training_pairs(path: Path, pairs: Iterable[TrainingPair]) -> None:
    """Write the pairs.

    Raises:
        EvalError: They cannot be written.
    """
    save_lines(path, {"schema": TRAINING_PAIRS_SCHEMA}, map(encode, pairs))


def describe_pairs(pairs: Sequence[TrainingPair]) -> dict[str, int | str]:
    """How many there are, how many different comments, and a digest of all in their order: the same for the same file.

    Comments are the same when nothing but white space tells them apart; one without words is none.
    """
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(encode(pair) + b"\n")
    distinct = {" ".join(pair.comment.split()) for pair in pairs} - {""}
    return {"count": len(pairs), "distinct": len(distinct), "digest": digest.hexdigest()[:16]}


def load_training_pairs(path: Path) -> list[TrainingPair]:
    """Read the pairs in the order of the file.

    Raises:
        EvalError: It cannot be read, or is something else.
    """
    lines = read_lines(path)
    check_head(next(lines, b"{}"), TRAINING_PAIRS_SCHEMA, path)
    return [parse_line(line, TrainingPair, f"{path}, line {number},") for number, line in enumerate(lines, 2)]
