"""`glossator-eval run`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(epilog="Environment: GLOSSATOR_ENDPOINT_TOKEN, the token of the model server.")
@click.option("--held-out", type=FILE, required=True, help="Pull requests, as `glossator-train held-out` writes them.")
@click.option("--out", type=FOLDER, required=True, help="Folder of this run. A run that was stopped goes on.")
@click.option("--candidate", default="embedded", show_default=True, help="A short name for it.")
@click.option("--endpoint-url", default="", help="The model server.  [default: the embedded model]")
@click.option("--endpoint-token", default="", envvar="GLOSSATOR_ENDPOINT_TOKEN", help="Its token.")
@click.option("--model", default="", help="Name at the server, or a GGUF file or catalogue name.")
@click.option("--answers", type=FILE, help="Where answers are remembered.  [default: answers.sqlite beside --out]")
@click.option("--limit", type=click.IntRange(0), default=0, help="Only so many pull requests, a random sample.")
def command(
    held_out: Path,
    out: Path,
    candidate: str,
    endpoint_url: str,
    endpoint_token: str,
    model: str,
    answers: Path | None,
    limit: int,
) -> None:
    """Review held-out pull requests with the product's own code."""
    from evals.content_store import ContentStore
    from evals.held_out import load_held_out
    from evals.predictions import Prediction, RunFolder
    from evals.remembered import RememberedModel
    from evals.run import ReviewerCandidate, run_candidate
    from reviewer.infer import open_model
    from reviewer.settings import merge_settings

    wanted = load_held_out(held_out, limit)
    settings = merge_settings({}, {}, embedded=not endpoint_url)
    if not endpoint_url:  # it answers one after another: waiting for others is no time of the model's
        settings = replace(settings, concurrency=1)
    inputs = {"endpoint-url": endpoint_url, "endpoint-token": endpoint_token, "model": model}

    def tell(done: int, total: int, prediction: Prediction) -> None:
        click.echo(
            f"{done}/{total} {prediction.repo}#{prediction.number}: {prediction.status or 'done'}, "
            f"{len(prediction.comments)} comments, {prediction.seconds:.0f} s",
            err=True,
        )

    async def go() -> None:
        async with open_model(inputs, settings) as opened:
            with ContentStore(answers or out.parent / "answers.sqlite") as store:
                remembered = RememberedModel(opened, store)
                reviewer = ReviewerCandidate(candidate, remembered, settings, wanted.name)
                await run_candidate(wanted, reviewer, RunFolder(out), tell)

    asyncio.run(go())
