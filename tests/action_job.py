"""The action's three steps, run in this process with the environment that action.yml gives each of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from action.entry import main
from simulation.github_server import GitHubServer, PullScenario
from simulation.github_server.payloads import issue_comment_event, pull_request_event


@dataclass
class ActionJob:
    """One job of a workflow. `log` is all that its steps wrote, `outputs` and `summary` what they told GitHub."""

    server: GitHubServer
    folder: Path
    endpoint: str
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    token: str = "actions-token"
    inputs: dict[str, str] = field(default_factory=dict)
    endpoint_token: str = ""
    log: str = ""

    def run(self, event_name: str, payload: dict[str, Any]) -> dict[str, int]:
        """Run the steps that action.yml would run, and give their exit codes."""
        codes = {"collect": self.step("collect", event_name, payload)}
        command = self.outputs.get("command")
        if command == "review":
            codes["infer"] = self.step("infer", event_name, payload)
        if codes["collect"] == 0 and command != "none":
            codes["post"] = self.step("post", event_name, payload)
        return codes

    def step(self, name: str, event_name: str, payload: dict[str, Any]) -> int:
        """Run one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        event = self.folder / "event.json"
        event.write_text(json.dumps(payload), encoding="utf-8")
        secrets = {"GITHUB_TOKEN": self.token, "SIGNING_KEY": "a key"}
        if name == "infer":
            secrets = {"ENDPOINT_URL": self.endpoint, "ENDPOINT_TOKEN": self.endpoint_token}
        given = {key.upper().replace("-", "_"): value for key, value in self.inputs.items()}
        environ = {
            "GITHUB_EVENT_NAME": event_name,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": payload.get("repository", {}).get("full_name", "octo/demo"),
            "GITHUB_API_URL": self.server.url,
            "RUNNER_TEMP": str(self.folder),
            **{f"GLOSSATOR_{key}": value for key, value in (secrets | given).items()},
        }
        for variable in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            self.monkeypatch.setenv(variable, str(self.folder / variable))
        self.capture.readouterr()
        code = main([name], environ)
        written = self.capture.readouterr()
        self.log += written.out + written.err
        return code

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs, the last of each name."""
        path = self.folder / "GITHUB_OUTPUT"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        found = re.findall(r"^([\w-]+)<<(\w+)\n(.*?)\n\2$", text, re.MULTILINE | re.DOTALL)
        return {name: value for name, _, value in found}

    @property
    def summary(self) -> str:
        """The job summary."""
        path = self.folder / "GITHUB_STEP_SUMMARY"
        return path.read_text(encoding="utf-8") if path.exists() else ""


def pushed(pull: PullScenario, action: str = "opened", **options: Any) -> tuple[str, dict[str, Any]]:
    """A pull_request event."""
    return "pull_request", pull_request_event(pull, action, **options)


def said(pull: PullScenario, text: str, author: str = "bob") -> tuple[str, dict[str, Any]]:
    """An issue_comment event for a comment that somebody writes now."""
    return "issue_comment", issue_comment_event(pull, pull.comment(text, author=author)["id"])
