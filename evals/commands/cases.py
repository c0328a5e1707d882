"""`glossator-eval cases`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command(epilog="Environment: GLOSSATOR_ENDPOINT_URL and GLOSSATOR_ENDPOINT_TOKEN, a model server and its token.")
@click.option("--case", "names", multiple=True, metavar="NAME", help="Only this case; may be repeated.")
@click.option("--folder", type=FOLDER, help="Other cases than those that come with the product.")
@click.option("--candidate", default="", help="A short name for the model.  [default: the model's own]")
@click.option("--endpoint-url", default="", envvar="GLOSSATOR_ENDPOINT_URL", help="Measure the model of this server.")
@click.option("--endpoint-token", default="", envvar="GLOSSATOR_ENDPOINT_TOKEN", help="Its token.")
@click.option("--model", default="", help="Measure this one: its name at the server, or a GGUF file or catalogue name.")
@click.option("--answers", type=FILE, help="Where answers are remembered.  [default: answers.sqlite beside --json]")
@click.option("--json", "out", type=FILE, help="Write the results here, as the gate reads them.")
def command(
    names: tuple[str, ...],
    folder: Path | None,
    candidate: str,
    endpoint_url: str,
    endpoint_token: str,
    model: str,
    answers: Path | None,
    out: Path | None,
) -> None:
    """Try the product on known failure modes, and a model on planted faults.

    Without a model: what the product must get right whatever a model says. The exit code is 0 also when cases fail: it
    is the gate that judges.
    """
    from evals.case_files import CASES, load_cases
    from evals.case_format import DirectionalCase
    from evals.case_results import CaseResult, CaseResults, save_case_results
    from evals.case_run import render_results, run_cases
    from evals.content_store import ContentStore
    from evals.remembered import RememberedModel
    from evals.run import NO_MODEL, ReviewerCandidate
    from reviewer.console import check_output
    from reviewer.infer import open_model
    from reviewer.settings import merge_settings

    check_output(out)
    case_set = load_cases(names, folder or CASES)
    plain = merge_settings({}, {})

    def tell(done: int, result: CaseResult) -> None:
        click.echo(f"{done} {result.group} {result.name}: {result.outcome}", err=True)

    async def go() -> CaseResults:
        if not (endpoint_url or model):
            planted = sum(isinstance(case, DirectionalCase) for case in case_set.cases)
            click.echo(f"{planted} planted faults are not tried: that takes --model or --endpoint-url.", err=True)
            return await run_cases(case_set, plain, candidate or "product", NO_MODEL)
        settings = merge_settings({}, {}, embedded=not endpoint_url)
        if not endpoint_url:  # it answers one after another: waiting for others is no time of the model's
            settings = replace(settings, concurrency=1)
        inputs = {"endpoint-url": endpoint_url, "endpoint-token": endpoint_token, "model": model}
        async with open_model(inputs, settings) as opened:
            with ContentStore(answers or (out.parent / "answers.sqlite" if out else Path(":memory:"))) as store:
                remembered = RememberedModel(opened, store, endpoint_url)
                if endpoint_url:
                    await remembered.check()
                name = candidate or remembered.version.name
                reviewer = ReviewerCandidate(name, remembered, settings, "cases")
                return await run_cases(case_set, plain, name, remembered.version, reviewer, tell)

    results = asyncio.run(go())
    if out:
        save_case_results(results, out)
    click.echo(render_results(results), nl=False)
