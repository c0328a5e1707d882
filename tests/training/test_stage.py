"""One function over many pull requests: order, workers, shards, inputs, and what is left out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.stage_works import COUNTED, Counted, count
from training.errors import DataError
from training.records import part_path, read_records, save_records
from training.snapshot import Snapshot, SnapshotComment
from training.stage import Told, cpu_count, join, run_stage
from training.store import SnapshotStore

KEYS = [(f"owner/{name}", number) for name in ("one", "three", "two") for number in range(1, 31)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SnapshotStore:
    store = SnapshotStore(tmp_path_factory.mktemp("snapshots"))
    for repo, number in KEYS:
        comments = tuple(SnapshotComment(at, "a", "body") for at in range(1, number % 3 + 1))
        store.save(Snapshot(repo, number, comments=comments))
    return store


def write(store: SnapshotStore, folder: Path, *, jobs: int = 1, shard: int = 1, shards: int = 1) -> Told:
    told = Told()
    save_records(folder, COUNTED, run_stage(store, count, told, jobs=jobs, shard=shard, shards=shards), shard, shards)
    return told


def test_workers_give_the_bytes_that_one_process_gives(store: SnapshotStore, tmp_path: Path) -> None:
    assert write(store, tmp_path / "one").done == len(KEYS)
    assert write(store, tmp_path / "two", jobs=2).done == len(KEYS)
    assert part_path(tmp_path / "one").read_bytes() == part_path(tmp_path / "two").read_bytes()
    assert [raw.key for raw in read_records(tmp_path / "one", COUNTED, Counted)] == KEYS


def test_shards_together_give_what_one_run_gives(store: SnapshotStore, tmp_path: Path) -> None:
    write(store, tmp_path / "whole")
    done = [write(store, tmp_path / "parts", shard=shard, shards=3).done for shard in (1, 2, 3)]
    assert sum(done) == len(KEYS)
    assert all(done)
    whole, parts = (
        [raw.line for raw in read_records(tmp_path / name, COUNTED, Counted)] for name in ("whole", "parts")
    )
    assert whole == parts


def test_inputs_are_joined_by_key(store: SnapshotStore, tmp_path: Path) -> None:
    write(store, tmp_path, shard=1, shards=2)
    write(store, tmp_path, shard=2, shards=2)
    inputs = [(tmp_path, COUNTED, Counted), (tmp_path, COUNTED, Counted)]
    told = Told()
    lines = list(run_stage(store, count, told, inputs, jobs=1))
    assert told.problems == []
    assert [b'"before":4' in line for line in lines] == [b'"comments":2' in line for line in lines]


def test_what_an_input_lacks_is_left_out(store: SnapshotStore, tmp_path: Path) -> None:
    lacking = [KEYS[0], KEYS[44], KEYS[-1]]
    told = Told()
    lines = (line for key, line in zip(KEYS, run_stage(store, count, told, jobs=1), strict=True) if key not in lacking)
    save_records(tmp_path, COUNTED, lines)
    told = Told()
    again = list(run_stage(store, count, told, [(tmp_path, COUNTED, Counted)], jobs=1))
    assert len(again) == told.done == len(KEYS) - 3
    assert told.problems == [
        f"{tmp_path} says nothing of 3 of the snapshots. If they are new, run align and what follows again."
    ]
    found = [key for key, _ in join(store, [(tmp_path, COUNTED, Counted)], Counter())]
    assert found == [key for key in KEYS if key not in lacking]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_record_of_another_state_of_its_snapshot_is_left_out_and_told(tmp_path: Path, jobs: int) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    for number in range(1, 4):
        store.save(Snapshot("a/b", number))
    write(store, tmp_path / "counted")
    store.save(Snapshot("a/b", 2, comments=(SnapshotComment(9, "a", "This is new."),)))
    told = Told()
    lines = list(run_stage(store, count, told, [(tmp_path / "counted", COUNTED, Counted)], jobs=jobs))
    assert len(lines) == told.done == 2
    (problem,) = told.problems
    assert problem.startswith(f"{part_path(tmp_path / 'counted')}, line 3, was made from another state of ")
    assert problem.endswith("000002.json: run align and what follows again.")


def test_a_record_says_of_which_state_of_its_snapshot_it_is(store: SnapshotStore, tmp_path: Path) -> None:
    write(store, tmp_path)
    made = [raw.read() for raw in read_records(tmp_path, COUNTED, Counted)]
    digests = [hashlib.sha256(store.path((one.repo, one.number)).read_bytes()).hexdigest()[:16] for one in made]
    assert [one.snapshot for one in made] == digests


def test_an_input_cut_after_its_last_record_is_seen(store: SnapshotStore, tmp_path: Path) -> None:
    write(store, tmp_path)
    path = part_path(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(DataError, match="was cut short after 90 records"):
        list(join(store, [(tmp_path, COUNTED, Counted)], Counter()))


def title(store: SnapshotStore, key: tuple[str, int], words: str) -> None:
    store.save(replace(store.load(key), title=words))


def break_json(store: SnapshotStore, key: tuple[str, int]) -> None:
    path = store.path(key)
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda store: title(store, ("a/b", 3), "source"), "000003.json: This is no diff."),
        (lambda store: title(store, ("a/b", 3), "data"), "The record is odd."),
        (lambda store: break_json(store, ("a/b", 3)), "000003.json is not JSON (cut short?)"),
        (lambda store: store.path(("a/b", 3)).write_bytes(b"{}"), "000003.json does not say what it is"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_one_that_fails_is_told_and_the_rest_goes_on(
    tmp_path: Path, spoil: Callable[[SnapshotStore], None], message: str, jobs: int
) -> None:
    store = SnapshotStore(tmp_path)
    for number in range(1, 6):
        store.save(Snapshot("a/b", number))
    title(store, ("a/b", 5), "nothing")
    spoil(store)
    told = Told()
    lines = list(run_stage(store, count, told, jobs=jobs))
    assert len(lines) == told.done == 3
    assert len(told.problems) == 1
    assert message in told.problems[0]


def test_a_killed_worker_is_a_sentence(store: SnapshotStore, tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    for number in range(1, 200):
        store.save(Snapshot("a/b", number, title="kill" if number == 40 else "slow" if number < 20 else ""))
    with pytest.raises(DataError, match="A worker process was killed") as caught:
        write(store, tmp_path / "counted", jobs=2)
    assert "--jobs" in caught.value.hint
    assert list((tmp_path / "counted").iterdir()) == []


def test_who_stops_asking_leaves_no_worker_behind(store: SnapshotStore) -> None:
    import multiprocessing

    lines = run_stage(store, count, Told(), jobs=2)
    next(lines)
    lines.close()  # type: ignore[attr-defined] # a generator, said to be an iterator
    assert multiprocessing.active_children() == []


def test_there_is_a_processor() -> None:
    assert cpu_count() >= 1
