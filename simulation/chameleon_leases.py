"""The rules of Chameleon's Blazar, as far as leases go: what may be reserved when, for how long, and in what state.

Written after ChameleonCloud/blazar (blazar/manager/service.py, exceptions.py, enforcement/) and Chameleon's reservation
guide, both read in their public repositories. Times are to the minute, in UTC.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = timedelta(days=1)
REQUIRED = {
    "physical:host": ("min", "max", "resource_properties", "hypervisor_properties"),
    "flavor:instance": ("amount", "flavor_id", "affinity"),
    "virtual:floatingip": ("amount", "network_id"),
}


class Refused(Exception):
    """A request that Blazar refuses, by status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass(slots=True)
class Lease:
    id: str
    name: str
    start: datetime
    end: datetime
    reservations: list[dict[str, Any]]
    created: datetime
    looks: int = 0
    """How often it was looked at since its start."""
    broken: bool = False


@dataclass(slots=True)
class Leases:
    """One project's leases at one site."""

    now: Callable[[], datetime]
    hosts: dict[str, int]
    """How many bare-metal hosts there are by node type."""
    flavors: dict[str, tuple[str, int]]
    """Id of a flavor and how many instances there is room for, by name."""
    addresses: int = 4
    max_days: float = 7
    long_days: float = 183
    """For m1 flavors."""
    window_hours: float = 48
    service_units: float = 20_000
    looks_to_start: int = 1
    """So many looks at a lease that has started find it STARTING."""
    fails_to_start: bool = False
    leases: dict[str, Lease] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def list_all(self) -> list[dict[str, Any]]:
        return [self.show(lease) for lease in self.leases.values()]

    def get(self, lease_id: str) -> dict[str, Any]:
        lease = self.find(lease_id)
        lease.looks += self.now() >= lease.start
        return self.show(lease)

    def find(self, lease_id: str) -> Lease:
        if lease_id not in self.leases:
            raise Refused(404, f"Object with lease_id: {lease_id} not found")
        return self.leases[lease_id]

    def status(self, lease: Lease) -> str:
        now = self.now()
        if lease.end <= now:
            return "TERMINATED"
        if lease.start > now:
            return "PENDING"
        if lease.looks <= self.looks_to_start:
            return "STARTING"
        return "ERROR" if lease.broken else "ACTIVE"

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        missing = {"name", "start_date", "end_date"} - body.keys()
        if missing:
            raise Refused(400, f"Missing parameter {', '.join(sorted(missing))}")
        now = minute(self.now())
        start = now if body["start_date"] == "now" else read_date(body["start_date"])
        end = read_date(body["end_date"])
        if start < now:
            raise Refused(400, "Start date must be later than current date")
        if end <= start:
            raise Refused(400, "End date must be later than start date.")
        wanted = [dict(one) for one in body.get("reservations") or ()]
        self.check_duration(end - start, wanted)
        self.check_free(wanted, start, end)
        self.pay(wanted, end - start)
        for one in wanted:
            one |= {"id": self.make_id(), "missing_resources": False, "resources_changed": False}
        lease = Lease(self.make_id(), body["name"], start, end, wanted, self.now(), broken=self.fails_to_start)
        self.leases[lease.id] = lease
        return self.show(lease)

    def update(self, lease_id: str, body: dict[str, Any]) -> dict[str, Any]:
        lease, now = self.find(lease_id), self.now()
        end = read_date(body["end_date"]) if "end_date" in body else lease.end
        if lease.end < now:
            raise Refused(400, "Terminated leases can only be renamed")
        if end < now or end < lease.start:
            raise Refused(400, "End date must be later than current and start date")
        if end > lease.end:
            if now < lease.end - timedelta(hours=self.window_hours):
                seconds = int(self.window_hours * 3600)
                raise Refused(
                    400, f"Lease can only be extended within {seconds} seconds of the leases current end time."
                )
            self.check_duration(end - minute(now), lease.reservations)
            self.check_free(lease.reservations, lease.start, end, but=lease)
            self.pay(lease.reservations, end - lease.end)
        lease.end = end
        return self.show(lease)

    def delete(self, lease_id: str) -> None:
        del self.leases[self.find(lease_id).id]

    def check_duration(self, length: timedelta, reservations: list[dict[str, Any]]) -> None:
        long = {identity for name, (identity, _) in self.flavors.items() if name.startswith("m1.")}
        short = not all(is_long(one, long) for one in reservations)
        most = timedelta(days=self.max_days if short else self.long_days)
        if length > most:
            raise Refused(
                400,
                f"Lease duration of {int(length.total_seconds())} seconds must be less than or equal to the maximum "
                f"lease duration of {int(most.total_seconds())} seconds.",
            )

    def check_free(
        self, reservations: list[dict[str, Any]], start: datetime, end: datetime, but: Lease | None = None
    ) -> None:
        """Refuse what is malformed, unknown, or taken in that time by another lease."""
        others = [one for one in self.leases.values() if one is not but and one.start < end and start < one.end]
        taken = [reservation for one in others for reservation in one.reservations]
        for one in reservations:
            key, amount = self.resource(one)
            used = sum(count for name, count in map(self.resource, taken) if name == key)
            if used + amount > self.capacity(key):
                words = "floating IPs" if key == "address" else "hosts"
                raise Refused(400 if key == "address" else 500, f"Not enough {words} available")

    def resource(self, one: dict[str, Any]) -> tuple[str, int]:
        """What a reservation takes, and how much of it."""
        kind = one.get("resource_type")
        if kind not in REQUIRED:
            raise Refused(500, f"The {kind} resource type is not supported")
        missing = [key for key in REQUIRED[kind] if key not in one]
        if missing:
            raise Refused(400, f"Missing parameter {', '.join(missing)}")
        if kind == "physical:host":
            return read_properties(str(one["resource_properties"])), int(one["max"])
        if kind == "flavor:instance" and str(one["affinity"]) != "None":
            raise Refused(400, "Malformed parameter affinity (not supported for flavor reservations)")
        return (f"flavor {one['flavor_id']}" if kind == "flavor:instance" else "address"), int(one["amount"])

    def capacity(self, key: str) -> int:
        if key == "address":
            return self.addresses
        found = {f"flavor {identity}": count for identity, count in self.flavors.values()}
        if key.startswith("flavor ") and key not in found:
            raise Refused(500, "Internal Server Error")
        return (found | self.hosts).get(key, 0)

    def pay(self, reservations: list[dict[str, Any]], length: timedelta) -> None:
        """One service unit an hour for everything that is not an address."""
        hours = length.total_seconds() / 3600
        units = hours * sum(count for key, count in map(self.resource, reservations) if key != "address")
        if units > self.service_units:
            left = f"only {self.service_units:.2f} left"
            raise Refused(403, f"Reservation for project demo would spend {units:.2f} SUs, {left}")
        self.service_units -= units

    def make_id(self) -> str:
        return str(uuid.UUID(int=next(self.numbers) + (0xB1A2A5 << 104), version=4))

    def show(self, lease: Lease) -> dict[str, Any]:
        """A lease as Blazar answers it."""
        status = self.status(lease)
        held = {"ACTIVE": "active", "TERMINATED": "deleted", "ERROR": "error"}.get(status, "pending")
        return {
            "id": lease.id,
            "name": lease.name,
            "status": status,
            "start_date": render_date(lease.start),
            "end_date": render_date(lease.end),
            "created_at": lease.created.strftime("%Y-%m-%d %H:%M:%S"),
            "updated_at": None,
            "user_id": "user",
            "project_id": "project",
            "trust_id": "trust",
            "degraded": False,
            "events": [],
            "reservations": [{**one, "lease_id": lease.id, "status": held} for one in lease.reservations],
        }


def is_long(one: dict[str, Any], flavors: set[str]) -> bool:
    """Whether a reservation may last for months: an m1 flavor's, and an address's."""
    return one["resource_type"] == "virtual:floatingip" or str(one.get("flavor_id")) in flavors


def read_properties(text: str) -> str:
    """The node type of `["=", "$node_type", "gpu_p100"]`; `==` is what Chameleon answers with an internal error."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) != 3:
        raise Refused(400, f"Malformed requirements {text}")
    if found[0] != "=" or found[1] != "$node_type":
        raise Refused(500, "Internal Server Error")
    return str(found[2])


def read_date(text: str) -> datetime:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise Refused(400, f"{text} is an invalid date. Required format: %Y-%m-%d %H:%M") from None


def render_date(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")


def minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)
