"""site.yml on a booted machine in all groups: applied twice, checked from inside and outside, backed up, restored.

One test, as each step needs the one before. What a container cannot do is switched off and named in `LEFT_OUT`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.ansible.disks import attach
from tests.ansible.machine import LIFETIME, boot, run
from tests.ansible.playbook import ROOT, Played, Site, find_program
from tests.ansible.relay import Relay, ToPort
from tests.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore, find_weed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

OPEN: Final = {22, 5443, 8443}
PROBED: Final = (22, 53, 80, 443, 2019, 3000, 5000, 5432, 5443, 8080, 8081, 8443, 9090, 9093, 9100, 9106, 9107, 9400)
LEFT_OUT: Final = {
    "docker_enabled": False,
    "nvidia_toolkit_enabled": False,
    "serving_enabled": False,
    "exporters_dcgm_enabled": False,
    "runner_enabled": False,
    "grafana_enabled": False,
}
"""No engine for containers, no GPU, no GitHub, and Grafana's packages are on a server of its own."""
HERE: Final = Path(__file__).parent


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A machine with a blank disk and an object store."""
    with ExitStack() as stack:
        folder = stack.enter_context(attach())
        disk = folder.blank()
        machine = stack.enter_context(boot(disks=[disk]))
        settings: dict[str, Any] = {**LEFT_OUT, "code_source": str(copy_source(machine.folder / "source"))}
        if find_weed():
            store = stack.enter_context(ObjectStore("backups", LIFETIME))
            relay = stack.enter_context(Relay(machine.here, ToPort, int(store.url.rpartition(":")[2])))
            settings |= {
                "s3_endpoint": f"http://{relay.address}",
                "vault_s3_access_key": ACCESS_KEY,
                "vault_s3_secret_key": SECRET_KEY,
            }
        yield Site(machine, fields={"volume_device": disk}, settings=settings)


def copy_source(target: Path) -> Path:
    """This repository as it is now: what somebody changes meanwhile would be a change in the second run too."""
    unneeded = shutil.ignore_patterns(".*", "tests", "docs", "node_modules", "terraform", "ansible", "__pycache__")
    shutil.copytree(ROOT, target, ignore=unneeded)
    return target


def test_the_whole_site(site: Site) -> None:
    first = site.play("site.yml", timeout=1800)
    assert first.code == 0, first.text[-6000:]
    second = site.play("site.yml", timeout=900)
    assert second.code == 0, second.text[-6000:]
    assert second.changed == []
    assert second.counts["changed"] == 0
    show(site)
    check(site)
    probe(site)
    probe_as_a_stranger(site)
    ask_the_door(site)
    stay_with_one_ca(site)
    renew(site)
    lock_nobody_out(site)
    if "s3_endpoint" in site.settings:
        restore(site)


def show(site: Site) -> None:
    """A run that only shows what would change ends well: that nothing would, and that something would."""
    folder = site.machine.folder / "ca"
    elsewhere = {"tls_ca_folder": str(site.machine.folder / "given"), "tls_ca_key": (folder / "ca.key").read_text()}
    elsewhere["tls_ca_certificate"] = (folder / "ca.crt").read_text()
    played = set_values(site, **elsewhere).play("site.yml", "--check", "--diff")
    assert played.code == 0, played.text[-6000:]
    here = {"tls : Folder of the CA", "tls : The CA that the environment gives"}
    assert set(played.changed) <= {*here, "common : Know the newest packages"}
    late = set_values(site, tls_renew_days=398, backup_time="*-*-* 04:17:00").play(
        "site.yml", "--check", "--diff", "--tags", "tls,backup"
    )
    assert late.code == 0, late.text[-6000:]
    assert "tls : Certificate on the machine" in late.changed
    if "s3_endpoint" in site.settings:
        assert "backup : Units" in late.changed
        assert "03:17:00" in site.machine.run("cat /etc/systemd/system/glossator-backup.timer").stdout


def check(site: Site) -> None:
    """Run the checks of all roles, checks_ROLE.py, by pytest-testinfra beside Ansible."""
    machine = site.machine
    told = site.machine.folder / "told.json"
    fields = site.inventory()["all"]["children"]["glossator"]["children"]["services"]["hosts"]["glossator-machine"]
    told.write_text(json.dumps({**site.inventory()["all"]["vars"], **fields, **site.variables(), "here": machine.here}))
    config = machine.folder / "ssh_config"
    pairs = zip(machine.ssh[2::2], machine.ssh[3::2], strict=True)
    lines = [f"IdentityFile {machine.ssh[1]}", *(value.replace("=", " ") for _, value in pairs)]
    lines += ["ControlMaster auto", f"ControlPath {machine.folder}/control-%C", "ControlPersist 60"]
    config.write_text("Host *\n" + "".join(f"  {line}\n" for line in lines))
    python = Path(find_program("ansible-playbook")).parent / "python"
    files = sorted(str(each) for each in HERE.glob("checks_*.py"))
    command = (
        *(
            str(python),
            "-m",
            "pytest",
            "-c",
            os.devnull,
            f"--rootdir={HERE}",
            f"--confcutdir={HERE}",
            "-q",
            "-r",
            "fEs",
        ),
        *("-p", "no:cacheprovider", f"--hosts=ssh://cc@{machine.address}", f"--ssh-config={config}", "--sudo", *files),
    )
    environment = os.environ | {"GLOSSATOR_CHECKS": str(told), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def probe(site: Site) -> None:
    """From outside only the listed ports answer, whatever else listens inside."""
    inside = site.machine.run("ss -Hltn | awk '\"'\"'{print $4}'\"'\"'").stdout.split()
    listening = {int(each.rpartition(":")[2]) for each in inside}
    assert listening >= OPEN
    answered = {port for port in sorted({*PROBED, *listening}) if site.machine.answers(port)}
    assert answered == OPEN


def probe_as_a_stranger(site: Site) -> None:
    """To an address that is in no list nothing answers, SSH neither."""
    slot = int(site.machine.address.split(".")[2]) - 77
    stranger = f"169.254.{150 + slot}.1"
    run("ip", "addr", "add", f"{stranger}/32", "dev", f"glo{slot}a")
    run("ip", "-n", f"glossator-{slot}", "route", "add", f"{stranger}/32", "dev", f"glo{slot}b")
    for port in sorted(OPEN):
        with suppress(OSError), socket.create_connection((site.machine.address, port), 2, (stranger, 0)):
            pytest.fail(f"{port} answers a stranger")
    site.machine.run("firewall-cmd --zone=public --add-source-port=1-65535/tcp >/dev/null")
    with socket.create_connection((site.machine.address, 22), 2, (stranger, 0)):
        pass  # so the way there is sound, and it was the firewall that refused
    site.machine.run("firewall-cmd --reload >/dev/null")


def show_certificate(site: Site, host: str) -> str:
    """The certificate that the door shows, for a client that knows our CA."""
    context = ssl.create_default_context(cafile=str(site.machine.folder / "ca" / "ca.crt"))
    with (
        socket.create_connection((site.machine.address, 8443), 5) as plain,
        context.wrap_socket(plain, server_hostname=host) as link,
    ):
        shown = link.getpeercert(binary_form=True)
    assert shown
    return ssl.DER_cert_to_PEM_cert(shown)


def ask_the_door(site: Site) -> None:
    """A client that has the CA trusts the machine by each of its names, one without does not, nor by another name."""
    assert show_certificate(site, site.machine.address) == show_certificate(site, "glossator-machine")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        show_certificate(site, "another.example")
    with (
        pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"),
        socket.create_connection((site.machine.address, 8443), 5) as plain,
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="glossator-machine")


def stay_with_one_ca(site: Site) -> None:
    """Another computer, which has not the CA's key, makes no second CA."""
    elsewhere = site.machine.folder / "elsewhere"
    played = set_values(site, tls_ca_folder=str(elsewhere)).play("site.yml", "--tags", "tls")
    assert played.code != 0
    assert "has not its key" in played.text.replace("\n", " ")
    assert not (elsewhere / "ca.key").exists()


