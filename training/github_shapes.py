"""What GitHub's answers look like, checked where they come in: a proxy, or another server, answers otherwise."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Required, TypedDict

import msgspec

from reviewer.errors import HostError

Side = Literal["LEFT", "RIGHT"]
DatabaseId = int | Annotated[str, msgspec.Meta(pattern="^[0-9]{1,19}$")]
"""A number that GraphQL writes as text, as it may be a long one."""
Actor = TypedDict("Actor", {"__typename": str, "login": str})


class Oid(TypedDict):
    """A commit's id."""

    oid: str


class Count(TypedDict):
    """How many there are."""

    totalCount: int


class Label(TypedDict):
    """A label."""

    name: str


class Login(TypedDict):
    """A person."""

    login: str


class CommentId(TypedDict):
    """A comment's id."""

    fullDatabaseId: DatabaseId


class Cost(TypedDict):
    """Points that a query took."""

    cost: int


class GraphError(TypedDict, total=False):
    """Why a part of an answer of GraphQL is lacking, and which."""

    message: str | None
    type: str | None
    path: list[str | int] | None


class Document(TypedDict, total=False):
    """An answer of GraphQL."""

    data: dict[str, Any] | None
    errors: list[GraphError] | None


class PageInfo(TypedDict):
    """Whether a page is the last one."""

    hasNextPage: bool
    endCursor: str | None


class Commit(TypedDict):
    """A commit of a pull request."""

    oid: str
    committedDate: str | None
    messageHeadline: str | None


class CommitNode(TypedDict):
    """A commit in a connection."""

    commit: Commit


class CommitPage(TypedDict):
    """Commits of a pull request."""

    pageInfo: PageInfo
    nodes: list[CommitNode | None] | None


class FirstCommits(CommitPage):
    """The first of them, and how many there are."""

    totalCount: int


class LabelPage(TypedDict):
    """Labels of a pull request."""

    nodes: list[Label | None] | None


class HeadRepository(TypedDict):
    """Where a pull request comes from."""

    nameWithOwner: str


class PullNode(TypedDict):
    """A pull request of the list."""

    number: int
    title: str | None
    body: str | None
    author: Actor | None
    authorAssociation: str | None
    merged: bool
    createdAt: str | None
    updatedAt: str
    mergedAt: str | None
    baseRefOid: str | None
    headRefOid: str | None
    mergeCommit: Oid | None
    headRepository: HeadRepository | None
    labels: LabelPage | None
    commits: FirstCommits
    reviewThreads: Count


class PullPage(TypedDict):
    """A page of the list."""

    totalCount: int
    pageInfo: PageInfo
    nodes: list[PullNode | None]


class Pulls(TypedDict):
    """A repository's list."""

    pullRequests: PullPage


class ListAnswer(TypedDict):
    """Of `github_query.LIST`."""

    repository: Pulls


class ReactionGroup(TypedDict):
    """How many chose a reaction."""

    content: str
    reactors: Count


class Comment(TypedDict):
    """A review comment."""

    fullDatabaseId: DatabaseId
    path: str
    body: str | None
    createdAt: str | None
    updatedAt: str | None
    authorAssociation: str | None
    author: Actor | None
    replyTo: CommentId | None
    diffHunk: str | None
    line: int | None
    startLine: int | None
    originalLine: int | None
    originalStartLine: int | None
    position: int | None
    originalPosition: int | None
    outdated: bool
    subjectType: str
    commit: Oid | None
    originalCommit: Oid | None
    reactionGroups: list[ReactionGroup] | None


class CommentPage(TypedDict):
    """Comments of a thread."""

    pageInfo: PageInfo
    nodes: list[Comment | None] | None


class FirstComments(CommentPage):
    """The first of them, and how many there are."""

    totalCount: int


class Thread(TypedDict):
    """A thread with its first comments."""

    id: str
    isResolved: bool
    isOutdated: bool
    resolvedBy: Login | None
    diffSide: Side | None
    startDiffSide: Side | None
    comments: FirstComments


class ThreadPage(TypedDict):
    """Threads of a pull request."""

    pageInfo: PageInfo
    nodes: list[Thread | None] | None


class PullThreads(TypedDict):
    """A pull request with its threads."""

    reviewThreads: ThreadPage


class PullCommits(TypedDict):
    """A pull request with its commits."""

    commits: CommitPage


