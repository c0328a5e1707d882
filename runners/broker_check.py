"""`glossator-ops broker check`: whether a broker could work here, before it is started. It changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from reviewer.doctor import Check, failed
from reviewer.errors import GlossatorError, HostError
from runners.broker import name_machine
from runners.broker_config import BrokerConfig
from runners.broker_github import BrokerGitHub, explain, open_client
from runners.broker_install import DAYS, find_installed, find_release
from runners.broker_jobs import read_queue
from runners.errors import RunnerError

NEEDED: Final = {"administration": "write", "actions": "write"}
"""What the GitHub App must be allowed to do, by GitHub's names."""


def check_broker(config: BrokerConfig, credential: str, programs: Path) -> Iterator[Check]:
    """Each thing that a broker needs, as soon as it is known."""
    yield Check("settings", "ok", f"{config.repository}: {', '.join(config.labels)}")
    github = BrokerGitHub(config, credential)
    try:
        if config.app_id:
            yield judge_permissions(github.get_installation(), config)
        runners = github.list_all("/actions/runners", "runners")
        queue = read_queue(github, config)
    except HostError as error:
        yield failed("GitHub", explain(error, config) if error.status else error)
    else:
        ready = [one for one in runners if one["name"].startswith(f"{config.name}-{name_machine()}-")]
        yield Check("GitHub", "ok", f"{len(runners)} runners are registered, {len(ready)} of them ours")
        waiting = f"{len(queue.ours)} allowed jobs wait, {len(queue.strangers)} that may not have a runner"
        yield Check("queue", "warn" if queue.strangers else "ok", waiting)
    finally:
        github.close()
    yield check_version(programs, config)
    yield check_systemd()


def judge_permissions(installation: Any, config: BrokerConfig) -> Check:
    """Whether the app may do what the broker does."""
    held = installation.get("permissions") or {}
    missing = [f"{name}: {level}" for name, level in NEEDED.items() if held.get(name) != level]
    if missing:
        error = RunnerError(
            f"The GitHub App {config.app_id} lacks {', '.join(missing)}.",
            "Give it in the app's settings, Permissions & events, and accept it where it is installed.",
        )
        return failed("app", error)
    more = sorted(set(held) - set(NEEDED) - {"metadata"})
    if more:
        hint = "Take them away: its key lies on the machine that runs jobs."
        return Check("app", "warn", f"It may more than it needs: {', '.join(more)}.", hint)
    return Check("app", "ok", "It may do what the broker does, and no more.")


def check_version(programs: Path, config: BrokerConfig) -> Check:
    """Which runner is installed, and whether GitHub still gives it jobs."""
    hint = "Run: glossator-ops broker install-runner"
    installed = find_installed(programs)
    if not installed:
        return failed("runner", RunnerError("No runner is installed.", hint))
    try:
        with open_client(config.api_url) as http:
            newest = find_release(http, config.api_url)
    except GlossatorError as error:
        return Check("runner", "warn", f"{installed} is installed; {error.what}", error.hint)
    if installed == newest.name:
        return Check("runner", "ok", f"{installed} is the newest")
    what = f"{installed} is installed, {newest.name} has been out for {newest.age:.0f} days"
    if newest.age > DAYS:
        return failed("runner", RunnerError(f"{what}: GitHub gives it no more jobs.", hint))
    return Check("runner", "warn", what, hint)


def check_systemd() -> Check:
    """Whether units can be started here."""
    if shutil.which("systemctl") and Path("/run/systemd/system").is_dir():
        return Check("systemd", "ok", "units can be started")
    return failed("systemd", RunnerError("This machine was not started by systemd.", "The broker needs its units."))
