"""`glossator-eval last-good`."""

from __future__ import annotations

from pathlib import Path

import click

from evals.commands.run import FILE, FOLDER
from reviewer.errors import UsageError


@click.command(epilog="Environment: GITHUB_STEP_SUMMARY, where a GitHub job takes its summary.")
@click.option("--held-out", type=FILE, required=True, help="The pull requests of tonight.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Only so many of them, as in `run`.")
@click.option("--folder", type=FOLDER, required=True, help="Where the last good run is kept from night to night.")
@click.option("--recall", "out", type=FOLDER, help="Write it into this folder, and print what stands for it.")
@click.option("--keep", "run", type=FOLDER, help="Keep this run in its place, if there is a reason to.")
@click.option("--decision", type=FILE, help="With --keep: the gate on that run, with the last good one as champion.")
@click.option("--accept", is_flag=True, help="With --keep: keep it whatever the gate says.")
def command(
    held_out: Path,
    limit: int,
    folder: Path,
    out: Path | None,
    run: Path | None,
    decision: Path | None,
    accept: bool,  # noqa: FBT001 - click gives it
) -> None:
    """Bring back what the champion made of the pull requests when it was last good, or keep tonight's for it."""
    from evals.decided import load_decided
    from evals.held_out import load_held_out
    from evals.last_good import decide_keep, keep, load_kept, recall
    from evals.predictions import RunFolder
    from evals.regression_text import render_watch
    from evals.report_files import append_summary
    from reviewer.report_lines import clean

    if (out is None) == (run is None):
        raise UsageError("There is nothing to do, or too much.", "Give either --recall or --keep.")
    wanted, kept = load_held_out(held_out, limit), load_kept(RunFolder(folder))
    if kept.problem:
        click.echo(f"Warning: there is no last good run any more. {clean(kept.problem)}", err=True)
    if out:
        click.echo(recall(kept, wanted, RunFolder(out)))
    if run:
        decided = load_decided(decision) if decision else None
        choice = decide_keep(kept, wanted, decided, accept=accept)
        if choice.taken:
            keep(RunFolder(run), RunFolder(folder))
        append_summary(render_watch(decided, choice.say()))
        click.echo(choice.say(), err=True)
