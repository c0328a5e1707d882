"""The table that every figure comes from: a row for each pull request, a column for each thing that is counted.

A metric is one sum of columns divided by another (`evals.metrics.Ratio`), or the average precision of a pool of ranked
items (`Pool`). Both take a weight for each pull request, so that a bootstrap over pull requests, a paired comparison
and a slice are the same code with other weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evals.held_out import Key

Floats = NDArray[np.float64]
Row = Mapping[str, float]
"""The counts of one pull request; what is not there is 0."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is ranked over all pull requests: a comment, a hunk. `gain` is 1 when it is right, else 0.

    `tie` is a number drawn by chance from what the item is: it orders items of the same score.
    """

    score: float
    gain: float
    tie: float


@dataclass(frozen=True)
class Pool:
    """Ranked items of all pull requests, best first.

    `rows` (items,): the row of the table that each belongs to. `scores` and `gains` (items,). `positives`: the name of
    the column that counts what could be found.
    """

    rows: NDArray[np.int64]
    scores: Floats
    gains: Floats
    positives: str


@dataclass(frozen=True)
class Table:
    """`columns` are (pull requests,) each, in the order of `keys`."""

    keys: tuple[Key, ...]
    columns: dict[str, Floats]
    pools: dict[str, Pool] = field(default_factory=dict)

    def column(self, name: str) -> Floats:
        """A column; zeros when nothing was counted under this name."""
        found = self.columns.get(name)
        return np.zeros(len(self.keys)) if found is None else found

    def pick(self, keys: Sequence[Key]) -> Table:
        """The rows of these pull requests, in this order.

        Raises:
            KeyError: One of them is not in the table.
        """
        places = {key: at for at, key in enumerate(self.keys)}
        chosen = np.array([places[key] for key in keys], dtype=np.int64)
        new = np.full(len(self.keys), -1, dtype=np.int64)
        new[chosen] = np.arange(len(chosen))
        pools = {}
        for name, pool in self.pools.items():
            kept = new[pool.rows] >= 0
            pools[name] = Pool(new[pool.rows[kept]], pool.scores[kept], pool.gains[kept], pool.positives)
        return Table(tuple(keys), {name: column[chosen] for name, column in self.columns.items()}, pools)


def build_table(
    keys: Sequence[Key], rows: Sequence[Row], pools: Mapping[str, tuple[str, Sequence[Sequence[Item]]]] | None = None
) -> Table:
    """A table of these rows.

    Args:
        keys: The pull requests.
        rows: Their counts, in the same order.
        pools: By name: the column that counts what could be found, and the items of each pull request.
    """
    names = sorted({name for row in rows for name in row})
    columns = {name: np.array([row.get(name, 0.0) for row in rows], dtype=np.float64) for name in names}
    return Table(tuple(keys), columns, {name: _pool(*pool) for name, pool in (pools or {}).items()})


def _pool(positives: str, items: Sequence[Sequence[Item]]) -> Pool:
    flat = [(item.score, item.tie, row, item.gain) for row, of_row in enumerate(items) for item in of_row]
    flat.sort(key=lambda entry: (-entry[0], -entry[1], entry[2]))
    return Pool(
        np.array([entry[2] for entry in flat], dtype=np.int64),
        np.array([entry[0] for entry in flat], dtype=np.float64),
        np.array([entry[3] for entry in flat], dtype=np.float64),
        positives,
    )
