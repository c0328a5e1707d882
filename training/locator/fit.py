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

from reviewer.locator import Linear, Locator, Prior
from training.errors import DataError
from training.locator.labels import Bools, Floats, Labelled, Lines

_LEAST: Final = 20
"""Commented pull requests, and hunks with a comment on some of their lines."""
ADAPT_PENALTY: Final = 50.0
"""Of the shipped slope and height, when a repository's own pull requests move them: chosen by log loss (LOG.md)."""
PRIOR_HUNKS: Final = 200
"""The shipped spread of probabilities counts as much as so many of a repository's own hunks."""
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

    `known_share`: of the comments on selections, the share that is known; None without a selection. It is estimated
    with a model of other repositories, which finds less there than it would at home, and so it is too large.
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
        truth = guess_unlabelled(more, labelled, its_weight, share, recipe)
        hunk = _fit_hunks(
            np.concatenate([rows, more]),
            np.concatenate([right, truth]),
            np.concatenate([weight, its_weight]),
            recipe,
            hunk_start,
        )
    hunk = fit_shift(hunk, complete).move(hunk)
    return Fitted(hunk, _fit_lines(lines, recipe, line_start), measure_prior(hunk, complete), share)


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


def guess_unlabelled(rows: Floats, labelled: Bools, weight: Floats, share: float, recipe: Recipe) -> Floats:
    """How right each hunk of selections is: 1 when labelled, else how likely somebody's comment on it is not known.

    Args:
        rows: (hunks, HUNK_FEATURES).
        labelled: (hunks,) whether a comment is known.
        weight: (hunks,).
        share: Of the comments, those that are known.
        recipe: How the model of what is labelled is fitted.

    Returns:
        (hunks,) from 0 to 1.
    """
    odds = np.exp(_score(_fit_hunks(rows, labelled.astype(np.float64), weight, recipe), rows))
    unknown = np.minimum(_SURE, (1 - share) / share * odds)
    return np.where(labelled, 1.0, unknown)


def _score(linear: Linear, rows: Floats) -> Floats:
    scores: Floats = linear.intercept + (rows - np.array(linear.means)) @ np.array(linear.weights)
    return scores


def _expit(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits))


@dataclass(frozen=True, slots=True)
class Shift:
    """Other log-odds from a model's: `slope` times these, and `height` more. The order of hunks stays as it is."""

    slope: float
    height: float

    def move(self, linear: Linear) -> Linear:
        """The model with these log-odds."""
        weights = tuple(self.slope * weight for weight in linear.weights)
        return Linear(weights, linear.means, self.slope * linear.intercept + self.height)

    def move_prior(self, prior: Prior) -> Prior:
        """How the moved probabilities are spread."""
        known = np.clip(np.array(prior.percentiles), 1e-9, 1 - 1e-9)
        return Prior(tuple(_expit(self.slope * np.log(known / (1 - known)) + self.height).tolist()))


def fit_shift(linear: Linear, complete: Sequence[Labelled], penalty: float = 1e-6) -> Shift:
    """What makes a model's probabilities hold for these pull requests.

    Args:
        linear: The model.
        complete: Pull requests of which all comments are known, also those that nobody commented on.
        penalty: On the squared change of the slope and of the height, so that a few pull requests change little.

    Raises:
        DataError: What the model thinks likely is not.
    """
    logits = np.concatenate([_score(linear, one.rows) for one in complete])
    right = np.concatenate([one.right for one in complete])
    middle = float(logits.mean())
    columns = np.stack([logits - middle, np.ones(len(logits))], axis=1)

    def lose(change: Floats) -> tuple[float, Floats]:
        moved = logits + columns @ change
        loss = float((np.logaddexp(0, moved) - right * moved).sum()) + penalty / 2 * float(change @ change)
        return loss, columns.T @ (_expit(moved) - right) + penalty * change

    steeper, higher = _minimize(lose, 2).tolist()
    if steeper <= -1:
        raise DataError("The hunks that humans commented on are like the others.", "Collect more pull requests.")
    return Shift(1 + steeper, higher - steeper * middle)


def measure_prior(linear: Linear, complete: Sequence[Labelled], before: Prior | None = None) -> Prior:
    """How the model's probabilities are spread over the hunks of these pull requests.

    Args:
        linear: The model.
        complete: The pull requests.
        before: What is known of others, in the model's own probabilities; it counts as much as `PRIOR_HUNKS` hunks.
    """
    scores = np.concatenate([_expit(_score(linear, one.rows)) for one in complete])
    weights = np.ones(len(scores))
    if before:
        known = np.array(before.percentiles)
        scores = np.concatenate([scores, known])
        weights = np.concatenate([weights, np.full(len(known), PRIOR_HUNKS / len(known))])
    return Prior(tuple(_weighted_percentiles(scores, weights).tolist()))


def _weighted_percentiles(scores: Floats, weights: Floats) -> Floats:
    """(101,): the percentiles from 0 to 100 of scores that count by their weights, as `numpy.percentile` has them."""
    order = np.argsort(scores, kind="stable")
    passed = np.cumsum(weights[order])
    places = (passed - weights[order]) / max(float(passed[-1] - weights[order][-1]), 1e-12)
    found: Floats = np.interp(np.linspace(0, 1, 101), places, scores[order])
    return found


def adapt(shipped: Locator, own: Sequence[Labelled], penalty: float = ADAPT_PENALTY) -> tuple[Linear, Prior]:
    """The shipped order of hunks with a repository's own height, slope and spread of probabilities.

    A few pull requests change little: the shipped values count as much as some of them.

    Raises:
        DataError: What the model thinks likely is not.
    """
    complete = [one for one in own if one.complete]
    if not complete:
        return shipped.hunk, shipped.prior
    shift = fit_shift(shipped.hunk, complete, penalty)
    linear = shift.move(shipped.hunk)
    return linear, measure_prior(linear, complete, shift.move_prior(shipped.prior))


def _fit_lines(hunks: Sequence[Lines], recipe: Recipe, start: Linear | None = None) -> Linear:
    """Each commented line against the lines of its hunk that have no comment."""
    rows = np.concatenate([hunk.rows for hunk in hunks])
    right = np.concatenate([hunk.right for hunk in hunks])
    means, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    sizes = [len(hunk.right) for hunk in hunks]
    group, starts = np.repeat(np.arange(len(hunks)), sizes), np.cumsum([0, *sizes[:-1]])
    scaled = (rows - means) / spread
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
