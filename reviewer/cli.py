"""The command line: `glossator review | prompt | explain | doctor | collect | infer | post`.

Commands only read options and print; what they do stands in the modules they import when they run, so that `--help`
costs next to nothing. A command returns its exit code. Every error that a user may meet ends in `main`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reviewer import __version__
from reviewer.cli_options import ASK, FORMATS, MODEL, PROMPT, OrderedGroup, file_option, place_options, source_options
from reviewer.console import check_output, prepare_streams, save_text, say_error, write
from reviewer.errors import EXIT_OK, GlossatorError, ModelError, UsageError
from reviewer.settings_forms import click_options
from reviewer.settings_table import TABLE

if TYPE_CHECKING:
    from reviewer.collect import Collected
    from reviewer.domain import Bundle, Review
    from reviewer.report import Format
    from reviewer.settings import Settings

SOURCE_NAMES = ("folder", "base", "head", "staged", "diff", "repo", "pull_request", "github_token")
STOPPED = 130


@click.group(
    cls=OrderedGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 well, 1 --fail-on is met, 2 options or settings, 3 no diff, 4 the model, 5 GitHub.",
)
@click.version_option(__version__, prog_name="glossator")
def glossator() -> None:
    """Review pull requests with a model you own."""


@glossator.command(short_help="Review a change and print the comments.")
@source_options
@click_options(*MODEL, *ASK, "fail-on")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", help="What to print. Default: text.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Write there instead of the terminal.")
def review(format_: Format, output: Path | None, **options: object) -> int:
    """Review a change and print the comments. Nothing is posted.

    When no change is named, it is what HEAD changed since it left the default branch. Without --endpoint-url the
    embedded model reviews; the first time it is downloaded (1.1 GB).
    """
    import shutil

    from reviewer.report import decide_exit_code, render, wants_color

    check_output(output)
    collected = _collect(options)
    result = _infer(collected.bundle, options, collected.settings)
    color = output is None and wants_color(os.environ, is_terminal=sys.stdout is not None and sys.stdout.isatty())
    width = shutil.get_terminal_size().columns
    text = render(result, collected.bundle.pull_request, format_, width=width, color=color)
    if output:
        save_text(text, output)
    else:
        write(text, color=color)
    return _close(result, decide_exit_code(result, collected.settings.fail_on))


@glossator.command(short_help="Print exactly what the model would see.")
@source_options
@click_options("endpoint-url", *PROMPT)
@click.option("--piece", type=int, default=0, metavar="NUMBER", help="Only this piece of the change, from 1.")
def prompt(piece: int, **options: object) -> int:
    """Print exactly what the model would see: the shared prefix once, then what is asked about each piece.

    With --endpoint-url as for a model there, else as for the embedded model, which is shown less. Nothing is asked.
    """
    from reviewer.explain import render_prompts

    collected = _collect(options)
    write(render_prompts(collected.bundle, collected.settings, piece))
    return EXIT_OK


@glossator.command(short_help="Print what would be looked at, what is left out, and why.")
@source_options
@click_options("endpoint-url", *PROMPT)
def explain(**options: object) -> int:
    """Print what would be looked at, in which order, what is left out, and which guidelines go with it, and why.

    With --endpoint-url as for a model there, else as for the embedded model, which is shown less. Nothing is asked.
    """
    from reviewer.explain import render_plan

    collected = _collect(options)
    write(render_plan(collected.bundle, collected.settings))
    return EXIT_OK


@glossator.command(short_help="Check settings, token, model; say what to fix.")
@place_options
@click_options(*MODEL, *ASK)
@click.option("--runners", is_flag=True, help="Also read who may reach self-hosted runners of --repo.")
def doctor(*, runners: bool, **options: Any) -> int:
    """Check Python, git, the settings file, GitHub's token and the model, and say what to fix.

    It writes nothing and shows no token and no address. The exit code is that of the first thing that fails.
    """
    from reviewer.doctor import Patient, examine, print_checks

    token = options["github_token"] or ""
    patient = Patient(options["folder"], options["repo"] or "", token, _given(options), runners=runners)
    return print_checks(examine(patient))


@glossator.command(short_help="Write bundle.json: the diff, the guidelines, the settings.")
@source_options
@click_options("context-tokens")
@file_option("bundle", "path", "What to write.")
@click.option("--embedded", is_flag=True, help="Choose the context for the embedded model's smaller budget.")
def collect(path: Path, **options: object) -> int:
    """Write bundle.json: the diff, the guidelines and the settings file, and no secret."""
    from reviewer.jsonfile import save_json

    check_output(path)
    save_json(_collect(options, embedded=bool(options["embedded"])).bundle, path)
    return EXIT_OK


@glossator.command(short_help="Ask the model about bundle.json and write review.json.")
@click_options(*MODEL, *ASK)
@file_option("bundle", "path", "What to read.")
@file_option("review", "to", "What to write.")
def infer(path: Path, to: Path, **options: object) -> int:
    """Ask the model about bundle.json and write review.json. Needs no token of GitHub's."""
    from reviewer.jsonfile import load_bundle, save_json
    from reviewer.report import decide_exit_code
    from reviewer.report_lines import plural
    from reviewer.settings import merge_settings

    check_output(to)
    bundle = load_bundle(path)
    settings = merge_settings(_given(options), bundle.settings, embedded=not options["endpoint_url"])
    result = _infer(bundle, options, settings)
    save_json(result, to)
    click.echo(f"{result.status}: {plural(len(result.findings), 'finding')} in {to}", err=True)
    return _close(result, decide_exit_code(result, "never"))


