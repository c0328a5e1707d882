"""`glossator-train held-out`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from training.commands.salt import read_salt

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="Environment: GLOSSATOR_NAME_SALT, what names are hashed with; the same as for collect.")
@click.option("--snapshots", type=FOLDER, default=Path("data/snapshots"), show_default=True)
@click.option("--aligned", type=FOLDER, default=Path("data/aligned"), show_default=True)
@click.option("--filtered", type=FOLDER, default=Path("data/filtered"), show_default=True)
@click.option("--splits", type=FOLDER, default=Path("data/splits"), show_default=True)
@click.option("--out", type=FILE, default=Path("data/held-out.jsonl"), show_default=True)
@click.option("--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True)
@click.option("--repo", "repos", multiple=True, metavar="OWNER/NAME", help="Only this repository; may be repeated.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only pull requests created on this day or later.")
@click.option("--complete", is_flag=True, help="Only pull requests of which all comments are known.")
@click.option("--dataset", type=FOLDER, default=Path("data/dataset"), show_default=True)
@click.option("--pairs", type=FILE, help="Write also the training comments of the dataset, which baselines draw from.")
@click.option("--opt-out", type=FILE, default=Path("opt-out.txt"), show_default=True, help="Who is named in no text.")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0: one a processor.")
def command(
    snapshots: Path,
    aligned: Path,
    filtered: Path,
    splits: Path,
    out: Path,
    split: str,
    repos: tuple[str, ...],
    since: datetime | None,
    complete: bool,  # noqa: FBT001 - click gives it
    dataset: Path,
    pairs: Path | None,
    opt_out: Path,
    jobs: int,
) -> None:
    """Write pull requests and their human comments for `glossator-eval`."""
    from typing import cast

    from reviewer.domain import Split
    from training.dataset import Names
    from training.held_out import Choice, render_held_out, write_held_out
    from training.held_out_pairs import write_pairs
    from training.opt_out import load_opt_out
    from training.store import SnapshotStore

    salt = read_salt(snapshots)
    day = f"{since:%Y-%m-%d}" if since else ""
    choice = Choice(cast("Split", split), tuple(repos), day, complete)
    names = Names(salt, load_opt_out(opt_out, salt))
    store, stages = SnapshotStore(snapshots), (aligned, filtered, splits)
    counts, told = write_held_out(store, stages, out, choice, names, jobs=jobs)
    for problem in told.problems:
        click.echo(problem, err=True)
    click.echo("\n".join(render_held_out(out, counts)))
    if pairs:
        click.echo(f"{pairs}: {write_pairs(dataset, pairs):,} training comments.")
