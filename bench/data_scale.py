"""Time and memory of the data stages as the data grows: `python -m bench.data_scale ../shared/data --copies 1 4 16`.

Each copy of the data has its own repositories (`owner/name` becomes `owner-2/name`) and its own ids of comments. So
that the copies are no duplicates of one another, about one word in three of four letters and more gets other letters,
the same ones all over a copy: a hunk still fits its diff, a text keeps its length, and two copies of a text share some
of their runs of five words, but seldom as many as two near-duplicates do. The stages run one after another as the
commands that a user types, in a folder that is removed at the end.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import click

from bench.measure import ROOT
from bench.process_tree import Ran, run_tree
from training.published import import_files
from training.snapshot import Key, Snapshot, SnapshotComment
from training.store import SnapshotStore

STAGES: Final = ("align", "filter", "split", "dataset")
ROOM: Final = 6
"""Times the snapshots' size that must be free below the folder before a round starts."""
_WORD = re.compile(r"[A-Za-z]{4,}")
_BODY = re.compile(r"^(?:[ +]|-)(?!-- (?:[ab]/|/dev/null|\"))(?!\+\+ (?:[ab]/|/dev/null|\")).*$", re.MULTILINE)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def vary_snapshot(snapshot: Snapshot, copy: int) -> Snapshot:
    """The pull request as one of copy number `copy`; the first copy is the data itself."""
    if copy == 1:
        return snapshot
    owner, name = snapshot.repo.split("/")
    threads = tuple(replace(thread, root=shift(thread.root, copy)) for thread in snapshot.threads)
    return replace(
        snapshot,
        repo=f"{owner}-{copy}/{name}",
        title=vary(snapshot.title, copy),
        body=vary(snapshot.body, copy),
        diff=None if snapshot.diff is None else vary_diff(snapshot.diff, copy),
        comments=tuple(vary_comment(comment, copy) for comment in snapshot.comments),
        threads=threads,
    )


def vary_comment(comment: SnapshotComment, copy: int) -> SnapshotComment:
    """A comment of a copy."""
    return replace(
        comment,
        id=shift(comment.id, copy),
        in_reply_to=None if comment.in_reply_to is None else shift(comment.in_reply_to, copy),
        body=vary(comment.body, copy),
        diff_hunk=vary_diff(comment.diff_hunk, copy),
    )


def shift(number: int, copy: int) -> int:
    """An id that no other copy has."""
    return number + copy * 10**12


def vary(text: str, copy: int) -> str:
    """The text with about one long word in three spelled otherwise."""
    return _WORD.sub(lambda found: spell(found[0], copy), text)


def vary_diff(diff: str, copy: int) -> str:
    """The diff with its lines varied, and no header."""
    return _BODY.sub(lambda found: vary(found[0], copy), diff)


@cache
def spell(word: str, copy: int) -> str:
    """The word, or for one in three another of the same length."""
    chance = zlib.crc32(f"{copy} {word.lower()}".encode())
    if chance % 3:
        return word
    turn = _LETTERS[chance % 25 + 1 :] + _LETTERS[: chance % 25 + 1]
    return word.translate(str.maketrans(_LETTERS + _LETTERS.upper(), turn + turn.upper()))


def write_copies(base: Path, target: Path, copies: list[int], limit: int) -> tuple[int, int]:
    """Write copies of the base; how many pull requests and comments they have."""
    source, store = SnapshotStore(base), SnapshotStore(target)
    written = comments = 0
    for key in list_sample(source, limit):
        snapshot = source.load(key)
        for copy in copies:
            store.save(vary_snapshot(snapshot, copy))
            written += 1
            comments += len(snapshot.comments)
    return written, comments


def list_sample(store: SnapshotStore, limit: int) -> Iterator[Key]:
    """All pull requests, or so many of them from all over."""
    keys = list(store.list_keys())
    step = max(1, len(keys) // limit) if limit else 1
    yield from keys[::step]


def fill(base: Path, target: Path, copies: int, limit: int) -> tuple[int, int]:
    """Write `copies` copies of the base on all processors."""
    with ProcessPoolExecutor() as pool:
        done = [pool.submit(write_copies, base, target, [copy], limit) for copy in range(1, copies + 1)]
        counts = [one.result() for one in done]
    return sum(written for written, _ in counts), sum(comments for _, comments in counts)


def measure_stages(folder: Path, jobs: int, seconds: float) -> Iterator[tuple[str, Ran]]:
    """Each stage in its turn, up to the first that fails."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GLOSSATOR_")}
    env["PYTHONPATH"] = str(ROOT)
    for stage in STAGES:
        command = [sys.executable, "-m", "training", stage, "--jobs", str(jobs)]
        ran = run_tree(command, folder, env, seconds)
        yield stage, ran
        if ran.code:
            return


def size_of(folder: Path) -> float:
    """MB of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.option("--copies", type=click.IntRange(1, 64), default=1, help="How many copies; more numbers, more rows.")
@click.option("--jobs", type=click.IntRange(0), default=2, show_default=True, help="Worker processes of each stage.")
@click.option("--limit", type=click.IntRange(0), default=0, help="Take about so many pull requests; 0: all.")
@click.option("--seconds", default=3600.0, show_default=True, help="The most that a stage may take.")
@click.argument("more", type=click.IntRange(1, 64), nargs=-1)
def main(data: Path, copies: int, jobs: int, limit: int, seconds: float, more: tuple[int, ...]) -> None:
    """Measure the stages on several copies of published review data."""
    with tempfile.TemporaryDirectory(prefix="glossator-scale-") as folder:
        base = Path(folder) / "base"
        import_files([data], SnapshotStore(base))
        click.echo(f"{jobs} worker processes. Of each stage: seconds, seconds of processor, peak MB of all processes.")
        click.echo(
            f"{'copies':>6} {'requests':>9} {'comments':>9} {'MB':>6}" + "".join(f"{name:>22}" for name in STAGES)
        )
        for count in (copies, *more):
            for column in measure_round(base, Path(folder) / "round", count, jobs, limit, seconds):
                click.echo(column, nl=False)
            click.echo()


def measure_round(base: Path, folder: Path, copies: int, jobs: int, limit: int, seconds: float) -> Iterator[str]:
    """Make so many copies, run the stages on them, and remove them. The columns say what they took."""
    needed, free = size_of(base) * copies * ROOM, shutil.disk_usage(base).free / 1e6
    if needed > free:
        yield f"{copies:>6} needs {needed:,.0f} MB of disk, and {free:,.0f} MB are free: left out"
        return
    snapshots = folder / "data" / "snapshots"
    written, comments = fill(base, snapshots, copies, limit)
    yield f"{copies:>6} {written:>9,} {comments:>9,} {size_of(snapshots):>6,.0f}"
    for stage, ran in measure_stages(folder, jobs, seconds):
        yield f"{ran.wall:>9,.1f}{ran.cpu:>8,.1f}{ran.peak:>5,.0f}"
        if ran.code:
            yield f"  {stage} ended with {ran.code}: {ran.output[-300:].strip()}"
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
