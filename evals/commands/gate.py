"""`glossator-eval gate`."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
ANY = click.Path(path_type=Path)


@click.command(
    epilog="Exit codes: 0 promote, 1 hold, 8 inconclusive, 2 options or rules, 6 scorecards. "
    "Environment: GITHUB_STEP_SUMMARY, where a GitHub job takes its summary."
)
@click.option("--champion", type=FILE, help="Scorecard of the model that reviews now.  [default: there is none]")
@click.option("--challenger", type=FILE, required=True, help="Scorecard of the model that would take its place.")
@click.option("--baseline", "baselines", type=ANY, multiple=True, help="Scorecard to beat, or a folder of scored runs.")
@click.option("--cases", type=FILE, help="What came of the cases with the challenger: nothing may be broken.")
@click.option("--champion-cases", type=FILE, help="And with the champion: significantly fewer may not pass.")
@click.option("--rules", type=FILE, help="What is asked, as docs/gate.md says.  [default: the package's rules.toml]")
@click.option("--json", "json_file", type=FILE, help="Write the decision and all that it rests on.")
@click.option("--markdown", type=FILE, help="Write the decision for people.")
def command(
    champion: Path | None,
    challenger: Path,
    baselines: tuple[Path, ...],
    cases: Path | None,
    champion_cases: Path | None,
    rules: Path | None,
    json_file: Path | None,
    markdown: Path | None,
) -> int:
    """Decide whether a model may review in the champion's place: promote, hold or inconclusive."""
    import os
    import shutil
    import sys

    from evals.case_results import load_case_results
    from evals.comparison import by_name
    from evals.gate import EXIT_CODES, decide, save_decision
    from evals.gate_cases import Cases
    from evals.gate_report import render_markdown, render_text
    from evals.report_files import append_summary, save_text
    from evals.rules import load_rules
    from evals.run_folders import list_scorecards
    from evals.score import METRICS
    from evals.scorecard import load_scorecard
    from reviewer.console import write
    from reviewer.report import wants_color

    if champion_cases and not cases:
        raise click.UsageError("--champion-cases needs --cases, the challenger's.")
    asked = load_rules(rules)
    theirs = load_case_results(champion_cases) if champion_cases else None
    tried = Cases(load_case_results(cases), theirs) if cases else None
    decision = decide(
        load_scorecard(champion) if champion else None,
        load_scorecard(challenger),
        [load_scorecard(path) for path in list_scorecards(baselines)],
        asked,
        METRICS,
        cases=tried,
    )
    known = by_name(METRICS)
    page = render_markdown(decision, known)
    if json_file:
        save_decision(decision, json_file)
    if markdown:
        save_text(markdown, page)
    append_summary(page)
    color = wants_color(os.environ, is_terminal=sys.stdout.isatty())
    write(render_text(decision, known, width=shutil.get_terminal_size((120, 24)).columns, color=color), color=color)
    return EXIT_CODES[decision.verdict]
