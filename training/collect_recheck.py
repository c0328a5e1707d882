"""Find what GitHub calls no update of a pull request: review comments that were deleted or edited since.

One query asks of many stored pull requests for the ids of their comments and when each was edited, but for no text.
Those where a stored comment is not there any more, or not as it was, are collected again, whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reviewer.errors import HostError, HostUnavailable
from training.collect_pulls import PullCollector
from training.collect_run import is_fatal
from training.github_nodes import Json, errors_below, find_reason
from training.github_query import BATCH_PULLS, BATCH_THREADS, plan_batches, render_ids_query, render_pulls_query
from training.github_shapes import IdsAnswer, PullsAnswer, read_shape
from training.snapshot import Snapshot

PULLS = 100
THREADS = 500
"""Pull requests and threads of a query at most: 6 points, and 50,000 nodes of the 500,000 that GitHub allows."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a stored pull request holds: comments by id with the time of their last edit."""

    threads: int
    """Threads to ask for: at least those that hold the comments."""
    comments: dict[int, str]


def read_said(snapshot: Snapshot) -> Said | None:
    """What was said in a pull request; None where nobody said anything, or it does not come from GitHub's lists.

    Where somebody was left out nobody knows between how many other threads the stored ones stand.
    """
    if not snapshot.comments or snapshot.source != "github":
        return None
    threads = min(len(snapshot.threads), BATCH_THREADS) if snapshot.comments_complete else BATCH_THREADS
    return Said(max(threads, 1), {comment.id: comment.updated_at for comment in snapshot.comments})


@dataclass(slots=True)
class Rechecker:
    """Looks through the stored pull requests of one repository."""

    pulls: PullCollector
    said: dict[int, Said]

    def recheck(self) -> bool:
        """Collect again those whose comments are not as they are stored. Returns whether all could be looked at."""
        sizes = {number: said.threads for number, said in self.said.items()}
        try:
            batches = plan_batches(sizes, PULLS, THREADS)
            changed = [number for batch in batches for number in self._find_changed(batch)]
            parts = [changed[start : start + BATCH_PULLS] for start in range(0, len(changed), BATCH_PULLS)]
            done = [self._collect(part, BATCH_PULLS * at, len(changed)) for at, part in enumerate(parts)]
        except HostError as error:
            if is_fatal(error):
                raise
            where = self.pulls.state.repo
            self.pulls.run.told.problems.append(f"{where}: nobody looked for deleted comments: {error.what}")
            return False
        return all(done)

    def _find_changed(self, batch: dict[int, int]) -> Iterator[int]:
        """The numbers of those that have changed; smaller questions when GitHub takes too long."""
        owner, _, name = self.pulls.state.name.partition("/")
        try:
            reply = self.pulls.client.query(render_ids_query(batch), owner=owner, name=name)
        except HostUnavailable:
            if len(batch) == 1:
                raise
            pairs = list(batch.items())
            for half in (pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]):
                yield from self._find_changed(dict(half))
            return
        found = read_shape(reply.data, IdsAnswer)["repository"]
        for number in batch:
            part = found.get(f"p{number}")
            if part:
                if not self.said[number].comments.items() <= read_ids(part).items():
                    yield number
            elif {error.get("type") for error in errors_below(reply.errors, "repository", f"p{number}")} != {
                "NOT_FOUND"
            }:
                raise HostUnavailable(f"{find_reason(reply.errors)}.", "Collect again later.")

    def _collect(self, numbers: list[int], done: int, total: int) -> bool:
        """Collect these, though they seem unchanged. Those that are gone since are none."""
        owner, _, name = self.pulls.state.name.partition("/")
        reply = self.pulls.client.query(render_pulls_query(numbers), owner=owner, name=name)
        nodes = [node for node in read_shape(reply.data, PullsAnswer)["repository"].values() if node]
        return self.pulls.collect(nodes, done, total, anew=True) and len(nodes) == len(numbers)


def read_ids(pull: Json) -> dict[int, str]:
    """The ids of a pull request's comments, and when each was edited last, as far as the page goes."""
    threads = [thread for thread in pull["reviewThreads"]["nodes"] or () if thread]
    comments = [comment for thread in threads for comment in thread["comments"]["nodes"] or () if comment]
    return {int(comment["fullDatabaseId"]): comment["updatedAt"] or "" for comment in comments}
