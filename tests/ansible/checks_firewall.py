"""What the role `firewall` leaves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PORTS = Path(__file__).parents[2] / "terraform/ports.json"


def test_it_runs_and_comes_back_after_a_restart(host: Any) -> None:
    service = host.service("firewalld")
    assert service.is_running
    assert service.is_enabled


def test_its_ports_are_those_of_the_list(host: Any, settings: dict[str, Any]) -> None:
    rules = host.check_output("firewall-cmd --zone=public --list-rich-rules")
    opened = {int(port) for port in re.findall(r'port="(\d+)"', rules)}
    public = bool(settings["public_name"])
    assert opened == {each["port"] for each in json.loads(PORTS.read_text()) if each["from"] != "acme" or public}


def test_each_is_for_a_network(host: Any, settings: dict[str, Any]) -> None:
    rules = host.check_output("firewall-cmd --zone=public --list-rich-rules").splitlines()
    assert rules
    assert all(f'source address="{settings["here"]}/32"' in rule for rule in rules)


def test_the_images_own_open_ssh_is_gone(host: Any) -> None:
    assert host.check_output("firewall-cmd --zone=public --list-services") == "dhcpv6-client"
    assert host.check_output("firewall-cmd --zone=public --list-ports") == ""


def test_what_is_permanent_is_what_is_in_force(host: Any) -> None:
    now, later = (host.check_output(f"firewall-cmd {word} --zone=public --list-all") for word in ("", "--permanent"))
    assert set(re.findall("rule .*", now)) == set(re.findall("rule .*", later))


def test_nothing_is_passed_on_between_network_cards(host: Any) -> None:
    assert host.run("firewall-cmd --zone=public --query-forward").stdout.strip() == "no"
