"""`glossator-ops gateway`."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click

from reviewer.errors import UsageError

TOKEN = "GLOSSATOR_EVENTS_TOKEN"  # noqa: S105 - the variable's name


@click.command(short_help="Take events of short-lived jobs, show them to Prometheus.")
@click.option("--port", type=click.IntRange(0, 65535), default=9106, show_default=True, help="Where events come in.")
@click.option(
    "--metrics-port", type=click.IntRange(0, 65535), default=9107, show_default=True, help="Where /metrics is."
)
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the counts.")
def command(port: int, metrics_port: int, state: Path | None) -> None:
    """Take events at POST /events and show what was counted at /metrics, both on loopback, until it is stopped.

    The token is read from the file that GLOSSATOR_EVENTS_TOKEN_FILE names, or from GLOSSATOR_EVENTS_TOKEN.
    """
    from reviewer.console import write
    from runners.gateway import Gateway, serving

    if state is not None and not state.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {state.absolute().parent}.", "Make it first, or choose another --state.")
    gateway = Gateway(read_token(), state)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serving(gateway, port, metrics_port) as (events, metrics):
        write(f"Events on 127.0.0.1:{events}, metrics on 127.0.0.1:{metrics}.")
        stop.wait()
    write("Stopped.")


def read_token() -> str:
    """The token, of a file or of the environment.

    Raises:
        UsageError: There is none, or its file cannot be read.
    """
    name = os.environ.get(f"{TOKEN}_FILE", "")
    if not name:
        if not os.environ.get(TOKEN):
            raise UsageError("There is no token for events.", f"Set {TOKEN}_FILE to a file that holds it, or {TOKEN}.")
        return os.environ[TOKEN].strip()
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The file that {TOKEN}_FILE names cannot be read.", "Does it exist, for this user?"
        ) from error
