"""Time and memory of BERTScore on the processor: `python -m bench.similarity --held-out SET`.

Human comments of the set are paired at random, which no two of a pair have in common and costs the same. A fresh store
is used: the first round computes everything, the second finds everything remembered. Needs `glossator[similarity]`.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import click

from bench.measure import Figure
from bench.table import Row, render_table
from evals.bertscore import open_text_scorers
from evals.content_store import ContentStore
from evals.held_out import load_held_out
from evals.text_scorers import TextPair, TextScorer

LIMIT: Final = 180.0
"""Seconds that 1,000 pairs may take on two cores."""


def pair_comments(held_out: Path, pairs: int, seed: int = 0) -> list[TextPair]:
    """Human comments of a held-out set, each beside another one."""
    texts = [gold.body for held in load_held_out(held_out).pull_requests for gold in held.gold if gold.body.strip()]
    if not texts:
        raise click.ClickException(f"{held_out} holds no human comment. Name a set with comments.")
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    return [(chance.choice(texts), (chance.choice(texts),)) for _ in range(pairs)]


def time_scoring(scorer: TextScorer, pairs: list[TextPair]) -> tuple[Figure, Figure]:
    """Seconds on the clock and of processor."""
    started, worked = time.perf_counter(), time.process_time()
    scorer.score(pairs)
    return Figure.of([time.perf_counter() - started]), Figure.of([time.process_time() - worked])


@click.command()
@click.option("--held-out", type=click.Path(path_type=Path, exists=True), required=True, help="A set with comments.")
@click.option("--pairs", type=click.IntRange(1), default=1000, show_default=True)
def main(held_out: Path, pairs: int) -> None:
    """Measure it; exit code 1 when it takes too long."""
    chosen = pair_comments(held_out, pairs)
    with (
        tempfile.TemporaryDirectory(prefix="glossator-similarity-") as folder,
        ContentStore(Path(folder) / "scores.sqlite") as store,
    ):
        scorer = open_text_scorers(store)[0]
        first, again = time_scoring(scorer, chosen), time_scoring(scorer, chosen)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    texts = len({text for candidate, references in chosen for text in (candidate, *references)})
    what = f"BERTScore of {pairs:,} pairs ({texts:,} texts)"
    rows = [
        Row(what, "s", first[0], LIMIT * pairs / 1000, first[1]),
        Row(f"{what}, again", "s", again[0], None, again[1]),
        Row(f"{what}, memory", "MB", Figure.of([peak])),
    ]
    click.echo(render_table(rows), nl=False)
    sys.exit(rows[0].verdict == "MISSED")


if __name__ == "__main__":
    main()
