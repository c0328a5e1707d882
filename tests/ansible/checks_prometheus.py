"""What the role `prometheus` leaves, asked of Prometheus itself."""

from __future__ import annotations

import json
from typing import Any

ASK = "curl -sS --max-time 20 http://127.0.0.1:9090/api/v1/"


def ask(host: Any, path: str) -> Any:
    answer = json.loads(host.check_output(ASK + path))
    assert answer["status"] == "success"
    return answer["data"]


def test_it_is_on_loopback_alone(host: Any) -> None:
    assert host.socket("tcp://127.0.0.1:9090").is_listening
    assert not host.socket("tcp://0.0.0.0:9090").is_listening
    assert not host.socket("tcp://:::9090").is_listening


def test_its_configuration_is_sound(host: Any) -> None:
    host.check_output("promtool check config /etc/prometheus/prometheus.yml")


def test_it_has_the_rules(host: Any) -> None:
    groups = ask(host, "rules")["groups"]
    kinds = {rule["type"] for group in groups for rule in group["rules"]}
    assert kinds == {"recording", "alerting"}
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}


def test_it_knows_this_machine_and_is_let_in(host: Any) -> None:
    """The node exporter, through the door: certificate and token hold."""
    targets = ask(host, "targets?state=active")["activeTargets"]
    found = {target["labels"]["job"]: target for target in targets}
    assert {"prometheus", "node", "gateway"} <= set(found)
    node = found["node"]
    assert node["scrapeUrl"].startswith("https://")
    assert node["scrapeUrl"].endswith(":8443/metrics/node")
    assert node["health"] in {"up", "unknown"}, node["lastError"]


def test_alertmanager_is_told(host: Any) -> None:
    urls = [one["url"] for one in ask(host, "alertmanagers")["activeAlertmanagers"]]
    assert urls == ["http://127.0.0.1:9093/api/v2/alerts"]


def test_the_measurements_are_on_the_volume(host: Any) -> None:
    flags = ask(host, "status/flags")
    assert flags["storage.tsdb.path"] == "/mnt/glossator/prometheus"
    assert flags["storage.tsdb.retention.size"] == "20GB"
    assert host.file("/mnt/glossator/prometheus/wal").is_directory


def test_who_may_read_the_token(host: Any, settings: dict[str, Any]) -> None:
    file = host.file("/etc/prometheus/metrics-token")
    assert (file.user, file.group, file.mode) == ("root", "prometheus", 0o640)
    assert file.content_string == settings["vault_metrics_token"]
