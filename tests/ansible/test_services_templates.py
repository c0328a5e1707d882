"""What the services' roles write for machines and choices that no test machine has, read by the programs that will."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ansible.playbook import PLAYBOOKS, find_program, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MAIL = {
    "to": "maintainer@example.org",
    "from": "glossator@example.org",
    "smarthost": "mail.example.org:587",
    "username": "glossator",
    "password": "pass: 'word' #1",
}


def render(
    folder: Path,
    role: str,
    template: str,
    inventory: dict[str, Any] | None = None,
    host: str = "services1",
    **given: Any,
) -> str:
    """A template of a role as Ansible itself renders it for a host of the inventory, with the role's own defaults."""
    out = folder / "rendered"
    play = {
        "hosts": host if inventory else "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(PLAYBOOKS / "group_vars/all/main.yml"), str(PLAYBOOKS / f"roles/{role}/defaults/main.yml")],
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [{"ansible.builtin.template": {"src": str(PLAYBOOKS / f"roles/{role}/templates/{template}"),
                                                "dest": str(out), "mode": "0600"}}],
    }  # fmt: skip
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory or {"all": {"hosts": {"localhost": {}}}}))
    secrets = {f"vault_{name}": f"{name}-1" for name in ("grafana_password", "metrics_token", "alert_webhook")}
    (folder / "given.json").write_text(json.dumps({**secrets, **given}))
    command = (find_program("ansible-playbook"), "-i", str(folder / "hosts.yml"), "-e", f"@{folder / 'given.json'}")
    done = subprocess.run(
        (*command, str(folder / "play.yml")), capture_output=True, text=True, timeout=120, check=False,
        cwd=PLAYBOOKS, env=make_environment(folder),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out.read_text("utf-8")


def read_alertmanager(folder: Path, **given: Any) -> Any:
    """Alertmanager's configuration, which its own checker takes."""
    amtool = shutil.which("amtool")
    if not amtool:
        pytest.skip("no amtool: apt-get install prometheus-alertmanager")
    text = render(folder, "alertmanager", "alertmanager.yml.j2", **given)
    checked = subprocess.run(
        [amtool, "check-config", str(folder / "rendered")], capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return yaml.safe_load(text)


def test_alerts_that_go_nowhere(tmp_path: Path) -> None:
    found = read_alertmanager(tmp_path, vault_alert_webhook="none")
    assert found["receivers"] == [{"name": "maintainer"}]


def test_alerts_to_a_webhook_and_a_mailbox(tmp_path: Path) -> None:
    found = read_alertmanager(tmp_path, vault_alert_webhook="https://hooks.example.org/x?a=b#c", alertmanager_mail=MAIL)
    (receiver,) = found["receivers"]
    assert receiver["webhook_configs"][0]["url"] == "https://hooks.example.org/x?a=b#c"
    assert receiver["email_configs"][0]["to"] == MAIL["to"]
    assert found["global"]["smtp_auth_password"] == MAIL["password"]
    assert found["global"]["smtp_require_tls"] is True


def test_alerts_in_the_form_of_slack(tmp_path: Path) -> None:
    given = {"vault_alert_webhook": "https://hooks.example.org/x", "alertmanager_webhook_kind": "slack"}
    (receiver,) = read_alertmanager(tmp_path, **given)["receivers"]
    assert set(receiver) == {"name", "slack_configs"}
    assert "{{ .CommonLabels.alertname }}" in receiver["slack_configs"][0]["title"]


def machine(role: str, site: str, address: str, private_address: str, **more: Any) -> dict[str, Any]:
    return {
        "role": role,
        "site": site,
        "address": address,
        "private_address": private_address,
        "gpu": role == "gpu",
        "public_name": f"{role}.example.org",
        **more,
    }


def make_inventory() -> dict[str, Any]:
    """Machines at two sites, of which one has all but the slow GPU."""
    groups = {
        "services": {"hosts": {"services1": machine("services", "kvm", "203.0.113.10", "192.168.90.10")}},
        "runner": {"hosts": {"runner1": machine("runner", "kvm", "", "192.168.90.11")}},
        "gpu": {
            "hosts": {
                "h100": machine("gpu", "kvm", "", "192.168.90.12", serving_plan={"backend": "vllm"}),
                "p100": machine("gpu", "chi", "203.0.113.20", "10.52.0.9"),
            }
        },
    }
    return {"all": {"children": {"glossator": {"children": groups}}}}


def read_targets(folder: Path, *known: Any, **given: Any) -> dict[tuple[str, str], Any]:
    """What Prometheus is told: by machine and job, address and labels."""
    text = render(folder, "prometheus", "targets.json.j2", make_inventory(), prometheus_known=known, **given)
    found = json.loads(text)
    assert all(len(entry["targets"]) == 1 for entry in found)
    keys = [(entry["labels"]["machine"], entry["labels"]["job"]) for entry in found]
    assert len(set(keys)) == len(keys)
    return {key: (entry["targets"][0], entry["labels"]) for key, entry in zip(keys, found, strict=True)}


def test_each_machine_is_asked_where_it_can_be_reached(tmp_path: Path) -> None:
    found = read_targets(tmp_path)
    assert {key: target for key, (target, _) in found.items() if key[1] == "node"} == {
        ("h100", "node"): "192.168.90.12:8443",
        ("p100", "node"): "203.0.113.20:8443",
        ("runner1", "node"): "192.168.90.11:8443",
        ("services1", "node"): "127.0.0.1:8443",
    }
    assert {job for machine, job in found if machine == "h100"} == {"node", "gpu", "champion"}
    assert {job for machine, job in found if machine == "services1"} == {"node", "gateway"}
    labels = found["h100", "champion"][1]
    assert (labels["track"], labels["backend"], labels["__metrics_path__"]) == ("champion", "vllm", "/metrics/champion")
    assert "backend" not in found["p100", "champion"][1], "nobody knows yet what it serves by"


def test_what_was_known_of_a_gpu_is_kept_when_only_the_services_are_run(tmp_path: Path) -> None:
    before = {"targets": ["x"], "labels": {"machine": "p100", "backend": "llamacpp"}}
    found = read_targets(tmp_path, before, challenger={"model": "m", "adapter": "", "revision": "main"})
    assert found["p100", "champion"][1]["backend"] == "llamacpp"
    assert found["p100", "challenger"][1]["track"] == "challenger"
    assert found["h100", "challenger"][1]["backend"] == "vllm"


def test_public_certificates_are_asked_for_by_their_names(tmp_path: Path) -> None:
    found = read_targets(tmp_path, tls_mode="public")
    assert found["p100", "gpu"][0] == "gpu.example.org:8443"
    assert found["services1", "gateway"][0] == "services.example.org:8443"


def test_grafana_listens_to_this_machine_and_reads_its_password(tmp_path: Path) -> None:
    """No Grafana has read it: its packages cannot be had where the tests run."""
    parser = configparser.ConfigParser(interpolation=None, comment_prefixes=";")
    parser.read_string(render(tmp_path, "grafana", "grafana.ini.j2", vault_grafana_password="of-nobody's-business"))
    assert parser["server"]["http_addr"] == "127.0.0.1"
    assert parser["security"]["admin_password"] == "$__file{/etc/grafana/admin-password}"
    assert parser["auth.anonymous"]["enabled"] == "false"
    source = yaml.safe_load(render(tmp_path, "grafana", "datasources.yml.j2"))["datasources"][0]
    assert (source["uid"], source["url"]) == ("prometheus", "http://127.0.0.1:9090")


@pytest.mark.parametrize(
    ("host", "mode", "expected"),
    [
        ("runner1", "own", "192.168.90.10"),
        ("h100", "own", "192.168.90.10"),
        ("p100", "own", "203.0.113.10"),
        ("services1", "own", "127.0.0.1"),
        ("p100", "public", "services.example.org"),
    ],
)
def test_a_broker_tells_the_gateway_where_it_reaches_it(tmp_path: Path, host: str, mode: str, expected: str) -> None:
    text = render(tmp_path, "runner", "events.conf.j2", make_inventory(), host=host, tls_mode=mode)
    assert f'Environment="GLOSSATOR_EVENTS_URL=https://{expected}:8443/events"' in text.splitlines()
