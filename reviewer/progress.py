"""Show how long work goes: one line that is redrawn on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Self

import click

REDRAW = 0.1
"""Seconds between two drawings of a download's line on a terminal."""
TICK = 1.0
"""Seconds between two drawings of the line while the model works."""
LOG_EVERY = 10.0
"""Seconds between two lines in a log, so that what is quick says nothing."""
BAR = 24
"""Characters."""


class ProgressLine:
    """Progress on standard error. A terminal gets a bar with speed and time left, a log a percentage.

    As a context manager it leaves no half-drawn line behind, whatever happens.
    """

    def __init__(self) -> None:
        self._interactive = sys.stderr is not None and sys.stderr.isatty() and not os.environ.get("CI")
        self._label = ""
        self._started = self._drawn = 0.0
        self._first = self._width = 0
        self._pieces = (0, 0)
        self._answered = 0.0
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with self._lock:
            self._clear()

    def note(self, message: str) -> None:
        """Write a sentence on a line of its own."""
        self._clear()
        click.echo(message, err=True)

    def advance(self, label: str, done: int, total: int) -> None:
        """Draw `done` of `total` bytes."""
        now = time.monotonic()
        if label != self._label:
            self._clear()
            self._label, self._started, self._drawn, self._first = label, now, now, done
        if self._interactive:
            self._draw_bytes(done, total, now)
        elif now - self._drawn >= LOG_EVERY:
            self._drawn = now
            click.echo(f"  {label}: {100 * done // max(total, 1)} %", err=True)
        if done >= total:
            self._clear()
            self._label = ""

    def count(self, done: int, total: int) -> None:
        """Draw of how many pieces of the change the model has answered on, on a terminal only.

        The line tells the time until the next call: the first answer may take a minute.
        """
        if not self._interactive:
            return
        with self._lock:
            now = time.monotonic()
            if done >= total:
                self._ended.set()
                self._clear()
                return
            if not self._ticker.is_alive() and not self._ended.is_set():
                self._started = now
                self._ticker.start()
            self._pieces, self._answered = (done, total), now - self._started
            self._draw_pieces()

    def _tick(self) -> None:
        while not self._ended.wait(TICK):
            with self._lock:
                if not self._ended.is_set():
                    self._draw_pieces()

    def _draw_pieces(self) -> None:
        self._draw(render_pieces(*self._pieces, time.monotonic() - self._started, self._answered))

    def _draw_bytes(self, done: int, total: int, now: float) -> None:
        if now - self._drawn < REDRAW and done < total:
            return
        self._drawn = now
        self._draw(render_progress(self._label, done, total, (done - self._first) / max(now - self._started, 1e-3)))

    def _draw(self, line: str) -> None:
        """Draw over the line before. A line that wraps could not be drawn over."""
        line = line[: shutil.get_terminal_size().columns - 1]
        click.echo("\r" + line.ljust(self._width), nl=False, err=True)
        self._width = len(line)

    def _clear(self) -> None:
        if self._width:
            click.echo("\r" + " " * self._width + "\r", nl=False, err=True)
            self._width = 0


def render_progress(label: str, done: int, total: int, speed: float) -> str:
    """One line: bar, megabytes, speed (`speed` is in bytes a second) and the time left."""
    left = f"{render_time((total - done) / speed)} left" if speed > 0 else ""
    size = f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
    return f"  {label} {render_bar(done, total)} {size}  {speed / 1e6:.1f} MB/s  {left}"


def render_pieces(done: int, total: int, seconds: float, answered: float) -> str:
    """One line: what the model does, how far it is, since when, and about how long it still takes.

    Before its first answer a model reads what all pieces share, so that nothing can be said about the rest yet.

    Args:
        done: Pieces that were answered on.
        total: All pieces.
        seconds: Since the start.
        answered: Seconds from the start to the last answer.
    """
    what = "Asking the model" if done else "Reading the guidelines and the change"
    left = answered / done * total - seconds if done else 0
    shown = f", about {render_time(left)} left" if left >= 1 else ""
    return f"  {what} {render_bar(done, total)} {done} of {total}  {render_time(seconds)}{shown}"


def render_bar(done: int, total: int) -> str:
    """`[######------]`."""
    return f"[{'#' * (BAR * done // max(total, 1)):-<{BAR}}]"


def render_time(seconds: float) -> str:
    """`2:30`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
