"""A Debian machine to provision: a tree of its own, booted by systemd-nspawn in a network of its own.

The tree is made once by debootstrap and kept in the cache by the digest of what is in it; each machine is a layer above
it that is thrown away. It has no network but one link to here, so packages come through `relay.Proxy`. Its clock and
its kernel are this machine's. It ends by itself after `LIFETIME`, whatever becomes of the test.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.ansible.relay import Proxy, Relay

SUITE: Final = "bookworm"
MIRROR: Final = "http://deb.debian.org/debian"
BASE: Final = (
    "acl", "ca-certificates", "curl", "dbus", "e2fsprogs", "iproute2", "netbase", "openssh-server", "python3",
    "python3-apt", "python3-venv", "sudo", "systemd", "systemd-sysv",
)  # fmt: skip
"""What an image of the cloud has, and what no test is about."""
FETCHED: Final = (
    "caddy", "chrony", "firewalld", "gpg", "postgresql", "postgresql-client", "prometheus", "prometheus-alertmanager",
    "prometheus-node-exporter", "python3-cryptography", "python3-debian", "python3-firewall", "python3-psycopg2",
    "restic", "rsync", "ssl-cert", "ufw", "unattended-upgrades", "python3-systemd",
)  # fmt: skip
"""Packages that roles install. They are in the cache of the tree; what they depend on is installed, to save time."""
LEFT: Final = frozenset(
    {*FETCHED, "postgresql-15", "postgresql-common", "postgresql-client-15", "postgresql-client-common"}
)
"""Packages that are not installed, so that the roles meet a machine that has none of them."""
LIFETIME: Final = 2400
PATIENCE: Final = 180
SLOTS: Final = 20
USER: Final = "cc"
"""As on Chameleon's images: no root login, sudo without a password."""
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glossator-tests"
RECIPE: Final = "3"
"""Counts up when what `make_tree` does changes."""


def need_machine() -> None:
    """Skip the test where no machine can be booted, and say what is missing."""
    programs = ("debootstrap", "systemd-nspawn", "ip", "ssh", "ssh-keygen", "mount", "chroot", "timeout", "setpriv")
    absent = [name for name in programs if not shutil.which(name)]
    if os.geteuid() != 0:
        pytest.skip("only root can boot a machine with systemd-nspawn")
    if absent:
        pytest.skip(f"no {', '.join(absent)}: no machine can be made (apt-get install debootstrap systemd-container)")


