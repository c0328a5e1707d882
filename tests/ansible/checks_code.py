"""What the role `code` leaves."""

from __future__ import annotations

from typing import Any


def test_the_command_of_operations_answers(host: Any) -> None:
    assert host.check_output("/opt/glossator/venv/bin/glossator-ops --version").startswith("glossator-ops, version ")


def test_what_operations_need_is_there(host: Any) -> None:
    host.check_output("/opt/glossator/venv/bin/python -c 'import prometheus_client, jwt'")


def test_only_root_may_change_it(host: Any) -> None:
    assert host.check_output("find /opt/glossator/venv ! -user root -print -quit") == ""
    assert host.check_output("find /opt/glossator/venv -perm -o+w ! -type l -print -quit") == ""
