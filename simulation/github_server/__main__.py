"""Run the stand-in on its own: `python -m simulation.github_server --scenario FILE.json --port-file FILE`.

The scenario is `{"switches": {...}, "steps": [{"do": "create_repo", ...}, ...]}`; see `script`. The port file gets the
API's address once the server listens. It stops on SIGTERM or after `--max-seconds`, and then writes `--state-file`.
While it runs, GET /_state shows the state and POST /_control does one more step.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from simulation.github_server.script import render_state, run_step
from simulation.github_server.server import GitHubServer
from simulation.github_server.state import Switches


def main() -> None:
    """Parse the options, serve, stop."""
    parser = argparse.ArgumentParser(prog="python -m simulation.github_server", description=__doc__)
    parser.add_argument("--scenario", type=Path)
    parser.add_argument("--port-file", type=Path)
    parser.add_argument("--state-file", type=Path)
    parser.add_argument("--max-seconds", type=float, default=600)
    options = parser.parse_args()
    scenario = json.loads(options.scenario.read_text("utf-8")) if options.scenario else {}
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with GitHubServer(Switches(**scenario.get("switches", {}))) as server:
        for step in scenario.get("steps", []):
            run_step(server, step)
        if options.port_file:
            write_whole(options.port_file, server.url)
        ended.wait(options.max_seconds)
        if options.state_file:
            write_whole(options.state_file, json.dumps(render_state(server), indent=1))


def write_whole(target: Path, text: str) -> None:
    """Write a file so that nobody sees half of it."""
    partial = target.with_name(f"{target.name}.part")
    partial.write_text(text, "utf-8")
    partial.replace(target)


if __name__ == "__main__":
    main()
