"""From nodes of the list to snapshots: threads for several pull requests at once, the diff of each, one file each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reviewer.errors import HostError, HostUnavailable
from training.collect_diff import get_diff
from training.collect_run import Run, is_fatal
from training.collect_state import RepoState
from training.errors import DataError
from training.github_client import GitHubClient, Reply
from training.github_nodes import (
    errors_below,
    find_reason,
    note_lost_commits,
    read_commits,
    read_pull_request,
    read_threads,
    take_nodes,
)
from training.github_query import MORE_COMMENTS, MORE_COMMITS, MORE_THREADS, plan_batches, render_threads_query
from training.github_shapes import MoreComments, MoreCommits, MoreThreads, PlacedComment, ThreadsAnswer, read_shape
from training.opt_out import leave_out
from training.snapshot import Key, Problem, Snapshot, SnapshotComment, SnapshotCommit
from training.store import list_numbers

Json = dict[str, Any]


@dataclass(slots=True)
class PullCollector:
    """Writes the snapshots of one repository."""

    run: Run
    client: GitHubClient
    state: RepoState
    done: int = 0
    total: int = 0

    def collect(self, nodes: Sequence[Json], done: int, total: int, *, anew: bool = False) -> bool:
        """Bring the pull requests of a page up to date. `done` of `total` have been looked at before.

        With `anew` those are asked for, too, that seem unchanged.

        Returns:
            Whether all could be read. What is gone for good counts as read.
        """
        self.done, self.total = done, total
        wanted = {node["number"]: node for node in nodes if self._wants(node, anew=anew)}
        sizes = {number: int(node["reviewThreads"]["totalCount"]) for number, node in wanted.items()}
        well = [self._collect_one(node, {}) for number, node in wanted.items() if not sizes[number]]
        well += [self._collect_batch(wanted, batch) for batch in plan_batches(sizes)]
        return all(well)

    def look_through(self, visit: Callable[[Snapshot], None]) -> int:
        """Visit all snapshots. Returns how many are gone since the last whole walk, or cannot be read."""
        numbers = list_numbers(self.run.store.folder / self.state.repo)
        damaged = 0
        for number in numbers:
            if snapshot := self._load((self.state.repo, number)):
                visit(snapshot)
            else:
                damaged += 1
        return max(self.state.stored - len(numbers), 0) + damaged

    def _advance(self) -> None:
        self.done += 1
        self.run.watch.advance(self.state.repo, self.done, self.total)

    def _wants(self, node: Json, *, anew: bool) -> bool:
        """Whether a pull request is new or changed, and its author has not opted out."""
        pull = read_pull_request(node, self.state.repo, self.run.salt)
        if self.run.opt_out.is_out(pull.author):
            self.run.told.left_out["pull request of somebody who has opted out"] += 1
            self._advance()
            return False
        stored = None if self.run.refresh or anew else self._load(pull.key)
        is_same = stored is not None and stored.updated_at == pull.updated_at
        if is_same:
            self.run.told.unchanged += 1
            self._advance()
        return not is_same

    def _load(self, key: Key) -> Snapshot | None:
        """The snapshot from before; one that cannot be read is as good as none."""
        try:
            return self.run.store.load(key) if key in self.run.store else None
        except DataError:
            return None

    def _collect_batch(self, wanted: dict[int, Json], batch: dict[int, int]) -> bool:
        """Collect several pull requests whose threads come in one answer; fewer when GitHub takes too long."""
        owner, _, name = self.state.name.partition("/")
        try:
            reply = self.client.query(render_threads_query(batch), owner=owner, name=name)
        except HostUnavailable as error:
            numbers = list(batch)
            if len(numbers) == 1:
                return self._tell(numbers[0], error)
            halves = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
            done = [self._collect_batch(wanted, {one: batch[one] for one in half}) for half in halves]
            return all(done)
        found: Json = read_shape(reply.data, ThreadsAnswer)["repository"]
        done = [self._collect_part(wanted[number], found, reply) for number in batch]
        return all(done)

    def _collect_part(self, node: Json, found: Json, reply: Reply) -> bool:
        """Collect one pull request whose threads are a part of an answer, if they came whole."""
        place = "repository", f"p{node['number']}"
        part, errors = found.get(place[1]), errors_below(reply.errors, *place)
        if part and not errors:
            return self._collect_one(node, part["reviewThreads"])
        self._advance()
        if not part and {error.get("type") for error in errors} == {"NOT_FOUND"}:
            self.run.told.problems.append(f"{self.state.repo}#{node['number']} is gone since it was listed.")
            return True
        return self._tell(node["number"], HostUnavailable(f"{find_reason(errors or reply.errors)}."))

    def _tell(self, number: int, error: HostError) -> bool:
        self.run.told.problems.append(f"{self.state.repo}#{number} is left for the next collection: {error.what}")
        return False

    def _collect_one(self, node: Json, threads: Json) -> bool:
        """Bring one pull request up to date. Returns whether it could be read."""
        try:
            self._save(node, self._get_threads(node, threads))
        except HostError as error:
            if is_fatal(error):
                raise
            return self._tell(node["number"], error)
        finally:
            self._advance()
        return True

    def _save(self, node: Json, thread_nodes: Sequence[Json]) -> None:
        """Write a snapshot, unless nothing in it is new."""
        told, stored = self.run.told, self._load((self.state.repo, node["number"]))
        snapshot = self._get_snapshot(node, thread_nodes, stored)
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
            connection = self._get_pull(MORE_THREADS, MoreThreads, number, connection)["reviewThreads"]
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
        take_nodes(connection)
        while connection["pageInfo"]["hasNextPage"]:
            connection = self._get_pull(MORE_COMMITS, MoreCommits, number, connection)["commits"]
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

    def _get_pull(self, text: str, shape: type[Any], number: int, connection: Json) -> Json:
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
