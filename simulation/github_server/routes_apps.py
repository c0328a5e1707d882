"""GitHub Apps: who signed a request, where an app is installed, and the tokens of its installations."""

from __future__ import annotations

import jwt

from simulation.github_server.answers import Answer, ApiError, Request, not_found
from simulation.github_server.routes import route
from simulation.github_server.state import Account, App, Budget, Level, Token, World, render_time
from simulation.github_server.views import Json

SCOPES = {
    "actions": "workflows",
    "actions_variables": "variables",
    "administration": "administration",
    "contents": "contents",
    "issues": "issues",
    "organization_self_hosted_runners": "organization_runners",
    "pull_requests": "pull_requests",
}
"""The permissions that the stand-in knows, as GitHub names them and as a token does."""
LONGEST = 600
"""Seconds that a signed request may be good for."""
LIFETIME = 3600
"""Seconds that an installation's token is good for."""


def authenticate_app(world: World, signed: str) -> Token:
    """The app that signed a JSON web token.

    Raises:
        ApiError: 401 in GitHub's words: not readable, signed with another key, too old, or good for too long.
    """
    try:
        issuer = str(jwt.decode(signed, options={"verify_signature": False}).get("iss", ""))
        app = world.apps.get(int(issuer)) if issuer.isdecimal() else None
        if app is None or app.token is None:
            raise ApiError(401, "Integration not found")
        only = {"require": ["iat", "exp"], "verify_exp": False, "verify_iat": False}
        claims = jwt.decode(signed, app.public_key, algorithms=["RS256"], options=only)  # type: ignore[arg-type]
    except jwt.PyJWTError as error:
        raise ApiError(401, "A JSON web token could not be decoded") from error
    now = world.clock()
    if claims["exp"] <= now:
        raise ApiError(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time")
    if claims["exp"] > now + LONGEST + 1:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    if claims["iat"] > now + 1:
        raise ApiError(401, "'Issued at' claim ('iat') must be an Integer representing a time in the past")
    return app.token


def need_app(request: Request) -> App:
    """Only an app may ask this."""
    if request.token is None or request.token.app is None:
        raise ApiError(401, "A JSON web token could not be decoded")
    return request.token.app


@route("apps/get-repo-installation")
def get_installation(request: Request) -> Answer:
    app, owner = need_app(request), request.repository.owner
    if owner.login.lower() not in app.installations:
        raise not_found()
    return Answer(200, show_installation(request, app, owner))


def show_installation(request: Request, app: App, owner: Account) -> Json:
    """An app on an account, for all its repositories."""
    number, created = app.installations[owner.login.lower()], render_time(0)
    return {
        "id": number,
        "account": request.views.user(owner),
        "repository_selection": "all",
        "access_tokens_url": f"{request.views.api}/app/installations/{number}/access_tokens",
        "repositories_url": f"{request.views.api}/installation/repositories",
        "html_url": f"{request.views.html}/settings/installations/{number}",
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": owner.id,
        "target_type": owner.type,
        "permissions": app.permissions,
        "events": [],
        "created_at": created,
        "updated_at": created,
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }


@route("apps/create-installation-access-token")
def create_token(request: Request) -> Answer:
    app = need_app(request)
    if request.parameters["installation_id"] not in map(str, app.installations.values()):
        raise not_found()
    asked: dict[str, Level] = (request.body or {}).get("permissions") or app.permissions
    order = ("none", "read", "write")
    if any(order.index(level) > order.index(app.permissions.get(name, "none")) for name, level in asked.items()):
        raise ApiError(422, "The permissions requested are not granted to this installation.")
    token = issue_token(request.world, app, asked)
    expires = render_time(token.expires)
    shown = {"token": token.value, "expires_at": expires, "permissions": asked, "repository_selection": "all"}
    return Answer(201, shown)


def issue_token(world: World, app: App, permissions: dict[str, Level]) -> Token:
    """A new token of an installation, good for an hour."""
    value = f"ghs_{world.next_id():036}"
    levels: dict[str, Level] = {field: permissions.get(name, "none") for name, field in SCOPES.items()}
    expires = world.clock() + LIFETIME
    bot = world.account(f"{app.slug}[bot]")
    world.tokens[value] = Token(app.slug, value, bot, True, **levels, core=Budget(), expires=expires)  # type: ignore[arg-type]
    return world.tokens[value]
