"""Where a repository is: options of the commands that talk to GitHub about it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reviewer.errors import UsageError

if TYPE_CHECKING:
    from reviewer.github_api import GitHub
    from training.git_remote import GitRemote

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])

FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="Folder with dvc.yaml, if not ."
)
REPO = click.option("--repo", envvar="GITHUB_REPOSITORY", metavar="OWNER/NAME", help="The repository on GitHub.")
TOKEN = click.option(
    "--github-token", envvar="GLOSSATOR_GITHUB_TOKEN", show_envvar=True, metavar="TOKEN", help="Token that may do this."
)


def place_options(command: AnyCommand) -> AnyCommand:
    """The options `folder`, `repo` and `github_token`."""
    return FOLDER(REPO(TOKEN(command)))


def connect(folder: Path, repo: str | None, github_token: str | None) -> tuple[GitHub, GitRemote]:
    """The repository on GitHub, and the checkout's remote.

    Raises:
        UsageError: One of the options is missing or wrong.
    """
    from reviewer.github_api import from_environment
    from training.git_remote import GitRemote

    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo or "", re.ASCII):
        raise UsageError("There is no repository to propose to.", "Add --repo OWNER/NAME, or set GITHUB_REPOSITORY.")
    if not github_token:
        raise UsageError("There is no token.", "Set GLOSSATOR_GITHUB_TOKEN to one that may push.")
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Give the one that holds dvc.yaml with --folder.")
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    return from_environment(repo or "", github_token), GitRemote(folder, github_token, server)
