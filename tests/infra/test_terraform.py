"""Terraform itself, on the stand-in provider: format, validity, its own tests, state with a lock, teardown, costs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runners.inventory import build_inventory, read_output
from tests.infra.terraform_provider import (
    ROOT,
    SOURCES,
    Provider,
    StandIn,
    build_environment,
    build_stand_in,
    copy_sources,
    explain_absence,
    find_uv,
    read_outputs,
    run,
    tell,
    write_mirror,
)
from tests.object_store import ObjectStore, find_weed

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(explain_absence()), reason=explain_absence())]
MODULES = [f"{kind}/{each.name}" for kind in ("modules", "environments") for each in sorted((SOURCES / kind).iterdir())]
LOCAL = 'terraform {\n  backend "local" {}\n}\n'
CHECKOV = "checkov==3.3.30"
MACHINE_KEYS = {
    "role": str, "site": str, "address": str, "private_address": str, "user": str, "volume_device": str, "gpu": bool,
    "bare_metal": bool, "public_name": str,
}  # fmt: skip
NO_RESULTS = "Your query returned no results. Please change your search criteria and try again"
REFUSING = f"""\
import json, sys
sys.path.insert(0, sys.argv.pop(1))
import stub_provider as stub
class Refusing(stub.P):
    def ReadDataSource(self, request, context):
        if request.type_name == "openstack_REFUSED_v2":
            found = stub.pb.Diagnostic(severity=stub.pb.Diagnostic.ERROR, summary={NO_RESULTS!r})
            return stub.pb.ReadDataSource.Response(diagnostics=[found])
        return super().ReadDataSource(request, context)
stub.P = Refusing
stub.serve(json.load(open(sys.argv[1])), True)
"""
"""The stand-in, but that one kind of thing is never found. The words are meant to be the provider's, from memory."""
SERVICES_ID = "11111111-1111-4111-8111-111111111111"
PLAN_PAGE = ROOT / "docs/provision-terraform.md"


@pytest.fixture(scope="session")
def installed() -> StandIn:
    return build_stand_in()


@pytest.fixture(scope="module")
def provider(installed: StandIn) -> Iterator[Provider]:
    with Provider(installed) as started:
        yield started


@pytest.fixture
def environment(provider: Provider) -> dict[str, str]:
    return dict(provider.environment)