class ThreadComments(TypedDict):
    """A thread with its comments."""

    comments: CommentPage


class PartsAnswer(TypedDict):
    """Of a query for several pull requests: each has a shape of its own."""

    repository: dict[str, dict[str, Any] | None]


class CommentStamp(TypedDict):
    """A comment's id, and when it was edited last."""

    fullDatabaseId: DatabaseId
    updatedAt: str | None


class StampPage(TypedDict):
    """Comments of a thread, without what they say."""

    nodes: list[CommentStamp | None] | None


class ThreadIds(TypedDict):
    """A thread with these."""

    comments: StampPage


class ThreadIdPage(TypedDict):
    """Threads of a pull request with these."""

    pageInfo: PageInfo
    nodes: list[ThreadIds | None] | None


class PullThreadIds(TypedDict):
    """A pull request with these."""

    reviewThreads: ThreadIdPage


class ThreadsOfPull(TypedDict):
    """A repository with one pull request and its threads."""

    pullRequest: PullThreads


class MoreThreads(TypedDict):
    """Of `github_query.MORE_THREADS`."""

    repository: ThreadsOfPull


class IdsOfPull(TypedDict):
    """A repository with one pull request and the ids of its comments."""

    pullRequest: PullThreadIds


class MoreIds(TypedDict):
    """Of `github_query.MORE_IDS`."""

    repository: IdsOfPull


class CommitsOfPull(TypedDict):
    """A repository with one pull request and its commits."""

    pullRequest: PullCommits


class MoreCommits(TypedDict):
    """Of `github_query.MORE_COMMITS`."""

    repository: CommitsOfPull


class MoreComments(TypedDict):
    """Of `github_query.MORE_COMMENTS`."""

    node: ThreadComments


class CountedPull(TypedDict):
    """A pull request of which only the size is asked for."""

    updatedAt: str
    reviewThreads: Count


class CountedPage(TypedDict):
    """How many there are, and the newest of them."""

    totalCount: int
    nodes: list[CountedPull]


class CountedPulls(TypedDict):
    """A repository's list, counted."""

    pullRequests: CountedPage


class CountAnswer(TypedDict):
    """Of `github_query.COUNT`."""

    repository: CountedPulls


class BlobText(TypedDict, total=False):
    """A file's text; nothing of it when the object is no file."""

    text: str | None
    isBinary: bool | None
    isTruncated: bool


class TextsAnswer(TypedDict):
    """Of `github_query.render_texts_query`."""

    repository: dict[str, BlobText | None]


class TreeEntry(TypedDict, total=False):
    """A file or folder of a commit, from REST."""

    path: Required[str]
    sha: Required[str]
    mode: str


class Tree(TypedDict, total=False):
    """All files of a commit, from REST."""

    tree: Required[list[TreeEntry]]
    truncated: bool


class Committer(TypedDict):
    """When a commit was made."""

    date: str


class CommitText(TypedDict):
    """What git knows of a commit."""

    committer: Committer


class ListedCommit(TypedDict):
    """A commit of a list, from REST."""

    sha: str
    commit: CommitText


class Installation(TypedDict):
    """Where an app is installed, from REST."""

    id: int


class IssuedToken(TypedDict):
    """A token of an app, from REST."""

    token: str
    expires_at: datetime


class License(TypedDict):
    """A repository's licence."""

    spdx_id: str | None


class Repository(TypedDict, total=False):
    """A repository, from REST."""

    full_name: Required[str]
    id: Required[int]
    default_branch: Required[str]
    license: License | None
    language: str | None


class ChangedFile(TypedDict, total=False):
    """A file of a pull request, from REST."""

    filename: Required[str]
    previous_filename: str | None
    status: str
    patch: str | None
    changes: int


class PlacedComment(TypedDict):
    """A review comment, from REST, with the commit that GraphQL does not name any more."""

    id: int
    original_commit_id: str


def parse_document(content: bytes) -> Any:
    """JSON, or HostError: a proxy's page is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HostError("GitHub's answer is not JSON.", "Is there a proxy in between? Try again.") from error


def read_shape(data: Any, shape: Any) -> Any:
    """The data, which have this shape; what the shape does not name is left out.

    Raises:
        HostError: They have another one.
    """
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise HostError(
            f"GitHub's answer is not what it should be: {error}.", "Is there a proxy in between? Try again."
        ) from error
