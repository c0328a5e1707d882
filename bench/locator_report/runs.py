"""The scored runs of the locator and its rivals (`bench.locator_rivals`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import click
import numpy as np

from bench.locator_report.left_out import LeftOut
from bench.locator_report.words import CANDIDATES
from evals.predictions import RunFolder
from training.locator.labels import Bools, Floats

SUREST: Final = 20
"""A curve begins when so many hunks are taken: with fewer the precision jumps."""
POINTS: Final = 75
"""Of a curve."""

Curve = tuple[Floats, Floats]
"""Recall and precision."""


def find_runs(repos: Sequence[str], runs: Iterable[str]) -> dict[str, Path]:
    """The folder of scored runs of each repository.

    Raises:
        click.UsageError: One is missing.
    """
    named = {name: Path(folder) for name, _, folder in (run.partition("=") for run in runs)}
    for repo in repos:
        if repo not in named:
            raise click.UsageError(f"Where are the scored runs of {repo}? Give --runs {repo}=FOLDER.")
        for candidate in CANDIDATES:
            for name in ("predictions.jsonl", "scorecard.json"):
                if not (file := named[repo] / candidate / name).is_file():
                    raise click.UsageError(f"{file} is missing: run bench.locator_rivals, and glossator-eval score.")
    return {repo: named[repo] for repo in repos}


def read_scores(left: LeftOut, folder: Path) -> list[tuple[Floats, Bools]]:
    """For each pull request the scores of its hunks, and which are right.

    Raises:
        click.UsageError: The run is not of these pull requests.
    """
    predictions = RunFolder(folder).load_predictions()
    scored = []
    for one in left.known:
        found = predictions.get(one.held.key)
        if found is None or len(found.hunk_scores) != len(one.right):
            name = f"{left.repo}#{one.held.key[1]}"
            raise click.UsageError(f"{folder} does not fit the sets of --train: it has no scores of {name}.")
        scored.append((np.array(found.hunk_scores), one.right))
    return scored


def trace_precision(scored: Iterable[tuple[Floats, Bools]]) -> Curve:
    """Recall and precision when all hunks of at least a score are taken, for each score: ties are taken together."""
    pairs = list(scored)
    scores, right = (np.concatenate([pair[at] for pair in pairs]) for at in (0, 1))
    order = np.argsort(-scores, kind="stable")
    taken = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    found = np.cumsum(right[order])[taken]
    recall, precision = found / found[-1], found / (taken + 1)
    kept = np.flatnonzero(taken >= min(SUREST, len(scores)) - 1)
    steps = np.searchsorted(recall[kept], np.linspace(recall[kept[0]], 1, POINTS))
    chosen = kept[np.unique(np.append(0, steps))]
    return recall[chosen], precision[chosen]
