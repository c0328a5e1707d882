"""`glossator-train locator`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(epilog="Environment: GLOSSATOR_NAME_SALT, what names are hashed with; the same as for collect.")
@click.option(
    "--repo", default="", metavar="OWNER/NAME", help="The repository's own, from its collected pull requests."
)
@click.option("--snapshots", type=FOLDER, default=Path("data/snapshots"), show_default=True)
@click.option("--aligned", type=FOLDER, default=Path("data/aligned"), show_default=True)
@click.option("--filtered", type=FOLDER, default=Path("data/filtered"), show_default=True)
@click.option("--splits", type=FOLDER, default=Path("data/splits"), show_default=True)
@click.option("--opt-out", type=FILE, default=Path("opt-out.txt"), show_default=True, help="Who is named in no text.")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Worker processes; 0: one a processor.")
@click.option(
    "--pull-requests", "sets", type=FILE, multiple=True, help="Or anew, from files of held-out; may be repeated."
)
@click.option("--without", multiple=True, metavar="OWNER/NAME", help="Leave this repository out; may be repeated.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Only pull requests created before this day.")
@click.option("--out", type=FILE, default=Path("glossator-locator.json"), show_default=True)
def command(
    repo: str,
    snapshots: Path,
    aligned: Path,
    filtered: Path,
    splits: Path,
    opt_out: Path,
    jobs: int,
    sets: tuple[Path, ...],
    without: tuple[str, ...],
    before: datetime | None,
    out: Path,
) -> None:
    """Train the locator: where would a human comment?

    With --repo it starts from the one that is shipped, is compared with it on the repository's newest pull
    requests, and says which to use.
    """
    from reviewer.errors import UsageError
    from training.commands.salt import read_salt
    from training.dataset import Names
    from training.locator.own import train_own
    from training.locator.own_data import StageFolders, load_own
    from training.locator.train import Choice, train_locator
    from training.opt_out import load_opt_out

    if bool(repo) == bool(sets):
        raise UsageError("Train from what?", "Give --repo OWNER/NAME, or files with --pull-requests.")
    if sets:
        told = train_locator(sets, Choice(without, f"{before:%Y-%m-%d}" if before else ""), out)
    else:
        salt = read_salt(snapshots)
        folders = StageFolders(snapshots, aligned, filtered, splits)
        held, problems = load_own(folders, repo, Names(salt, load_opt_out(opt_out, salt)), jobs)
        for problem in problems:
            click.echo(problem, err=True)
        told = train_own([one for one in held if not before or one.created_at < f"{before:%Y-%m-%d}"], repo, out)
    click.echo("\n".join(told))
