"""What the role `alertmanager` leaves."""

from __future__ import annotations

import json
import re
from typing import Any


def test_it_is_on_loopback_alone_and_without_a_cluster(host: Any) -> None:
    listening = host.check_output("ss -Hltun")
    assert "127.0.0.1:9093 " in listening
    assert not re.search(r"(\*|0\.0\.0\.0|\[::\]):9093 ", listening)
    assert ":9094" not in listening


def test_its_configuration_is_sound(host: Any) -> None:
    host.check_output("amtool check-config /etc/prometheus/alertmanager.yml")
    file = host.file("/etc/prometheus/alertmanager.yml")
    assert (file.group, file.mode) == ("prometheus", 0o640)


def test_it_takes_an_alert(host: Any) -> None:
    address = "--alertmanager.url=http://127.0.0.1:9093"
    host.check_output(f"amtool alert add {address} alertname=OfTheTest machine=none --end=2099-01-01T00:00:00Z")
    found = json.loads(host.check_output(f"amtool alert query {address} -o json alertname=OfTheTest"))
    assert [alert["labels"]["machine"] for alert in found] == ["none"]
    assert [receiver["name"] for receiver in found[0]["receivers"]] == ["maintainer"]


def test_what_it_remembers_is_on_the_volume(host: Any) -> None:
    assert "--storage.path=/mnt/glossator/alertmanager" in host.check_output("cat /etc/default/prometheus-alertmanager")
    assert host.file("/mnt/glossator/alertmanager").user == "prometheus"
