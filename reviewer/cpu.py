"""How many threads a model should use on this machine."""

from __future__ import annotations

import math
import os
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def choose_threads() -> int:
    """One thread fewer than there are cores for us, at least one.

    With a thread on each core, one other busy process makes all of them wait for one another: 20 times slower.
    """
    return max(1, count_cores() - 1)


def count_cores() -> int:
    """Physical cores that this process may use, by its affinity and its container's limit."""
    return max(1, min(len(list_cores()), get_cgroup_limit()))


def list_cores(cpus: Path = CPUS) -> set[str]:
    """One entry a physical core; one a logical CPU where the system does not tell them apart."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = set()
    for cpu in usable:
        siblings = cpus / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        cores.add(siblings.read_text("ascii").strip() if siblings.is_file() else str(cpu))
    return cores


def get_cgroup_limit(limit: Path = CGROUP_LIMIT) -> int:
    """CPUs that the container may use at a time, rounded up; a very large number where there is no limit."""
    if not limit.is_file():
        return 1 << 16
    quota, period = limit.read_text("ascii").split()
    return 1 << 16 if quota == "max" else math.ceil(int(quota) / int(period))
