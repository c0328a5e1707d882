"""What the role `gateway` leaves: an event sent to the door is counted, and the count outlives the gateway."""

from __future__ import annotations

import json
import re
import shlex
import time
import uuid
from typing import Any


def make_event() -> str:
    """One that is new: an event with an id that the gateway has seen is not counted again."""
    event = {"kind": "review", "id": f"of-the-test-{uuid.uuid4()}", "repository": "octo/of-the-test"}
    return json.dumps({**event, "status": "reviewed", "track": "champion"})


def send(host: Any, settings: dict[str, Any], token: str, body: str) -> int:
    url = f"https://{settings['address']}:8443/events"
    header = f"Authorization: Bearer {token}"
    words = ("-H", header, "-H", "Content-Type: application/json", "--data", body, url)
    done = host.run(f"curl -sS -o /dev/null -w '%{{http_code}}' --max-time 20 {shlex.join(words)}")
    assert done.rc == 0, done.stderr
    return int(done.stdout)


def read_metrics(host: Any) -> str:
    for _ in range(50):
        done = host.run("curl -sS --max-time 5 http://127.0.0.1:9107/metrics")
        if done.rc == 0:
            return str(done.stdout)
        time.sleep(0.2)
    raise AssertionError(done.stderr)


def count(host: Any) -> float:
    """Reviews of the test's repository that were counted."""
    pattern = r'^glossator_reviews_total\{[^}]*repository="octo/of-the-test"[^}]*\} (\S+)$'
    return sum(float(value) for value in re.findall(pattern, read_metrics(host), re.MULTILINE))


def test_an_event_is_counted_and_the_count_outlives_the_gateway(host: Any, settings: dict[str, Any]) -> None:
    before = count(host)
    assert send(host, settings, settings["vault_events_token"], make_event()) in range(200, 300)
    assert count(host) == before + 1
    host.check_output("systemctl restart glossator-gateway.service")
    assert count(host) == before + 1


def test_a_stranger_is_refused_and_nonsense_too(host: Any, settings: dict[str, Any]) -> None:
    before = count(host)
    assert send(host, settings, "another-token-of-some-length", make_event()) == 401
    assert send(host, settings, settings["vault_events_token"], "[]") in {400, 422}
    assert count(host) == before


def test_it_is_on_loopback_alone(host: Any) -> None:
    for port in (9106, 9107):
        assert host.socket(f"tcp://127.0.0.1:{port}").is_listening
        assert not host.socket(f"tcp://0.0.0.0:{port}").is_listening


def test_its_unit_allows_little(host: Any) -> None:
    shown = host.check_output("systemctl show -P User -P NoNewPrivileges -P ProtectSystem glossator-gateway.service")
    assert set(shown.split()) == {"glossator-gateway", "yes", "strict"}
    token = host.file("/etc/glossator-gateway/events-token")
    assert (token.user, token.mode) == ("root", 0o600)
    assert "GLOSSATOR_EVENTS_TOKEN=" not in host.check_output("systemctl show -P Environment glossator-gateway.service")
