"""What tests say to the stand-in: make a repository, open a pull request, push, let people comment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulation.github_server.application import Application, Call
from simulation.github_server.git_store import Files, GitStore
from simulation.github_server.pulls import close_pull, merge_pull, open_pull
from simulation.github_server.rules import move_comments
from simulation.github_server.runner_scenario import RunnerSteps
from simulation.github_server.state import (
    App,
    Label,
    Level,
    PullRequest,
    Repository,
    ReviewComment,
    Token,
    World,
    parse_time,
)
from simulation.github_server.views import Json, Views


class ScenarioError(Exception):
    """The stand-in refused what a test asked for."""


class Scenario:
    """The part of a server that tests talk to."""

    world: World
    application: Application
    url: str

    def create_repo(
        self,
        name: str = "octo/demo",
        files: Files | None = None,
        *,
        private: bool = False,
        branch: str = "main",
        license: str | None = None,  # noqa: A002 - GitHub's name
        language: str | None = None,
    ) -> RepoScenario:
        """A repository with one commit that holds `files`, and a LICENSE when it has a licence."""
        owner, _, short = name.partition("/")
        world = self.world
        store = GitStore(world.folder / f"{owner}--{short}.git")
        repository = Repository(
            world.next_id(), world.account(owner), short, store, private, branch,
            created=world.now(), license=license, language=language,
        )  # fmt: skip
        world.repositories[name.lower()] = repository
        scenario = RepoScenario(self, repository)
        text = {} if license is None else {"LICENSE": f"{license}\n"}
        scenario.commit({**text, **(files or {"README.md": "A demo.\n"})}, message="Start", author=owner)
        return scenario

    def set_time(self, time: str | float | None) -> None:
        """When what happens from now on happens: RFC 3339 or seconds since 1970; None: by the clock again."""
        self.world.time = parse_time(time) if isinstance(time, str) else time

    def add_app(
        self,
        app_id: int,
        public_key: str,
        *,
        slug: str = "glossator",
        accounts: Sequence[str] = ("octo",),
        permissions: dict[str, Level] | None = None,
    ) -> App:
        """A GitHub App that signs with the key (PEM) and is installed on all repositories of the accounts."""
        world = self.world
        granted: dict[str, Level] = permissions or dict.fromkeys(("contents", "pull_requests", "issues"), "write")
        installations = {login.lower(): world.next_id() for login in accounts}
        app = App(app_id, slug, public_key, granted, installations)
        bot = world.account(f"{slug}[bot]")
        app.token = Token(slug, "", bot, True, "none", "none", "none", "none", app=app)
        world.apps[app_id] = app
        return app

    def find_repo(self, name: str) -> RepoScenario:
        """A repository that is there already."""
        return RepoScenario(self, self.world.repositories[name.lower()])

    def call(self, login: str, method: str, path: str, body: Any = None) -> Any:
        """Do something as a person with every permission: the same rules, but no log, limits or faults."""
        token = Token("scenario", "", self.world.account(login))
        path, _, query = path.partition("?")
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.application.answer(Call(method, path, query, {}, raw, self.url, token))
        if answer.status >= 300:
            raise ScenarioError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body


@dataclass(slots=True)
class RepoScenario(RunnerSteps):
    """A repository in a test's hands."""

    server: Scenario
    repository: Repository

    @property
    def full_name(self) -> str:
        return self.repository.full_name

    def head(self, branch: str | None = None) -> str:
        """The commit at the top of a branch."""
        sha = self.repository.resolve(branch or self.repository.default_branch)
        assert sha is not None
        return sha

    def commit(
        self,
        files: Files,
        *,
        branch: str | None = None,
        start: str | None = None,
        message: str = "Change",
        author: str = "octo",
    ) -> str:
        """Push a commit to a branch, made from `start` (or the default branch) when it is new. Returns its sha."""
        repository = self.repository
        branch = branch or repository.default_branch
        parent = repository.resolve(branch) or repository.resolve(start or repository.default_branch)
        with self.server.application.lock:
            return repository.store.commit(
                repository.ref(branch), files, message, parent=parent, author=author, date=int(self.server.world.now())
            )

    def find_pull(self, number: int) -> PullScenario:
        """A pull request that is there already."""
        return PullScenario(self, self.repository.pulls[number])

    def add_collaborator(self, login: str, role: str = "write") -> None:
        """Give somebody a role: read, triage, write, maintain or admin."""
        self.server.world.account(login)
        self.repository.collaborators[login] = role

    def open_pull_request(
        self,
        files: Files,
        *,
        branch: str = "topic",
        base: str | None = None,
        author: str = "alice",
        title: str = "Change things",
        body: str | None = "What and why.",
        fork: bool = False,
        draft: bool = False,
        number: int | None = None,
    ) -> PullScenario:
        """Commit `files` on a new branch (of the author's fork with `fork`) and open a pull request for it."""
        repository, world = self.repository, self.server.world
        base = base or repository.default_branch
        head_repo = self.fork(author) if fork else repository
        with self.server.application.lock:
            head_sha = repository.store.commit(
                head_repo.ref(branch), files, title, parent=self.head(base), author=author, date=int(world.now())
            )
            pull = open_pull(
                world, repository, world.account(author), title=title, body=body, base=base, head=branch,
                head_repo=head_repo, head_sha=head_sha, draft=draft, number=number,
            )  # fmt: skip
        return PullScenario(self, pull)

    def rename(self, name: str) -> None:
        """Give the repository another full name. The old one redirects, until another repository takes it."""
        world, repository = self.server.world, self.repository
        old = repository.full_name
        owner, _, repository.name = name.partition("/")
        repository.owner = world.account(owner)
        world.renamed[old.lower()] = world.repositories.pop(old.lower())
        world.repositories[name.lower()] = repository
        world.numbers[name] = world.numbers[old]

    def set_license(self, identifier: str | None) -> None:
        """What GitHub takes the licence for, by SPDX identifier."""
        self.repository.license = identifier

    def add_workflow(self, name: str) -> None:
        """A workflow that can be started. Without any, all names are good."""
        self.repository.workflows = {*(self.repository.workflows or ()), name}

    def fork(self, login: str) -> Repository:
        """Somebody's fork, made when there is none yet."""
        parent, world = self.repository, self.server.world
        name = f"{login}/{parent.name}"
        if name.lower() not in world.repositories:
            world.repositories[name.lower()] = Repository(
                world.next_id(), world.account(login), parent.name, parent.store, parent.private,
                parent.default_branch, parent, created=world.now(), license=parent.license,
            )  # fmt: skip
        return world.repositories[name.lower()]


