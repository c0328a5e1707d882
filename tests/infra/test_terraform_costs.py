"""The table of a plan's machines and their service units, from plans as `terraform show -json` gives them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.infra.terraform_provider import SOURCES

RATES = json.loads((SOURCES / "charge_rates.json").read_text(encoding="utf-8"))


def resource(module: str, kind: str, **values: Any) -> dict[str, Any]:
    return {"address": f"{module}.{kind}.this", "mode": "managed", "type": kind, "values": values}


def machine(name: str, hardware: str, *more: str, boot: int = 0) -> dict[str, Any]:
    """The module of one machine, with what it has beside the machine itself."""
    module = f'module.node["{name}"]'
    devices = [{"volume_size": boot}] if boot else []
    values = {"name": name, "metadata": {"glossator_hardware": hardware}, "block_device": devices}
    made = [resource(module, "openstack_compute_instance_v2", **values), *(resource(module, kind) for kind in more)]
    return {"address": module, "resources": made}


def show(plan: object) -> subprocess.CompletedProcess[str]:
    text = plan if isinstance(plan, str) else json.dumps(plan)
    return subprocess.run(
        [sys.executable, SOURCES / "plan_table.py"], input=text, capture_output=True, text=True, check=False
    )


def render(*modules: dict[str, Any]) -> list[str]:
    done = show({"planned_values": {"root_module": {"child_modules": list(modules)}}})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


ASSOCIATED = "openstack_networking_floatingip_associate_v2"
ASKED_FOR = "openstack_networking_floatingip_v2"


def test_rates_are_added_up() -> None:
    lines = render(machine("a", "m1.xlarge", ASSOCIATED, ASKED_FOR), machine("b", "g1.h100.pci.1", boot=200))
    assert lines[2:5] == [
        "| a | `m1.xlarge` | its own disk | yes | 0.15 | 25.2 |",
        "| b | `g1.h100.pci.1` | volume of 200 GB | no | 4 | 672 |",
        "| together |  |  |  | 4.15 | 697.2 |",
    ]
    assert lines[6] == "Beside the machines: 1 floating IP."


def test_a_reserved_address_costs_as_much_as_a_server() -> None:
    assert (
        render(machine("a", "gpu_rtx_6000", ASSOCIATED))[2]
        == "| a | `gpu_rtx_6000` | its own disk | reserved | 3 | 504 |"
    )


def test_hardware_without_a_rate_is_not_taken_for_free() -> None:
    lines = render(machine("a", "m1.large"), machine("b", "gpu_of_tomorrow"))
    assert lines[3:5] == [
        "| b | `gpu_of_tomorrow` | its own disk | no | ? | ? |",
        "| together |  |  |  | at least 0.08 | at least 13.44 |",
    ]


def test_no_machines_cost_nothing() -> None:
    assert render()[2:] == ["| together |  |  |  | 0 | 0 |", "", "Beside the machines: nothing."]


@pytest.mark.parametrize("plan", ["", "null", "[]", "{}", "no plan", {"planned_values": {"root_module": None}}])
def test_what_is_no_plan_is_refused(plan: object) -> None:
    done = show(plan)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "This is no plan of Glossator's. Give it: terraform show -json FILE\n"


def test_what_is_taken_by_default_has_a_rate() -> None:
    assert {"m1.xlarge", "m1.large", "g1.h100.pci.1"} <= set(RATES["flavors"])
    assert all(rate > 0 for rate in [*RATES["flavors"].values(), *RATES["node_types"].values()])
    assert set(RATES["flavors"]).isdisjoint(RATES["node_types"])
