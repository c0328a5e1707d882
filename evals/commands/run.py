"""`glossator-eval run`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from reviewer.cli_options import ASK
from reviewer.errors import UsageError
from reviewer.settings_forms import click_options

if TYPE_CHECKING:
    from evals.baselines import Recipe
    from evals.held_out import HeldOutSet

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
ALL = "all"
RETRIEVAL = "retrieval"
MODEL = ("model", "endpoint-url", "endpoint-token")
"""No fallback: a run is of one model."""


@click.command()
@click.option("--held-out", type=FILE, required=True, help="Pull requests, as `glossator-train held-out` writes them.")
@click.option("--out", type=FOLDER, required=True, help="Folder of this run. A run that was stopped goes on.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Only so many pull requests, a random sample.")
@click.option("--baseline", default="", help="No model but this idea; `all`: each of them, in a folder below --out.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what a baseline leaves to chance.")
@click.option("--training-pairs", type=FILE, help="Training comments, which the baseline `retrieval` copies.")
@click.option("--locator", type=FILE, help="Where to look, by this locator and not by the shipped one.")
@click.option("--candidate", default="", help="A short name for the model.  [default: embedded, or the server's name]")
@click.option("--answers", type=FILE, help="Where answers are remembered.  [default: answers.sqlite beside --out]")
@click_options(*MODEL, *ASK)
def command(
    held_out: Path,
    out: Path,
    limit: int,
    baseline: str,
    seed: int,
    training_pairs: Path | None,
    locator: Path | None,
    **options: Any,
) -> None:
    """Review held-out pull requests with the product's own code, or by a baseline that has no model.

    Without --endpoint-url the embedded model reviews. A run that was stopped, however that was, goes on
    from there when the same command is given again; no answer is asked for twice.
    """
    from evals.held_out import load_held_out
    from evals.run import give_locator

    if baseline:
        refuse_model()
    wanted, version = load_held_out(held_out, limit), ""
    if locator:
        wanted, version = give_locator(wanted, locator)
    if baseline:
        run_baselines(wanted, out, baseline, seed, training_pairs, options["max_comments"], version)
    else:
        asyncio.run(run_reviewer(wanted, out, locator=version, **options))


def refuse_model() -> None:
    """A baseline has no model. One that the environment names is for other commands.

    Raises:
        UsageError: One was given.
    """
    context = click.get_current_context()
    for name in (*MODEL, "candidate", "answers"):
        if context.get_parameter_source(name.replace("-", "_")) is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"A baseline has no model: --{name} does not go with --baseline.", "Leave one of them out."
            )


def run_baselines(
    wanted: HeldOutSet,
    out: Path,
    name: str,
    seed: int,
    training_pairs: Path | None,
    max_comments: str | None,
    locator: str = "",
) -> None:
    """Run one baseline into a folder, or each into one of its own. `locator`: the version of one that was given.

    Raises:
        UsageError: There is no such baseline, or it needs training pairs.
    """
    from evals.baselines import BASELINES, Baseline
    from evals.predictions import RunFolder
    from evals.run_progress import RunProgress
    from evals.runner import run_candidate
    from reviewer.settings import merge_settings

    budget = merge_settings({"max-comments": max_comments}, {}).max_comments
    recipes, facts = dict(BASELINES), dict[str, object]()
    if training_pairs and name in {RETRIEVAL, ALL}:
        recipes[RETRIEVAL], facts = load_retrieval(training_pairs, wanted)
    if name == RETRIEVAL and not training_pairs:
        raise UsageError("This baseline copies training comments.", "Give them with --training-pairs.")
    if name not in {*recipes, ALL}:
        there = ", ".join(dict.fromkeys([*recipes, RETRIEVAL, ALL]))
        raise UsageError(f"There is no baseline {name[:80]!r}.", f"There are: {there}.")
    for each in recipes if name == ALL else [name]:
        known = (facts if each == RETRIEVAL else {}) | ({"locator": locator} if locator else {})
        made = Baseline(each, recipes[each], wanted.name, seed, budget, known)
        progress = RunProgress(brief=True)
        asyncio.run(run_candidate(wanted, made, RunFolder(out / each if name == ALL else out), progress))
        progress.finish(each)


def load_retrieval(path: Path, wanted: HeldOutSet) -> tuple[Recipe, dict[str, object]]:
    """The recipe that copies these comments, and what it stands for.

    Raises:
        EvalError: They cannot be read, or are of pull requests that are held out.
    """
    from evals.contamination import check_leaks
    from evals.records import digest
    from evals.retrieval import make_retrieval
    from evals.training_pairs import load_training_pairs

    pairs = load_training_pairs(path)
    check_leaks(wanted.pull_requests, pairs)
    return make_retrieval(pairs), {"training_pairs": digest(path.read_bytes())}


async def run_reviewer(
    wanted: HeldOutSet, out: Path, candidate: str, answers: Path | None, model: str | None, locator: str, **options: Any
) -> None:
    """Run the product with a model, its answers remembered."""
    from evals.content_store import ContentStore
    from evals.predictions import RunFolder
    from evals.remembered import RememberedModel
    from evals.run import ReviewerCandidate
    from evals.run_progress import RunProgress
    from evals.runner import run_candidate
    from evals.same_run import name_server
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
            reviewer = ReviewerCandidate(name, remembered, settings, wanted.name, name_server(url), locator)
            progress = RunProgress()
            await run_candidate(wanted, reviewer, RunFolder(out), progress)
            progress.finish(name)
