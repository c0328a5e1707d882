"""`glossator-eval run`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reviewer.cli_options import ASK
from reviewer.errors import UsageError
from reviewer.settings_forms import click_options

if TYPE_CHECKING:
    from evals.held_out import HeldOutSet

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
ALL = "all"
MODEL = ("model", "endpoint-url", "endpoint-token")
"""No fallback: a run is of one model."""


@click.command()
@click.option("--held-out", type=FILE, required=True, help="Pull requests, as `glossator-train held-out` writes them.")
@click.option("--out", type=FOLDER, required=True, help="Folder of this run. A run that was stopped goes on.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Only so many pull requests, a random sample.")
@click.option("--baseline", default="", help="No model but this idea; `all`: each of them, in a folder below --out.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what a baseline leaves to chance.")
@click.option("--candidate", default="", help="A short name for the model.  [default: embedded, or the server's name]")
@click.option("--answers", type=FILE, help="Where answers are remembered.  [default: answers.sqlite beside --out]")
@click_options(*MODEL, *ASK)
def command(held_out: Path, out: Path, limit: int, baseline: str, seed: int, **options: Any) -> None:
    """Review held-out pull requests with the product's own code, or by a baseline that has no model.

    Without --endpoint-url the embedded model reviews. A run that was stopped, however that was, goes on
    from there when the same command is given again; no answer is asked for twice.
    """
    from evals.held_out import load_held_out

    wanted = load_held_out(held_out, limit)
    if baseline:
        run_baselines(wanted, out, baseline, seed, options["max_comments"])
    else:
        asyncio.run(run_reviewer(wanted, out, **options))


def run_baselines(wanted: HeldOutSet, out: Path, name: str, seed: int, max_comments: str | None) -> None:
    """Run one baseline into a folder, or each into one of its own.

    Raises:
        UsageError: There is no such baseline.
    """
    from evals.baselines import BASELINES, Baseline
    from evals.predictions import RunFolder
    from evals.run_progress import RunProgress
    from evals.runner import run_candidate
    from reviewer.settings import merge_settings

    if name != ALL and name not in BASELINES:
        raise UsageError(f"There is no baseline {name[:80]!r}.", f"There are: {', '.join([*BASELINES, ALL])}.")
    budget = merge_settings({"max-comments": max_comments}, {}).max_comments
    for each in BASELINES if name == ALL else [name]:
        made = Baseline(each, BASELINES[each], wanted.name, seed, budget)
        progress = RunProgress(brief=True)
        asyncio.run(run_candidate(wanted, made, RunFolder(out / each if name == ALL else out), progress))
        progress.finish(each)


async def run_reviewer(
    wanted: HeldOutSet, out: Path, candidate: str, answers: Path | None, model: str | None, **options: Any
) -> None:
    """Run the product with a model, its answers remembered."""
    from evals.content_store import ContentStore
    from evals.predictions import RunFolder
    from evals.remembered import RememberedModel
    from evals.run import ReviewerCandidate
    from evals.run_progress import RunProgress
    from evals.runner import run_candidate
    from reviewer.infer import open_model
    from reviewer.progress import ProgressLine
    from reviewer.settings import merge_settings

    url = options.pop("endpoint_url") or ""
    inputs = {"endpoint-url": url, "endpoint-token": options.pop("endpoint_token") or "", "model": model or ""}
    settings = merge_settings(options, {}, embedded=not url)
    if not url:  # it answers one after another: waiting for others is no time of the model's
        settings = replace(settings, concurrency=1)
    with ContentStore(answers or out.parent / "answers.sqlite") as store:
        async with open_model(inputs, settings, ProgressLine()) as opened:  # the bar of a download
            remembered = RememberedModel(opened, store, url)
            if url:
                await remembered.check()
            name = candidate or (remembered.version.name if url else "embedded")
            reviewer = ReviewerCandidate(name, remembered, settings, wanted.name)
            progress = RunProgress()
            await run_candidate(wanted, reviewer, RunFolder(out), progress)
            progress.finish(name)
