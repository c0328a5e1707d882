"""`glossator-eval run`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reviewer.errors import UsageError

if TYPE_CHECKING:
    from evals.held_out import HeldOutSet
    from evals.predictions import Prediction

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
ALL = "all"


@click.command(epilog="Environment: GLOSSATOR_ENDPOINT_TOKEN, the token of the model server.")
@click.option("--held-out", type=FILE, required=True, help="Pull requests, as `glossator-train held-out` writes them.")
@click.option("--out", type=FOLDER, required=True, help="Folder of this run. A run that was stopped goes on.")
@click.option("--baseline", default="", help="No model but this idea; `all`: each of them, in a folder below --out.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what a baseline leaves to chance.")
@click.option("--max-comments", type=click.IntRange(0), default=3, show_default=True, help="Comments that are posted.")
@click.option("--candidate", default="embedded", show_default=True, help="A short name for the model.")
@click.option("--endpoint-url", default="", help="The model server.  [default: the embedded model]")
@click.option("--endpoint-token", default="", envvar="GLOSSATOR_ENDPOINT_TOKEN", help="Its token.")
@click.option("--model", default="", help="Name at the server, or a GGUF file or catalogue name.")
@click.option("--answers", type=FILE, help="Where answers are remembered.  [default: answers.sqlite beside --out]")
@click.option("--limit", type=click.IntRange(0), default=0, help="Only so many pull requests, a random sample.")
def command(held_out: Path, out: Path, baseline: str, seed: int, max_comments: int, limit: int, **options: Any) -> None:
    """Review held-out pull requests with the product's own code, or by a baseline that has no model."""
    from evals.held_out import load_held_out

    wanted = load_held_out(held_out, limit)
    if baseline:
        run_baselines(wanted, out, baseline, seed, max_comments)
    else:
        asyncio.run(run_reviewer(wanted, out, max_comments, **options))


def run_baselines(wanted: HeldOutSet, out: Path, name: str, seed: int, max_comments: int) -> None:
    """Run one baseline into a folder, or each into one of its own.

    Raises:
        UsageError: There is no such baseline.
    """
    from evals.baselines import BASELINES, Baseline
    from evals.predictions import RunFolder
    from evals.run import run_candidate

    if name != ALL and name not in BASELINES:
        raise UsageError(f"There is no baseline {name[:80]!r}.", f"There are: {', '.join([*BASELINES, ALL])}.")
    for each in BASELINES if name == ALL else [name]:
        started = time.monotonic()
        made = Baseline(each, BASELINES[each], wanted.name, seed, max_comments)
        found = asyncio.run(run_candidate(wanted, made, RunFolder(out / each if name == ALL else out)))
        posted = sum(comment.posted for prediction in found.values() for comment in prediction.comments)
        seconds = time.monotonic() - started
        click.echo(f"{each}: {len(found)} pull requests, {posted} comments, {seconds:.1f} s", err=True)


async def run_reviewer(
    wanted: HeldOutSet,
    out: Path,
    max_comments: int,
    candidate: str,
    endpoint_url: str,
    endpoint_token: str,
    model: str,
    answers: Path | None,
) -> None:
    """Run the product with a model, its answers remembered."""
    from evals.content_store import ContentStore
    from evals.predictions import RunFolder
    from evals.remembered import RememberedModel
    from evals.run import ReviewerCandidate, run_candidate
    from reviewer.infer import open_model
    from reviewer.settings import merge_settings

    settings = merge_settings({"max-comments": max_comments}, {}, embedded=not endpoint_url)
    if not endpoint_url:  # it answers one after another: waiting for others is no time of the model's
        settings = replace(settings, concurrency=1)
    inputs = {"endpoint-url": endpoint_url, "endpoint-token": endpoint_token, "model": model}
    async with open_model(inputs, settings) as opened:
        with ContentStore(answers or out.parent / "answers.sqlite") as store:
            reviewer = ReviewerCandidate(candidate, RememberedModel(opened, store), settings, wanted.name)
            await run_candidate(wanted, reviewer, RunFolder(out), tell)


def tell(done: int, total: int, prediction: Prediction) -> None:
    """One line on a pull request."""
    click.echo(
        f"{done}/{total} {prediction.repo}#{prediction.number}: {prediction.status or 'done'}, "
        f"{len(prediction.comments)} comments, {prediction.seconds:.0f} s",
        err=True,
    )
