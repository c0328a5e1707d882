"""Primary and secondary rate limits, by the world's clock."""

from __future__ import annotations

from typing import Literal

from simulation.github_server.answers import ApiError
from simulation.github_server.state import Budget, Token, World

HOUR = 3600
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. For more on scraping "
    "GitHub and how it may affect your rights, please review our Terms of Service."
)

Resource = Literal["core", "graphql"]


class LimitReached(ApiError):
    """The primary limit is used up."""


def choose_budget(token: Token, resource: Resource) -> Budget:
    """The budget that a request is paid from. REST and GraphQL have one each."""
    return token.graphql if resource == "graphql" else token.core


def spend(world: World, token: Token | None, resource: Resource = "core", *, writes: bool, cost: int = 1) -> None:
    """Take a request off a token's budgets, or refuse it. A refused request costs nothing."""
    if token is None:
        return
    budget, now = choose_budget(token, resource), world.clock()
    if now >= budget.reset:
        budget.used, budget.reset = 0, int(now) + world.switches.limit_window
    if budget.used >= budget.limit:
        kind = "installation" if token.actions else "user"
        raise LimitReached(world.switches.limit_status, f"API rate limit exceeded for {kind} ID {token.account.id}.")
    spend_secondary(world, token, resource, now, writes=writes)
    budget.used += cost


def give_back(token: Token | None) -> None:
    """A conditional request whose answer is 304 costs nothing of the primary limit."""
    if token is not None:
        token.core.used -= 1


def spend_secondary(world: World, token: Token, resource: Resource, now: float, *, writes: bool) -> None:
    """Points a minute, and writes a minute and an hour. A write costs five points, a read one."""
    switches, budget = world.switches, choose_budget(token, resource)
    budget.points = [one for one in budget.points if one[0] > now - 60]
    token.writes = [one for one in token.writes if one > now - HOUR]
    points = 5 if writes else 1
    most = switches.graphql_points_per_minute if resource == "graphql" else switches.points_per_minute
    too_much = is_over(most, sum(cost for _, cost in budget.points) + points)
    if writes:
        last_minute = sum(one > now - 60 for one in token.writes)
        too_much |= is_over(switches.content_per_minute, last_minute + 1)
        too_much |= is_over(switches.content_per_hour, len(token.writes) + 1)
    if too_much:
        wait = switches.secondary_retry_after
        raise ApiError(switches.limit_status, SECONDARY, headers={} if wait is None else {"Retry-After": str(wait)})
    budget.points.append((now, points))
    if writes:
        token.writes.append(now)


def is_over(limit: int | None, count: int) -> bool:
    """Whether a count is over a limit. None is no limit."""
    return limit is not None and count > limit


def render_headers(world: World, token: Token | None, resource: Resource) -> dict[str, str]:
    """What every answer says about the primary limit."""
    budget = choose_budget(token, resource) if token else Budget(60, 0, int(world.clock()) + HOUR)
    remaining = max(budget.limit - budget.used, 0)
    shown = {"Limit": budget.limit, "Remaining": remaining, "Used": budget.used, "Reset": budget.reset}
    return {**{f"X-RateLimit-{name}": str(value) for name, value in shown.items()}, "X-RateLimit-Resource": resource}
