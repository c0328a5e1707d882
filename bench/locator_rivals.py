"""Rivals of the locator, trained and run on the same pull requests: `python -m bench.locator_rivals`.

Each is written as a run of `glossator-eval`, which scores and compares it:

* `structure`: gradient boosting on the size and the place of a hunk, 15 numbers.
* `boosting`: gradient boosting on all that the locator sees.
* `words`: TF-IDF of the changed words and logistic regression.
* `trained`: the locator, trained anew on the same pull requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from evals.held_out import HeldOut, load_held_out
from evals.predictions import Prediction, Run, RunFolder, list_changed, list_hunks
from evals.run import NO_MODEL, give_locator, predict_located
from reviewer import __version__
from reviewer.domain import Hunk
from reviewer.locate import list_readable
from reviewer.locator_features import HUNK_FEATURES
from reviewer.settings import Settings
from training.locator.labels import Labelled, label
from training.locator.train import Choice, train_locator

Floats = NDArray[np.float64]
Score = Callable[[HeldOut, Labelled], Sequence[float]]
"""Of each hunk that the reviewer reads."""

STRUCTURE: Final = (
    "added_many only_removes test config docs new_file share_of_change share_of_file share_of_largest rank file_place"
    " file_hunks change_hunks change_files change_added"
)


@dataclass(frozen=True, slots=True)
class Taught:
    """What all learn from: commented pull requests with their features."""

    held: tuple[HeldOut, ...]
    labelled: tuple[Labelled, ...]

    @property
    def rows(self) -> Floats:
        """(hunks, HUNK_FEATURES)."""
        return np.concatenate([one.rows for one in self.labelled])

    @property
    def right(self) -> NDArray[np.bool_]:
        """(hunks,)."""
        return np.concatenate([one.right for one in self.labelled])


def teach(paths: Iterable[Path], choice: Choice) -> Taught:
    """The commented pull requests of these files. A hunk without a known comment is a negative, for all alike."""
    held = [one for path in paths for one in load_held_out(path).pull_requests if choice.wants(one)]
    pairs = [(one, labelled) for one in held if (labelled := label(one)).commented]
    return Taught(tuple(one for one, _ in pairs), tuple(labelled for _, labelled in pairs))


def train_boosting(taught: Taught, features: Sequence[str]) -> Score:
    """Gradient boosting on some of the features."""
    columns = [HUNK_FEATURES.index(feature) for feature in features]
    model = HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0, random_state=0
    )
    model.fit(taught.rows[:, columns], taught.right)
    return lambda _, labelled: _first(model.predict_proba(labelled.rows[:, columns]))


def train_words(taught: Taught) -> Score:
    """TF-IDF of the added and removed lines, and logistic regression."""
    texts = [text for held in taught.held for text in _list_texts(held)]
    vectors = TfidfVectorizer(sublinear_tf=True, min_df=3, max_features=50_000)
    model = make_pipeline(vectors, LogisticRegression(C=1.0, max_iter=500))
    model.fit(texts, taught.right)
    return lambda held, _: _first(model.predict_proba(_list_texts(held)))


def _first(probabilities: Any) -> Sequence[float]:
    scores: list[float] = probabilities[:, 1].round(6).tolist()
    return scores


def _list_texts(held: HeldOut) -> list[str]:
    return [_text(hunk) for hunk in list_readable(held.bundle.pull_request, Settings())[0]]


def _text(hunk: Hunk) -> str:
    return "\n".join(line.text for line in hunk.lines if line.kind != " ")


def predict(held: HeldOut, score: Score) -> Prediction:
    """The order of a rival. Of the lines of a hunk none goes before another."""
    readable, _ = list_readable(held.bundle.pull_request, Settings())
    scores = dict(zip(map(id, readable), score(held, label(held)), strict=True)) if readable else {}
    hunks = [scores.get(id(hunk), -1.0) for hunk in list_hunks(held)]
    lines = tuple(hunks[at] for at, _, _ in list_changed(held))
    return Prediction(*held.key, held.digest, (), tuple(hunks), lines)


@click.command()
@click.option("--train", "sets", type=click.Path(path_type=Path, exists=True), multiple=True, required=True)
@click.option("--test", type=click.Path(path_type=Path, exists=True), required=True, help="A held-out set.")
@click.option("--without", multiple=True, metavar="OWNER/NAME", help="Learn nothing from this repository.")
@click.option("--before", default="", help="Learn from pull requests created before this day alone.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(sets: tuple[Path, ...], test: Path, without: tuple[str, ...], before: str, out: Path) -> None:
    """Train all, and run them on the set."""
    choice, wanted = Choice(without, before), load_held_out(test)
    taught = teach(sets, choice)
    click.echo(f"{len(taught.held):,} commented pull requests, {len(taught.right):,} hunks.")
    rivals = {
        "structure": train_boosting(taught, STRUCTURE.split()),
        "boosting": train_boosting(taught, HUNK_FEATURES),
        "words": train_words(taught),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, score in rivals.items():
        _write(out / name, name, wanted.name, (predict(held, score) for held in wanted.pull_requests))
    train_locator(sets, choice, out / "locator.json")
    given, _ = give_locator(wanted, out / "locator.json")
    _write(out / "trained", "trained", wanted.name, map(predict_located, given.pull_requests))


def _write(folder: Path, name: str, dataset: str, predictions: Iterable[Prediction]) -> None:
    run = RunFolder(folder)
    run.start(Run(name, "baseline", NO_MODEL, dataset, {"seed": 0}, __version__))
    for prediction in predictions:
        run.add(prediction)
    click.echo(f"{name}: done")


if __name__ == "__main__":
    main()
