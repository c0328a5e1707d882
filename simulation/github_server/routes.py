"""Which function answers which of GitHub's operations."""

from __future__ import annotations

from collections.abc import Callable

from simulation.github_server.answers import Answer, ApiError, Request
from simulation.github_server.state import PullRequest, Token, World
from simulation.github_server.views import Json

Handler = Callable[[Request], Answer]
ROUTES: dict[str, Handler] = {}
"""Handlers by GitHub's operation id."""


def route(operation_id: str) -> Callable[[Handler], Handler]:
    """Let a function answer an operation."""

    def register(handler: Handler) -> Handler:
        ROUTES[operation_id] = handler
        return handler

    return register


@route("repos/get")
def get_repository(request: Request) -> Answer:
    return Answer(200, request.views.repository(request.repository, full=True))


@route("users/get-authenticated")
def get_user(request: Request) -> Answer:
    if request.token and request.token.actions:
        raise ApiError(403, "Resource not accessible by integration")
    return Answer(200, request.views.private_user(request.account))


@route("rate-limit/get")
def get_rate_limit(request: Request) -> Answer:
    budget = show_budget(request.world, request.token)
    resources = dict.fromkeys(("core", "search", "graphql"), budget)
    return Answer(200, {"resources": resources, "rate": budget})


def show_budget(world: World, token: Token | None) -> Json:
    """A token's primary limit as GET /rate_limit shows it. Nobody's is always full."""
    if token is None:
        return {"limit": 60, "remaining": 60, "reset": int(world.now()) + 3600, "used": 0}
    remaining = max(token.limit - token.used, 0)
    return {"limit": token.limit, "remaining": remaining, "reset": token.reset, "used": token.used}


@route("pulls/list")
def list_pulls(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    state = request.query.get("state", "open")
    pulls = [one for one in request.repository.pulls.values() if state in ("all", one.state)]
    pulls = [one for one in pulls if wants_pull(request, one)]
    newest_first = request.query.get("direction", "desc") == "desc"
    pulls.sort(
        key=lambda one: (one.updated if request.query.get("sort") == "updated" else one.created, one.number),
        reverse=newest_first,
    )
    page, headers = request.page(pulls)
    return Answer(200, [request.views.pull(request.repository, one, full=False) for one in page], headers)


def wants_pull(request: Request, pull: PullRequest) -> bool:
    """Whether a pull request passes the filters on its branches."""
    owner = pull.head_repo.owner.login if pull.head_repo else ""
    head = request.query.get("head")
    base = request.query.get("base")
    return head in (None, f"{owner}:{pull.head}") and base in (None, pull.base)


@route("pulls/get")
def get_pull(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    pull = request.pull
    if request.wants("diff"):
        return get_diff(request, pull)
    return Answer(200, request.views.pull(request.repository, pull))


def get_diff(request: Request, pull: PullRequest) -> Answer:
    """The three-dot diff as bytes, unless it is too large."""
    store, switches = request.repository.store, request.world.switches
    files = request.repository.files_of(pull)
    if len(files) > switches.diff_files:
        raise too_large(f"maximum number of files ({switches.diff_files})")
    diff = store.diff(store.merge_base(pull.base_sha, pull.head_sha), pull.head_sha)
    if diff.count(b"\n") > switches.diff_lines:
        raise too_large(f"maximum number of lines ({switches.diff_lines})")
    return Answer(200, diff, media="application/vnd.github.diff; charset=utf-8")


def too_large(what: str) -> ApiError:
    """The 406 of a diff over a limit."""
    return ApiError(
        406,
        f"Sorry, the diff exceeded the {what}. Consider using 'List pull requests files' API or locally cloning the "
        "repository instead.",
        [{"resource": "PullRequest", "field": "diff", "code": "too_large"}],
    )


@route("pulls/list-files")
def list_files(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    repository, pull, switches = request.repository, request.pull, request.world.switches
    page, headers = request.page(repository.files_of(pull)[: switches.files])
    shown = [request.views.file(repository, pull.head_sha, file, switches.patch_changes) for file in page]
    return Answer(200, shown, headers)


@route("pulls/list-commits")
def list_commits(request: Request) -> Answer:
    request.need("pull_requests", level="read")
    repository, pull = request.repository, request.pull
    shas = repository.store.commits_between(pull.base_sha, pull.head_sha)[:250]
    page, headers = request.page(shas)
    commits = [repository.store.read_commit(sha) for sha in page]
    return Answer(200, [request.views.commit(repository, commit) for commit in commits], headers)


@route("pulls/update")
def update_pull(request: Request) -> Answer:
    request.need("pull_requests")
    body = request.body or {}
    pull = request.pull
    pull.title = body.get("title", pull.title)
    pull.body = body.get("body", pull.body)
    pull.state = body.get("state", pull.state)
    pull.updated = request.world.now()
    return Answer(200, request.views.pull(request.repository, pull))
