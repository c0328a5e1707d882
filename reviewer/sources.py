"""Where a change on the command line comes from: a git range, the index, a patch, or GitHub."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from reviewer.context import BaseFiles
from reviewer.domain import PullRequest
from reviewer.errors import UsageError

CHOICES = """\
Name one of --base REF, --staged, --diff FILE or --pull-request NUMBER, for example:
  glossator review --base main
  git diff main... | glossator review --diff -"""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The options that say what to review."""

    folder: Path = Path()
    base: str = ""
    head: str = ""
    staged: bool = False
    diff: str = ""
    repo: str = ""
    pull_request: int = 0
    github_token: str = ""


class NoFiles:
    """The base of a patch: nobody knows it."""

    def list_files(self) -> tuple[str, ...]:
        """None."""
        return ()

    def read_file(self, path: str, limit: int) -> str | None:  # noqa: ARG002 - the protocol's arguments
        """None."""
        return None


def load_source(options: SourceOptions) -> tuple[PullRequest, BaseFiles]:
    """The change, and the files at its base for the guidelines.

    Raises:
        UsageError: Not exactly one source is named.
        SourceError: There is no change to read.
        HostError: GitHub does not give it.
    """
    given = [bool(options.diff), options.staged, bool(options.pull_request), bool(options.base) and not options.diff]
    if sum(given) != 1:
        raise UsageError("Nothing says what to review." if not any(given) else "Two changes are named.", CHOICES)
    if options.pull_request:
        return _load_from_github(options)
    from reviewer.git_repository import GitRepository
    from reviewer.git_source import load_git_range, load_patch, load_staged

    if options.diff:
        pull_request = load_patch(options.diff)
        repository = GitRepository(options.folder)
        return pull_request, repository.files(repository.resolve(options.base)) if options.base else NoFiles()
    if options.staged:
        pull_request = load_staged(options.folder)
    else:
        pull_request = load_git_range(options.folder, options.base, options.head or "HEAD")
    if not pull_request.base_sha:
        return pull_request, NoFiles()
    return pull_request, GitRepository(options.folder).files(pull_request.base_sha)


def _load_from_github(options: SourceOptions) -> tuple[PullRequest, BaseFiles]:
    from reviewer.github_api import from_environment

    repo = options.repo or os.environ.get("GITHUB_REPOSITORY", "")
    if repo.count("/") != 1:
        raise UsageError("--pull-request needs a repository.", "Add --repo OWNER/NAME, or set GITHUB_REPOSITORY.")
    host = from_environment(repo, options.github_token)
    pull_request = host.get_pull_request(options.pull_request)
    return pull_request, host.base_files(pull_request.base_sha)
