"""`glossator-eval track`."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
LOCAL = "sqlite:///mlflow.db"


@click.command(epilog="Needs pip install 'glossator[tracking]'.")
@click.option("--scorecard", type=FILE, required=True, help="As `glossator-eval score` writes it; kept with the run.")
@click.option("--decision", type=FILE, help="What `glossator-eval gate` decided; kept with the run.")
@click.option("--artifact", "artifacts", type=FILE, multiple=True, help="A file to keep too, as report.html.")
@click.option("--experiment", default="glossator-eval", show_default=True, help="MLflow's experiment.")
@click.option(
    "--tracking-uri", default=LOCAL, envvar="MLFLOW_TRACKING_URI", show_default=True, show_envvar=True, help="MLflow."
)
def command(
    scorecard: Path, decision: Path | None, artifacts: tuple[Path, ...], experiment: str, tracking_uri: str
) -> None:
    """Log a scorecard to MLflow, with the revision of the held-out set."""
    from evals.gate import GATE_SCHEMA, Decision
    from evals.records import load_document
    from evals.scorecard import load_scorecard
    from evals.tracking import build_logged, send_logged

    decided = load_document(decision, GATE_SCHEMA, Decision) if decision else None
    logged = build_logged(load_scorecard(scorecard), decided)
    files = [scorecard, *([decision] if decision else []), *artifacts]
    run = send_logged(logged, tracking_uri, files, experiment)
    click.echo(f"MLflow run {run}: {len(logged.metrics)} metrics, {len(files)} files.", err=True)
