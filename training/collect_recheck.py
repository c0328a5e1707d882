"""Find what GitHub calls no update of a pull request: review comments that were deleted or edited since.

One query asks of many stored pull requests for the ids of their comments and when each was edited, but for no text.
Those where a stored comment is not there any more, or not as it was, are collected again, whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from reviewer.errors import HostError
from training.collect_parts import Part, get_parts
from training.collect_pulls import PullCollector
from training.collect_run import is_fatal
from training.github_nodes import Json
from training.github_query import BATCH_THREADS, MORE_IDS, plan_batches, render_ids_query
from training.github_shapes import MoreIds, PullThreadIds
from training.snapshot import Snapshot

PULLS = 100
THREADS = 500
"""Pull requests and threads of a query at most: 6 points, and 50,000 nodes of the 500,000 that GitHub allows."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a stored pull request holds: comments by id with the time of their last edit."""

    threads: int
    """Threads to ask for at first: those that hold the comments."""
    comments: dict[int, str]


def read_said(snapshot: Snapshot) -> Said | None:
    """What was said in a pull request; None where nobody said anything, or it does not come from GitHub's lists.

    Where somebody was left out the stored threads stand between others, so that GitHub's count of them is needed.
    """
    if not snapshot.comments or snapshot.source != "github":
        return None
    stored = len(snapshot.threads) if snapshot.comments_complete else BATCH_THREADS
    threads = min(snapshot.thread_count or stored, BATCH_THREADS)
    return Said(max(threads, 1), {comment.id: comment.updated_at for comment in snapshot.comments})


@dataclass(slots=True)
class Rechecker:
    """Looks through the stored pull requests of one repository."""

    pulls: PullCollector
    said: dict[int, Said]

    def recheck(self) -> bool:
        """Collect again those whose comments are not as they are stored. Returns whether all could be looked at."""
        tried = self.pulls.tried
        sizes = {number: said.threads for number, said in self.said.items() if number not in tried}
        well = True
        for batch in plan_batches(sizes, PULLS, THREADS):
            name = self.pulls.state.name
            parts = list(get_parts(self.pulls.client, name, batch, render_ids_query, PullThreadIds))
            if len(parts) > 1 and parts[0].error and all(part.error for part in parts):
                self._tell("", parts[0].error)
                return False
            states = {part.number: self._has_changed(part) for part in parts}
            self.pulls.collect_again([number for number, has_changed in sorted(states.items()) if has_changed])
            well = well and None not in states.values()
        return well

    def _has_changed(self, part: Part) -> bool | None:
        """Whether a comment is gone or was edited; None where nobody could look. What is gone whole stays as it was."""
        if part.error:
            self._tell(f"#{part.number}", part.error)
            return None
        if not part.value:
            return False
        stored, page = self.said[part.number].comments, part.value["reviewThreads"]
        found = read_ids(page)
        try:
            while not stored.items() <= found.items() and page["pageInfo"]["hasNextPage"]:
                page = self.pulls.get_page(MORE_IDS, MoreIds, part.number, page)["reviewThreads"]
                found |= read_ids(page)
        except HostError as error:
            if is_fatal(error):
                raise
            self._tell(f"#{part.number}", error)
            return None
        return not stored.items() <= found.items()

    def _tell(self, which: str, error: HostError) -> None:
        where = f"{self.pulls.state.repo}{which}"
        self.pulls.run.told.problems.append(f"{where}: nobody looked for deleted comments: {error.what}")


def read_ids(page: Json) -> dict[int, str]:
    """The ids of the comments of a page of threads, and when each was edited last."""
    comments = [
        comment for thread in page["nodes"] or () if thread for comment in thread["comments"]["nodes"] or () if comment
    ]
    return {int(comment["fullDatabaseId"]): comment["updatedAt"] or "" for comment in comments}
