"""Run workflows for real with act, on this machine, against the stand-ins: no container, no network but loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ACTION_REF = "glossator/glossator@v0"
TIMEOUT = 240
"""Seconds for one run."""
KEPT_ENVIRONMENT = ("HOME", "LANG", "SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX_URL")
"""Of the host: enough to install packages, and nothing that a hosted runner would not have."""


def find_act() -> str | None:
    """The act binary: of this environment, else on the path."""
    beside = Path(sys.executable).with_name("act")
    return str(beside) if beside.is_file() else shutil.which("act")


@dataclass
class Run:
    """What a run of act left: its exit code and the lines of its JSON log."""

    code: int
    lines: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""

    def commands(self, name: str) -> list[dict[str, Any]]:
        """The workflow commands of one kind: notice, warning, error, set-output, summary."""
        return [line for line in self.lines if line.get("command") == name]

    @property
    def summaries(self) -> str:
        """The job summaries."""
        return "\n".join(str(line.get("content", "")) for line in self.commands("summary"))

    @property
    def log(self) -> str:
        """What the steps printed."""
        return "".join(str(line["msg"]) for line in self.lines if line.get("raw_output"))

    def results(self) -> dict[str, str]:
        """The result of each step of every job that ran, by `job/step`."""
        return {
            f"{line['jobID']}/{line['step']}": line["stepResult"]
            for line in self.lines
            if line.get("stepResult") and line.get("jobID")
        }


@dataclass
class Act:
    """A user's repository with one workflow, and how to run it."""

    folder: Path
    api_url: str
    graphql_url: str
    endpoint_url: str
    token: str = "actions-token"
    secrets: dict[str, str] = field(default_factory=dict)
    stand_ins: dict[str, Path] = field(default_factory=dict)
    """Other actions by `owner/name@ref`, and the folder that stands in for each."""

    def run(self, workflow: str, event_name: str, payload: dict[str, Any], *more: str) -> Run:
        """Run a workflow file's text for an event."""
        checkout = self.folder / "checkout"
        if not (checkout / ".git").exists():
            checkout.mkdir(parents=True, exist_ok=True)
            subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(checkout)], check=True)  # noqa: S607
        target = checkout / ".github" / "workflows" / "review.yml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(workflow, encoding="utf-8")
        event = self.folder / "event.json"
        event.write_text(json.dumps(payload), encoding="utf-8")
        repository = payload.get("repository", {}).get("full_name", "octo/demo")
        command = [
            *(str(find_act()), event_name, "--workflows", str(target), "--eventpath", str(event), "--json"),
            *("--platform", "ubuntu-latest=-self-hosted", "--platform", "gpu=-self-hosted", "--actor", "octo"),
            *("--secret", f"GITHUB_TOKEN={self.token}", "--secret", f"ENDPOINT_URL={self.endpoint_url}"),
            *("--env", f"GITHUB_API_URL={self.api_url}", "--env", f"GITHUB_GRAPHQL_URL={self.graphql_url}"),
            *("--env", f"GITHUB_REPOSITORY={repository}", "--action-cache-path", str(self.folder / "actions")),
            *("--cache-server-addr", "127.0.0.1", "--artifact-server-addr", "127.0.0.1"),
            *("--local-repository", f"{ACTION_REF}={ROOT}"),
        ]
        for reference, folder in self.stand_ins.items():
            command += ["--local-repository", f"{reference}={folder}"]
        for name, value in self.secrets.items():
            command += ["--secret", f"{name}={value}"]
        done = subprocess.run(  # noqa: S603 - our own arguments
            [*command, *more],
            cwd=checkout,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return Run(done.returncode, lines, done.stdout + done.stderr)

    def environment(self) -> dict[str, str]:
        """A clean environment: act hands the host's down to the steps."""
        kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        tools = [Path(found).parent for name in ("git", "bash", "python3", "uv", "node") if (found := shutil.which(name))]
        path = os.pathsep.join(dict.fromkeys([*map(str, tools), "/usr/local/bin", "/usr/bin", "/bin"]))
        return kept | {"PATH": path, "XDG_CACHE_HOME": str(self.folder / "cache")}
