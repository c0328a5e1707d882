"""The tests' stand-ins for GitHub and for a model server, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import ROOT, BenchError, plain_environment

PATIENCE = 60
"""Seconds to wait for a server to listen."""
MAX_SECONDS = 280
"""A server stops by itself after this long."""


@contextmanager
def serve(module: str, *options: str) -> Iterator[str]:
    """The address of `python -m MODULE OPTIONS` while it runs."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        bounds = ("--port-file", str(port_file), "--max-seconds", str(MAX_SECONDS))
        argv = (sys.executable, "-m", module, *options, *bounds)
        with subprocess.Popen(argv, cwd=ROOT, env=plain_environment()) as process:  # noqa: S603 - our own modules
            try:
                yield _wait_for(port_file, process)
            finally:
                process.terminate()


def _wait_for(port_file: Path, process: subprocess.Popen[bytes]) -> str:
    ends = time.monotonic() + PATIENCE
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > ends:
            raise BenchError("A stand-in server did not start.")
        time.sleep(0.02)
    text = port_file.read_text(encoding="utf-8").strip()
    return text if text.startswith("http") else f"http://127.0.0.1:{text}"


@contextmanager
def serve_model() -> Iterator[str]:
    """A model that answers at once: one comment on the first added line of each piece."""
    with serve("tests.model_server", "--model", "careful") as url:
        yield url


@contextmanager
def serve_github(scenario: Path) -> Iterator[str]:
    """GitHub with the repositories and pull requests of the scenario."""
    with serve("simulation.github_server", "--scenario", str(scenario)) as url:
        yield url


def ask(url: str, body: object | None = None) -> Any:
    """The JSON answer of a stand-in's own routes, `/_state` and `/_control`."""
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data=data), timeout=PATIENCE) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def seconds_inside(url: str) -> float:
    """How long the GitHub stand-in has worked on all requests so far."""
    return sum(float(request["seconds"]) for request in ask(f"{url}/_state")["requests"])
