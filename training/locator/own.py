"""A repository's own locator: trained from the shipped one on its older pull requests, and judged on its newest.

The weights start from the shipped ones and are pulled towards them, so that a few dozen pull requests move them a
little and some hundreds a lot. Whether that is any better is not taken for granted: both are run on the newest fifth,
which neither was trained on, and compared by the checks of the gate. Where it is not shown to be better, the shipped
order stays, with the height and the spread of probabilities that the repository has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from evals.comparison import align, by_name
from evals.gate import Verdict, choose_verdict
from evals.gate_checks import check_guards, check_improvements
from evals.held_out import HeldOut, HeldOutSet
from evals.loaded_run import LoadedRun, Sample
from evals.predictions import Run
from evals.ranking import METRICS
from evals.rules import Guard, Improvement
from evals.run import NO_MODEL, predict_located
from evals.runner import count_things
from evals.score import score_run
from evals.scorecard import Scorecard
from evals.statistics import Comparison, correct_holm
from evals.table import Table
from reviewer import __version__
from reviewer.locator import Locator, load_locator, parse_locator, render_locator
from training.errors import DataError
from training.locator.fit import Fitted, Recipe, adapt, fit_locator
from training.locator.labels import label_all
from training.locator.train import refuse_folder, save_locator

LEAST: Final = 50
"""Pull requests. With fewer the shipped order stays."""
ADAPTS: Final = 20
"""Pull requests. With fewer the shipped locator stays as it is."""
NEWEST: Final = 5
"""One pull request in so many, the newest, is kept for the comparison."""
IMPROVEMENTS: Final = (
    Improvement(metric="ranking.hunk.ap", worth=0.02),
    Improvement(metric="ranking.hunk.within_ap", worth=0.02),
    Improvement(metric="ranking.line.recall20", worth=0.05),
)
"""The own one must be significantly better in one of these (p corrected by Holm's method)."""
GUARDS: Final = (
    Guard(metric="ranking.hunk.ap", allowed=0.05),
    Guard(metric="ranking.hunk.within_ap", allowed=0.05),
    Guard(metric="ranking.line.recall20", allowed=0.1),
)
"""And it must be shown to be worse by no more than this in any."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Which to use (`promote`: the own one), and the figures of both."""

    verdict: Verdict
    comparisons: tuple[Comparison, ...]


def split_by_age(held: Sequence[HeldOut]) -> tuple[list[HeldOut], list[HeldOut]]:
    """The older and the newest, by their day of creation."""
    ordered = sorted(held, key=lambda one: (one.created_at, one.key))
    newest = len(ordered) // NEWEST
    return ordered[: len(ordered) - newest], ordered[len(ordered) - newest :]


def fit_own(older: Sequence[HeldOut], recipe: Recipe, shipped: Locator) -> Fitted:
    """Fit on the older pull requests, from the shipped weights.

    Raises:
        DataError: There is too little to learn from.
    """
    return fit_locator(label_all(older), recipe, start=(shipped.hunk, shipped.line))


def judge(newest: Sequence[HeldOut], own: str) -> Judged:
    """Compare the own locator, as text, with the shipped one on pull requests that it was not trained on."""
    champion, challenger = _score(newest, "shipped", ""), _score(newest, "own", own)
    aligned, metrics = align(champion, challenger), by_name(METRICS)
    return decide([aligned.compare(metrics[rule.metric]) for rule in IMPROVEMENTS], aligned.challenger)


def decide(comparisons: Sequence[Comparison], own: Table) -> Judged:
    """What follows from the comparison of all metrics of the rules. `own`: the counts of the own one."""
    compared, metrics = {one.metric: one for one in comparisons}, by_name(METRICS)
    checks = [*check_guards(GUARDS, compared, metrics), *check_improvements(IMPROVEMENTS, compared, own, metrics)]
    return Judged(choose_verdict(checks)[0], tuple(comparisons))


def train_own(held: Sequence[HeldOut], repo: str, out: Path, recipe: Recipe | None = None) -> list[str]:
    """Train a repository's own locator, compare it with the shipped one, and write the one to use.

    Returns:
        Sentences on how they compare, and which to use.

    Raises:
        DataError: The file cannot be written.
    """
    shipped, recipe = load_locator(), recipe or Recipe()
    about: dict[str, object] = {"glossator": __version__, "repositories": [repo], "pull_requests": len(held)}
    few = f"{repo} has {count_things(len(held), 'pull request')} here, and {LEAST} are the least to learn from."
    if len(held) < ADAPTS:
        return [f"The shipped one stays: {few}"]
    if len(held) < LEAST:
        refuse_folder(out)
        return [f"The shipped one stays: {few}", *_save_adapted(held, shipped, about, out)]
    refuse_folder(out)
    older, newest = split_by_age(held)
    try:
        fitted = fit_own(older, recipe, shipped)
    except DataError as error:
        return [f"The shipped order stays: {error.what}", *_save_adapted(held, shipped, about, out)]
    described = about | {"pull_requests": len(older), "recipe": asdict(recipe)}
    own = render_locator(fitted.hunk, fitted.line, fitted.prior, described)
    judged = judge(newest, own)
    told = [*tell(judged, len(older), len(newest))]
    if judged.verdict != "promote":
        return [*told, *_save_adapted(held, shipped, about, out)]
    save_locator(own, out)
    return [*told, f"{out}: written. Commit it as .github/glossator-locator.json."]


def _save_adapted(held: Sequence[HeldOut], shipped: Locator, about: dict[str, object], out: Path) -> Iterator[str]:
    """The shipped weights with the repository's own height and spread of probabilities.

    Raises:
        DataError: The file cannot be written.
    """
    linear, prior = adapt(shipped, label_all(held))
    save_locator(render_locator(linear, shipped.line, prior, {**about, "order": shipped.version}), out)
    yield (
        f"{out}: the shipped order, with the probabilities of this repository. Commit it as"
        " .github/glossator-locator.json, and which pieces are likely is told by its own."
    )


def _score(newest: Sequence[HeldOut], name: str, locator: str) -> Scorecard:
    if locator:
        parse_locator(locator, name)
    given = [replace(held, bundle=replace(held.bundle, locator=locator)) for held in newest]
    predictions = {held.key: predict_located(held) for held in given}
    held_out = HeldOutSet("newest", tuple(newest))
    run = Run(name, "baseline", NO_MODEL, "newest", {}, __version__)
    return score_run(LoadedRun(Path(name), run, predictions), Sample(held_out, held_out.pull_requests))


def tell(judged: Judged, older: int, newest: int) -> Iterator[str]:
    """The verdict in words."""
    labels = {metric.name: metric.label for metric in METRICS}
    yield f"Trained on {older:,} pull requests, compared with the shipped one on the {newest:,} newest:"
    corrected = correct_holm([1.0 if one.p is None else one.p for one in judged.comparisons])
    for one, p in zip(judged.comparisons, corrected, strict=True):
        if one.difference is None or one.low is None or one.high is None:
            yield f"  {labels[one.metric]}: not compared, {one.note}."
            continue
        limits = f"{one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f}; p {p:.3f}, corrected)"
        yield f"  {labels[one.metric]}: {one.challenger:.3f}, shipped {one.champion:.3f}: {limits}"
    yield {
        "promote": "Use your own: it is significantly better, and worse in nothing.",
        "inconclusive": "The shipped order stays: yours is not shown to be better. Try again when more has come in.",
        "hold": "The shipped order stays: yours is no better.",
    }[judged.verdict]
