"""Show how a download goes: one line that is redrawn on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import click

REDRAW = 0.1
"""Seconds between two drawings of the line on a terminal."""
LOG_EVERY = 10.0
"""Seconds between two lines in a log, so that what is quick says nothing."""
BAR = 24
"""Characters."""


class ProgressLine:
    """Progress on standard error. A terminal gets a bar with speed and time left, a log a percentage."""

    def __init__(self) -> None:
        self._interactive = sys.stderr.isatty() and not os.environ.get("CI")
        self._label = ""
        self._started = self._drawn = 0.0
        self._first = self._width = 0

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
            self._draw(done, total, now)
        elif now - self._drawn >= LOG_EVERY:
            self._drawn = now
            click.echo(f"  {label}: {100 * done // max(total, 1)} %", err=True)
        if done >= total:
            self._clear()
            self._label = ""

    def count(self, label: str, done: int, total: int) -> None:
        """Draw `done` of `total` pieces, on a terminal only."""
        if not self._interactive:
            return
        text = f"  {label} [{'#' * (BAR * done // max(total, 1)):-<{BAR}}] {done} of {total}"
        click.echo("\r" + text.ljust(self._width), nl=False, err=True)
        self._width = len(text)
        if done >= total:
            self._clear()

    def _draw(self, done: int, total: int, now: float) -> None:
        if now - self._drawn < REDRAW and done < total:
            return
        self._drawn = now
        line = render_progress(self._label, done, total, (done - self._first) / max(now - self._started, 1e-3))
        click.echo("\r" + line.ljust(self._width), nl=False, err=True)
        self._width = len(line)

    def _clear(self) -> None:
        if self._width:
            click.echo("\r" + " " * self._width + "\r", nl=False, err=True)
            self._width = 0


def render_progress(label: str, done: int, total: int, speed: float) -> str:
    """One line: bar, megabytes, speed (`speed` is in bytes a second) and the time left."""
    filled = BAR * done // max(total, 1)
    left = f"{int((total - done) / speed) // 60}:{int((total - done) / speed) % 60:02} left" if speed > 0 else ""
    bar = "#" * filled + "-" * (BAR - filled)
    return f"  {label} [{bar}] {done / 1e6:,.0f} of {total / 1e6:,.0f} MB  {speed / 1e6:.1f} MB/s  {left}"


def show_pieces(line: ProgressLine) -> Callable[[int, int], None]:
    """A callback that shows on a terminal how many pieces of the change the model has answered on."""

    def show(done: int, total: int) -> None:
        line.count("Asking the model", done, total)

    return show
