"""`glossator-ops serving-files`: bring models and adapters to the machine that serves them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reviewer.console import write
from reviewer.errors import EXIT_OK


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/mnt/glossator/models"),
    show_default=True,
    help="The folder of models.",
)
@click.option("--quiet", is_flag=True, help="Print the paths alone.")
def command(sources: tuple[str, ...], into: Path, *, quiet: bool) -> int:
    """Fetch each SOURCE, check it, and print its path below the folder of models.

    \b
    hf:OWNER/NAME@REVISION                  what a server reads of a repository on the Hub
    hf:OWNER/NAME@REVISION:*q4_k_m*.gguf    one GGUF file of it
    ADDRESS#sha256=DIGEST                   a .gguf, or a .tar.gz with an adapter: https:// or file://
    -                                       sources on standard input, a line each: for addresses with a secret in them

    HF_TOKEN is shown to the Hub, MLFLOW_TRACKING_USERNAME and its password to the server of MLFLOW_TRACKING_URI. What
    is there already is not fetched again, and what was cut off goes on where it stopped.
    """  # noqa: D301 - click's mark for a paragraph that is kept as it is
    from runners.serving.store import bring

    def note(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    for source in read_lines() if sources == ("-",) else sources:
        write(bring(source, into, note))
    return EXIT_OK


def read_lines() -> list[str]:
    """The lines of standard input that are not empty."""
    return [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
