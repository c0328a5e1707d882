"""Run workflows for real with act, on this machine, against the stand-ins: no container, no network but the index."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.acceptance.processes import Watch, kill_all

ROOT = Path(__file__).resolve().parents[2]
ACTION_REF = "glossator/glossator@v0"
TIMEOUT = 240
"""Seconds for one run."""
KEPT_ENVIRONMENT = (
    *("HOME", "LANG", "SSL_CERT_FILE", "UV_CACHE_DIR", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_FIND_LINKS"),
    *("PIP_CERT", "PIP_INDEX_URL", "PIP_FIND_LINKS"),
)
"""Of the host: enough to install packages, and nothing that a hosted runner would not have."""
TOOLS = ("git", "bash", "python3", "uv", "node")


def find_act() -> str | None:
    """The act binary: of this environment, else on the path."""
    beside = Path(sys.executable).with_name("act")
    return str(beside) if beside.is_file() else shutil.which("act")


def export_action(folder: Path) -> Path:
    """Copy what of this repository a job needs, as it is now."""
    shutil.copy(ROOT / "action.yml", folder)
    for name in ("action", "reviewer", ".github"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@dataclass
class Run:
    """What a run of act left: its exit code, its JSON log, and the environment of each step of the action."""

    code: int
    text: str
    environments: dict[str, dict[str, str]] = field(default_factory=dict)

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON log."""
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    def commands(self, name: str) -> list[dict[str, Any]]:
        """The workflow commands of one kind, of the steps themselves: notice, warning, error, set-output, summary.

        Act repeats what a composite action's steps have said once more for the action itself.
        """
        found = [line for line in self.lines if line.get("command") == name]
        return [line for line in found if len(line.get("stepID", ())) > 1] or found

    def messages(self, name: str) -> list[str]:
        """The texts of the annotations of one kind."""
        return [str(line.get("arg", "")) for line in self.commands(name)]

    @property
    def summary(self) -> str:
        """The job summaries."""
        return "\n".join(str(line.get("content", "")) for line in self.commands("summary"))

    @property
    def log(self) -> str:
        """What the steps printed."""
        return "".join(str(line["msg"]) for line in self.lines if line.get("raw_output"))

    @property
    def story(self) -> str:
        """What happened, for a person: what was printed, how the steps ended, what went wrong."""
        told = [
            line
            for line in self.lines
            if {"raw_output", "stepResult", "command"} & set(line) or line["level"] != "info"
        ]
        return "\n".join(str(line["msg"]).rstrip() for line in told) or self.text

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the action, the last of each name."""
        return {str(line["name"]): str(line.get("arg", "")) for line in self.commands("set-output")}

    def results(self) -> dict[str, str]:
        """The result of each step that ran, by `job/step`, a composite action's steps by `job/step/inner`."""
        ended = [line for line in self.lines if line.get("stepResult") and line.get("stage") == "Main"]
        return {"/".join([line["jobID"].split("/")[-1], *line["stepID"]]): line["stepResult"] for line in ended}

    def steps(self) -> dict[str, str]:
        """The results of the action's own steps, by their id: install, collect, infer, post."""
        found = {name.split("/")[-1]: result for name, result in self.results().items() if name.count("/") > 1}
        return {name: result for name, result in found.items() if result != "skipped"}

    def holders(self, secret: str) -> set[str]:
        """Those of the action's steps that had the secret in their environment."""
        return {step for step, held in self.environments.items() if any(secret in value for value in held.values())}

    def jobs(self) -> dict[str, str]:
        """The result of each job."""
        return {line["jobID"].split("/")[-1]: line["jobResult"] for line in self.lines if line.get("jobResult")}


