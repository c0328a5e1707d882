"""A lease as the cloud shows it, and how it is found: by name, among those of the project.

A lease that cannot be extended is followed by a successor that starts when it ends. Its name is the lease's with the
start behind it (`reviews.20261201T1800`), so that a name stands for one line of leases.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from reviewer.errors import UsageError
from runners.errors import CloudError
from runners.lease_cloud import Cloud
from runners.lease_errors import NoSuchLease
from runners.lease_machines import Machine, find_term
from runners.lease_times import parse_time, render_time

ENDED: Final = frozenset({"TERMINATED", "TERMINATING", "DELETING"})
BROKEN: Final = "ERROR"
ACTIVE: Final = "ACTIVE"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
SUCCESSOR: Final = re.compile(r"\.\d{8}T\d{4}$")
POLL: Final = 10.0
"""Seconds between two looks at a lease that is starting."""


def read_clock() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Watch:
    """The clock, and how to wait by it."""

    now: Callable[[], datetime] = read_clock
    sleep: Callable[[float], None] = time.sleep
    poll: float = POLL


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as the cloud shows it."""

    id: str
    name: str
    status: str
    start: datetime
    end: datetime
    reservations: tuple[dict[str, Any], ...] = field(default=())

    def is_over(self, now: datetime) -> bool:
        """Whether nothing can run in it any more."""
        return self.status in ENDED or self.end <= now


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a lease is to hold."""

    name: str
    machines: tuple[Machine, ...]
    addresses: int = 0
    """Floating addresses."""

    @property
    def term(self) -> timedelta | None:
        """The longest that it may last."""
        return find_term(self.machines)


def read_lease(data: Any) -> Lease:
    """A lease of the cloud's JSON."""
    try:
        reservations = tuple(one for one in data.get("reservations") or () if isinstance(one, dict))
        start, end = parse_time(str(data["start_date"])), parse_time(str(data["end_date"]))
        return Lease(str(data["id"]), str(data["name"]), str(data.get("status") or ""), start, end, reservations)
    except (KeyError, TypeError, AttributeError, UsageError):
        raise CloudError("The cloud's answer on a lease cannot be read.", "Check that OS_AUTH_URL is right.") from None


def check_name(name: str) -> str:
    """A name that a successor's can be told from."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name[:80]!r} is no name for a lease.", "Use letters, digits, - and _, 60 at most.")
    return name


def list_leases(cloud: Cloud) -> list[Lease]:
    """All leases of the project."""
    answer = cloud.ask("GET", "/leases", "list the leases")
    listed = (answer or {}).get("leases")
    return [read_lease(one) for one in listed] if isinstance(listed, list) else []


def list_line(cloud: Cloud, name: str, now: datetime) -> list[Lease]:
    """The leases of a name that are not over, and their successors: the one that runs first, then by start."""
    mine = [
        lease
        for lease in list_leases(cloud)
        if (lease.name == name or (lease.name.startswith(name) and SUCCESSOR.fullmatch(lease.name[len(name) :])))
        and not lease.is_over(now)
    ]
    return sorted(mine, key=lambda lease: (lease.status == BROKEN, lease.start, lease.id))


def find_lease(cloud: Cloud, name: str, now: datetime) -> Lease:
    """The lease of a name that runs, or else starts next.

    Raises:
        NoSuchLease: There is none, or it has ended; which of the two is said.
    """
    line = list_line(cloud, name, now)
    if line:
        return line[0]
    ended = [lease.end for lease in list_leases(cloud) if lease.name == name]
    told = f"ended at {render_time(min(max(ended), now))}" if ended else "does not exist in this project"
    raise NoSuchLease(f"The lease {name} {told}.", "docs/leases.md says what to do when a lease has ended.")


def refresh(cloud: Cloud, lease: Lease) -> Lease:
    """The lease as it is now."""
    answer = cloud.ask("GET", f"/leases/{lease.id}", f"read the lease {lease.name}")
    return read_lease((answer or {}).get("lease"))
