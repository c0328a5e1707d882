"""The trained locator: how likely does a human leave a comment on this hunk, and on which of its lines?

Two linear models of `reviewer.locator_features`. The first gives a hunk the log-odds of a comment; the second shares
the hunk's probability out among its changed lines. Sums of weights are the same on every platform, load in a
millisecond and explain themselves: a reason is a feature's weight times what sets it apart from the usual.

The weights are in `locator.json`, which `glossator-train locator` writes (docs/locator.md). One of another format, for
other features, or changed by hand is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from operator import mul
from pathlib import Path
from typing import Any, Final

from reviewer.domain import Hunk, PullRequest
from reviewer.errors import LocatorError
from reviewer.locator_features import CHANGE_FEATURES, HUNK_FEATURES, LINE_FEATURES, Change, Row, read_change

LOCATOR_SCHEMA: Final = "glossator/locator/1"
SHIPPED: Final = Path(__file__).with_name("locator.json")
MAX_BYTES: Final = 1_000_000
"""GitHub gives no larger file of a repository."""
_PERCENTILES: Final = 101
_PRIOR_HUNKS: Final = 200
"""The prior counts as much as so many hunks of the change at hand."""
_LARGEST: Final = 1e6
"""Of a weight or a mean: sums of larger ones may overflow."""
_DIGITS: Final = 6
"""Of a score: more differ between platforms, whose logarithms are not the same in the last place."""


@dataclass(frozen=True)
class Linear:
    """A weight for each feature, and what the feature usually is: a row of means scores `intercept`."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    intercept: float = 0.0

    @cached_property
    def _start(self) -> float:
        return self.intercept - math.fsum(map(mul, self.weights, self.means))

    def score(self, row: Row) -> float:
        """The intercept and all contributions."""
        return self._start + math.fsum(map(mul, self.weights, row))

    def explain(self, row: Row) -> list[float]:
        """What each feature adds to the score."""
        return [weight * (value - mean) for weight, value, mean in zip(self.weights, row, self.means, strict=True)]


