"""Is a scorecard whole, and can its counts be? What was damaged or changed by hand is refused, not compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from evals.errors import EvalError
from evals.matching import STRICTNESSES
from evals.metrics import Metric, Ratio
from evals.scorecard import SavedPool, Scorecard
from evals.table import Floats, Table

SAME: Final = "Score both on the same held-out set, with the same version."
_ROUNDING: Final = 1e-6
_SIGNED: Final = ("text.bertscore.", "text.prose.bertscore.")
"""Sums of scores that may be less than 0."""


def check_card(card: Scorecard) -> None:
    """Refuse a scorecard whose counts do not fit its pull requests, or each other.

    Raises:
        EvalError: They do not.
    """
    if not _is_whole(card):
        raise EvalError(
            f"The scorecard of {card.candidate!r} is damaged: its counts do not fit its pull requests.", SAME
        )
    for columns in (card.columns, *(part.columns for part in card.slices)):
        _refuse(card, _find_impossible({name: np.array(values, dtype=np.float64) for name, values in columns.items()}))
    _refuse(card, (problem for name, pool in card.pools.items() for problem in _find_in_pool(name, pool, card)))


def check_figures(card: Scorecard, metrics: Sequence[Metric]) -> None:
    """Refuse a scorecard whose figures are not those of its counts, or whose shares are none.

    Raises:
        EvalError: It is one.
    """
    table = card.table
    ones = np.ones((1, len(table.keys)))
    _refuse(card, (problem for metric in metrics for problem in _find_in_figure(metric, table, ones, card)))


def _refuse(card: Scorecard, problems: Iterator[str]) -> None:
    for problem in problems:
        raise EvalError(f"The scorecard of {card.candidate!r} is damaged: {problem}.", "Score the run again.")


def _is_whole(card: Scorecard) -> bool:
    """Every pull request once, and a count of each in every column."""
    rows = len(card.keys)
    whole = all(len(column) == rows for column in card.columns.values())
    whole &= all(len(pool.rows) == len(pool.scores) == len(pool.gains) for pool in card.pools.values())
    whole &= all(0 <= row < rows for pool in card.pools.values() for row in pool.rows)
    whole &= all(0 <= row < rows for part in card.slices for row in part.rows)
    whole &= all(len(column) == len(part.rows) for part in card.slices for column in part.columns.values())
    return whole and len(set(card.keys)) == rows


def _find_impossible(columns: Mapping[str, Floats]) -> Iterator[str]:
    """Counts that are none, or more right comments than there are comments or things to find."""
    for name, values in columns.items():
        if not np.all(np.isfinite(values)) or (np.any(values < 0) and not name.startswith(_SIGNED)):
            yield f"{name!r} has a count that cannot be"
        if name.endswith(".matched") and name.removesuffix(".matched") not in columns:
            yield f"it counts {name!r} and not what these were worth"
    for start, right, wholes in _list_bounds():
        if start + right not in columns:
            continue
        for whole in (start + one for one in wholes):
            if whole not in columns:
                yield f"it counts {start + right!r} and not {whole!r}"
            elif np.any(columns[start + right] > columns[whole] + _ROUNDING):
                yield f"{start + right!r} is more than {whole!r} in a pull request"


def _list_bounds() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Where names start, what is counted there, and what it cannot be more than."""
    for strictness in STRICTNESSES:
        yield "location.", f"{strictness}.tp", ("predicted", "gold")
        yield "location.placed.", f"{strictness}.tp", ("predicted", "gold")
        yield "location.open.", f"{strictness}.tp", ("gold",)
    yield "running.", "read", ("asked",)
    yield "running.", "anchored", ("anchors",)
    yield "running.", "quiet_posting", ("quiet",)
    yield "text.", "distinct", ("posted",)
    yield "text.", "copied", ("compared",)


def _find_in_pool(name: str, pool: SavedPool, card: Scorecard) -> Iterator[str]:
    gains = np.array(pool.gains, dtype=np.float64)
    scores = np.array(pool.scores, dtype=np.float64)
    found = np.bincount(np.array(pool.rows, dtype=np.int64), weights=gains, minlength=len(card.keys))
    if not np.all(np.isfinite(scores)) or np.any(np.diff(scores) > 0):
        yield f"what is ranked in {name!r} is not in the order of its scores"
    if not np.all((gains >= 0) & (gains <= 1)):
        yield f"{name!r} has a gain that cannot be"
    elif pool.rows and pool.positives not in card.columns:
        yield f"it ranks {name!r} and does not count {pool.positives!r}"
    elif pool.rows and np.any(found > np.array(card.columns[pool.positives]) + _ROUNDING):
        yield f"more is right in {name!r} than there is to find"


def _find_in_figure(metric: Metric, table: Table, ones: Floats, card: Scorecard) -> Iterator[str]:
    if isinstance(metric.formula, Ratio):
        absent = _list_absent(metric.formula, table)
        if absent:
            yield f"{metric.label} is made of {absent[0]!r}, which is not counted"
    value = float(metric.formula.compute(table, ones)[0])
    said = card.metrics.get(metric.name)
    if said is not None and said.value is not None and not math.isclose(said.value, value, abs_tol=_ROUNDING):
        yield f"{metric.label} is not what its counts say"
    if metric.unit == "share" and math.isfinite(value) and not -_ROUNDING <= value <= 1 + _ROUNDING:
        yield f"{metric.label} is a share of {value:.2f}"


def _list_absent(formula: Ratio, table: Table) -> list[str]:
    """Parts of a denominator that are missing beside others that are there: they would count as 0."""
    absent = [name for name in formula.denominator if name not in table.columns]
    return absent if len(absent) < len(formula.denominator) else []
