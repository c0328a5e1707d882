"""`glossator-ops dashboards`."""

from __future__ import annotations

from pathlib import Path

import click

from reviewer.errors import UsageError


@click.command(short_help="Write the dashboards for Grafana.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; fail when the files are not the code's.")
def command(folder: Path, *, check: bool) -> None:
    """Write each dashboard to FOLDER as the JSON that Grafana reads."""
    from reviewer.console import save_text
    from runners.dashboards import find_differences, render_files
    from runners.dashboards_machines import RUNNERS, SERVING
    from runners.dashboards_reviews import CANARY, DRIFT, REVIEWS

    files = render_files((REVIEWS, SERVING, CANARY, DRIFT, RUNNERS))
    if check:
        wrong = find_differences(folder, files)
        if wrong:
            raise UsageError(
                f"These files in {folder} are not the code's: {', '.join(wrong)}.", "Write them anew, without --check."
            )
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot make {folder}: {error.strerror}.", "Choose another folder.") from error
    for name, text in files.items():
        save_text(text, folder / name)
    click.echo(f"{len(files)} dashboards in {folder}.", err=True)
