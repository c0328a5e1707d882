"""What is done with leases: make one once, wait for it, extend it, give it back. The only state is the cloud's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from reviewer.errors import UsageError
from runners.errors import CloudError
from runners.lease_cloud import Cloud
from runners.lease_errors import CloudUnavailable, NoSuchLease
from runners.lease_machines import (
    build_addresses,
    build_reservation,
    find_flavors,
    find_network,
    match_reservations,
)
from runners.lease_records import (
    ACTIVE,
    BROKEN,
    SUCCESSOR,
    Lease,
    Wanted,
    Watch,
    list_line,
    read_lease,
    refresh,
)
from runners.lease_times import check_span, floor, render_blazar, render_time


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
                f"End it and make it again: glossator-ops lease end {SUCCESSOR.sub('', lease.name)}",
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
