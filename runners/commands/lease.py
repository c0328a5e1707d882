"""`glossator-ops lease`: reserve machines on Chameleon, keep them, give them back.

The name and the machines may come from GLOSSATOR_LEASE_NAME and GLOSSATOR_LEASE_MACHINES. The workflow lease.yml sets
them, a second time from GLOSSATOR_SERVICES_LEASE_NAME and GLOSSATOR_SERVICES_LEASE_MACHINES for the lease of months.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from reviewer.console import check_output, write
from reviewer.errors import UsageError
from runners.errors import CloudError
from runners.lease import check_same, create, end_line, extend, wait_active
from runners.lease_cloud import Cloud
from runners.lease_credential import read_credential
from runners.lease_machines import parse_machines
from runners.lease_records import Lease, Wanted, Watch, check_name, find_lease, list_leases, list_line
from runners.lease_renewal import ensure, tell
from runners.lease_report import (
    append_outputs,
    describe_lease,
    list_outputs,
    list_outputs_of_failure,
    render_lease,
    save_variables,
)
from runners.lease_times import floor, parse_duration, parse_time

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_WAIT = "15m"
WITH_NAME = click.argument("name", envvar="GLOSSATOR_LEASE_NAME")


def machine_options(command: Command) -> Command:
    """What all commands on a lease's machines take."""
    for option in (
        click.option("--tfvars", type=click.Path(path_type=Path), help="Write the ids for Terraform here."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--machine",
            "machines",
            multiple=True,
            envvar="GLOSSATOR_LEASE_MACHINES",
            metavar="ROLE=flavor:NAME|ROLE=node:TYPE",
            help="What to reserve, *2 behind it for two; again for another role.",
        ),
    ):
        command = option(command)
    return command


def wait_options(command: Command) -> Command:
    """How to wait for a lease to start."""
    command = click.option(
        "--poll", type=click.FloatRange(0.01), default=10.0, show_default=True, help="Seconds between two looks."
    )(command)
    return click.option("--wait", default=DEFAULT_WAIT, show_default=True, help="Longest wait for ACTIVE.")(command)


@click.group(no_args_is_help=False)
def command() -> None:
    """Reserve machines on Chameleon, keep them, give them back.

    Logs in by the application credential of OS_AUTH_URL, OS_APPLICATION_CREDENTIAL_ID and
    OS_APPLICATION_CREDENTIAL_SECRET. All times are UTC.
    """


def open_cloud() -> Cloud:
    """The site of the environment."""
    return Cloud(read_credential(os.environ))


def read_wanted(name: str, machines: tuple[str, ...], addresses: int = 0) -> Wanted:
    """What a lease is to hold."""
    parsed = parse_machines(machines)
    if not parsed:
        raise UsageError("Nothing to reserve.", "Name machines, as --machine gpu=node:gpu_p100.")
    return Wanted(check_name(name), parsed, addresses)


def read_end(until: str, length: str, start: datetime, term: timedelta | None) -> datetime:
    """The end that is asked for: a time, a length, or else as long as may be."""
    if until and length:
        raise UsageError("--until and --for say two things.", "Give one of them.")
    if until:
        return parse_time(until, "--until")
    if length:
        return floor(start) + parse_duration(length, "--for")
    if term is None:
        raise UsageError("How long?", "Say it with --for 7d or --until 2026-12-01T18:00Z.")
    return floor(start) + term


def show_lease(lease: Lease, ids: dict[str, str], *, as_json: bool, **more: Any) -> None:
    """Write what a command found or made."""
    if as_json:
        write(json.dumps(describe_lease(lease, ids) | more, indent=2))
    else:
        write(render_lease(lease, Watch().now(), ids))


@command.command("create")
@WITH_NAME
@click.option("--start", default="", help="When it starts; without it at once.")
@click.option("--until", default="", help="When it ends.")
@click.option("--for", "length", default="", help="How long it lasts, as 12h or 7d; without it as long as may be.")
@click.option("--floating-ips", "addresses", type=click.IntRange(0, 20), default=0, help="Floating addresses in it.")
@wait_options
@machine_options
def create_lease(
    name: str,
    start: str,
    until: str,
    length: str,
    addresses: int,
    wait: str,
    poll: float,
    machines: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 - click gives all by name
    tfvars: Path | None,
) -> None:
    """Make the lease NAME and wait until it is ACTIVE. One that is there already is shown instead."""
    check_output(tfvars)
    wanted, watch = read_wanted(name, machines, addresses), Watch(poll=poll)
    begin = parse_time(start, "--start") if start else None
    end = read_end(until, length, begin or watch.now(), wanted.term)
    bound = parse_duration(wait, "--wait")
    with open_cloud() as cloud:
        lease, made = create(cloud, wanted, begin, end, watch)
        lease = wait_active(cloud, lease, bound, watch)
        ids = check_same(cloud, lease, wanted)
    if tfvars is not None:
        save_variables(tfvars, ids, wanted.machines)
    show_lease(lease, ids, as_json=as_json, made=made)


