"""`glossator-train propose`."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.place import connect, place_options


@click.command(short_help="Open a pull request that updates the dataset.")
@place_options
@click.option("--branch", default="glossator/dataset", show_default=True, help="Branch to propose; it is replaced.")
@click.option("--resume", is_flag=True, help="Put the open proposal's files into the folder, to go on from there.")
@click.option("--write", type=click.Path(path_type=Path), metavar="FILE", help="Only write the proposal to a file.")
@click.option("--read", type=click.Path(path_type=Path), metavar="FILE", help="Propose what such a file holds.")
def command(
    folder: Path,
    repo: str | None,
    github_token: str | None,
    branch: str,
    *,
    resume: bool,
    write: Path | None,
    read: Path | None,
) -> None:
    """Propose the pipeline's small files (DVC's records, the data card, its counts) as one pull request.

    At most one is open: the next one updates it in place, and when nothing has changed nothing is done. Prints the
    commit that holds the dataset.
    """
    from training.proposal import gather, load_proposal, save_proposal
    from training.propose import propose, say, take_up

    if write:
        save_proposal(gather(folder), write)
        return
    host, remote = connect(folder, repo, github_token)
    if resume:
        click.echo(take_up(host, remote, branch), err=True)
        return
    proposed = propose(host, remote, load_proposal(read, folder) if read else gather(folder), branch)
    click.echo(say(proposed), err=True)
    click.echo(proposed.revision)
