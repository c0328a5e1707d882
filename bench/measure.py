"""Whole processes, timed from outside by the operating system's own accounting of each finished one."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Self

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "bench"
"""Where measurements keep what they install and make. Git ignores it."""
OWN_VARIABLES = ("PYTHON", "GLOSSATOR_", "GITHUB_", "RUNNER_", "VIRTUAL_ENV")


class BenchError(Exception):
    """Something that was to be measured did not work."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, with which variables beside the usual ones, and where."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds on the clock, seconds of processor time (user and system, children too), peak memory.

    `peak` is in MB, of the largest single process. Linux counts the memory of the process that started it in, so
    whoever measures keeps small.
    """

    wall: float
    cpu: float
    peak: float

    def __add__(self, other: Sample) -> Sample:
        """Two runs after one another."""
        return Sample(self.wall + other.wall, self.cpu + other.cpu, max(self.peak, other.peak))


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of several runs, and the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Of at least one value."""
        numbers = list(values)
        return cls(median(numbers), min(numbers), max(numbers))


def plain_environment() -> dict[str, str]:
    """The environment without what would change how a Python starts or what the reviewer reads."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}


def run_once(command: Command) -> Sample:
    """Run a command to its end.

    Raises:
        BenchError: It failed; with the end of what it wrote.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - the benchmark's own commands
            command.argv,
            env={**plain_environment(), **command.env},
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            end = output.read().decode("utf-8", "replace")[-1500:]
            raise BenchError(f"{' '.join(command.argv)[:200]} ended with {process.returncode}:\n{end}")
    return Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def take_turns(commands: Mapping[str, Command], rounds: int, warm_ups: int = 1) -> dict[str, list[Sample]]:
    """Run the commands in turn, A B A B, so that a machine that slows down slows all; at first without counting."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for turn in range(-warm_ups, rounds):
        for name, command in commands.items():
            sample = run_once(command)
            if turn >= 0:
                samples[name].append(sample)
    return samples


def differences(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[Sample]:
    """Pair by pair, how much longer ours took. The peak is ours."""
    pairs = zip(ours, theirs, strict=True)
    return [Sample(one.wall - other.wall, one.cpu - other.cpu, one.peak) for one, other in pairs]
