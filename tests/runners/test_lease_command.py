"""`glossator-ops lease` as it is typed: what it says, writes and ends with, and what it says of bad input."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reviewer.errors import UsageError
from runners.cli import main
from runners.lease_report import append_outputs
from simulation.chameleon import ChameleonServer, Fault
from tests.command import Done

Run = Callable[..., Done]
GPU = ("--machine", "gpu=node:gpu_p100")
QUICK = ("--poll", "0.01")


@pytest.fixture
def site() -> Iterator[ChameleonServer]:
    with ChameleonServer() as server:
        yield server


@pytest.fixture
def ops(
    site: ChameleonServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """The command, with the environment of somebody who has sourced an openrc file. No output holds the secret."""
    for name in list(os.environ):
        if name.startswith(("OS_", "GLOSSATOR_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr("runners.lease_cloud.PAUSE", 0.0)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, openrc: bool = True, **variables: str) -> Done:
        given = (site.environment() if openrc else {}) | variables
        with monkeypatch.context() as patched:
            for name, value in given.items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["glossator-ops", *map(str, arguments)])
            patched.setattr(sys, "stdin", io.StringIO())
            with pytest.raises(SystemExit) as ended:
                main()
        shown = capsys.readouterr()
        secret = given.get("OS_APPLICATION_CREDENTIAL_SECRET")
        assert not secret or secret not in shown.out + shown.err
        assert site.url not in shown.out + shown.err
        return Done(int(ended.value.code or 0), shown.out, shown.err)

    return run


def test_a_lease_from_its_making_to_its_end(ops: Run, tmp_path: Path) -> None:
    for kind in ("json", "hcl"):
        file = tmp_path / ("lease.tfvars.json" if kind == "json" else "lease.tfvars")
        done = ops("lease", "create", "reviews", *GPU, *QUICK, "--for", "3d", "--tfvars", file, "--json")
        assert done.code == 0, done.err
        found = json.loads(done.out)
        ids = found["reservation_ids"]
        assert (found["name"], found["status"], found["made"]) == ("reviews", "ACTIVE", kind == "json")
        assert list(ids) == ["gpu"]
        if kind == "json":
            assert json.loads(file.read_text()) == {"reservation_ids": ids, "node_types": {"gpu": "gpu_p100"}}
        else:
            text = f'reservation_ids = {{\n  gpu = "{ids["gpu"]}"\n}}\n\nnode_types = {{\n  gpu = "gpu_p100"\n}}\n'
            assert file.read_text() == text

    shown = ops("lease", "show", "reviews", *GPU)
    assert re.search(r"^status +ACTIVE$", shown.out, re.MULTILINE)
    assert re.search(rf"^gpu +{ids['gpu']} \(physical:host\)$", shown.out, re.MULTILINE)
    assert re.search(r"^left +2 days 23 hours$", shown.out, re.MULTILINE)
    assert ops("lease", "show").out == f"{'reviews':<32} {'ACTIVE':<12} {found['end']}\n"
    assert ops("lease", "end", "reviews").out == "Ended reviews.\n"
    assert ops("lease", "end", "reviews").out == "There is no lease reviews any more.\n"
    assert ops("lease", "show").out == "No leases in this project.\n"


def test_a_lease_of_months_has_a_variable_of_its_own(ops: Run, tmp_path: Path) -> None:
    """Terraform takes a map whole: with the same name for both leases one file would take the machines of the other."""
    file = tmp_path / "services.auto.tfvars.json"
    machines = ("--machine", "services=flavor:m1.xlarge", "--machine", "runner=flavor:m1.large")

    done = ops("lease", "create", "services", *machines, *QUICK, "--tfvars", file, "--json")

    found = json.loads(done.out)["reservation_ids"]
    assert list(found) == ["services", "runner"]
    assert json.loads(file.read_text()) == {"long_reservation_ids": found}


def test_the_variables_of_a_workflow(ops: Run, site: ChameleonServer, tmp_path: Path) -> None:
    """The name, the machines and the outputs, as lease.yml gives them."""
    names = {"GLOSSATOR_LEASE_NAME": "reviews", "GLOSSATOR_LEASE_MACHINES": "gpu=node:gpu_p100"}
    outputs = tmp_path / "outputs"

    none = ops("lease", "ensure", *QUICK, "--outputs", outputs, **names)
    assert none.code == 8
    assert "There is no lease reviews, and none is made." in none.err
    told = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    assert (told["outcome"], told["serving"], told["state"], told["end-seconds"]) == ("failed", "down", "ended", "0")
    outputs.unlink()
    assert site.blazar.leases == {}

    made = ops("lease", "ensure", "--create", *QUICK, "--outputs", outputs, **names)
    kept = ops("lease", "ensure", *QUICK, "--outputs", outputs, **names)

    assert (made.code, kept.code) == (0, 0), made.err
    lines = [line.split("=", 1) for line in outputs.read_text().splitlines()]
    first, second = dict(lines[: len(lines) // 2]), dict(lines[len(lines) // 2 :])
    assert (first["outcome"], first["serving"]) == ("created", "down")
    assert (second["outcome"], second["serving"], second["state"]) == ("kept", "up", "active")
    end = datetime.fromisoformat(second["lease-end"])
    assert datetime.fromisoformat(second["serving-until"]) == end - timedelta(minutes=30)
    assert int(second["end-seconds"]) == int(end.timestamp())


def test_a_lease_that_runs_out(ops: Run, site: ChameleonServer, tmp_path: Path) -> None:
    ops("lease", "create", "reviews", *GPU, *QUICK)
    (lease,) = site.blazar.leases.values()
    site.blazar.hosts["gpu_p100"] = 0
    outputs = tmp_path / "outputs"

    for left, code, serving in ((timedelta(hours=5), 0, "up"), (timedelta(hours=1), 8, "down")):
        lease.end = (datetime.now(UTC) + left).replace(second=0, microsecond=0)
        done = ops("lease", "ensure", "reviews", *GPU, "--outputs", outputs)
        assert done.code == code
        assert "cannot be renewed: Cannot extend the lease reviews: nothing of that kind is free" in done.out
        assert dict(line.split("=", 1) for line in outputs.read_text().splitlines())["serving"] == serving

    lease.end = datetime.now(UTC) - timedelta(hours=1)
    done = ops("lease", "ensure", "reviews", *GPU, "--outputs", outputs)
    assert done.code == 8
    found = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    assert (found["outcome"], found["serving"], found["state"]) == ("failed", "down", "ended")
    assert ops("lease", "show", "reviews").err.startswith("glossator: The lease reviews ended at 20")


def test_an_output_is_one_line(tmp_path: Path) -> None:
    """Two would be two outputs, the second one of somebody else's choice."""
    append_outputs(tmp_path / "outputs", {"why": "no\nserving=up"})
    append_outputs(tmp_path / "outputs", {"serving": "down"})

    assert (tmp_path / "outputs").read_text() == "why=no serving=up\nserving=down\n"
    with pytest.raises(UsageError, match="Cannot write"):
        append_outputs(tmp_path, {"why": ""})


