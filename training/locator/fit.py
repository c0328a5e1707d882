"""Fitting the locator's two linear models.

Hunks: a logistic regression over the pull requests that have comments, in which large ones do not drown the small.
Where only a selection of the comments is known, a hunk without one counts as commented by the probability that it is
(Elkan and Noto, 2008): the share of comments that are known is estimated with a model of the complete sets. The
log-odds are then put to the right height by all complete pull requests, also those that nobody commented on.

Lines: a conditional logit within each commented hunk: which of its changed lines does the comment stand on?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize

from reviewer.locator import Linear, Prior
from training.errors import DataError
from training.locator.labels import Bools, Floats, Labelled, Lines

_LEAST: Final = 20
"""Commented pull requests, and hunks with a comment on some of their lines."""
_SURE: Final = 0.9
"""At most so likely is an unlabelled hunk one that was commented on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the models are fitted."""

    strength: float = 0.03
    """Inverse of the penalty on the squared hunk weights, as scikit-learn's C."""
    size_power: float = 0.5
    """A pull request of n hunks counts n ** (1 - size_power) times."""
    line_penalty: float = 30.0
    """On the squared line weights."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The models, and the spread of their scores over all complete pull requests.

    `known_share`: of the comments on selections, the share that is known, by an estimate; None without a selection.
    """

    hunk: Linear
    line: Linear
    prior: Prior
    known_share: float | None


def fit_locator(
    pull_requests: Sequence[Labelled], recipe: Recipe, start: tuple[Linear, Linear] | None = None
) -> Fitted:
    """Fit both models.

    Args:
        pull_requests: What is learned from.
        recipe: How.
        start: Models of hunks and of lines: the weights are pulled towards theirs, and not towards 0.

    Raises:
        DataError: There is too little to learn from.
    """
    complete = [one for one in pull_requests if one.complete]
    selected = [one for one in pull_requests if not one.complete and one.commented]
    commented = [one for one in complete if one.commented]
    lines = [line for one in pull_requests for line in one.lines]
    if len(commented) < _LEAST or len(lines) < _LEAST:
        have = f"{len(commented)} commented pull requests with all their comments and {len(lines)} commented hunks"
        raise DataError(f"{have} are too few to learn from.", f"Collect more: at least {_LEAST} of each.")
    rows, right, weight = _stack(commented, recipe)
    hunk_start, line_start = start or (None, None)
    hunk, share = _fit_hunks(rows, right.astype(np.float64), weight, recipe, hunk_start), None
    if selected:
        more, labelled, its_weight = _stack(selected, recipe)
        share = float(min(1.0, labelled.sum() / _expit(_score(hunk, more)).sum()))
        truth = _guess_unlabelled(more, labelled, its_weight, share, recipe)
        hunk = _fit_hunks(
            np.concatenate([rows, more]),
            np.concatenate([right, truth]),
            np.concatenate([weight, its_weight]),
            recipe,
            hunk_start,
        )
    hunk = _calibrate(hunk, complete)
    scores = np.concatenate([_expit(_score(hunk, one.rows)) for one in complete])
    prior = Prior(tuple(np.percentile(scores, range(101)).tolist()))
    return Fitted(hunk, _fit_lines(lines, recipe, line_start), prior, share)


def _stack(pull_requests: Sequence[Labelled], recipe: Recipe) -> tuple[Floats, Bools, Floats]:
    rows = np.concatenate([one.rows for one in pull_requests])
    right = np.concatenate([one.right for one in pull_requests])
    weight = np.concatenate([np.full(len(one.right), len(one.right) ** -recipe.size_power) for one in pull_requests])
    return rows, right, weight


def _fit_hunks(rows: Floats, truth: Floats, weight: Floats, recipe: Recipe, start: Linear | None = None) -> Linear:
    """A logistic regression on probabilities: each row counts as right by `truth`, and as wrong by the rest."""
    weight = weight / weight.mean()
    means, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    towards = np.zeros(rows.shape[1])
    if start:  # its height and slope are those of other pull requests
        slope, _ = fit_logistic(_score(start, rows)[:, None], truth, weight, 1e-6)
        towards = slope[0] * np.array(start.weights) * spread
    weights, intercept = fit_logistic((rows - means) / spread, truth, weight, 1 / recipe.strength, towards)
    return Linear(tuple(weights / spread), tuple(means), intercept)


