"""`glossator-train retrain`."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.place import connect, place_options


@click.command(short_help="Start the training workflow when enough has come in.")
@click.argument("revision")
@place_options
@click.option("--workflow", default="train.yml", show_default=True, metavar="FILE", help="Workflow to start.")
@click.option(
    *("--after", "after"),
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="COMMENTS",
    help="How many comments more than at the last start are enough.",
)
@click.option("--again", is_flag=True, help="Start it in any case, also where it was started before.")
def command(
    revision: str, folder: Path, repo: str | None, github_token: str | None, workflow: str, after: int, *, again: bool
) -> None:
    """Start the training workflow on the dataset of REVISION, the commit that `propose` prints.

    It is started once the dataset has grown enough since it was started last, and never twice for the same growth.
    """
    from training.retrain import retrain, say

    host, remote = connect(folder, repo, github_token)
    click.echo(say(retrain(host, remote, revision, workflow, after, again=again), workflow, after), err=True)
