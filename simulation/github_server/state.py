"""All that the stand-in remembers. Plain data; `rules` decides what may change it and `views` shows it."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from simulation.github_server.diffs import FileDiff, compare
from simulation.github_server.git_store import GitStore
from simulation.github_server.runner_state import ActionsState
from simulation.github_server.variable_state import Variable

Level = Literal["none", "read", "write"]


@dataclass(slots=True)
class Switches:
    """Where reports about GitHub conflict, and limits that a test may want to be small."""

    enterprise: bool = False
    """Serve below /api/v3 and /api/graphql, as GitHub Enterprise Server does."""
    review_422: Literal["new", "old"] = "new"
    orphan_review_on_422: bool = False
    """A refused review leaves a review with the body alone behind."""
    left_on_context: Literal["accept", "refuse"] = "refuse"
    denied_status: Literal[403, 404] = 403
    resolve_threads: Literal["contents-write", "allow", "never"] = "contents-write"
    review_commit_id: Literal["frozen", "moves"] = "frozen"
    actions_may_approve: bool = False
    review_comment_limit: int | None = None
    """More comments in one review are answered with `review_comment_limit_status`."""
    review_comment_limit_status: Literal[403, 502] = 502
    limit_status: Literal[403, 429] = 403
    secondary_retry_after: int | None = 60
    content_per_minute: int | None = 80
    content_per_hour: int | None = 500
    points_per_minute: int | None = 900
    graphql_points_per_minute: int | None = 2000
    limit_window: int = 3600
    """Seconds from a token's first request until its primary limit starts anew."""
    graphql_limit_status: Literal[200, 403] = 200
    """How GraphQL says that the primary limit is reached: in an answer's `errors`, or as REST does."""
    lost_commits: bool = False
    """GraphQL has no `originalCommit` any more where a force-push has taken it off the pull request."""
    node_limit: int = 500_000
    """A GraphQL query that could return more nodes is refused."""
    patch_changes: int = 2000
    """A file with more changed lines has no `patch`."""
    diff_files: int = 300
    diff_lines: int = 20_000
    files: int = 3000
    tree_entries: int = 100_000
    json_bytes: int = 1_000_000
    raw_bytes: int = 100_000_000
    check_contract: bool = True


@dataclass(slots=True)
class Account:
    """A person or a bot."""

    id: int
    login: str
    type: Literal["User", "Bot", "Organization"] = "User"


@dataclass(slots=True)
class Budget:
    """A primary limit an hour, and what was spent of it. Times are in seconds of the world's clock."""

    limit: int = 5000
    used: int = 0
    reset: int = 0
    points: list[tuple[float, int]] = field(default_factory=list)
    """When, and how many points of the secondary limit."""


@dataclass(slots=True)
class Token:
    """What a client authenticates with. `actions`: a job's GITHUB_TOKEN or another token of an app's installation."""

    name: str
    value: str
    account: Account
    actions: bool = False
    contents: Level = "write"
    pull_requests: Level = "write"
    issues: Level = "write"
    workflows: Level = "write"
    """The permission that GitHub calls `actions`."""
    administration: Level = "none"
    organization_runners: Level = "none"
    """The permission that GitHub calls `organization_self_hosted_runners`."""
    core: Budget = field(default_factory=Budget)
    graphql: Budget = field(default_factory=Budget)
    writes: list[float] = field(default_factory=list)
    expires: float | None = None
    variables: Level = "none"
    app: App | None = None
    """Set for the app itself, which signs what it asks: it may only ask about its installations."""

    def has(self, scope: str, level: Level) -> bool:
        """Whether a permission is at least that much."""
        order = ("none", "read", "write")
        return order.index(getattr(self, scope)) >= order.index(level)


