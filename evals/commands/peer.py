"""`glossator-eval peer`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evals.commands.run import FILE, FOLDER
from reviewer.errors import UsageError
from reviewer.settings_forms import click_options

if TYPE_CHECKING:
    from evals.held_out import HeldOutSet
    from evals.peer import PeerModel


@click.command()
@click.option("--held-out", type=FILE, required=True, help="Pull requests, as `glossator-train held-out` writes them.")
@click.option("--out", type=FOLDER, required=True, help="Folder of this run. A run that was stopped goes on.")
@click.option("--python", type=FILE, required=True, help="The Python of the environment that pr-agent is installed in.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Only so many pull requests, a random sample.")
@click.option("--context-tokens", type=click.IntRange(2048), default=8192, show_default=True, help="Of the model.")
@click_options("endpoint-url", "endpoint-token", "model", "timeout")
def command(
    held_out: Path,
    out: Path,
    python: Path,
    limit: int,
    context_tokens: int,
    endpoint_url: str | None,
    endpoint_token: str | None,
    model: str | None,
    timeout: str | None,
) -> None:
    """Have another reviewer, pr-agent, review held-out pull requests with a model server of yours.

    It runs in an environment of its own, and nothing but the model server can be reached from there.
    """
    from evals.errors import refuse_write
    from evals.held_out import load_held_out
    from evals.peer import PeerModel
    from reviewer.settings import merge_settings

    if not endpoint_url:
        raise UsageError("pr-agent needs a model server.", "Give its address with --endpoint-url.")
    seconds = merge_settings({"timeout": timeout}, {}).timeout
    asked = PeerModel(endpoint_url, model or "default", endpoint_token or "", context_tokens, seconds)
    wanted = load_held_out(held_out, limit)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse_write(out, error) from error
    asyncio.run(run_peer(wanted, out, python, asked))


async def run_peer(wanted: HeldOutSet, out: Path, python: Path, model: PeerModel) -> None:
    """Run it into a folder; what it says on standard error goes to peer.log there."""
    from evals.peer import NAME, Peer, PeerCandidate
    from evals.predictions import RunFolder
    from evals.run_progress import RunProgress
    from evals.runner import run_candidate

    async with Peer(python, model, out / "peer.log") as peer:
        progress = RunProgress()
        await run_candidate(wanted, PeerCandidate(peer, model, wanted.name), RunFolder(out), progress)
        progress.finish(NAME)
