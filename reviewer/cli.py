"""The command line: `glossator review | collect | infer | post | prompt | explain | doctor`.

Commands only read options and print; what they do stands in the modules they import when they run, so that `--help`
costs next to nothing. Every error that a user may meet ends in `main`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reviewer import __version__
from reviewer.errors import GlossatorError, UsageError
from reviewer.settings_forms import click_options
from reviewer.settings_table import SHARED

if TYPE_CHECKING:
    from reviewer.collect import Collected
    from reviewer.report import Format

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])

SHARED_NAMES = tuple(setting.name for setting in SHARED)
MODEL_NAMES = ("model", "endpoint-url", "endpoint-token", "fallback-url")
SOURCE_NAMES = ("folder", "base", "head", "staged", "diff", "repo", "pull_request", "github_token")
FORMATS = ("text", "json", "markdown", "sarif", "rdjson")


def source_options(command: AnyCommand) -> AnyCommand:
    """The options that say what to review."""
    options = [
        click.option("--base", metavar="REF", help="Review what HEAD changed since it left this ref."),
        click.option("--head", metavar="REF", help="With --base: another end than HEAD."),
        click.option("--staged", is_flag=True, help="Review what is staged for the next commit."),
        click.option("--diff", metavar="FILE", help="Review a git diff; - reads standard input."),
        click.option("--repo", metavar="OWNER/NAME", help="With --pull-request: the repository on GitHub."),
        click.option(
            "--folder", "-C", default=".", type=click.Path(path_type=Path), help="The checkout. Default: here."
        ),
    ]
    for option in reversed([*options, click_options("pull-request", "github-token")]):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="glossator")
def glossator() -> None:
    """Review pull requests with a model you own."""


@glossator.command()
@source_options
@click_options(*MODEL_NAMES, *SHARED_NAMES)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", help="What to print. Default: text.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Write there instead of the terminal.")
def review(format_: Format, output: Path | None, **options: object) -> None:
    """Review a change and print the comments. Nothing is posted.

    Without --endpoint-url the embedded model reviews; the first time it is downloaded (1.1 GB).
    """
    from reviewer.infer import infer_review
    from reviewer.progress import ProgressLine, show_pieces
    from reviewer.report import decide_exit_code, render

    collected = _collect(options)
    progress = ProgressLine()
    result = asyncio.run(
        infer_review(collected.bundle, _given(options), collected.settings, show_pieces(progress), progress)
    )
    text = render(result, collected.bundle.pull_request, format_)
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=not text.endswith("\n"))
    sys.exit(decide_exit_code(result, collected.settings.fail_on))


@glossator.command()
@source_options
@click_options(*SHARED_NAMES)
@click.option("--bundle", "path", type=click.Path(path_type=Path), default=Path("bundle.json"), help="What to write.")
@click.option("--embedded", is_flag=True, help="Choose the context for the embedded model's smaller budget.")
def collect(path: Path, *, embedded: bool, **options: object) -> None:
    """Write bundle.json: the diff, the guidelines and the settings file, and no secret."""
    from reviewer.jsonfile import save_json

    save_json(_collect(options, embedded=embedded).bundle, path)


@glossator.command()
@click_options(*MODEL_NAMES, *SHARED_NAMES)
@click.option("--bundle", "path", type=click.Path(path_type=Path), default=Path("bundle.json"), help="What to read.")
@click.option("--review", "to", type=click.Path(path_type=Path), default=Path("review.json"), help="What to write.")
def infer(path: Path, to: Path, **options: object) -> None:
    """Ask the model about bundle.json and write review.json. Needs no token of GitHub's."""
    from reviewer.infer import infer_review
    from reviewer.jsonfile import load_bundle, save_json
    from reviewer.progress import ProgressLine, show_pieces
    from reviewer.settings import merge_settings

    bundle = load_bundle(path)
    settings = merge_settings(_given(options), bundle.settings, embedded=not options["endpoint_url"])
    progress = ProgressLine()
    result = asyncio.run(infer_review(bundle, _given(options), settings, show_pieces(progress), progress))
    save_json(result, to)
    click.echo(f"{result.status}: {len(result.findings)} findings in {to}")


@glossator.command()
@click.option("--review", "path", type=click.Path(path_type=Path), default=Path("review.json"), help="What to read.")
@click_options("github-token", "signing-key", *SHARED_NAMES)
def post(path: Path, github_token: str | None, signing_key: str | None, **options: object) -> None:
    """Check review.json against its pull request on GitHub, and post it: once, however often this is run."""
    from reviewer.github_api import from_environment
    from reviewer.jsonfile import load_review
    from reviewer.publish import post_review

    answer = load_review(path)
    if not answer.number:
        raise UsageError(f"{path} is about no pull request on GitHub.", "Collect it with --repo and --pull-request.")
    if not github_token:
        raise UsageError("There is no token.", "Set GLOSSATOR_GITHUB_TOKEN to one that may write pull requests.")
    host = from_environment(answer.repo, github_token)
    published = post_review(host, answer, _given(options), signing_key or "")
    if published.error:
        raise published.error
    click.echo(published.why or f"Posted {len(published.review.comments)} comments on {answer.repo}#{answer.number}.")


@glossator.command()
@source_options
@click_options("endpoint-url", *SHARED_NAMES)
@click.option("--piece", type=int, default=0, help="Only the prompt of this piece of the change, from 1.")
def prompt(piece: int, **options: object) -> None:
    """Print exactly what the model would see: the shared prefix once, then what is asked about each piece."""
    from reviewer.explain import render_prompts

    collected = _collect(options, embedded=not options["endpoint_url"])
    click.echo(render_prompts(collected.bundle, collected.settings, piece))


@glossator.command()
@source_options
@click_options("endpoint-url", *SHARED_NAMES)
def explain(**options: object) -> None:
    """Print what would be looked at, in which order, what is left out, and which guidelines go with it, and why."""
    from reviewer.explain import render_plan

    collected = _collect(options, embedded=not options["endpoint_url"])
    click.echo(render_plan(collected.bundle, collected.settings))


def _collect(options: dict[str, object], *, embedded: bool | None = None) -> Collected:
    """The bundle of the change that the options name."""
    from reviewer.collect import collect_bundle
    from reviewer.sources import SourceOptions, load_source

    source: dict[str, Any] = {name: options[name] for name in SOURCE_NAMES if options.get(name)}
    source["pull_request"] = int(source.get("pull_request", 0))
    pull_request, files = load_source(SourceOptions(**source))
    if embedded is None:
        embedded = not options.get("endpoint_url")
    return collect_bundle(pull_request, files, _given(options), embedded=embedded)


def _given(options: dict[str, object]) -> dict[str, object]:
    """The settings among the options that were given, by their names in the table."""
    names = (*SHARED_NAMES, *MODEL_NAMES)
    return {name: value for name in names if (value := options.get(name.replace("-", "_"))) not in (None, "", ())}


def main() -> None:
    """Run the command. Exit codes are those of `reviewer.errors`."""
    try:
        glossator.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(UsageError.exit_code)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except GlossatorError as error:
        click.echo(f"glossator: {error}", err=True)
        sys.exit(error.exit_code)
