"""What is reserved: machines by role, KVM flavors or bare-metal node types, and floating addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from reviewer.errors import UsageError
from runners.errors import CloudError
from runners.lease_cloud import COMPUTE, Cloud
from runners.lease_times import LONG_TERM, SHORT_TERM

FLAVOR: Final = "flavor:instance"
HOST: Final = "physical:host"
FLOATING_IP: Final = "virtual:floatingip"
ROLES: Final = ("services", "runner", "gpu")
PUBLIC_NETWORK: Final = "public"
_SPEC: Final = re.compile(r"([a-z][a-z0-9_-]*)=(flavor|node):([A-Za-z0-9_.-]+)(?:\*([1-9]\d?))?")


@dataclass(frozen=True, slots=True)
class Machine:
    """Machines of one role: `kind` is `flavor` (KVM) or `node` (bare metal), `name` the flavor or the node type."""

    role: str
    kind: str
    name: str
    amount: int = 1

    def __str__(self) -> str:
        return f"{self.role}={self.kind}:{self.name}" + (f"*{self.amount}" if self.amount > 1 else "")

    @property
    def term(self) -> timedelta | None:
        """The longest lease for it; None for a flavor of another family, where only the cloud knows."""
        if self.kind == "node" or self.name.startswith("g1."):
            return SHORT_TERM
        return LONG_TERM if self.name.startswith("m1.") else None


def parse_machine(text: str) -> Machine:
    """`gpu=node:gpu_p100`, `runner=flavor:m1.large`, `runner=flavor:m1.large*2`.

    Raises:
        UsageError: It is none of these, or its role is none of the inventory's.
    """
    found = _SPEC.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{text[:60]!r} names no machine.",
            "Write ROLE=flavor:NAME or ROLE=node:TYPE, as gpu=flavor:g1.h100.pci.1 or gpu=node:gpu_p100, "
            "with *2 behind it for two.",
        )
    if found[1] not in ROLES:
        raise UsageError(f"{found[1]!r} is no role of a machine.", f"Roles are: {', '.join(ROLES)}.")
    return Machine(found[1], found[2], found[3], int(found[4] or 1))


def parse_machines(texts: Iterable[str]) -> tuple[Machine, ...]:
    """All of them, each role once. A text may hold several with blanks between, as a variable does."""
    machines = tuple(parse_machine(word) for text in texts for word in text.split())
    roles = [machine.role for machine in machines]
    twice = sorted({role for role in roles if roles.count(role) > 1})
    if twice:
        raise UsageError(f"The role {twice[0]} is named twice.", "Write *2 behind a machine for two of it.")
    return machines


def find_term(machines: Sequence[Machine]) -> timedelta | None:
    """The longest lease for all of them together."""
    terms = [machine.term for machine in machines if machine.term is not None]
    return min(terms, default=None)


def find_flavors(cloud: Cloud, machines: Sequence[Machine]) -> dict[str, str]:
    """The ids of the flavors that are named, by name. An id may be given in place of a name.

    Raises:
        CloudError: The site has no such flavor; those that it has are named.
    """
    wanted = {machine.name for machine in machines if machine.kind == "flavor"}
    if not wanted:
        return {}
    answer = cloud.ask("GET", "/flavors", "list the flavors", service=COMPUTE)
    listed = answer.get("flavors") if isinstance(answer, dict) else None
    ids = {
        str(one["name"]): str(one["id"]) for one in listed or () if isinstance(one, dict) and {"id", "name"} <= set(one)
    }
    unknown = sorted(wanted - ids.keys() - set(ids.values()))
    if unknown:
        known = ", ".join(sorted(name for name in ids if not name.startswith("reservation:"))) or "none"
        raise CloudError(
            f"This site has no flavor {unknown[0]!r}. It has: {known}.",
            "Check the name, and that OS_AUTH_URL is of KVM@TACC: bare metal is reserved with node:TYPE.",
        )
    return {name: ids.get(name, name) for name in wanted}


def build_reservation(machine: Machine, flavors: Mapping[str, str]) -> dict[str, Any]:
    """A machine's reservation as `openstack reservation lease create` (chameleon-blazarclient 3.6.5) sends it."""
    if machine.kind == "flavor":
        identity = flavors[machine.name]
        return {
            "resource_type": FLAVOR,
            "flavor_id": int(identity) if identity.isdecimal() else identity,
            "amount": machine.amount,
            "affinity": "None",
        }
    return {
        "resource_type": HOST,
        "min": machine.amount,
        "max": machine.amount,
        "hypervisor_properties": "",
        "resource_properties": json.dumps(["=", "$node_type", machine.name]),
    }


def find_network(cloud: Cloud) -> str:
    """The id of the network that floating addresses come from."""
    answer = cloud.ask("GET", f"/v2.0/networks?name={PUBLIC_NETWORK}", "find the public network", service="network")
    networks = answer.get("networks") if isinstance(answer, dict) else None
    if not networks or not isinstance(networks[0], dict) or "id" not in networks[0]:
        raise CloudError(f"This site has no network {PUBLIC_NETWORK!r}.", "Leave the floating addresses out.")
    return str(networks[0]["id"])


def build_addresses(network: str, amount: int) -> dict[str, Any]:
    """The reservation of floating addresses."""
    return {"resource_type": FLOATING_IP, "network_id": network, "amount": amount, "required_floatingips": []}


def is_for(reservation: Mapping[str, Any], machine: Machine, flavors: Mapping[str, str]) -> bool:
    """Whether a reservation of the cloud is a machine's."""
    kind = reservation.get("resource_type")
    if machine.kind == "flavor":
        same = str(reservation.get("flavor_id")) == flavors[machine.name]
        return kind == FLAVOR and same and str(reservation.get("amount")) == str(machine.amount)
    properties = str(reservation.get("resource_properties") or "")
    try:
        same = json.loads(properties) == ["=", "$node_type", machine.name]
    except ValueError:
        same = False
    return kind == HOST and same and str(reservation.get("max")) == str(machine.amount)


def match_reservations(
    reservations: Sequence[Mapping[str, Any]], machines: Sequence[Machine], flavors: Mapping[str, str]
) -> dict[str, str] | None:
    """Reservation ids by role; None when the lease does not hold these machines.

    The cloud keeps no name for a reservation. Two roles on the same flavor are told apart by the order of the ids, so
    that the same role gets the same one each time.
    """
    left = sorted(reservations, key=lambda one: str(one.get("id")))
    found: dict[str, str] = {}
    for machine in machines:
        mine = next((one for one in left if is_for(one, machine, flavors)), None)
        if mine is None:
            return None
        left.remove(mine)
        found[machine.role] = str(mine["id"])
    return None if any(one.get("resource_type") != FLOATING_IP for one in left) else found
