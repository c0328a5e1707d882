"""Disks to attach to a machine: loop devices over sparse files, gone when the test is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.ansible.machine import need_machine, run

SIZE: Final = 512 * 2**20


@dataclass(slots=True)
class Disks:
    """A folder of files that are disks."""

    folder: Path
    devices: list[str] = field(default_factory=list)

    def blank(self, size: int = SIZE) -> str:
        """A new disk that holds nothing. Gives its device."""
        file = self.folder / f"disk-{len(self.devices)}"
        with file.open("wb") as made:
            made.truncate(size)
        done = run("losetup", "--find", "--show", str(file), check=False)
        if done.returncode:
            pytest.skip(f"no loop device to be had: {done.stderr.strip()}")
        self.devices.append(done.stdout.strip())
        return self.devices[-1]

    def file(self, device: str) -> Path:
        """The file behind a device."""
        return self.folder / f"disk-{self.devices.index(device)}"


@contextmanager
def attach() -> Iterator[Disks]:
    """Disks, detached at the end."""
    need_machine()
    with TemporaryDirectory(dir="/var/tmp", prefix="glossator-disks-") as folder:
        disks = Disks(Path(folder))
        try:
            yield disks
        finally:
            for device in disks.devices:
                run("losetup", "--detach", device, check=False)
