"""Variables of a repository, which workflows read as `vars`. A job's own token can neither read nor write them."""

from __future__ import annotations

import re

from simulation.github_server.answers import Answer, ApiError, Request, not_found
from simulation.github_server.routes import route
from simulation.github_server.state import Level, render_time
from simulation.github_server.variable_state import Variable
from simulation.github_server.views import Json

NAME = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]*", re.IGNORECASE)


def open_variables(request: Request, level: Level) -> dict[str, Variable]:
    """The variables by name in capitals, for a token that may read or write them."""
    if request.token is None:
        raise ApiError(401, "Requires authentication")
    if not request.token.has("variables", level):
        raise ApiError(403, "Resource not accessible by integration")
    return request.repository.variables


def find_variable(request: Request, level: Level) -> Variable:
    found = open_variables(request, level).get(request.parameters["name"].upper())
    if found is None:
        raise not_found()
    return found


def show_variable(variable: Variable) -> Json:
    times = {"created_at": render_time(variable.created), "updated_at": render_time(variable.updated)}
    return {"name": variable.name, "value": variable.value, **times}


@route("actions/list-repo-variables")
def list_variables(request: Request) -> Answer:
    found = sorted(open_variables(request, "read").values(), key=lambda one: one.name)
    page, headers = request.page(found)
    return Answer(200, {"total_count": len(found), "variables": [show_variable(one) for one in page]}, headers)


@route("actions/get-repo-variable")
def get_variable(request: Request) -> Answer:
    return Answer(200, show_variable(find_variable(request, "read")))


@route("actions/create-repo-variable")
def post_variable(request: Request) -> Answer:
    variables, name = open_variables(request, "write"), request.body["name"].upper()
    if name in variables:
        raise ApiError(409, "Already exists - Variable already exists")
    if not NAME.fullmatch(name):
        raise ApiError(409, "Variable names can only contain alphanumeric characters and underscores")
    variables[name] = Variable(name, request.body["value"], request.world.now(), request.world.now())
    return Answer(201, {})


@route("actions/update-repo-variable")
def patch_variable(request: Request) -> Answer:
    variable = find_variable(request, "write")
    variable.value = request.body.get("value", variable.value)
    variable.updated = request.world.now()
    return Answer(204)
