"""GraphQL's connections: pages of nodes with cursors, and its refusals."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError

from simulation.github_server.views import Json


class Refused(GraphQLError):
    """An error with GitHub's `type`, such as NOT_FOUND or FORBIDDEN."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def encode_cursor(index: int) -> str:
    return base64.b64encode(f"cursor:{index}".encode()).decode()


def decode_cursor(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("cursor:"))
    except (ValueError, binascii.Error) as error:
        raise Refused("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from error


def connect(name: str, items: Sequence[Any], show: Callable[[Any], Json]) -> Callable[..., Json]:
    """A connection that pages like GitHub's: `first` or `last` must be given, and be at most 100."""

    def resolve(
        _info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **_filters: Any,
    ) -> Json:
        size = first if first is not None else last
        if size is None:
            raise Refused(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            )
        if size > 100:
            raise Refused("EXCESSIVE_PAGINATION", f"Requesting {size} records on the `{name}` connection exceeds 100.")
        start = decode_cursor(after) + 1 if after else 0
        end = decode_cursor(before) if before else len(items)
        begin, stop = (start, min(start + size, end)) if first is not None else (max(end - size, start), end)
        nodes = [show(item) for item in items[begin:stop]]
        return {
            "nodes": nodes,
            "edges": [{"cursor": encode_cursor(begin + index), "node": node} for index, node in enumerate(nodes)],
            "totalCount": len(items),
            "pageInfo": {
                "startCursor": encode_cursor(begin) if nodes else None,
                "endCursor": encode_cursor(stop - 1) if nodes else None,
                "hasNextPage": stop < len(items),
                "hasPreviousPage": begin > 0,
            },
        }

    return resolve
