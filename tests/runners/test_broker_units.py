"""The units: sound to systemd, closed by its own measure, and on a booted machine with a job that tries the doors."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from simulation.github_server import GitHubServer
from tests.ansible.machine import Machine, boot
from tests.ansible.playbook import Site
from tests.ansible.relay import Relay, ToPort
from tests.command import ROOT
from tests.monitoring.gateways import TOKEN, Running, run_gateway
from tests.runners.broker_bench import LABELS, STAND_IN, make_key, wait_until
from tests.runners.test_broker_install import NAME, Store

UNITS = ROOT / "runners" / "systemd"
PROGRAMS = ("opt/glossator/venv/bin/glossator-ops", "runner/run-one-job.sh")
EXPOSURE = {"glossator-broker@.service": 20, "glossator-runner@.service": 20, "glossator-runner-version.service": 22}
"""Tenths of the exposure that `systemd-analyze security` may find at most: 0 is closed, 100 open."""
PACKAGES = (
    "click", "httpx", "httpcore", "h11", "certifi", "idna", "anyio", "sniffio", "typing_extensions", "msgspec", "yaml",
    "jwt", "cryptography", "cffi", "_cffi_backend", "pycparser",
)  # fmt: skip
DOOR = "127.0.0.77"
"""The one address of loopback that the job may reach: it stands for GitHub, which has a public one."""


def need_analyze() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")


@pytest.mark.slow
def test_the_units_are_sound(tmp_path: Path) -> None:
    need_analyze()
    folder = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(UNITS, folder)
    for name in PROGRAMS:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    for unit in sorted(one.name for one in UNITS.iterdir() if one.suffix in (".service", ".timer")):
        name = unit.replace("@.", "@gpu.")
        command = ["systemd-analyze", "verify", f"--root={tmp_path}", "--recursive-errors=no", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if "glossator" in line]
        assert (done.returncode, said) == (0, []), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("unit", EXPOSURE)
def test_the_units_are_closed(unit: str) -> None:
    need_analyze()
    limit = f"--threshold={EXPOSURE[unit]}"
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", limit, str(UNITS / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    assert re.search(r"Overall exposure level for \S+: \d\.\d OK", done.stdout)


def test_no_job_is_run_where_addresses_are_not_filtered(tmp_path: Path) -> None:
    """Here they are not: nothing of the runner is touched."""
    script = str(UNITS / "run-one-job.sh")
    done = subprocess.run(["bash", script], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "not filtered" in done.stderr


# -- a booted machine ------------------------------------------------------------------------------------------------

LOOK = """
import os, socket
def reach(host, port):
    try:
        socket.create_connection((host, port), 3).close()
    except OSError as error:
        return type(error).__name__
    return "open"
def read(path):
    try:
        return "read" if os.path.isdir(path) and os.listdir(path) is not None or open(path).read() else "empty"
    except OSError as error:
        return type(error).__name__
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
facts = {
    "uid": os.getuid() > 60000, "nonewprivs": status["NoNewPrivs"], "caps": int(status["CapEff"], 16),
    "loopback": reach("127.0.0.1", 22), "local": reach("HERE", PORT), "github": reach("DOOR", 8080),
    "key": read("/etc/glossator/github.credential"), "token": read("/etc/glossator/events.credential"),
    "broker": read("/run/glossator-broker"),
    "code": read("/opt/glossator"), "docker": read("/run/docker.sock"), "bus": read("/run/dbus"),
    "programs": os.access("/runner/bin", os.W_OK), "policy": os.access("/runner/policy", os.W_OK),
    "before": os.path.exists("/tmp/left") or os.path.exists("left"), "work": os.getcwd(),
    "argv": any(b"eyI" in open(f"/proc/{p}/cmdline", "rb").read() for p in os.listdir("/proc") if p.isdigit()),
}
open("left", "w"), open("/tmp/left", "w")
for name, value in facts.items():
    print(f"FACT {name}={value}", flush=True)