def test_a_cloud_that_does_not_answer_changes_no_state(ops: Run, site: ChameleonServer, tmp_path: Path) -> None:
    site.faults.append(Fault("GET", "/leases", 0, times=9))
    outputs = tmp_path / "outputs"

    done = ops("lease", "ensure", "reviews", *GPU, "--outputs", outputs)

    assert done.code == 8
    assert "Cannot list the leases: the cloud did not answer (no connection)." in done.err
    assert "serving=keep\n" in outputs.read_text()


@pytest.mark.parametrize("missing", ["OS_AUTH_URL", "OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_SECRET"])
def test_a_variable_that_is_missing_is_named(ops: Run, missing: str) -> None:
    done = ops("lease", "show", **{missing: ""})

    assert done.code == 2
    assert done.err.startswith(f"glossator: No credential for the cloud: {missing} not set.")
    assert "Application Credentials" in done.err


BAD = (
    ({"OS_APPLICATION_CREDENTIAL_SECRET": "another-1"}, 8, "does not accept the application credential"),
    ({"OS_APPLICATION_CREDENTIAL_ID": "nobody"}, 8, "does not accept the application credential"),
    ({"OS_AUTH_URL": "http://chi.example.org:5000/v3"}, 2, "OS_AUTH_URL is not https"),
    ({"OS_AUTH_URL": "chi.example.org"}, 2, "OS_AUTH_URL is no address"),
    ({"OS_AUTH_URL": "http://127.0.0.1:9/v3"}, 8, "the cloud did not answer (no connection)"),
    ({"OS_REGION_NAME": "KVM@TACC"}, 8, "in the region 'KVM@TACC'. It is offered in: CHI@TACC."),
    ({"OS_AUTH_TYPE": "v3password"}, 2, "OS_AUTH_TYPE is 'v3password'"),
    ({"OS_CACERT": "/nowhere.pem"}, 2, "is no certificate file"),
    ({"OS_CLOUD": "chi"}, 0, ""),
)


@pytest.mark.parametrize(("variables", "code", "message"), BAD, ids=[next(iter(one[0])) for one in BAD])
def test_what_is_wrong_with_a_login(ops: Run, variables: dict[str, str], code: int, message: str) -> None:
    """OS_* variables win over clouds.yaml, so an OS_CLOUD beside them does nothing."""
    done = ops("lease", "show", **variables)

    assert done.code == code, done.err
    assert message in done.err


def test_an_old_password_login(ops: Run) -> None:
    done = ops("lease", "show", openrc=False, OS_USERNAME="me", OS_PASSWORD="x")

    assert done.code == 2
    assert "OS_AUTH_URL, OS_APPLICATION_CREDENTIAL_ID, OS_APPLICATION_CREDENTIAL_SECRET not set" in done.err
    assert "A password login (OS_USERNAME, OS_PASSWORD) is set, which does not do." in done.err


