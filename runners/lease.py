"""Leases of one site by name: find, make, wait for, extend, end. The cloud's own state is the only state.

A lease that cannot be extended is followed by a successor that starts when it ends. Its name is the lease's with the
start behind it (`reviews.20261201T1800`), so that a name stands for one line of leases.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from reviewer.errors import UsageError
from runners.errors import CloudError
from runners.lease_cloud import Cloud
from runners.lease_errors import CloudUnavailable, NoSuchLease
from runners.lease_machines import (
    Machine,
    build_addresses,
    build_reservation,
    find_flavors,
    find_network,
    find_term,
    match_reservations,
)
from runners.lease_times import check_span, floor, parse_time, render_blazar, render_time

ENDED: Final = frozenset({"TERMINATED", "TERMINATING", "DELETING"})
BROKEN: Final = "ERROR"
ACTIVE: Final = "ACTIVE"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_SUCCESSOR: Final = re.compile(r"\.\d{8}T\d{4}$")
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
        if (lease.name == name or (lease.name.startswith(name) and _SUCCESSOR.fullmatch(lease.name[len(name) :])))
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


def create(cloud: Cloud, wanted: Wanted, start: datetime | None, end: datetime, watch: Watch) -> tuple[Lease, bool]:
    """The lease of that name, made unless it is there. Also whether it was made.

    Raises:
        UsageError: The times cannot be, or the name holds a lease of other machines.
        CloudError: The cloud refused, in one of the ways of `lease_errors`.
    """
    now = watch.now()
    begin, end = floor(start or now), floor(end)
    check_span(begin, end, now, wanted.term)
    cloud.need_unrestricted()
    line = list_line(cloud, wanted.name, now)
    if line:
        check_same(cloud, line[0], wanted)
        return line[0], False
    return post(cloud, wanted, wanted.name, None if start is None else begin, end, watch), True


def check_same(cloud: Cloud, lease: Lease, wanted: Wanted) -> dict[str, str]:
    """The reservation ids by role of a lease that holds what is wanted."""
    found = match_reservations(lease.reservations, wanted.machines, find_flavors(cloud, wanted.machines))
    if found is None:
        asked = ", ".join(map(str, wanted.machines))
        raise UsageError(
            f"The lease {lease.name} is there, but for other machines than {asked}.",
            f"Give it another name, or end it first: glossator-ops lease end {wanted.name}",
        )
    return found


def post(cloud: Cloud, wanted: Wanted, name: str, start: datetime | None, end: datetime, watch: Watch) -> Lease:
    """Make a lease. When the answer is lost, look whether it is there: two would be paid for."""
    flavors = find_flavors(cloud, wanted.machines)
    reservations = [build_reservation(machine, flavors) for machine in wanted.machines]
    if wanted.addresses:
        reservations.append(build_addresses(find_network(cloud), wanted.addresses))
    body = {
        "name": name,
        "start_date": "now" if start is None else render_blazar(start),
        "end_date": render_blazar(end),
        "reservations": reservations,
        "events": [],
        "before_end_date": None,
    }
    try:
        answer = cloud.ask("POST", "/leases", f"create the lease {name}", body)
    except CloudUnavailable:
        made = [lease for lease in list_line(cloud, wanted.name, watch.now()) if lease.name == name]
        if not made or made[0].status == BROKEN:
            raise
        return made[0]
    return read_lease((answer or {}).get("lease"))


def wait_active(cloud: Cloud, lease: Lease, bound: timedelta, watch: Watch) -> Lease:
    """The lease once it is ACTIVE; at once as it is when it starts only after the wait.

    Raises:
        CloudError: It ended in ERROR, or was not ACTIVE in time.
    """
    until = watch.now() + bound
    while lease.status != ACTIVE:
        if lease.status == BROKEN:
            raise CloudError(
                f"The lease {lease.name} is in the state ERROR: the site could not start it.",
                f"End it and make it again: glossator-ops lease end {_SUCCESSOR.sub('', lease.name)}",
            )
        if lease.is_over(watch.now()):
            raise NoSuchLease(f"The lease {lease.name} ended at {render_time(lease.end)}.", "Make a new one.")
        if lease.start > until:
            return lease
        if watch.now() >= until:
            raise CloudError(
                f"The lease {lease.name} is {lease.status} after {int(bound.total_seconds() // 60)} minutes.",
                "Look at it on the site's web page, or run the same command again: it goes on waiting.",
            )
        watch.sleep(watch.poll)
        lease = refresh(cloud, lease)
    return lease


def refresh(cloud: Cloud, lease: Lease) -> Lease:
    """The lease as it is now."""
    answer = cloud.ask("GET", f"/leases/{lease.id}", f"read the lease {lease.name}")
    return read_lease((answer or {}).get("lease"))


def extend(cloud: Cloud, lease: Lease, end: datetime) -> Lease:
    """The lease with a later end. That it ends then already is no error.

    Raises:
        UsageError: The end is before the one that it has.
        CloudError: The cloud refused: too long, too early, or somebody else has the machines then.
    """
    if end == lease.end:
        return lease
    if end < lease.end:
        raise UsageError(
            f"The lease {lease.name} ends at {render_time(lease.end)}, after {render_time(end)}.",
            "Give a later end; to give it back early, end it.",
        )
    cloud.need_unrestricted()
    try:
        answer = cloud.ask(
            "PUT", f"/leases/{lease.id}", f"extend the lease {lease.name}", {"end_date": render_blazar(end)}
        )
    except CloudUnavailable:
        found = refresh(cloud, lease)
        if found.end != end:
            raise
        return found
    return read_lease((answer or {}).get("lease"))


def end_line(cloud: Cloud, leases: Sequence[Lease]) -> None:
    """Give leases back. What runs in them is deleted by the site. That one is gone already is no error."""
    cloud.need_unrestricted()
    for lease in leases:
        try:
            cloud.ask("DELETE", f"/leases/{lease.id}", f"end the lease {lease.name}")
        except NoSuchLease:
            continue
