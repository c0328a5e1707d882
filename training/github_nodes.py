"""GraphQL's answers as parts of a snapshot. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reviewer.errors import HostUnavailable
from training.authors import read_actor
from training.github_query import MAX_COMMITS
from training.snapshot import Problem, Snapshot, SnapshotComment, SnapshotCommit, SnapshotThread, hash_name

Json = dict[str, Any]

REACTIONS = {
    "THUMBS_UP": "+1",
    "THUMBS_DOWN": "-1",
    "LAUGH": "laugh",
    "HOORAY": "hooray",
    "CONFUSED": "confused",
    "HEART": "heart",
    "ROCKET": "rocket",
    "EYES": "eyes",
}
"""GraphQL's names and those of REST, which are ours."""


def errors_about(errors: Iterable[Json], *place: str | int) -> list[Json]:
    """Those of an answer's errors that are about a place in it: something below, above, or all of it (no path)."""
    pairs = ((error, tuple(error.get("path") or ())) for error in errors)
    return [error for error, path in pairs if all(one == other for one, other in zip(path, place, strict=False))]


def find_reason(errors: Iterable[Json]) -> str:
    """What the first error says."""
    message = next((error.get("message") for error in errors), None)
    return (message or "GraphQL gave a part of its answer only")[:200].rstrip(".")


def take_nodes(connection: Json, total: int = 0) -> list[Json]:
    """The nodes of a page, or of all pages put together.

    Raises:
        HostUnavailable: One is missing, or there are fewer than `total`: GitHub gave a part of its answer.
    """
    nodes: list[Json] = connection["nodes"] or []
    if not all(nodes) or len(nodes) < total:
        raise HostUnavailable("GraphQL gave a part of its answer only.", "Collect again later.")
    return nodes


def read_pull_request(node: Json, repo: str, salt: str) -> Snapshot:
    """A pull request without its diff and comments, from a node of `github_query.LIST`."""
    author, author_type = read_actor(node["author"], salt)
    problems: list[Problem] = []
    if node["headRepository"] is None:
        problems.append(Problem("head repository", "deleted; the diff is the base repository's refs/pull/N/head"))
    return Snapshot(
        repo=repo,
        number=node["number"],
        title=node["title"] or "",
        body=node["body"] or "",
        author=author,
        author_type=author_type,
        author_association=node["authorAssociation"] or "",
        labels=tuple(label["name"] for label in (node["labels"] or {}).get("nodes") or () if label),
        merged=node["merged"],
        created_at=node["createdAt"] or "",
        updated_at=node["updatedAt"] or "",
        merged_at=node["mergedAt"] or "",
        base_sha=node["baseRefOid"] or "",
        head_sha=node["headRefOid"] or "",
        merge_sha=(node["mergeCommit"] or {}).get("oid", ""),
        thread_count=node["reviewThreads"]["totalCount"],
        commits=read_commits(node["commits"]["nodes"]),
        problems=tuple(problems),
    )


def read_commits(nodes: Iterable[Json] | None) -> tuple[SnapshotCommit, ...]:
    """The commits of a page."""
    commits = (node["commit"] for node in nodes or () if node)
    return tuple(
        SnapshotCommit(commit["oid"], commit["committedDate"] or "", commit["messageHeadline"] or "")
        for commit in commits
    )


def read_threads(nodes: Iterable[Json], salt: str) -> tuple[tuple[SnapshotThread, ...], tuple[SnapshotComment, ...]]:
    """The threads and all their comments, both by id. A thread that lost all its comments says nothing."""
    threads: list[SnapshotThread] = []
    comments: list[SnapshotComment] = []
    for node in nodes:
        said = [read_comment(comment, node, salt) for comment in node["comments"]["nodes"]]
        if not said:
            continue
        root = said[0].in_reply_to or said[0].id
        resolved_by = (node["resolvedBy"] or {}).get("login", "")
        hashed = hash_name(resolved_by.removesuffix("[bot]"), salt) if resolved_by else ""
        threads.append(SnapshotThread(root, node["isResolved"], node["isOutdated"], hashed))
        comments += said
    threads.sort(key=lambda thread: thread.root)
    return tuple(threads), tuple(sorted(comments, key=lambda comment: comment.id))


def read_comment(node: Json, thread: Json, salt: str) -> SnapshotComment:
    """A comment of a thread; its side is the thread's."""
    author, author_type = read_actor(node["author"], salt)
    of_file = node["subjectType"] == "FILE"
    return SnapshotComment(
        id=int(node["fullDatabaseId"]),
        path=node["path"],
        body=node["body"] or "",
        created_at=node["createdAt"] or "",
        updated_at=node["updatedAt"] or "",
        author=author,
        author_type=author_type,
        author_association=node["authorAssociation"] or "",
        in_reply_to=int(node["replyTo"]["fullDatabaseId"]) if node["replyTo"] else None,
        diff_hunk=node["diffHunk"] or "",
        side=None if of_file else thread["diffSide"],
        start_side=None if of_file else thread["startDiffSide"],
        line=node["line"],
        start_line=node["startLine"],
        original_line=node["originalLine"],
        original_start_line=node["originalStartLine"],
        position=None if of_file or node["outdated"] else node["position"],
        original_position=None if of_file else node["originalPosition"],
        commit_id=(node["commit"] or {}).get("oid", ""),
        original_commit_id=(node["originalCommit"] or {}).get("oid", ""),
        subject_type="file" if of_file else "line",
        reactions=read_reactions(node["reactionGroups"] or ()),
    )


def read_reactions(groups: Iterable[Json]) -> dict[str, int]:
    """How many people chose each reaction; those that nobody chose are left out."""
    counts = {
        REACTIONS[group["content"]]: group["reactors"]["totalCount"]
        for group in groups
        if group["content"] in REACTIONS
    }
    return {name: count for name, count in counts.items() if count}


def note_lost_commits(snapshot: Snapshot, total_commits: int) -> Snapshot:
    """Say what force-pushes and GitHub's limits took away."""
    problems = list(snapshot.problems)
    if total_commits > len(snapshot.commits) or total_commits > MAX_COMMITS:
        problems.append(Problem("commits", f"GitHub lists {len(snapshot.commits)} of {total_commits}"))
    else:
        known = {commit.sha for commit in snapshot.commits}
        lost = sum(comment.original_commit_id not in known for comment in snapshot.comments)
        if lost:
            problems.append(Problem("comments", f"{lost} made on commits that a force-push has replaced"))
    return replace(snapshot, problems=tuple(problems))
