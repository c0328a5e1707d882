"""`glossator doctor`: look at each thing that a review needs, and say what to fix. It changes and writes nothing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import textwrap
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reviewer.collect import SETTINGS_FILE, load_settings_file
from reviewer.console import write
from reviewer.context import BaseFiles
from reviewer.errors import EXIT_OK, GlossatorError, SourceError, UsageError
from reviewer.git_repository import GitRepository
from reviewer.report import wants_color
from reviewer.report_lines import clean, plural
from reviewer.settings import Settings, get_setting, merge_settings
from reviewer.settings_file import MAX_CHARACTERS, load_settings_text
from reviewer.settings_table import BY_NAME, TABLE
from reviewer.sources import choose_repo

State = Literal["ok", "warn", "fail", "skip"]

PYTHON = (3, 11)
GIT = (2, 30)
"""The first whose rev-parse knows --end-of-options."""
OTHER_VARIABLES = ("GLOSSATOR_FOLDER", "GLOSSATOR_EMBEDDED", "GLOSSATOR_TRACEBACK", "GLOSSATOR_UPDATE")
STYLES: Mapping[State, str] = {"ok": "32", "warn": "33", "fail": "1;31", "skip": "2"}
INDENT = 17
MAX_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of one thing. `hint` says what to do. `exit_code` counts when the state is `fail`."""

    name: str
    state: State
    what: str
    hint: str = ""
    exit_code: int = EXIT_OK


@dataclass(frozen=True, slots=True)
class Patient:
    """What to look at: a checkout, maybe a repository on GitHub with a token, and the settings that were given."""

    folder: Path
    repo: str
    token: str
    inputs: Mapping[str, object]
    runners: bool = False
    """Whether to look at who may reach self-hosted runners, too."""

    @property
    def shared(self) -> Mapping[str, object]:
        """Those that say how to review; the model's are looked at with the model."""
        return {name: value for name, value in self.inputs.items() if BY_NAME[name].shared}

    @property
    def model(self) -> Mapping[str, object]:
        """Those that say where the model is."""
        return {name: value for name, value in self.inputs.items() if not BY_NAME[name].shared}


def failed(name: str, error: GlossatorError) -> Check:
    """The check that ends with an error."""
    return Check(name, "fail", error.what, error.hint, error.exit_code)


def examine(patient: Patient) -> Iterator[Check]:
    """All checks, each as soon as it is done. What one of them shows the next one needs."""
    from reviewer.doctor_github import examine_github
    from reviewer.doctor_model import examine_endpoint, examine_local_model

    yield check_python(sys.version_info[:3])
    yield check_git()
    files: BaseFiles | None = None
    try:
        repo = choose_repo(patient.repo)
    except UsageError as error:
        yield failed("GitHub", error)
    else:
        files = yield from examine_github(repo, patient.token)
        if patient.runners:
            from reviewer.doctor_runners import examine_runners

            yield from examine_runners(repo, patient.token)
    settings = yield from examine_settings(patient, files)
    yield from examine_variables(os.environ)
    if patient.inputs.get("endpoint-url"):
        yield from examine_endpoint(patient.model, settings)
    else:
        yield from examine_local_model(patient.model)


def check_python(version: tuple[int, ...]) -> Check:
    """Whether this Python is new enough."""
    shown = f"{'.'.join(map(str, version))} on {platform.system()} {platform.machine()}"
    if version < PYTHON:
        return Check("Python", "fail", shown, "Install Python 3.11 or newer.", UsageError.exit_code)
    return Check("Python", "ok", shown)


def check_git(least: tuple[int, ...] = GIT) -> Check:
    """Whether there is a git, and which."""
    if shutil.which("git") is None:
        hint = "Install git. Without it only --diff FILE and --pull-request can be reviewed."
        return Check("git", "warn", "git was not found.", hint)
    try:
        shown = GitRepository(Path()).run("version")[1].decode("utf-8", "replace").strip()
    except (SourceError, OSError) as error:
        return Check("git", "fail", f"git does not run: {error}", "Install it anew.", SourceError.exit_code)
    found = re.search(r"(\d+)\.(\d+)", shown)
    if found and tuple(map(int, found.groups())) < least:
        return Check("git", "warn", f"{shown} is old.", f"Install git {'.'.join(map(str, least))} or newer.")
    return Check("git", "ok", shown.removeprefix("git version "))