""".replace("DOOR", DOOR)


EXPECTED = {
    "uid": "True",
    "nonewprivs": "1",
    "caps": "0",
    "loopback": "TimeoutError",
    "local": "TimeoutError",
    "github": "open",
    **dict.fromkeys(("key", "token", "broker", "code", "bus"), "PermissionError"),
    "docker": "FileNotFoundError",
    **dict.fromkeys(("programs", "policy", "before", "argv"), "False"),
    "work": "/var/tmp/work/demo",
}
"""What a job finds: the doors that it tries are closed, but for GitHub's."""
TOLD = 'glossator_tasks_total{pool="gpu",result="success",task="runner/train"}'
"""What the gateway counts of jobs that went well."""


def make_runner() -> bytes:
    """An archive as GitHub's, with the stand-in for run.sh."""
    buffer = io.BytesIO()
    content = STAND_IN.read_bytes()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in ("run.sh", "run-helper.sh.template", "safe_sleep.sh", "bin/Runner.Listener", "externals/node"):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def install_code(root: Path) -> None:
    """Our command on the machine, with what it imports, without a download."""
    library = root / "opt" / "glossator" / "lib"
    library.mkdir(parents=True)
    for name in ("reviewer", "runners"):
        shutil.copytree(ROOT / name, library / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, library / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, library)
    program = root / PROGRAMS[0]
    program.parent.mkdir(parents=True)
    start = "from runners.cli import main; main()"
    program.write_text(f'#!/bin/sh\nPYTHONPATH=/opt/glossator/lib exec python3 -c "{start}" "$@"\n')
    program.chmod(0o755)


def open_door(machine: Machine, port: int, relay: Relay) -> None:
    """Let a port of the machine's own loopback lead here."""
    units = machine.root / "etc" / "systemd" / "system"
    (units / f"door-{port}.socket").write_text(f"[Socket]\nListenStream={DOOR}:{port}\n")
    program = "/lib/systemd/systemd-socket-proxyd"
    (units / f"door-{port}.service").write_text(f"[Service]\nExecStart={program} {relay.address}\n")
    machine.run(f"systemctl daemon-reload && systemctl start door-{port}.socket")


