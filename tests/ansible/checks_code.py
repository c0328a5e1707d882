"""What the role `code` leaves."""

from __future__ import annotations

from typing import Any


def test_the_command_of_operations_answers(host: Any) -> None:
    assert host.check_output("/opt/glossator/venv/bin/glossator-ops --version").startswith("glossator-ops, version ")


def test_what_operations_need_is_there(host: Any) -> None:
    host.check_output("/opt/glossator/venv/bin/python -c 'import prometheus_client, jwt'")


def test_what_it_needs_is_of_the_versions_of_the_list(host: Any) -> None:
    wanted = host.check_output("grep -oE '^[A-Za-z0-9._-]+==[^ ]+' /opt/glossator/requirements.txt").split()
    installed = host.check_output("/opt/glossator/venv/bin/python -m pip freeze").lower().replace("_", "-").split()
    assert len(wanted) > 10
    assert set(wanted) <= set(installed)


def test_only_root_may_change_it(host: Any) -> None:
    assert host.check_output("find /opt/glossator/venv ! -user root -print -quit") == ""
    assert host.check_output("find /opt/glossator/venv -perm -o+w ! -type l -print -quit") == ""
