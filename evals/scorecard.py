"""A scorecard: what a candidate reached on a held-out set, with intervals, slices, and the counts behind them all."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from evals.records import load_document, save_document
from evals.table import Pool, Table
from reviewer.domain import ModelVersion

SCORECARD_SCHEMA: Final = "glossator/scorecard/1"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval. `value` None: not scored, and `note` says why.

    `pull_requests`: how many have a say in it; the interval is a bootstrap over these.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    pull_requests: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """A repository of the test set and when its pull requests were made: could the model have seen them?"""

    repo: str
    first: str
    last: str
    pull_requests: int


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the set: `field` is `language`, `size`, `kind`, `code`, `age`; `value` is `Python`, `large`..."""

    field: str
    value: str
    pull_requests: int
    gold: int
    metrics: dict[str, Estimate]
    note: str = ""
    """Why its figures say little, as when it is small."""
    rows: list[int] = dataclasses.field(default_factory=list)
    """Its pull requests: their places in `Scorecard.keys`."""
    columns: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    """Their counts in the files of the slice; empty when it takes whole pull requests, whose counts count."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve: `share` of all comments that are taken, their precision and recall."""

    share: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of the calibration: comments with scores near `score`, and the share of them that was right."""

    score: float
    right: float
    comments: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A human comment and ours on the same lines, for people to read."""

    repo: str
    number: int
    path: str
    line: int
    hunk: str
    human: str
    ours: str
    score: float
    marked: int = -1
    """Which line of `hunk` they stand on, the first being 0; -1: not known."""
    rank: int = 0
    """Of all matched pairs, `of` in number, 1 being the most alike; 0: not known."""
    of: int = 0


@dataclass(frozen=True, slots=True)
class SavedPool:
    """A `Pool` as JSON."""

    rows: list[int]
    scores: list[float]
    gains: list[float]
    positives: str


@dataclass(frozen=True, slots=True)
class Scorecard:
    """All that is said of a candidate. `revision` is that of the held-out set: only the same ones can be compared."""

    candidate: str
    kind: str
    model: ModelVersion
    dataset: str
    revision: str
    glossator: str
    metrics: dict[str, Estimate]
    keys: list[tuple[str, int]]
    """The pull requests, and `columns` their counts: what a comparison and the gate work from."""
    columns: dict[str, list[float]]
    pools: dict[str, SavedPool]
    slices: list[Slice] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    curves: dict[str, list[Point]] = field(default_factory=dict)
    calibration: list[Bin] = field(default_factory=list)
    drops: dict[str, int] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    text_scorer: dict[str, Any] = field(default_factory=dict)
    """Model, layer, idf, rescaling and versions of BERTScore, and of the others."""
    settings: dict[str, Any] = field(default_factory=dict)
    in_set: int = 0
    """Pull requests of the held-out set; those that were scored may be fewer."""
    holes: int = 0
    """Pull requests that were left out because a run has no prediction of them, and no reason."""
    notes: list[str] = field(default_factory=list)
    """Sentences that belong beside the figures: what was left out, what the model may have seen."""

    @property
    def table(self) -> Table:
        """The counts as a table."""
        columns = {name: np.array(values, dtype=np.float64) for name, values in self.columns.items()}
        pools = {
            name: Pool(
                np.array(pool.rows, dtype=np.int64),
                np.array(pool.scores, dtype=np.float64),
                np.array(pool.gains, dtype=np.float64),
                pool.positives,
            )
            for name, pool in self.pools.items()
        }
        return Table(tuple((repo, number) for repo, number in self.keys), columns, pools)

    def slice_table(self, part: Slice) -> Table:
        """The counts of a slice as a table, without pools: ratios can be compared pull request by pull request."""
        keys = tuple((self.keys[row][0], self.keys[row][1]) for row in part.rows)
        columns = part.columns or {name: [values[row] for row in part.rows] for name, values in self.columns.items()}
        return Table(keys, {name: np.array(values, dtype=np.float64) for name, values in columns.items()})


def save_scorecard(scorecard: Scorecard, path: Path) -> None:
    """Write scorecard.json.

    Raises:
        EvalError: It cannot be written.
    """
    save_document(path, SCORECARD_SCHEMA, scorecard)


def load_scorecard(path: Path) -> Scorecard:
    """Read scorecard.json.

    Raises:
        EvalError: It cannot be read, or is something else.
    """
    return load_document(path, SCORECARD_SCHEMA, Scorecard)
