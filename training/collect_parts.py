"""Ask GitHub about several pull requests at once, and take only those parts of its answer that came whole.

What did not come, or came with an error, is asked for again with less beside it, at last alone. So a pull request that
GitHub cannot answer on costs itself, and nothing that is emptied by an error is ever taken for what somebody wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reviewer.errors import HostError, HostUnavailable, NotFound, PermissionDenied, RateLimited
from training.github_client import GitHubClient, Reply
from training.github_nodes import Json, errors_about, find_reason
from training.github_shapes import PartsAnswer, read_shape

MOST_ALONE = 5
"""So many may fail alone; then GitHub is in trouble, not they, and the rest is asked for no smaller."""


@dataclass(frozen=True, slots=True)
class Part:
    """What an answer says of one pull request. Without a value it is gone, or `error` says why it did not come."""

    number: int
    value: Json | None = None
    error: HostError | None = None


Sizes = dict[int, int]
"""Pull requests by number, each with how much is asked of it."""


def get_parts(
    client: GitHubClient, name: str, sizes: Sizes, render: Callable[[Sizes], str], shape: type[Any]
) -> Iterator[Part]:
    """Ask about several pull requests, and again about those that did not come.

    Args:
        client: Whom to ask.
        name: What GitHub calls the repository now.
        sizes: About whom.
        render: The query; its aliases are `p12`.
        shape: What each part must look like.

    Yields:
        A part for each, in no order.

    Raises:
        NotFound, PermissionDenied, RateLimited: The repository cannot be read at all.
    """
    waiting, alone = [sizes], 0
    while waiting:
        asked = waiting.pop(0)
        parts = _ask(client, name, asked, render, shape)
        yield from (part for part in parts if not part.error)
        left = [part for part in parts if part.error]
        if len(asked) == 1 or alone >= MOST_ALONE:
            alone += len(left)
            yield from left
        else:
            middle = len(left) // 2 if len(left) == len(asked) else len(left)
            halves = left[:middle], left[middle:]
            waiting[:0] = [{part.number: asked[part.number] for part in half} for half in halves if half]


def _ask(client: GitHubClient, name: str, sizes: Sizes, render: Callable[[Sizes], str], shape: type[Any]) -> list[Part]:
    """One query, and its parts."""
    owner, _, short = name.partition("/")
    try:
        reply = client.query(render(sizes), owner=owner, name=short)
        found = read_shape(reply.data, PartsAnswer)["repository"]
    except (NotFound, PermissionDenied, RateLimited):
        raise
    except HostError as error:
        return [Part(number, error=error) for number in sizes]
    return [_choose_part(number, found.get(f"p{number}"), reply, shape) for number in sizes]


def _choose_part(number: int, value: Json | None, reply: Reply, shape: type[Any]) -> Part:
    """The part of one pull request, if no error is about it and it is as it should be."""
    errors = errors_about(reply.errors, "repository", f"p{number}")
    if value is None and {error.get("type") for error in errors} == {"NOT_FOUND"}:
        return Part(number)
    if value is None or errors:
        return Part(number, error=HostUnavailable(f"{find_reason(errors)}.", "Collect again later."))
    try:
        return Part(number, read_shape(value, shape))
    except HostError as error:
        return Part(number, error=error)
