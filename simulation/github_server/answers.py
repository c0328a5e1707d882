"""What a request is and how it is answered: data, pages, and GitHub's errors in GitHub's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from simulation.github_server.contract import Operation
from simulation.github_server.state import Account, PullRequest, Repository, Token, World
from simulation.github_server.views import Views

DOCS = "https://docs.github.com/rest"


@dataclass(slots=True)
class Answer:
    """`body` is JSON unless it is bytes."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json; charset=utf-8"


class ApiError(Exception):
    """A request that is refused."""

    def __init__(
        self, status: int, message: str, errors: Sequence[Any] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = list(errors)
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """GitHub's JSON for it."""
        errors = {"errors": self.errors} if self.errors else {}
        return {"message": self.message, **errors, "documentation_url": DOCS, "status": str(self.status)}


class Redirect(ApiError):
    """A repository has another name by now."""

    def __init__(self, place: str, *, reads: bool) -> None:
        super().__init__(301 if reads else 307, "Moved Permanently", headers={"Location": place})
        self.place = place

    @property
    def body(self) -> dict[str, Any]:
        """GitHub's JSON for it."""
        return {"message": self.message, "url": self.place, "documentation_url": DOCS}


def not_found() -> ApiError:
    return ApiError(404, "Not Found")


def unprocessable(*messages: str) -> ApiError:
    """The 422 of reviews: its errors are strings."""
    return ApiError(422, "Unprocessable Entity", messages)


def validation_failed(resource: str, field_name: str, message: str, code: str = "custom") -> ApiError:
    """The 422 of comments: its errors are objects."""
    return ApiError(
        422, "Validation Failed", [{"resource": resource, "code": code, "field": field_name, "message": message}]
    )


@dataclass(slots=True)
class Request:
    """A request that has passed authentication and the contract."""

    world: World
    views: Views
    operation: Operation
    url: str
    parameters: dict[str, str]
    query: dict[str, str]
    body: Any
    accept: str
    token: Token | None

    @property
    def account(self) -> Account:
        """Who asks."""
        if self.token is None:
            raise ApiError(401, "Requires authentication")
        return self.token.account

    @property
    def repository(self) -> Repository:
        """The repository that the path names."""
        name = f"{self.parameters['owner']}/{self.parameters['repo']}".lower()
        found = self.world.repositories.get(name)
        if found is None or (found.private and self.token is None):
            raise not_found()
        return found

    @property
    def pull(self) -> PullRequest:
        """The pull request that the path names."""
        number = self.parameters.get("pull_number") or self.parameters["issue_number"]
        pull = self.repository.pulls.get(int(number)) if number.isdigit() else None
        if pull is None or pull.gone:
            raise not_found()
        return pull

    def need(self, *scopes: str, level: str = "write") -> None:
        """Refuse unless the token has one of the permissions. Anybody may read what is public."""
        if level == "read" and not self.repository.private:
            return
        if self.token is None:
            raise ApiError(401, "Requires authentication")
        if not any(self.token.has(scope, "read" if level == "read" else "write") for scope in scopes):
            if self.world.switches.denied_status == 404:
                raise not_found()
            raise ApiError(403, "Resource not accessible by integration")

    def page(self, items: Sequence[Any]) -> tuple[Sequence[Any], dict[str, str]]:
        """The asked page of a list, and the Link header that leads to the others."""
        size = min(int(self.query.get("per_page", "30")), 100) or 30
        page = max(int(self.query.get("page", "1")), 1)
        last = max((len(items) + size - 1) // size, 1)
        targets: dict[str, int] = {}
        if page > 1:
            targets.update(prev=page - 1, first=1)
        if page < last:
            targets.update(next=page + 1, last=last)
        links = [
            f'<{self.url}?{urlencode({**self.query, "page": target})}>; rel="{name}"'
            for name, target in targets.items()
        ]
        return items[(page - 1) * size : page * size], {"Link": ", ".join(links)} if links else {}

    def wants(self, kind: str) -> bool:
        """Whether the client accepts `diff` or `raw` rather than JSON."""
        return re.search(rf"application/vnd\.github(\.v3)?\.{kind}\b", self.accept) is not None
