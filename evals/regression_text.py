"""What people read of a regression: the issue's title and body, and the comment that closes it.

The decision comes from a job that has read strangers' texts. Only its sentences are shown, as Markdown that can do
nothing and without addresses; which of them there are follows from the gate's rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evals.decided import Check, Decided, load_decided
from evals.regression_memory import Comparison, Memory, Night
from reviewer.inert import inert_line, make_inert_line

KINDS: Final = ("champion", "challenger")
"""The comparisons: the champion with itself when it was last good, the challenger with the champion."""
MAX_TITLE: Final = 200
MAX_WORDS: Final = 600
MAX_LISTED: Final = 40
"""Sentences of one comparison."""
MARKS: Final = {"passed": "✅", "failed": "❌", "unclear": "❔", "skipped": "·"}
_ADDRESS: Final = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://\S+")


def load_comparison(path: Path, kind: str) -> Comparison | None:
    """The comparison of a decision; None where the set was too small to compare anything.

    Raises:
        EvalError: The file is no decision of the gate.
    """
    decided = load_decided(path)
    if not decided.is_enough:
        return None
    title = _describe_losses(decided.losses) if decided.losses else ""
    return Comparison(kind, bool(decided.losses), title, _render_comparison(decided, kind))


def render_watch(decided: Decided | None, why: str) -> str:
    """For the job's summary: the champion against what it was when it was last good.

    Args:
        decided: The gate on it; None when there was nothing to compare with.
        why: What became of tonight's run.
    """
    if decided is None:
        return f"### The champion is watched from now on\n\n{make_inert_line(why, '')}\n"
    outcome = "not worse than when it was last good"
    if decided.losses:
        outcome = "worse than when it was last good"
    elif not decided.is_enough:
        outcome = "not compared: the set is too small"
    checks = [check for check in decided.checks if check.part in {"sample", "guard", "slice"}]
    return "\n\n".join(
        [
            f"### The champion {_code(decided.challenger)} is {outcome}",
            _list_checks([check for check in checks if check.result != "skipped"]),
            f"{make_inert_line(why, '')}\n",
        ]
    )


@dataclass(frozen=True, slots=True)
class IssueTexts:
    """The words. `repository` is the address of the repository's pages."""

    repository: str

    def render_issue(self, night: Night, memory: Memory) -> tuple[str, str]:
        """Title and body of the issue, the body without its marker."""
        worse = [one for one in night.comparisons if one.is_worse]
        first = worse[0] if worse else Comparison(memory.worse[0], is_worse=True)
        who = {"champion": "Reviews have become worse", "challenger": "The challenger is worse"}[first.name]
        title = f"{who}: {first.title}" if first.title else who
        parts = [one.text for one in worse]
        parts += [_UNSEEN[name] for name in memory.worse if name not in {one.name for one in night.comparisons}]
        parts += [f"{self._link(night.run, 'The run')} has the whole report.", _WHAT_NOW, self._footer(night, memory)]
        return inert_line(title, MAX_TITLE), "\n\n".join(parts)

    def render_end(self, night: Night, before: Memory) -> str:
        """The comment with which it is closed. Another yardstick than before is no recovery, and told."""
        run = self._link(night.run, "this run")
        if "champion" in before.worse and night.last_good != before.last_good:
            return (
                f"Another evaluation has taken the place of the last good one. Against it, {run} found nothing worse."
            )
        return f"Nothing is significantly worse any more in {run}."

    def _link(self, run: str, words: str) -> str:
        return f"[{words}]({self.repository}/actions/runs/{run})" if run.isdigit() else words

    def _footer(self, night: Night, memory: Memory) -> str:
        nights = f"{memory.nights} run{'s' * (memory.nights != 1)}"
        since = f", first by {self._link(memory.since, 'this one')}" if memory.since != night.run else ""
        return f"<sub>Glossator · evaluation {_code(night.evaluation)} · seen by {nights}{since}</sub>"


_WHAT_NOW: Final = (
    "This text is brought up to date each night, and the issue is closed once nothing is worse. "
    "Closed as *not planned* it stays closed until then; closed as *completed* it is opened again."
)
_UNSEEN: Final = {
    "champion": "The champion could not be compared with its last good evaluation this time.",
    "challenger": "The challenger could not be compared with the champion this time.",
}


def _render_comparison(decided: Decided, kind: str) -> str:
    """Who is worse than whom in what, and what else was looked at."""
    against = f"the champion {_code(decided.champion or '')}"
    if kind == "champion":
        against = "its last good evaluation"
    of = f"{decided.pull_requests:,} pull requests of {_code(decided.dataset)}, revision {_code(decided.revision)}"
    other = [check for check in decided.checks if not check.is_loss and check.result != "skipped"]
    if kind == "champion":  # it need not be better than itself
        other = [check for check in other if check.part in {"sample", "floor", "guard", "slice"}]
    rest = _list_checks(other)
    summary = "<details><summary>What else the gate looked at</summary>"
    parts = [
        f"**The {kind}** {_code(decided.challenger)} **is significantly worse than** {against}, on {of}:",
        _list_checks(decided.losses),
        f"{summary}\n\n{rest}\n\n</details>" if rest else "",
    ]
    return "\n\n".join(filter(None, parts))


def _describe_losses(losses: tuple[Check, ...]) -> str:
    """The first in short, and how many more."""
    more = f" and {len(losses) - 1} more" if len(losses) > 1 else ""
    words = _hide(losses[0].words).partition(" (difference")[0]
    return f"{words.replace(': fell', ' fell').replace(': rose', ' rose')}{more}"


def _list_checks(checks: Sequence[Check]) -> str:
    rows = [
        f"- {'🔻' if check.is_loss else MARKS[check.result]} {_words(check.words)}" for check in checks[:MAX_LISTED]
    ]
    return "\n".join(rows)


def _words(text: str) -> str:
    return make_inert_line(_hide(text), "", MAX_WORDS)


def _code(text: str) -> str:
    return f"`{inert_line(_hide(text), 100).replace('`', chr(39)) or '?'}`"


def _hide(text: str) -> str:
    """Without addresses: an endpoint's is nobody's business."""
    return _ADDRESS.sub("\u2026", text)
