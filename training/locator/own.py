"""A repository's own locator: trained from the shipped one on its older pull requests, and judged on its newest.

The weights start from the shipped ones and are pulled towards them, so that a few dozen pull requests move them a
little and some hundreds a lot. Whether that is any better is not taken for granted: both are run on the newest fifth,
which neither was trained on, and compared pull request by pull request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal

from evals.comparison import align
from evals.held_out import HeldOut, HeldOutSet
from evals.loaded_run import LoadedRun, Sample
from evals.predictions import Run
from evals.ranking import METRICS
from evals.run import NO_MODEL, predict_located
from evals.runner import count_things
from evals.score import score_run
from evals.scorecard import Scorecard
from evals.statistics import Comparison
from reviewer import __version__
from reviewer.locator import Locator, load_locator, parse_locator, render_locator
from training.locator.fit import Fitted, Recipe, fit_locator
from training.locator.labels import label_all
from training.locator.train import save_locator

LEAST: Final = 50
"""Pull requests. With fewer the shipped locator stays."""
NEWEST: Final = 5
"""One pull request in so many, the newest, is kept for the comparison."""
JUDGED: Final = ("ranking.hunk.ap", "ranking.hunk.within_ap", "ranking.line.recall20")
"""The own one must be significantly better in one of these, and significantly worse in none."""

Verdict = Literal["own", "shipped"]


@dataclass(frozen=True, slots=True)
class Judged:
    """Which to use, and why."""

    verdict: Verdict
    older: int
    newest: int
    comparisons: tuple[Comparison, ...] = ()


def split_by_age(held: Sequence[HeldOut]) -> tuple[list[HeldOut], list[HeldOut]]:
    """The older and the newest, by their day of creation."""
    ordered = sorted(held, key=lambda one: (one.created_at, one.key))
    newest = len(ordered) // NEWEST
    return ordered[: len(ordered) - newest], ordered[len(ordered) - newest :]


def fit_own(older: Sequence[HeldOut], recipe: Recipe, shipped: Locator | None = None) -> Fitted:
    """Fit on the older pull requests, from the shipped weights.

    Raises:
        DataError: There is too little to learn from.
    """
    shipped = shipped or load_locator()
    return fit_locator(label_all(older), recipe, start=(shipped.hunk, shipped.line))


def judge(newest: Sequence[HeldOut], own: str, older: int) -> Judged:
    """Compare the own locator, as text, with the shipped one on pull requests that neither was trained on."""
    cards = [_score(newest, "shipped", ""), _score(newest, "own", own)]
    aligned = align(*cards)
    known = {metric.name: metric for metric in METRICS}
    found = tuple(aligned.compare(known[name]) for name in JUDGED)
    better = any(one.low is not None and one.low > 0 for one in found)
    worse = any(one.high is not None and one.high < 0 for one in found)
    return Judged("own" if better and not worse else "shipped", older, len(newest), found)


def train_own(held: Sequence[HeldOut], repo: str, out: Path, recipe: Recipe | None = None) -> list[str]:
    """Train a repository's own locator, compare it with the shipped one, and write it.

    Returns:
        Sentences on how they compare, and which to use.

    Raises:
        DataError: There is too little to learn from, or the file cannot be written.
    """
    if len(held) < LEAST:
        few = f"{repo} has {count_things(len(held), 'pull request')} here, and {LEAST} are the least to learn from."
        return [f"The shipped one stays: {few}"]
    recipe = recipe or Recipe()
    older, newest = split_by_age(held)
    fitted = fit_own(older, recipe)
    about = {"glossator": __version__, "repositories": [repo], "pull_requests": len(older), "recipe": asdict(recipe)}
    own = render_locator(fitted.hunk, fitted.line, fitted.prior, about)
    judged = judge(newest, own, len(older))
    save_locator(own, out)
    return [*tell(judged, {metric.name: metric.label for metric in METRICS}), f"{out}: written."]


def _score(newest: Sequence[HeldOut], name: str, locator: str) -> Scorecard:
    if locator:
        parse_locator(locator, name)
    given = [replace(held, bundle=replace(held.bundle, locator=locator)) for held in newest]
    predictions = {held.key: predict_located(held) for held in given}
    held_out = HeldOutSet("newest", tuple(newest))
    run = Run(name, "baseline", NO_MODEL, "newest", {}, __version__)
    return score_run(LoadedRun(Path(name), run, predictions), Sample(held_out, held_out.pull_requests))


def tell(judged: Judged, labels: dict[str, str]) -> Iterator[str]:
    """The verdict in words. `labels`: of the metrics."""
    yield f"Trained on {judged.older:,} pull requests, compared with the shipped one on the {judged.newest:,} newest:"
    for one in judged.comparisons:
        if one.difference is None:
            yield f"  {labels[one.metric]}: not compared, {one.note}."
            continue
        limits = "" if one.low is None else f" ({one.low:+.3f} to {one.high:+.3f})"
        yield f"  {labels[one.metric]}: {one.challenger:.3f}, shipped {one.champion:.3f}: {one.difference:+.3f}{limits}"
    if judged.verdict == "own":
        yield "Use your own: commit it as .github/glossator-locator.json."
    else:
        yield "The shipped one stays: yours is not shown to be better. Try again when more has come in."
