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
from training.github_nodes import Json, errors_about, find_reason
from training.github_query import LIST, PULLS
from training.github_shapes import ListAnswer, Repository, read_shape
from training.guideline_collect import collect_guidelines
from training.guideline_history import load_history, save_history
from training.licenses import refuse_license
from training.store import list_numbers

SMALLEST_PAGE = 5
"""Pull requests. A page that GitHub cannot answer on is halved down to this."""

NODES = ("repository", "pullRequests", "nodes")
"""Where they stand in an answer."""
NO_NODE = -1


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
        """Bring what is stored up to date, then look through the list for what is new."""
        pulls = PullCollector(self.run, self.client, state)
        lost = self._look_through(pulls)
        state = self._begin(state, lost)
        walk = self._walk_list(state, pulls)
        stored = len(list_numbers(self.run.store.folder / state.repo))
        since = state.since if walk.failed else walk.newest
        self._save(replace(state, since=since, stored=stored, left=tuple(sorted(pulls.left)), walk=Walk()))
        if walk.failed or pulls.left:
            self.run.told.unfinished[state.repo] = HostError("Some pull requests are left for next time.", AGAIN)

    def _begin(self, state: RepoState, lost: int) -> RepoState:
        """From where the list is walked: on from where it was broken off, or all over again."""
        params, run = self.run.params, self.run
        reach = f"since={params.since} limit={params.limit}"
        if state.since and lost:
            run.told.problems.append(f"{state.repo}: {lost} of the stored snapshots are gone: the whole list is read.")
        if state.reach != reach or (state.since and lost) or (run.refresh and not state.walk.anew):
            return replace(state, since="", reach=reach, walk=Walk())
        return state

    def _walk_list(self, state: RepoState, pulls: PullCollector) -> Walk:
        """Page by page to where the last collection began; where it stands is written down after each."""
        params = self.run.params
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
            nodes, failed = self._choose_whole(pulls, fresh, reply)
            newest = walk.newest or (nodes[0]["updatedAt"] if nodes else since)
            total = min(page["totalCount"], most or page["totalCount"]) if not since else walk.seen + len(fresh)
            pulls.collect(nodes, walk.seen, total)
            after, seen = page["pageInfo"]["endCursor"] or "", walk.seen + len(fresh)
            walk = Walk(after, newest, seen, walk.failed or failed, self.run.refresh)
            ended = len(fresh) < len(page["nodes"]) or not page["pageInfo"]["hasNextPage"] or walk.seen == most
            if not ended:
                self._save(replace(state, walk=walk, left=tuple(sorted(pulls.left))))
        return walk

    def _look_through(self, pulls: PullCollector) -> int:
        """Collect again what could not be read before, and where comments were deleted or edited.

        Returns:
            How many snapshots are lost, nobody knows which.
        """
        state, said, damaged = pulls.state, dict[int, Said](), list[int]()
        numbers = list_numbers(self.run.store.folder / state.repo)
        for number in numbers:
            if not (snapshot := pulls.load((state.repo, number))):
                damaged.append(number)
            elif found := read_said(snapshot):
                said[number] = found
        self._repair(pulls, damaged)
        if self.run.params.recheck and not self.run.refresh and not Rechecker(pulls, said).recheck():
            self.run.told.unfinished[state.repo] = HostError("Some comments were not looked at.", AGAIN)
        return max(state.stored - len(numbers), 0)

    def _repair(self, pulls: PullCollector, damaged: list[int]) -> None:
        """Collect by number what was left last time, and what cannot be read."""
        state, problems = pulls.state, self.run.told.problems
        if damaged:
            problems.append(f"{state.repo}: {len(damaged)} of the stored snapshots are damaged: asked for again.")
        gone = pulls.collect_again(sorted({*state.left, *damaged}))
        for number in sorted({*gone} & {*damaged}):
            path = self.run.store.path((state.repo, number))
            problems.append(f"{path} is damaged, and GitHub has no such pull request any more: delete the file.")

    def _choose_whole(self, pulls: PullCollector, nodes: list[Json | None], reply: Reply) -> tuple[list[Json], bool]:
        """The pull requests of a page that GitHub gave whole, and whether one is left that has no number here."""
        whole: list[Json] = []
        nameless = False
        for at, node in enumerate(nodes):
            errors = errors_about(reply.errors, *NODES, at)
            if node and not errors:
                whole.append(node)
                continue
            error = HostUnavailable(f"{find_reason(errors)}.", AGAIN)
            if node:
                pulls.leave(node["number"], error)
            else:
                nameless = True
                name = f"{pulls.state.repo}: one of the list"
                self.run.told.problems.append(f"{name} is left for the next collection: {error.what}")
        return whole, nameless

    def _list(self, state: RepoState, after: str, size: int) -> tuple[Reply, int]:
        """A page of the list, smaller ones when GitHub takes too long; and the size that worked."""
        owner, _, name = state.name.partition("/")
        while True:
            try:
                reply = self.client.query(LIST, owner=owner, name=name, size=size, after=after or None)
            except HostUnavailable:
                if size <= SMALLEST_PAGE:
                    raise
            else:
                if size <= SMALLEST_PAGE or not is_too_much(reply):
                    return reply, size
            size = max(size // 2, SMALLEST_PAGE)


def is_too_much(reply: Reply) -> bool:
    """Whether an error is about a page of the list as a whole, rather than about some of its pull requests."""
    types = {error.get("type") for error in reply.errors}
    return bool(errors_about(reply.errors, *NODES, NO_NODE)) or "RESOURCE_LIMITS_EXCEEDED" in types


def get_repository(run: Run, client: GitHubClient, asked: str) -> RepoState:
    """What is known of a repository, brought up to date, under the name it is asked for in GitHub's own spelling.

    Raises:
        HostError: There is no such repository, the token may not see it, or the name is somebody else's now.
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
    if known.id not in {0, data["id"]}:
        what = f"the name is another repository's now: take it out of the list, or move {folder / repo} away."
        raise HostError(what, "What was collected of the old one is kept.")
    found = replace(
        known,
        id=data["id"],
        name=name,
        license=(data.get("license") or {}).get("spdx_id") or "",
        language=data.get("language") or "",
        branch=data["default_branch"],
    )
    # A star or an open pull request changes the ETag too: alone it must not change what is stored.
    return known if found == known and known.etag else replace(found, etag=answer.etag)
