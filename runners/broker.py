"""The broker: while an allowed job waits it registers one runner for one job, starts it, and sees it end.

It never keeps a runner ready. One that is registered can be given whatever job asks for its labels, so there is one
only while an allowed job waits and no other does; once it has a job, GitHub is asked which, and a stranger's is ended.
What is left to chance, a stranger's job queued in the seconds between, is refused by `job-started.sh` on the runner.
"""

from __future__ import annotations

import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from reviewer.errors import HostError, HostUnavailable, NotFound, PermissionDenied, RateLimited, ValidationFailed
from runners.broker_config import BrokerConfig
from runners.broker_events import JobTeller
from runners.broker_github import BrokerGitHub, explain
from runners.broker_jobs import Queue, WaitingJob, find_job, read_queue
from runners.broker_launch import TOO_OLD, Ending, Launcher
from runners.errors import RunnerError

WORK_FOLDER: Final = "_work"
LONGEST_PAUSE: Final = 300.0
MAX_TRIES: Final = 12
"""Failures in a row, of GitHub or of runners that end without a job: with doubled pauses about 40 minutes."""
LOOKS: Final = 3
"""Times that GitHub is asked which job a busy runner has."""
CONFLICT: Final = 409


@dataclass(slots=True)
class Watch:
    """The clock, the signal to stop, and whoever reads the journal."""

    say: Callable[[str], None]
    stopping: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], float] = time.monotonic

    def wait(self, seconds: float) -> None:
        """Let time pass, at most until the signal to stop."""
        self.stopping.wait(seconds)


@dataclass(frozen=True, slots=True)
class Registered:
    """A runner that GitHub knows."""

    id: int
    name: str


def name_machine() -> str:
    """The first part of this machine's name, in letters that a runner's may have."""
    short = socket.gethostname().partition(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "-", short).strip("-")[:30] or "machine"


@dataclass(slots=True)
class Attended:
    """What is known of a runner while it runs. `idle_since` is when a job last waited for it."""

    idle_since: float
    busy: bool = False
    looks: int = 0


