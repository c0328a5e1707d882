"""A small world to collect from, and a watch whose time is the stand-in's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from simulation.github_server import GitHubServer, PullScenario, RepoScenario
from training.collect import collect
from training.collect_run import Collected, CollectParams, Run
from training.github_tokens import Credentials, Tokens
from training.github_wire import Wire
from training.opt_out import OptOut
from training.snapshot import Snapshot
from training.store import SnapshotStore

LINES = [f"line {number}" for number in range(1, 31)]
SALT = "pepper"


@dataclass(slots=True)
class FakeWatch:
    """Waits by moving the stand-in's clock forward, and remembers what it was told."""

    server: GitHubServer
    waits: list[tuple[float, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    steps: list[tuple[str, int, int]] = field(default_factory=list)

    def now(self) -> float:
        return self.server.world.clock()

    def wait(self, seconds: float, why: str) -> None:
        self.waits.append((round(seconds), why))
        self.server.advance(seconds)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def advance(self, label: str, done: int, total: int) -> None:
        self.steps.append((label, done, total))


class StoppingWire(Wire):
    """Stops the program before its n-th request."""

    left = 0

    def exchange(self, *arguments: Any, **settings: Any) -> httpx.Response:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().exchange(*arguments, **settings)


def changed(*numbers: int) -> dict[str, str]:
    """The file with these lines changed."""
    lines = [f"{line} changed" if at in numbers else line for at, line in enumerate(LINES, 1)]
    return {"app.py": "\n".join(lines) + "\n"}


def create_repo(server: GitHubServer, name: str = "octo/demo", license: str | None = "MIT") -> RepoScenario:  # noqa: A002 - GitHub's word
    """A repository with a guideline that changed once."""
    server.set_time("2024-01-01T00:00:00Z")
    files = {**changed(), "CONTRIBUTING.md": "Be kind.\n", "docs/notes.txt": "no guide\n"}
    repo = server.create_repo(name, files, license=license)
    repo.add_collaborator("bob", "write")
    server.set_time("2024-02-01T00:00:00Z")
    repo.commit({"CONTRIBUTING.md": "Be kind and brief.\n"})
    return repo


def add_pull(
    repo: RepoScenario, day: int, *, author: str = "alice", comments: int = 1, fork: bool = False
) -> PullScenario:
    """A pull request that is opened, reviewed, changed and merged on a day of March."""
    server = repo.server
    assert isinstance(server, GitHubServer)
    server.set_time(f"2024-03-{day:02}T10:00:00Z")
    name = f"file{day}.py"
    pull = repo.open_pull_request({name: "one\ntwo\nthree\n"}, branch=f"topic{day}", author=author, fork=fork)
    for number in range(comments):
        asked = pull.review_comment(name, number % 3 + 1, f"Why {number}?")
        pull.reply(asked["id"], "Because.", author=author)
    server.set_time(f"2024-03-{day:02}T11:00:00Z")
    pull.push({name: "one\ntwo\nTHREE\n"})
    server.set_time(f"2024-03-{day:02}T12:00:00Z")
    pull.close(merged=True)
    return pull


def make_run(
    server: GitHubServer,
    folder: Path,
    *repos: str,
    tokens: Sequence[str] = ("actions-token",),
    credentials: Credentials | None = None,
    opt_out: OptOut | None = None,
    refresh: bool = False,
    watch: FakeWatch | None = None,
    http: httpx.Client | None = None,
    **params: object,
) -> Run:
    """A run against the stand-in."""
    watch = watch or FakeWatch(server)
    return Run(
        store=SnapshotStore(folder),
        wire=Wire(watch, server.url, server.graphql_url, http=http),
        credentials=credentials or Tokens(tokens),
        watch=watch,
        params=CollectParams(repos or ("octo/demo",), **params),  # type: ignore[arg-type] # checked by the dataclass's users
        salt=SALT,
        opt_out=opt_out or OptOut(),
        refresh=refresh,
    )


def run_collect(server: GitHubServer, folder: Path, *repos: str, **given: object) -> Collected:
    """Collect once."""
    if "http" in given:
        return collect(make_run(server, folder, *repos, **given))  # type: ignore[arg-type] # as above
    with httpx.Client(verify=False, trust_env=False) as http:  # loopback, and a quick start
        return run_collect(server, folder, *repos, http=http, **given)


def read_folder(folder: Path) -> dict[str, bytes]:
    """All files by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def load(folder: Path, number: int = 1, repo: str = "octo/demo") -> Snapshot:
    """One stored snapshot."""
    return SnapshotStore(folder).load((repo, number))


def reasons(snapshot: Snapshot) -> list[str]:
    """Its problems as text."""
    return [f"{problem.what}: {problem.reason}" for problem in snapshot.problems]
