"""What the role `backup` leaves; test_site.py backs up and restores."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def need_store(settings: dict[str, Any]) -> None:
    if not settings["s3_endpoint"]:
        pytest.skip("there was no object store")


def test_it_is_done_every_night(host: Any) -> None:
    timer = host.service("glossator-backup.timer")
    assert timer.is_running
    assert timer.is_enabled
    host.check_output("systemd-analyze verify /etc/systemd/system/glossator-backup.service")


def test_only_root_may_read_its_keys(host: Any) -> None:
    file = host.file("/etc/glossator/backup.env")
    assert (file.user, file.mode) == ("root", 0o600)


def test_its_script_is_sound(host: Any) -> None:
    host.check_output("bash -n /usr/local/sbin/glossator-backup")
    assert host.run("/usr/local/sbin/glossator-backup").rc == 2
