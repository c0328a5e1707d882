"""Stored pull requests on a stand-in GitHub, and the webhook events that GitHub would send of them."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from simulation.delivery import Delivery, Event
from simulation.github_server import GitHubServer, PullScenario, RepoScenario, ScenarioError
from simulation.github_server.contract import check_event
from simulation.github_server.git_store import Content, GitStore
from simulation.github_server.payloads import issue_comment_event, pull_request_event, review_comment_event
from simulation.rebuild import KEEP, CannotRebuild, Rebuilt, rebuild_exactly
from training.errors import DataError
from training.published import REPO, ImportCounts, parse_snapshot, read_rows
from training.snapshot import Key, Snapshot, SnapshotComment
from training.store import SnapshotStore

BOT = "github-actions[bot]"
LONGEST = 65_536
"""Characters of a comment that GitHub takes."""
MakeEvent = Callable[[], Event]


@dataclass(slots=True)
class Stage:
    """A stand-in with stored pull requests on it. `left_out` counts those that are not, by reason."""

    server: GitHubServer
    folder: Path
    left_out: Counter[str] = field(default_factory=Counter)
    invalid: list[str] = field(default_factory=list)
    """Where an event's payload breaks GitHub's schema."""
    bases: dict[str, set[str]] = field(default_factory=dict)
    emitted: int = 0

    def play(self, snapshots: Iterable[Snapshot], count: int, *, pushes: bool, comments: bool) -> list[MakeEvent]:
        """`count` events of the pull requests, each made by a call when its time has come.

        First all are opened. With `pushes` each is opened with half of its files, and the rest is pushed; with
        `comments` people then say again what they once said about its lines.
        """
        played: list[list[MakeEvent]] = []
        for snapshot in snapshots:
            if sum(map(len, played)) >= count:
                break
            opened = self.open_pull(snapshot, pushes=pushes)
            if opened is None:
                continue
            pull, rest = opened
            said = [one for one in snapshot.comments if is_placed(one)] if comments else []
            pushed = [self.make_pushed(pull, rest)] if rest else []
            played.append([self.make_opened(pull), *pushed, *(self.make_said(pull, one) for one in said)])
        rounds = zip_longest(*played)
        return [make for one in rounds for make in one if make is not None][:count]

    def open_pull(self, snapshot: Snapshot, *, pushes: bool) -> tuple[PullScenario, dict[str, Content]] | None:
        """The pull request on the stand-in, and what is still to be pushed; None when it cannot be rebuilt."""
        if not snapshot.diff:
            self.left_out["there is no diff"] += 1
            return None
        if not REPO.fullmatch(snapshot.repo) or snapshot.number < 1:
            self.left_out["its name is none that GitHub gives"] += 1
            return None
        try:
            rebuilt = rebuild_exactly(snapshot.diff, GitStore(self.server.folder / "rebuild.git"))
        except CannotRebuild as reason:
            self.left_out[str(reason)] += 1
            return None
        repo = self.find_repo(snapshot)
        self.commit_base(repo, rebuilt)
        first, rest = split_change(rebuilt.change) if pushes else (rebuilt.change, {})
        pull = repo.open_pull_request(
            first, branch=f"pull-{snapshot.number}", author=choose_login(snapshot.author), number=snapshot.number,
            title=snapshot.title or f"Pull request {snapshot.number}", body=snapshot.body,
        )  # fmt: skip
        return pull, rest

    def find_repo(self, snapshot: Snapshot) -> RepoScenario:
        """The pull request's repository, made when it is the first of it."""
        if snapshot.repo.lower() not in self.bases:
            self.server.create_repo(snapshot.repo, {KEEP: ""}, language=snapshot.language or None)
            self.bases[snapshot.repo.lower()] = {KEEP}
        return self.server.find_repo(snapshot.repo)

    def commit_base(self, repo: RepoScenario, rebuilt: Rebuilt) -> None:
        """Let the default branch hold a pull request's base, and nothing of the one before."""
        before = self.bases[repo.full_name.lower()]
        now = {KEEP, *rebuilt.base}
        repo.commit({**dict.fromkeys(sorted(before - now)), KEEP: "", **rebuilt.base}, message="Base")
        self.bases[repo.full_name.lower()] = now

    # -- events --------------------------------------------------------------------------------------------------

    def make_opened(self, pull: PullScenario) -> MakeEvent:
        """Somebody opened it."""
        return lambda: self.make_event(pull, "pull_request", pull_request_event(pull, "opened"))

    def make_pushed(self, pull: PullScenario, rest: dict[str, Content]) -> MakeEvent:
        """Its author pushes the rest."""

        def make() -> Event:
            pull.push(rest)
            return self.make_event(pull, "pull_request", pull_request_event(pull, "synchronize"))

        return make

    def make_said(self, pull: PullScenario, comment: SnapshotComment) -> MakeEvent:
        """Somebody's comment; in the conversation where its line is not part of the diff."""

        def make() -> Event:
            author, side = choose_login(comment.author), choose_side(comment)
            try:
                made = pull.review_comment(comment.path, comment.line or 1, comment.body, author=author, side=side)
            except ScenarioError:
                self.left_out["a comment whose line is not in the diff"] += 1
                said = pull.comment(comment.body, author=author)
                return self.make_event(pull, "issue_comment", issue_comment_event(pull, said["id"]))
            return self.make_event(pull, "pull_request_review_comment", review_comment_event(pull, made["id"]))

        return make

    def make_event(self, pull: PullScenario, name: str, payload: dict[str, Any]) -> Event:
        """The event in a folder of its own, with a token of its own as each job has, held to GitHub's schema."""
        self.emitted += 1
        action = payload["action"]
        self.invalid += [f"{name}${action}: {problem}" for problem in check_event(f"{name}${action}", payload)]
        where = f"{self.emitted:04}-{action}-{pull.repo.full_name.replace('/', '-')}-{pull.number}"
        token = self.server.add_token(where, f"job-{self.emitted:04}", BOT, actions=True)
        event = Event(name, payload, token, self.folder / where)
        event.save()
        return event

    def count_posted(self) -> int:
        """The comments that programs have left: on lines and in the conversation."""
        pulls = [one for repository in self.server.world.repositories.values() for one in repository.pulls.values()]
        authors = [one.account for pull in pulls for one in pull.comments]
        authors += [one.account for pull in pulls for one in pull.review_comments]
        return sum(author.type == "Bot" for author in authors)

    @property
    def violations(self) -> list[str]:
        """Where an event, the receiver or the stand-in broke GitHub's schemas."""
        return [*self.invalid, *self.server.violations]


