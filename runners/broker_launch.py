"""Start a runner for one job, and see how it goes: as systemd's unit, or as a child where there is no systemd."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from runners.errors import RunnerError

VARIABLE: Final = "ACTIONS_RUNNER_INPUT_JITCONFIG"
"""The runner reads any ACTIONS_RUNNER_INPUT_NAME as it would --name, and takes it out of its own environment
(actions/runner, src/Runner.Listener/CommandSettings.cs)."""
TOO_OLD: Final = 7
"""Exit code of run.sh for a version that GitHub takes no more, when it is asked to tell (run-helper.sh)."""
TIMEOUT: Final = 90.0
"""Seconds for one systemctl."""
GRACE: Final = 10.0
"""Seconds that a child has to end before it is killed."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a runner ended. `code` is the exit code, negative for a signal."""

    code: int


class Launcher(Protocol):
    """Whatever starts runners."""

    outlives: bool
    """Whether a runner goes on when the broker ends."""

    def start(self, jitconfig: str) -> None:
        """Start one. RunnerError when it cannot."""
        ...

    def poll(self) -> Ending | None:
        """How it ended, or None while it runs."""
        ...

    def stop(self) -> None:
        """End it, whatever it does."""
        ...


class UnitLauncher:
    """The unit `glossator-runner@NAME.service`. What it needs to know goes through a file that only root can read.

    systemd hands the file on as a credential, so that it is in no argument and not in the journal; it is deleted as
    soon as the unit has started.
    """

    outlives = True

    def __init__(self, name: str, folder: Path, systemctl: str = "systemctl") -> None:
        self.unit = f"glossator-runner@{name}.service"
        self._file = folder / "jitconfig"
        self._systemctl = systemctl

    def start(self, jitconfig: str) -> None:
        """Start the unit."""
        self._file.unlink(missing_ok=True)
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(jitconfig)
            self._run("reset-failed", self.unit, must=False)
            self._run("start", self.unit)
        finally:
            self._file.unlink(missing_ok=True)

    def poll(self) -> Ending | None:
        """By the unit's state."""
        lines = self._run("show", "--property=ActiveState,ExecMainCode,ExecMainStatus", self.unit).splitlines()
        shown = dict(line.split("=", 1) for line in lines if "=" in line)
        if shown.get("ActiveState") in {"active", "activating", "deactivating", "reloading"}:
            return None
        code = int(shown.get("ExecMainStatus") or 0)
        return Ending(code if shown.get("ExecMainCode") in {"0", "1"} else -code)  # 1 is CLD_EXITED

    def stop(self) -> None:
        """Stop the unit: systemd ends every process of it."""
        self._run("stop", self.unit)

    def _run(self, *words: str, must: bool = True) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the words are ours
                [self._systemctl, *words], capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RunnerError(f"systemctl {words[0]} does not answer.", "Is this a machine with systemd?") from error
        if must and done.returncode:
            first = (done.stderr.strip().splitlines() or ["no reason given"])[0]
            raise RunnerError(f"{self.unit} cannot {words[0]}: {first[:200]}", f"See journalctl -u {self.unit}.")
        return done.stdout


class ChildLauncher:
    """run.sh as a child of the broker, in a new folder that is deleted afterwards. It isolates nothing else."""

    outlives = False

    def __init__(self, program: Path, hook: Path | None = None, environment: dict[str, str] | None = None) -> None:
        self._program = program
        self._hook = hook
        self._environment = environment or {}
        self._child: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def start(self, jitconfig: str) -> None:
        """Start the program in a new folder, with nothing of our environment but the path."""
        self._folder = tempfile.TemporaryDirectory(prefix="glossator-runner-", ignore_cleanup_errors=True)
        hook = {"ACTIONS_RUNNER_HOOK_JOB_STARTED": str(self._hook)} if self._hook else {}
        given = {"PATH": os.environ.get("PATH", ""), "HOME": self._folder.name, VARIABLE: jitconfig, **hook}
        try:
            self._child = subprocess.Popen(  # noqa: S603 - the program is the administrator's
                [self._program], cwd=self._folder.name, env={**self._environment, **given}, start_new_session=True
            )
        except OSError as error:
            self._folder.cleanup()
            raise RunnerError(
                f"{self._program} cannot be started: {error.strerror}.",
                "Install it: glossator-ops broker install-runner",
            ) from error

    def poll(self) -> Ending | None:
        """By the child's exit code."""
        if self._child is None:
            return Ending(0)
        code = self._child.poll()
        if code is None:
            return None
        self._clean()
        return Ending(code)

    def stop(self) -> None:
        """End the child and all that it started."""
        if self._child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(GRACE)
        self._clean()

    def _clean(self) -> None:
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
        if self._folder is not None:
            self._folder.cleanup()
        self._child, self._folder = None, None
