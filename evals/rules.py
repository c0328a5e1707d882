"""The gate's rules: rules.toml, read strictly: a wrong name or a number that is none is refused, not ignored."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from evals.metrics import Metric
from reviewer.errors import UsageError

DOCS: Final = "docs/gate.md lists what it may hold."


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of rules.toml."""


class Sample(_Rule, frozen=True, kw_only=True):
    """The least to decide anything: pull requests, those with a human comment, training pairs whose comments differ.

    From the training pairs come the texts that the challenger's are compared with: few make weak ones.
    """

    pull_requests: int
    commented: int = 0
    training_pairs: int = 0


class Floor(_Rule, frozen=True, kw_only=True):
    """A bound that the challenger must keep, whatever the champion does.

    `judge` is the number that must keep it: the value itself, or an end of its 95 % interval. Of a lower bound, `high`
    means "not significantly below" and `low` "significantly above".
    """

    metric: str
    least: float | None = None
    most: float | None = None
    judge: Literal["value", "low", "high"] = "value"
    means: str = ""


class Beats(_Rule, frozen=True, kw_only=True):
    """What is asked beside each baseline that is given: those of `names` must be among them.

    With `worth`, the lead that is looked for, the challenger must be significantly better. With `allowed` it may not be
    worse by more than that.
    """

    metric: str
    worth: float | None = None
    allowed: float | None = None
    names: tuple[str, ...] = ()
    means: str = ""


class First(_Rule, frozen=True, kw_only=True):
    """What a first model, with no champion before it, must significantly exceed 0 in."""

    above_zero: tuple[str, ...] = ()


class Guard(_Rule, frozen=True, kw_only=True):
    """What must not get worse by more than `allowed`, or than `allowed_share` of the champion's value."""

    metric: str
    allowed: float | None = None
    allowed_share: float | None = None
    means: str = ""

    def margin(self, champion: float) -> float:
        """The loss that is allowed, in the metric's unit."""
        return self.allowed if self.allowed is not None else (self.allowed_share or 0.0) * abs(champion)


class Improvement(_Rule, frozen=True, kw_only=True):
    """A metric that a challenger can win by; only if the challenger's `above_zero` are significantly above 0."""

    metric: str
    worth: float
    above_zero: tuple[str, ...] = ()


class Cheaper(_Rule, frozen=True, kw_only=True):
    """As good, each improvement's interval inside plus and minus its `worth`, and the cost lower by `lower_share`."""

    metric: str
    lower_share: float


class Slices(_Rule, frozen=True, kw_only=True):
    """Parts of the set with at least `pull_requests` must not be significantly worse, nor by more than `allowed`."""

    metrics: tuple[str, ...]
    pull_requests: int
    allowed: float


class Rules(_Rule, frozen=True, kw_only=True):
    """The whole file."""

    sample: Sample
    floor: tuple[Floor, ...] = ()
    beats: tuple[Beats, ...] = ()
    first: First = First()
    guard: tuple[Guard, ...]
    improvement: tuple[Improvement, ...]
    cheaper: Cheaper | None = None
    slices: Slices | None = None

    def list_metrics(self) -> list[str]:
        """The names of all metrics that a rule speaks of, each once."""
        named = [floor.metric for floor in self.floor] + list(self.first.above_zero)
        named += [name for improvement in self.improvement for name in improvement.above_zero]
        return list(dict.fromkeys([*named, *self.list_compared()]))

    def list_compared(self) -> list[str]:
        """The names of those in which two candidates are compared, each once."""
        named = [beats.metric for beats in self.beats] + [guard.metric for guard in self.guard]
        named += [improvement.metric for improvement in self.improvement]
        named += [self.cheaper.metric] if self.cheaper else []
        named += self.slices.metrics if self.slices else ()
        return list(dict.fromkeys(named))


def load_rules(path: Path | None = None) -> Rules:
    """Read a file of rules, or the package's own.

    Raises:
        UsageError: It cannot be read, or something in it does not fit.
    """
    source = path or files("evals") / "rules.toml"
    name = str(path or "rules.toml")
    try:
        text = source.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {name}: {error}.", "Give another file with --rules.") from error
    return parse_rules(text, name)


def parse_rules(text: str, name: str = "rules.toml") -> Rules:
    """The rules in this text; `name` is what messages call it.

    Raises:
        UsageError: It is no TOML, or a table, a key or a value does not fit.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} is not TOML: {error}.", DOCS) from error
    try:
        rules = msgspec.convert(document, Rules)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: {error}.", DOCS) from error
    for problem in _find_problems(rules, document):
        raise UsageError(f"{name}: {problem}.", DOCS)
    return rules


def check_metrics(rules: Rules, known: Mapping[str, Metric]) -> None:
    """Refuse rules that speak of a metric that nothing scores, or of better where no way is better.

    Raises:
        UsageError: There is one; the message names the nearest.
    """
    for name in rules.list_metrics():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else "A scorecard lists them."
            raise UsageError(f"The rules speak of a metric {name!r}, and there is none.", hint)
    for name in rules.list_compared():
        if known[name].better == "neither":
            raise UsageError(f"The rules compare {name!r}, of which neither more nor less is better.", DOCS)


def _find_problems(rules: Rules, document: Mapping[str, Any]) -> Iterator[str]:
    """What the types cannot say, each as half a sentence."""
    yield from (f"{path} is no plain number of 0 or more" for path in _find_odd_numbers(document, ""))
    for floor in rules.floor:
        if floor.least is None and floor.most is None:
            yield f"the floor of {floor.metric} has neither least nor most"
    for beats in rules.beats:
        if (beats.worth is None) == (beats.allowed is None):
            yield f"the beats of {beats.metric} must have one of worth and allowed"
    for guard in rules.guard:
        if (guard.allowed is None) == (guard.allowed_share is None):
            yield f"the guard of {guard.metric} must have one of allowed and allowed_share"
    if not rules.guard or not rules.improvement:
        yield "it must have at least one guard and one improvement"


def _find_odd_numbers(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _find_odd_numbers(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for at, inner in enumerate(value, 1):
            yield from _find_odd_numbers(inner, f"{path} {at}")
    elif isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
        yield path
