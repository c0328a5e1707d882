"""Run the stand-in server for at most so many seconds, or until SIGTERM."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path

from tests.model_server.faults import BY_NAME
from tests.model_server.models import careful_model, empty_model, obedient_model
from tests.model_server.server import ModelServer, StandInModel

MODELS: dict[str, StandInModel] = {"careful": careful_model, "empty": empty_model, "obedient": obedient_model}


def main() -> None:
    """Serve; the port file holds the port once the server listens, the log file the requests at the end."""
    parser = argparse.ArgumentParser(prog="python -m tests.model_server")
    parser.add_argument("--flavour", choices=["tgi", "openai", "vllm", "llama.cpp"], default="openai")
    parser.add_argument("--model", choices=sorted(MODELS), default="careful")
    parser.add_argument("--token", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", type=Path)
    parser.add_argument("--log-file", type=Path)
    parser.add_argument("--fault", choices=sorted(BY_NAME), action="append", default=[], help="one a POST, in order")
    parser.add_argument("--always", choices=sorted(BY_NAME), help="a fault of every POST")
    parser.add_argument("--max-seconds", type=float, default=120)
    options = parser.parse_args()
    with ModelServer(
        MODELS[options.model],
        flavour=options.flavour,
        token=options.token,
        faults=[BY_NAME[name] for name in options.fault],
        always=BY_NAME.get(options.always),
        port=options.port,
    ) as server:
        signal.signal(signal.SIGTERM, lambda *_: server.stopping.set())
        if options.port_file:
            write_whole(options.port_file, server.url.rpartition(":")[2])
        server.stopping.wait(options.max_seconds)
    if options.log_file:
        log = [{"method": r.method, "path": r.path, "body": r.body, "status": r.status} for r in server.requests]
        options.log_file.write_text(json.dumps(log, indent=1))


def write_whole(path: Path, text: str) -> None:
    """So that nobody reads half of it."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


if __name__ == "__main__":
    main()
