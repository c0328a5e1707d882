"""Time and memory of `glossator-eval score`: `python -m bench.evaluation`.

The pull requests are made up, in the sizes of real ones: about ten hunks each, most of them in a few large ones, and
two in five with human comments. The command runs as a user types it: reading, matching, ranking, chrF and ROUGE-L,
10,000 training comments, slices, and 2,000 draws of every figure; only BERTScore is left out. `--held-out` and `--run`
measure it on a set and runs that are there.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from bench.measure import Command, Figure, Sample, run_once
from bench.table import Row, render_table
from evals.held_out import GoldComment, HeldOut, save_held_out
from evals.predictions import Predicted, Prediction, Run, RunFolder, list_changed, list_hunks
from evals.records import encode
from evals.training_pairs import TrainingPair, save_training_pairs
from reviewer.domain import Bundle, ChangedFile, Hunk, Line, ModelVersion, PullRequest

LIMIT: Final = 20.0
"""Seconds that scoring 1,000 pull requests may take on two cores."""
PAIRS: Final = 10_000
COMMENTED: Final = 0.4
"""Of the pull requests, the share with a human comment."""
POSTED, NAMED = 3, 23
"""Comments of the candidate on a pull request: those that are posted, and all."""
WORDS: Final = 20_000
"""Different words, of which the first ones are frequent, as in a language."""
_ENDINGS: Final = ("cpp", "py", "go", "ts", "rs", "java", "md")


def make_held(number: int, chance: random.Random) -> HeldOut:
    """A pull request: the number of its hunks is log-normal, with a mean near ten."""
    hunks = min(200, max(1, round(chance.lognormvariate(1.4, 1.3))))
    files: dict[str, list[Hunk]] = {}
    for at in range(hunks):
        folder = chance.choice(("src", "src", "src", "tests"))
        path = f"{folder}/part{at // 4}.{_ENDINGS[min(int(chance.expovariate(0.7)), len(_ENDINGS) - 1)]}"
        files.setdefault(path, []).append(make_hunk(path, 1 + 80 * (at % 4), chance))
    changed = tuple(ChangedFile(path, "modified", tuple(found)) for path, found in files.items())
    title = f"{chance.choice(('Fix', 'Add', 'Rename', 'Update'))} {make_text(chance, 4)}"
    pull_request = PullRequest(f"octo/repo{number % 5}", number, title, "", "alice", "b" * 40, "a" * 40, changed)
    held = HeldOut(Bundle(pull_request), (), complete=True, created_at=f"2026-0{1 + number % 9}-01T00:00:00Z")
    lines = list_changed(held)
    commented = (
        chance.sample(lines, min(len(lines), 1 + int(chance.expovariate(0.7)))) if chance.random() < COMMENTED else []
    )
    gold = (
        GoldComment(number * 1000 + at, hunk.path, line.side, line.number, None, make_text(chance, 20))
        for at, (_, hunk, line) in enumerate(commented)
    )
    return replace(held, gold=tuple(gold))


def make_hunk(path: str, start: int, chance: random.Random) -> Hunk:
    """Three lines of context around some that are removed and added."""
    removed, added = int(chance.expovariate(0.2)), 1 + int(chance.expovariate(0.1))
    kinds = "   " + "-" * removed + "+" * min(added, 60) + "   "
    lines: list[Line] = []
    source = target = start
    for kind in kinds:
        old, new = kind != "+", kind != "-"
        text = f"    {make_text(chance, 6)}"
        lines.append(Line(kind, text, source if old else None, target if new else None))  # type: ignore[arg-type]
        source, target = source + old, target + new
    return Hunk(path, "", start, start, tuple(lines))


def make_text(chance: random.Random, words: int) -> str:
    """Words: the one of rank r about as often as 1 / r, as Zipf has it."""
    return " ".join(f"w{int(WORDS ** chance.random())}" for _ in range(1 + chance.randrange(2 * words)))


def make_prediction(held: HeldOut, chance: random.Random) -> Prediction:
    """Three comments that are posted and up to twenty that are not, and a score for each hunk and changed line."""
    hunks, lines = list_hunks(held), list_changed(held)
    chosen = chance.sample(lines, min(NAMED, len(lines), len(hunks)))
    comments = tuple(
        Predicted(
            hunk.path, line.side, line.number, None, make_text(chance, 15), round(chance.random(), 4), at < POSTED
        )
        for at, (_, hunk, line) in enumerate(chosen)
    )
    return Prediction(
        *held.key,
        held.digest,
        tuple(sorted(comments, key=lambda comment: -comment.score)),
        tuple(round(chance.random(), 4) for _ in hunks),
        tuple(round(chance.random(), 4) for _ in lines),
        status="reviewed",
        asked=len(hunks),
        prompt_tokens=1000 * len(hunks),
        completion_tokens=50 * len(hunks),
        seconds=2.0 * len(hunks),
    )


def make_inputs(folder: Path, pull_requests: int, seed: int = 0) -> tuple[Path, Path, Path]:
    """Write a held-out set, training comments and a run; their paths."""
    chance = random.Random(seed)  # noqa: S311 - made-up data
    held_out, pairs = folder / "held-out.jsonl", folder / "pairs.jsonl"
    run = RunFolder(folder / "run")
    run.start(Run("made-up", "reviewer", ModelVersion("none"), "made-up"))
    held = [make_held(number, chance) for number in range(1, pull_requests + 1)]
    save_held_out(held_out, "made-up", map(encode, held))
    for one in held:
        run.add(make_prediction(one, chance))
    save_training_pairs(pairs, make_pairs(chance))
    return held_out, pairs, run.folder


def make_pairs(chance: random.Random) -> Iterator[TrainingPair]:
    """Comments of another repository, with their hunks."""
    for number in range(PAIRS):
        hunk = "\n".join(f"+{make_text(chance, 6)}" for _ in range(8))
        yield TrainingPair("octo/taught", number, "src/a.py", hunk, make_text(chance, 20), "2025-01-01T00:00:00Z")


def measure_score(held_out: Path, runs: tuple[Path, ...], pairs: Path | None, rounds: int) -> list[Sample]:
    """Score the runs so often."""
    options = [f"--run={run}" for run in runs]
    options += [f"--training-pairs={pairs}"] if pairs else []
    with tempfile.TemporaryDirectory(prefix="glossator-score-") as out:
        argv = (sys.executable, "-m", "evals", "score", f"--held-out={held_out}", "--text-scorer=words", *options)
        return [run_once(Command((*argv, f"--out={out}"))) for _ in range(rounds)]


@click.command()
@click.option("--pull-requests", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--held-out", type=click.Path(path_type=Path, exists=True), help="A set, instead of a made-up one.")
@click.option("--run", "runs", type=click.Path(path_type=Path, exists=True), multiple=True, help="Its runs.")
@click.option("--training-pairs", type=click.Path(path_type=Path, exists=True))
def main(
    pull_requests: int, rounds: int, held_out: Path | None, runs: tuple[Path, ...], training_pairs: Path | None
) -> None:
    """Measure the command; exit code 1 when the made-up set takes too long."""
    with tempfile.TemporaryDirectory(prefix="glossator-evaluation-") as folder:
        if held_out:
            what, limit = f"score {held_out.name}, {len(runs)} runs", None
            samples = measure_score(held_out, runs, training_pairs, rounds)
        else:
            what, limit = f"score {pull_requests:,} pull requests", LIMIT * pull_requests / 1000
            made, pairs, run = make_inputs(Path(folder), pull_requests)
            samples = measure_score(made, (run,), pairs, rounds)
    seconds = Row(what, "s", Figure.of(one.wall for one in samples), limit, Figure.of(one.cpu for one in samples))
    memory = Row(f"{what}, memory", "MB", Figure.of(one.peak for one in samples))
    click.echo(render_table([seconds, memory]), nl=False)
    sys.exit(seconds.verdict == "MISSED")


if __name__ == "__main__":
    main()
