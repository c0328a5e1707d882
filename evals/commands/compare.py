"""`glossator-eval compare`."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("champion", type=FILE)
@click.argument("challenger", type=FILE)
@click.option("--all-figures", is_flag=True, help="Compare every figure that both have, not the main ones alone.")
def command(champion: Path, challenger: Path, all_figures: bool) -> None:  # noqa: FBT001 - click gives it
    """Compare two scorecards of one set, CHALLENGER with CHAMPION, on the pull requests that both have."""
    import os
    import shutil
    import sys

    from evals.comparison import align, by_name, check_text_scorers, compare_all
    from evals.gate_report import render_pair
    from evals.report_metrics import list_shown
    from evals.score import METRICS
    from evals.scorecard import load_scorecard
    from reviewer.console import write
    from reviewer.report import wants_color

    first, second = load_scorecard(champion), load_scorecard(challenger)
    check_text_scorers(first, second)
    aligned = align(first, second)
    compared = compare_all(aligned, METRICS if all_figures else list_shown())
    color = wants_color(os.environ, is_terminal=sys.stdout.isatty())
    width = shutil.get_terminal_size((120, 24)).columns
    write(render_pair(first, second, aligned, compared, by_name(METRICS), width=width, color=color), color=color)
