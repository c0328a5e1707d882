"""What the role `volume` leaves."""

from __future__ import annotations

from typing import Any

import pytest


def test_the_disk_is_mounted_where_data_goes(host: Any, settings: dict[str, Any]) -> None:
    if not settings["volume_device"]:
        pytest.skip("the machine was given no disk")
    mount = host.mount_point("/mnt/glossator")
    assert mount.exists
    assert mount.filesystem == "ext4"
    assert host.check_output(f"blkid -p -s LABEL -o value {settings['volume_device']}") == "glossator"


def test_it_is_mounted_by_what_does_not_change(host: Any, settings: dict[str, Any]) -> None:
    if not settings["volume_device"]:
        pytest.skip("the machine was given no disk")
    line = host.check_output("grep /mnt/glossator /etc/fstab")
    assert line.startswith("UUID=")
    assert "nofail" in line
