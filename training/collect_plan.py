"""What a collection will cost, before it is done: one request and one query a repository, and arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reviewer.errors import HostError
from training.collect_repo import get_repository
from training.collect_run import Run, is_fatal
from training.github_client import GitHubClient
from training.github_query import BATCH_PULLS, BATCH_THREADS, COMMENTS, COUNT, PULLS
from training.github_shapes import CountAnswer, read_shape
from training.github_tokens import Credential
from training.licenses import refuse_license

SAMPLE = 100
"""Pull requests whose threads are counted."""
LIST_POINTS = 2
GUIDELINES = 12
"""Requests for the history of a usual repository's guidelines: the listing, some files, their texts."""
HOURLY = 5000
"""Requests, and points of GraphQL, that a personal token has; a job's GITHUB_TOKEN has 1,000 each."""

SECONDS = 0.5
"""A request takes about that long; GitHub asks for one after another."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a repository has to be asked for. `threads` is estimated from the last updated pull requests."""

    repo: str
    pulls: int
    threads: int
    left_out: str = ""
    """Why nothing is asked for."""
    counted_all: bool = False
    """More were updated since then than are looked at: all merged ones are counted."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Requests to REST and to GraphQL, and GraphQL's points."""

    core: int = 0
    graphql: int = 0
    points: int = 0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.core + other.core, self.graphql + other.graphql, self.points + other.points)

    @property
    def requests(self) -> int:
        """Both kinds."""
        return self.core + self.graphql

    def minutes(self, core_limit: int = HOURLY, points_limit: int = HOURLY) -> int:
        """About how long it takes at a limit of so many requests and points an hour.

        A full budget takes no waiting; each further hour's worth waits for its hour.
        """
        hours = max(math.ceil(self.core / core_limit), math.ceil(self.points / points_limit), 1) - 1
        return math.ceil(max(60 * hours, self.requests * SECONDS / 60))


def estimate(pulls: int, threads: int, *, guidelines: bool = True) -> Estimate:
    """The most that the first collection of so many pull requests with so many threads costs, overflows aside.

    A request for each diff, the list in pages, and for each page its threads in batches: two that follow one another
    are together fuller than one may be, or one of them has all the pull requests that it may have.
    """
    pages, spoken = math.ceil(pulls / PULLS), min(pulls, threads)
    batches = min(pages + math.ceil(2 * threads / BATCH_THREADS) + math.ceil(spoken / BATCH_PULLS), spoken)
    points = pages * LIST_POINTS + math.ceil((threads * (1 + COMMENTS) + spoken) / 100) + batches
    extra = GUIDELINES if guidelines else 0
    return Estimate(1 + pulls + extra, pages + batches + bool(extra), points + bool(extra))


def count_repository(run: Run, client: GitHubClient, repo: str) -> Counts:
    """How many pull requests of a repository are to be asked for. Writes nothing.

    Raises:
        HostError: The repository cannot be read.
    """
    state = get_repository(run, client, repo)
    if reason := refuse_license(state.license, run.params.licenses):
        return Counts(repo, 0, 0, reason)
    owner, _, name = state.name.partition("/")
    answer = client.query(COUNT, owner=owner, name=name, size=SAMPLE).data
    page = read_shape(answer, CountAnswer)["repository"]["pullRequests"]
    since = max(run.params.since, "" if run.refresh else state.since)
    fresh = [node for node in page["nodes"] if node["updatedAt"] >= since]
    is_full = len(fresh) == len(page["nodes"])
    pulls = int(page["totalCount"]) if is_full else len(fresh)
    counted_all = bool(since) and is_full and pulls > len(fresh)
    pulls = min(pulls, run.params.limit) if run.params.limit and not state.since else pulls
    said = sum(node["reviewThreads"]["totalCount"] for node in fresh)
    threads = math.ceil(said / len(fresh) * pulls) if fresh else 0
    return Counts(repo, pulls, threads, counted_all=counted_all)


def count_all(run: Run) -> tuple[list[Counts], tuple[int, int]]:
    """Count each repository of a run; one that cannot be read is a problem of `run.told`.

    Returns:
        The counts, and how many requests and points an hour there are.
    """
    found: list[Counts] = []
    limits = HOURLY, HOURLY
    for repo in dict.fromkeys(run.params.repos):
        try:
            client = GitHubClient(run.wire, run.credentials.for_repo(repo))
            found.append(count_repository(run, client, repo))
            limits = hourly_limits(client.credentials)
        except HostError as error:
            if is_fatal(error):
                raise
            run.told.problems.append(f"{repo}: {error.what}")
    return found, limits


def hourly_limits(credentials: Sequence[Credential]) -> tuple[int, int]:
    """How many requests and points an hour all of these may spend; one that was not used yet counts as the others."""
    core = max(one.budgets["core"].limit for one in credentials)
    points = max(one.budgets["graphql"].limit for one in credentials)
    return core * len(credentials), points * len(credentials)


def render_plan(counts: Sequence[Counts], limits: tuple[int, int], *, guidelines: bool = True) -> str:
    """The table that a dry run prints. `limits` are requests and points an hour."""
    rows = [("repository", "pull requests", "threads", "requests", "points")]
    total = Estimate()
    for one in counts:
        cost = Estimate(1) if one.left_out else estimate(one.pulls, one.threads, guidelines=guidelines)
        total += cost
        shown = one.left_out or f"{one.pulls:,}"
        rows.append((one.repo, shown, f"{one.threads:,}", f"{cost.requests:,}", f"{cost.points:,}"))
    all_counted = ", ".join(one.repo for one in counts if one.counted_all)
    more = f" Of {all_counted} all merged pull requests are counted, whenever updated." if all_counted else ""
    return (
        f"{render_table(rows)}\n\n{total.requests:,} requests and {total.points:,} points of GraphQL: about "
        f"{total.minutes(*limits):,} minutes with {limits[0]:,} requests and {limits[1]:,} points an hour. "
        f"An estimate: threads are counted on the {SAMPLE} last updated pull requests.{more} Nothing was collected."
    )


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """Columns: the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(pairs))
        for pairs in ([*zip(row, widths, strict=True)] for row in rows)
    )
    return "\n".join(line.rstrip() for line in lines)
