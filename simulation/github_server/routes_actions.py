"""Workflows that are started through the API."""

from __future__ import annotations

from simulation.github_server.answers import Answer, ApiError, Request, not_found
from simulation.github_server.routes import route
from simulation.github_server.state import Dispatch


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
    repository.dispatches.append(Dispatch(name, ref, inputs, request.account.login))
    return Answer(204)