@dataclass(frozen=True, slots=True)
class Prior:
    """How probabilities are spread over the hunks of a repository's changes: 101 of them, each percent from 0 to 100.

    The hunks of the change at hand are counted in, so that a change of very many is measured by itself.
    """

    percentiles: tuple[float, ...]

    def rank(self, scores: Sequence[float]) -> tuple[float, ...]:
        """For each hunk of a change, from 0 to 1: how many of the repository's hunks are not more likely."""
        ordered, whole = sorted(scores), _PRIOR_HUNKS + len(scores)
        known = (bisect_right(self.percentiles, score) / len(self.percentiles) for score in scores)
        return tuple(
            (_PRIOR_HUNKS * share + bisect_right(ordered, score)) / whole
            for share, score in zip(known, scores, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """What a feature of a hunk adds to its log-odds. `above`: it has more of it than hunks usually have."""

    feature: str
    weight: float
    above: bool


@dataclass(frozen=True, slots=True)
class Located:
    """The scores of a change. `hunks` has a probability, from 0 to 1, for each hunk that was given."""

    hunks: tuple[float, ...]
    ranks: tuple[float, ...]
    """For each hunk, how many of the repository's hunks are not more likely commented on, from 0 to 1."""
    _change: Change
    _locator: Locator

    def score_lines(self, at: int) -> tuple[float, ...]:
        """The probability of each changed line of hunk `at`: together they are the hunk's."""
        model = self._locator.line
        logits = [model.score(row) for row in self._change.measure_lines(at)]
        if not logits:
            return ()
        highest = max(logits)
        shares = [math.exp(logit - highest) for logit in logits]
        whole = self.hunks[at] / sum(shares)
        return tuple(round(whole * share, _DIGITS) for share in shares)

    def explain(self, at: int) -> list[Reason]:
        """What sets hunk `at` apart from the usual, the strongest first; not what goes for the whole change."""
        return [reason for reason in self._list_reasons(at) if reason.feature not in CHANGE_FEATURES]

    def explain_change(self) -> list[Reason]:
        """What goes for all hunks of the change, the strongest first."""
        return [reason for reason in self._list_reasons(0) if reason.feature in CHANGE_FEATURES] if self.hunks else []

    def _list_reasons(self, at: int) -> list[Reason]:
        row, model = self._change.rows[at], self._locator.hunk
        table = zip(HUNK_FEATURES, row, model.means, model.explain(row), strict=True)
        reasons = [Reason(name, weight, value > mean) for name, value, mean, weight in table if weight]
        return sorted(reasons, key=lambda reason: -abs(reason.weight))


@dataclass(frozen=True, slots=True)
class Locator:
    """The two models, and what they were trained on."""

    hunk: Linear
    line: Linear
    prior: Prior
    version: str
    """The first sixteen hex digits of its digest."""
    about: Mapping[str, Any]

    def locate(self, pull_request: PullRequest, hunks: Sequence[Hunk]) -> Located:
        """Score the hunks of a change that are worth reading.

        Raises:
            LocatorError: A score is no number.
        """
        change = read_change(pull_request, hunks)
        scores = tuple(round(_expit(self.hunk.score(row)), _DIGITS) for row in change.rows)
        if not all(map(math.isfinite, scores)):
            raise LocatorError("The locator's scores are no numbers.", "Train it again: glossator-train locator.")
        return Located(scores, self.prior.rank(scores), change, self)


def _expit(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > 0 else math.exp(logit) / (1 + math.exp(logit))


@lru_cache(maxsize=4)
def load_locator(path: Path = SHIPPED) -> Locator:
    """Read a locator's file.

    Raises:
        LocatorError: It is missing, damaged, of another format, or made for other features.
    """
    try:
        with path.open("rb") as file:
            return parse_locator(file.read(MAX_BYTES + 1), path.name)
    except OSError as error:
        raise LocatorError(f"Cannot read the locator {path.name}: {error.strerror}.", _ADVICE) from error


_ADVICE = "Install glossator again, or train one: glossator-train locator."


@lru_cache(maxsize=4)
def parse_locator(text: str | bytes, name: str) -> Locator:
    """A locator from the text of its file. `name` is what messages call it.

    Raises:
        LocatorError: As `load_locator`.
    """
    if len(text) > MAX_BYTES:
        raise LocatorError(f"The locator {name} has more than {MAX_BYTES // 1_000_000} MB.", _ADVICE)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LocatorError(f"The locator {name} is damaged: it is no JSON.", _ADVICE) from error
    if not isinstance(document, dict) or not isinstance(schema := document.get("schema"), str):
        raise LocatorError(f"The locator {name} is none.", _ADVICE)
    if schema != LOCATOR_SCHEMA:
        raise LocatorError(f"The locator {name} is of format {schema[:60]!r}, and this is {LOCATOR_SCHEMA!r}.", _ADVICE)
    if not (digest := _digest(document)) or document.get("digest") != digest:
        raise LocatorError(f"The locator {name} is damaged: its digest is not that of its content.", _ADVICE)
    try:
        hunk, line = (
            _parse_linear(document[key], features)
            for key, features in (("hunk", HUNK_FEATURES), ("line", LINE_FEATURES))
        )
        prior, about = _parse_prior(document["prior"]), dict(document.get("about", {}))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise LocatorError(f"The locator {name} does not fit this version: {str(error)[:200]}.", _ADVICE) from error
    return Locator(hunk, line, prior, digest[:16], about)


def _digest(document: Mapping[str, object]) -> str:
    """Empty where what was read is nested too deep to be written."""
    try:
        return digest_locator(document)
    except RecursionError:
        return ""


def digest_locator(document: Mapping[str, object]) -> str:
    """SHA-256 of all but the digest itself."""
    content = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def render_locator(hunk: Linear, line: Linear, prior: Prior, about: Mapping[str, object]) -> str:
    """A locator as JSON: readable, and the same for the same weights."""
    document: dict[str, object] = {
        "schema": LOCATOR_SCHEMA,
        "about": about,
        "hunk": _render_linear(hunk, HUNK_FEATURES),
        "line": _render_linear(line, LINE_FEATURES),
        "prior": [round(value, _DIGITS) for value in prior.percentiles],
    }
    return json.dumps({**document, "digest": digest_locator(document)}, indent=1) + "\n"


def _parse_linear(value: Mapping[str, Any], features: tuple[str, ...]) -> Linear:
    table = value["features"]
    if tuple(table) != features:
        other = sorted(set(table) ^ set(features))
        named = ", ".join(ascii(name[:40]) for name in other[:3])
        raise ValueError(f"it has other features ({named or 'in another order'})")
    means, weights = (tuple(float(row[key]) for row in table.values()) for key in ("mean", "weight"))
    intercept = float(value["intercept"])
    if not all(abs(value) <= _LARGEST for value in (*means, *weights, intercept)):
        raise ValueError("it holds a weight that is no number, or too large")
    return Linear(weights, means, intercept)


def _parse_prior(values: Sequence[Any]) -> Prior:
    percentiles = tuple(map(float, values))
    in_order = all(low <= high for low, high in pairwise((0.0, *percentiles, 1.0)))  # not where one is no number
    if len(percentiles) != _PERCENTILES or not in_order:
        raise ValueError(f"its prior is not {_PERCENTILES} probabilities in their order")
    return Prior(percentiles)


def _render_linear(linear: Linear, features: tuple[str, ...]) -> dict[str, object]:
    rows = zip(features, linear.means, linear.weights, strict=True)
    return {
        "intercept": round(linear.intercept, _DIGITS),
        "features": {
            name: {"mean": round(mean, _DIGITS), "weight": round(weight, _DIGITS)} for name, mean, weight in rows
        },
    }