@dataclass
class Running:
    """A run that has been started."""

    process: subprocess.Popen[bytes]
    log: Path
    watch: Watch

    def wait(self) -> Run:
        """Wait for its end. What takes too long is killed."""
        try:
            code = self.process.wait(TIMEOUT)
        finally:
            self.watch.__exit__(None, None, None)
            kill_all(self.process.pid)
        return Run(code, self.log.read_text(encoding="utf-8", errors="replace"), self.watch.steps)

    def kill(self) -> Run:
        """End all its processes at once."""
        kill_all(self.process.pid)
        return self.wait()

    def cancel(self) -> Run:
        """Ask it to stop, as somebody who presses Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()


@dataclass
class Act:
    """A user's repository with one workflow, and how to run it."""

    folder: Path
    action: Path
    """Where the action's own repository lies; act copies all of it for every job."""
    api_url: str
    graphql_url: str
    secrets: dict[str, str]
    token: str = "actions-token"
    variables: dict[str, str] = field(default_factory=dict)
    actions: dict[str, Path] = field(default_factory=dict)
    """Other actions by `owner/name@ref`, and the folder that stands in for each."""
    without: tuple[str, ...] = ()
    """Tools that the runner does not have."""
    path: tuple[Path, ...] = ()
    """Folders to put before the runner's path."""

    @property
    def checkout(self) -> Path:
        """The user's working tree."""
        return self.folder / "checkout"

    def run(self, workflow: str, event_name: str, payload: dict[str, Any], *more: str) -> Run:
        """Run a workflow file's text for an event."""
        return self.start(workflow, event_name, payload, *more).wait()

    def start(self, workflow: str, event_name: str, payload: dict[str, Any], *more: str) -> Running:
        """Start a run and do not wait."""
        target = self.checkout / ".github" / "workflows" / "review.yml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(workflow, encoding="utf-8")
        self._commit()
        event = self.folder / "event.json"
        event.write_text(json.dumps(payload), encoding="utf-8")
        command = [*self._command(payload), event_name, "--workflows", str(target), "--eventpath", str(event), *more]
        log = self.folder / "act.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=self.checkout,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Running(process, log, Watch(process.pid).__enter__())

    def _command(self, payload: dict[str, Any]) -> list[str]:
        repository = payload.get("repository", {}).get("full_name", "octo/demo")
        environment = {
            "GITHUB_API_URL": self.api_url,
            "GITHUB_GRAPHQL_URL": self.graphql_url,
            "GITHUB_REPOSITORY": repository,
            "ARTIFACT_STORE": str(self.folder / "artifacts"),
        }
        repeated = {
            "--platform": [f"{label}=-self-hosted" for label in ("ubuntu-latest", "gpu", "self-hosted")],
            "--env": _pairs(environment),
            "--secret": _pairs({"GITHUB_TOKEN": self.token} | self.secrets),
            "--var": _pairs(self.variables),
            "--local-repository": _pairs({ACTION_REF: self.action} | self.actions),
        }
        options = [option for name, values in repeated.items() for value in values for option in (name, value)]
        cache = ("--action-cache-path", str(self.folder / "actions"))
        servers = ("--cache-server-addr", "127.0.0.1", "--artifact-server-addr", "127.0.0.1")
        return [str(find_act()), "--json", "--actor", "octo", *cache, *servers, *options]

    def _commit(self) -> None:
        identity = ("-c", "user.name=Octo", "-c", "user.email=octo@example.com")
        for arguments in (
            ("init", "-q", "-b", "main"),
            ("add", "-A"),
            (*identity, "commit", "-qm", "A", "--allow-empty"),
        ):
            subprocess.run(["git", "-C", str(self.checkout), *arguments], check=True)

    def environment(self) -> dict[str, str]:
        """A clean environment: act hands the host's down to the steps."""
        kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        tools = self.folder / "bin"
        tools.mkdir(exist_ok=True)
        for name in TOOLS:
            found = shutil.which(name)
            if found and name not in self.without and not (tools / name).exists():
                (tools / name).symlink_to(found)
        path = os.pathsep.join(map(str, (*self.path, tools, "/usr/local/bin", "/usr/bin", "/bin")))
        return kept | {"PATH": path, "XDG_CACHE_HOME": str(Path.home() / ".cache")}


def _pairs(values: dict[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]
