"""Events on their way to a receiver: a command for each, a webhook, or a folder; at a pace, and for a bounded time."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from simulation.github_server.views import Json

WEBHOOK_SECONDS = 10.0
"""GitHub gives up on a receiver after ten seconds."""
POLL = 0.05
"""Seconds between two looks at a command that runs."""


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook event. `token` is what a job that it starts would get; `folder` holds `event.json`."""

    name: str
    payload: Json
    token: str
    folder: Path

    @property
    def body(self) -> bytes:
        return json.dumps(self.payload).encode()

    @property
    def path(self) -> Path:
        return self.folder / "event.json"

    @property
    def delivery(self) -> str:
        """The id of the delivery: the same for the same payload."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.body.decode()))

    def save(self) -> None:
        """Write the payload into the event's folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(self.body)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an event. `seconds` from its emission to the receiver's end; `problem` is empty: all well."""

    event: Event
    seconds: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """When to stop: at `deadline` of the monotonic clock, or once somebody says so."""

    deadline: float
    stop: threading.Event

    @property
    def is_over(self) -> bool:
        return self.stop.is_set() or time.monotonic() >= self.deadline

    def sleep_until(self, moment: float) -> bool:
        """Wait; False when the end comes first."""
        self.stop.wait(max(min(moment, self.deadline) - time.monotonic(), 0))
        return not self.is_over


class Receiver(Protocol):
    """Takes an event. Says what went wrong, or nothing."""

    def deliver(self, event: Event, bounds: Bounds) -> str: ...


@dataclass(frozen=True, slots=True)
class CommandReceiver:
    """Runs a command for each event, in the environment of a job. Its output goes to `log.txt` beside the event."""

    words: Sequence[str]
    api_url: str
    graphql_url: str

    def deliver(self, event: Event, bounds: Bounds) -> str:
        if bounds.is_over:
            return "not started in time"
        with (event.folder / "log.txt").open("wb") as log:
            try:
                process = subprocess.Popen(
                    self.words,
                    env=self.make_environment(event),
                    cwd=event.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                return f"cannot run {self.words[0]}: {error.strerror}"
            return wait_for(process, bounds)

    def make_environment(self, event: Event) -> dict[str, str]:
        """This process's variables, with those of a job in place of any that a runner has set."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "RUNNER_"))}
        return {
            **kept,
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_EVENT_PATH": str(event.path),
            "GITHUB_REPOSITORY": event.payload["repository"]["full_name"],
            "GITHUB_API_URL": self.api_url,
            "GITHUB_GRAPHQL_URL": self.graphql_url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_TOKEN": event.token,
            "GLOSSATOR_GITHUB_TOKEN": event.token,
            "GITHUB_OUTPUT": str(event.folder / "output.txt"),
            "GITHUB_STEP_SUMMARY": str(event.folder / "summary.md"),
            "RUNNER_TEMP": str(event.folder),
        }


def wait_for(process: subprocess.Popen[bytes], bounds: Bounds) -> str:
    """Wait for a command to end, or end it and all that it started."""
    while process.poll() is None:
        if bounds.is_over:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return "stopped: the time was up"
        time.sleep(POLL)
    return f"exit code {process.returncode}" if process.returncode else ""


@dataclass(frozen=True, slots=True)
class WebhookReceiver:
    """Posts each event to an address as GitHub does, signed when there is a secret."""

    url: str
    secret: str = ""

    def deliver(self, event: Event, bounds: Bounds) -> str:
        import httpx

        left = bounds.deadline - time.monotonic()
        if bounds.is_over:
            return "not sent in time"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/glossator",
            "X-GitHub-Event": event.name,
            "X-GitHub-Delivery": event.delivery,
        }
        if self.secret:
            headers["X-Hub-Signature-256"] = sign(self.secret, event.body)
        try:
            with httpx.Client(trust_env=False, timeout=min(left, WEBHOOK_SECONDS)) as client:
                answer = client.post(self.url, content=event.body, headers=headers)
        except httpx.TimeoutException:
            return f"no answer within {min(left, WEBHOOK_SECONDS):.0f} s"
        except httpx.HTTPError as error:
            return f"no connection: {error}"
        return "" if answer.is_success else f"answered {answer.status_code}"


def sign(secret: str, body: bytes) -> str:
    """GitHub's `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class FolderReceiver:
    """Nobody: the payload in its folder is all."""

    def deliver(self, event: Event, bounds: Bounds) -> str:
        return ""


def emit(
    events: Sequence[Callable[[], Event]],
    receiver: Receiver,
    bounds: Bounds,
    *,
    rate: float,
    burst: int,
    jobs: int,
    told: Callable[[Delivery], None],
) -> list[Delivery]:
    """Send events, `burst` at once and `rate` a minute on the whole, to be received at most `jobs` at a time.

    Each event is made just before it is sent: by then what it tells of has happened. Ends when all are received, at the
    bounds, or with Ctrl-C; then what has been received is returned, and what runs is ended.
    """
    started, waiting, done = time.monotonic(), list[Future[Delivery]](), list[Delivery]()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for number, group in enumerate(split_bursts(events, burst)):
                if not bounds.sleep_until(started + number * burst * 60 / rate):
                    break
                made = [make() for make in group]
                now = time.monotonic()
                waiting += [pool.submit(receive, receiver, event, bounds, now, told) for event in made]
            for future in waiting:
                done.append(future.result())
        except KeyboardInterrupt:
            bounds.stop.set()
            done += [future.result() for future in waiting[len(done) :]]
    return done


def split_bursts(events: Sequence[Callable[[], Event]], burst: int) -> Iterator[Sequence[Callable[[], Event]]]:
    for start in range(0, len(events), burst):
        yield events[start : start + burst]


def receive(
    receiver: Receiver, event: Event, bounds: Bounds, emitted: float, told: Callable[[Delivery], None]
) -> Delivery:
    """One event, in a thread of its own."""
    problem = receiver.deliver(event, bounds)
    delivery = Delivery(event, time.monotonic() - emitted, problem)
    told(delivery)
    return delivery
