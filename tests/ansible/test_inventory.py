"""`glossator-ops inventory`: Terraform's output in, Ansible's inventory out."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from reviewer.errors import UsageError
from runners.commands.inventory import command
from tests.command import ROOT

EMPTY_STORE = {"endpoint": "", "region": "", "buckets": {"data": "", "artifacts": "", "backups": ""}}
STORE = {
    "endpoint": "https://chi.tacc.chameleoncloud.org:7480",
    "region": "us-east-1",
    "buckets": {"data": "g-data", "artifacts": "g-artifacts", "backups": "g-backups"},
}


def machine(**fields: Any) -> dict[str, Any]:
    return {
        "role": "services",
        "site": "kvm",
        "address": "203.0.113.10",
        "private_address": "192.168.90.10",
        "user": "cc",
        "volume_device": "/dev/disk/by-id/virtio-0123",
        "gpu": False,
        "bare_metal": False,
        "public_name": "",
        **fields,
    }


def output(folder: Path, machines: dict[str, Any], name: str = "kvm.json", **values: Any) -> Path:
    """As `terraform output -json` writes it, with types that nobody needs."""
    given = {
        "machines": machines,
        "object_store": STORE,
        "object_store_keys": {"access_key": "THE-ACCESS-KEY", "secret_key": "THE-SECRET-KEY"},
        "admin_cidrs": ["198.51.100.7/32"],
        "inside_cidrs": ["192.168.90.0/24"],
        **values,
    }
    file = folder / name
    file.write_text(
        json.dumps({key: {"sensitive": False, "type": "string", "value": each} for key, each in given.items()})
    )
    return file


def invoke(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def build(*files: Path) -> dict[str, Any]:
    result = invoke(*files)
    assert result.exception is None, result.exception
    inventory: dict[str, Any] = yaml.safe_load(result.stdout)
    return inventory


def refused(*words: object) -> UsageError:
    error = invoke(*words).exception
    assert isinstance(error, UsageError), error
    return error


def groups(inventory: dict[str, Any]) -> dict[str, Any]:
    children: dict[str, Any] = inventory["all"]["children"]["glossator"]["children"]
    return children


def test_each_machine_is_in_the_group_of_its_role(tmp_path: Path) -> None:
    made = build(output(tmp_path, {"g-services": machine(), "g-gpu": machine(role="gpu", gpu=True)}))
    assert {name: list(each.get("hosts", {})) for name, each in groups(made).items()} == {
        "services": ["g-services"],
        "runner": [],
        "gpu": ["g-gpu"],
    }


def test_a_machine_has_its_fields_and_how_it_is_reached(tmp_path: Path) -> None:
    made = build(output(tmp_path, {"g-services": machine()}))
    fields = machine()
    del fields["user"]
    assert groups(made)["services"]["hosts"]["g-services"] == {
        "ansible_host": "203.0.113.10",
        "ansible_user": "cc",
        **fields,
    }


def test_all_machines_share_networks_and_the_object_store(tmp_path: Path) -> None:
    made = build(output(tmp_path, {"g-services": machine()}))
    assert made["all"]["vars"] == {
        "admin_cidrs": ["198.51.100.7/32"],
        "inside_cidrs": ["192.168.90.0/24"],
        "s3_endpoint": "https://chi.tacc.chameleoncloud.org:7480",
        "s3_region": "us-east-1",
        "s3_bucket_data": "g-data",
        "s3_bucket_artifacts": "g-artifacts",
        "s3_bucket_backups": "g-backups",
    }


def test_the_keys_of_the_object_store_are_left_where_they_are(tmp_path: Path) -> None:
    text = invoke(output(tmp_path, {"g-services": machine()})).output
    assert "KEY" not in text


def test_a_machine_without_an_address_is_reached_through_the_services(tmp_path: Path) -> None:
    machines = {
        "a-gpu": machine(role="gpu", address="203.0.113.99"),
        "g-runner": machine(role="runner", address="", private_address="192.168.90.11"),
        "g-services": machine(),
    }
    runner = groups(build(output(tmp_path, machines)))["runner"]["hosts"]["g-runner"]
    assert runner["ansible_host"] == "192.168.90.11"
    assert runner["ansible_ssh_common_args"] == "-o ProxyJump=cc@203.0.113.10"


def test_a_jump_is_held_to_the_same_rule_for_keys(tmp_path: Path) -> None:
    """Ssh hands on to a jump the file of its options and no option of its command line."""
    if not shutil.which("ssh"):
        pytest.skip("no ssh: apt-get install openssh-client")
    machines = {"g-runner": machine(role="runner", address=""), "g-services": machine(address="127.0.0.1")}
    jump = groups(build(output(tmp_path, machines)))["runner"]["hosts"]["g-runner"]["ansible_ssh_common_args"]
    settings = configparser.ConfigParser()
    settings.read(ROOT / "ansible/ansible.cfg")
    # Nobody listens at port 1: what ssh says before it connects is enough.
    words = [
        *shlex.split(settings["ssh_connection"]["ssh_args"]),
        *shlex.split(jump.replace("127.0.0.1", "127.0.0.1:1")),
    ]
    words += ["-o", "ControlPath=none"]
    tried = ssh("-v", *words, "192.0.2.1", "true")
    [command] = re.findall(r"Setting implicit ProxyCommand from ProxyJump: ssh (.*)", tried.stderr)
    handed_on = shlex.split(command.partition(" -W ")[0])
    assert "stricthostkeychecking accept-new" in ssh("-G", *handed_on, "127.0.0.1").stdout.splitlines()


def ssh(*words: str) -> subprocess.CompletedProcess[str]:
    """Ssh as Ansible starts it, in the folder of the playbooks."""
    return subprocess.run(
        ("ssh", *words), cwd=ROOT / "ansible", capture_output=True, text=True, timeout=30, check=False
    )


def test_two_environments_make_one_inventory(tmp_path: Path) -> None:
    kvm = output(tmp_path, {"g-services": machine()})
    chi = output(
        tmp_path,
        {"g-gpu": machine(role="gpu", site="chi", address="198.51.100.80", volume_device="", bare_metal=True)},
        "chi.json",
        object_store=EMPTY_STORE,
        admin_cidrs=["198.51.100.7/32", "198.51.100.8/32"],
        inside_cidrs=["203.0.113.10/32"],
    )
    made = build(kvm, chi)
    assert groups(made) == groups(build(chi, kvm)), "their order means nothing"
    assert made["all"]["vars"]["admin_cidrs"] == ["198.51.100.7/32", "198.51.100.8/32"]
    assert made["all"]["vars"]["inside_cidrs"] == ["192.168.90.0/24", "203.0.113.10/32"]
    assert made["all"]["vars"]["s3_bucket_data"] == "g-data"
    assert list(groups(made)["gpu"]["hosts"]) == ["g-gpu"]


def test_an_environment_without_a_store_leaves_its_variables_empty(tmp_path: Path) -> None:
    made = build(output(tmp_path, {"g-services": machine()}, object_store=EMPTY_STORE))
    assert made["all"]["vars"]["s3_endpoint"] == ""


def test_it_is_written_to_a_file_whole(tmp_path: Path) -> None:
    file, target = output(tmp_path, {"g-services": machine()}), tmp_path / "machines.yml"
    result = invoke(file, "--out", target)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert target.read_text().startswith("# Made by `glossator-ops inventory`")
    assert yaml.safe_load(target.read_text()) == build(file)


def test_the_example_has_the_shape_that_is_made(tmp_path: Path) -> None:
    example = yaml.safe_load((ROOT / "ansible/inventory/machines.example.yml").read_text())
    made = build(output(tmp_path, {"glossator-services": machine()}))
    assert example["all"]["vars"].keys() == made["all"]["vars"].keys()
    hosts = groups(example)["services"]["hosts"]["glossator-services"]
    assert hosts.keys() == groups(made)["services"]["hosts"]["glossator-services"].keys()


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"role": "broker"}, "role"),
        ({"site": "uc"}, "site"),
        ({"gpu": "yes"}, "gpu"),
        ({"user": "-oProxyCommand=sh"}, "user"),
        ({"address": "203.0.113.1 -oX"}, "address"),
        ({"address": "{{ lookup('pipe', 'id') }}"}, "address"),
        ({"address": "203.0.113.1\n"}, "address"),
        ({"user": "cc\n"}, "user"),
        ({"volume_device": "vdb"}, "volume_device"),
        ({"volume_device": "/dev/vdb\n"}, "volume_device"),
        ({"volume_device": "/dev/vdb; reboot"}, "volume_device"),
    ],
)
def test_a_field_that_cannot_be_is_named(tmp_path: Path, fields: dict[str, Any], word: str) -> None:
    error = refused(output(tmp_path, {"g-services": machine(**fields)}))
    assert word in error.what
    assert "kvm.json" in error.what


@pytest.mark.parametrize(
    "change",
    [{"endpoint": "https://a.example\n"}, {"endpoint": "{{ x }}"}, {"region": "a b"}, {"buckets": {"data": "only"}}],
)
def test_a_store_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    error = refused(output(tmp_path, {"g-services": machine()}, object_store={**STORE, **change}))
    assert "object_store" in error.what


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    fields = machine()
    del fields["public_name"]
    assert "public_name" in refused(output(tmp_path, {"g-services": fields})).what


@pytest.mark.parametrize("name", ["services", "all", "localhost", "a b", "a_b", "-a", "a-", "", "a\n", "x" * 64])
def test_a_name_that_means_something_else_is_refused(tmp_path: Path, name: str) -> None:
    assert "cannot be a machine's name" in refused(output(tmp_path, {name: machine()})).what


@pytest.mark.parametrize("networks", [["here"], ["192.168.90.1/24"], ["192.168.90.0/33"]])
def test_what_is_no_network_is_refused(tmp_path: Path, networks: list[str]) -> None:
    assert networks[0].partition("/")[0] in refused(output(tmp_path, {"g": machine()}, inside_cidrs=networks)).what


def test_no_machine_is_refused(tmp_path: Path) -> None:
    assert "no machine" in refused(output(tmp_path, {})).what


def test_a_machine_without_any_address_is_refused(tmp_path: Path) -> None:
    error = refused(output(tmp_path, {"g-services": machine(address="", private_address="")}))
    assert "no address" in error.what


def test_a_machine_that_nothing_leads_to_is_refused(tmp_path: Path) -> None:
    error = refused(output(tmp_path, {"g-runner": machine(role="runner", address="")}))
    assert "only a private address" in error.what


def test_a_machine_of_another_site_leads_nowhere(tmp_path: Path) -> None:
    machines = {"g-services": machine(), "g-gpu": machine(role="gpu", site="chi", address="")}
    assert "g-gpu has only a private address" in refused(output(tmp_path, machines)).what


def test_a_name_in_two_environments_is_refused(tmp_path: Path) -> None:
    first, second = (output(tmp_path, {"g-gpu": machine()}, name) for name in ("kvm.json", "chi.json"))
    assert "a machine g-gpu already" in refused(first, second).what


def test_two_object_stores_are_refused(tmp_path: Path) -> None:
    other = {**STORE, "endpoint": "https://chi.uc.chameleoncloud.org:7480"}
    first = output(tmp_path, {"g-services": machine()})
    second = output(tmp_path, {"g-gpu": machine(role="gpu")}, "chi.json", object_store=other)
    assert "more than one object store" in refused(first, second).what


@pytest.mark.parametrize("text", ["", "{}", "\n"])
def test_an_empty_output_says_to_apply(tmp_path: Path, text: str) -> None:
    (tmp_path / "kvm.json").write_text(text)
    error = refused(tmp_path / "kvm.json")
    assert "terraform apply" in error.hint


@pytest.mark.parametrize("text", ["[]", "null", "{", "\udc00", '{"machines": {"value": []}}', "[" * 5000])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "kvm.json").write_text(text, errors="surrogateescape" if "\udc00" not in text else "replace")
    assert "is not the output of one of our environments" in refused(tmp_path / "kvm.json").what


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "absent.json" in refused(tmp_path / "absent.json").what


def test_nothing_is_asked_for_when_the_target_cannot_be_written(tmp_path: Path) -> None:
    file = output(tmp_path, {"g-services": machine()})
    assert "no folder" in refused(file, "--out", tmp_path / "nowhere" / "x.yml").what
