"""`glossator-ops broker`."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reviewer.console import write

if TYPE_CHECKING:
    from runners.broker import Watch

FILE: Final = click.Path(dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)
CONFIG: Final = Path("/etc/glossator/broker-cpu.yml")
RUN: Final = Path("/run/glossator-broker/cpu")
PROGRAMS: Final = Path("/opt/actions-runner")


@click.group(short_help="Give GitHub runners for one job each.", no_args_is_help=False)
def command() -> None:
    """Give GitHub a runner for one job whenever an allowed one waits, and keep the runner's programs new."""


@command.command(short_help="Serve until stopped.")
@click.option("--config", type=FILE, default=CONFIG, show_default=True, help="Repository, labels, allowed jobs.")
@click.option("--folder", type=FOLDER, default=RUN, show_default=True, help="Where the unit finds its files.")
@click.option("--child", type=FILE, help="Start this run.sh as a child, with no isolation, in place of a unit.")
@click.option("--jobs", type=click.IntRange(0), default=0, help="End after so many; 0: never.")
def run(config: Path, folder: Path, child: Path | None, jobs: int) -> None:
    """Watch the queue and start a runner for each allowed job, until SIGTERM.

    The credential is systemd's `github`, or the file that GLOSSATOR_BROKER_CREDENTIAL names: the private key of a
    GitHub App, or a token. With GLOSSATOR_EVENTS_URL, and GLOSSATOR_EVENTS_TOKEN_FILE or GLOSSATOR_EVENTS_TOKEN, the
    events gateway is told of each job.
    """
    from runners.broker import Broker, Watch
    from runners.broker_config import load_config, load_credential, render_policy
    from runners.broker_events import JobTeller
    from runners.broker_github import BrokerGitHub
    from runners.broker_launch import ChildLauncher, UnitLauncher
    from runners.events_send import read_target

    settings = load_config(config)
    github = BrokerGitHub(settings, load_credential(settings))
    write_policy(folder, render_policy(settings))
    launcher = ChildLauncher(child, folder / "job-started.sh") if child else UnitLauncher(settings.name, folder)
    if child:
        lay_hook(folder)
    watch = Watch(write)
    target = read_target()
    teller = JobTeller(settings, github, target, watch.say, watch.wait) if target else None
    stop_on_signals(watch)
    try:
        Broker(settings, github, launcher, watch, teller).run(jobs)
    finally:
        github.close()


def write_policy(folder: Path, text: str) -> None:
    """What the hook reads on the runner: for everybody to read, for us to write.

    Raises:
        UsageError: It cannot be written.
    """
    from reviewer.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "policy").write_text(text, "ascii")
        (folder / "policy").chmod(0o644)
    except OSError as error:
        raise UsageError(f"Cannot write into {folder}: {error.strerror}.", "Name a folder with --folder.") from None


def lay_hook(folder: Path) -> None:
    """Put the hook beside its policy."""
    from importlib.resources import files

    (folder / "job-started.sh").write_bytes((files("runners") / "systemd" / "job-started.sh").read_bytes())


def stop_on_signals(watch: Watch) -> None:
    """Let SIGTERM and Ctrl-C end the loop at its next step."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: watch.stopping.set())


@command.command("install-runner", short_help="Install the newest runner, its checksum compared.")
@click.option("--to", type=FOLDER, default=PROGRAMS, show_default=True, help="Where versions are kept.")
def install(to: Path) -> None:
    """Install the newest release of actions/runner below a folder and let the link `current` point to it.

    GITHUB_TOKEN, if set, is used to ask; it is not needed.
    """
    from runners.broker_config import API_URL
    from runners.broker_install import install_runner

    api_url = os.environ.get("GITHUB_API_URL", API_URL)
    release, is_new = install_runner(to, api_url, os.environ.get("GITHUB_TOKEN", ""))
    what = "is installed now" if is_new else "is there already"
    write(f"The runner {release.name}, {release.age:.0f} days old, {what}.")


@command.command(short_help="Say whether a broker could work here.")
@click.option("--config", type=FILE, default=CONFIG, show_default=True, help="The broker's file.")
@click.option("--programs", type=FOLDER, default=PROGRAMS, show_default=True, help="Where the runner is installed.")
def check(config: Path, programs: Path) -> int:
    """Check settings, credential, permissions, the runner's version and systemd. It changes nothing."""
    from reviewer.doctor import print_checks
    from runners.broker_check import check_broker
    from runners.broker_config import load_config, load_credential

    settings = load_config(config)
    return print_checks(check_broker(settings, load_credential(settings), programs))
