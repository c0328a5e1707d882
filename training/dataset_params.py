"""How the dataset is made: the section `dataset` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reviewer.errors import UsageError

MOST_TOKENS: Final = 1_000_000
MOST_NEGATIVES: Final = 1_000


@dataclass(frozen=True, slots=True)
class DatasetParams:
    """How the chats of a dataset are made.

    `context_tokens` bounds the shared part of a prompt. Pieces that nobody remarked on become empty replies:
    `negatives_per_comment` for each chat about one that has a remark in the same pull request (at most all), and
    `negatives_per_silent` of a pull request without any comment. `seed` chooses which.
    """

    context_tokens: int = 2_000
    negatives_per_comment: float = 1.0
    negatives_per_silent: int = 1
    seed: int = 0


def check_params(params: DatasetParams) -> None:
    """Refuse a number out of its range, with a UsageError."""
    ranges = {
        "context_tokens": MOST_TOKENS,
        "negatives_per_comment": MOST_NEGATIVES,
        "negatives_per_silent": MOST_NEGATIVES,
    }
    for name, most in ranges.items():
        value = getattr(params, name)
        if not 0 <= value <= most:  # nan is in no range
            what = f"{name} is {value:g}; it must be from 0 to {most:,}."
            raise UsageError(what, "Change the section dataset of params.yaml.")