def let_filter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give machines one hierarchy of cgroups and the call bpf, as a machine of its own has."""
    real = shutil.which("systemd-nspawn")
    more = "--capability=CAP_BPF,CAP_PERFMON,CAP_SYS_ADMIN '--system-call-filter=bpf perf_event_open'"
    program = folder / "bin" / "systemd-nspawn"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nSYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec {real} {more} "$@"\n')
    program.chmod(0o755)
    if real:
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


@pytest.fixture
def gateway() -> Iterator[Running]:
    """The events gateway."""
    with run_gateway() as running:
        yield running


@pytest.fixture
def machine(
    github_server: GitHubServer, gateway: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Machine]:
    """A machine on which GitHub, its downloads and the gateway are at DOOR, and whose systemd may filter addresses."""
    monkeypatch.setattr("tests.ansible.machine.PATIENCE", 240)
    let_filter(tmp_path, monkeypatch)
    with ExitStack() as stack:
        found = stack.enter_context(boot())
        store = stack.enter_context(Store())
        store.content = make_runner()
        threading.Thread(target=store.serve_forever, args=(0.01,), daemon=True).start()
        stack.callback(store.shutdown)
        relays = [
            stack.enter_context(Relay(found.here, ToPort, target))
            for target in (github_server.http.server_port, store.server_port, httpx.URL(gateway.url).port or 0)
        ]
        for port, relay in zip((8080, 8081, 8082), relays, strict=True):
            open_door(found, port, relay)
        releases = github_server.create_repo("actions/runner")
        digest = hashlib.sha256(store.content).hexdigest()
        releases.publish("v2.340.0", {NAME.format("2.340.0"): (digest, f"http://{DOOR}:8081/first")})
        install_code(found.root)
        (found.root / "var" / "look.py").write_text(
            LOOK.replace("HERE", found.here).replace("PORT", str(relays[0].port))
        )
        probe = 'systemd-run --wait --pipe -p IPAddressDeny=any bash -c "printf x > /dev/udp/127.0.0.1/9"'
        if found.run(probe, check=False).returncode == 0:
            pytest.skip("systemd cannot filter addresses on a machine here: no BPF")
        yield found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_on_a_machine_a_job_finds_every_door_closed(
    github_server: GitHubServer, gateway: Running, machine: Machine
) -> None:
    private, public = make_key()
    permissions = dict.fromkeys(("administration", "actions"), "write")
    github_server.add_app(7, public, permissions=permissions)  # type: ignore[arg-type] # all of them are levels
    repo = github_server.create_repo("octo/demo")
    settings = {
        "glossator_home": "/opt/glossator",
        "glossator_config": "/etc/glossator",
        "vault_github_app_id": "7",
        "vault_github_app_private_key": private,
        "runner_api_url": f"http://{DOOR}:8080",
        "runner_packages": ["ca-certificates"],
        "runner_addresses": [DOOR],
        "runner_gateway_url": f"http://{DOOR}:8082/events",
        "runner_gateway_token": TOKEN,
        "runner_memory": "300M",
    }
    site = Site(machine, groups=("gpu",), settings=settings)
    play = machine.folder / "runner.yml"
    play.write_text("- hosts: glossator\n  become: true\n  roles: [runner]\n")

    first, second = site.play(play), site.play(play)

    assert first.code == 0, first.text[-3000:]
    assert (second.code, second.counts.get("changed")) == (0, 0), second.changed
    assert private.splitlines()[1] not in first.text
    assert TOKEN not in first.text

    runs = [repo.queue_run(labels=LABELS, steps=["python3 /var/look.py"]) for _ in range(2)]
    stranger = repo.queue_run(labels=LABELS, event="pull_request", steps=["echo STRANGER-RAN"])
    end = time.monotonic() + 150
    jobs = {run.id: run.jobs[0] for run in repo.actions.runs}
    while any(job.status != "completed" for job in jobs.values()) and time.monotonic() < end:
        time.sleep(1)
    journal = machine.run("journalctl --no-pager -o cat").stdout
    said = machine.run("journalctl --no-pager -o cat -u glossator-broker@gpu").stdout
    assert [jobs[run].conclusion for run in runs] == ["success", "success"], said[-2000:] + journal[-3000:]

    assert jobs[stranger].conclusion == "cancelled"
    assert "STRANGER-RAN" not in journal
    secrets = [
        private.splitlines()[1],
        *(one.runner.secret for one in jobs.values() if one.runner),
        "ghs_",
        "eyI",
        TOKEN,
    ]
    assert not [secret for secret in secrets if secret in journal]
    parts = journal.split("FACT uid=")[1:]
    facts = [dict(re.findall(r"FACT (\w+)=(.*)", f"FACT uid={part}")) for part in parts]
    assert len(facts) == 2
    for found in facts:
        assert found == EXPECTED
    wait_until(lambda: gateway.read().get(TOLD) == 2, timeout=30)

    silent = Site(machine, groups=("gpu",), settings={**settings, "runner_gateway_url": ""}).play(play)
    assert silent.code == 0, silent.text[-3000:]
    assert "runner : Nobody is told" in silent.changed
    assert "EVENTS" not in machine.run("systemctl cat glossator-broker@gpu").stdout
    assert machine.run("systemctl is-active glossator-broker@gpu").stdout.strip() == "active"
    machine.run("systemctl stop glossator-broker@gpu", timeout=120)
    assert machine.run("ls -A /run/glossator-broker/gpu 2>/dev/null || true").stdout.split() in ([], ["policy"])
