"""What the role `mlflow` leaves. Runs, artifacts and aliases are in tests/infra/test_mlflow_server.py."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

PATH = "/api/2.0/mlflow/experiments/search?max_results=1"


@pytest.fixture
def ask(host: Any, settings: dict[str, Any]) -> Any:
    """Asks MLflow with a password, none if it is empty, and gives status and body. Passwords go by standard input."""

    def asked(base: str, password: str = "", *words: str) -> tuple[int, str]:
        account = f'user = "glossator:{password}"' if password else ""
        command = f"curl -sS --config - --max-time 60 -w '\\n%{{http_code}}' {shlex.join((*words, base + PATH))}"
        done = host.run(f"printf %s {shlex.quote(account)} | {command}")
        assert done.rc == 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    return asked


def test_it_asks_for_the_password(ask: Any, settings: dict[str, Any]) -> None:
    base = "http://127.0.0.1:5000"
    assert ask(base, settings["vault_mlflow_password"])[0] == 200
    assert ask(base)[0] == 401
    assert ask(base, "password1234")[0] == 401


def test_it_answers_by_the_door(ask: Any, settings: dict[str, Any]) -> None:
    """Verified by the system's roots; asked by the machine's address."""
    assert ask(f"https://{settings['address']}:5443", settings["vault_mlflow_password"])[0] == 200


def test_it_answers_to_no_other_name(ask: Any, settings: dict[str, Any]) -> None:
    status, body = ask("http://127.0.0.1:5000", settings["vault_mlflow_password"], "-H", "Host: evil.example.org")
    assert status == 403
    assert "Invalid Host header" in body


def test_only_the_door_listens_to_others(host: Any) -> None:
    assert host.socket("tcp://127.0.0.1:5000").is_listening
    assert not host.socket("tcp://0.0.0.0:5000").is_listening
    listening = host.check_output("ss -Hltn")
    assert ":5432" not in listening, "PostgreSQL opens its socket alone"


def test_the_database_is_on_the_volume(host: Any) -> None:
    found = host.check_output("pg_lsclusters --no-header").split()
    assert found[1:5] == ["glossator", "5432", "online", "postgres"]
    assert found[5].startswith("/mnt/glossator/postgresql/")


def test_the_socket_knows_who_asks(host: Any) -> None:
    ask = "psql -h /var/run/postgresql -U mlflow -tAc 'SELECT count(*) FROM experiments' mlflow"
    assert int(host.check_output(f"runuser -u mlflow -- {ask}")) >= 1
    assert "Peer authentication failed" in host.run(f"runuser -u nobody -- {ask}").stderr


def test_who_may_read_the_secrets(host: Any, settings: dict[str, Any]) -> None:
    for name in ("auth.ini", "s3.ini"):
        file = host.file(f"/etc/mlflow/{name}")
        assert (file.user, file.group, file.mode) == ("root", "mlflow", 0o640)
    assert host.file("/etc/mlflow/form-key.env").mode == 0o600
    assert host.run("runuser -u nobody -- cat /etc/mlflow/auth.ini").rc != 0
    seen = host.check_output("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert settings["vault_mlflow_password"] not in seen


def test_all_of_it_ends_with_the_unit(host: Any) -> None:
    unit = host.check_output("systemctl show -P KillMode -P User -P NoNewPrivileges -P ProtectSystem mlflow.service")
    assert set(unit.split()) == {"mlflow", "strict", "yes", "control-group"}
    assert {process.user for process in host.process.filter(comm="mlflow")} == {"mlflow"}


def test_it_is_what_the_lock_says(host: Any) -> None:
    wanted = host.check_output("grep -oE '^mlflow==[0-9.]+' /opt/mlflow/requirements.txt").split("==")[1]
    assert host.check_output("/opt/mlflow/venv/bin/mlflow --version").endswith(wanted)
