"""What the locator learns from: the features of each hunk and changed line, and whether a human commented on it.

Pull requests come as the evaluation reads them (`evals.held_out`), whichever split they are of. The features are those
that serving computes. Also right is a hunk with the code of a comment whose line was changed afterwards
(`training.successor`): such are as many as the others, and to call them wrong would teach what is not so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.held_out import HeldOut
from evals.matching import list_spots
from evals.predictions import list_hunks
from evals.ranking import list_remarked, list_right
from reviewer.domain import Hunk
from reviewer.locate import list_readable
from reviewer.locator_features import HUNK_FEATURES, read_change
from reviewer.settings import Settings

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lines:
    """The changed lines of one commented hunk: `rows` (lines, LINE_FEATURES), `right` (lines,)."""

    rows: Floats
    right: Bools


@dataclass(frozen=True, slots=True)
class Labelled:
    """The hunks of one pull request that the reviewer reads: `rows` (hunks, HUNK_FEATURES), `right` (hunks,).

    `complete`: a hunk without a comment is one that nobody commented on; else it is unlabelled.
    """

    repo: str
    created_at: str
    complete: bool
    rows: Floats
    right: Bools
    lines: tuple[Lines, ...]
    """Of the hunks with a comment on a part of their changed lines."""

    @property
    def commented(self) -> bool:
        """A human commented on a hunk."""
        return bool(self.right.any())


def label_all(pull_requests: Iterable[HeldOut]) -> list[Labelled]:
    """Those with a hunk that the reviewer would read."""
    return [labelled for labelled in map(label, pull_requests) if len(labelled.right)]


def label(held: HeldOut) -> Labelled:
    """One pull request with its features and labels."""
    pull_request = held.bundle.pull_request
    hunks, _ = list_readable(pull_request, Settings())
    spots = list_spots(held)
    right_of, remarked_of = (
        dict(zip(map(id, list_hunks(held)), right.tolist(), strict=True))
        for right in (list_right(held, spots), list_remarked(held, spots))
    )
    change = read_change(pull_request, hunks)
    spans: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for spot in spots:
        spans.setdefault((spot.path, spot.side), []).append((spot.first, spot.last))
    lines: list[Lines] = []
    for at, hunk in enumerate(hunks):
        right = _label_lines(hunk, spans) if right_of[id(hunk)] else np.zeros(0, dtype=np.bool_)
        if right.any() and not right.all():
            rows = np.array(change.measure_lines(at), dtype=np.float64)
            lines.append(Lines(rows, right))
    return Labelled(
        pull_request.repo,
        held.created_at,
        held.complete,
        np.array(change.rows, dtype=np.float64).reshape(-1, len(HUNK_FEATURES)),
        np.array([remarked_of[id(hunk)] for hunk in hunks], dtype=np.bool_),
        tuple(lines),
    )


def _label_lines(hunk: Hunk, spans: dict[tuple[str, str], list[tuple[int, int]]]) -> Bools:
    """(changed lines,): those in the range of a human comment."""
    return np.array(
        [
            any(first <= line.number <= last for first, last in spans.get((hunk.path, line.side), ()))
            for line in hunk.lines
            if line.kind != " "
        ],
        dtype=np.bool_,
    )
