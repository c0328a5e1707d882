"""GitHub over PyGithub: the code host. Every exception that leaves this module is a HostError.

Reads are repeated by PyGithub; writes never are: a lost answer is settled by looking first (`reviewer.publish`).
"""

from __future__ import annotations

import base64
import logging
import os
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import github
import requests
from github.GithubRetry import GithubRetry

from reviewer.code_host import CommentKind, PostedComment, RenderedComment, Thread
from reviewer.diff import parse_diff, parse_patch
from reviewer.domain import ChangedFile, PullRequest
from reviewer.errors import HostError, HostUnavailable, NotFound, PermissionDenied, RateLimited, ValidationFailed
from reviewer.state import MARK

API_URL = "https://api.github.com"
ACTIONS_BOT = "github-actions[bot]"
PER_PAGE = 100
MAX_PAGES = 100
TIMEOUT = 30
"""Seconds for one request."""
RETRIES = 3
MAX_MOVES = 4
"""Times that a diff is read while its head moves on."""
MAX_BLOB = 1_000_000
"""Bytes of a guideline file; the API gives no larger one as JSON."""

logging.getLogger("github").setLevel(logging.CRITICAL)  # It writes to the terminal; all it has to say is raised, too.

_LIMIT_WORDS = ("rate limit", "abuse detection", "retry your request again later")

_THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 50, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id path isResolved isOutdated comments(first: 50) { nodes { body author { login __typename } } } }
    }
  } }
}"""
_RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"


class GitHub:
    """One repository on GitHub or on GitHub Enterprise Server, as seen with one token."""

    def __init__(
        self, repo: str, token: str, api_url: str = API_URL, *, timeout: int = TIMEOUT, retries: int = RETRIES
    ) -> None:
        self.repo = repo
        self._url = f"/repos/{repo}"
        self._requester = github.Github(
            auth=github.Auth.Token(token) if token else None,
            base_url=api_url.rstrip("/"),
            timeout=timeout,
            retry=GithubRetry(total=retries, allowed_methods={"GET", "HEAD"}, max_rate_limit_wait=60),
            seconds_between_requests=0,
            seconds_between_writes=0,
            user_agent="glossator",
        ).requester

    # -- what there is to review ---------------------------------------------------------------------------------

    def get_pull_request(self, number: int) -> PullRequest:
        """The pull request with its three-dot diff. The diff is that of the head: a push in between is read again."""
        url = f"{self._url}/pulls/{number}"
        data = self._get(url)
        for _ in range(MAX_MOVES):
            read, files = data, self._get_files(number)
            data = self._get(url)
            if data["head"]["sha"] == read["head"]["sha"]:
                return PullRequest(
                    repo=self.repo,
                    number=number,
                    title=data["title"] or "",
                    body=data["body"] or "",
                    author=(data["user"] or {}).get("login", ""),
                    base_sha=data["base"]["sha"],
                    head_sha=data["head"]["sha"],
                    files=files,
                )
        raise HostUnavailable("The pull request is being pushed to all the time.", "Run the job again.")

    def _get_files(self, number: int) -> tuple[ChangedFile, ...]:
        """From the diff; over GitHub's limits for it (300 files, 20,000 lines), file by file."""
        url = f"{self._url}/pulls/{number}"
        try:
            with _translated():
                _, data = self._requester.requestJsonAndCheck(
                    "GET", url, headers={"Accept": "application/vnd.github.diff"}
                )
            return parse_diff(data["data"]) if data.get("data") else ()
        except HostError as error:
            if error.status != 406:  # noqa: PLR2004 - Not Acceptable: too large
                raise
        return tuple(
            parse_patch(
                file["filename"],
                file.get("patch"),
                file["status"],
                file.get("previous_filename"),
                file["changes"],
            )
            for file in self._pages(f"{url}/files")
        )

    def base_files(self, sha: str) -> GitHubFiles:
        """The repository's files at a commit."""
        return GitHubFiles(self, sha)

    # -- who asks ------------------------------------------------------------------------------------------------

    @cached_property
    def login(self) -> str:
        """Whose comments are ours. Asked of GraphQL, which answers a GITHUB_TOKEN too: REST's /user does not."""
        try:
            login: str = self._graphql("query { viewer { login } }", {})["viewer"]["login"]
        except (PermissionDenied, NotFound):
            return ACTIONS_BOT
        return login

    def get_permission(self, login: str) -> str:
        """`admin`, `write`, `read` or `none`."""
        quoted = urllib.parse.quote(login, safe="")
        try:
            permission: str = self._get(f"{self._url}/collaborators/{quoted}/permission")["permission"]
        except NotFound:
            return "none"
        return permission

    # -- what stands there ---------------------------------------------------------------------------------------

    def list_comments(self, number: int, kind: CommentKind) -> list[PostedComment]:
        """All comments of one kind, oldest first."""
        of = "issues" if kind == "issue" else "pulls"
        return [
            PostedComment(
                data["id"],
                data["body"] or "",
                mine=self._is_mine((data["user"] or {}).get("login")),
                is_current=kind == "issue" or data.get("line") is not None,
            )
            for data in self._pages(f"{self._url}/{of}/{number}/comments")
        ]

    def list_threads(self, number: int) -> list[Thread]:
        """All review threads, of which only GraphQL knows."""
        owner, _, name = self.repo.partition("/")
        threads: list[Thread] = []
        after = None
        for _ in range(MAX_PAGES):
            data = self._graphql(_THREADS, {"owner": owner, "name": name, "number": number, "after": after})
            page = data["repository"]["pullRequest"]["reviewThreads"]
            threads += [self._thread(node) for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        return threads

    def _thread(self, node: dict[str, Any]) -> Thread:
        comments = node["comments"]["nodes"]
        mine = [self._is_mine(_graphql_login(comment["author"])) for comment in comments]
        return Thread(
            id=node["id"],
            path=node["path"],
            is_resolved=node["isResolved"],
            is_outdated=node["isOutdated"],
            mine=bool(mine) and mine[0],
            answered=len(comments) > 1,
            body=comments[0]["body"] if comments else "",
        )

    def _is_mine(self, login: str | None) -> bool:
        return login == self.login

    # -- what we write -------------------------------------------------------------------------------------------

    def create_review(self, number: int, head_sha: str, body: str, comments: Sequence[RenderedComment]) -> None:
        """Post one review with its comments: all of them or none."""
        review = {"commit_id": head_sha, "event": "COMMENT", "body": body, "comments": [_payload(c) for c in comments]}
        self.write("POST", f"{self._url}/pulls/{number}/reviews", review)

    def create_review_comment(self, number: int, head_sha: str, comment: RenderedComment) -> None:
        """Post one comment on a line."""
        self.write("POST", f"{self._url}/pulls/{number}/comments", {"commit_id": head_sha, **_payload(comment)})

    def delete_pending_review(self, number: int) -> bool:
        """Delete a pending review that a bot left behind. What a person has begun to write is never touched."""
        url = f"{self._url}/pulls/{number}/reviews"
        pending = [f"{url}/{review['id']}" for review in self._pages(url) if review["state"] == "PENDING"]
        left_behind = [one for one in pending if self.login.endswith("[bot]") and self._holds_only_ours(one)]
        for review_url in left_behind:
            self.write("DELETE", review_url)
        return bool(left_behind)

    def _holds_only_ours(self, review_url: str) -> bool:
        return all(MARK in (comment["body"] or "") for comment in self._pages(f"{review_url}/comments"))

    def save_comment(self, number: int, body: str, comment_id: int = 0) -> None:
        """Write a comment in the conversation, or over one that stands there."""
        if comment_id:
            self.write("PATCH", f"{self._url}/issues/comments/{comment_id}", {"body": body})
        else:
            self.write("POST", f"{self._url}/issues/{number}/comments", {"body": body})

    def resolve_thread(self, thread_id: str) -> None:
        """Mark a thread as resolved."""
        self._graphql(_RESOLVE, {"id": thread_id})

    def add_reaction(self, kind: CommentKind, comment_id: int, content: str) -> None:
        """React to a comment. GitHub answers the same when the reaction stands there already."""
        of = "issues" if kind == "issue" else "pulls"
        self.write("POST", f"{self._url}/{of}/comments/{comment_id}/reactions", {"content": content})

    # -- requests ------------------------------------------------------------------------------------------------

    def get(self, path: str, **parameters: object) -> tuple[dict[str, str], Any]:
        """The headers, by their names in lower case, and the data of one answer."""
        with _translated():
            headers, data = self._requester.requestJsonAndCheck("GET", path, parameters or None)
        return {name.lower(): str(value) for name, value in headers.items()}, data

    def write(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        """Change something, once, and give the data of the answer. When it is lost, look before you write again."""
        with _translated():
            return self._requester.requestJsonAndCheck(method, path, input=data)[1]

    def _get(self, url: str, **parameters: object) -> Any:
        return self.get(url, **parameters)[1]

    def _pages(self, url: str) -> Iterator[Any]:
        for page in range(1, MAX_PAGES + 1):
            with _translated():
                headers, data = self._requester.requestJsonAndCheck("GET", url, {"per_page": PER_PAGE, "page": page})
            yield from data
            if 'rel="next"' not in headers.get("link", ""):
                return

    def _graphql(self, query: str, variables: dict[str, Any]) -> Any:
        with _translated():
            return self._requester.graphql_query(query, variables)[1]["data"]


class GitHubFiles:
    """The repository's files at one commit: one request for the list, one for each file that is read."""

    def __init__(self, host: GitHub, sha: str) -> None:
        self._host = host
        self._sha = sha

    @cached_property
    def _blobs(self) -> dict[str, str]:
        url = f"/repos/{self._host.repo}/git/trees/{self._sha}"
        tree = self._host._get(url, recursive=1)["tree"]  # noqa: SLF001 - one module, one seam to GitHub
        regular = ("100644", "100755")
        return {entry["path"]: entry["sha"] for entry in tree if entry.get("mode") in regular}

    def list_files(self) -> tuple[str, ...]:
        """The paths of all regular files (of the first 100,000 entries: GitHub lists no more)."""
        return tuple(self._blobs)

    def read_file(self, path: str, limit: int) -> str | None:
        """A file's text, cut at `limit` characters; None when it is not there or too large for the API."""
        sha = self._blobs.get(path)
        if sha is None:
            return None
        blob = self._host._get(f"/repos/{self._host.repo}/git/blobs/{sha}")  # noqa: SLF001 - see above
        if blob["encoding"] != "base64" or blob["size"] > MAX_BLOB:
            return None
        return base64.b64decode(blob["content"]).decode("utf-8", "replace")[:limit]


def from_environment(repo: str, token: str) -> GitHub:
    """The host that a workflow runs on: GITHUB_API_URL names it."""
    return GitHub(repo, token, os.environ.get("GITHUB_API_URL", API_URL))


def _payload(rendered: RenderedComment) -> dict[str, Any]:
    comment = rendered.comment
    payload = {"path": comment.path, "line": comment.line, "side": comment.side, "body": rendered.body}
    if comment.start_line is not None:
        payload |= {"start_line": comment.start_line, "start_side": comment.side}
    return payload


def _graphql_login(author: dict[str, str] | None) -> str | None:
    """GraphQL names a bot without the `[bot]` that REST puts behind it."""
    if not author:
        return None
    login = author["login"]
    return f"{login}[bot]" if author["__typename"] == "Bot" and not login.endswith("[bot]") else login


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what PyGithub and requests raise into a HostError."""
    try:
        yield
    except github.GithubException as error:
        raise _host_error(error) from None
    except requests.RequestException as error:
        raise HostUnavailable(
            f"GitHub did not answer ({type(error).__name__}).", "Run the job again; if it stays, see githubstatus.com."
        ) from None


def _host_error(error: github.GithubException) -> HostError:
    status, data = error.status, error.data if isinstance(error.data, dict) else {}
    said = str(data.get("message") or error.message or "no message")
    messages = tuple(e if isinstance(e, str) else str(e.get("message", e.get("type", ""))) for e in _errors(data))
    what = f"GitHub answered {status}: {said}" + (f" ({'; '.join(messages)})" if messages else "")
    headers = {key.lower(): value for key, value in (error.headers or {}).items()}
    if status in {403, 429} and (status == 429 or _is_limit(said, headers)):  # noqa: PLR2004 - Too Many Requests
        return RateLimited(what, "Wait, or use a token with a higher limit.", status, _retry_after(headers))
    if status in {401, 403} or "FORBIDDEN" in messages or "not accessible by integration" in what:
        hint = "Give the job the permission `pull-requests: write`; a fork's GITHUB_TOKEN can only read."
        if status == 401:  # noqa: PLR2004 - Unauthorized
            hint = "The token is wrong or has expired: give another one."
        return PermissionDenied(what, hint, status)
    if status == 404:  # noqa: PLR2004 - Not Found
        return NotFound(what, "Check the repository and the number, and that the token may see them.", status)
    if status == 422:  # noqa: PLR2004 - Unprocessable Content
        return ValidationFailed(what, "This is a bug of Glossator; please report it.", status, (said, *messages))
    if status >= 500:  # noqa: PLR2004 - server errors
        return HostUnavailable(what, "Run the job again; if it stays, see githubstatus.com.", status)
    return HostError(what, "", status)


def _errors(data: dict[str, Any]) -> list[Any]:
    errors = data.get("errors")
    return [e for e in errors if isinstance(e, str | dict)] if isinstance(errors, list) else []


def _is_limit(said: str, headers: dict[str, Any]) -> bool:
    return any(words in said.lower() for words in _LIMIT_WORDS) or str(headers.get("x-ratelimit-remaining")) == "0"


def _retry_after(headers: dict[str, Any]) -> float:
    """Seconds to wait: what GitHub says, else the minute that it asks for when it says nothing."""
    try:
        return max(1.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return 60.0
