"""Full disks, killed processes, locked folders and two at once, all of them real."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.stage_works import COUNTED, Counted
from tests.training.writer import RECORDS
from training.errors import DataError
from training.records import encode, part_path, read_records, save_records
from training.snapshot import HIGHEST, Snapshot, SnapshotComment, SnapshotCommit, SnapshotThread
from training.split_facts import Facts, Unit
from training.split_table import FactsTable
from training.store import SnapshotStore

ROOT = Path(__file__).parents[2]
NOBODY = 65534
LARGE = Snapshot("a/b", 1, body="x" * 200_000)


def start(folder: Path, what: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.training.writer", str(folder), what]
    writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert writer.stdout
    assert writer.stdout.readline() == "ready\n"
    return writer


def kill(writer: subprocess.Popen[str]) -> None:
    writer.kill()
    if writer.stdout and not writer.stdout.closed:
        writer.communicate()


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """No file may grow larger than that: the kernel refuses the write, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may read everything, so that its tests have to be somebody else for a while."""
    if is_root := os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_snapshot_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.save(Snapshot("a/b", 1))
    with limited_files(4096), pytest.raises(DataError, match=r"Cannot write .*000001\.json: File too large") as caught:
        store.save(LARGE)
    assert caught.value.hint.startswith("Make room")
    assert store.load(("a/b", 1)) == Snapshot("a/b", 1)
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["000001.json"]


COMMENT = SnapshotComment(HIGHEST, "a", "b")
HALF = "\ud83d"


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        (Snapshot("a/b", 2**63), f"number is {2**63}, not from 1 to {2**53}"),
        (Snapshot("a/b", 1, comments=(COMMENT, replace(COMMENT, id=2**63))), f"comments[1].id is {2**63}, not"),
        (Snapshot("a/b", 1, comments=(replace(COMMENT, id=0),)), "comments[0].id is 0, not from 1"),
        (Snapshot("a/b", 1, comments=(replace(COMMENT, in_reply_to=2**53 + 1),)), "comments[0].in_reply_to is"),
        (Snapshot("a/b", 1, comments=(replace(COMMENT, original_line=-(2**64)),)), "comments[0].original_line is"),
        (Snapshot("a/b", 1, comments=(replace(COMMENT, reactions={"+1": 3_000_000_000}),)), "comments[0].+1 is"),
        (Snapshot("a/b", 1, comments=(replace(COMMENT, reactions={"-1": -1}),)), "comments[0].-1 is"),
        (Snapshot("a/b", 1, threads=(SnapshotThread(-1),)), "threads[0].root is -1, not"),
        (Snapshot("a/b", 1, created_at=HALF), "created_at holds half a character: '\\ud83d'"),
        (Snapshot("a/b", 1, head_sha="c" + HALF), "head_sha holds half a character"),
        (Snapshot("a/b", 1, language=HALF), "language holds half a character"),
        (Snapshot("a/b", 1, comments=(replace(COMMENT, path=HALF),)), "comments[0].path holds half a character"),
        (Snapshot("a/b", 1, comments=(replace(COMMENT, author=HALF),)), "comments[0].author holds half a character"),
        (Snapshot("a/b", 1, commits=(SnapshotCommit(HALF),)), "commits[0].sha holds half a character"),
    ],
)
def test_what_no_later_stage_can_hold_is_refused_with_its_field(
    tmp_path: Path, spoiled: Snapshot, message: str
) -> None:
    store = SnapshotStore(tmp_path)
    store.save(spoiled)
    with pytest.raises(DataError) as caught:
        store.load(spoiled.key)
    assert caught.value.what.startswith(f"{store.path(spoiled.key)}: {message}")
    caught.value.what.encode()


def test_texts_of_people_may_hold_half_a_character(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    said = replace(COMMENT, body=HALF, diff_hunk=HALF, path="ä")
    commits = (SnapshotCommit("c", headline=HALF),)
    snapshot = Snapshot("a/b", HIGHEST, title=HALF, body=HALF, diff=HALF, comments=(said,), commits=commits)
    store.save(snapshot)
    assert store.load(snapshot.key) == snapshot


def test_records_that_do_not_fit_leave_the_ones_before(tmp_path: Path) -> None:
    save_records(tmp_path, COUNTED, [encode(Counted("a/b", 1, 0))])
    many = (encode(Counted("a/b", number, 0, note="x" * 100)) for number in range(1, 1000))
    with limited_files(4096), pytest.raises(DataError, match=r"Cannot write .*part-1-of-1\.jsonl: File too large"):
        save_records(tmp_path, COUNTED, many)
    assert [raw.key for raw in read_records(tmp_path, COUNTED, Counted)] == [("a/b", 1)]
    assert [path.name for path in tmp_path.iterdir()] == ["part-1-of-1.jsonl"]


def fill_table(folder: Path) -> None:
    with FactsTable(folder) as table:
        table.add(Facts("a/b", 1, "", "", units=(Unit("comment", "1", "x" * 2**26),)))


@pytest.mark.parametrize("size", [4096, 2**20])
def test_a_table_that_does_not_fit_is_a_sentence(tmp_path: Path, size: int) -> None:
    """It fails at its first statement, or with what it is to hold."""
    with limited_files(size), pytest.raises(DataError, match="Cannot keep temporary tables in ") as caught:
        fill_table(tmp_path)
    assert str(tmp_path) in caught.value.what
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["snapshots", "records"])
def test_a_full_disk(tmp_path: Path, what: str) -> None:
    """A file system of 16 KiB, mounted where nobody else sees it."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own")
    script = (
        'mount -t tmpfs -o size=16k tmpfs "$1" && "$2" -m tests.training.writer "$1" "$3"; c=$?; ls -A "$1"/*; exit $c'
    )
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), sys.executable, what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 6, done.stderr
    assert "No space left on device." in done.stderr
    assert "Make room, and run the same command again." in done.stderr
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr
    assert "json." not in done.stdout, "nothing half-written stays"


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
def test_snapshots_are_whole_after_a_kill_at_any_moment(tmp_path: Path, kills: int) -> None:
    chance = random.Random(11)
    store = SnapshotStore(tmp_path)
    for _ in range(kills):
        writer = start(tmp_path, "snapshots")
        time.sleep(chance.uniform(0, 0.06))
        kill(writer)
        for key in store.list_keys() if any(tmp_path.iterdir()) else ():
            snapshot = store.load(key)
            assert set(snapshot.comments[0].body.split()) == {snapshot.title}


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
def test_records_are_whole_after_a_kill_at_any_moment(tmp_path: Path, kills: int) -> None:
    chance = random.Random(12)
    for _ in range(kills):
        writer = start(tmp_path, "records")
        time.sleep(chance.uniform(0, 0.06))
        kill(writer)
        if part_path(tmp_path).exists():
            found = [raw.read() for raw in read_records(tmp_path, COUNTED, Counted)]
            assert len(found) == RECORDS
            assert len({note.comments for note in found}) == 1
    save_records(tmp_path, COUNTED, [])
    assert [path.name for path in tmp_path.iterdir()] == ["part-1-of-1.jsonl"]


