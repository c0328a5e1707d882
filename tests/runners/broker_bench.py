"""A broker between the stand-in GitHub and the stand-in of the runner."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reviewer.errors import GlossatorError
from runners.broker import Broker, Watch
from runners.broker_config import BrokerConfig, load_config, render_policy
from runners.broker_github import BrokerGitHub
from runners.broker_launch import ChildLauncher
from runners.commands.broker import lay_hook, write_policy
from simulation.github_server import GitHubServer
from simulation.github_server.scenario import RepoScenario
from tests.command import ROOT

LABELS = ["self-hosted", "glossator", "gpu"]
TOKEN = "ghs_broker-token-secret"
STAND_IN = ROOT / "simulation" / "actions_runner.py"
SETTINGS: dict[str, Any] = {
    "repository": "octo/demo",
    "name": "gpu",
    "labels": LABELS,
    "allow": {"workflows": ["train.yml"], "events": ["workflow_dispatch", "schedule"]},
    "poll": 0.1,
    "idle": 30,
    "retry": 0.02,
}


@cache
def make_key() -> tuple[str, str]:
    """The private and the public half of an app's key, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


class Surviving(ChildLauncher):
    """A runner that goes on when its broker ends, as a unit does."""

    outlives = True


class Loop:
    """A running loop: what it has said, and the error that ended it."""

    def __init__(self, config: BrokerConfig, github: BrokerGitHub, launcher: ChildLauncher) -> None:
        self.said: list[str] = []
        self.launcher = launcher
        self.github = github
        self.watch = Watch(self.said.append)
        self.broker = Broker(config, github, launcher, self.watch)
        self.error: GlossatorError | None = None
        self.thread = threading.Thread(target=lambda: None)

    def start(self, jobs: int) -> None:
        """Let it run."""
        self.thread = threading.Thread(target=self._run, args=(jobs,))
        self.thread.start()

    def _run(self, jobs: int) -> None:
        try:
            self.broker.run(jobs)
        except GlossatorError as error:
            self.error = error

    def end(self, timeout: float = 20) -> str:
        """Wait until it has ended by itself; all that it has said."""
        self.thread.join(timeout)
        assert not self.thread.is_alive()
        return "\n".join(self.said)

    def stop(self) -> str:
        """Give it the signal to stop."""
        self.watch.stopping.set()
        return self.end()


class Bench:
    """A repository with a token that may register runners, and a folder for a broker's files."""

    def __init__(self, server: GitHubServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.repo: RepoScenario = server.create_repo("octo/demo")
        server.add_token("broker", TOKEN, "broker[bot]", actions=True, administration="write", limit=100_000)
        server.switches.points_per_minute = None
        server.switches.content_per_minute = None
        self.credential = folder / "credential"
        self.credential.write_text(TOKEN)
        self.program = folder / "run.sh"
        self.use()

    def use(self, mood: str = "", *, after: Path | None = None) -> None:
        """How the stand-in of the runner behaves from now on; it can be held until a file is there."""
        settings = f"GLOSSATOR_STAND_IN={mood} " if mood else ""
        hold = f"until [ -e {after} ]; do sleep 0.02; done\n" if after else ""
        self.program.write_text(f'#!/bin/sh\n{hold}exec env {settings}{sys.executable} -I -S {STAND_IN} "$@"\n')
        self.program.chmod(0o755)

    def write_config(self, **changes: Any) -> Path:
        """The broker's file."""
        path = self.folder / "broker.yml"
        path.write_text(yaml.safe_dump({**SETTINGS, "api_url": self.server.url, **changes}))
        return path

    def queue(self, **settings: Any) -> int:
        """Queue a job for our labels."""
        return self.repo.queue_run(**{"labels": LABELS, **settings})

    def job(self, run: int) -> Any:
        """The one job of a run."""
        return next(one for one in self.repo.actions.runs if one.id == run).jobs[0]

    @contextmanager
    def broker(
        self, *words: str, environment: dict[str, str] | None = None, **changes: Any
    ) -> Iterator[subprocess.Popen[str]]:
        """A broker in a process of its own, as its unit runs it, with the stand-in as a child."""
        config = self.write_config(**changes)
        command = [sys.executable, "-c", "from runners.cli import main; main()", "broker", "run"]
        options = ["--config", str(config), "--folder", str(self.folder / "run"), "--child", str(self.program)]
        given = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "GLOSSATOR_BROKER_CREDENTIAL": str(self.credential),
            **(environment or {}),
        }
        child = subprocess.Popen(
            [*command, *options, *words], env=given, cwd=self.folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
            child.communicate()

    @contextmanager
    def loop(self, jobs: int = 0, *, launcher: ChildLauncher | None = None, **changes: Any) -> Iterator[Loop]:
        """A broker's loop in a thread, to watch from inside."""
        config = load_config(self.write_config(**changes), {})
        folder = self.folder / "run"
        write_policy(folder, render_policy(config))
        lay_hook(folder)
        github = BrokerGitHub(config, self.credential.read_text())
        launcher = launcher or ChildLauncher(self.program, folder / "job-started.sh")
        loop = Loop(config, github, launcher)
        loop.start(jobs)
        try:
            yield loop
        finally:
            loop.watch.stopping.set()
            loop.thread.join(20)
            launcher.stop()
            github.close()

    def finish(self, child: subprocess.Popen[str], *, code: int = 0, timeout: float = 20) -> str:
        """What a broker has said until its end."""
        said, _ = child.communicate(timeout=timeout)
        assert child.returncode == code, said
        assert TOKEN not in said
        return said


def wait_until(happened: Callable[[], object], timeout: float = 15.0) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
