"""OpenStack's own client and ours against the same stand-in: what they send for the same lease is the same.

The client is `openstack` with chameleon-blazarclient, as in Chameleon's guide. It is installed for the test, in an
environment of its own: it brings 55 packages (docs/adr/0014-lease-client.md).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runners.lease import create, extend, wait_active
from runners.lease_cloud import Cloud
from runners.lease_credential import read_credential
from runners.lease_machines import parse_machines
from runners.lease_records import Wanted, Watch, find_lease
from simulation.chameleon import Asked, ChameleonServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CLIENT = ("chameleon-blazarclient==3.6.5", "python-openstackclient==10.5.0", "setuptools<81")
OpenStack = Callable[..., Any]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if given := os.environ.get("OPENSTACK_CLIENT"):
        return Path(given)
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        pytest.skip("uv is not installed: pip install '.[acceptance]'")
    folder = tmp_path_factory.mktemp("openstack") / "venv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True, timeout=120)
    command = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *CLIENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    if done.returncode:
        pytest.skip(f"chameleon-blazarclient cannot be installed: {done.stderr.strip()[-200:]}")
    return folder / "bin" / "openstack"


@pytest.fixture
def site() -> Iterator[ChameleonServer]:
    with ChameleonServer() as server:
        server.blazar.looks_to_start = 0
        yield server


@pytest.fixture
def openstack(program: Path, site: ChameleonServer, tmp_path: Path) -> OpenStack:
    """Their client; it gives the JSON that it prints."""

    def run(*arguments: str, code: int = 0, **variables: str) -> Any:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | site.environment() | variables
        command = [str(program), "reservation", "lease", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, done.stderr
        if "json" not in arguments:
            return done
        return json.loads(done.stdout[done.stdout.index("{" if "create" in arguments else "[") :])

    return run


@pytest.fixture
def cloud(site: ChameleonServer) -> Iterator[Cloud]:
    with Cloud(read_credential(site.environment())) as opened:
        yield opened


def find_writes(site: ChameleonServer) -> list[Asked]:
    return [one for one in site.requests if one.method in {"POST", "PUT"} and "leases" in one.path]


END = (datetime.now(UTC) + timedelta(days=1)).replace(second=0, microsecond=0)
BY_THEM = f"{END:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("machine", "reservation"),
    [
        (
            "gpu=node:gpu_p100",
            'min=1,max=1,resource_type=physical:host,resource_properties=["=", "$node_type", "gpu_p100"]',
        ),
        ("runner=flavor:m1.large*2", "resource_type=flavor:instance,flavor_id=4,amount=2"),
        ("gpu=flavor:g1.h100.pci.1", "resource_type=flavor:instance,flavor_id=a1f7,amount=1"),
    ],
)
def test_both_send_the_same(
    openstack: OpenStack, cloud: Cloud, site: ChameleonServer, machine: str, reservation: str
) -> None:
    made = openstack("create", "--reservation", reservation, "--end-date", BY_THEM, "reviews", "-f", "json")
    site.blazar.leases.clear()
    ours, _ = create(cloud, Wanted("reviews", parse_machines([machine])), None, END, Watch())

    theirs, own = find_writes(site)
    assert own.body == theirs.body
    assert own.path == theirs.path
    assert made["end_date"] == f"{END:%Y-%m-%dT%H:%M}:00.000000"
    assert ours.end == END


def test_addresses_are_asked_for_alike(openstack: OpenStack, cloud: Cloud, site: ChameleonServer) -> None:
    flavor = "resource_type=flavor:instance,flavor_id=4,amount=1"
    addresses = "resource_type=virtual:floatingip,network_id=net-public,amount=2"
    openstack("create", "--reservation", flavor, "--reservation", addresses, "--end-date", BY_THEM, "reviews")
    site.blazar.leases.clear()
    create(cloud, Wanted("reviews", parse_machines(["runner=flavor:m1.large"]), 2), None, END, Watch())

    theirs, own = find_writes(site)
    assert own.body == theirs.body


def test_a_lease_of_theirs_is_ours(openstack: OpenStack, cloud: Cloud, site: ChameleonServer) -> None:
    """Made there, found and extended here, and seen there again; the extension is asked for alike too."""
    host = 'min=1,max=1,resource_type=physical:host,resource_properties=["=", "$node_type", "gpu_p100"]'
    openstack("create", "--reservation", host, "--end-date", BY_THEM, "reviews")
    wanted = Wanted("reviews", parse_machines(["gpu=node:gpu_p100"]))

    lease, made = create(cloud, wanted, None, END, Watch())
    lease = wait_active(cloud, lease, timedelta(minutes=1), Watch(poll=0.1))
    later = extend(cloud, lease, END + timedelta(hours=3))
    listed = openstack("list", "-f", "json")
    openstack("set", "--end-date", f"{END + timedelta(hours=4):%Y-%m-%d %H:%M}", "reviews")

    assert not made
    assert [(one["name"], one["end_date"]) for one in listed] == [("reviews", f"{later.end:%Y-%m-%dT%H:%M}:00.000000")]
    own, theirs = [one.body for one in find_writes(site) if one.method == "PUT"]
    assert own.keys() == theirs.keys() == {"end_date"}
    assert find_lease(cloud, "reviews", datetime.now(UTC)).end == END + timedelta(hours=4)
    openstack("delete", "reviews")
    assert site.blazar.leases == {}


def test_both_are_refused(openstack: OpenStack, site: ChameleonServer) -> None:
    done = openstack("list", code=1, OS_APPLICATION_CREDENTIAL_SECRET="another-1")

    assert "(HTTP 401)" in done.stderr
