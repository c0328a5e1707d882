"""Run one function over many pull requests: in order, on several processes, with what cannot be read left out and told.

A stage is a function from a snapshot, and from what earlier stages say of it, to one record. It runs in worker
processes, so it must stand at the top of a module; only names and encoded records travel, and a bounded number of them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

from reviewer.errors import GlossatorError
from training.errors import DataError
from training.records import Raw, encode, read_records
from training.snapshot import Key
from training.store import SnapshotStore, in_shard, read_snapshot

BATCH = 16
"""Pull requests that a worker gets at once."""
AHEAD = 4
"""Batches that wait for a worker, for each of them."""

Work = Callable[..., Any]
"""`work(snapshot, *records)` gives one record, or None for nothing."""
Done = tuple[list[bytes], list[str]]
"""The records and the problems of a batch."""


@dataclass(slots=True)
class Told:
    """What a stage has done, and what it left out and why: `problems` are sentences that name the file."""

    done: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Job:
    key: Key
    path: Path
    raws: tuple[Raw[Any], ...]


def cpu_count() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_stage(
    store: SnapshotStore,
    work: Work,
    told: Told,
    inputs: Sequence[tuple[Path, str, type[Any]]] = (),
    *,
    jobs: int = 0,
    shard: int = 1,
    shards: int = 1,
) -> Iterator[bytes]:
    """The encoded records that `work` makes of each pull request, in order.

    Args:
        store: The snapshots.
        work: Called as `work(snapshot, *records)`, one record of each input. Use `functools.partial` for parameters.
        told: Filled as it goes.
        inputs: Folder, schema and record type of what earlier stages wrote. A pull request that one of them lacks is
            left out, and so is one whose snapshot has changed since; both are told.
        jobs: Worker processes; 0 for one a processor, 1 for none but this.
        shard: Which part of the pull requests to do, from 1.
        shards: How many parts there are.
    """
    lacking: Counter[Path] = Counter()
    joined = join(store, inputs, lacking)
    waiting = (_Job(key, store.path(key), raws) for key, raws in joined if in_shard(key, shard, shards))
    for lines, problems in _map_batches(work, waiting, jobs or cpu_count()):
        told.done += len(lines)
        told.problems += problems
        yield from lines
    for folder, count in lacking.items():
        told.problems.append(
            f"{folder} says nothing of {count:,} of the snapshots. If they are new, run align and what follows again."
        )


def join(
    store: SnapshotStore, inputs: Sequence[tuple[Path, str, type[Any]]], lacking: Counter[Path]
) -> Iterator[tuple[Key, tuple[Raw[Any], ...]]]:
    """Each pull request of the store with its record of each input, in order; those that lack one are left out.

    `lacking` counts these by the first input that says nothing of them.
    """
    streams = [read_records(folder, schema, kind) for folder, schema, kind in inputs]
    heads: list[Raw[Any] | None] = [next(stream, None) for stream in streams]
    for key in store.list_keys():
        for at, stream in enumerate(streams):
            while (head := heads[at]) is not None and head.key < key:
                heads[at] = next(stream, None)
        found = tuple(head for head in heads if head is not None and head.key == key)
        if len(found) == len(streams):
            yield key, found
        else:
            lacking[next(of[0] for of, head in zip(inputs, heads, strict=True) if not head or head.key != key)] += 1
    for stream in streams:  # to its end, where it says whether it is whole
        deque(stream, 0)


def _map_batches(work: Work, waiting: Iterator[_Job], jobs: int) -> Iterator[Done]:
    batches = iter(lambda: list(islice(waiting, BATCH)), [])
    if jobs == 1:
        yield from (_run_batch(work, batch) for batch in batches)
        return
    # Not "fork": a parent with threads (a progress bar, Arrow) may not be copied safely.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([getattr(work, "func", work).__module__])  # read once for all workers
    pool = ProcessPoolExecutor(jobs, context, start_worker)
    running: deque[Future[Done]] = deque()
    waits = True
    try:
        for batch in batches:
            running.append(pool.submit(_run_batch, work, batch))
            if len(running) >= AHEAD * jobs:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    except KeyboardInterrupt:
        waits = False  # caught in the middle of a start, a pool may never come to its end
        raise
    except BrokenProcessPool as error:
        raise DataError("A worker process was killed, maybe for its memory.", "Try again with fewer --jobs.") from error
    finally:
        pool.shutdown(waits, cancel_futures=True)


def start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it: a worker would wait for ever for work that nobody sends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _run_batch(work: Work, batch: list[_Job]) -> Done:
    lines: list[bytes] = []
    problems: list[str] = []
    for job in batch:
        try:
            record = _do(work, job)
        except DataError as error:
            problems.append(error.what)
        except GlossatorError as error:
            problems.append(f"{job.path}: {error.what}")
        else:
            lines += [] if record is None else [encode(record)]
    return lines, problems


def _do(work: Work, job: _Job) -> Any:
    """The record of one pull request, with the digest of its snapshot where records have a place for it."""
    records = [raw.read() for raw in job.raws]
    made_from = [getattr(record, "snapshot", "") for record in records]  # empty in one made by hand
    snapshot, digest = read_snapshot(job.path, job.key, made_from)
    for raw, made in zip(job.raws, made_from, strict=True):
        if made not in {"", digest}:
            raise DataError(f"{raw.where} was made from another state of {job.path}: run align and what follows again.")
    record = work(snapshot, *records)
    return replace(record, snapshot=digest) if hasattr(record, "snapshot") else record
