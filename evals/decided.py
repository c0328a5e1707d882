"""The gate's decision read back, by jobs that have none of the libraries that it takes to decide."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

from evals.records import load_document

GATE_SCHEMA: Final = "glossator/gate/1"
"""As in `evals.gate`."""


class Check(msgspec.Struct, frozen=True):
    """A rule of the gate and what became of it."""

    part: str
    result: Literal["passed", "failed", "unclear", "skipped"]
    words: str

    @property
    def is_loss(self) -> bool:
        """Whether something is significantly worse than the champion's, and by more than the rules allow."""
        return self.part in {"guard", "slice"} and self.result == "failed"


class Decided(msgspec.Struct, frozen=True):
    """What is taken from a decision."""

    verdict: Literal["promote", "hold", "inconclusive"]
    challenger: str
    champion: str | None
    dataset: str
    revision: str
    pull_requests: int
    checks: tuple[Check, ...]

    @property
    def is_enough(self) -> bool:
        """Whether there was a champion, and a set large enough to compare anything."""
        large = all(check.result == "passed" for check in self.checks if check.part == "sample")
        return large and self.champion is not None

    @property
    def losses(self) -> tuple[Check, ...]:
        """In what the challenger is significantly worse."""
        return tuple(check for check in self.checks if check.is_loss)

    @property
    def is_better(self) -> bool:
        """Whether it is significantly better in an improvement of the rules, and worse in nothing.

        A promotion takes more: a champion that is watched has no baselines to beat.
        """
        gained = any(check.part == "improvement" and check.result == "passed" for check in self.checks)
        return gained and not self.losses


def load_decided(path: Path) -> Decided:
    """Read what `evals.gate.save_decision` wrote.

    Raises:
        EvalError: It cannot be read, or is something else.
    """
    return load_document(path, GATE_SCHEMA, Decided)
