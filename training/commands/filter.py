"""`glossator-train filter`."""

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
@click.option("--params", type=FILE, help="Parameters.  [default: params.yaml, if there is one]")
@click.option("--opt-out", type=FILE, default=Path("opt-out.txt"), show_default=True, help="Who is left out.")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0: one a processor.")
def command(snapshots: Path, aligned: Path, filtered: Path, params: Path | None, opt_out: Path, jobs: int) -> None:
    """Keep the comments that teach something; say why the others do not.

    Each dropped comment gets one reason, the first that holds. Secrets and personal data are taken out of the others.
    The table that it prints also stands in counts.json beside the records.
    """
    from training.filter import FilterParams, Policy, filter_snapshots
    from training.filter_counts import render_counts
    from training.opt_out import load_opt_out
    from training.params import load_params
    from training.stage import Told
    from training.store import SnapshotStore

    if params is None and Path("params.yaml").is_file():
        params = Path("params.yaml")
    salt = read_salt(snapshots)
    policy = Policy(load_params(params, "filter", FilterParams), load_opt_out(opt_out, salt), salt)
    told = Told()
    counts = filter_snapshots(SnapshotStore(snapshots), aligned, filtered, policy, told, jobs=jobs)
    for problem in told.problems:
        click.echo(problem, err=True)
    click.echo(render_counts(counts))