@pytest.mark.slow
def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    writers = [start(tmp_path, "records") for _ in range(2)]
    try:
        wait_until("the first part", time.monotonic() + 20, part_path(tmp_path).exists)
        for _ in range(20):
            found = [raw.read() for raw in read_records(tmp_path, COUNTED, Counted)]
            assert len(found) == RECORDS
            assert len({note.comments for note in found}) == 1
            time.sleep(0.01)
    finally:
        for writer in writers:
            kill(writer)


def children(pid: int) -> set[int]:
    """The process's children and theirs."""
    found: set[int] = set()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found |= {child} | children(child)
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(what: str, ends: float, is_true: Callable[[], bool]) -> None:
    while not is_true():
        assert time.monotonic() < ends, f"{what} did not happen in time"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    parent = start(tmp_path, "workers")
    workers: set[int] = set()

    def are_working() -> bool:
        workers.update(children(parent.pid))
        return len(workers) >= 4  # the fork server, its tracker, two workers

    try:
        wait_until("the start of the workers", time.monotonic() + 25, are_working)
        parent.send_signal(how)
        _, errors = parent.communicate(timeout=15)
    finally:
        kill(parent)
    wait_until("the end of the workers", time.monotonic() + 15, lambda: not any(map(is_alive, workers)))
    assert not part_path(tmp_path / "counted").exists()
    assert "ForkServerProcess" not in errors, "no worker says anything"


def test_what_somebody_else_may_not_read_is_named(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    store.save(Snapshot("a/b", 1))
    save_records(tmp_path / "counted", COUNTED, [])
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path.is_relative_to(tmp_path.parents[2]):
            path.chmod(0o755)
    store.path(("a/b", 1)).chmod(0)
    part_path(tmp_path / "counted").chmod(0)
    with somebody_else():
        with pytest.raises(DataError, match=r"Cannot read .*000001\.json: Permission denied\."):
            store.load(("a/b", 1))
        with pytest.raises(DataError, match=r"Cannot read .*part-1-of-1\.jsonl: Permission denied\."):
            list(read_records(tmp_path / "counted", COUNTED, Counted))
    if os.geteuid() == 0:  # who owns a file may replace it, readable or not
        with somebody_else(), pytest.raises(DataError, match=r"Cannot write .*000001\.json: Permission denied\."):
            store.save(Snapshot("a/b", 1))
    (tmp_path / "snapshots" / "a").chmod(0)
    with somebody_else(), pytest.raises(DataError, match=r"Cannot read .*snapshots/a: Permission denied\."):
        list(store.list_keys())
    (tmp_path / "snapshots" / "a").chmod(0o755)
