"""Is a scorecard whole, and can its counts be? What was damaged or changed by hand is refused, not compared."""

from __future__ import annotations

import math
import re
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
_TEXT: Final = re.compile(r"(?P<of>text\.(?:prose\.)?(?P<scorer>\w+))\.(?P<text>(?!gold$)\w+)(?P<matched>\.matched)?")
"""The sum of the scores of a text, and how many places it was scored at."""
_SIGNED: Final = "bertscore"
"""Its scores may be less than 0."""
_AT_MOST: Final = (
    ("location.predicted", "running.posted"),
    ("text.posted", "running.posted"),
    ("running.posted", "text.posted"),
)
"""Counts of the same comments by several scorers: where there are both, the first cannot be more than the second."""


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
        counts = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
        _refuse(card, _find_impossible(counts))
        _refuse(card, _find_unbounded(counts))
        _refuse(card, _find_in_texts(counts, rescaled=_is_rescaled(card)))
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
    """Counts that are none."""
    for name, values in columns.items():
        if not np.all(np.isfinite(values)) or (np.any(values < 0) and not _is_signed(name)):
            yield f"{name!r} has a count that cannot be"
        if name.endswith(".matched") and name.removesuffix(".matched") not in columns:
            yield f"it counts {name!r} and not what these were worth"


def _find_unbounded(columns: Mapping[str, Floats]) -> Iterator[str]:
    """More right comments than there are comments or things to find, or more of the same comments than elsewhere."""
    for start, right, wholes in _list_bounds():
        if start + right not in columns:
            continue
        for whole in (start + one for one in wholes):
            if whole not in columns:
                yield f"it counts {start + right!r} and not {whole!r}"
            elif np.any(columns[start + right] > columns[whole] + _ROUNDING):
                yield f"{start + right!r} is more than {whole!r} in a pull request"
    for one, other in _AT_MOST:
        if one in columns and other in columns and np.any(columns[one] > columns[other]):
            yield f"{one!r} is more than {other!r} in a pull request"


def _find_in_texts(columns: Mapping[str, Floats], *, rescaled: bool) -> Iterator[str]:
    """Scores that no text can have, and texts that were not scored at the same places.

    All texts of a scorer are scored at the places of the candidate's own comments, but those of the untuned model.
    A score is at most 1, and at least -1 unless it was rescaled. What was not compared counts nothing.
    """
    texts = [(name, found) for name in columns if (found := _TEXT.fullmatch(name))]
    places: dict[str, Floats] = {}
    for name, found in texts:
        if found["matched"] and np.any(columns[name]):
            first = places.setdefault(_name_places(found), columns[name])
            if not np.array_equal(first, columns[name]):
                yield f"{name!r} has other places than the other texts"
    for of, matched in places.items():
        if f"{of}.gold" in columns and np.any(matched > columns[f"{of}.gold"]):
            yield f"there are more places for the texts of {of!r} than human comments"
    for name, found in texts:
        if not found["matched"]:
            most = places.get(_name_places(found), np.zeros(len(columns[name])))
            least = np.where(most > 0, -np.inf, 0) if rescaled and found["scorer"] == _SIGNED else -most
            slack = _ROUNDING * (1 + most)
            if np.any((columns[name] > most + slack) | (columns[name] < least - slack)):
                yield f"{name!r} has scores that no text can have"


def _name_places(found: re.Match[str]) -> str:
    """Texts with the same name here are scored at the same places."""
    return f"{found['of']}.untuned" if found["text"] == "untuned" else found["of"]


def _is_signed(name: str) -> bool:
    found = _TEXT.fullmatch(name)
    return bool(found and found["scorer"] == _SIGNED and not found["matched"])


def _is_rescaled(card: Scorecard) -> bool:
    """Whether scores of BERTScore were spread out, so that there is no least one."""
    described = card.text_scorer.get(_SIGNED)
    return isinstance(described, dict) and described.get("rescaled", "no") != "no"


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
    yield "facts.", "known", ("named",)
    yield "facts.", "applies", ("suggested",)


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
