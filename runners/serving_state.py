"""Two variables of a GitHub repository that say whether models are served, and until when.

A job for a self-hosted runner that is off waits 24 hours and then fails; with these variables a job on GitHub's own
machines can see beforehand that there is nothing to wait for. A job's own token can neither read nor write variables.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from reviewer.errors import HostError, HostUnavailable, PermissionDenied, UsageError
from runners.lease_times import parse_time, render_time

SERVING: Final = "GLOSSATOR_SERVING"
UNTIL: Final = "GLOSSATOR_SERVING_UNTIL"
TOKEN: Final = "GLOSSATOR_OPS_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
TRIES: Final = 3
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class State:
    """What the variables say. Both empty: nobody manages serving, and nothing is skipped."""

    serving: str = ""
    until: str = ""

    def is_up(self, now: datetime) -> bool:
        """Whether reviews run: not said to be down, and the time that was said has not passed."""
        return self.serving != "down" and not (self.until and parse_time(self.until, UNTIL) <= now)


class Variables:
    """The variables of one repository. Writing the same value again is no error, so a lost answer is written again."""

    def __init__(self, api_url: str, repository: str, token: str) -> None:
        if not _REPOSITORY.fullmatch(repository):
            raise UsageError(f"{repository[:80]!r} is no repository.", "Write owner/name.")
        if not token:
            raise UsageError(
                f"{TOKEN} is not set.",
                "It is a fine-grained token with the permission Variables: write on this repository alone; a job's own "
                "token cannot do it.",
            )
        self.repository = repository
        self.path = f"{api_url.rstrip('/')}/repos/{repository}/actions/variables"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self.client = httpx.Client(timeout=TIMEOUT, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, name: str) -> str:
        """The value of a variable; empty when there is none."""
        response = self._send("GET", f"{self.path}/{quote(name)}", None, f"read {name}", {200, 404})
        if response.status_code == httpx.codes.NOT_FOUND:
            return ""
        try:
            document = json.loads(response.content)
        except ValueError:
            document = None
        value = document.get("value") if isinstance(document, dict) else None
        if not isinstance(value, str):
            raise HostError(f"GitHub's answer on {name} cannot be read.", "Try again.", response.status_code)
        return value

    def put(self, name: str, value: str) -> None:
        """Give a variable a value, and make it when there is none."""
        body = {"name": name, "value": value}
        response = self._send("PATCH", f"{self.path}/{quote(name)}", body, f"set {name}", {204, 404})
        if response.status_code == httpx.codes.NOT_FOUND:
            self._send("POST", self.path, body, f"set {name}", {201, 409})

    def _send(self, method: str, address: str, body: Any, what: str, good: set[int]) -> httpx.Response:
        for left in reversed(range(TRIES)):
            try:
                response = self.client.request(method, address, json=body)
            except httpx.HTTPError:
                status = 0
            else:
                status = response.status_code
                if status in good:
                    return response
            if (status and status < httpx.codes.INTERNAL_SERVER_ERROR) or not left:
                raise translate(status, what, self.repository)
        raise AssertionError


def translate(status: int, what: str, repository: str) -> HostError:
    """The error for an answer that is no success; `status` 0: there was none."""
    if not status or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        told = f"it answered {status}" if status else "no answer"
        return HostUnavailable(f"Cannot {what} of {repository}: {told}.", "Run the same command again.", status)
    if status in {401, 403, 404}:
        return PermissionDenied(
            f"Cannot {what} of {repository}: GitHub refuses it ({status}).",
            f"{TOKEN} needs the permission Variables: write on this repository, must not have expired, and the "
            "repository must exist.",
            status,
        )
    return HostError(f"Cannot {what} of {repository}: GitHub answered {status}.", "Try again.", status)


def read_state(variables: Variables) -> State:
    """What is set now."""
    return State(variables.get(SERVING), variables.get(UNTIL))


def set_up(variables: Variables, until: datetime, now: datetime) -> State:
    """Models are served until then. The end is set first, so that there is no moment with an old end in it."""
    if until <= now:
        raise UsageError(f"{render_time(until)} has passed.", "Give the time at which serving ends, in UTC.")
    state = State("up", render_time(until))
    variables.put(UNTIL, state.until)
    variables.put(SERVING, state.serving)
    return state


def set_down(variables: Variables) -> State:
    """Nothing is served."""
    variables.put(SERVING, "down")
    return State("down", variables.get(UNTIL))


def renew(variables: Variables, until: datetime, now: datetime) -> State:
    """Move the end of what is up. What is down, over or was never set stays: a lease alone serves nothing."""
    state = read_state(variables)
    if state.serving != "up" or not state.is_up(now) or until <= now or state.until == render_time(until):
        return state
    variables.put(UNTIL, render_time(until))
    return State("up", render_time(until))


def tell(state: State, now: datetime) -> str:
    """One sentence."""
    if not state.serving and not state.until:
        return "Serving is not managed: reviews are never skipped."
    if state.is_up(now):
        return f"Serving is up until {state.until}." if state.until else "Serving is up, without an end."
    return "Serving is down." if state.serving == "down" else f"Serving is over since {state.until}."
