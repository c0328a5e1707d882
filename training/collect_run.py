"""What one run of the collection shares: what is asked for, with what, who looks on, and what was done."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Protocol

import httpx
import msgspec

from reviewer.errors import HostError, PermissionDenied, RateLimited, UsageError
from training.github_tokens import Credentials
from training.github_wire import Watch, Wire
from training.licenses import LicenseRule
from training.opt_out import OptOut
from training.store import SnapshotStore

_REPO = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+")
AGAIN = "Run the same command again: it goes on."
_TIME = re.compile(r"(?:\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d:\d\dZ)?)?)?)?")


@dataclass(frozen=True, slots=True)
class CollectParams:
    """What to collect; the section `collect` of params.yaml."""

    repos: tuple[str, ...] = ()
    """`owner/name`."""
    sources: tuple[str, ...] = ()
    """Paths on disk, as for `--from`: read before GitHub is asked for `repos`, or instead when there are none."""
    licenses: LicenseRule = "permissive"
    since: str = ""
    """Only pull requests updated at or after this time (RFC 3339 in UTC, or its beginning: `2024-01`)."""
    limit: Annotated[int, msgspec.Meta(ge=0)] = 0
    """At the first collection the last updated so many of each repository; 0 for all."""
    guidelines: bool = True
    """Keep the history of the guideline files, too."""
    recheck: bool = True
    """Look for comments that were deleted or edited without anything else happening to their pull request."""


class Onlooker(Watch, Protocol):
    """A watch that shows progress."""

    def advance(self, label: str, done: int, total: int) -> None:
        """`done` of `total` pull requests of a repository have been looked at."""
        ...


@dataclass(slots=True)
class Collected:
    """What a collection did. `left_out` counts by reason, `requests` what GitHub was asked."""

    repos: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    unfinished: dict[str, HostError] = field(default_factory=dict)
    """Repositories that were not collected to their end, and why: the next collection goes on there."""


@dataclass(slots=True)
class Run:
    """One run over several repositories."""

    store: SnapshotStore
    wire: Wire
    credentials: Credentials
    watch: Onlooker
    params: CollectParams
    salt: str = ""
    opt_out: OptOut = field(default_factory=OptOut)
    refresh: bool = False
    """Ask again for what seems unchanged: reactions and resolved threads do not count as updates."""
    told: Collected = field(default_factory=Collected)


def check_params(params: CollectParams) -> None:
    """Refuse what cannot be collected.

    Raises:
        UsageError: No repository is named, a name is none, or a time is none.
    """
    if not params.repos:
        raise UsageError("There is no repository to collect from.", "Give --repo OWNER/NAME, or --from PATH.")
    for repo in params.repos:
        if not is_repo_name(repo):
            raise UsageError(f"{repo!r} is no repository's name.", "Write it as owner/name.")
    if not _TIME.fullmatch(params.since):
        raise UsageError(f"{params.since!r} is no time.", "Write it as 2024-06-01, or 2024-06-01T12:00:00Z.")


def is_repo_name(text: str) -> bool:
    """Whether it is `owner/name`. It becomes a folder, so that nothing else may pass."""
    return bool(_REPO.fullmatch(text))


def check_finished(told: Collected) -> None:
    """Tell a collection that lacks something from one that lacks nothing.

    Raises:
        HostError: Some repositories were not collected to their end. What came is stored.
    """
    if told.unfinished:
        repo, first = next(iter(told.unfinished.items()))
        more = f" and {len(told.unfinished) - 1} more" if len(told.unfinished) > 1 else ""
        what = f"Not collected to the end: {repo}{more}; what came is kept. {repo}: {first.what}"
        raise HostError(what, first.hint or AGAIN, first.status)


def is_fatal(error: HostError) -> bool:
    """Whether nothing more can be asked: no token is left, or a limit does not end."""
    return isinstance(error, RateLimited) or (
        isinstance(error, PermissionDenied) and error.status == httpx.codes.UNAUTHORIZED
    )
