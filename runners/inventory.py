"""The inventory for Ansible, made from what Terraform says of the machines that it made.

No address is typed twice, and nothing that Terraform does not know stands in the inventory. The keys of the object
store (`object_store_keys`) are left where they are: an inventory holds no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml

from reviewer.errors import UsageError

HEAD: Final = "# Made by `glossator-ops inventory` from Terraform's output. Change Terraform, and make it anew.\n"
HINT: Final = "Make it with: terraform -chdir=terraform/environments/kvm output -json > kvm.json"
GROUPS: Final = ("services", "runner", "gpu")
RESERVED: Final = frozenset({*GROUPS, "all", "ungrouped", "glossator", "localhost"})
"""Names that mean something else to Ansible here."""

# What follows ends up in files and on command lines, so each is held to what such a thing may be.
Address = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9.:-]*)?\Z", max_length=253)]
User = Annotated[str, msgspec.Meta(pattern=r"^[a-z_][a-z0-9_-]*\Z", max_length=32)]
Device = Annotated[str, msgspec.Meta(pattern=r"^(/dev/[A-Za-z0-9/_.:-]+)?\Z")]
Url = Annotated[str, msgspec.Meta(pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._/-]*)?)?\Z")]
Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]*\Z")]


class Machine(msgspec.Struct):
    """One machine, as the module `node` describes it."""

    role: Literal["services", "runner", "gpu"]
    site: Literal["kvm", "chi"]
    address: Address
    """By which it is reached; empty where it has only a private one."""
    private_address: Address
    user: User
    volume_device: Device
    gpu: bool
    bare_metal: bool
    public_name: Address


class Buckets(msgspec.Struct):
    """Names of the buckets."""

    data: Word
    artifacts: Word
    backups: Word


class ObjectStore(msgspec.Struct):
    """Where the buckets are. All texts are empty in an environment that has none."""

    endpoint: Url
    region: Word
    buckets: Buckets


class Machines(msgspec.Struct):
    """The output `machines`."""

    value: dict[str, Machine]


class Store(msgspec.Struct):
    """The output `object_store`."""

    value: ObjectStore


class Networks(msgspec.Struct):
    """The outputs `admin_cidrs` and `inside_cidrs`."""

    value: list[str]


class Output(msgspec.Struct):
    """What `terraform output -json` writes for an environment, as far as it is of use here."""

    machines: Machines
    object_store: Store
    admin_cidrs: Networks
    inside_cidrs: Networks


def read_output(path: Path) -> Output:
    """Terraform's output.

    Raises:
        UsageError: It cannot be read, is not Terraform's output, or says something that cannot be.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", HINT) from None
    if not data.strip() or data.strip() == b"{}":
        raise UsageError(f"{path} is empty: Terraform has no output yet.", "Run `terraform apply` there first.")
    try:
        output = msgspec.json.decode(data, type=Output)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not the output of one of our environments: {error}.", HINT) from None
    for network in (*output.admin_cidrs.value, *output.inside_cidrs.value):
        check_network(network, path)
    return output


def check_network(network: str, path: Path) -> None:
    """Refuse what is no network, before a firewall is told of it.

    Raises:
        UsageError: It is none.
    """
    try:
        ip_network(network)
    except ValueError as error:
        raise UsageError(f"{path}: {error}.", "Networks are written as in 192.0.2.0/24.") from None


def build_inventory(outputs: Iterable[tuple[Path, Output]]) -> dict[str, Any]:
    """The inventory of all environments together.

    Raises:
        UsageError: Two environments contradict each other, there is no machine, or one cannot be reached.
    """
    machines: dict[str, Machine] = {}
    stores: list[ObjectStore] = []
    admins: list[str] = []
    insides: list[str] = []
    for path, output in outputs:
        add_machines(machines, output, path)
        store = output.object_store.value
        if store.endpoint and store not in stores:
            stores.append(store)
        admins += output.admin_cidrs.value
        insides += output.inside_cidrs.value
    if not machines:
        raise UsageError("There is no machine in Terraform's output.", "Say which to make in terraform.tfvars.")
    if len(stores) > 1:
        places = ", ".join(store.endpoint for store in stores)
        raise UsageError(f"There is more than one object store: {places}.", "Let one environment make the buckets.")
    shared = describe_store(stores[0] if stores else None)
    networks = {"admin_cidrs": list(dict.fromkeys(admins)), "inside_cidrs": list(dict.fromkeys(insides))}
    return {"all": {"vars": networks | shared, "children": {"glossator": {"children": group(machines)}}}}


def add_machines(machines: dict[str, Machine], output: Output, path: Path) -> None:
    """Take in the machines of one environment.

    Raises:
        UsageError: A name is taken, or cannot be a machine's.
    """
    for name, machine in output.machines.value.items():
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", name) or name in RESERVED:
            hint = "Names have letters, digits and hyphens, and are not those of a group."
            raise UsageError(f"{path}: {name!r} cannot be a machine's name.", hint)
        if name in machines:
            raise UsageError(f"{path}: there is a machine {name} already.", "Set another `name` in one environment.")
        if not machine.address and not machine.private_address:
            raise UsageError(f"{path}: {name} has no address.", "Wait until it is up, then `terraform apply` again.")
        machines[name] = machine


def describe_store(store: ObjectStore | None) -> dict[str, str]:
    """The variables of the object store: empty texts where there is none."""
    return {
        "s3_endpoint": store.endpoint if store else "",
        "s3_region": store.region if store else "",
        "s3_bucket_data": store.buckets.data if store else "",
        "s3_bucket_artifacts": store.buckets.artifacts if store else "",
        "s3_bucket_backups": store.buckets.backups if store else "",
    }


def group(machines: dict[str, Machine]) -> dict[str, Any]:
    """The groups with their machines, each group there even if it is empty."""
    groups: dict[str, Any] = {}
    for role in GROUPS:
        names = [name for name in sorted(machines) if machines[name].role == role]
        groups[role] = {"hosts": {name: describe(name, machines) for name in names}} if names else {}
    return groups


def describe(name: str, machines: dict[str, Machine]) -> dict[str, Any]:
    """A machine's variables.

    Raises:
        UsageError: It has no address of its own, and no machine beside it has one.
    """
    machine = machines[name]
    fields: dict[str, Any] = msgspec.to_builtins(machine)
    reached = {"ansible_host": machine.address or machine.private_address, "ansible_user": fields.pop("user")}
    if not machine.address:
        gate = find_gate(machine.site, machines)
        if gate is None:
            hint = "Give the services a floating address, so that the others are reached through them."
            raise UsageError(f"{name} has only a private address, and no machine beside it has a public one.", hint)
        reached["ansible_ssh_common_args"] = f"-o ProxyJump={gate.user}@{gate.address}"
    return reached | fields


def find_gate(site: str, machines: dict[str, Machine]) -> Machine | None:
    """The machine through which those without an address are reached: the services if they have one."""
    beside = [each for _, each in sorted(machines.items()) if each.site == site and each.address]
    return min(beside, key=lambda each: GROUPS.index(each.role), default=None)


def render_inventory(inventory: dict[str, Any]) -> str:
    """The inventory as YAML."""
    return HEAD + yaml.safe_dump(inventory, sort_keys=False, explicit_start=True, width=1000)
