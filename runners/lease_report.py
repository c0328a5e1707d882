"""What is said of a lease: to people, to Terraform, and to the steps of a workflow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from reviewer.console import save_text
from reviewer.errors import UsageError
from runners.errors import CloudError
from runners.lease_errors import NoCapacity, NoSuchLease, TermRefused
from runners.lease_machines import FLOATING_IP, Machine, find_term
from runners.lease_records import ACTIVE, Lease
from runners.lease_renewal import Renewal
from runners.lease_times import LONG_TERM, render_left, render_time

NOTICE: Final = timedelta(minutes=30)
"""Serving ends so long before the lease does: a review takes at most that, and then nothing is cut off."""
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


def describe_lease(
    lease: Lease, ids: Mapping[str, str] | None = None, successor: Lease | None = None
) -> dict[str, Any]:
    """A lease for JSON. `reservation_ids`: by role where roles are known, and `reservations` as the cloud has them."""
    addresses = [str(one.get("id")) for one in lease.reservations if one.get("resource_type") == FLOATING_IP]
    kinds = [{"id": str(one.get("id")), "type": str(one.get("resource_type"))} for one in lease.reservations]
    return {
        "name": lease.name,
        "id": lease.id,
        "status": lease.status,
        "start": render_time(lease.start),
        "end": render_time(lease.end),
        "reservation_ids": dict(ids or {}),
        "floating_ips": addresses[0] if addresses else None,
        "reservations": kinds,
        "successor": describe_lease(successor) if successor else None,
    }


def render_lease(lease: Lease, now: datetime, ids: Mapping[str, str] | None = None) -> str:
    """A lease for people."""
    rows = [
        ("lease", f"{lease.name} ({lease.id})"),
        ("status", lease.status),
        ("start", render_time(lease.start)),
        ("end", render_time(lease.end)),
        ("left", render_left(lease.end - max(now, lease.start))),
    ]
    names = {identity: role for role, identity in (ids or {}).items()}
    for one in lease.reservations:
        identity = str(one.get("id"))
        rows.append((names.get(identity, "reservation"), f"{identity} ({one.get('resource_type')})"))
    return "\n".join(f"{name:<12} {value}" for name, value in rows)


def save_variables(path: Path, ids: Mapping[str, str], machines: Sequence[Machine]) -> None:
    """Write a lease's variables for Terraform: JSON for a name that ends in .json, else HCL.

    `reservation_ids`, or `long_reservation_ids` for a lease of months, so that the files of two leases do not take each
    other's place; and `node_types` for bare metal.

    Raises:
        UsageError: No roles are known, or the file cannot be written.
        CloudError: The cloud's ids are none.
    """
    if not ids:
        raise UsageError("Which reservation is for which role is not known.", "Name the machines with --machine.")
    if not all(_ID.fullmatch(one) for one in ids.values()):
        raise CloudError("The cloud's reservation ids cannot be read.", "Check that OS_AUTH_URL is right.")
    name = "long_reservation_ids" if find_term(machines) == LONG_TERM else "reservation_ids"
    variables = {name: dict(ids)}
    nodes = {machine.role: machine.name for machine in machines if machine.kind == "node"}
    if nodes:
        variables["node_types"] = nodes
    if path.suffix == ".json":
        text = json.dumps(variables, indent=2) + "\n"
    else:
        text = "\n".join(render_map(key, values) for key, values in variables.items())
    save_text(text, path)


def render_map(name: str, values: Mapping[str, str]) -> str:
    """A map of texts in HCL, as `terraform fmt` writes it. None of the texts holds anything that HCL reads."""
    width = max(map(len, values))
    lines = [f'  {key:<{width}} = "{value}"' for key, value in values.items()]
    return "\n".join([f"{name} = {{", *lines, "}"]) + "\n"


def append_outputs(path: Path, values: Mapping[str, str]) -> None:
    """Add `name=value` lines to a step's output file. A line break in a value would make another output of it."""
    lines = [f"{name}={' '.join(value.split())}\n" for name, value in values.items()]
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.", "Name a file that can be written.") from None


def list_outputs(renewal: Renewal, now: datetime, margin: timedelta) -> dict[str, str]:
    """What a workflow acts on. `serving`: `up` where what serves may go on doing so, `down` where it cannot."""
    lease = renewal.lease
    ending = renewal.outcome == "ending" and lease.end - now <= margin
    up = lease.status == ACTIVE and renewal.outcome != "created" and not ending
    return {
        "outcome": renewal.outcome,
        "serving": "up" if up else "down",
        "serving-until": render_time(lease.end - NOTICE),
        "lease-end": render_time(lease.end),
        "end-seconds": str(int(lease.end.timestamp())),
        "state": "active" if lease.status == ACTIVE else "pending",
        "why": renewal.why,
    }


def list_outputs_of_failure(error: CloudError) -> dict[str, str]:
    """The same when there is no lease, or nobody knows: then what is set stays, for it names its own end."""
    lost = isinstance(error, NoCapacity | TermRefused | NoSuchLease)
    serving, state, end = ("down", "ended", "0") if lost else ("keep", "", "")
    return {"outcome": "failed", "serving": serving, "state": state, "end-seconds": end, "why": error.what}
