"""Which function answers which of GitHub's operations."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate

from simulation.github_server.answers import Answer, ApiError, Request, validation_failed
from simulation.github_server.limits import Resource, choose_budget
from simulation.github_server.pulls import close_pull, open_pull
from simulation.github_server.state import PullRequest, Repository, Token, World
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
    core = show_budget(request.world, request.token)
    graphql = show_budget(request.world, request.token, "graphql")
    return Answer(200, {"resources": {"core": core, "search": core, "graphql": graphql}, "rate": core})


def show_budget(world: World, token: Token | None, resource: Resource = "core") -> Json:
    """A token's primary limit as GET /rate_limit shows it. Nobody's is always full."""
    if token is None:
        return {"limit": 60, "remaining": 60, "reset": int(world.clock()) + 3600, "used": 0}
    budget = choose_budget(token, resource)
    remaining = max(budget.limit - budget.used, 0)
    reset = budget.reset or int(world.clock()) + world.switches.limit_window
    return {"limit": budget.limit, "remaining": remaining, "reset": reset, "used": budget.used}


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
    return Answer(200, request.views.pull(request.repository, pull), {"Last-Modified": render_date(pull.updated)})


def render_date(seconds: float) -> str:
    """A time as headers have it."""
    return formatdate(seconds, usegmt=True)


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


@route("pulls/create")
def post_pull(request: Request) -> Answer:
    """A pull request from a branch of the repository or, as `login:branch`, of somebody's fork."""
    request.need("pull_requests")
    repository, body, world = request.repository, request.body, request.world
    login, _, head = body["head"].rpartition(":")
    name = body.get("head_repo") or f"{login or repository.owner.login}/{repository.name}"
    head_repo = world.repositories.get(name.lower())
    head_sha = head_repo.resolve(head) if head_repo else None
    base_sha = repository.resolve(body["base"])
    if base_sha is None:
        raise validation_failed("PullRequest", "base", "base is invalid", "invalid")
    if head_repo is None or head_sha is None:
        raise validation_failed("PullRequest", "head", "head is invalid", "invalid")
    check_new_pull(repository, body["base"], base_sha, head_repo, head, head_sha)
    pull = open_pull(
        world, repository, request.account, title=body.get("title", head), body=body.get("body"), base=body["base"],
        head=head, head_repo=head_repo, head_sha=head_sha, draft=body.get("draft", False),
    )  # fmt: skip
    shown = request.views.pull(repository, pull)
    return Answer(201, shown, {"Location": shown["url"]})


def check_new_pull(
    repository: Repository, base: str, base_sha: str, head_repo: Repository, head: str, head_sha: str
) -> None:
    """Refuse a second open pull request for the same branches, and one without commits."""
    label = f"{head_repo.owner.login}:{head}"
    for pull in repository.pulls.values():
        if pull.state == "open" and (pull.head_repo, pull.head, pull.base) == (head_repo, head, base):
            raise creation_failed(f"A pull request already exists for {label}.")
    if not repository.store.commits_between(base_sha, head_sha):
        raise creation_failed(f"No commits between {base} and {head if head_repo is repository else label}")


def creation_failed(message: str) -> ApiError:
    """The 422 of a pull request that makes no sense. It names no field."""
    return ApiError(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])


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
    if body.get("state") == "closed" and pull.state == "open":
        close_pull(request.world, pull)
    elif body.get("state") == "open" and not pull.merged:
        pull.state, pull.closed = "open", None
    pull.updated = request.world.now()
    return Answer(200, request.views.pull(request.repository, pull))
