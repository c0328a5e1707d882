"""The playbooks and roles as files: what they name is there, secrets are asked for, the linter is content."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ansible.playbook import PLAYBOOKS, find_program, make_environment
from tests.command import ROOT

ROLES = sorted(each.name for each in (PLAYBOOKS / "roles").iterdir() if each.is_dir())
EXAMPLE = PLAYBOOKS / "group_vars/all/vault.example.yml"
SHARED = PLAYBOOKS / "group_vars/all/main.yml"
MADE_UP = PLAYBOOKS / "inventory/machines.example.yml"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def read_role(role: str, *folders: str) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for file in sorted((PLAYBOOKS / "roles" / role / folder).rglob("*")):
            if file.is_file() and file.suffix in {".yml", ".j2", ".sh", ".py"}:
                yield file, file.read_text(encoding="utf-8")


def find_tasks(role: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The file and each task of a role, those in blocks too."""

    def unfold(tasks: list[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
        for task in tasks or []:
            yield task
            for part in ("block", "rescue", "always"):
                yield from unfold(task.get(part))

    for file, text in read_role(role, "tasks", "handlers"):
        for task in unfold(yaml.safe_load(text)):
            yield str(file.relative_to(PLAYBOOKS)), task


def test_every_role_is_applied_and_every_role_that_is_applied_is_there() -> None:
    [play] = load(PLAYBOOKS / "site.yml")
    assert sorted(each["role"] for each in play["roles"]) == ROLES
    for each in play["roles"]:
        assert each["tags"] == [each["role"]]


def test_roles_that_make_what_others_use_come_first() -> None:
    [play] = load(PLAYBOOKS / "site.yml")
    order = [each["role"] for each in play["roles"]]
    for first, second in (
        *(("firewall", "door"), ("tls", "door"), ("volume", "mlflow"), ("code", "gateway"), ("code", "runner")),
        *(("docker", "nvidia_toolkit"), ("nvidia_toolkit", "serving"), ("docker", "exporters"), ("mlflow", "backup")),
        *(("door", "serving"), ("door", "mlflow"), ("exporters", "backup")),
    ):
        assert order.index(first) < order.index(second), (first, second)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_says_what_its_variables_are(role: str) -> None:
    folder = PLAYBOOKS / "roles" / role
    options = load(folder / "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    defaults = load(folder / "defaults/main.yml") or {}
    assert defaults.keys() <= options.keys()
    assert all(name.startswith(f"{role}_") for name in defaults)


def test_the_example_has_the_secrets_that_roles_read() -> None:
    told = set(load(EXAMPLE))
    read = {
        name
        for role in ROLES
        for _, text in read_role(role, "defaults", "tasks", "templates", "handlers", "vars")
        for name in re.findall(r"\bvault_\w+", text)
    }
    asked = {name for names in load(SHARED)["required_secrets"].values() for name in names}
    assert read == told, "no more and no less"
    assert asked <= told


def test_every_secret_of_the_example_is_a_placeholder_or_from_the_environment() -> None:
    for name, value in load(EXAMPLE).items():
        variable = name.replace("vault", "GLOSSATOR", 1).upper()
        fallback = "none" if name == "vault_alert_webhook" else "replace-me"
        assert value == f"{{{{ lookup('ansible.builtin.env', '{variable}') or '{fallback}' }}}}"


def test_what_the_inventory_says_is_not_said_again() -> None:
    said = set(load(MADE_UP)["all"]["vars"])
    assert not said & set(load(SHARED)), "a group_vars file beside the playbook would win over the inventory"


@pytest.mark.parametrize("role", ROLES)
def test_a_task_that_is_given_a_secret_does_not_show_it(role: str) -> None:
    for file, task in find_tasks(role):
        own = {key: value for key, value in task.items() if key not in {"block", "rescue", "always", "name", "when"}}
        if "vault_" in json.dumps(own) and not any("assert" in key for key in own):
            assert task.get("no_log") is True or task.get("diff") is False, f"{file}: {task.get('name')}"


def test_git_keeps_no_vault_no_ca_and_no_inventory(tmp_path: Path) -> None:
    names = ("group_vars/all/vault.yml", ".tls/ca.key", "inventory/machines.yml", ".ansible/x")
    for name in names:
        done = subprocess.run(("git", "check-ignore", "-q", f"ansible/{name}"), cwd=ROOT, check=False, timeout=20)
        assert done.returncode == 0, name


@pytest.mark.parametrize("role", ROLES)
def test_what_is_only_asked_is_asked_by_a_run_that_changes_nothing_too(role: str) -> None:
    """`site.yml --check` leaves commands out, and what a later task reads of one would not be there."""
    asking = {"ansible.builtin.command", "ansible.builtin.shell", "ansible.builtin.script"}
    for file, task in find_tasks(role):
        if asking & task.keys() and "register" in task and task.get("changed_when") is False:
            left_out = "ansible_check_mode" in str(task.get("when"))
            assert task.get("check_mode") is False or left_out, f"{file}: {task.get('name')}"


def read_names(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[<>=~!\[; ]", line)[0].lower() for line in requirements if line and not line.startswith("#")}


def test_what_the_code_needs_is_installed_by_digest() -> None:
    folder = PLAYBOOKS / "roles/code/files"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = read_names([*project["dependencies"], *project["optional-dependencies"]["ops"]])
    assert read_names((folder / "requirements.in").read_text("utf-8").splitlines()) == needed
    entries = re.split(r"\n(?=[a-z])", (folder / "requirements.txt").read_text("utf-8"))
    assert needed <= read_names(entries)
    assert all("--hash=sha256:" in entry for entry in entries)
    installs = [task["ansible.builtin.pip"] for _, task in find_tasks("code") if "ansible.builtin.pip" in task]
    assert all({"--require-hashes", "--no-deps"} & set(each["extra_args"].split()) for each in installs)
    assert len(installs) == 2


def lint(folder: Path, home: Path, *what: str) -> subprocess.CompletedProcess[str]:
    command = (find_program("ansible-lint"), "--offline", "--strict", "--nocolor", "-q", *what)
    program = Path(command[0]).parent
    environment = make_environment(home)
    environment["PATH"] = f"{program}:{environment['PATH']}"
    environment["ANSIBLE_CONFIG"] = str(folder / "ansible.cfg")
    environment["ANSIBLE_ROLES_PATH"] = str(folder / "roles")
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=500, check=False, env=environment
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The playbooks somewhere else, with the list of ports beside them."""
    folder = tmp_path / "ansible"
    shutil.copytree(PLAYBOOKS, folder, ignore=shutil.ignore_patterns(".ansible", ".tls", "vault.yml"))
    shutil.copytree(ROOT / "terraform", tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform"))
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("playbook", ["site.yml", "restore.yml"])
def test_the_playbooks_can_be_read(playbook: str, tmp_path: Path) -> None:
    command = (find_program("ansible-playbook"), "--syntax-check", "-i", str(MADE_UP), playbook)
    done = subprocess.run(
        command,
        cwd=PLAYBOOKS, capture_output=True, text=True, timeout=120, check=False, env=make_environment(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    done = lint(PLAYBOOKS, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_linter_is_awake(copy: Path, tmp_path: Path) -> None:
    tasks = copy / "roles/common/tasks/main.yml"
    tasks.write_text(tasks.read_text() + "\n- name: A fault\n  ansible.builtin.apt:\n    bogus_argument: 1\n")
    done = lint(copy, tmp_path, "roles/common")
    assert done.returncode != 0
    assert "bogus_argument" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"glossator_repository": "owner/name"}, "Set glossator_repository"),
        ({}, "vault_metrics_token is not set"),
        ({"vault_metrics_token": ""}, "vault_metrics_token is not set"),
        ({"admin_cidrs": []}, "has no admin_cidrs"),
        ({"admin_cidrs": ["0.0.0.0/0"]}, "opens SSH to the world"),
    ],
)
def test_a_run_ends_before_anything_changes(variables: dict[str, Any], words: str, tmp_path: Path) -> None:
    inventory = load(MADE_UP)
    for group in inventory["all"]["children"]["glossator"]["children"].values():
        for host in (group or {}).get("hosts", {}).values():
            host.update(ansible_connection="local", ansible_become=False, ansible_python_interpreter=sys.executable)
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory))
    given = json.dumps({"glossator_repository": "octo/demo", **variables})
    command = (
        *(find_program("ansible-playbook"), "-i", str(tmp_path / "inventory.yml"), "-e", given, "site.yml"),
        *("--tags", "nothing-but-the-check"),
    )
    done = subprocess.run(
        command,
        cwd=PLAYBOOKS, capture_output=True, text=True, timeout=200, check=False, env=make_environment(tmp_path),
    )  # fmt: skip
    assert done.returncode != 0
    assert words in re.sub(r"\s+", " ", done.stdout + done.stderr)
