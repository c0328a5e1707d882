"""The questions to GraphQL, sized so that few requests and few points are spent.

GitHub counts a point for each hundred connections that a query may open, and refuses a query that may give more than
500,000 nodes. So the list of pull requests opens little for each (labels, commits, a count of threads), and the threads
are asked of several pull requests at once, with pages as large as the counts say. What overflows is paged alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

PULLS = 50
"""Pull requests a page: 1 + 3 * 50 connections, 2 points."""
COMMITS = 50
LABELS = 20
COMMENTS = 10
"""Comments of a thread that come with it. Of 3,808 threads of two projects 11 have more."""
BATCH_PULLS = 25
BATCH_THREADS = 100
"""At most that many threads a query: 11 points should GitHub count the reactions of each comment, else 2."""
MAX_COMMITS = 250
"""GitHub lists no more of a pull request."""

_RATE = "rateLimit { cost remaining resetAt }"
_PAGE = "pageInfo { hasNextPage endCursor }"
_COMMIT = "nodes { commit { oid committedDate messageHeadline } }"
_ACTOR = "{ __typename login }"

_COMMENT_FIELDS = f"""
fragment comment on PullRequestReviewComment {{
  fullDatabaseId path body createdAt updatedAt authorAssociation author {_ACTOR} replyTo {{ fullDatabaseId }}
  diffHunk line startLine originalLine originalStartLine position originalPosition outdated subjectType
  commit {{ oid }} originalCommit {{ oid }} reactionGroups {{ content reactors(first: 1) {{ totalCount }} }}
}}"""
_THREAD_FIELDS = f"""
fragment thread on PullRequestReviewThread {{
  id isResolved isOutdated resolvedBy {{ login }} diffSide startDiffSide
  comments(first: {COMMENTS}) {{ totalCount {_PAGE} nodes {{ ...comment }} }}
}}"""

_PULL_FIELDS = f"""
fragment pull on PullRequest {{
  number title body author {_ACTOR} authorAssociation merged createdAt updatedAt mergedAt
  baseRefOid headRefOid mergeCommit {{ oid }} headRepository {{ nameWithOwner }}
  labels(first: {LABELS}) {{ nodes {{ name }} }}
  commits(first: {COMMITS}) {{ totalCount {_PAGE} {_COMMIT} }}
  reviewThreads(first: 1) {{ totalCount }}
}}"""

LIST = f"""
query($owner: String!, $name: String!, $size: Int!, $after: String) {{
  {_RATE}
  repository(owner: $owner, name: $name) {{
    pullRequests(states: MERGED, first: $size, after: $after, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      totalCount {_PAGE} nodes {{ ...pull }}
    }}
  }}
}}{_PULL_FIELDS}"""
"""The merged pull requests, last updated first."""

COUNT = f"""
query($owner: String!, $name: String!, $size: Int!) {{
  {_RATE}
  repository(owner: $owner, name: $name) {{
    pullRequests(states: MERGED, first: $size, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{
      totalCount nodes {{ updatedAt reviewThreads(first: 1) {{ totalCount }} }}
    }}
  }}
}}"""
"""How many there are, and how much is said in the newest of them."""

MORE_COMMITS = f"""
query($owner: String!, $name: String!, $number: Int!, $after: String) {{
  {_RATE}
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{ commits(first: 100, after: $after) {{ {_PAGE} {_COMMIT} }} }}
  }}
}}"""

MORE_THREADS = f"""
query($owner: String!, $name: String!, $number: Int!, $after: String) {{
  {_RATE}
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      reviewThreads(first: {BATCH_THREADS}, after: $after) {{ {_PAGE} nodes {{ ...thread }} }}
    }}
  }}
}}{_THREAD_FIELDS}{_COMMENT_FIELDS}"""

_IDS = "nodes { comments(first: 100) { nodes { fullDatabaseId updatedAt } } }"
MORE_IDS = f"""
query($owner: String!, $name: String!, $number: Int!, $after: String) {{
  {_RATE}
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{ reviewThreads(first: {BATCH_THREADS}, after: $after) {{ {_PAGE} {_IDS} }} }}
  }}
}}"""

MORE_COMMENTS = f"""
query($id: ID!, $after: String) {{
  {_RATE}
  node(id: $id) {{
    ... on PullRequestReviewThread {{ comments(first: 100, after: $after) {{ {_PAGE} nodes {{ ...comment }} }} }}
  }}
}}{_COMMENT_FIELDS}"""


def render_threads_query(sizes: dict[int, int]) -> str:
    """A query for the threads of several pull requests: number → how many threads it has. Aliases are `p12`."""
    parts = (
        f"p{number}: pullRequest(number: {number}) {{ "
        f"reviewThreads(first: {min(size, BATCH_THREADS)}) {{ {_PAGE} nodes {{ ...thread }} }} }}"
        for number, size in sizes.items()
    )
    return _render_query(parts) + _THREAD_FIELDS + _COMMENT_FIELDS


def render_ids_query(sizes: dict[int, int]) -> str:
    """A query for the ids of all comments of several pull requests, and nothing of what they say."""
    return _render_query(
        f"p{number}: pullRequest(number: {number}) {{ reviewThreads(first: {size}) {{ {_PAGE} {_IDS} }} }}"
        for number, size in sizes.items()
    )


def render_pulls_query(numbers: Iterable[int]) -> str:
    """A query for several pull requests, each as the list gives it."""
    return _render_query(f"p{number}: pullRequest(number: {number}) {{ ...pull }}" for number in numbers) + _PULL_FIELDS


def render_texts_query(places: Iterable[tuple[str, str]]) -> str:
    """A query for the texts of several files: pairs of a commit and a path. Aliases are `f0`, `f1`... in order."""
    asked = "{ ... on Blob { text isBinary isTruncated } }"
    names = (json.dumps(f"{sha}:{path}") for sha, path in places)
    return _render_query(f"f{at}: object(expression: {name}) {asked}" for at, name in enumerate(names))


def _render_query(parts: Iterable[str]) -> str:
    """Ask several things of one repository."""
    lines = "".join(f"    {part}\n" for part in parts)
    head = "query($owner: String!, $name: String!)"
    return f"{head} {{\n  {_RATE}\n  repository(owner: $owner, name: $name) {{\n{lines}  }}\n}}"


def plan_batches(
    sizes: dict[int, int], pulls: int = BATCH_PULLS, threads: int = BATCH_THREADS
) -> Iterator[dict[int, int]]:
    """Put pull requests together so that a batch has at most so many of them, and so many threads."""
    batch: dict[int, int] = {}
    for number, size in sizes.items():
        if not size:
            continue
        if batch and (len(batch) == pulls or sum(batch.values()) + size > threads):
            yield batch
            batch = {}
        batch[number] = size
    if batch:
        yield batch
