"""Walk over one repository: what it is, its guidelines, and its pull requests from the last updated backwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile

from reviewer.errors import HostError, HostUnavailable
from training.collect_pulls import PullCollector
from training.collect_recheck import Rechecker, Said, read_said
from training.collect_run import AGAIN, Run, is_fatal
from training.collect_state import STATE_NAME, RepoState, Walk, load_state, save_state
from training.errors import DataError
from training.github_client import GitHubClient, Reply
from training.github_nodes import Json, errors_below, find_reason
from training.github_query import LIST, PULLS
from training.github_shapes import ListAnswer, Repository, read_shape
from training.guideline_collect import collect_guidelines
from training.guideline_history import load_history, save_history
from training.licenses import refuse_license
from training.snapshot import Snapshot
from training.store import list_numbers

SMALLEST_PAGE = 5
"""Pull requests. A page that GitHub cannot answer on is halved down to this."""


@dataclass(slots=True)
class RepoCollector:
    """One repository of a run. `seen` maps GitHub's names to those asked for: one repository is collected once."""

    run: Run
    client: GitHubClient
    seen: dict[str, str]

    def collect(self, asked: str) -> None:
        """Bring the repository's snapshots and guidelines up to date.

        Raises:
            HostError: The repository, or a page of its list, cannot be read. What was collected stays.
            DataError: A file cannot be written.
        """
        told = self.run.told
        state = get_repository(self.run, self.client, asked)
        name = state.name.lower()
        if name in self.seen:
            told.problems.append(f"{asked} is {self.seen[name]} by another name: collected once.")
            return
        self.seen[name] = state.repo
        told.repos += 1
        if reason := refuse_license(state.license, self.run.params.licenses):
            told.left_out[f"repository with {reason}"] += 1
            told.problems.append(f"{state.repo} is left out: it has {reason}. `--licenses any` takes it.")
            return
        if state.is_renamed:
            told.problems.append(f"{state.repo} is called {state.name} now; it keeps its folder.")
        self._save(state)
        if self.run.params.guidelines:
            self._collect_guidelines(state)
        self._walk(state)

    def _save(self, state: RepoState) -> None:
        save_state(self.run.store.folder / state.repo / STATE_NAME, state)

    def _collect_guidelines(self, state: RepoState) -> None:
        folder = self.run.store.folder
        try:
            before = load_history(folder, state.repo)
            save_history(folder, collect_guidelines(self.client, state.name, state.branch, before))
        except HostError as error:
            if is_fatal(error):
                raise
            self.run.told.problems.append(f"{state.repo}: no new guidelines: {error.what}")
        except DataError as error:
            self.run.told.problems.append(f"{error.what} {error.hint}")

    def _walk(self, state: RepoState) -> None:
        """Page by page to where the last collection began; where it stands is written down after each."""
        params, pulls = self.run.params, PullCollector(self.run, self.client, state)
        reach = f"since={params.since} limit={params.limit}"
        if state.reach != reach or self.run.refresh:
            state = replace(state, since="", reach=reach, walk=Walk())
        elif state.since and (lost := self._look_through(pulls)):
            self.run.told.problems.append(f"{state.repo}: {lost} of the stored snapshots are gone or damaged.")
            state = replace(state, since="", walk=Walk())
        since, most = max(state.since, params.since), params.limit if not state.since else 0
        walk, size, ended = state.walk, PULLS, False
        while not ended:
            try:
                reply, size = self._list(state, walk.after, size)
            except HostError as error:
                if is_fatal(error) or isinstance(error, HostUnavailable) or walk is not state.walk or not walk.after:
                    raise
                walk = Walk()  # GitHub does not know the cursor of last time any more
                continue
            page = read_shape(reply.data, ListAnswer)["repository"]["pullRequests"]
            fresh = list(takewhile(lambda node: not node or node["updatedAt"] >= since, page["nodes"]))
            fresh = fresh[: most - walk.seen] if most else fresh
            nodes = self._choose_whole(state, fresh, reply)
            newest = walk.newest or (nodes[0]["updatedAt"] if nodes else since)
            total = min(page["totalCount"], most or page["totalCount"]) if not since else walk.seen + len(fresh)
            done = pulls.collect(nodes, walk.seen, total) and len(nodes) == len(fresh)
            walk = Walk(page["pageInfo"]["endCursor"] or "", newest, walk.seen + len(fresh), walk.failed or not done)
            ended = len(fresh) < len(page["nodes"]) or not page["pageInfo"]["hasNextPage"] or walk.seen == most
            if not ended:
                self._save(replace(state, walk=walk))
        stored = len(list_numbers(self.run.store.folder / state.repo))
        since = state.since if walk.failed else walk.newest
        self._save(replace(state, since=since, stored=stored, walk=Walk()))
        if walk.failed:
            self.run.told.unfinished[state.repo] = HostError("Some pull requests are left for next time.", AGAIN)

    def _look_through(self, pulls: PullCollector) -> int:
        """Collect again where comments were deleted or edited. Returns how many snapshots are lost."""
        said: dict[int, Said] = {}

        def visit(snapshot: Snapshot) -> None:
            if self.run.params.recheck and (found := read_said(snapshot)):
                said[snapshot.number] = found

        lost = pulls.look_through(visit)
        if not Rechecker(pulls, said).recheck():
            self.run.told.unfinished[pulls.state.repo] = HostError("Some comments were not looked at.", AGAIN)
        return lost

    def _choose_whole(self, state: RepoState, nodes: list[Json | None], reply: Reply) -> list[Json]:
        """The pull requests of a page that GitHub gave whole; the others are told."""
        whole: list[Json] = []
        for at, node in enumerate(nodes):
            errors = errors_below(reply.errors, "repository", "pullRequests", "nodes", at)
            if node and not errors:
                whole.append(node)
                continue
            name = f"#{node['number']}" if node else ": one of the list"
            reason = find_reason(errors or reply.errors)
            self.run.told.problems.append(f"{state.repo}{name} is left for the next collection: {reason}.")
        return whole

    def _list(self, state: RepoState, after: str, size: int) -> tuple[Reply, int]:
        """A page of the list, smaller ones when GitHub takes too long; and the size that worked."""
        owner, _, name = state.name.partition("/")
        while True:
            try:
                return self.client.query(LIST, owner=owner, name=name, size=size, after=after or None), size
            except HostUnavailable:
                if size <= SMALLEST_PAGE:
                    raise
                size = max(size // 2, SMALLEST_PAGE)


def get_repository(run: Run, client: GitHubClient, asked: str) -> RepoState:
    """What is known of a repository, brought up to date, under the name it is asked for in GitHub's own spelling.

    Raises:
        HostError: There is no such repository, or the token may not see it.
    """
    folder = run.store.folder
    known = load_state(folder / asked / STATE_NAME, RepoState(asked))
    answer = client.get(f"/repos/{asked}", etag=known.etag)
    if answer.unchanged:
        return known
    data: Json = read_shape(answer.json(), Repository)
    name = data["full_name"]
    repo = name if name.lower() == asked.lower() else asked
    known = known if repo == asked else load_state(folder / repo / STATE_NAME, RepoState(repo))
    found = replace(
        known,
        name=name,
        license=(data.get("license") or {}).get("spdx_id") or "",
        language=data.get("language") or "",
        branch=data["default_branch"],
    )
    # A star or an open pull request changes the ETag too: alone it must not change what is stored.
    return known if found == known and known.etag else replace(found, etag=answer.etag)
