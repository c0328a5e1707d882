"""Where a change on the command line comes from: a git range, the index, a patch, or GitHub."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reviewer.context import BaseFiles
from reviewer.domain import PullRequest
from reviewer.errors import SourceError, UsageError
from reviewer.git_repository import GitRepository

CHOICES = """\
Name one change, for example:
  glossator review --base main                     what HEAD changed since it left main
  glossator review --staged                        what you are about to commit
  git diff v1.. | glossator review --diff -        a patch
  glossator review --repo octo/demo --pull-request 7"""
DEFAULT_BASES = ("refs/remotes/origin/HEAD", "refs/remotes/upstream/HEAD", "origin/main", "origin/master")
LOCAL_BASES = ("main", "master")


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

    @property
    def given(self) -> list[str]:
        """The options among them that name a change. With --diff, --base says where the guidelines are."""
        named = {
            "--diff": self.diff,
            "--staged": self.staged,
            "--pull-request": self.pull_request,
            "--base": self.base and not self.diff,
            "--head": self.head,
        }
        return [option for option, value in named.items() if value]


class NoFiles:
    """The base of a patch: nobody knows it."""

    def list_files(self) -> tuple[str, ...]:
        """None."""
        return ()

    def read_file(self, path: str, limit: int) -> str | None:  # noqa: ARG002 - the protocol's arguments
        """None."""
        return None


def load_source(options: SourceOptions, tell: Callable[[str], None]) -> tuple[PullRequest, BaseFiles]:
    """The change, and the files at its base for the guidelines.

    When nothing is named it is what HEAD changed since it left the default branch; `tell` is then told so.

    Raises:
        UsageError: Options that do not go together.
        SourceError: There is no change to read.
        HostError: GitHub does not give it.
    """
    given = options.given
    if len(given) > 1 and given != ["--base", "--head"]:
        raise UsageError(f"{' and '.join(given)} name more than one change.", CHOICES)
    if options.pull_request:
        return _load_from_github(options)
    if options.repo:
        raise UsageError("--repo needs --pull-request NUMBER.", CHOICES)
    from reviewer.git_source import load_git_range, load_patch, load_staged

    repository = GitRepository(options.folder)
    if options.diff:
        pull_request = load_patch(options.diff)
        return pull_request, repository.files(repository.resolve(options.base)) if options.base else NoFiles()
    if options.staged:
        pull_request = load_staged(options.folder)
    else:
        base, head = options.base or choose_base(repository), options.head or "HEAD"
        if not options.base:
            tell(f"What {head} changed since it left {base}:")
        pull_request = load_git_range(options.folder, base, head)
    return pull_request, repository.files(pull_request.base_sha) if pull_request.base_sha else NoFiles()


def choose_base(repository: GitRepository) -> str:
    """The default branch: what the remote calls so, else what is mostly called so.

    Raises:
        SourceError: Not a repository.
        UsageError: There is no such branch here.
    """
    for ref in (*DEFAULT_BASES, *LOCAL_BASES):
        code, out, messages = repository.run("rev-parse", "--verify", "--quiet", "--abbrev-ref", ref)
        if code == 0:
            return out.decode("utf-8", "replace").strip()
        if messages:
            raise repository.explain(messages)
    raise UsageError("Nothing says what to review, and there is no default branch to compare with.", CHOICES)


def choose_repo(repo: str) -> str:
    """The repository on GitHub: the one given, else the workflow's own; empty when nothing says.

    Raises:
        UsageError: It is no OWNER/NAME.
    """
    repo = repo or os.environ.get("GITHUB_REPOSITORY", "")
    if repo and not re.fullmatch(r"[\w.-]+/[\w.-]+", repo, re.ASCII):
        raise UsageError(f"{repo[:80]!r} is no repository.", "Write OWNER/NAME, as octo/demo.")
    return repo


def _load_from_github(options: SourceOptions) -> tuple[PullRequest, BaseFiles]:
    repo = choose_repo(options.repo)
    if not repo:
        raise UsageError("--pull-request needs a repository.", "Add --repo OWNER/NAME, or set GITHUB_REPOSITORY.")
    from reviewer.github_api import from_environment

    host = from_environment(repo, options.github_token)
    pull_request = host.get_pull_request(options.pull_request)
    if not pull_request.files:
        raise SourceError(f"{repo}#{options.pull_request} changes nothing.", "There is nothing to review.")
    return pull_request, host.base_files(pull_request.base_sha)
