"""How the state looks in GraphQL. What costs git a process is worked out when a query asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from simulation.github_server.git_store import Commit, GitStore
from simulation.github_server.graphql_pages import Refused, connect
from simulation.github_server.licenses import show_license
from simulation.github_server.routes_git import find_entry
from simulation.github_server.state import (
    Account,
    IssueComment,
    Label,
    PullRequest,
    Reaction,
    Repository,
    ReviewComment,
    Token,
    World,
    render_time,
)
from simulation.github_server.views import Json

CONTENTS = {
    "+1": "THUMBS_UP",
    "-1": "THUMBS_DOWN",
    "laugh": "LAUGH",
    "hooray": "HOORAY",
    "confused": "CONFUSED",
    "heart": "HEART",
    "rocket": "ROCKET",
    "eyes": "EYES",
}
"""GraphQL's names of reactions by those of REST."""
TEXT_LIMIT = 512_000
"""Bytes of a blob after which GraphQL cuts its text."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """What things look like to one token."""

    world: World
    token: Token

    # -- accounts and repositories -------------------------------------------------------------------------------

    def actor(self, account: Account) -> Json:
        """GraphQL names a bot without the `[bot]` of REST."""
        return {
            "__typename": account.type,
            "id": f"U_{account.id}",
            "databaseId": account.id,
            "login": account.login.removesuffix("[bot]"),
            "url": f"https://github.com/{account.login}",
            "resourcePath": f"/{account.login}",
            "avatarUrl": f"https://github.com/avatars/{account.id}",
        }

    def repository(self, repository: Repository) -> Json:
        return {
            "__typename": "Repository",
            "id": f"R_{repository.id}",
            "databaseId": repository.id,
            "name": repository.name,
            "nameWithOwner": repository.full_name,
            "isPrivate": repository.private,
            "licenseInfo": self.license(repository),
            "object": lambda _info, **given: self.git_object(repository, **given),
            "pullRequest": lambda _info, number: self.find_pull(repository, number),
            "pullRequests": lambda _info, **given: self.pulls(repository, **given),
        }

    def license(self, repository: Repository) -> Json | None:
        shown = show_license(repository.license, "")
        if shown is None:
            return None
        names = {"id": "node_id", "key": "key", "name": "name", "spdxId": "spdx_id"}
        return {"__typename": "License", **{name: shown[key] for name, key in names.items()}}

    def find_pull(self, repository: Repository, number: int) -> Json:
        pull = repository.pulls.get(number)
        if pull is None or pull.gone:
            raise Refused("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return self.pull(repository, pull)

    def pulls(
        self,
        repository: Repository,
        *,
        states: list[str] | None = None,
        labels: list[str] | None = None,
        **given: Any,
    ) -> Json:
        """The pull requests that pass the filters, oldest first unless ordered otherwise."""
        head, base, order = given.pop("headRefName", None), given.pop("baseRefName", None), given.pop("orderBy", None)
        found = [
            one
            for one in repository.pulls.values()
            if (states is None or pull_state(one) in states)
            and (labels is None or any(label.name in labels for label in one.labels))
            and head in (None, one.head)
            and base in (None, one.base)
        ]
        field, direction = (order["field"], order["direction"]) if order else ("CREATED_AT", "ASC")
        found.sort(key=ORDERS[field], reverse=direction == "DESC")
        return connect("pullRequests", found, lambda one: self.pull(repository, one))(None, **given)

    # -- git -----------------------------------------------------------------------------------------------------

    def git_object(self, repository: Repository, oid: str | None = None, expression: str | None = None) -> Json | None:
        """A commit or a blob by its sha or by an expression such as `sha:path`; None when there is none."""
        store = repository.store
        if expression and ":" in expression:
            revision, _, path = expression.partition(":")
            commit = repository.resolve(revision)
            entry = find_entry(store, commit, path) if commit else None
            return self.blob(store, entry.sha) if entry and entry.kind == "blob" else None
        sha = oid or repository.resolve(expression or "") or ""
        match store.kind(sha):
            case "commit":
                return self.commit(store, sha)
            case "blob":
                return self.blob(store, sha)
        return None

    def blob(self, store: GitStore, sha: str) -> Json:
        content = store.read_blob(sha)
        binary = b"\0" in content[:8000]
        text = None if binary else content[:TEXT_LIMIT].decode("utf-8", "replace")
        return {
            "__typename": "Blob",
            "id": f"B_{sha}",
            "oid": sha,
            "byteSize": len(content),
            "isBinary": binary,
            "isTruncated": len(content) > TEXT_LIMIT,
            "text": text,
        }

    def commit(self, store: GitStore, sha: str) -> Json:
        def read() -> Commit:
            return store.read_commit(sha)

        return {
            "__typename": "Commit",
            "id": f"C_{sha}",
            "oid": sha,
            "committedDate": lambda _info: render_time(read().date),
            "authoredDate": lambda _info: render_time(read().date),
            "messageHeadline": lambda _info: read().message.split("\n")[0],
            "parents": lambda _info, **given: self.parents(store, read(), **given),
        }

    def parents(self, store: GitStore, commit: Commit, **given: Any) -> Json:
        return connect("parents", commit.parents, lambda sha: self.commit(store, sha))(None, **given)

    def commits(self, repository: Repository, pull: PullRequest, **given: Any) -> Json:
        """The commits of a pull request, at most 250."""
        store = repository.store
        shas = store.commits_between(pull.base_sha, pull.head_sha)[:250]
        return connect(
            "commits",
            shas,
            lambda sha: {"__typename": "PullRequestCommit", "id": f"PRC_{sha}", "commit": self.commit(store, sha)},
        )(None, **given)

    # -- pull requests -------------------------------------------------------------------------------------------

    def pull(self, repository: Repository, pull: PullRequest) -> Json:
        pending = {one.id for one in pull.reviews if one.state == "PENDING"}
        threads = [one for one in pull.review_comments if one.in_reply_to is None and one.review_id not in pending]

        def count(name: str) -> Callable[..., int]:
            return lambda _info: sum(getattr(file, name) for file in repository.files_of(pull))

        return {
            "__typename": "PullRequest",
            "id": f"PR_{pull.id}",
            "databaseId": pull.id,
            "number": pull.number,
            "title": pull.title,
            "body": pull.body or "",
            "url": f"https://github.com/{repository.full_name}/pull/{pull.number}",
            "isDraft": pull.draft,
            "state": pull_state(pull),
            "merged": pull.merged,
            "mergedAt": render_time(pull.closed) if pull.merged else None,
            "mergeCommit": self.commit(repository.store, pull.merge_sha) if pull.merge_sha else None,
            "createdAt": render_time(pull.created),
            "updatedAt": render_time(pull.updated),
            "headRefOid": pull.head_sha,
            "headRepository": self.repository(pull.head_repo) if pull.head_repo else None,
            "baseRefOid": pull.base_sha,
            "baseRefName": pull.base,
            "author": self.actor(pull.author),
            "authorAssociation": pull.association,
            "additions": count("additions"),
            "deletions": count("deletions"),
            "changedFiles": lambda _info: len(repository.files_of(pull)),
            "commits": lambda _info, **given: self.commits(repository, pull, **given),
            "labels": connect("labels", pull.labels, self.label),
            "reviewThreads": connect("reviewThreads", threads, lambda one: self.thread(repository, pull, one)),
        }

    def label(self, label: Label) -> Json:
        return {"__typename": "Label", "id": f"LA_{label.id}", "name": label.name}

    def thread(self, repository: Repository, pull: PullRequest, top: ReviewComment) -> Json:
        """The thread that starts with a comment."""
        comments = [one for one in pull.review_comments if top.id in (one.id, one.in_reply_to)]
        return {
            "__typename": "PullRequestReviewThread",
            "id": f"PRRT_{top.id}",
            "isResolved": top.resolved_by is not None,
            "isOutdated": top.outdated,
            "isCollapsed": top.resolved_by is not None or top.outdated,
            "path": top.path,
            "line": top.now.line,
            "originalLine": top.original.line,
            "startLine": top.now.start_line,
            "originalStartLine": top.original.start_line,
            "diffSide": top.now.side or "RIGHT",
            "startDiffSide": top.now.start_side,
            "subjectType": top.subject.upper(),
            "resolvedBy": self.actor(top.resolved_by) if top.resolved_by else None,
            "viewerCanResolve": self.may_resolve(),
            "viewerCanReply": self.token.has("pull_requests", "write"),
            "comments": connect("comments", comments, lambda one: self.review_comment(repository, pull, one)),
            "pullRequest": lambda _info: self.pull(repository, pull),
        }

    def may_resolve(self) -> bool:
        """People with write permission may; for a job's token the switch decides."""
        switch = self.world.switches.resolve_threads
        if not self.token.has("pull_requests", "write"):
            return False
        if not self.token.actions or switch == "allow":
            return True
        return switch == "contents-write" and self.token.has("contents", "write")

    # -- comments ------------------------------------------------------------------------------------------------

    def review_comment(self, repository: Repository, pull: PullRequest, comment: ReviewComment) -> Json:
        parent = next((one for one in pull.review_comments if one.id == comment.in_reply_to), None)
        on_file = comment.subject == "file"
        return {
            "__typename": "PullRequestReviewComment",
            "id": f"PRRC_{comment.id}",
            "databaseId": comment.id,
            "fullDatabaseId": str(comment.id),
            "author": self.actor(comment.account),
            "authorAssociation": comment.association,
            "body": comment.body,
            "createdAt": render_time(comment.created),
            "updatedAt": render_time(comment.updated),
            "isMinimized": comment.minimized is not None,
            "minimizedReason": comment.minimized,
            "viewerDidAuthor": comment.account is self.token.account,
            "replyTo": self.review_comment(repository, pull, parent) if parent else None,
            "path": comment.path,
            "diffHunk": comment.diff_hunk,
            "line": comment.now.line,
            "startLine": comment.now.start_line,
            "originalLine": comment.original.line,
            "originalStartLine": comment.original.start_line,
            "position": 1 if on_file else comment.now.position,
            "originalPosition": 1 if on_file else comment.original.position,
            "commit": self.commit(repository.store, comment.commit_id),
            "originalCommit": self.original_commit(repository, pull, comment.original_commit_id),
            "subjectType": comment.subject.upper(),
            "reactionGroups": show_reactions(comment.reactions),
            "outdated": comment.outdated,
            "url": f"https://github.com/{repository.full_name}/pull/{pull.number}#discussion_r{comment.id}",
        }

    def original_commit(self, repository: Repository, pull: PullRequest, sha: str) -> Json | None:
        """The commit that a comment was written on; a switch decides whether one that was pushed away stays."""
        store = repository.store
        if self.world.switches.lost_commits and sha not in store.commits_between(pull.base_sha, pull.head_sha):
            return None
        return self.commit(store, sha)

    def issue_comment(self, comment: IssueComment) -> Json:
        return {
            "__typename": "IssueComment",
            "id": f"IC_{comment.id}",
            "databaseId": comment.id,
            "author": self.actor(comment.account),
            "body": comment.body,
            "isMinimized": comment.minimized is not None,
            "minimizedReason": comment.minimized,
            "url": f"https://github.com/issuecomment-{comment.id}",
        }


ORDERS: dict[str, Callable[[PullRequest], Any]] = {
    "CREATED_AT": attrgetter("created", "number"),
    "UPDATED_AT": attrgetter("updated", "number"),
    "COMMENTS": lambda pull: (len(pull.comments), pull.number),
}


def pull_state(pull: PullRequest) -> str:
    """GraphQL has a state of its own for what was merged."""
    return "MERGED" if pull.merged else pull.state.upper()


def show_reactions(reactions: list[Reaction]) -> list[Json]:
    """A group for every reaction that there is, also for those that nobody chose."""
    return [
        {"content": name, "reactors": count_reactors(sum(one.content == rest for one in reactions))}
        for rest, name in CONTENTS.items()
    ]


def count_reactors(count: int) -> Callable[..., Json]:
    """A connection of which only the count is known."""
    return lambda _info, **_given: {"totalCount": count}