def examine_settings(patient: Patient, files: BaseFiles | None) -> Generator[Check, None, Settings]:
    """The settings file, of the repository on GitHub or else of the checkout, and the options.

    Returns:
        The settings; the defaults where they are wrong.
    """
    embedded = not patient.inputs.get("endpoint-url")
    found: dict[str, object] = {}
    try:
        text, where = (None, "at the default branch") if files else load_worktree_file(patient.folder)
        found = load_settings_file(files) if files else load_settings_text(text or "")
        what = f"{SETTINGS_FILE} {where}: {plural(len(found), 'setting')}" if found else f"no {SETTINGS_FILE} {where}"
        yield Check("settings", "ok", f"{what}; the rest by default")
    except GlossatorError as error:
        yield failed("settings", error)
    try:
        return merge_settings(patient.shared, found, embedded=embedded)
    except UsageError as error:
        yield failed("options", error)
    return Settings()


def load_worktree_file(folder: Path) -> tuple[str | None, str]:
    """The settings file as it stands in the checkout, and where that is. A review reads it at the base, committed.

    Raises:
        UsageError: It is there and cannot be read.
    """
    where = "in this folder"
    try:
        top = GitRepository(folder).run("rev-parse", "--show-toplevel")[1].decode("utf-8", "replace").strip()
        folder, where = (Path(top), "in the checkout") if top else (folder, where)
    except SourceError:
        pass
    path = folder / SETTINGS_FILE
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(f"{SETTINGS_FILE} is no plain file, so that no review reads it.", "Put a file in its place.")
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_CHARACTERS + 1), where
    except FileNotFoundError:
        return None, where
    except OSError as error:
        raise UsageError(f"{SETTINGS_FILE} cannot be read: {error.strerror}.", "Check its permissions.") from None


def examine_variables(environ: Mapping[str, str]) -> Iterator[Check]:
    """Environment variables that look like settings and are none: nothing else would ever tell."""
    known = {*OTHER_VARIABLES, *(setting.variable for setting in TABLE)}
    for name in sorted(name for name in environ if name.startswith("GLOSSATOR_") and name not in known):
        try:
            get_setting(name.removeprefix("GLOSSATOR_").lower().replace("_", "-"), "")
        except UsageError as error:
            near = re.search(r"Did you mean (\S+)\?", error.hint)
            hint = f"Did you mean GLOSSATOR_{near[1].upper().replace('-', '_')}?" if near else "Unset it."
            yield Check("variables", "warn", f"{name} is set and means nothing.", hint)


def print_checks(checks: Iterable[Check]) -> int:
    """Write each check as it comes, and a last line. Returns the exit code: that of the first check that failed."""
    color = wants_color(os.environ, is_terminal=sys.stdout is not None and sys.stdout.isatty())
    width = min(shutil.get_terminal_size().columns, MAX_WIDTH)
    done: list[Check] = []
    for check in checks:
        done.append(check)
        write(render_check(check, width, color=color), color=color)
    write(render_sum(done), color=color)
    return next((check.exit_code for check in done if check.state == "fail"), EXIT_OK)


def render_check(check: Check, width: int = 80, *, color: bool = False) -> str:
    """`ok    git      2.43.0`, and what to do below it. Nothing in it can steer a terminal."""
    state = f"\x1b[{STYLES[check.state]}m{check.state:<4}\x1b[0m" if color else f"{check.state:<4}"
    lines = [line for text in clean_lines(check.what) for line in wrap(text, width)]
    lines += [line for text in clean_lines(check.hint) for line in wrap(f"-> {text}", width)]
    return f"{state}  {check.name:<{INDENT - 6}}" + f"\n{' ' * INDENT}".join(lines)


def clean_lines(text: str) -> list[str]:
    """The lines of a text, whatever a terminal would obey in them shown by its number."""
    return [clean(line) for line in text.splitlines()]


def wrap(text: str, width: int) -> list[str]:
    """The text in lines that fit beside the column of names."""
    return textwrap.wrap(text, max(30, width - INDENT), break_on_hyphens=False)


def render_sum(checks: list[Check]) -> str:
    """The last line: how many things to fix there are."""
    fails, warnings = (sum(check.state == state for check in checks) for state in ("fail", "warn"))
    known = f"{plural(warnings, 'thing')} to know about" if warnings else ""
    fixed = f"{plural(fails, 'thing')} to fix" if fails else "Nothing to fix"
    return f"\n{', '.join(filter(None, [fixed, known]))}."
