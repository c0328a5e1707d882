"""From nodes of the list to snapshots: threads for several pull requests at once, the diff of each, one file each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reviewer.errors import HostError, HostUnavailable
from training.collect_diff import get_diff
from training.collect_parts import Part, get_parts
from training.collect_run import Run, is_fatal
from training.collect_state import RepoState
from training.errors import DataError
from training.github_client import GitHubClient
from training.github_nodes import (
    find_reason,
    note_lost_commits,
    read_commits,
    read_pull_request,
    read_threads,
    take_nodes,
)
from training.github_query import (
    BATCH_PULLS,
    MORE_COMMENTS,
    MORE_COMMITS,
    MORE_THREADS,
    plan_batches,
    render_pulls_query,
    render_threads_query,
)
from training.github_shapes import (
    MoreComments,
    MoreCommits,
    MoreThreads,
    PlacedComment,
    PullNode,
    PullThreads,
    read_shape,
)
from training.opt_out import leave_out
from training.snapshot import Key, Problem, Snapshot, SnapshotComment, SnapshotCommit, find_faults

Json = dict[str, Any]


@dataclass(slots=True)
class PullCollector:
    """Writes the snapshots of one repository."""

    run: Run
    client: GitHubClient
    state: RepoState
    done: int = 0
    total: int = 0
    left: set[int] = field(default_factory=set)
    """Pull requests that could not be read now; the next collection asks for them by number."""
    tried: set[int] = field(default_factory=set)
    """Those that were asked for by number, and are told of already."""

    def collect(self, nodes: Sequence[Json], done: int, total: int, *, anew: bool = False) -> None:
        """Bring the pull requests of a page up to date. `done` of `total` have been looked at before.

        With `anew` those are asked for, too, that seem unchanged.
        """
        self.done, self.total = done, total
        wanted = {node["number"]: node for node in nodes if self._wants(node, anew=anew)}
        sizes = {number: int(node["reviewThreads"]["totalCount"]) for number, node in wanted.items()}
        for number, node in wanted.items():
            if not sizes[number]:
                self._collect_one(node, {})
        for batch in plan_batches(sizes):
            for part in get_parts(self.client, self.state.name, batch, render_threads_query, PullThreads):
                self._collect_part(wanted[part.number], part)

    def collect_again(self, numbers: Sequence[int]) -> list[int]:
        """Collect these by number, though they seem unchanged. Returns those that GitHub does not have, or not merged.

        Nothing is deleted that is gone: it stays as it was.
        """
        gone: list[int] = []
        for start in range(0, len(numbers), BATCH_PULLS):
            batch = dict.fromkeys(numbers[start : start + BATCH_PULLS], 1)
            self.tried.update(batch)
            parts = list(get_parts(self.client, self.state.name, batch, render_pulls_query, PullNode))
            for part in parts:
                if part.error:
                    self.leave(part.number, part.error)
            nodes = {part.number: part.value for part in parts if part.value and part.value["merged"]}
            self.collect(list(nodes.values()), start, len(numbers), anew=True)
            gone += [part.number for part in parts if not part.error and part.number not in nodes]
            rest = numbers[start + BATCH_PULLS :]
            if rest and all(part.error for part in parts):
                self.left.update(rest)
                sentence = f"{self.state.repo}: {len(rest)} more pull requests are left for the next collection."
                self.run.told.problems.append(sentence)
                break
        return gone

    def leave(self, number: int, error: HostError) -> None:
        """Tell that a pull request is left for the next collection."""
        self.left.add(number)
        self.run.told.problems.append(f"{self.state.repo}#{number} is left for the next collection: {error.what}")

    def _advance(self) -> None:
        self.done += 1
        self.run.watch.advance(self.state.repo, self.done, self.total)

    def _wants(self, node: Json, *, anew: bool) -> bool:
        """Whether a pull request is new or changed, its author has not opted out, and it did not fail before."""
        if node["number"] in self.left:
            self._advance()
            return False
        pull = read_pull_request(node, self.state.repo, self.run.salt)
        if self.run.opt_out.is_out(pull.author):
            self.run.told.left_out["pull request of somebody who has opted out"] += 1
            self._advance()
            return False
        stored = None if self.run.refresh or anew else self.load(pull.key)
        is_same = stored is not None and stored.updated_at == pull.updated_at
        if is_same:
            self.run.told.unchanged += pull.number not in self.tried
            self._advance()
        return not is_same

    def load(self, key: Key) -> Snapshot | None:
        """The snapshot from before; one that cannot be read is as good as none."""
        try:
            return self.run.store.load(key) if key in self.run.store else None
        except DataError:
            return None

    def _collect_part(self, node: Json, part: Part) -> None:
        """Collect one pull request whose threads are a part of an answer, if they came whole."""
        if part.value:
            self._collect_one(node, part.value["reviewThreads"])
            return
        self._advance()
        if part.error:
            self.leave(part.number, part.error)
        else:
            self.run.told.problems.append(f"{self.state.repo}#{part.number} is gone since it was listed.")

    def _collect_one(self, node: Json, threads: Json) -> None:
        """Bring one pull request up to date, or leave it for the next collection."""
        try:
            self._save(node, self._get_threads(node, threads))
        except HostError as error:
            if is_fatal(error):
                raise
            self.leave(node["number"], error)
        finally:
            self._advance()

    def _save(self, node: Json, thread_nodes: Sequence[Json]) -> None:
        """Write a snapshot, unless nothing in it is new."""
        told, stored = self.run.told, self.load((self.state.repo, node["number"]))
        snapshot = self._get_snapshot(node, thread_nodes, stored)
        if fault := next(find_faults(snapshot), ""):
            raise HostError(f"{fault}.", "Is there a proxy in between?")
        kept = leave_out(snapshot, self.run.opt_out)
        if kept is None or (stored and replace(kept, etag=stored.etag) == stored):
            told.unchanged += 1
            return
        self.run.store.save(kept)
        told.new += stored is None
        told.updated += stored is not None

    def _get_snapshot(self, node: Json, thread_nodes: Sequence[Json], stored: Snapshot | None) -> Snapshot:
        snapshot = read_pull_request(node, self.state.repo, self.run.salt)
        threads, comments = read_threads(thread_nodes, self.run.salt)
        comments = self._fill_lost_commits(snapshot.number, comments)
        commits = snapshot.commits + self._get_more_commits(snapshot.number, node["commits"])
        diff = get_diff(self.client, self.state.name, snapshot.number, snapshot.head_sha, stored)
        if diff.is_kept:
            sentence = f"{self.state.repo}#{snapshot.number} keeps its diff from before: {diff.problems[-1].reason}."
            self.run.told.problems.append(sentence)
        renamed = (Problem("repository", f"renamed to {self.state.name}"),) if self.state.is_renamed else ()
        snapshot = replace(
            snapshot,
            license=self.state.license,
            language=self.state.language,
            diff=diff.text,
            etag=diff.etag,
            comments=comments,
            threads=threads,
            commits=commits,
            problems=(*renamed, *snapshot.problems, *diff.problems),
        )
        return note_lost_commits(snapshot, node["commits"]["totalCount"])

    # -- what overflows its page ---------------------------------------------------------------------------------

    def _get_threads(self, node: Json, connection: Json) -> list[Json]:
        """All threads of a pull request with all their comments; HostUnavailable when some did not come."""
        pages, number = [connection], node["number"]
        while connection and connection["pageInfo"]["hasNextPage"]:
            connection = self.get_page(MORE_THREADS, MoreThreads, number, connection)["reviewThreads"]
            pages.append(connection)
        nodes = [thread for page in pages if page for thread in page["nodes"] or ()]
        threads = take_nodes({"nodes": nodes}, node["reviewThreads"]["totalCount"])
        for thread in threads:
            thread["comments"]["nodes"] = self._get_comments(thread)
        return threads

    def _get_comments(self, thread: Json) -> list[Json]:
        """All comments of a thread."""
        connection, total = thread["comments"], thread["comments"]["totalCount"]
        nodes = list(connection["nodes"] or ())
        while connection["pageInfo"]["hasNextPage"]:
            after = connection["pageInfo"]["endCursor"]
            connection = self._ask(MORE_COMMENTS, MoreComments, id=thread["id"], after=after)["node"]["comments"]
            nodes += connection["nodes"] or ()
        return take_nodes({"nodes": nodes}, total)

    def _get_more_commits(self, number: int, connection: Json) -> tuple[SnapshotCommit, ...]:
        """The commits after the first page."""
        nodes: list[Json] = []
        take_nodes(connection, min(connection["totalCount"], 1))
        while connection["pageInfo"]["hasNextPage"]:
            connection = self.get_page(MORE_COMMITS, MoreCommits, number, connection)["commits"]
            nodes += take_nodes(connection)
        return read_commits(nodes)

    def _fill_lost_commits(self, number: int, comments: tuple[SnapshotComment, ...]) -> tuple[SnapshotComment, ...]:
        """GraphQL does not name commits that are gone, REST does."""
        if all(comment.original_commit_id for comment in comments):
            return comments
        path = f"/repos/{self.state.name}/pulls/{number}/comments"
        items = (read_shape(item, PlacedComment) for item in self.client.pages(path))
        known = {item["id"]: item["original_commit_id"] for item in items}
        return tuple(replace(one, original_commit_id=known.get(one.id, one.original_commit_id)) for one in comments)

    def get_page(self, text: str, shape: type[Any], number: int, connection: Json) -> Json:
        """One pull request, asked for what comes after a page."""
        owner, _, name = self.state.name.partition("/")
        after = connection["pageInfo"]["endCursor"]
        found = self._ask(text, shape, owner=owner, name=name, number=number, after=after)
        pull: Json = found["repository"]["pullRequest"]
        return pull

    def _ask(self, text: str, shape: type[Any], **variables: Any) -> Json:
        """An answer about one pull request, or HostUnavailable when it is not whole."""
        reply = self.client.query(text, **variables)
        if reply.errors:
            raise HostUnavailable(f"{find_reason(reply.errors)}.", "Collect again later.")
        answer: Json = read_shape(reply.data, shape)
        return answer
