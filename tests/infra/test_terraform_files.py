"""Terraform's files as texts: what can be said of them without Terraform."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path

import pytest

from tests.infra.terraform_provider import ROOT, SOURCES

FILES = sorted([*SOURCES.rglob("*.tf"), *SOURCES.rglob("*.hcl"), *SOURCES.rglob("*.example"), *SOURCES.rglob("*.json")])
MODULES = [folder for kind in ("modules", "environments") for folder in sorted((SOURCES / kind).iterdir())]
PORTS = json.loads((SOURCES / "ports.json").read_text(encoding="utf-8"))
SECRET = re.compile(
    r"(?i)(password|secret|token|access_key|private_key|credential_id)\w*\s*=\s*\"[^\"$]+\""
    r"|AKIA[0-9A-Z]{16}|-----BEGIN|gh[pousr]_[A-Za-z0-9]{20}|://[^/\s:\"]+:[^/\s@\"]+@"
)
OPEN = re.compile(r"0\.0\.0\.0/0|::/0")


def read_blocks(text: str, kind: str) -> dict[str, str]:
    """The blocks of a kind at the left margin, by name, as `terraform fmt` writes them."""
    found = re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}$', text, re.MULTILINE | re.DOTALL)
    assert len(found) == len(re.findall(rf'^{kind} "', text, re.MULTILINE)), "a block is not as terraform fmt writes it"
    return dict(found)


def find_faults(name: str, block: str) -> list[str]:
    """What a variable lacks. A bool needs no validation: each value is good. Null is refused or has a meaning."""
    wanted = {
        "description": r"^  description = \"[A-Z].*\.\"$",
        "type": r"^  type +=",
        "validation": r"^  validation \{$",
    }
    if re.search(r"^  type +=  *bool$", block, re.MULTILINE):
        del wanted["validation"]
    wanted["null"] = r"^  nullable +=  *false$|^  default +=  *null$|== null"
    return [f"{name}: {what}" for what, pattern in wanted.items() if not re.search(pattern, block, re.MULTILINE)]


@pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)
def test_every_variable_is_described_typed_and_validated(folder: Path) -> None:
    variables = read_blocks((folder / "variables.tf").read_text(encoding="utf-8"), "variable")
    assert variables
    assert [fault for name, block in variables.items() for fault in find_faults(name, block)] == []


def test_the_check_of_variables_finds_what_is_missing() -> None:
    blocks = read_blocks('variable "name" {\n  type = string\n}\nvariable "on" {\n  type = bool\n}\n', "variable")
    assert find_faults("name", blocks["name"]) == ["name: description", "name: validation", "name: null"]
    assert find_faults("on", blocks["on"]) == ["on: description", "on: null"]


@pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)
def test_every_output_is_described(folder: Path) -> None:
    outputs = read_blocks((folder / "outputs.tf").read_text(encoding="utf-8"), "output")
    assert [
        name for name, block in outputs.items() if not re.search(r'^  description = "[A-Z]', block, re.MULTILINE)
    ] == []


def test_both_environments_have_the_outputs_that_the_inventory_reads() -> None:
    for name in ("kvm", "chi"):
        text = (SOURCES / "environments" / name / "outputs.tf").read_text(encoding="utf-8")
        outputs = read_blocks(text, "output")
        assert list(outputs) == ["machines", "object_store", "object_store_keys", "admin_cidrs", "inside_cidrs"]
        assert "sensitive   = true" in outputs["object_store_keys"]


def test_no_file_holds_a_secret() -> None:
    assert [f"{path}: {found[0]}" for path in FILES for found in SECRET.finditer(path.read_text(encoding="utf-8"))
            if "tests" not in path.parts[:-1] or "me:secret" not in found[0]] == []  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ['secret_key = "0123456789"', 'application_credential_secret = "x"', "https://me:word@host/", "-----BEGIN KEY"],
)
def test_the_search_for_secrets_finds_them(text: str) -> None:
    assert SECRET.search(text)


def test_only_lets_encrypts_port_names_the_world() -> None:
    named = [f"{path.parent.name}/{path.name}" for path in SOURCES.rglob("*.tf") if OPEN.search(path.read_text())]
    assert named == ["security_groups/main.tf"]
    text = (SOURCES / "modules/security_groups/main.tf").read_text(encoding="utf-8")
    assert [line.strip() for line in text.splitlines() if OPEN.search(line)] == ['acme   = ["0.0.0.0/0"]']


def test_the_examples_open_ssh_to_one_address() -> None:
    for name in ("kvm", "chi"):
        text = (SOURCES / "environments" / name / "terraform.tfvars.example").read_text(encoding="utf-8")
        ranges = re.findall(r'"(\d+\.\d+\.\d+\.\d+/\d+)"', text)
        assert ranges
        assert all(ipaddress.ip_network(each).num_addresses == 1 for each in ranges)


def test_ports_are_well_formed() -> None:
    assert [set(port) for port in PORTS] == [{"name", "port", "on", "from", "why"}] * len(PORTS)
    assert len({port["name"] for port in PORTS}) == len({port["port"] for port in PORTS}) == len(PORTS)
    for port in PORTS:
        assert 0 < port["port"] < 65536
        assert set(port["on"]) <= {"services", "runner", "gpu"}
        assert port["on"]
        assert port["from"] in {"admin", "inside", "acme"}
        assert re.fullmatch(r"[a-z]+", port["name"])
        assert re.fullmatch(r"[A-Z][^\"\n]{5,250}", port["why"])  # OpenStack's descriptions end at 255 characters


def test_ssh_is_for_administrators_and_only_one_port_for_the_world() -> None:
    assert [(port["port"], port["from"]) for port in PORTS if port["name"] == "ssh"] == [(22, "admin")]
    assert [port["port"] for port in PORTS if port["from"] == "acme"] == [80]


def test_the_state_is_locked_and_the_backend_holds_no_keys() -> None:
    for name in ("kvm", "chi"):
        text = (SOURCES / "environments" / name / "backend.tf").read_text(encoding="utf-8")
        assert "use_lockfile = true" in text
        assert re.findall(r"\bkey +=", text) == ["key          ="]
        assert not re.search(r"^\s*(access_key|secret_key|bucket|endpoints)\s*=", text, re.MULTILINE)
        assert re.findall(r'"(\w+\.tfstate)"', text) == [f"{name}.tfstate"]


def test_nothing_of_a_run_is_in_the_repository() -> None:
    ignored = (SOURCES / ".gitignore").read_text(encoding="utf-8").split()
    assert {".terraform/", "*.tfstate", "*.tfplan", "backend.hcl", "terraform.tfvars"} <= set(ignored)


def test_what_must_last_is_not_destroyed() -> None:
    for module, kind in (
        ("volume", "openstack_blockstorage_volume_v3"),
        ("object_store", "openstack_objectstorage_container_v1"),
    ):
        text = (SOURCES / "modules" / module / "main.tf").read_text(encoding="utf-8")
        block = re.search(rf'^resource "{kind}" "this" \{{\n(.*?)^\}}$', text, re.MULTILINE | re.DOTALL)
        assert block
        assert "prevent_destroy = true" in block[1]


def test_the_versions_are_those_of_the_page() -> None:
    texts = {(folder / "versions.tf").read_text(encoding="utf-8") for folder in MODULES}
    assert len(texts) == 1
    text = texts.pop()
    page = (ROOT / "docs/provision-terraform.md").read_text(encoding="utf-8")
    for pattern in (r'required_version = ">= ([\d.]+)"', r'version = "~> ([\d.]+)"'):
        found = re.search(pattern, text)
        assert found
        assert found[1] in page


def test_the_workflow_has_no_secret_and_may_only_read() -> None:
    """What it runs comes from a pull request, so there must be nothing to take."""
    text = (ROOT / ".github/workflows/infra.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert re.findall(r"^permissions: (.*)$", text, re.MULTILINE) == ["{}"]
    assert set(re.findall(r"^    permissions:\n((?:      .*\n)+)", text, re.MULTILINE)) == {"      contents: read\n"}