def is_placed(comment: SnapshotComment) -> bool:
    """Whether GitHub says on which line of the final diff a comment is."""
    return comment.line is not None and comment.in_reply_to is None and 0 < len(comment.body.strip()) <= LONGEST


def choose_login(name: str) -> str:
    """A name as a login, where it can be one."""
    return name if re.fullmatch(r"[A-Za-z0-9-]{1,39}", name) else "somebody"


def choose_side(comment: SnapshotComment) -> str:
    """The side of a comment; where nobody says, that of the last line of its hunk."""
    return comment.side or ("LEFT" if comment.diff_hunk.rpartition("\n")[2].startswith("-") else "RIGHT")


def split_change(change: dict[str, Content]) -> tuple[dict[str, Content], dict[str, Content]]:
    """Two pushes that make one change, the first by half of the files. One file is not split."""
    paths = sorted(change)
    half = len(paths) - len(paths) // 2
    return {path: change[path] for path in paths[:half]}, {path: change[path] for path in paths[half:]}


def read_snapshots(store: SnapshotStore, left_out: Counter[str]) -> Iterator[Snapshot]:
    """The store's pull requests in order. One that cannot be read is counted and left out."""
    for key in store.list_keys():
        if (snapshot := try_load(store, key)) is None:
            left_out["the snapshot cannot be read"] += 1
        else:
            yield snapshot


def read_published(path: Path, left_out: Counter[str]) -> Iterator[Snapshot]:
    """The whole pull requests of a published file, in its order.

    Raises:
        DataError: There is no such file.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path}.", "Give a published file, or a folder with --snapshots.")
    counts = ImportCounts()
    for row in read_rows(path, counts):
        if row.diff is not None:
            yield parse_snapshot(row)
    if counts.problems:
        left_out["the row cannot be read"] += len(counts.problems)


def try_load(store: SnapshotStore, key: Key) -> Snapshot | None:
    """A snapshot, or None when it is damaged."""
    try:
        return store.load(key)
    except DataError:
        return None


def render_table(stage: Stage, deliveries: list[Delivery], planned: int) -> str:
    """What was sent and what came of it."""
    failed = Counter(one.problem for one in deliveries if one.problem)
    seconds = sorted(one.seconds for one in deliveries)
    rows = [
        ("pull requests", sum(len(one.pulls) for one in stage.server.world.repositories.values())),
        ("events sent", f"{len(deliveries)} of {planned}"),
        ("events failed", sum(failed.values())),
        ("seconds, p50 / p95", f"{quantile(seconds, 50):.2f} / {quantile(seconds, 95):.2f}" if seconds else "-"),
        ("requests to the stand-in", len(stage.server.requests)),
        ("comments posted", stage.count_posted()),
        ("schema violations", len(stage.violations)),
    ]
    lines = [f"{name:<26}{value:>14}" for name, value in rows]
    lines += [f"failed: {number} with {problem}" for problem, number in failed.most_common()]
    lines += [f"left out: {number}, as {reason}" for reason, number in sorted(stage.left_out.items())]
    return "\n".join([*lines, *(f"violation: {one}" for one in stage.violations[:10])])


def quantile(ordered: list[float], percent: int) -> float:
    """A percentile of some seconds."""
    return ordered[0] if len(ordered) == 1 else statistics.quantiles(ordered, n=100, method="inclusive")[percent - 1]
