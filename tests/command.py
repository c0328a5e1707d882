"""Run `glossator` in a test: in this process, which is quick, or in one of its own, which is the real thing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reviewer.cli import main

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Done:
    """What a run left."""

    code: int
    out: str
    err: str


def clean_environment(**variables: str) -> dict[str, str]:
    """This environment without what would change a run, such as the runner's own variables when CI runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GLOSSATOR_", "GITHUB_"))}
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        kept.pop(name, None)
    return kept | variables


class Command:
    """`glossator` in this process. As a fixture it is `glossator`; `environment` and `stdin` are for the next runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.monkeypatch, self.capsys, self.folder = monkeypatch, capsys, folder
        for name in set(os.environ) - set(clean_environment()):
            monkeypatch.delenv(name)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))

    def __call__(self, *arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None, **variables: Any) -> Done:
        self.capsys.readouterr()
        with self.monkeypatch.context() as patched:
            patched.chdir(cwd or self.folder)
            patched.setattr(sys, "argv", ["glossator", *map(str, arguments)])
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            for name, value in variables.items():
                patched.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        shown = self.capsys.readouterr()
        assert isinstance(ended.value.code, int), "every command returns its exit code"
        return Done(ended.value.code, shown.out, shown.err)


def run_process(
    *arguments: str | Path, cwd: Path, stdin: bytes | None = b"", variables: Mapping[str, str] | None = None
) -> Done:
    """`python -m reviewer` as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "reviewer", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=clean_environment(PYTHONPATH=str(ROOT), PYTHONWARNINGS="error", **(variables or {})),
        timeout=50,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
