"""The workflow that deploys: inventory, vault, key and Ansible for real, with a playbook that writes down what it got.

No machine is reached: the playbook runs on this one and changes nothing but its report. What the real playbook does to
a machine is tested in tests/ansible.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.act import ROOT, Act, Run
from tests.acceptance.test_collect_workflow import SETUP_PYTHON

WORKFLOW = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
PASSWORD = "vault-password-of-the-tests"
SECRET = "a-secret-of-the-vault"
KNOWN_HOSTS = "203.0.113.10 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpQd1Jm"
SITE = """\
- name: Write down what was given
  hosts: glossator
  connection: local
  gather_facts: false
  tasks:
    - name: Ask the agent for its keys
      ansible.builtin.command: ssh-add -l
      changed_when: false
      check_mode: false
      register: agent
    - name: Show an address, which the log must not
      ansible.builtin.debug:
        var: address
    - name: Write the report
      ansible.builtin.copy:
        dest: "{{ report }}.{{ inventory_hostname }}"
        mode: "0600"
        content: "{{ found | to_json }}"
      check_mode: false
      vars:
        ansible_python_interpreter: "{{ ansible_playbook_python }}"
        found:
          agent: "{{ agent.stdout }}"
          check: "{{ ansible_check_mode }}"
          diff: "{{ ansible_diff_mode }}"
          address: "{{ address }}"
          inside: "{{ inside_cidrs }}"
          repository: "{{ glossator_repository }}"
          opened: "{{ vault_marker == 'SECRET' }}"
          ssh: "{{ lookup('ansible.builtin.config', 'ssh_args', plugin_type='connection', plugin_name='ssh') }}"
          config: "{{ lookup('ansible.builtin.file', lookup('ansible.builtin.env', 'RUNNER_TEMP') ~ '/ssh_config') }}"
          known: "{{ lookup('ansible.builtin.file', lookup('ansible.builtin.env', 'RUNNER_TEMP') ~ '/known_hosts') }}"
          key: "{{ lookup('ansible.builtin.env', 'DEPLOY_KEY') }}"
"""


def make_output() -> dict[str, Any]:
    """What Terraform says of two machines; the addresses are made up."""
    machine = {"site": "kvm", "user": "cc", "volume_device": "", "gpu": False, "bare_metal": False, "public_name": ""}
    machines = {
        "services1": {**machine, "role": "services", "address": "203.0.113.10", "private_address": "192.168.90.10"},
        "runner1": {**machine, "role": "runner", "address": "", "private_address": "192.168.90.11"},
    }
    store = {"endpoint": "", "region": "", "buckets": {"data": "", "artifacts": "", "backups": ""}}
    values = {
        "machines": machines,
        "object_store": store,
        "admin_cidrs": ["198.51.100.7/32"],
        "inside_cidrs": ["192.168.90.0/24"],
    }
    return {name: {"sensitive": False, "value": value} for name, value in values.items()}


@dataclass
class Deployment:
    """A copy of this repository whose playbook is a stand-in, and what its environment `production` holds."""

    folder: Path
    vault: str
    key: str
    secrets: dict[str, str] = field(init=False)
    variables: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.secrets = {
            "GLOSSATOR_DEPLOY_KEY": self.key,
            "GLOSSATOR_VAULT": self.vault,
            "GLOSSATOR_VAULT_PASSWORD": PASSWORD,
        }
        self.variables = {"GLOSSATOR_MACHINES": json.dumps(make_output()), "GLOSSATOR_KNOWN_HOSTS": KNOWN_HOSTS}

    def run(self, event: str, inputs: dict[str, str] | None = None, *, fork: bool = False, ref: str = "main") -> Run:
        checkout = self.folder / "checkout"
        ignored = shutil.ignore_patterns("__pycache__", "roles", "vault.yml")
        for name in ("action", "ansible", "reviewer", "runners"):
            shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
        (checkout / "ansible/site.yml").write_text(SITE.replace("SECRET", SECRET), encoding="utf-8")
        (checkout / "ansible/group_vars/all/report.yml").write_text(f"report: {self.folder}/report\n", encoding="utf-8")
        self.shorten(checkout / "ansible/controller.txt")
        payload = {
            "ref": f"refs/heads/{ref}",
            "repository": {"full_name": "octo/demo", "default_branch": "main", "fork": fork},
            "inputs": inputs or {},
        }
        act = Act(
            self.folder, ROOT, "http://127.0.0.1:9", "http://127.0.0.1:9", self.secrets,
            variables=self.variables, actions=self.stand_ins(),
        )  # fmt: skip
        run = act.run(WORKFLOW, event, payload)
        for name, secret in {**self.secrets, "SECRET": SECRET}.items():
            for line in filter(None, secret.splitlines()):
                assert line not in run.text, f"{name} is in the log"
        return run

    @staticmethod
    def shorten(lock: Path) -> None:
        """Ansible without its collections, of which the stand-in needs none: 50 MB less, by the same digests."""
        text, count = re.subn(r"^ansible==.*\n(?:[ ].*\n)+", "", lock.read_text("utf-8"), flags=re.MULTILINE)
        assert count == 1
        lock.write_text(text, encoding="utf-8")

    def stand_ins(self) -> dict[str, Path]:
        python = self.folder / "setup-python"
        python.mkdir()
        (python / "action.yml").write_text(SETUP_PYTHON, encoding="utf-8")
        return dict.fromkeys(re.findall(r"uses: (actions/setup-python@[0-9a-f]{40})", WORKFLOW), python)

    def read(self, machine: str) -> dict[str, Any] | None:
        """What the playbook wrote down for a machine."""
        path = self.folder / f"report.{machine}"
        return json.loads(path.read_text("utf-8")) if path.exists() else None


@pytest.fixture
def deployment(tmp_path: Path, vault: str, key: str) -> Deployment:
    if not shutil.which("ssh-agent"):
        pytest.skip("no ssh-agent: apt-get install openssh-client")
    return Deployment(tmp_path, vault, key)


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    if not shutil.which("ssh-keygen"):
        pytest.skip("no ssh-keygen: apt-get install openssh-client")
    path = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "deploy", "-f", path], check=True)
    return path.read_text("ascii")


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An encrypted vault.yml, made by ansible-vault itself."""
    program = find_vault()
    folder = tmp_path_factory.mktemp("vault")
    (folder / "password").write_text(PASSWORD)
    (folder / "vault.yml").write_text(f"vault_marker: {SECRET}\n")
    command = [program, "encrypt", "--vault-password-file", str(folder / "password"), str(folder / "vault.yml")]
    subprocess.run(command, check=True, capture_output=True)
    text = (folder / "vault.yml").read_text("ascii")
    assert text.startswith("$ANSIBLE_VAULT;")
    return text


