"""The processes below one of ours, by /proc: to stop a whole run, and to see what a step's environment really holds."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self


def list_descendants(pid: int) -> list[int]:
    """A process and all below it, parents first."""
    found = [pid]
    for one in found:
        with suppress(OSError):  # it has ended while we look
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def kill_all(pid: int) -> None:
    """End a process and all below it at once, as a machine that is switched off does."""
    for one in list_descendants(pid):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def read_environment(pid: int) -> tuple[str, dict[str, str]]:
    """The command line and the environment that a process was started with; empty when it is gone."""
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
        return command, dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return "", {}


class Watch:
    """Looks at the processes below one, many times a second, and keeps the environment of each step of the action."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.steps: dict[str, dict[str, str]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            for pid in list_descendants(self.pid):
                command, environment = read_environment(pid)
                if " -m action.entry " in command:
                    self.steps[command.split()[-1]] = environment

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
