"""Keep a lease: extend it before it ends, follow it by a successor where it cannot be, make one when told to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from runners.errors import CloudError
from runners.lease import check_same, create, extend, post, wait_active
from runners.lease_cloud import Cloud
from runners.lease_errors import CloudUnavailable, CredentialRefused, NoCapacity, NoSuchLease, TermRefused
from runners.lease_records import ACTIVE, BROKEN, Lease, Wanted, Watch, list_line
from runners.lease_times import LONG_TERM, WINDOW, floor, render_time

Outcome = Literal["created", "kept", "extended", "followed", "ending"]
GAIN: Final = timedelta(hours=1)
"""An extension that gains less is not asked for."""
PATIENCE: Final = timedelta(hours=12)
"""A refusal of other grounds than that the machines are taken may pass: until so little is left, it is waited for."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of a lease. `why`: what stood in the way of more."""

    outcome: Outcome
    lease: Lease
    ids: dict[str, str]
    """Reservation ids by role of the machine."""
    successor: Lease | None = None
    why: str = ""


def ensure(
    cloud: Cloud, wanted: Wanted, length: timedelta | None, bound: timedelta, watch: Watch, *, first: bool = False
) -> Renewal:
    """See to it that there is a lease now and that it goes on.

    Args:
        cloud: The site.
        wanted: Its name and what it holds.
        length: How long a new one lasts; None for as long as it may.
        bound: The longest wait for a new one to be ACTIVE.
        watch: The clock.
        first: Make a lease where there is none. Without it, one that was given back stays away.

    Raises:
        NoSuchLease: There is no lease, and none is to be made.
        CloudError: There is no lease and none can be had.
    """
    now = floor(watch.now())
    term = wanted.term or LONG_TERM
    length = min(length or term, term)
    line = list_line(cloud, wanted.name, now)
    if not line and not first:
        raise NoSuchLease(
            f"There is no lease {wanted.name}, and none is made.",
            "Add --create to make one. If it was ended on purpose, unset the variable GLOSSATOR_LEASE_NAME.",
        )
    if not line:
        made, _ = create(cloud, wanted, None, now + length, watch)
        made = wait_active(cloud, made, bound, watch)
        return Renewal("created", made, check_same(cloud, made, wanted))
    lease = wait_active(cloud, line[0], bound, watch)
    ids = check_same(cloud, lease, wanted)
    if lease.status != ACTIVE or lease.end - now > WINDOW or now + length - lease.end < GAIN:
        return Renewal("kept", lease, ids)
    if len(line) > 1 and line[1].status != BROKEN and line[1].start <= lease.end + GAIN:
        return Renewal("followed", lease, ids, line[1], "It has a successor.")
    return renew(cloud, wanted, lease, ids, length, watch)


def renew(cloud: Cloud, wanted: Wanted, lease: Lease, ids: dict[str, str], length: timedelta, watch: Watch) -> Renewal:
    """Extend a lease in its last hours or, when the cloud refuses, reserve the same from its end on."""
    now = floor(watch.now())
    try:
        return Renewal("extended", extend(cloud, lease, now + length), ids)
    except (CredentialRefused, CloudUnavailable):
        raise
    except CloudError as refused:
        reason = refused.what
        if not isinstance(refused, NoCapacity) and lease.end - now > PATIENCE:
            return Renewal("kept", lease, ids, None, reason)
    try:
        successor = post(cloud, wanted, name_successor(wanted.name, lease.end), lease.end, lease.end + length, watch)
    except (NoCapacity, TermRefused) as refused:
        return Renewal("ending", lease, ids, None, f"{reason} {refused.what}")
    return Renewal("followed", lease, ids, successor, reason)


def name_successor(name: str, start: datetime) -> str:
    """`reviews.20261201T1800`."""
    return f"{name}.{start:%Y%m%dT%H%M}"


def tell(renewal: Renewal) -> str:
    """What happened, in one or two sentences."""
    lease, end = renewal.lease, render_time(renewal.lease.end)
    told = {
        "created": f"Made the lease {lease.name}; it is {lease.status} and ends at {end}.",
        "kept": f"The lease {lease.name} is {lease.status} and ends at {end}. {renewal.why}".rstrip(),
        "extended": f"Extended the lease {lease.name}; it now ends at {end}.",
        "ending": f"The lease {lease.name} ends at {end} and cannot be renewed: {renewal.why}",
    }
    if renewal.outcome != "followed" or renewal.successor is None:
        return told[renewal.outcome]
    return (
        f"The lease {lease.name} ends at {end}; {renewal.successor.name} starts then. Its reservation ids are others: "
        f"apply Terraform and Ansible again once it has started. {renewal.why}"
    )