def run(*command: str, timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program of this machine."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def get_tree() -> Path:
    """The tree that all machines share, made if it is not there yet."""
    digest = hashlib.sha256("\n".join((RECIPE, SUITE, *BASE, "-", *FETCHED)).encode()).hexdigest()[:16]
    tree = CACHE / f"debian-{SUITE}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "tree.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.is_dir():
            with TemporaryDirectory(dir=CACHE, prefix="making-") as folder:
                make_tree(Path(folder) / "tree")
                (Path(folder) / "tree").rename(tree)
    return tree


def make_tree(tree: Path) -> None:
    """Debian with what an image has, and the packages that roles install in its cache."""
    made = run(
        *("debootstrap", "--variant=minbase", f"--include={','.join(BASE)}", SUITE, str(tree), MIRROR),
        timeout=600,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"debootstrap could not make a Debian: {(made.stdout.strip().splitlines() or ['no word'])[-1]}")
    sources = (f"{MIRROR} {SUITE}", f"{MIRROR} {SUITE}-updates", f"{MIRROR}-security {SUITE}-security")
    (tree / "etc/apt/sources.list").write_text("".join(f"deb {each} main\n" for each in sources))
    shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
    chroot = ("chroot", str(tree), "env", "DEBIAN_FRONTEND=noninteractive")
    run(*chroot, "apt-get", "update", "-q", timeout=300)
    install = (*chroot, "apt-get", "install", "-q", "-y", "--no-install-recommends")
    run(*install, "--download-only", *FETCHED, timeout=600)
    plan = run(*install, "--simulate", *FETCHED).stdout
    needed = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    run(*install, "--no-remove", *(name for name in needed if name not in LEFT), timeout=600)
    policy.unlink()
    run(*chroot, "useradd", "--create-home", "--shell", "/bin/bash", USER)
    (tree / "etc/sudoers.d/cc").write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    (tree / "etc/resolv.conf").unlink()
    # Offline, so that the cache of packages is used as it is.
    (tree / "etc/apt/apt.conf.d/90kept").write_text('Binary::apt::APT::Keep-Downloaded-Packages "true";\n')


@contextmanager
def layer(tree: Path, folder: Path) -> Iterator[Path]:
    """A tree to write to: a layer above the shared one, or a copy where there is no overlay."""
    root, upper, work = (folder / name for name in ("root", "upper", "work"))
    for each in (root, upper, work):
        each.mkdir()
    options = f"lowerdir={tree},upperdir={upper},workdir={work}"
    if run("mount", "-t", "overlay", "overlay", "-o", options, str(root), check=False).returncode == 0:
        try:
            yield root
        finally:
            run("umount", "--lazy", str(root), check=False)
    else:
        run("cp", "-a", "--reflink=auto", f"{tree}/.", str(root), timeout=300)
        yield root


@contextmanager
def take_slot() -> Iterator[int]:
    """A number that no other machine has at this time, by which its network is called."""
    with ExitStack() as stack:
        for slot in range(SLOTS):
            lock = stack.enter_context((CACHE / f"slot-{slot}.lock").open("w"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if is_free(slot):
                yield slot
                return
        raise AssertionError(f"{SLOTS} machines are running already.")


def is_free(slot: int) -> bool:
    """Whether nobody else's link has its addresses, and no machine of a test that was cut off still runs in it."""
    lines = run("ip", "-4", "-o", "addr").stdout.splitlines()
    others = [line for line in lines if f" 169.254.{77 + slot}." in line and f" glo{slot}a " not in line]
    return not others and not run("ip", "netns", "pids", f"glossator-{slot}", check=False).stdout.strip()


@contextmanager
def link(slot: int) -> Iterator[str]:
    """A network with two ends: ours ends in .1, the machine's in .2. Gives its name."""
    name, ours, theirs = f"glossator-{slot}", f"glo{slot}a", f"glo{slot}b"
    run("ip", "netns", "del", name, check=False)
    run("ip", "link", "del", ours, check=False)
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs)
        run("ip", "link", "set", theirs, "netns", name)
        run("ip", "addr", "add", f"169.254.{77 + slot}.1/30", "dev", ours)
        run("ip", "link", "set", ours, "up")
        run("ip", "-n", name, "addr", "add", f"169.254.{77 + slot}.2/30", "dev", theirs)
        run("ip", "-n", name, "link", "set", theirs, "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        run("ip", "link", "del", ours, check=False)
        run("ip", "netns", "del", name, check=False)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that is up. `address` is its own, `here` is this one's as it sees it."""

    address: str
    here: str
    folder: Path
    """A folder on this machine with `key` and `known_hosts`, removed with the machine."""
    root: Path
    """The machine's own files."""

    @property
    def ssh(self) -> tuple[str, ...]:
        """Options of ssh by which it is reached."""
        return (
            *("-i", str(self.folder / "key"), "-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}"),
            *("-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"),
        )

    def run(self, command: str, *, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a shell's command as root on the machine."""
        words = ("ssh", *self.ssh, f"{USER}@{self.address}", "sudo", "sh", "-c", f"'{command}'")
        return run(*words, check=check, timeout=timeout)

    def answers(self, port: int) -> bool:
        """Whether a connection from here to a port of it is taken."""
        with suppress(OSError), socket.create_connection((self.address, port), 2):
            return True
        return False


def prepare(root: Path, folder: Path, here: str, proxy: str) -> None:
    """Let us in, and show the machine its way out."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"))
    home = root / "home" / USER / ".ssh"
    home.mkdir(mode=0o700)
    shutil.copy(folder / "key.pub", home / "authorized_keys")
    run("chown", "-R", "--reference", str(home.parent), str(home))
    (root / "etc/hostname").write_text("machine\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 machine\n")
    (root / "etc/apt/apt.conf.d/00proxy").write_text(f'Acquire::http::Proxy "http://{proxy}";\n')
    (root / "etc/environment").write_text(
        f"http_proxy=http://{proxy}\nhttps_proxy=http://{proxy}\nno_proxy=127.0.0.1,localhost,{here}\n"
    )
    certificates = os.environ.get("PIP_CERT") or "/etc/ssl/certs/ca-certificates.crt"
    shutil.copy(certificates, root / "etc/ssl/outside.crt")
    index = os.environ.get("PIP_INDEX_URL")
    (root / "etc/pip.conf").write_text(
        f"[global]\nproxy = http://{proxy}\ncert = /etc/ssl/outside.crt\ndisable-pip-version-check = true\n"
        + (f"index-url = {index}\n" if index else "")
    )


@contextmanager
def boot(*, disks: Sequence[str] = ()) -> Iterator[Machine]:
    """A machine, up and reached by SSH, with the named block devices of this one."""
    need_machine()
    tree = get_tree()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir="/var/tmp", prefix="glossator-machine-")))
        slot = stack.enter_context(take_slot())
        network = stack.enter_context(link(slot))
        here, address = f"169.254.{77 + slot}.1", f"169.254.{77 + slot}.2"
        root = stack.enter_context(layer(tree, folder))
        proxy = stack.enter_context(Relay(here, Proxy))
        prepare(root, folder, here, proxy.address)
        stack.enter_context(power(root, folder, network, disks))
        machine = Machine(address, here, folder, root)
        wait_for(machine, folder / "console")
        yield machine


@contextmanager
def power(root: Path, folder: Path, network: str, disks: Sequence[str]) -> Iterator[None]:
    """The machine's processes. It is asked to shut down, and made to."""
    words = (
        *("setpriv", "--pdeathsig", "TERM"),  # a test that is killed takes its machine with it
        *("timeout", "--kill-after=20", str(LIFETIME), "systemd-nspawn", "--quiet", f"--directory={root}", "--boot"),
        *("--register=no", "--keep-unit", f"--machine={network}", f"--network-namespace-path=/run/netns/{network}"),
        *("--capability=CAP_NET_ADMIN", "--resolv-conf=off", "--timezone=off", "--console=pipe"),
        *(f"--bind={disk}" for disk in disks),
    )
    with (folder / "console").open("wb") as console:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def wait_for(machine: Machine, console: Path) -> None:
    """Wait until it is reached and has come up."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if machine.answers(22):
            up = machine.run("systemctl is-system-running --wait", check=False)
            if up.stdout.strip() in {"running", "degraded"}:
                return
        time.sleep(0.5)
    raise AssertionError(f"The machine did not come up:\n{console.read_text(errors='replace')[-3000:]}")