@pytest.fixture(scope="module")
def prepared(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both environments with the values of their examples, for what only plans."""
    folder = copy_sources(tmp_path_factory.mktemp("prepared"))
    for name in ("kvm", "chi"):
        prepare(folder / "environments" / name, provider.environment)
    return folder / "environments"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return copy_sources(tmp_path)


def prepare(folder: Path, environment: dict[str, str]) -> Path:
    """An environment with the values of its example and a state on this disk."""
    (folder / "local_override.tf").write_text(LOCAL)
    shutil.copy(folder / "terraform.tfvars.example", folder / "terraform.tfvars")
    done = run(folder, "init", environment=environment)
    assert done.returncode == 0, tell(done)
    return folder


def apply(folder: Path, environment: dict[str, str], *arguments: str) -> None:
    done = run(folder, "apply", "-auto-approve", *arguments, environment=environment)
    assert done.returncode == 0, tell(done)


def list_state(folder: Path, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        ["terraform", "state", "list"], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_files_are_formatted(sources: Path) -> None:
    done = run(sources, "fmt", "-check", "-recursive", "-diff", environment=build_environment())
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", MODULES)
def test_it_is_valid_and_its_own_tests_pass(name: str, sources: Path, environment: dict[str, str]) -> None:
    for command in (["init", "-backend=false"], ["validate"], ["test"]):
        done = run(sources / name, *command, environment=environment)
        assert done.returncode == 0, tell(done)
    counted = re.search(r"Success! (\d+) passed, 0 failed\.", done.stdout)
    assert counted, done.stdout
    assert int(counted[1]) == len(re.findall(r"^run ", read_tests(sources / name), re.MULTILINE)) >= 4


def read_tests(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in folder.glob("tests/*.tftest.hcl"))


def test_most_runs_are_of_bad_values() -> None:
    texts = [read_tests(SOURCES / name) for name in MODULES]
    assert sum(text.count("\nrun ") for text in texts) >= 60
    assert sum(text.count("expect_failures") for text in texts) >= 40


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("node/main.tf", "key_pair    =", "keypair     =", 'An argument named "keypair" is not expected here'),
        ("node/main.tf", '"scheduler_hints"', '"scheduler_hint"', 'type "scheduler_hint" are not expected here'),
        ("node/outputs.tf", "this.access_ip_v4", "this.acess_ip_v4", 'attribute named "acess_ip_v4"'),
        ("network/main.tf", "router_interface_v2", "router_iface_v2", "does not support resource type"),
    ],
)
def test_a_misspelt_name_is_found(
    file: str, old: str, new: str, complaint: str, sources: Path, environment: dict[str, str]
) -> None:
    path = sources / "modules" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    run(path.parent, "init", "-backend=false", environment=environment)
    done = run(path.parent, "validate", environment=environment)
    assert done.returncode == 1
    assert complaint in tell(done)


@pytest.mark.parametrize(
    ("file", "old", "new", "failing"),
    [
        ("security_groups/main.tf", "local.sources[port.from]", "local.sources.acme", "each_port_is_open"),
        ("security_groups/main.tf", 'port.from != "acme" ||', 'port.from == "acme" ||', "each_port_is_open"),
        ("node/main.tf", "reservation = scheduler_hints.value", "reserved = scheduler_hints.value", "bare_metal_gets"),
        ("node/main.tf", '"reservation:${', '"${', "a_virtual_machine_takes"),
        ("network/outputs.tf", ": []", ": [var.cidr]", "a_shared_network_is_not_trusted"),
        ("object_store/main.tf", "var.create_keys ? 1 : 0", "1", "three_buckets_and_no_keys"),
    ],
)
def test_its_own_tests_find_a_mistake(
    file: str, old: str, new: str, failing: str, sources: Path, environment: dict[str, str]
) -> None:
    path = sources / "modules" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    run(path.parent, "init", "-backend=false", environment=environment)
    done = run(path.parent, "test", environment=environment)
    assert done.returncode == 1
    assert re.search(rf'run "{failing}\w*"\.\.\. fail', done.stdout), done.stdout


def test_init_takes_the_provider_at_a_version_as_a_user_does(sources: Path, installed: StandIn, tmp_path: Path) -> None:
    environment = build_environment() | {
        "TF_CLI_CONFIG_FILE": str(write_mirror(installed, tmp_path)), "TF_DISABLE_PLUGIN_TLS": "1",
    }  # fmt: skip
    folder = sources / "environments/kvm"
    assert "Installed terraform-provider-openstack/openstack v3.0.0" in tell(
        run(folder, "init", "-backend=false", environment=environment)
    )
    done = run(folder, "validate", environment=environment)
    assert done.returncode == 0, tell(done)
    versions = folder / "versions.tf"
    versions.write_text(versions.read_text().replace("~> 3.0", "~> 4.0"))
    (folder / ".terraform.lock.hcl").unlink()
    assert "no available releases match" in tell(run(folder, "init", "-backend=false", environment=environment))


@pytest.mark.parametrize("name", ["kvm", "chi"])
def test_outputs_have_the_shape_that_the_inventory_reads(name: str, sources: Path, environment: dict[str, str]) -> None:
    folder = prepare(sources / "environments" / name, environment)
    apply(folder, environment)
    outputs = read_outputs(folder, environment)
    assert set(outputs) == {"machines", "object_store", "object_store_keys", "admin_cidrs", "inside_cidrs"}
    assert outputs["machines"]
    for machine in outputs["machines"].values():
        assert {key: type(value) for key, value in machine.items()} == MACHINE_KEYS
        assert machine["site"] == name
        assert machine["gpu"] == (machine["role"] == "gpu")
        assert machine["volume_device"].startswith("/dev/disk/by-id/") == (machine["role"] == "services")
    assert set(outputs["object_store"]) == {"endpoint", "region", "buckets"}
    assert set(outputs["object_store"]["buckets"]) == {"data", "artifacts", "backups"}
    assert outputs["object_store_keys"] == {"access_key": "", "secret_key": ""}
    assert all(isinstance(each, str) and "/" in each for each in outputs["admin_cidrs"] + outputs["inside_cidrs"])
    again = run(folder, "plan", "-detailed-exitcode", environment=environment)
    assert again.returncode == 0, tell(again)
    (folder / "output.json").write_text(run(folder, "output", "-json", environment=environment).stdout)
    inventory = build_inventory([(folder / "output.json", read_output(folder / "output.json"))])
    groups = inventory["all"]["children"]["glossator"]["children"].values()
    assert {host for group in groups for host in group.get("hosts", {})} == set(outputs["machines"])


def test_machines_inside_are_reached_through_services(sources: Path, environment: dict[str, str]) -> None:
    folder = prepare(sources / "environments/kvm", environment)
    apply(folder, environment)
    outputs = read_outputs(folder, environment)
    services = outputs["machines"]["glossator-services"]
    assert outputs["admin_cidrs"] == ["203.0.113.7/32", f"{services['private_address']}/32"]
    apply(folder, environment, '-var=floating_ip_roles=["services","runner","gpu"]')
    outputs = read_outputs(folder, environment)
    assert outputs["admin_cidrs"] == ["203.0.113.7/32"]
    assert all(machine["address"] for machine in outputs["machines"].values())


def test_keys_are_in_the_state_only_when_asked_for_and_never_shown(sources: Path, environment: dict[str, str]) -> None:
    folder = prepare(sources / "environments/kvm", environment)
    done = run(folder, "apply", "-auto-approve", "-var=create_object_store_keys=true", environment=environment)
    assert done.returncode == 0
    keys = read_outputs(folder, environment)["object_store_keys"]
    assert keys["secret_key"]
    assert keys["secret_key"] not in done.stdout + done.stderr
    assert "<sensitive>" in done.stdout
    assert keys["secret_key"] in (folder / "terraform.tfstate").read_text()


def test_the_data_outlives_machines_and_leases(sources: Path, environment: dict[str, str]) -> None:
    folder = prepare(sources / "environments/kvm", environment)
    apply(folder, environment)
    lasting = [each for each in list_state(folder, environment) if "blockstorage" in each or "container" in each]
    assert len(lasting) == 4
    plan = run(folder, "plan", "-var=reservation_ids={}", environment=environment)
    assert set(re.findall(r"# (\S+) will be destroyed", plan.stdout)) == {
        'module.node["glossator-gpu"].openstack_compute_instance_v2.this',
        'module.node["glossator-gpu"].openstack_networking_port_v2.this[0]',
    }
    apply(folder, environment, "-var=reservation_ids={}", "-var=long_reservation_ids={}")
    left = list_state(folder, environment)
    assert set(lasting) <= set(left)
    assert not [each for each in left if "compute_instance" in each or "volume_attach" in each]
    refused = run(folder, "destroy", "-auto-approve", environment=environment)
    assert refused.returncode == 1
    assert "Instance cannot be destroyed" in tell(refused)
    page = PLAN_PAGE.read_text(encoding="utf-8")
    forgotten = re.findall(r"^terraform state rm '?([^'\n]+)'?$", page, re.MULTILINE)
    for each in forgotten:
        subprocess.run(["terraform", "state", "rm", each], cwd=folder, env=environment, capture_output=True, check=True)
    assert not set(lasting) & set(list_state(folder, environment))
    gone = run(folder, "destroy", "-auto-approve", environment=environment)
    assert gone.returncode == 0, tell(gone)
    assert not [each for each in list_state(folder, environment) if not each.startswith("data.")]


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        (
            "kvm",
            'reservation_ids={gpu="week-47"}',
            "the id of the reservation inside the lease, not the lease's id",
        ),
        (
            "kvm",
            f'reservation_ids={{gpu="{SERVICES_ID}"}}',
            "An id that is the same for all is the lease's",
        ),
        ("kvm", 'admin_cidrs=["0.0.0.0/0"]', "admin_cidrs must not be open to the world"),
        ("kvm", 'admin_cidrs=["203.0.113.7"]', "A single address is written with /32"),
        ("kvm", 'inside_cidrs=["::/0"]', "inside_cidrs must not be open to the world"),
        ("kvm", "key_pair_name=/home/me/.ssh/id.pub", "must be the name of a key pair in the cloud, not a file"),
        ("kvm", "existing_network_name=sharednet1", "others share that network, so its range is not trusted"),
        ("kvm", "gpu_boot_volume_gb=40", "gpu_boot_volume_gb must be a whole number from 100 to 2000"),
        ("kvm", "runner_count=many", "a number is required"),
        ("kvm", "long_reservation_ids={}", "floating_ip_roles leaves a machine that nobody can reach"),
        ("kvm", 'flavors={gpus="m1.large"}', "flavors has a role that is not known here"),
        ("kvm", "admin_cidrs=null", "required variable may not be set to null"),
        ("chi", "node_types={}", "node_types must name the node type of each role"),
        ("chi", 'reservation_ids={services="x"}', "services stand at KVM, where there are volumes"),
        ("chi", "inside_cidrs=[]", "inside_cidrs must not be empty"),
    ],
)
def test_a_bad_value_stops_the_plan_with_what_to_do(
    name: str, argument: str, message: str, prepared: Path, environment: dict[str, str]
) -> None:
    done = run(prepared / name, "plan", f"-var={argument}", environment=environment)
    assert done.returncode == 1
    assert message in tell(done)


@pytest.mark.parametrize(
    ("kind", "name", "address"),
    [
        ("compute_flavor", "kvm", "reserved_by_an_active_lease"),
        ("compute_keypair", "kvm", "data.openstack_compute_keypair_v2.this"),
        ("images_image", "chi", "data.openstack_images_image_v2.this"),
    ],
)
def test_what_the_site_does_not_have_stops_the_plan(
    kind: str, name: str, address: str, installed: StandIn, sources: Path, tmp_path: Path
) -> None:
    """As a reservation's flavor, before its lease begins and after it has ended; or that of a lease's own id."""
    script = tmp_path / "refusing.py"
    script.write_text(REFUSING.replace("REFUSED", kind))
    with Provider(installed, arguments=(str(script), str(installed.script.parent))) as provider:
        folder = prepare(sources / "environments" / name, provider.environment)
        done = run(folder, "apply", "-auto-approve", environment=provider.environment)
    assert done.returncode == 1
    assert NO_RESULTS in tell(done)
    assert address in tell(done)
    assert not (folder / "terraform.tfstate").exists(), "nothing was made before it stopped"


@pytest.mark.parametrize("name", ["kvm", "chi"])
def test_the_page_shows_the_plan_and_its_costs(name: str, prepared: Path, environment: dict[str, str]) -> None:
    run(prepared / name, "plan", "-out=glossator.tfplan", environment=environment)
    plan = run(prepared / name, "show", "-json", "glossator.tfplan", environment=environment)
    done = subprocess.run(
        [sys.executable, SOURCES / "plan_table.py"], input=plan.stdout, capture_output=True, text=True, check=True
    )
    shown = re.search(rf"<!-- plan: {name} -->\n(.*?)<!-- end -->", PLAN_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    assert shown[1].strip() == done.stdout.strip()


def test_checkov_finds_nothing_but_the_bad_rule_that_is_put_beside(sources: Path) -> None:
    """It runs in an environment of its own: its packages do not go with ours."""
    rule = (SOURCES / "modules/security_groups/main.tf").read_text(encoding="utf-8")
    bad = rule.replace("each.value.cidr\n", '"0.0.0.0/0"\n').replace("each.value.port.port", "22")
    (sources / "bad").mkdir()
    (sources / "bad/main.tf").write_text(bad, encoding="utf-8")
    uv, settings = str(find_uv()), SOURCES / ".checkov.yaml"
    done = subprocess.run(
        [uv, "tool", "run", "--python", sys.executable, CHECKOV, "--directory", sources, "--config-file", settings,
         "--skip-download", "--output", "json"],
        cwd=sources, env=os.environ | {"LOG_LEVEL": "ERROR"}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    failed = {(each["check_id"], each["file_path"]) for each in found["results"]["failed_checks"]}
    assert failed == {("CKV_OPENSTACK_2", "/bad/main.tf")}
    assert found["summary"]["passed"] > len(failed)
    assert found["summary"]["skipped"] == 0


@pytest.mark.skipif(not find_weed(), reason="no object store: pip install '.[acceptance]'")
def test_a_second_run_is_refused_while_one_has_the_lock(sources: Path, environment: dict[str, str]) -> None:
    first = sources / "environments/kvm"
    shutil.copy(first / "terraform.tfvars.example", first / "terraform.tfvars")
    with ObjectStore("state") as store:
        environment |= store.environment | {"TF_INPUT": "1"}
        (first / "backend.hcl").write_text(
            f'bucket    = "{store.bucket}"\nregion    = "us-east-1"\nendpoints = {{ s3 = "{store.url}" }}\n'
        )
        done = run(first, "init", "-backend-config=backend.hcl", environment=environment)
        assert done.returncode == 0, tell(done)
        second = Path(shutil.copytree(first, sources / "environments/second"))
        with subprocess.Popen(
            ["terraform", "apply", "-no-color"], cwd=first, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as waiting:  # fmt: skip
            assert waiting.stdin
            assert waiting.stdout
            for line in waiting.stdout:  # it asks for approval and holds the lock
                if "Do you want to perform these actions?" in line:
                    break
            assert store.list_keys() == ["kvm.tfstate.tflock"]
            refused = run(second, "apply", "-auto-approve", environment=environment)
            assert refused.returncode == 1
            assert "Error acquiring the state lock" in tell(refused)
            waiting.communicate("yes\n", timeout=120)
        assert waiting.returncode == 0
        assert store.list_keys() == ["kvm.tfstate"]
        allowed = run(second, "plan", "-detailed-exitcode", environment=environment)
        assert allowed.returncode == 0, tell(allowed)
        assert not [path.name for path in first.glob("*.tfstate*")]
        wrong = environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}
        assert "SignatureDoesNotMatch" in tell(run(second, "plan", environment=wrong))