@glossator.command(short_help="Check review.json against its pull request and post it, once.")
@file_option("review", "path", "What to read.")
@click_options("github-token", "signing-key", "max-comments", "min-severity", "resolve-outdated", "fail-on")
def post(path: Path, github_token: str | None, signing_key: str | None, **options: object) -> int:
    """Check review.json against its pull request on GitHub, and post it: once, however often this is run."""
    from reviewer.github_api import from_environment
    from reviewer.jsonfile import load_review
    from reviewer.publish import post_review
    from reviewer.report import decide_exit_code
    from reviewer.report_lines import plural

    answer = load_review(path)
    if not answer.number:
        raise UsageError(f"{path} is about no pull request on GitHub.", "Collect it with --repo and --pull-request.")
    if not github_token:
        raise UsageError("There is no token.", "Set GLOSSATOR_GITHUB_TOKEN to one that may write pull requests.")
    host = from_environment(answer.repo, github_token)
    server_url = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    published, settings = post_review(host, answer, _given(options), signing_key or "", server_url)
    if published.error:
        raise published.error
    posted = plural(len(published.review.comments), "comment")
    write(published.why or f"Posted {posted} on {answer.repo}#{answer.number}.")
    return EXIT_OK if published.rung == "overtaken" else decide_exit_code(published.review, settings.fail_on)


def _collect(options: dict[str, object], *, embedded: bool | None = None) -> Collected:
    """The bundle of the change that the options name."""
    from reviewer.collect import collect_bundle
    from reviewer.sources import SourceOptions, load_source

    source: dict[str, Any] = {name: options[name] for name in SOURCE_NAMES if options.get(name)}
    pull_request, files = load_source(SourceOptions(**source), lambda text: click.echo(text, err=True))
    if embedded is None:
        embedded = not options["endpoint_url"]
    return collect_bundle(pull_request, files, _given(options), embedded=embedded)


def _infer(bundle: Bundle, options: dict[str, object], settings: Settings) -> Review:
    """The model's review of the bundle, its progress shown on a terminal."""
    import asyncio

    from reviewer.infer import infer_review
    from reviewer.progress import ProgressLine

    with ProgressLine() as progress:
        return asyncio.run(infer_review(bundle, _given(options), settings, progress.count, progress))


def _close(result: Review, code: int) -> int:
    """The exit code; when the model failed on everything, first why, for whoever sees only standard error."""
    if code == ModelError.exit_code:
        why = next((part.reason for part in result.coverage if part.state == "failed"), result.note)
        say_error(f"The model gave no usable answer: {why}\nCheck it with `glossator doctor` and the same options.")
    return code


def _given(options: dict[str, object]) -> dict[str, object]:
    """The settings among the options that were given, by their names in the table."""
    found = {setting.name: options.get(setting.field) for setting in TABLE}
    return {name: value for name, value in found.items() if value not in (None, "", ())}


def main() -> None:
    """Run the command."""
    run_command(glossator, "glossator")


def run_command(command: click.Command, name: str) -> None:
    """Run a command line and leave with its exit code, one of `reviewer.errors`. Errors end here, as sentences."""
    prepare_streams()
    try:
        code = command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = UsageError.exit_code
    except GlossatorError as error:
        say_error(str(error))
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        os._exit(STOPPED)  # At once: the embedded model may be in the middle of a long step, which nothing interrupts.
    except Exception as error:  # noqa: BLE001 - the top: a user gets a sentence, not a traceback
        code = _report_bug(error)
    sys.exit(code)


def _report_bug(error: Exception) -> int:
    """Say where it happened; with GLOSSATOR_TRACEBACK set, raise it."""
    if os.environ.get("GLOSSATOR_TRACEBACK"):
        raise error
    import traceback

    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    say_error(f"A fault in Glossator itself: {where}.\nPlease report it, with what GLOSSATOR_TRACEBACK=1 shows.")
    return GlossatorError.exit_code
