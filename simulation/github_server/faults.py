"""Things that go wrong on purpose: wrong answers, no answers, slow answers, and a world that stops."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any, Literal

StopMode = Literal["drop", "hang"]


@dataclass(slots=True)
class Fault:
    """What to do to requests whose method and path match. `status` 0: the connection is cut without an answer.

    A body that is a string is sent as HTML. `after_effect`: the request is carried out first, so the answer is lost.
    `skip` matching requests pass before it; it then happens `times` times. `delay` is in seconds.
    """

    method: str
    path: str
    status: int = 502
    body: Any = "<html><title>Unicorn!</title></html>"
    headers: dict[str, str] = field(default_factory=dict)
    after_effect: bool = False
    delay: float = 0.0
    only_delay: bool = False
    times: int = 1
    skip: int = 0

    def takes(self, method: str, path: str) -> bool:
        """Whether it happens to this request. Counts down."""
        if not self.times or self.method not in ("*", method) or not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Faults:
    """The queue of faults, and the switch that stops the world after a number of writes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.queue: list[Fault] = []
        self.writes = 0
        self.stopped = threading.Event()
        self.running = threading.Event()
        self.running.set()
        self.stop_at: int | None = None
        self.stop_mode: StopMode = "drop"
        self.answer_last = True

    def add(self, method: str, path: str, **settings: Any) -> Fault:
        """Queue a fault; see Fault for the settings."""
        fault = Fault(method, path, **settings)
        with self.lock:
            self.queue.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that happens to a request."""
        with self.lock:
            return next((fault for fault in self.queue if fault.takes(method, path)), None)

    def stop_after_writes(self, count: int, *, answer_last: bool = True, mode: StopMode = "drop") -> None:
        """Carry out `count` more writes; then every connection is dropped, or hangs until `resume`.

        Without `answer_last` the last write is carried out but never answered. `stopped` is set when it has happened.
        """
        with self.lock:
            self.stop_at, self.answer_last, self.stop_mode = self.writes + count, answer_last, mode

    def count_write(self) -> bool:
        """Count a write that was carried out; False when its answer must not be sent."""
        with self.lock:
            self.writes += 1
            if self.stop_at is None or self.writes < self.stop_at:
                return True
            self.running.clear()
            self.stopped.set()
            return self.answer_last

    def resume(self) -> None:
        """Let the world go on."""
        with self.lock:
            self.stop_at = None
            self.stopped.clear()
            self.running.set()

    def clear(self) -> None:
        """Forget the queue and go on."""
        with self.lock:
            self.queue.clear()
        self.resume()

    def blocks(self, timeout: float) -> bool:
        """Whether a new request must be dropped because the world has stopped. In `hang` mode waits for `resume`."""
        if self.running.is_set():
            return False
        return self.stop_mode == "drop" or not self.running.wait(timeout)
