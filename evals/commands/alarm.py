"""`glossator-eval alarm`."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from reviewer.errors import UsageError

FILE = click.Path(path_type=Path, dir_okay=False)
SERVER = "https://github.com"
MAX_NAME = 100
"""Characters that the issue remembers of a name."""


@click.command(
    epilog="Environment: GITHUB_RUN_ID, and GITHUB_API_URL, GITHUB_SERVER_URL where they are not github.com."
)
@click.option("--champion", type=FILE, help="The gate's decision on the champion, compared with when it was last good.")
@click.option("--challenger", type=FILE, help="The gate's decision on a challenger, compared with the champion.")
@click.option("--last-good", default="", metavar="DIGEST", help="Stands for the champion's last good scorecard.")
@click.option("--evaluation", default="nightly", show_default=True, help="Its name: each one has an issue of its own.")
@click.option("--repo", envvar="GITHUB_REPOSITORY", default="", metavar="OWNER/NAME", help="The repository on GitHub.")
@click.option("--github-token", envvar="GLOSSATOR_GITHUB_TOKEN", default="", show_envvar=True, help="May write issues.")
def command(
    champion: Path | None, challenger: Path | None, last_good: str, evaluation: str, repo: str, github_token: str
) -> None:
    """Keep one issue open while the gate finds something significantly worse, and close it when it is over.

    Without a decision on the champion nothing is said of it: an issue about it stays as it is.
    """
    from evals.regression import say, tell
    from evals.regression_memory import Night
    from evals.regression_text import IssueTexts, load_comparison
    from evals.report_files import append_summary
    from reviewer.github_api import from_environment

    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo, re.ASCII):
        raise UsageError("There is no repository for the issue.", "Add --repo OWNER/NAME, or set GITHUB_REPOSITORY.")
    if not github_token:
        raise UsageError("There is no token.", "Set GLOSSATOR_GITHUB_TOKEN to one that may write issues.")
    given = {"champion": champion, "challenger": challenger}
    made = [load_comparison(path, kind) for kind, path in given.items() if path]
    expected = ("champion", "challenger") if challenger else ("champion",)
    run = os.environ.get("GITHUB_RUN_ID", "")
    stands_for = last_good[:MAX_NAME] if champion else ""
    night = Night(evaluation[:MAX_NAME], tuple(filter(None, made)), expected, run, stands_for)
    server = os.environ.get("GITHUB_SERVER_URL", SERVER).rstrip("/")
    told = tell(from_environment(repo, github_token), night, IssueTexts(f"{server}/{repo}"))
    append_summary(f"{say(told)}\n")
    click.echo(say(told), err=True)
