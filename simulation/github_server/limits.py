"""Primary and secondary rate limits, by the world's clock."""

from __future__ import annotations

from simulation.github_server.answers import ApiError
from simulation.github_server.state import Token, World

HOUR = 3600
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. For more on scraping "
    "GitHub and how it may affect your rights, please review our Terms of Service."
)


def spend(world: World, token: Token | None, *, writes: bool) -> None:
    """Take a request off a token's budgets, or refuse it. A refused request costs nothing."""
    if token is None:
        return
    now = world.now()
    if now >= token.reset:
        token.used, token.reset = 0, int(now) + HOUR
    if token.used >= token.limit:
        kind = "installation" if token.actions else "user"
        raise ApiError(world.switches.limit_status, f"API rate limit exceeded for {kind} ID {token.account.id}.")
    spend_secondary(world, token, now, writes=writes)
    token.used += 1


def spend_secondary(world: World, token: Token, now: float, *, writes: bool) -> None:
    """Points a minute, and writes a minute and an hour. A write costs five points, a read one."""
    switches = world.switches
    token.points = [one for one in token.points if one[0] > now - 60]
    token.writes = [one for one in token.writes if one > now - HOUR]
    points = 5 if writes else 1
    too_much = is_over(switches.points_per_minute, sum(cost for _, cost in token.points) + points)
    if writes:
        last_minute = sum(one > now - 60 for one in token.writes)
        too_much |= is_over(switches.content_per_minute, last_minute + 1)
        too_much |= is_over(switches.content_per_hour, len(token.writes) + 1)
    if too_much:
        wait = switches.secondary_retry_after
        raise ApiError(switches.limit_status, SECONDARY, headers={} if wait is None else {"Retry-After": str(wait)})
    token.points.append((now, points))
    if writes:
        token.writes.append(now)


def is_over(limit: int | None, count: int) -> bool:
    """Whether a count is over a limit. None is no limit."""
    return limit is not None and count > limit


def render_headers(world: World, token: Token | None) -> dict[str, str]:
    """What every answer says about the primary limit."""
    limit, used = (token.limit, token.used) if token else (60, 0)
    reset = token.reset if token else int(world.now()) + HOUR
    shown = {"Limit": limit, "Remaining": max(limit - used, 0), "Used": used, "Reset": reset}
    return {**{f"X-RateLimit-{name}": str(value) for name, value in shown.items()}, "X-RateLimit-Resource": "core"}
