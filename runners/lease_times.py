"""When a lease starts and ends: times in UTC to the minute, as Blazar keeps them, and the longest terms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from reviewer.errors import UsageError

SHORT_TERM: Final = timedelta(days=7)
"""Bare metal and the H100 flavors (Chameleon's reservation guide and KVM guide, read in July 2026)."""
LONG_TERM: Final = timedelta(days=180)
"""The m1 flavors: six months, which the site may count as 180 days."""
WINDOW: Final = timedelta(hours=48)
"""An active lease may be extended in its last 48 hours, to at most one term from the moment of asking (same guide)."""
_BLAZAR: Final = "%Y-%m-%d %H:%M"
_DURATION: Final = re.compile(r"(\d{1,4})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def parse_time(text: str, name: str = "A time") -> datetime:
    """A time of the command line or of the cloud, to the minute; without an offset it is UTC.

    Raises:
        UsageError: It is no ISO time such as 2026-12-01T18:00Z.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{name} is {text[:40]!r}, which is no time.", "Write it in UTC like 2026-12-01T18:00Z."
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return floor(found.astimezone(UTC))


def parse_duration(text: str, name: str = "A duration") -> timedelta:
    """`90m`, `12h`, `7d`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise UsageError(f"{name} is {text[:40]!r}, which is no duration.", "Write it like 90m, 12h or 7d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def floor(time: datetime) -> datetime:
    """The start of its minute."""
    return time.replace(second=0, microsecond=0)


def render_blazar(time: datetime) -> str:
    """`2026-12-01 18:00`, the only form that Blazar takes, in UTC."""
    return time.astimezone(UTC).strftime(_BLAZAR)


def render_time(time: datetime) -> str:
    """`2026-12-01T18:00:00Z`, for people, JSON and GitHub's variables."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render_left(left: timedelta) -> str:
    """`6 days 4 hours`, `5 hours`, `12 minutes`; `none` when it has passed."""
    minutes = int(left.total_seconds() // 60)
    if minutes <= 0:
        return "none"
    days, hours = minutes // 1440, minutes // 60 % 24
    parts = [(days, "day"), (hours, "hour")] if minutes >= 60 else [(minutes, "minute")]  # noqa: PLR2004 - of an hour
    return " ".join(f"{count} {word}{'s' if count != 1 else ''}" for count, word in parts if count)


def check_span(start: datetime, end: datetime, now: datetime, term: timedelta | None) -> None:
    """Refuse, before the cloud is asked, times in the past and a lease that is longer than allowed.

    Args:
        start: When it starts.
        end: When it ends.
        now: The present.
        term: The longest it may last; None where only the cloud knows.

    Raises:
        UsageError: Which time is wrong, and what would do.
    """
    if start < floor(now):
        raise UsageError(f"The start, {render_time(start)}, has passed.", "Leave it out to start at once.")
    if end <= floor(now):
        raise UsageError(f"The end, {render_time(end)}, has passed.", "Times are in UTC.")
    if end <= start:
        raise UsageError(
            f"The end, {render_time(end)}, is not after the start, {render_time(start)}.", "Times are in UTC."
        )
    if term is not None and end - start > term:
        raise UsageError(
            f"That is longer than the {render_left(term)} that such a lease may last.",
            f"End it at {render_time(start + term)} or before, and extend it later.",
        )