@command.command("show")
@click.argument("name", default="", envvar="GLOSSATOR_LEASE_NAME")
@machine_options
def show(name: str, machines: tuple[str, ...], as_json: bool, tfvars: Path | None) -> None:  # noqa: FBT001 - as above
    """Show the lease NAME, or all leases of the project."""
    check_output(tfvars)
    with open_cloud() as cloud:
        if not name:
            leases = sorted(list_leases(cloud), key=lambda one: (one.end, one.name))
            found: list[Any] = [describe_lease(one) for one in leases]
            lines = [f"{one.name:<32} {one.status:<12} {item['end']}" for one, item in zip(leases, found, strict=True)]
            write(json.dumps(found, indent=2) if as_json else "\n".join(lines) or "No leases in this project.")
            return
        lease = find_lease(cloud, check_name(name), Watch().now())
        ids = check_same(cloud, lease, read_wanted(name, machines)) if machines else {}
    if tfvars is not None:
        save_variables(tfvars, ids, parse_machines(machines))
    show_lease(lease, ids, as_json=as_json)


@command.command("extend")
@WITH_NAME
@click.option("--until", default="", help="When it is to end.")
@click.option("--for", "length", default="", help="How long from now it is to last, as 7d.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def extend_lease(name: str, until: str, length: str, as_json: bool) -> None:  # noqa: FBT001 - as above
    """Let the lease NAME end later. Chameleon allows it in the last 48 hours, to 7 days from now."""
    now = Watch().now()
    end = read_end(until, length, now, None)
    with open_cloud() as cloud:
        lease = extend(cloud, find_lease(cloud, check_name(name), now), end)
    show_lease(lease, {}, as_json=as_json)


@command.command("end")
@WITH_NAME
def end_lease(name: str) -> None:
    """Give the lease NAME and its successor back. The site deletes what runs in them."""
    with open_cloud() as cloud:
        leases = list_line(cloud, check_name(name), Watch().now())
        end_line(cloud, leases)
    names = ", ".join(lease.name for lease in leases)
    write(f"Ended {names}." if leases else f"There is no lease {name} any more.")


@command.command("ensure")
@WITH_NAME
@click.option("--for", "length", default="", help="How long a new one lasts; without it as long as may be.")
@click.option("--margin", default="2h", show_default=True, help="Serving is down when so little is left for good.")
@click.option("--create", "first", is_flag=True, help="Make it where there is none.")
@click.option("--outputs", type=click.Path(path_type=Path), help="Add name=value lines to this file, for a workflow.")
@click.option("--floating-ips", "addresses", type=click.IntRange(0, 20), default=0, help="Floating addresses in it.")
@wait_options
@machine_options
def ensure_lease(
    name: str,
    length: str,
    margin: str,
    first: bool,  # noqa: FBT001 - click gives all by name
    outputs: Path | None,
    addresses: int,
    wait: str,
    poll: float,
    machines: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 - click gives all by name
    tfvars: Path | None,
) -> None:
    """Keep the lease NAME: extend it in its last 48 hours, or follow it by another one.

    Exit code 8 when there is none and none is to be made or can be had, or when it ends within the margin and cannot
    be renewed.
    """
    check_output(tfvars)
    wanted, watch = read_wanted(name, machines, addresses), Watch(poll=poll)
    longest = parse_duration(length, "--for") if length else None
    last, bound = parse_duration(margin, "--margin"), parse_duration(wait, "--wait")
    try:
        with open_cloud() as cloud:
            renewal = ensure(cloud, wanted, longest, bound, watch, first=first)
    except CloudError as error:
        if outputs is not None:
            append_outputs(outputs, list_outputs_of_failure(error))
        raise
    found = list_outputs(renewal, watch.now(), last)
    if outputs is not None:
        append_outputs(outputs, found)
    if as_json:
        more = describe_lease(renewal.lease, renewal.ids, renewal.successor) | {"outcome": renewal.outcome}
        write(json.dumps(more | {"why": renewal.why}, indent=2))
    else:
        write(tell(renewal))
    if tfvars is not None:
        save_variables(tfvars, renewal.ids, wanted.machines)
    if renewal.outcome == "ending" and found["serving"] == "down":
        raise CloudError(tell(renewal), "docs/leases.md says what to do when a lease ends.")