CLOUDS = """\
clouds:
  chi:
    auth_type: v3applicationcredential
    region_name: CHI@TACC
    auth:
      auth_url: {url}/v3
      application_credential_id: lease-credential
      application_credential_secret: {secret}
  half: {{auth: {{auth_url: "{url}/v3"}}}}
"""
FILES = (
    (CLOUDS, "chi", 0, ""),
    (CLOUDS, "half", 2, "has no application_credential_id, application_credential_secret under auth"),
    (CLOUDS, "uc", 2, "clouds.yaml has no cloud 'uc'"),
    ("clouds: [", "chi", 2, "Cannot read clouds.yaml as YAML"),
    ("", "chi", 2, "clouds.yaml has no cloud 'chi'"),
    (None, "chi", 2, "OS_CLOUD is set, but there is no clouds.yaml"),
)


@pytest.mark.parametrize(("text", "cloud", "code", "message"), FILES)
def test_a_clouds_file(
    ops: Run, site: ChameleonServer, tmp_path: Path, text: str | None, cloud: str, code: int, message: str
) -> None:
    if text is not None:
        file = tmp_path / ".config" / "openstack" / "clouds.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text.format(url=site.url, secret="lease-secret-1") if "{" in text else text)

    done = ops("lease", "show", openrc=False, OS_CLOUD=cloud)

    assert done.code == code, done.err
    assert message in done.err
    assert "lease-secret-1" not in done.out + done.err


WORDS = (
    (("create", "reviews"), "Nothing to reserve."),
    (("create", "reviews", "--machine", "gpu"), "'gpu' names no machine."),
    (("create", "reviews", "--machine", "gpu=node:gpu_p100*0"), "names no machine"),
    (("create", "reviews", "--machine", "gpus=node:gpu_p100"), "'gpus' is no role of a machine."),
    (("create", "reviews", *GPU, *GPU), "The role gpu is named twice."),
    (("create", "my reviews", *GPU), "'my reviews' is no name for a lease."),
    (("create", "reviews", *GPU, "--until", "Tuesday"), "--until is 'Tuesday', which is no time."),
    (("create", "reviews", *GPU, "--for", "7 days"), "--for is '7 days', which is no duration."),
    (("create", "reviews", *GPU, "--for", "8d"), "longer than the 7 days"),
    (("create", "reviews", *GPU, "--for", "1d", "--until", "2099-01-01"), "--until and --for say two things."),
    (("create", "reviews", *GPU, "--until", "2020-01-01"), "The end, 2020-01-01T00:00:00Z, has passed."),
    (("create", "reviews", *GPU, "--tfvars", "no/such/folder/x.tfvars"), "there is no folder"),
    (("create", "reviews", "--machine", "gpu=flavor:c1.large"), "How long?"),
    (("extend", "reviews"), "How long?"),
    (("ensure", "reviews", *GPU, "--margin", "soon"), "--margin is 'soon'"),
    (("show", "reviews", "--tfvars", "x.tfvars"), "does not exist in this project"),
)


@pytest.mark.parametrize(("arguments", "message"), WORDS, ids=[" ".join(one[0]) for one in WORDS])
def test_what_is_wrong_with_the_words(
    ops: Run, site: ChameleonServer, arguments: tuple[str, ...], message: str
) -> None:
    done = ops("lease", *arguments)

    assert done.code == (8 if arguments[0] == "show" else 2)
    assert message in done.err
    assert site.blazar.leases == {}


def test_a_command_alone(ops: Run) -> None:
    assert "Missing command" in ops("lease").err
    assert ops("lease", "create").code == 2


def test_roles_are_needed_for_terraform(ops: Run, tmp_path: Path) -> None:
    ops("lease", "create", "reviews", *GPU, *QUICK)

    done = ops("lease", "show", "reviews", "--tfvars", tmp_path / "x.tfvars")

    assert done.code == 2
    assert "Name the machines with --machine." in done.err
    assert not (tmp_path / "x.tfvars").exists()


def test_ids_that_are_none_are_not_handed_to_terraform(ops: Run, site: ChameleonServer, tmp_path: Path) -> None:
    ops("lease", "create", "reviews", *GPU, *QUICK)
    (lease,) = site.blazar.leases.values()
    lease.reservations[0]["id"] = '${file("/etc/passwd")}'

    done = ops("lease", "show", "reviews", *GPU, "--tfvars", tmp_path / "x.tfvars")

    assert done.code == 8
    assert "reservation ids cannot be read" in done.err


@pytest.mark.parametrize("body", [[], {"lease": None}, {"lease": {"id": 1}}, {"lease": [1]}, {"leases": 3}])
def test_answers_that_make_no_sense(
    ops: Run, site: ChameleonServer, monkeypatch: pytest.MonkeyPatch, body: object
) -> None:
    """Nothing of it may end in a traceback."""
    monkeypatch.setattr(site.blazar.__class__, "create", lambda *_: body)
    monkeypatch.setattr(site.blazar.__class__, "list_all", lambda *_: [])

    done = ops("lease", "create", "reviews", *GPU)

    assert done.code == 8
    assert "cannot be read" in done.err
