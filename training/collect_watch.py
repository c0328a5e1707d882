"""What somebody who runs the collection sees of it: how far it is, and why it waits."""

from __future__ import annotations

import os
import shutil
import sys
import time

import click

from reviewer.progress import LOG_EVERY, REDRAW, render_bar, render_time

SAY_AGAIN = 300.0
"""Seconds between two lines of a log about one wait."""


class TerminalWatch:
    """Time as it is, and progress on standard error: a line that is redrawn on a terminal, plain lines in a log."""

    def __init__(self) -> None:
        self._interactive = sys.stderr is not None and sys.stderr.isatty() and not os.environ.get("CI")
        self._width = 0
        self._label = ""
        self._started = self._drawn = 0.0
        self._first = 0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def say(self, sentence: str) -> None:
        """Write a sentence on a line of its own."""
        self._clear()
        click.echo(sentence, err=True)

    def wait(self, seconds: float, why: str) -> None:
        """Sleep, and count the time down."""
        end = time.monotonic() + seconds
        self.say(f"{why}: waiting {render_time(seconds)}.")
        said = time.monotonic()
        while (left := end - time.monotonic()) > 0:
            if self._interactive:
                self._draw(f"  {render_time(left)} left")
            elif time.monotonic() - said >= SAY_AGAIN:
                said = time.monotonic()
                click.echo(f"  Still waiting, {render_time(left)} left.", err=True)
            time.sleep(min(1.0, left))
        self._clear()

    def advance(self, label: str, done: int, total: int) -> None:
        """Draw how many pull requests of a repository are done."""
        now = time.monotonic()
        if label != self._label:
            self._clear()
            self._label, self._started, self._drawn, self._first = label, now, now, done
        if done >= total:
            self._clear()
        elif now - self._drawn >= (REDRAW if self._interactive else LOG_EVERY):
            self._drawn = now
            line = render_pulls(label, done, total, now - self._started, done - self._first)
            if self._interactive:
                self._draw(line)
            else:
                click.echo(line, err=True)

    def _draw(self, line: str) -> None:
        line = line[: shutil.get_terminal_size().columns - 1]
        click.echo("\r" + line.ljust(self._width), nl=False, err=True)
        self._width = len(line)

    def _clear(self) -> None:
        if self._width:
            click.echo("\r" + " " * self._width + "\r", nl=False, err=True)
            self._width = 0


def render_pulls(label: str, done: int, total: int, seconds: float, fresh: int) -> str:
    """One line: bar, pull requests, time, and the time left (`fresh` of them took `seconds`)."""
    left = f", about {render_time(seconds / fresh * (total - done))} left" if fresh and seconds >= 1 else ""
    return f"  {label} {render_bar(done, total)} {done:,} of {total:,} pull requests  {render_time(seconds)}{left}"
