"""The role `volume`: what it takes for blank, for ours, and for somebody's data."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ansible.disks import SIZE, Disks, attach
from tests.ansible.machine import boot, run
from tests.ansible.playbook import PLAYBOOKS, Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOOK = PLAYBOOKS / "roles/volume/files/look.sh"


@pytest.fixture
def disks() -> Iterator[Disks]:
    with attach() as made:
        yield made


def look(disk: str) -> str:
    done = subprocess.run(("sh", str(LOOK), disk), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write(at: int) -> Callable[[Path], None]:
    """Puts a few bytes that are no known format somewhere."""

    def wrote(file: Path) -> None:
        with file.open("r+b") as opened:
            opened.seek(at % SIZE)
            opened.write(b"somebody's")

    return wrote


def make(*command: str) -> Callable[[Path], None]:
    """Makes a file system, a partition table and so on in the file."""
    return lambda file: void(run(*command, str(file)))


def void(_: object) -> None:
    """Nothing."""


def partition(file: Path) -> None:
    """A table of an old PC with one partition of Linux, from sector 2048 on."""
    entry = struct.pack("<B3sB3sII", 0, bytes(3), 0x83, bytes(3), 2048, 4096)
    with file.open("r+b") as opened:
        opened.seek(446)
        opened.write(entry + bytes(48) + b"\x55\xaa")


@pytest.mark.parametrize(
    ("fill", "found"),
    [
        (void, "blank:"),
        (make("mkfs.ext4", "-q", "-F", "-L", "glossator"), "filesystem: ext4 glossator"),
        (make("mkfs.ext4", "-q", "-F", "-L", "other"), "filesystem: ext4 other"),
        (make("mkfs.ext4", "-q", "-F"), "filesystem: ext4"),
        (make("mkswap", "-q"), "data: swap"),
        (partition, "data: partition table dos"),
        (write(4096), "data: without a signature, within the first 16 MiB"),
        (write(15 * 2**20), "data: without a signature, within the first 16 MiB"),
        (write(-4096), "data: without a signature, within the last MiB"),
    ],
)
def test_what_is_on_a_disk(disks: Disks, fill: Callable[[Path], None], found: str) -> None:
    disk = disks.blank()
    fill(disks.file(disk))
    assert look(disk) == found


def test_what_is_no_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert look(str(tmp_path / "file")) == "missing: it is not a disk"
    assert look(str(tmp_path / "absent")) == "missing: there is no such device"


def digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def test_only_a_blank_disk_is_formatted(disks: Disks) -> None:
    full, ours = disks.blank(), disks.blank()
    run("mkfs.ext4", "-q", "-F", "-L", "other", str(disks.file(full)))
    before = digest(disks.file(full))
    play = ("site.yml", "--tags", "volume")
    with boot(disks=[full, ours]) as machine:
        refused = Site(machine, fields={"volume_device": full}).play(*play)
        assert refused.code != 0
        assert "is not blank and not ours (filesystem: ext4 other" in refused.text
        assert digest(disks.file(full)) == before
        absent = Site(machine, fields={"volume_device": "/dev/disk/by-id/virtio-absent"}).play(*play)
        assert "there is no such device" in absent.text
        site = Site(machine, fields={"volume_device": ours})
        first = site.play(*play)
        assert first.code == 0, first.text[-4000:]
        machine.run("echo kept > /mnt/glossator/of-the-test")
        # As on the next machine, to which the same volume is attached.
        machine.run("umount /mnt/glossator && sed -i /glossator/d /etc/fstab")
        again = site.play(*play)
        assert again.code == 0, again.text[-4000:]
        assert machine.run("cat /mnt/glossator/of-the-test").stdout == "kept\n"
        assert site.play(*play).counts["changed"] == 0
        machine.run("umount /mnt/glossator")
