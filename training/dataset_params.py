"""How the dataset is made: the section `dataset` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatasetParams:
    """How the chats of a dataset are made.

    `context_tokens` bounds the shared part of a prompt. Pieces that nobody remarked on become empty replies:
    `negatives_per_comment` of them for each commented piece of the same pull request (all, when there are fewer), and
    `negatives_per_silent` of a pull request without any comment. `seed` chooses which.
    """

    context_tokens: int = 2_000
    negatives_per_comment: float = 1.0
    negatives_per_silent: int = 1
    seed: int = 0
