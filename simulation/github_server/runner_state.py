"""What the stand-in remembers of GitHub Actions in one repository: runs, their jobs, runners, and the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FROM_FORK = ("pull_request", "pull_request_review", "pull_request_review_comment")
"""Events whose workflow file is that of the merge of a pull request, so its author's."""


@dataclass(slots=True)
class Job:
    """One job of a run. `steps` are shell commands; one that begins with `always: ` runs whatever failed before."""

    id: int
    name: str
    labels: list[str]
    steps: list[str] = field(default_factory=list)
    status: Literal["queued", "in_progress", "completed"] = "queued"
    conclusion: str | None = None
    runner: Runner | None = None


@dataclass(slots=True)
class WorkflowRun:
    """A run. `head` is the repository of its head commit; the workflow's file is from there for FROM_FORK."""

    id: int
    event: str
    branch: str
    workflow: str
    head: str
    jobs: list[Job]
    created: float
    cancelled: bool = False

    @property
    def status(self) -> str:
        """As GitHub says it: in progress as soon as one of the jobs is done or under way."""
        states = {job.status for job in self.jobs}
        return states.pop() if len(states) == 1 else "in_progress"

    @property
    def ref(self) -> str:
        """GITHUB_REF of its jobs."""
        if self.event in FROM_FORK:
            return f"refs/pull/{self.id}/merge"
        return "refs/heads/main" if self.event in ("pull_request_target", "issue_comment") else self.own_ref

    @property
    def own_ref(self) -> str:
        """The branch that it was started on."""
        return f"refs/heads/{self.branch}"


@dataclass(slots=True)
class Runner:
    """A self-hosted runner. `secret` is what it proves itself with, for as long as it is registered."""

    id: int
    name: str
    labels: list[str]
    group: int = 1
    secret: str = ""
    online: bool = False
    busy: bool = False
    ephemeral: bool | None = True
    version: str | None = None


@dataclass(slots=True)
class Environment:
    """A deployment environment. `branches`: None: any may deploy; `protected`; or the names of those that may."""

    name: str
    reviewers: list[str] = field(default_factory=list)
    branches: Literal["protected"] | list[str] | None = None
    prevent_self_review: bool = False


@dataclass(slots=True)
class RunnerGroup:
    """A group of an organisation's runners. `workflows`: those that it is restricted to; None: not restricted."""

    id: int
    name: str
    visibility: Literal["all", "selected", "private"] = "all"
    public: bool = False
    workflows: list[str] | None = None


@dataclass(slots=True)
class Release:
    """A release with one asset a file name: its SHA-256 in hexadecimal, None where GitHub knows none, and address."""

    tag: str
    published: float
    assets: dict[str, tuple[str | None, str]] = field(default_factory=dict)


@dataclass(slots=True)
class ActionsState:
    """Actions in one repository."""

    runs: list[WorkflowRun] = field(default_factory=list)
    runners: list[Runner] = field(default_factory=list)
    groups: list[RunnerGroup] = field(default_factory=list)
    environments: dict[str, Environment] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)
    enabled: bool = True
    allowed_actions: Literal["all", "local_only", "selected"] = "all"
    token_permissions: Literal["read", "write"] = "read"
    may_approve: bool = False
    fork_approval: Literal[
        "first_time_contributors_new_to_github", "first_time_contributors", "all_external_contributors"
    ] = "first_time_contributors"

    def find_runner(self, number: int) -> Runner | None:
        """The registered runner with that id."""
        return next((one for one in self.runners if one.id == number), None)