def find_vault() -> str:
    beside = Path(sys.executable).with_name("ansible-vault")
    found = str(beside) if beside.is_file() else shutil.which("ansible-vault")
    if not found:
        pytest.skip("no ansible-vault: pip install '.[acceptance]'")
    return found


def test_a_push_applies(deployment: Deployment) -> None:
    run = deployment.run("push")

    assert run.jobs() == {"deploy": "success"}, run.story
    services, runner = deployment.read("services1"), deployment.read("runner1")
    assert services is not None
    assert runner is not None
    assert (services["address"], services["inside"]) == ("203.0.113.10", ["192.168.90.0/24"])
    assert services["agent"].endswith(" deploy (ED25519)")
    assert (services["check"], services["diff"], services["opened"]) == (False, False, True)
    assert services["repository"] == "owner/name", "what group_vars say, which the repository's own name must not hide"
    assert re.match(r"-F \S+/ssh_config ", services["ssh"]), "a file, which a jump takes on as well"
    assert "StrictHostKeyChecking yes\nUserKnownHostsFile /" in services["config"]
    assert services["known"] == KNOWN_HOSTS
    assert services["key"] == "", "Ansible itself is not given the key"
    assert "203.0.113.10" not in run.log, "the machines' addresses are masked"


def test_by_hand_it_shows_what_would_change_also_while_nothing_is_served(deployment: Deployment) -> None:
    deployment.variables |= {"GLOSSATOR_SERVING": "down", "GLOSSATOR_REPOSITORY": "octo/reviewed"}

    run = deployment.run("workflow_dispatch", {"apply": "false", "limit": "services1"})

    assert run.jobs() == {"deploy": "success"}, run.story
    services = deployment.read("services1")
    assert services is not None
    assert (services["check"], services["diff"], services["repository"]) == (True, True, "octo/reviewed")
    assert deployment.read("runner1") is None, "limited to the services"


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        pytest.param({"GLOSSATOR_SERVING": "down"}, {}, id="nothing is served"),
        pytest.param({"GLOSSATOR_MACHINES": ""}, {}, id="no machines"),
        pytest.param({}, {"fork": True}, id="a fork"),
        pytest.param({}, {"ref": "topic"}, id="another branch"),
    ],
)
def test_a_push_that_must_not_deploy(
    deployment: Deployment, variables: dict[str, str], options: dict[str, Any]
) -> None:
    deployment.variables |= variables

    run = deployment.run("push", **options)

    assert run.code == 0, run.story
    assert run.jobs() in ({}, {"deploy": "skipped"}), run.story
    assert deployment.read("services1") is None


def test_what_is_missing_is_named_at_once(deployment: Deployment) -> None:
    deployment.secrets = {}
    deployment.variables["GLOSSATOR_KNOWN_HOSTS"] = ""

    run = deployment.run("push")

    assert run.jobs() == {"deploy": "failure"}, run.story
    (error,) = run.messages("error")
    for name in ("GLOSSATOR_DEPLOY_KEY", "GLOSSATOR_VAULT,", "GLOSSATOR_VAULT_PASSWORD", "GLOSSATOR_KNOWN_HOSTS"):
        assert name in error


def test_keys_of_the_object_store_in_a_variable_are_refused(deployment: Deployment) -> None:
    keys = {"object_store_keys": {"sensitive": True, "value": {"access_key": "a", "secret_key": "b"}}}
    deployment.variables["GLOSSATOR_MACHINES"] = json.dumps(make_output() | keys)

    run = deployment.run("push")

    assert run.jobs() == {"deploy": "failure"}, run.story
    assert "variables are no place for secrets" in run.messages("error")[0]
    assert deployment.read("services1") is None


def test_a_limit_that_is_an_option_is_refused(deployment: Deployment) -> None:
    run = deployment.run("workflow_dispatch", {"apply": "true", "limit": "--extra-vars=x"})

    assert run.jobs() == {"deploy": "failure"}, run.story
    assert "'limit' takes names" in run.messages("error")[0]


def test_a_wrong_vault_password_changes_nothing(deployment: Deployment) -> None:
    deployment.secrets["GLOSSATOR_VAULT_PASSWORD"] = "not-the-password"

    run = deployment.run("push")

    assert run.jobs() == {"deploy": "failure"}, run.story
    assert "Decryption failed" in run.text
    assert deployment.read("services1") is None
