"""What the roles `tls` and `door` leave, seen from the machine itself and, in test_site.py, from outside."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def ask(host: Any, settings: dict[str, Any]) -> Any:
    """Asks the door, with the token for metrics or without, and gives status and body."""

    def asked(path: str, token: str = "") -> tuple[int, str]:
        header = f"-H 'Authorization: Bearer {token}'" if token else ""
        url = f"https://{settings['address']}:8443{path}"
        done = host.run(f"curl -sS --path-as-is --max-time 10 -w '\\n%{{http_code}}' {header} {url}")
        assert done.rc == 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    return asked


def test_the_system_trusts_the_certificate(ask: Any) -> None:
    assert ask("/")[0] == 404


def test_metrics_are_for_whoever_has_the_token(ask: Any, settings: dict[str, Any]) -> None:
    assert ask("/metrics/node")[0] == 401
    assert ask("/metrics/node", "another")[0] == 401
    status, body = ask("/metrics/node", settings["vault_metrics_token"])
    assert status == 200
    assert "node_filesystem_avail_bytes" in body


@pytest.mark.parametrize("path", ["//metrics/node", "/./metrics/node", "/metrics/../metrics/node", "/%6detrics/node"])
def test_no_other_spelling_goes_round_the_token(ask: Any, path: str) -> None:
    assert ask(path)[0] in {401, 404}


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/metrics/nobody", "/metrics/node/more"])
def test_other_paths_lead_nowhere(ask: Any, settings: dict[str, Any], path: str) -> None:
    assert ask(path, settings["vault_metrics_token"])[0] == 404


def test_its_own_interface_is_no_port(host: Any) -> None:
    assert host.file("/run/caddy/admin.sock").exists
    assert not host.socket("tcp://127.0.0.1:2019").is_listening


def test_who_may_read_the_key(host: Any) -> None:
    key = host.file("/etc/glossator/tls/key.pem")
    assert (key.user, key.group, key.mode) == ("root", "ssl-cert", 0o640)
    assert host.user("caddy").name in host.group("ssl-cert").members


def test_who_may_read_the_token(host: Any, settings: dict[str, Any]) -> None:
    file = host.file("/etc/caddy/glossator.env")
    assert (file.user, file.mode) == ("root", 0o600)
    found = host.run(f"grep -rlF {settings['vault_metrics_token']} /etc/caddy /var/lib/caddy /usr/local")
    assert found.stdout.split() == ["/etc/caddy/glossator.env"]


def test_it_does_not_run_as_root(host: Any) -> None:
    assert {process.user for process in host.process.filter(comm="caddy")} == {"caddy"}
