"""What a broker is told: for which repository, with which labels, and which jobs may have a runner."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from reviewer.errors import UsageError

API_URL: Final = "https://api.github.com"
SAFE_EVENTS: Final = frozenset({
    "create", "delete", "discussion", "issue_comment", "issues", "pull_request_target", "push", "release",
    "repository_dispatch", "schedule", "workflow_dispatch", "workflow_run",
})  # fmt: skip
"""Events whose workflow file is the repository's own. With `pull_request` and its like a fork's author writes it
(GitHub's reference "Events that trigger workflows"), so that no broker takes them."""
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}")
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_WORKFLOW: Final = re.compile(r"[A-Za-z0-9._-]+\.ya?ml")
_BRANCH: Final = re.compile(r"[A-Za-z0-9._/-]{1,100}")


class Allow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Jobs that may have a runner: of these workflows, from this branch, started by these events."""

    workflows: tuple[str, ...]
    events: tuple[str, ...]
    branch: str = "main"


class BrokerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One broker's settings. Times are in seconds."""

    repository: str
    name: str
    """The first part of the names of its runners, and the instance of its unit: `cpu` or `gpu`."""
    labels: tuple[str, ...]
    allow: Allow
    group: int = 1
    """GitHub wants one; 1 is the default group, and the only one of a repository."""
    app_id: str = ""
    """The GitHub App whose key is the credential; without it the credential is a token."""
    poll: float = 15.0
    idle: float = 120.0
    """A runner that nothing waits for any more is taken back after this long."""
    retry: float = 5.0
    """Before the first new try after a failure; doubled each time, at most five minutes."""
    cancel: bool = True
    """Cancel runs that ask for these labels and may not."""
    api_url: str = API_URL

    def find_fault(self) -> str:
        """What is wrong with it in one sentence, or nothing."""
        checks = (
            (_REPOSITORY.fullmatch(self.repository), "`repository` is OWNER/NAME."),
            (_NAME.fullmatch(self.name), "`name` has small letters, digits and dashes."),
            (self.labels and all(map(_LABEL.fullmatch, self.labels)), "`labels` has at least one, without spaces."),
            (
                self.allow.workflows and all(map(_WORKFLOW.fullmatch, self.allow.workflows)),
                "`workflows` has file names.",
            ),
            (_BRANCH.fullmatch(self.allow.branch), "`branch` is a branch's name."),
            (self.allow.events, "`events` names at least one."),
            (min(self.poll, self.idle, self.retry) > 0, "`poll`, `idle` and `retry` are seconds."),
            (self.api_url.startswith(("https://", "http://127.")), "`api_url` begins with https://."),
        )
        wrong = [text for good, text in checks if not good]
        unsafe = sorted(set(self.allow.events) - SAFE_EVENTS)
        if unsafe:
            wrong.append(f"`events` has {', '.join(unsafe)}: a stranger may write the workflow of such a run.")
        return wrong[0] if wrong else ""


def load_config(path: Path, environment: Mapping[str, str] = os.environ) -> BrokerConfig:
    """Read and check the file. GITHUB_API_URL stands in for an address that the file does not give.

    Raises:
        UsageError: It cannot be read, has a key that means nothing, or something in it cannot be used.
    """
    try:
        config = msgspec.yaml.decode(path.read_bytes(), type=BrokerConfig)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", "Name the broker's file with --config.") from None
    except (msgspec.MsgspecError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{path} is no broker's file: {first[:200]}", "docs/runners.md shows one.") from None
    if config.api_url == API_URL and environment.get("GITHUB_API_URL"):
        config = msgspec.structs.replace(config, api_url=environment["GITHUB_API_URL"])
    if fault := config.find_fault():
        raise UsageError(f"{path}: {fault}", "docs/runners.md shows one.")
    return config


def render_policy(config: BrokerConfig) -> str:
    """What `job-started.sh` reads on the runner: a word and its values a line, none of them with a space."""
    lines = {
        "repository": (config.repository,),
        "ref": (f"refs/heads/{config.allow.branch}",),
        "events": config.allow.events,
        "workflows": config.allow.workflows,
    }
    return "".join(f"{key} {' '.join(values)}\n" for key, values in lines.items())


def load_credential(config: BrokerConfig, environment: Mapping[str, str] = os.environ) -> str:
    """The app's private key or a token: systemd's credential `github`, or the file of GLOSSATOR_BROKER_CREDENTIAL.

    Raises:
        UsageError: There is none, or it is no key where an app's number is set.
    """
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    given = environment.get("GLOSSATOR_BROKER_CREDENTIAL", "")
    if not folder and not given:
        raise UsageError("There is no credential for GitHub.", "Set GLOSSATOR_BROKER_CREDENTIAL to a file's path.")
    path = Path(given) if given else Path(folder) / "github"
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError("The credential for GitHub cannot be read.", "Is it there, and a key or a token?") from None
    is_key = "PRIVATE KEY" in text
    if is_key != bool(config.app_id):
        what = "a private key, and `app_id` is not set" if is_key else "no private key, and `app_id` is set"
        raise UsageError(f"The credential for GitHub is {what}.", "A key goes with the app's number, a token without.")
    if not text or (not is_key and not text.isprintable()):
        raise UsageError("The credential for GitHub is empty or no token.", "Write the key or the token there.")
    return text
