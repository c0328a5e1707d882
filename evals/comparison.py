"""Two scorecards side by side: may they be compared at all, on which pull requests, and how each metric differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals.card_checks import SAME, check_card
from evals.errors import EvalError
from evals.metrics import Metric
from evals.same_run import PACE
from evals.scorecard import Scorecard, Slice
from evals.statistics import DRAWS, FEWEST, Comparison, compare, pick_common
from evals.table import Table


@dataclass(frozen=True)
class Aligned:
    """The counts of two scorecards for the same pull requests in the same order."""

    champion: Table
    challenger: Table
    notes: tuple[str, ...] = ()
    untimed: str = ""
    """Why their seconds cannot be compared; empty when they can."""

    def compare(self, metric: Metric, draws: int = DRAWS) -> Comparison:
        """A metric of both. Seconds are compared only where as many requests were made at a time."""
        if self.untimed and metric.unit == "seconds":
            return Comparison(metric.name, None, None, pull_requests=len(self.champion.keys), note=self.untimed)
        return compare(metric, self.champion, self.challenger, draws)


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """A metric in a part of the set: `field` and `value` as in `Slice`."""

    field: str
    value: str
    comparison: Comparison


def align(champion: Scorecard, challenger: Scorecard) -> Aligned:
    """The pull requests that both scorecards have, when one may be compared with the other.

    One of them may be of a sample, the first pull requests of the other's: their order is drawn by chance. Any other
    difference may be a choice, and is refused.

    Raises:
        EvalError: They are of other held-out sets, pull requests or human comments, or one of them is damaged.
    """
    check_card(champion)
    check_card(challenger)
    names = f"{champion.candidate!r} and {challenger.candidate!r}"
    if champion.dataset != challenger.dataset:
        sets = f"{champion.dataset!r} and {challenger.dataset!r}"
        raise EvalError(f"{names} were scored on other sets, {sets}.", SAME)
    few, many = sorted((champion.keys, challenger.keys), key=len)
    if few != many[: len(few)]:
        raise EvalError(
            f"{names} were scored on other pull requests, and neither's are the first of the other's.", SAME
        )
    if champion.revision != challenger.revision:
        revisions = f"{champion.revision} and {challenger.revision}"
        raise EvalError(f"{names} were scored on other revisions of {champion.dataset!r}, {revisions}.", SAME)
    first, second = pick_common(champion.table, challenger.table)
    _check_gold(first, second, names)
    notes = []
    if len(few) < len(many):
        notes.append(f"Compared on the {len(few):,} pull requests that both have, the first of {len(many):,}.")
    if champion.glossator != challenger.glossator:
        notes.append(f"Run by other versions of Glossator, {champion.glossator} and {challenger.glossator}.")
    untimed = _tell_paces(champion, challenger)
    if untimed and PACE in champion.settings and PACE in challenger.settings:
        notes.append(f"Seconds are not compared: they were {untimed}.")
    return Aligned(first, second, tuple(notes), untimed)


def check_text_scorers(champion: Scorecard, challenger: Scorecard) -> None:
    """Refuse scorecards whose texts were scored in other ways or with other training pairs; one may lack texts.

    Raises:
        EvalError: They were.
    """
    scorers = champion.text_scorer, challenger.text_scorer
    names = f"{champion.candidate!r} and {challenger.candidate!r}"
    pairs = [scorer.get("training_pairs") for scorer in scorers]
    if all(scorers) and pairs[0] != pairs[1]:
        raise EvalError(f"The texts of {names} were scored with other training pairs.", SAME)
    if all(scorers) and scorers[0] != scorers[1]:
        raise EvalError(f"The texts of {names} were scored by other models or with other settings.", SAME)


def compare_all(aligned: Aligned, metrics: Sequence[Metric]) -> list[Comparison]:
    """Each metric in turn."""
    return [aligned.compare(metric) for metric in metrics]


def compare_slices(
    champion: Scorecard, challenger: Scorecard, metrics: Sequence[Metric], draws: int = DRAWS
) -> list[SliceComparison]:
    """Each metric in each part of the set that both scorecards have."""
    theirs = {(part.field, part.value): part for part in challenger.slices}
    tables, untimed = (champion.table, challenger.table), _tell_paces(champion, challenger)
    found = []
    for part in champion.slices:
        other = theirs.get((part.field, part.value))
        if other:
            both = pick_common(_restrict(tables[0], part), _restrict(tables[1], other))
            aligned = Aligned(*both, untimed=untimed)
            compared = (_compare_in_part(metric, aligned, draws) for metric in metrics)
            found += [SliceComparison(part.field, part.value, comparison) for comparison in compared]
    return found


def is_silent(metric: Metric, champion: Table, challenger: Table) -> bool:
    """Whether too few pull requests of the champion have a say, and enough of the challenger: nothing can be lost."""
    first, second = (int(np.count_nonzero(metric.formula.base(table))) for table in (champion, challenger))
    return first < FEWEST <= second


def by_name(metrics: Sequence[Metric]) -> Mapping[str, Metric]:
    """The metrics by their names."""
    return {metric.name: metric for metric in metrics}


def _compare_in_part(metric: Metric, aligned: Aligned, draws: int) -> Comparison:
    """Of what the champion hardly has nothing can be lost: there is no difference to judge."""
    found = aligned.compare(metric, draws)
    if not is_silent(metric, aligned.champion, aligned.challenger):
        return found
    note = "the champion has hardly any"
    return Comparison(metric.name, found.champion, found.challenger, pull_requests=found.pull_requests, note=note)


def _tell_paces(champion: Scorecard, challenger: Scorecard) -> str:
    """Why the seconds of the two cannot be compared."""
    paces = [card.settings.get(PACE) for card in (champion, challenger)]
    if paces[0] == paces[1]:
        return ""
    first, second = ("unknown" if pace is None else pace for pace in paces)
    return f"measured at a concurrency of {first} and of {second}"


def _restrict(table: Table, part: Slice) -> Table:
    """The counts of a part: its own where it takes some files only, else the rows of its pull requests."""
    keys = [table.keys[row] for row in part.rows]
    if not part.columns:
        return table.pick(keys)
    return Table(tuple(keys), {name: np.array(values, dtype=np.float64) for name, values in part.columns.items()})


def _check_gold(champion: Table, challenger: Table, names: str) -> None:
    """What could be found in each pull request is the same for both that count it, or the human comments are not."""
    counted = champion.columns.keys() & challenger.columns.keys()
    for name in sorted({pool.positives for table in (champion, challenger) for pool in table.pools.values()} & counted):
        if not np.array_equal(champion.column(name), challenger.column(name)):
            raise EvalError(f"{names} were scored against other human comments.", SAME)