class Broker:
    """One runner after the other, for one set of labels."""

    def __init__(
        self,
        config: BrokerConfig,
        github: BrokerGitHub,
        launcher: Launcher,
        watch: Watch,
        teller: JobTeller | None = None,
    ) -> None:
        self.config = config
        self.prefix = f"{config.name}-{name_machine()}-"
        """What the names of its runners begin with; another machine's broker has another."""
        self.served = 0
        """Runners that had a job."""
        self._github = github
        self._launcher = launcher
        self._watch = watch
        self._teller = teller
        self._told: set[int] = set()
        self._misses = 0
        """Times in a row that GitHub did not answer."""
        self._crashes = 0
        """Runners in a row that ended without a job."""

    def run(self, jobs: int = 0) -> None:
        """Serve until the signal to stop, or so many jobs.

        Raises:
            RunnerError: GitHub refuses, or nothing has worked for long. It says what to do.
        """
        self._guard(self._clean_up)
        while not self._watch.stopping.is_set() and not (jobs and self.served >= jobs):
            self._guard(self._serve_next)

    def _guard(self, step: Callable[[], None]) -> None:
        """Do a step. What may pass by itself is waited for, longer each time; what will not is explained."""
        try:
            step()
        except RateLimited as error:
            self._watch.say(f"{error.what} Waiting {error.retry_after:.0f} s.")
            self._watch.wait(error.retry_after)
        except HostUnavailable as error:
            self._misses += 1
            self._pause(error.what, self._misses)
        except HostError as error:
            raise explain(error, self.config) from error

    def _pause(self, why: str, failures: int) -> None:
        """Wait after so many failures in a row.

        Raises:
            RunnerError: That was the last try.
        """
        if failures >= MAX_TRIES:
            raise RunnerError(f"{why} That was try {failures}.", "See the lines above in the journal.")
        seconds = min(self.config.retry * 2 ** (failures - 1), LONGEST_PAUSE)
        self._watch.say(f"{why} Next try in {seconds:.0f} s.")
        self._watch.wait(seconds)

    def _clean_up(self) -> None:
        """Wait for a runner that an earlier broker has started, then remove what it has left registered."""
        if self._launcher.outlives:
            while self._launcher.poll() is None and not self._watch.stopping.is_set():
                self._look_after_left()
                self._watch.wait(self.config.poll)
        for one in self._list_ours():
            if one["status"] == "offline" and self._remove(Registered(one["id"], one["name"])):
                self._watch.say(f"Removed {one['name']}, which was left over.")

    def _list_ours(self) -> list[Any]:
        """Runners of this machine that GitHub knows, whoever registered them."""
        runners = self._github.list_all("/actions/runners", "runners")
        return [one for one in runners if one["name"].startswith(self.prefix)]

    def _look_after_left(self) -> None:
        """End a runner of an earlier broker that has no job, or one that it may not have."""
        for one in self._list_ours():
            registered = Registered(one["id"], one["name"])
            if one["busy"]:
                self._check_job(registered)
            elif self._remove(registered):
                self._launcher.stop()

    def _serve_next(self) -> None:
        """Look at the queue; register and watch one runner when an allowed job waits and no other."""
        queue = read_queue(self._github, self.config)
        self._misses = 0
        if queue.strangers:
            self._turn_away(queue.strangers)
        if not queue.ours or queue.strangers:
            self._watch.wait(self.config.poll)
            return
        registered, jitconfig = self._register()
        if self._watch.stopping.is_set():
            self._remove(registered)
            return
        try:
            self._launcher.start(jitconfig)
        except RunnerError:
            self._remove(registered)
            raise
        self._watch.say(f"Started {registered.name} for {queue.ours[0].workflow}.")
        self._attend(registered, frozenset(one.run for one in queue.ours))

    def _turn_away(self, strangers: tuple[WaitingJob, ...]) -> None:
        """Say which runs may not have a runner, once each, and cancel them."""
        for one in strangers:
            if one.run not in self._told:
                self._watch.say(f"Run {one.run} asks for {', '.join(self.config.labels)} and may not: {one.fault}.")
            if self.config.cancel and one.named:
                self._cancel(one.run)
            self._told.add(one.run)

    def _cancel(self, run: int) -> None:
        try:
            self._github.ask("POST", f"/actions/runs/{run}/cancel")
        except PermissionDenied as error:
            if run not in self._told:
                self._watch.say(f"{error.what} While it waits no runner is started: cancel it by hand.")
        except HostUnavailable:
            raise
        except HostError as error:
            if error.status not in {CONFLICT, 404}:  # it is done or gone by now
                raise

    def _register(self) -> tuple[Registered, str]:
        """A new runner at GitHub, and what it needs to know."""
        name = self.prefix + secrets.token_hex(5)
        body = {
            "name": name,
            "runner_group_id": self.config.group,
            "labels": list(self.config.labels),
            "work_folder": WORK_FOLDER,
        }
        data = self._github.ask("POST", "/actions/runners/generate-jitconfig", body)
        return Registered(int(data["runner"]["id"]), name), str(data["encoded_jit_config"])

    def _remove(self, registered: Registered) -> bool:
        """Unregister a runner. False when it has a job by now, and so stays."""
        try:
            self._github.ask("DELETE", f"/actions/runners/{registered.id}")
        except NotFound:
            pass
        except ValidationFailed:
            return False
        return True

    def _attend(self, registered: Registered, runs: frozenset[int]) -> None:
        """Watch a runner until it ends, is taken back, or the broker must stop. `runs`: those that it was made for."""
        state = Attended(self._watch.now())
        while (ending := self._launcher.poll()) is None:
            if self._watch.stopping.is_set():
                self._leave(registered)
                return
            try:
                if self._take_back(registered, state):
                    return
            except (HostUnavailable, RateLimited) as error:
                self._watch.say(f"{error.what} {registered.name} goes on.")
            except HostError:
                if not state.busy:  # nobody would look after it
                    self._launcher.stop()
                raise
            self._watch.wait(self.config.poll)
        if self._close(registered, ending, busy=state.busy) and self._teller:
            self._teller.tell(registered.id, runs)

    def _take_back(self, registered: Registered, state: Attended) -> bool:
        """One look at a running runner: whether it was taken back, since nothing that may have it waits."""
        state.busy = state.busy or self._is_busy(registered)
        if state.busy:
            if state.looks < LOOKS:
                state.looks = LOOKS if self._check_job(registered) else state.looks + 1
            return False
        queue = read_queue(self._github, self.config)
        state.idle_since = self._watch.now() if queue.ours else state.idle_since
        if not self._is_unwanted(queue, state.idle_since) or not self._remove(registered):
            return False
        self._launcher.stop()
        self._watch.say(f"Took {registered.name} back: nothing that may have it waits.")
        return True

    def _is_busy(self, registered: Registered) -> bool:
        """Whether it has or had a job: GitHub forgets a one-job runner once that is done."""
        try:
            shown: Any = self._github.ask("GET", f"/actions/runners/{registered.id}")
        except NotFound:
            return True
        return bool(shown["busy"])

    def _check_job(self, registered: Registered) -> bool:
        """Whether GitHub has told which job the runner has. One that it may not have is ended."""
        job = find_job(self._github, self.config, registered.id)
        if job is None:
            return False
        if job.fault:
            self._launcher.stop()
            self._watch.say(f"Ended {registered.name}: run {job.run} may not have it: {job.fault}.")
            if self.config.cancel:
                self._cancel(job.run)
        return True

    def _is_unwanted(self, queue: Queue, idle_since: float) -> bool:
        """Whether a runner without a job is to be taken back."""
        return bool(queue.strangers) or self._watch.now() - idle_since >= self.config.idle

    def _leave(self, registered: Registered) -> None:
        """The broker must stop: a runner without a job goes too, one with a job stays where it can."""
        if self._remove(registered):
            self._launcher.stop()
            self._watch.say(f"Stopped {registered.name} before it had a job.")
        elif self._launcher.outlives:
            self._watch.say(f"{registered.name} has a job and ends by itself after it.")
        else:
            self._launcher.stop()
            self._watch.say(f"Stopped {registered.name} in its job.")

    def _close(self, registered: Registered, ending: Ending, *, busy: bool) -> bool:
        """A runner has ended: remove what is left of it, and say whether it had a job."""
        if ending.code == TOO_OLD:
            self._remove(registered)
            raise RunnerError(
                "GitHub takes this version of the runner no more.", "Run: glossator-ops broker install-runner"
            )
        if busy or self._is_busy(registered):
            self.served, self._crashes = self.served + 1, 0
            self._remove(registered)
            how = f" and ended with exit code {ending.code}" if ending.code else ""
            self._watch.say(f"{registered.name} has had its job{how}.")
            return True
        self._remove(registered)
        self._crashes += 1
        self._pause(f"{registered.name} ended without a job (exit code {ending.code}).", self._crashes)
        return False
