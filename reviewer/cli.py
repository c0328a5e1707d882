"""The command line: `glossator review | collect | infer | post | prompt | explain | doctor`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from reviewer import __version__
from reviewer.errors import GlossatorError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="glossator")
def glossator() -> None:
    """Review pull requests with a model you own."""


@glossator.command()
@click.option("--diff", "diff_path", type=click.Path(path_type=Path), help="A git diff to review.")
@click.option("--model", default="qwen2.5-coder-1.5b", help="A catalogue name or a GGUF file.")
def review(diff_path: Path, model: str) -> None:
    """Review a change and print the comments."""
    from reviewer.diff import parse_diff
    from reviewer.domain import Bundle, PullRequest
    from reviewer.local_model import LocalModel
    from reviewer.report import render
    from reviewer.review import review_pull_request
    from reviewer.settings import Settings

    pull_request = PullRequest("", 0, "", "", "", "", "", parse_diff(diff_path.read_bytes()))
    result = asyncio.run(review_pull_request(Bundle(pull_request), LocalModel(Path(model)), Settings()))
    click.echo(render(result, pull_request, "text"))


def main() -> None:
    """Run the command; every error that a user may meet ends here."""
    try:
        glossator.main(standalone_mode=True)
    except GlossatorError as error:
        click.echo(f"glossator: {error}", err=True)
        sys.exit(error.exit_code)
