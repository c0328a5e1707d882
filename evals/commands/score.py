"""`glossator-eval score`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from evals.commands.run import FILE, FOLDER

ANY = click.Path(path_type=Path)


@click.command()
@click.option("--held-out", type=FILE, required=True, help="Pull requests, as `glossator-train held-out` writes them.")
@click.option("--run", "folders", type=FOLDER, required=True, multiple=True, help="Folder of a run; may be repeated.")
@click.option("--out", type=ANY, help="File of the one run, NAME.json, or folder of several.  [default: each run's]")
@click.option("--training-pairs", type=FILE, help="What the model learned from: is anything of it held out?")
@click.option("--released", type=click.DateTime(["%Y-%m-%d"]), help="The day on which the base model came out.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Only so many pull requests, a random sample.")
@click.option("--all-figures", is_flag=True, help="Print every figure; scorecard.json always has all of them.")
def command(
    held_out: Path,
    folders: tuple[Path, ...],
    out: Path | None,
    training_pairs: Path | None,
    released: datetime | None,
    limit: int,
    all_figures: bool,  # noqa: FBT001 - click gives it
) -> None:
    """Score runs against the human reviews, and write scorecards.

    Several runs are scored on the pull requests that all of them have, so that their figures can be compared.
    """
    from evals.chrf import ChrF
    from evals.contamination import check_leaks
    from evals.held_out import load_held_out
    from evals.loaded_run import choose_files, choose_sample, load_run
    from evals.rouge import RougeL
    from evals.score import METRICS, Seen, Texts, score_run
    from evals.scorecard import save_scorecard
    from evals.scorecard_text import render_scorecards
    from evals.training_pairs import load_training_pairs

    wanted = load_held_out(held_out)
    runs = [load_run(folder, wanted) for folder in folders]
    files = choose_files(runs, out)
    sample = choose_sample(wanted, runs, limit)
    pairs = load_training_pairs(training_pairs) if training_pairs else None
    check_leaks(sample.pull_requests, pairs or ())
    seen = Seen(pairs, f"{released:%Y-%m-%d}" if released else "")
    cards = [score_run(run, sample, Texts((ChrF(), RougeL())), seen) for run in runs]
    for card, file in zip(cards, files, strict=True):
        save_scorecard(card, file)
    click.echo(render_scorecards(cards, METRICS if all_figures else ()), nl=False)
    for file in files:
        click.echo(f"Wrote {file}.", err=True)
