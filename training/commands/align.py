"""`glossator-train align`."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.shard import SHARD

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--snapshots", type=FOLDER, default=Path("data/snapshots"), show_default=True)
@click.option("--aligned", type=FOLDER, default=Path("data/aligned"), show_default=True)
@click.option("--params", type=click.Path(path_type=Path), help="Parameters.  [default: params.yaml, if there is one]")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0: one a processor.")
@SHARD
def command(snapshots: Path, aligned: Path, params: Path | None, jobs: int, shard: tuple[int, int]) -> None:
    """Find the line of each review comment.

    Each gets its place in the diff that it was made on and in the snapshot's own, or a reason why it has none.
    """
    from training.align_run import align_snapshots, render_standings
    from training.anchors import AlignParams
    from training.params import load_params
    from training.stage import Told
    from training.store import SnapshotStore

    if params is None and Path("params.yaml").is_file():
        params = Path("params.yaml")
    told, chosen = Told(), load_params(params, "align", AlignParams)
    counts = align_snapshots(SnapshotStore(snapshots), aligned, chosen, told, jobs=jobs, shard=shard)
    for problem in told.problems:
        click.echo(problem, err=True)
    click.echo(render_standings(told.done, counts))
