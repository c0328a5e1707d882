"""What the role `exporters` leaves."""

from __future__ import annotations

from typing import Any


def test_it_is_on_loopback_alone(host: Any) -> None:
    assert host.socket("tcp://127.0.0.1:9100").is_listening
    assert not host.socket("tcp://0.0.0.0:9100").is_listening
    assert not host.socket("tcp://:::9100").is_listening


def test_files_become_metrics(host: Any) -> None:
    file = "/var/lib/prometheus/node-exporter/of_the_test.prom"
    host.check_output(f"sh -c 'echo of_the_test 1 > {file}'")
    try:
        assert "\nof_the_test 1\n" in host.check_output("curl -s http://127.0.0.1:9100/metrics")
    finally:
        host.check_output(f"rm {file}")
