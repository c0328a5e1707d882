"""What the role `grafana` leaves. No test machine can reach Grafana's packages: there it is switched off."""

from __future__ import annotations

from typing import Any


def test_switched_off_it_leaves_nothing(host: Any, settings: dict[str, Any]) -> None:
    assert settings.get("grafana_enabled") is False
    assert not host.file("/etc/grafana").exists
    assert not host.file("/etc/apt/sources.list.d/grafana.sources").exists
    assert not host.socket("tcp://127.0.0.1:3000").is_listening
