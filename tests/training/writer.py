"""Writes and writes, until somebody kills it or the disk is full: `python -m tests.training.writer FOLDER WHAT`."""

from __future__ import annotations

import os
import sys
from itertools import count as forever
from pathlib import Path

from tests.training.stage_works import COUNTED, Counted, count
from training.errors import DataError
from training.records import encode, save_records
from training.snapshot import Snapshot, SnapshotComment
from training.stage import Told, run_stage
from training.store import SnapshotStore

RECORDS = 200


def write_snapshots(folder: Path) -> None:
    """Each snapshot's title and its comment's text say the same round."""
    store = SnapshotStore(folder)
    for turn in forever():
        for number in (1, 2, 3):
            body = f"{turn} " * 3000
            store.save(Snapshot("a/b", number, title=str(turn), comments=(SnapshotComment(1, "a", body),)))


def write_records(folder: Path) -> None:
    """Each round's records all say the same round."""
    for turn in forever():
        notes = (Counted("a/b", number, turn, note="x" * 500) for number in range(1, RECORDS + 1))
        save_records(folder, COUNTED, (encode(note) for note in notes))


def run_workers(folder: Path) -> None:
    """A stage whose workers take their time."""
    store = SnapshotStore(folder / "snapshots")
    for number in range(1, 400):
        store.save(Snapshot("a/b", number, title="slow"))
    save_records(folder / "counted", COUNTED, run_stage(store, count, Told(), jobs=2))


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        {"snapshots": write_snapshots, "records": write_records, "workers": run_workers}[sys.argv[2]](Path(sys.argv[1]))
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        os._exit(130)  # as the real command does
