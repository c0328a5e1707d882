"""The trained locator: how long does it take to load, and to score each hunk and each changed line of a change?

Inside one process, by the clock; the change is read before. The first run, in which nothing is remembered, counts too.
A review scores hunks; lines are scored for the evaluation, and are shown beside.
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial

from bench.made import make_change
from bench.measure import ROOT, BenchError, Figure, plain_environment
from bench.table import Row, show
from reviewer.diff import parse_diff
from reviewer.domain import ChangedFile, Hunk, PullRequest
from reviewer.locator import load_locator

SIZES = ((10, 300, 0.05), (3_000, 100_000, 2.0))
"""Files, changed lines, and how many seconds these may take."""
LOAD_SECONDS = 0.05
_LOAD = """
import time
from reviewer import locate
started = time.perf_counter()
locate.load_locator(locate.SHIPPED)
print(time.perf_counter() - started)
"""


def measure_locator(rounds: int) -> list[Row]:
    """Loading, in a process of its own each time, and scoring."""
    rows = [Row("trained locator: load", "s", Figure.of(_load() for _ in range(rounds)), LOAD_SECONDS)]
    for files, lines, target in SIZES:
        change = parse_made(files, lines)
        taken = [_score(change) for _ in range(rounds)]
        hunks, both = (Figure.of(one[at] for one in taken) for at in (0, 1))
        beside = f"with each changed line {show(both, 's')}"
        rows.append(Row(f"trained locator: score all hunks, {lines:,} changed lines", "s", hunks, target, None, beside))
    return rows


def _load() -> float:
    run = partial(subprocess.run, capture_output=True, text=True, check=False, cwd=ROOT, env=plain_environment())
    done = run([sys.executable, "-c", _LOAD])
    if done.returncode:
        raise BenchError(f"The locator cannot be loaded: {done.stderr[-300:]}")
    return float(done.stdout)


def parse_made(files: int, lines: int) -> PullRequest:
    """A made-up pull request of that size."""
    change = make_change(files, lines)
    changed: list[ChangedFile] = []
    for path, after in change.after.items():
        changed += parse_diff(render_patch(path, change.before[path], after))
    return PullRequest("octo/demo", 1, "Measure areas", "", "", "", "", tuple(changed))


def render_patch(path: str, before: str, after: str) -> str:
    """As git shows it."""
    from difflib import unified_diff

    lines = unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")  # noqa: FBT003
    return f"diff --git a/{path} b/{path}\n" + "".join(lines)


def _score(pull_request: PullRequest) -> tuple[float, float]:
    """Seconds for the hunks, and for hunks and lines."""
    hunks: list[Hunk] = [hunk for file in pull_request.files for hunk in file.hunks]
    started = time.perf_counter()
    located = load_locator().locate(pull_request, hunks)
    hunks_alone = time.perf_counter() - started
    for at in range(len(hunks)):
        located.score_lines(at)
    return hunks_alone, time.perf_counter() - started
