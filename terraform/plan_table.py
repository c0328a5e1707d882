#!/usr/bin/env python3
"""Show a plan's machines as a table with what they cost in Chameleon's service units.

    terraform plan -out=glossator.tfplan && terraform show -json glossator.tfplan | ../../plan_table.py

A service unit is an hour of a plain server. What is charged is the reservation, whether it is used or not: the table
gives rate times hours. The rates stand in charge_rates.json; volumes, buckets and networks are not charged.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RATES = Path(__file__).with_name("charge_rates.json")
WEEK_HOURS = 7 * 24
COLUMNS = ("Machine", "Hardware", "Boots from", "Address outside", "SU an hour", "SU in 7 days")
NAMES = {
    "openstack_blockstorage_volume_v3": "data volume",
    "openstack_networking_network_v2": "network",
    "openstack_networking_router_v2": "router",
    "openstack_networking_secgroup_v2": "security group",
    "openstack_networking_secgroup_rule_v2": "rule",
    "openstack_networking_floatingip_v2": "floating IP",
    "openstack_objectstorage_container_v1": "bucket",
    "openstack_identity_ec2_credential_v3": "S3 key",
}
"""What a reader calls the resources that are counted below the table; those that only join others are left out."""


def list_resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources of a module and of those in it, as `terraform show -json` gives them, without data sources."""
    yield from (each for each in module.get("resources", []) if each.get("mode") == "managed")
    for child in module.get("child_modules", []):
        yield from list_resources(child)


def find_rate(hardware: str, rates: dict[str, Any]) -> float | None:
    """Service units an hour of a flavor or node type; None where the table has none."""
    rate = rates["flavors"].get(hardware, rates["node_types"].get(hardware))
    return None if rate is None else float(rate)


def render_number(value: float | None) -> str:
    """Two digits at most, and a question mark for what is not known."""
    return "?" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def render_boot(values: dict[str, Any]) -> str:
    """Where a machine boots from."""
    volumes = [each["volume_size"] for each in values.get("block_device") or [] if each.get("volume_size")]
    return f"volume of {volumes[0]} GB" if volumes else "its own disk"


def find_addresses(resources: list[dict[str, Any]]) -> dict[str, str]:
    """By a machine's module where its address outside is from: `yes` for one asked for at once, or `reserved`."""
    kinds = {"openstack_networking_floatingip_associate_v2": "reserved", "openstack_networking_floatingip_v2": "yes"}
    found: dict[str, str] = {}
    for kind, word in kinds.items():  # a reserved one is there before, so that nothing but its association is planned
        found |= {find_module(each): word for each in resources if each["type"] == kind}
    return found


def find_module(resource: dict[str, Any]) -> str:
    """The module that a resource stands in: `module.node["glossator-gpu"]`."""
    return str(resource["address"]).rpartition(".openstack_")[0]


def list_rows(resources: list[dict[str, Any]], rates: dict[str, Any]) -> Iterator[tuple[list[str], float | None]]:
    """What each machine is, and its service units an hour together with its reserved address; None if not known."""
    addresses = find_addresses(resources)
    for each in resources:
        if each["type"] == "openstack_compute_instance_v2":
            values = each["values"]
            hardware = values["metadata"]["glossator_hardware"]
            outside = addresses.get(find_module(each), "no")
            rate = find_rate(hardware, rates)
            if rate is not None and outside == "reserved":
                rate += rates["reserved_floating_ip"]
            yield [values["name"], f"`{hardware}`", render_boot(values), outside], rate


def render_plan(plan: dict[str, Any], rates: dict[str, Any]) -> str:
    """The table in Markdown, and below it what else the plan makes.

    Raises:
        KeyError: It is no plan of one of the environments.
    """
    resources = list(list_resources(plan["planned_values"]["root_module"]))
    rows = list(list_rows(resources, rates))
    total = sum(rate or 0 for _, rate in rows)
    at_least = "at least " if any(rate is None for _, rate in rows) else ""
    cells = [[*words, render_number(rate), render_number(rate and rate * WEEK_HOURS)] for words, rate in rows]
    cells.append(["together", "", "", "", *(at_least + render_number(each) for each in (total, total * WEEK_HOURS))])
    found = Counter(NAMES[each["type"]] for each in resources if each["type"] in NAMES)
    beside = ", ".join(f"{found[name]} {name}{'s' * (found[name] > 1)}" for name in NAMES.values() if found[name])
    lines = [COLUMNS, ["---"] * 4 + ["---:"] * 2, *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + f"\nBeside the machines: {beside or 'nothing'}.\n"


def main() -> int:
    """Read a plan from standard input, write the table to standard output."""
    try:
        plan = json.load(sys.stdin)
        table = render_plan(plan, json.loads(RATES.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.stderr.write("This is no plan of Glossator's. Give it: terraform show -json FILE\n")
        return 2
    sys.stdout.write(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