def fit_logistic(
    rows: Floats, truth: Floats, weight: Floats, penalty: float, towards: Floats | None = None
) -> tuple[Floats, float]:
    """The weights and the intercept with the least weighted log loss plus half the penalty on the squared weights.

    Args:
        rows: (rows, features), each of about unit spread.
        truth: (rows,), from 0 to 1.
        weight: (rows,).
        penalty: Not on the intercept.
        towards: (features,) weights that cost nothing; 0 when None.
    """
    free = np.zeros(rows.shape[1]) if towards is None else towards

    def lose(point: Floats) -> tuple[float, Floats]:
        logits = rows @ point[:-1] + point[-1]
        moved = point[:-1] - free
        loss = float(weight @ (np.logaddexp(0, logits) - truth * logits)) + penalty / 2 * float(moved @ moved)
        error = weight * (_expit(logits) - truth)
        return loss, np.append(rows.T @ error + penalty * moved, error.sum())

    point = _minimize(lose, rows.shape[1] + 1)
    return point[:-1], float(point[-1])


def _minimize(lose: Callable[[Floats], tuple[float, Floats]], size: int) -> Floats:
    """Where the function, which gives its slope too, is least."""
    found = minimize(lose, np.zeros(size), jac=True, method="L-BFGS-B", options={"maxiter": 1000, "ftol": 1e-12})
    point: Floats = found.x
    return point


def _guess_unlabelled(rows: Floats, labelled: Bools, weight: Floats, share: float, recipe: Recipe) -> Floats:
    """(hunks,): 1 for the labelled ones, else how likely somebody commented on it and the comment is not known."""
    odds = np.exp(_score(_fit_hunks(rows, labelled.astype(np.float64), weight, recipe), rows))
    unknown = np.minimum(_SURE, (1 - share) / share * odds)
    return np.where(labelled, 1.0, unknown)


def _score(linear: Linear, rows: Floats) -> Floats:
    scores: Floats = linear.intercept + (rows - np.array(linear.means)) @ np.array(linear.weights)
    return scores


def _expit(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits))


def _calibrate(linear: Linear, complete: Sequence[Labelled]) -> Linear:
    """Scale and shift the log-odds so that they hold for any pull request. The order of hunks stays as it is."""
    logits = np.concatenate([_score(linear, one.rows) for one in complete])
    right = np.concatenate([one.right for one in complete])
    weights, shift = fit_logistic(logits[:, None], right.astype(np.float64), np.ones(len(right)), 1e-6)
    slope = float(weights[0])
    if slope <= 0:
        raise DataError("The hunks that humans commented on are like the others.", "Collect more pull requests.")
    return Linear(tuple(slope * weight for weight in linear.weights), linear.means, shift + slope * linear.intercept)


def _fit_lines(hunks: Sequence[Lines], recipe: Recipe, start: Linear | None = None) -> Linear:
    """Each commented line against the lines of its hunk that have no comment."""
    rows = np.concatenate([hunk.rows for hunk in hunks])
    right = np.concatenate([hunk.right for hunk in hunks])
    means, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    sizes = [len(hunk.right) for hunk in hunks]
    group, starts = np.repeat(np.arange(len(hunks)), sizes), np.cumsum([0, *sizes[:-1]])
    scaled = np.clip((rows - means) / spread, -4, 4)
    free = np.array(start.weights) * spread if start else np.zeros(rows.shape[1])

    def lose(weights: Floats) -> tuple[float, Floats]:
        scores = scaled @ weights
        odds = np.exp(scores - np.maximum.reduceat(scores, starts)[group])
        others = np.add.reduceat(odds * ~right, starts)
        mine, of = odds[right], group[right]
        moved = weights - free
        loss = float(np.log1p(others[of] / mine).sum()) + recipe.line_penalty * float(moved @ moved)
        slope = np.bincount(of, 1 / (mine + others[of]), len(hunks))[group] * odds
        slope[right] = mine / (mine + others[of]) - 1
        return loss, scaled.T @ slope + 2 * recipe.line_penalty * moved

    return Linear(tuple(_minimize(lose, rows.shape[1]) / spread), tuple(means))
