"""Split into train, validation and test, by repository, by time, or by both. Nothing stands on two sides.

By repository: a hash of the name decides, so a repository stays where it is when others come. Names that hold the same
commits or comments (forks, renamed repositories) count as one.

By time: a pull request lasts from its creation to its merge or its last review comment. Train takes those that ended
before `validation_from`, validation those that lie between the cuts, test those that were created after `test_from`.
One that straddles a cut stays out: its code was known on one side, and its review on the other.

By both: a pull request is in a split only when its repository and its time say so.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain, pairwise
from typing import Literal

from reviewer.domain import Split
from reviewer.errors import UsageError
from training.snapshot import Snapshot
from training.splits import SPLITS, OutReason

Method = Literal["repository", "time", "both"]
NEVER = "9999-12-31"
"""The cut of a split that shall hold nothing."""


@dataclass(frozen=True, slots=True)
class SplitParams:
    """The section `split` of params.yaml."""

    method: Method = "repository"
    seed: int = 0
    validation_share: float = 0.1
    """Of the repositories, or of the pull requests in the order of their time."""
    test_share: float = 0.1
    train_repositories: tuple[str, ...] = ()
    """Repositories whose split is no chance; the share is of the others."""
    validation_repositories: tuple[str, ...] = ()
    test_repositories: tuple[str, ...] = ()
    families: tuple[tuple[str, ...], ...] = ()
    """Repositories that share their code, as forks do: each family goes to one split."""
    validation_from: date | None = None
    """The first day, in UTC, that is not train's. None: chosen so that the shares come out."""
    test_from: date | None = None
    similarity: float = 0.7
    """From this Jaccard similarity of their 5-grams on, two comments or hunks are nearly the same."""

    @property
    def pinned(self) -> dict[str, Split]:
        """The split of each repository that is named."""
        named = zip(
            SPLITS, (self.train_repositories, self.validation_repositories, self.test_repositories), strict=True
        )
        return {repo: split for split, repos in named for repo in repos}

    @property
    def named(self) -> tuple[str, ...]:
        """All repositories that are named, pinned ones and families."""
        return (*self.pinned, *chain.from_iterable(self.families))


@dataclass(frozen=True, slots=True)
class Cuts:
    """The first day of validation and of test, `YYYY-MM-DD` in UTC, which sorts before all times of that day."""

    validation: str
    test: str


def check_params(params: SplitParams) -> None:
    """Refuse what contradicts itself, with a UsageError."""
    hint = "Change the section split of params.yaml."
    shares = (params.validation_share, params.test_share)
    if not (min(shares) >= 0 and sum(shares) < 1):  # so that what is no number is refused too
        raise UsageError("The shares of validation and test must be at least 0 and leave something for train.", hint)
    if not 0 < params.similarity <= 1:
        raise UsageError(f"similarity is {params.similarity:g}; it must be above 0 and at most 1.", hint)
    if params.validation_from and params.test_from and params.validation_from > params.test_from:
        raise UsageError(f"validation_from {params.validation_from} is after test_from {params.test_from}.", hint)
    named = [*params.train_repositories, *params.validation_repositories, *params.test_repositories]
    plain = [repo.casefold() for repo in named]
    if twice := sorted(repo for repo in named if plain.count(repo.casefold()) > 1):
        raise UsageError(f"{twice[0]} is named for two splits.", hint)
    if params.method == "time" and (named or params.families):
        raise UsageError("Repositories are named, but the method is time, which does not look at them.", hint)


