"""How a run goes, on standard error: a line for each pull request, with the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from evals.held_out import HeldOut
from evals.predictions import Prediction
from evals.runner import count_things
from reviewer.errors import ModelError
from reviewer.report_lines import clean


class RunProgress:
    """An `evals.runner.Listener`.

    Args:
        brief: Only say what there is at the end.
        clock: Gives seconds.
    """

    def __init__(self, *, brief: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._brief, self._clock = brief, clock
        self._before = self._done = self._total = self._posted = 0
        self._started = clock()

    def start(self, done: int, total: int) -> None:
        """Say where an earlier run was stopped."""
        self._before = self._done = done
        self._total, self._started = total, self._clock()
        if done and not self._brief:
            click.echo(f"{done} of {count_things(total, 'pull request')} had been done before.", err=True)

    def add(self, prediction: Prediction) -> None:
        """Say what became of a pull request."""
        self._done += 1
        posted = sum(comment.posted for comment in prediction.comments)
        self._posted += posted
        if self._brief:
            return
        parts = [clean(prediction.status), count_things(posted, "comment")]
        parts += [f"{prediction.seconds:.1f} s"] if prediction.seconds else []
        self._say(prediction.repo, prediction.number, ", ".join(filter(None, parts)))

    def fail(self, held: HeldOut, error: ModelError) -> None:
        """Say why a pull request has no prediction."""
        self._say(*held.key, f"no answer: {clean(error.what)}")

    def finish(self, name: str) -> None:
        """Say what there is at the end."""
        new = self._done - self._before
        seconds = self._clock() - self._started
        what = f"{count_things(self._posted, 'comment')} on {count_things(new, 'pull request')}"
        click.echo(f"{clean(name)}: {what} in {render_duration(seconds)}.", err=True)

    def _say(self, repo: str, number: int, what: str) -> None:
        width = len(str(self._total))
        left = self._render_left()
        click.echo(f"{self._done:{width}}/{self._total}  {clean(repo)}#{number}  {what}{left}", err=True)

    def _render_left(self) -> str:
        new, left = self._done - self._before, self._total - self._done
        if not new or not left:
            return ""
        return f", about {render_duration((self._clock() - self._started) / new * left)} left"


def render_duration(seconds: float) -> str:
    """`4.2 s`, `3:09 min`, `2:05 h`."""
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{int(seconds) // 60}:{int(seconds) % 60:02} min"
    return f"{minutes // 60}:{minutes % 60:02} h"