@dataclass(slots=True)
class App:
    """A GitHub App. `installations` are ids by the lower-case login of the account that it is installed on."""

    id: int
    slug: str
    public_key: str
    permissions: dict[str, Level]
    installations: dict[str, int] = field(default_factory=dict)
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A workflow that somebody started through the API."""

    workflow: str
    ref: str
    inputs: dict[str, Any]
    login: str
    at: float = 0.0


@dataclass(slots=True)
class Reaction:
    id: int
    account: Account
    content: str
    created: float


@dataclass(slots=True)
class IssueComment:
    id: int
    number: int
    account: Account
    body: str
    created: float
    updated: float
    association: str = "NONE"
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None


@dataclass(slots=True)
class Anchor:
    """Where a review comment is. All None for a comment on a file; `line` None when it is outdated."""

    side: str | None
    line: int | None
    start_side: str | None
    start_line: int | None
    position: int | None


@dataclass(slots=True)
class ReviewComment:
    """A comment on a line or file. `original` never changes; `now` follows the head."""

    id: int
    number: int
    review_id: int
    account: Account
    body: str
    path: str
    commit_id: str
    original_commit_id: str
    original_base: str
    now: Anchor
    original: Anchor
    diff_hunk: str
    created: float
    updated: float
    subject: Literal["line", "file"] = "line"
    in_reply_to: int | None = None
    resolved_by: Account | None = None
    association: str = "NONE"
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None

    @property
    def outdated(self) -> bool:
        return self.subject == "line" and self.now.line is None


@dataclass(slots=True)
class Review:
    id: int
    number: int
    account: Account
    body: str
    state: str
    commit_id: str
    submitted: float | None
    association: str = "NONE"


@dataclass(slots=True)
class Label:
    id: int
    name: str
    color: str = "ededed"


@dataclass(slots=True)
class PullRequest:
    id: int
    number: int
    title: str
    body: str | None
    author: Account
    base: str
    head: str
    head_repo: Repository | None
    base_sha: str
    head_sha: str
    created: float
    updated: float
    draft: bool = False
    state: str = "open"
    merged: bool = False
    association: str = "NONE"
    labels: list[Label] = field(default_factory=list)
    comments: list[IssueComment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    review_comments: list[ReviewComment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    before_sha: str | None = None
    closed: float | None = None
    merge_sha: str | None = None
    merged_by: Account | None = None
    gone: bool = False
    """Lists still name it, but asked for itself it is not found."""


@dataclass(slots=True)
class Issue:
    """An issue that is no pull request."""

    id: int
    number: int
    title: str
    body: str | None
    author: Account
    created: float
    updated: float
    state: Literal["open", "closed"] = "open"
    reason: str | None = None
    """Why it is in this state: completed, not_planned, duplicate or reopened."""
    association: str = "NONE"
    labels: list[Label] = field(default_factory=list)
    comments: list[IssueComment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    closed: float | None = None


@dataclass(slots=True)
class Repository:
    """A repository. A fork shares its parent's object store under other ref names."""

    id: int
    owner: Account
    name: str
    store: GitStore
    private: bool = False
    default_branch: str = "main"
    parent: Repository | None = None
    collaborators: dict[str, str] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    """Those that are no pull requests. Both share their numbers."""
    comparisons: dict[tuple[str, str], list[FileDiff]] = field(default_factory=dict)
    created: float = 0.0
    license: str | None = None
    """SPDX identifier; `NOASSERTION` for a licence that GitHub does not recognise."""
    language: str | None = None
    workflows: set[str] | None = None
    """File names of the workflows that there are; None: any."""
    dispatches: list[Dispatch] = field(default_factory=list)
    actions: ActionsState = field(default_factory=ActionsState)
    """Runs that wait for self-hosted runners, the runners, and the settings."""
    variables: dict[str, Variable] = field(default_factory=dict)
    """What workflows read as `vars`, by name in capitals."""

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def ref(self, branch: str) -> str:
        """The full ref name of a branch."""
        return f"refs/forks/{self.owner.login}/{branch}" if self.parent else f"refs/heads/{branch}"

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, a full ref or a sha names."""
        short = revision.removeprefix("refs/heads/").removeprefix("heads/")
        if found := self.store.resolve(self.ref(short)):
            return found
        allowed = revision.startswith("refs/pull/") or all(letter in "0123456789abcdef" for letter in revision)
        return self.store.resolve(revision) if allowed else None

    def compare(self, base: str, head: str) -> list[FileDiff]:
        """The changed files between two commits, computed once."""
        if (base, head) not in self.comparisons:
            self.comparisons[base, head] = compare(self.store, base, head)
        return self.comparisons[base, head]

    def files_of(self, pull: PullRequest, head: str | None = None) -> list[FileDiff]:
        """The three-dot diff of a pull request, or of an earlier commit of it."""
        head = head or pull.head_sha
        return self.compare(self.store.merge_base(pull.base_sha, head), head)


@dataclass(slots=True)
class World:
    """Everything of one server."""

    folder: Path
    switches: Switches = field(default_factory=Switches)
    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    renamed: dict[str, Repository] = field(default_factory=dict)
    """Repositories by the lower-case full names that they once had."""
    apps: dict[int, App] = field(default_factory=dict)
    offset: float = 0.0
    time: float | None = None
    """When everything happens, in seconds since 1970; None: now."""
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))
    numbers: defaultdict[str, itertools.count[int]] = field(
        default_factory=lambda: defaultdict(lambda: itertools.count(1))
    )

    def clock(self) -> float:
        """Seconds since 1970 by the world's clock, which a test may move forward. Limits and keys go by it."""
        return time.time() + self.offset

    def now(self) -> float:
        """When what happens now happens: by the clock, unless a scenario has set the time."""
        return self.clock() if self.time is None else self.time

    def next_id(self) -> int:
        return next(self.ids)

    def account(self, login: str) -> Account:
        """The account with that login, made when it is new. A login that ends in `[bot]` is a bot's."""
        if login not in self.accounts:
            kind: Literal["User", "Bot"] = "Bot" if login.endswith("[bot]") else "User"
            self.accounts[login] = Account(self.next_id(), login, kind)
        return self.accounts[login]

    def association(self, repository: Repository, account: Account) -> str:
        """GitHub's `author_association` of somebody in a repository."""
        if account.login == repository.owner.login:
            return "OWNER"
        return "COLLABORATOR" if account.login in repository.collaborators else "NONE"


def parse_time(text: str) -> float:
    """Seconds since 1970 of a time in GitHub's form."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def render_time(seconds: float | None) -> str | None:
    """GitHub's form of a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
