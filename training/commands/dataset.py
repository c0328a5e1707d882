"""`glossator-train dataset`."""

from __future__ import annotations

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
@click.option("--dataset", type=FOLDER, default=Path("data/dataset"), show_default=True)
@click.option("--params", type=click.Path(path_type=Path), help="Parameters.  [default: params.yaml, if there is one]")
@click.option("--opt-out", type=FILE, default=Path("opt-out.txt"), show_default=True, help="Who is named in no text.")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0: one a processor.")
def command(
    snapshots: Path,
    aligned: Path,
    filtered: Path,
    splits: Path,
    dataset: Path,
    params: Path | None,
    opt_out: Path,
    jobs: int,
) -> None:
    """Write the examples as Parquet and JSONL, with a data card."""
    from training.card import render_summary
    from training.dataset import write_dataset
    from training.dataset_params import DatasetParams
    from training.opt_out import load_opt_out
    from training.params import load_params
    from training.store import SnapshotStore

    if params is None and Path("params.yaml").is_file():
        params = Path("params.yaml")
    chosen = load_params(params, "dataset", DatasetParams)
    salt = read_salt(snapshots)
    stages, out = (aligned, filtered, splits), load_opt_out(opt_out, salt)
    counts, told = write_dataset(SnapshotStore(snapshots), stages, dataset, chosen, salt=salt, opt_out=out, jobs=jobs)
    for problem in told.problems:
        click.echo(problem, err=True)
    click.echo(render_summary(counts))