def renew(site: Site) -> None:
    """A certificate that ends soon is made anew by the same CA, and the door shows the new one."""
    before = show_certificate(site, "glossator-machine")
    played = set_values(site, tls_renew_days=398).play("site.yml", "--tags", "tls,door")
    assert played.code == 0, played.text[-4000:]
    assert show_certificate(site, "glossator-machine") != before


def lock_nobody_out(site: Site) -> None:
    """A list of networks that lacks this computer's is refused before anything is closed."""
    played = set_values(site, admin_cidrs=["192.0.2.0/24"]).play("site.yml", "--tags", "firewall")
    assert played.code != 0
    assert "would be closed" in played.text
    assert site.machine.answers(22)


def set_values(site: Site, **values: Any) -> Site:
    """The same machine with other variables."""
    return replace(site, settings={**site.settings, **values})


def restore(site: Site) -> None:
    """What was there when the backup was made is there again, and the machine says when that was."""
    machine = site.machine
    sql = "runuser -u postgres -- psql -qtA mlflow -c"
    machine.run(f'{sql} "CREATE TABLE of_the_test AS SELECT 42 AS answer"')
    machine.run("systemctl start glossator-backup.service", timeout=180)
    metrics = machine.run("curl -s http://127.0.0.1:9100/metrics").stdout
    assert "glossator_backup_last_success_timestamp_seconds 1" in metrics
    assert "services" in machine.run("glossator-backup list").stdout
    machine.run(f'{sql} "DROP TABLE of_the_test"')
    played = site.play("restore.yml")
    assert played.code == 0, played.text[-6000:]
    assert machine.run(f'{sql} "SELECT answer FROM of_the_test"').stdout.strip() == "42"
    assert machine.run("ls /var/lib/glossator-backup").stdout == ""
    wrong = set_values(site, vault_backup_key="another-key").play("site.yml", "--tags", "backup")
    assert refused(wrong, "wrong password")
    again = site.play("site.yml", "--tags", "backup")
    assert again.code == 0, again.text[-4000:]


def refused(played: Played, words: str) -> bool:
    """Whether a run ended with an error that says so."""
    return played.code != 0 and words in played.text