def choose_repositories(repos: Iterable[str], same: Iterable[tuple[str, str]], params: SplitParams) -> dict[str, Split]:
    """The split of each repository. A family counts whole, whichever of its names the data holds.

    Args:
        repos: All repositories.
        same: Pairs of names that hold the same commits or comments.
        params: Seed, shares, pinned repositories and families.

    Raises:
        UsageError: Repositories of one family are pinned to two splits.
    """
    repos = sorted(repos)
    spelled: dict[str, str] = {}  # GitHub does not tell names apart by their case
    for repo in (*repos, *params.named):
        spelled.setdefault(repo.casefold(), repo)
    pairs = chain(same, *(pairwise(family) for family in params.families))
    joined = ((spelled[one.casefold()], spelled[other.casefold()]) for one, other in pairs)
    pinned = {spelled[repo.casefold()]: split for repo, split in params.pinned.items()}
    chosen: dict[str, Split] = {}
    for family in join_families(spelled.values(), joined):
        pins = {repo: pinned[repo] for repo in family if repo in pinned}
        if len(set(pins.values())) > 1:
            named = ", ".join(f"{repo} ({split})" for repo, split in pins.items())
            raise UsageError(f"These share their code but are named for two splits: {named}.", "Name them for one.")
        split = next(iter(pins.values()), None) or draw_split(family[0], params)
        chosen |= dict.fromkeys(family, split)
    return {repo: chosen[spelled[repo.casefold()]] for repo in repos}


def list_unknown(repos: Iterable[str], params: SplitParams) -> list[str]:
    """A sentence for each name of the parameters that is no repository of the data, however it is spelled."""
    known = {repo.casefold(): repo for repo in repos}
    told = []
    for name in dict.fromkeys(params.named):
        if name.casefold() not in known:
            near = difflib.get_close_matches(name.casefold(), known, 1, 0.85)
            hint = f" Did you mean {known[near[0]]}?" if near else ""
            told.append(f"The section split of params.yaml names {name}, which is not in the data.{hint}")
    return told


def join_families(repos: Iterable[str], same: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Repositories that are the same by a chain of pairs, each family in order, and the families too."""
    family_of = {repo: [repo] for repo in sorted(repos)}
    for one, other in same:
        if one in family_of and other in family_of and family_of[one] is not family_of[other]:
            joined = sorted(family_of[one] + family_of[other])
            family_of |= dict.fromkeys(joined, joined)
    return [family for repo, family in family_of.items() if family[0] == repo]


def draw_split(repo: str, params: SplitParams) -> Split:
    """By a hash of the name: the same for each run, whatever other repositories there are."""
    digest = hashlib.sha256(f"{params.seed}:{repo.lower()}".encode("utf-8", "replace")).digest()
    drawn = int.from_bytes(digest[:8], "big") / 2**64
    if drawn < params.test_share:
        return "test"
    return "validation" if drawn < params.test_share + params.validation_share else "train"


def parse_time(text: str) -> str:
    """An RFC 3339 time as UTC text that sorts by time; empty when it is none."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return ""


def find_span(snapshot: Snapshot) -> tuple[str, str]:
    """When a pull request began and ended: creation, merge, and the review comments. Empty texts when nobody knows."""
    said = (comment.created_at for comment in snapshot.comments)
    times = [time for text in (snapshot.created_at, snapshot.merged_at, *said) if (time := parse_time(text))]
    return (min(times), max(times)) if times else ("", "")


def choose_by_time(span: tuple[str, str], cuts: Cuts) -> Split | OutReason:
    """The split that a pull request wholly lies in, or why there is none."""
    began, ended = span
    if not began:
        return OutReason.NO_TIME
    if ended < cuts.validation:
        return "train"
    if began >= cuts.test:
        return "test"
    return "validation" if began >= cuts.validation and ended < cuts.test else OutReason.STRADDLES


def choose_split(
    repo: str, span: tuple[str, str], repos: Mapping[str, Split], cuts: Cuts, method: Method
) -> Split | OutReason:
    """What becomes of one pull request."""
    if method == "repository":
        return repos[repo]
    by_time = choose_by_time(span, cuts)
    if method == "time" or isinstance(by_time, OutReason) or by_time == repos[repo]:
        return by_time
    return OutReason.DISAGREE
