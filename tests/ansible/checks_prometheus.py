"""What the role `prometheus` leaves, asked of Prometheus itself."""

from __future__ import annotations

import json
import time
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


def test_it_knows_the_machines_and_is_let_in(host: Any) -> None:
    """The gateway's counts, through the door: address, certificate and token hold."""
    for _ in range(60):  # it asks each target every 15 seconds
        targets = ask(host, "targets?state=active")["activeTargets"]
        found = {target["labels"]["job"]: target for target in targets}
        if found["gateway"]["health"] != "unknown":
            break
        time.sleep(1)
    assert {"prometheus", "node", "gateway"} <= set(found)
    assert found["gateway"]["scrapeUrl"] == "https://127.0.0.1:8443/metrics/gateway"
    assert found["gateway"]["health"] == "up", found["gateway"]["lastError"]
    assert found["gateway"]["labels"]["role"] == "services"


def test_alertmanager_is_told(host: Any) -> None:
    urls = [one["url"] for one in ask(host, "alertmanagers")["activeAlertmanagers"]]
    assert urls == ["http://127.0.0.1:9093/api/v2/alerts"]


def test_the_measurements_are_on_the_volume(host: Any) -> None:
    flags = ask(host, "status/flags")
    assert flags["storage.tsdb.path"] == "/mnt/glossator/prometheus"
    assert flags["storage.tsdb.retention.size"] == "20GiB"
    assert host.file("/mnt/glossator/prometheus/wal").is_directory


def test_who_may_read_the_token(host: Any, settings: dict[str, Any]) -> None:
    file = host.file("/etc/prometheus/metrics-token")
    assert (file.user, file.group, file.mode) == ("root", "prometheus", 0o640)
    assert file.content_string == settings["vault_metrics_token"]
