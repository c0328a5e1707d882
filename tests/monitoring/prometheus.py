"""A real Prometheus on loopback, over a folder of data."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

START_SECONDS = 60
NEEDS_PROMETHEUS = pytest.mark.skipif(
    not shutil.which("prometheus"), reason="prometheus, of the package of that name, is missing"
)


@dataclass(frozen=True)
class Prometheus:
    """It answers at `url`."""

    url: str
    client: httpx.Client

    def ask(self, path: str, **parameters: Any) -> Any:
        answer = self.client.get(f"{self.url}/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """The labels and values of an instant query."""
        found = self.ask("query", query=expression, **({"time": at} if at is not None else {}))
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in found["result"]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_prometheus(configuration: Path, data: Path, *options: str) -> Iterator[Prometheus]:
    port = free_port()
    command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={data}", *options]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y", "--log.level=error"]
    log = data.with_suffix(".log")
    with log.open("wb") as out, httpx.Client(trust_env=False, verify=False, timeout=60) as client:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            running = Prometheus(f"http://127.0.0.1:{port}", client)
            wait_for(lambda: is_ready(running), f"Prometheus: {log.read_text()[-2000:]}")
            yield running
        finally:
            process.terminate()
            process.wait(30)


def is_ready(prometheus: Prometheus) -> bool:
    try:
        return prometheus.client.get(f"{prometheus.url}/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def wait_for(condition: Any, what: str, seconds: float = START_SECONDS) -> Any:
    """Wait until the condition gives something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found
