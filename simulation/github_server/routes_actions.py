"""Workflows that are started through the API."""

from __future__ import annotations

from simulation.github_server.answers import Answer, ApiError, Request, not_found
from simulation.github_server.routes import route
from simulation.github_server.state import Dispatch, render_time
from simulation.github_server.views import Json

MINIMAL = frozenset({"id", "node_id", "name", "full_name", "private", "owner", "description", "fork", "url"})
"""What GitHub's short form of a repository has, but for the links."""


@route("actions/create-workflow-dispatch")
def post_dispatch(request: Request) -> Answer:
    """Remembered in `Repository.dispatches`. Nothing runs."""
    request.need("workflows")
    repository, name = request.repository, request.parameters["workflow_id"]
    if repository.workflows is not None and name not in repository.workflows:
        raise not_found()
    ref = request.body["ref"]
    if repository.resolve(ref) is None:
        raise ApiError(422, f"No ref found for: {ref}")
    inputs = request.body.get("inputs", {})
    dispatch = Dispatch(name, ref, inputs, request.account.login, request.world.now())
    repository.dispatches.append(dispatch)
    return Answer(204)


@route("actions/list-workflow-runs")
def list_runs(request: Request) -> Answer:
    """The runs of what was dispatched, newest first: each of them done at once and well."""
    request.need("workflows", level="read")
    repository, name, query = request.repository, request.parameters["workflow_id"], request.query
    if repository.workflows is not None and name not in repository.workflows:
        raise not_found()
    found = [
        show_run(request, number, one)
        for number, one in enumerate(repository.dispatches, 1)
        if one.workflow == name
        and query.get("event") in (None, "workflow_dispatch")
        and query.get("actor") in (None, one.login)
    ]
    page, headers = request.page(found[::-1])
    return Answer(200, {"total_count": len(found), "workflow_runs": page}, headers)


def show_run(request: Request, number: int, dispatch: Dispatch) -> Json:
    """A run as GitHub shows it, of a workflow whose `run-name` is its name and its inputs."""
    repository, views = request.repository, request.views
    whole = views.repository(repository)
    minimal = {key: value for key, value in whole.items() if key.endswith("_url") or key in MINIMAL}
    del minimal["mirror_url"]
    url = f"{whole['url']}/actions/runs/{number}"
    at = render_time(dispatch.at)
    links = {f"{what}_url": f"{url}/{what}" for what in ("jobs", "logs", "artifacts", "cancel", "rerun")}
    return {
        "id": number,
        "node_id": f"WFR_{number}",
        "name": dispatch.workflow,
        "display_title": " ".join([dispatch.workflow.partition(".")[0], *map(str, dispatch.inputs.values())]),
        "head_branch": dispatch.ref,
        "head_sha": repository.resolve(dispatch.ref) or "",
        "path": f".github/workflows/{dispatch.workflow}@{dispatch.ref}",
        "run_number": number,
        "event": "workflow_dispatch",
        "status": "completed",
        "conclusion": "success",
        "workflow_id": 1,
        "url": url,
        "html_url": f"{whole['html_url']}/actions/runs/{number}",
        "pull_requests": [],
        **dict.fromkeys(("created_at", "updated_at"), at),
        **links,
        "check_suite_url": f"{whole['url']}/check-suites/{number}",
        "workflow_url": f"{whole['url']}/actions/workflows/1",
        "head_commit": None,
        "repository": minimal,
        "head_repository": minimal,
        "actor": views.user(request.world.account(dispatch.login)),
    }
