"""`glossator-ops event`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from reviewer.errors import GlossatorError, UsageError

KINDS = ("review", "outcome", "drift", "lease", "job", "training", "evaluation")
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Tell the gateway what a short-lived job did.")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--run-record", type=FILE, help="For a review: run.json of the action.")
@click.option("--gate", type=FILE, help="For an evaluation: what `glossator-eval gate --json` wrote.")
@click.option("--scorecard", type=FILE, help="For an evaluation: a scorecard.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A field; wins over the file's.")
@click.option("--dry-run", is_flag=True, help="Show the event, send nothing.")
@click.option("--strict", is_flag=True, help="Fail when the event cannot be made or sent.")
def command(
    kind: str,
    run_record: Path | None,
    gate: Path | None,
    scorecard: Path | None,
    settings: tuple[str, ...],
    *,
    dry_run: bool,
    strict: bool,
) -> None:
    """Send one event of KIND to the gateway that GLOSSATOR_EVENTS_URL names, with GLOSSATOR_EVENTS_TOKEN.

    Without that address nothing is sent. Whatever goes wrong is said, and costs the job nothing unless it is --strict.
    GLOSSATOR_EVENTS_CA names a file with root certificates, in the place of the system's.
    """
    from reviewer.console import say_error

    try:
        said = tell(kind, {"run-record": run_record, "gate": gate, "scorecard": scorecard}, settings, dry_run=dry_run)
    except GlossatorError as error:
        if strict:
            raise
        say_error(f"No event was sent. {error}")
    else:
        click.echo(said, err=not dry_run)


def tell(kind: str, files: dict[str, Path | None], settings: tuple[str, ...], *, dry_run: bool) -> str:
    """Make the event and send it; what became of it.

    Raises:
        UsageError: It cannot be made, or the address cannot be used.
        CloudError: It was not taken.
    """
    from runners.events import render_event
    from runners.events_build import build_event, from_gate, from_run_record, from_scorecard, parse_settings
    from runners.events_send import read_target, send

    readers = {"run-record": ("review", from_run_record), "gate": ("evaluation", from_gate)}
    readers["scorecard"] = ("evaluation", from_scorecard)
    fields: dict[str, Any] = {}
    for option, path in files.items():
        wanted, reader = readers[option]
        if path is not None and wanted != kind:
            raise UsageError(f"--{option} is for {wanted} events, not for {kind} events.")
        if path is not None:
            fields |= reader(path)
    event = build_event(kind, {**fields, **parse_settings(settings)}, os.environ)
    if dry_run:
        return render_event(event).decode()
    target = read_target()
    if target is None:
        return "GLOSSATOR_EVENTS_URL is not set: no event was sent."
    return f"The gateway: {send(target, event)}"
