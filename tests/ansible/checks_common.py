"""What the role `common` leaves. `host` is the machine, by pytest-testinfra; `settings` are its variables."""

from __future__ import annotations

from typing import Any

import pytest


def test_logins_are_by_key_alone(host: Any) -> None:
    used = host.check_output("sshd -T").splitlines()
    for line in (
        "passwordauthentication no",
        "permitrootlogin no",
        "kbdinteractiveauthentication no",
        "x11forwarding no",
    ):
        assert line in used


def test_security_updates_come_by_themselves(host: Any) -> None:
    assert host.package("unattended-upgrades").is_installed
    used = host.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in used
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in used
    assert '"^nvidia-"' in used


def test_the_journal_does_not_fill_the_disk(host: Any) -> None:
    assert "SystemMaxUse=1G" in host.check_output("systemd-analyze cat-config systemd/journald.conf")


def test_nobody_logs_in_as_the_user_of_services(host: Any) -> None:
    user = host.user("glossator")
    assert user.shell == "/usr/sbin/nologin"
    assert user.uid < 1000


@pytest.mark.parametrize("folder", ["/opt/glossator", "/etc/glossator"])
def test_folders_are_roots(host: Any, folder: str) -> None:
    found = host.file(folder)
    assert (found.is_directory, found.user, found.mode) == (True, "root", 0o755)


def test_nothing_has_failed(host: Any) -> None:
    assert host.check_output("systemctl --failed --no-legend --plain") == ""
