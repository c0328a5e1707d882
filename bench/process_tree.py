"""A command with all its children: seconds on the clock, of processor time, and memory, asked of /proc as it runs.

Worker processes that a fork server starts are nobody's children that are waited for, so that the operating system's
accounting of a finished process leaves them out.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.05
"""Seconds between two looks."""
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command took. `peak` is in MB: the most that all its processes had at once, shared pages counted twice."""

    code: int
    wall: float
    cpu: float
    peak: float
    output: str


def run_tree(command: list[str], folder: Path, env: dict[str, str], limit: float) -> Ran:
    """Run a command to its end, or for so many seconds at most; its code is then that of SIGKILL."""
    start, peak, spent = time.monotonic(), 0.0, dict[int, float]()
    with (folder / "output.txt").open("w+b") as output:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 - the bench's own command
        try:
            while process.poll() is None and time.monotonic() - start < limit:
                looks = {pid: look for pid in list_tree(process.pid) if (look := look_at(pid))}
                peak = max(peak, sum(memory for _, memory in looks.values()))
                spent |= {pid: seconds for pid, (seconds, _) in looks.items()}
                time.sleep(EVERY)
        finally:
            process.kill()
            process.wait()
        wall = time.monotonic() - start
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return Ran(process.returncode, wall, sum(spent.values()), peak, text)


def list_tree(pid: int) -> Iterator[int]:
    """The process, its children, theirs, and so on."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:  # it ended meanwhile
            continue
        for child in children:
            yield from list_tree(int(child))


def look_at(pid: int) -> tuple[float, float] | None:
    """Seconds of processor time and MB of memory of one process; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    user, system, pages = int(fields[11]), int(fields[12]), int(fields[21])
    return (user + system) / _TICK, pages * _PAGE / 1e6