@dataclass(slots=True)
class PullScenario:
    """A pull request in a test's hands."""

    repo: RepoScenario
    pull: PullRequest

    @property
    def number(self) -> int:
        return self.pull.number

    @property
    def head_sha(self) -> str:
        return self.pull.head_sha

    @property
    def path(self) -> str:
        """The API path of the pull request."""
        return f"/repos/{self.repo.full_name}/pulls/{self.number}"

    @property
    def issue_path(self) -> str:
        """The API path of the pull request as an issue."""
        return f"/repos/{self.repo.full_name}/issues/{self.number}"

    def call(self, login: str, method: str, path: str, body: Any = None) -> Any:
        return self.repo.server.call(login, method, path, body)

    def push(self, files: Files, *, message: str = "More", author: str | None = None) -> str:
        """Push one more commit. Returns the new head."""
        return self._move(self._commit(files, self.pull.head_sha, message, author))

    def force_push(self, files: Files, *, message: str = "Again", author: str | None = None) -> str:
        """Replace all commits by one that holds `files` on top of the merge base."""
        base = self.repo.repository.store.merge_base(self.pull.base_sha, self.pull.head_sha)
        return self._move(self._commit(files, base, message, author))

    def rebase(self) -> str:
        """Put the changes, as one commit, on top of the base branch as it is now. Returns the new head."""
        store, pull = self.repo.repository.store, self.pull
        base = self.repo.head(pull.base)
        tree = store.merge_tree(base, pull.head_sha)
        date = int(self.repo.server.world.now())
        return self._move(store.commit_tree(tree, (base,), pull.title, author=pull.author.login, date=date))

    def _commit(self, files: Files, parent: str, message: str, author: str | None) -> str:
        repository, world = self.pull.head_repo or self.repo.repository, self.repo.server.world
        with self.repo.server.application.lock:
            return repository.store.commit(
                repository.ref(self.pull.head), files, message, parent=parent,
                author=author or self.pull.author.login, date=int(world.now()),
            )  # fmt: skip

    def _move(self, sha: str) -> str:
        """Let the head be `sha`, and every comment follow."""
        repository, pull, server = self.repo.repository, self.pull, self.repo.server
        with server.application.lock:
            head_repo = pull.head_repo or repository
            repository.store.set_ref(head_repo.ref(pull.head), sha)
            repository.store.set_ref(f"refs/pull/{pull.number}/head", sha)
            pull.before_sha, pull.head_sha = pull.head_sha, sha
            pull.base_sha, pull.updated = self.repo.head(pull.base), server.world.now()
            move_comments(repository, pull, review_commits=server.world.switches.review_commit_id == "moves")
        return sha

    def comment(self, body: str, *, author: str = "alice") -> Json:
        """Somebody writes in the conversation."""
        created: Json = self.call(author, "POST", f"{self.issue_path}/comments", {"body": body})
        return created

    def review(
        self, *, author: str = "bob", body: str = "", event: str | None = "COMMENT", comments: Sequence[Json] = ()
    ) -> Json:
        """Somebody reviews. Without an event the review stays pending."""
        given = {"body": body, "event": event, "comments": list(comments)}
        wanted = {key: value for key, value in given.items() if value is not None}
        created: Json = self.call(author, "POST", f"{self.path}/reviews", wanted)
        return created

    def review_comment(self, path: str, line: int, body: str, *, author: str = "bob", side: str = "RIGHT") -> Json:
        """Somebody comments on one line."""
        where = {"path": path, "line": line, "side": side, "commit_id": self.head_sha}
        created: Json = self.call(author, "POST", f"{self.path}/comments", {**where, "body": body})
        return created

    def reply(self, comment_id: int, body: str, *, author: str = "alice") -> Json:
        """Somebody answers a review comment."""
        created: Json = self.call(author, "POST", f"{self.path}/comments/{comment_id}/replies", {"body": body})
        return created

    def react(
        self, content: str, *, author: str = "alice", comment: int | None = None, review_comment: int | None = None
    ) -> Json:
        """Somebody reacts to a comment, a review comment or the pull request itself."""
        base = f"/repos/{self.repo.full_name}"
        path = self.issue_path
        if comment is not None:
            path = f"{base}/issues/comments/{comment}"
        elif review_comment is not None:
            path = f"{base}/pulls/comments/{review_comment}"
        created: Json = self.call(author, "POST", f"{path}/reactions", {"content": content})
        return created

    def find_comment(self, comment_id: int) -> ReviewComment:
        """The state of a review comment."""
        return next(one for one in self.pull.review_comments if one.id == comment_id)

    def resolve(self, comment_id: int, *, author: str = "alice") -> None:
        """Somebody resolves the thread that starts with a comment."""
        self.find_comment(comment_id).resolved_by = self.repo.server.world.account(author)

    def label(self, name: str) -> None:
        """Somebody puts a label on."""
        repository = self.repo.repository
        label = repository.labels.setdefault(name, Label(self.repo.server.world.next_id(), name))
        if label not in self.pull.labels:
            self.pull.labels.append(label)
            self.pull.updated = self.repo.server.world.now()

    def close(self, *, merged: bool = False, by: str = "octo") -> None:
        """Close, or merge with a merge commit on the base branch."""
        server = self.repo.server
        with server.application.lock:
            if merged:
                merge_pull(server.world, self.repo.repository, self.pull, server.world.account(by))
            else:
                close_pull(server.world, self.pull)

    def vanish(self) -> None:
        """GitHub does not find it any more, though its lists still name it."""
        self.pull.gone = True

    def mark_ready(self) -> None:
        """Not a draft any more."""
        self.pull.draft = False

    def delete_fork(self) -> None:
        """The author deletes the fork: `head.repo` is null from now on."""
        assert self.pull.head_repo is not None
        self.repo.server.world.repositories.pop(self.pull.head_repo.full_name.lower(), None)
        self.pull.head_repo = None

    @property
    def diff(self) -> bytes:
        """The three-dot diff."""
        store = self.repo.repository.store
        return store.diff(store.merge_base(self.pull.base_sha, self.pull.head_sha), self.pull.head_sha)

    def views(self) -> Views:
        """How GitHub would show things, with this server's addresses."""
        return Views(self.repo.server.world, self.repo.server.url)
