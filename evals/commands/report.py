"""`glossator-eval report`."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
ANY = click.Path(path_type=Path)


@click.command(epilog="Environment: GITHUB_STEP_SUMMARY, where a GitHub job takes its summary.")
@click.option("--scorecard", type=FILE, required=True, help="The candidate's, as `glossator-eval score` writes it.")
@click.option("--champion", type=FILE, help="The scorecard of the model that reviews now.")
@click.option("--baseline", "baselines", type=ANY, multiple=True, help="Scorecard, or a folder of scored runs.")
@click.option("--decision", type=FILE, help="What `glossator-eval gate` decided on this candidate.")
@click.option("--out", type=FILE, default="report.html", show_default=True, help="The page.")
@click.option("--markdown", type=FILE, help="A short form in Markdown as well.")
@click.option("--model-card", type=FILE, help="The evaluation section of a model card, with its front matter.")
def command(
    scorecard: Path,
    champion: Path | None,
    baselines: tuple[Path, ...],
    decision: Path | None,
    out: Path,
    markdown: Path | None,
    model_card: Path | None,
) -> None:
    """Write a page on what a candidate reached, and a short form for the job's summary."""
    from evals.gate import GATE_SCHEMA, Decision
    from evals.model_card import render_model_card
    from evals.records import load_document
    from evals.report import build_report
    from evals.report_files import append_summary, save_text
    from evals.report_html import render_html
    from evals.report_markdown import render_markdown
    from evals.run_folders import list_scorecards
    from evals.scorecard import load_scorecard

    report = build_report(
        load_scorecard(scorecard),
        load_scorecard(champion) if champion else None,
        [load_scorecard(path) for path in list_scorecards(baselines)],
        load_document(decision, GATE_SCHEMA, Decision) if decision else None,
    )
    short = render_markdown(report)
    save_text(out, render_html(report))
    if markdown:
        save_text(markdown, short)
    if model_card:
        save_text(model_card, render_model_card(report.card, report.decision))
    append_summary(short)
    click.echo(f"{out} is written.", err=True)
