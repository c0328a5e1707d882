#!/usr/bin/env python3
"""A stand-in for the runner's run.sh, against the stand-in GitHub: one just-in-time configuration, one job, the end.

It does what the broker and the hook rely on: the configuration comes by ACTIONS_RUNNER_INPUT_JITCONFIG and is written
to files in the current folder; steps run in a process of their own named Runner.Worker; the hook
ACTIONS_RUNNER_HOOK_JOB_STARTED runs there before them, and when it fails only steps with `always: ` run; when the
worker is killed the job has failed. It needs Python alone, so that it can be installed as a file named run.sh.

GLOSSATOR_STAND_IN makes it misbehave: `crash` (ends before it has a job), `old` (says that its version is too old),
`deaf` (never takes a job).
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

VARIABLE = "ACTIONS_RUNNER_INPUT_JITCONFIG"
POLL = 0.05
SET_NAME = 15
"""PR_SET_NAME of prctl."""


class GitHubSide:
    """What the runner asks of the stand-in GitHub, by the settings that came with its configuration."""

    def __init__(self, files: dict[str, Any]) -> None:
        settings = files[".runner"]
        self.repository = "/".join(settings["GitHubUrl"].split("/")[-2:])
        self.control = settings["ServerUrlV2"].removesuffix("/api/v3") + "/_control"
        self.secret = files[".credentials_rsaparams"]["d"]

    def step(self, name: str, **arguments: Any) -> Any:
        """One step of a scenario, in the name of this runner."""
        body = {"do": name, "repo": self.repository, "secret": self.secret, **arguments}
        request = urllib.request.Request(self.control, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
            return json.loads(response.read() or b"{}")


def read_config(encoded: str) -> dict[str, Any]:
    """Write the files of a configuration down, as the runner does, and return what is in them."""
    files = {name: base64.b64decode(text) for name, text in json.loads(base64.b64decode(encoded)).items()}
    for name, content in files.items():
        Path(name).write_bytes(content)
    return {name: json.loads(content) for name, content in files.items()}


def wait_for_job(github: GitHubSide) -> Any:
    """The job, as soon as GitHub gives one; None once this runner is not registered any more."""
    while True:
        answer = github.step("take_job")
        if answer.get("gone"):
            return None
        if answer.get("job"):
            return answer
        time.sleep(POLL)


def work(job: Any) -> int:
    """The worker: the hook, then the steps. Returns its exit code."""
    ctypes.CDLL(None).prctl(SET_NAME, b"Runner.Worker", 0, 0, 0)
    environment = {**os.environ, **job["environment"]}
    folder = Path("_work") / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    if hook := os.environ.get("ACTIONS_RUNNER_HOOK_JOB_STARTED"):
        failed = subprocess.run(["bash", "-e", hook], env=environment, check=False).returncode != 0
    for step in job["steps"]:
        always = step.startswith("always: ")
        if always or not failed:
            command = ["bash", "-e", "-c", step.removeprefix("always: ")]
            failed = subprocess.run(command, cwd=folder, env=environment, check=False).returncode != 0 or failed
    return 1 if failed else 0


def main() -> int:
    """The listener."""
    encoded, mood = os.environ.pop(VARIABLE, ""), os.environ.get("GLOSSATOR_STAND_IN", "")
    if mood in ("crash", "old") or not encoded:
        return 7 if mood == "old" else 1
    github = GitHubSide(read_config(encoded))
    while mood == "deaf":
        time.sleep(POLL)
    job = wait_for_job(github)
    if job is None:
        return 0
    if (child := os.fork()) == 0:
        os._exit(work(job))
    _, status = os.waitpid(child, 0)
    github.step("finish_job", conclusion="success" if status == 0 else "failure")
    return 0


if __name__ == "__main__":
    sys.exit(main())
