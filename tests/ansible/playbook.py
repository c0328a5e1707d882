"""Run our playbooks against a machine that was booted for it, and read what Ansible counted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.ansible.machine import USER, Machine

ROOT: Final = Path(__file__).parents[2]
PLAYBOOKS: Final = ROOT / "ansible"
NAME: Final = "glossator-machine"
RECAP: Final = re.compile(rf"^{NAME}\s+: (.*)$", re.MULTILINE)
SECRETS: Final = (
    "endpoint_token", "metrics_token", "events_token", "mlflow_password", "grafana_password",
    "backup_key",
)  # fmt: skip


def find_program(name: str) -> str:
    """A program of Ansible beside this Python, or on the path; the test is skipped where there is none."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        pytest.skip(f"no {name}: pip install ansible ansible-lint")
    return found


@dataclass(frozen=True, slots=True)
class Played:
    """How a run of a playbook ended."""

    code: int
    text: str

    @property
    def counts(self) -> dict[str, int]:
        """What the recap says of the machine: ok, changed, failed and so on; empty if it does not name it."""
        found = RECAP.search(self.text)
        pairs = (each.split("=") for each in found[1].split()) if found else ()
        return {name: int(count) for name, count in pairs}

    @property
    def changed(self) -> list[str]:
        """The tasks that changed something."""
        task, names = "", []
        for line in self.text.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line[line.index("[") + 1 : line.rindex("]")]
            elif line.startswith("changed: ["):
                names.append(task)
        return names


@dataclass(frozen=True, slots=True)
class Site:
    """A machine in some groups, with the variables that it has in its inventory."""

    machine: Machine
    groups: tuple[str, ...] = ("services", "runner", "gpu")
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Host variables that are not the usual ones."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Variables that win over all others, as with -e."""

    def inventory(self) -> dict[str, Any]:
        """As `glossator-ops inventory` writes it."""
        host = {
            "ansible_host": self.machine.address,
            "ansible_user": USER,
            "role": self.groups[0],
            "site": "chi",
            "address": self.machine.address,
            "private_address": self.machine.address,
            "volume_device": "",
            "gpu": False,
            "bare_metal": True,
            "public_name": "",
            **self.fields,
        }
        shared = {
            "admin_cidrs": [f"{self.machine.here}/32"],
            "inside_cidrs": [f"{self.machine.here}/32"],
            "s3_endpoint": "",
            "s3_region": "us-east-1",
            "s3_bucket_data": "data",
            "s3_bucket_artifacts": "artifacts",
            "s3_bucket_backups": "backups",
        }
        groups = {
            name: {"hosts": {NAME: host}} if name in self.groups else {} for name in ("services", "runner", "gpu")
        }
        return {"all": {"vars": shared, "children": {"glossator": {"children": groups}}}}

    def variables(self) -> dict[str, Any]:
        """Secrets, made up, and what a machine in a container cannot do."""
        made_up = {f"vault_{name}": f"{name}-of-the-tests-0123456789abcdef" for name in SECRETS}
        return {
            **made_up,
            "vault_github_app_id": "1",
            "vault_github_app_private_key": "none",
            "vault_s3_access_key": "x",
            "vault_s3_secret_key": "x",
            "vault_alert_webhook": "none",
            "glossator_repository": "octo/demo",
            "common_time_state": "stopped",
            "tls_ca_folder": str(self.machine.folder / "ca"),
            **self.settings,
        }

    def play(self, playbook: str | Path, *words: str, timeout: float = 600) -> Played:
        """Run a playbook of ours, or one of the test's."""
        folder = self.machine.folder
        (folder / "inventory.yml").write_text(yaml.safe_dump(self.inventory()))
        variables = folder / "variables.json"
        variables.touch(mode=0o600)
        variables.write_text(json.dumps(self.variables()))
        command = (
            *(find_program("ansible-playbook"), "-i", str(folder / "inventory.yml"), "-e", f"@{variables}"),
            *(f"--ssh-common-args={' '.join(self.machine.ssh)}", str(PLAYBOOKS / playbook), *words),
        )
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=PLAYBOOKS,
            env=make_environment(folder),
        )
        return Played(done.returncode, done.stdout + done.stderr)


def make_environment(folder: Path) -> dict[str, str]:
    """This environment, with our configuration and nothing left in the home folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "GLOSSATOR_"))}
    return kept | {
        "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_ROLES_PATH": os.environ.get("GLOSSATOR_TEST_ROLES", str(PLAYBOOKS / "roles")),
    }
