"""`glossator-train locator`."""

from __future__ import annotations

from pathlib import Path

import click

from reviewer.locator import LOCATOR_SCHEMA

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option(
    "--pull-requests",
    "sets",
    type=FILE,
    multiple=True,
    default=(Path("data/locator.jsonl"),),
    show_default=True,
    help="A file of glossator-train held-out; may be repeated.",
)
@click.option("--without", multiple=True, metavar="OWNER/NAME", help="Leave this repository out; may be repeated.")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Only pull requests created before this day.")
@click.option("--out", type=FILE, default=Path("locator.json"), show_default=True, help=f"A {LOCATOR_SCHEMA} file.")
def command(sets: tuple[Path, ...], without: tuple[str, ...], before: object, out: Path) -> None:
    """Train the locator: where would a human comment?"""
    from training.locator.train import Choice, train_locator

    told = train_locator(sets, Choice(without, f"{before:%Y-%m-%d}" if before else ""), out)
    click.echo("\n".join(told))
