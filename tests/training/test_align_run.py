"""`glossator-train align` over a store, and on all of the published data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.alignment import TARGET, Place, agrees, measure, read_kept, render
from reviewer.diff import parse_diff
from tests.training.golden.reviewing import make_snapshot
from training.aligned import ALIGNED_SCHEMA, Aligned
from training.commands.align import command
from training.errors import DataError
from training.records import read_records
from training.snapshot import Snapshot, SnapshotComment
from training.store import SnapshotStore

DATA = Path(__file__).parents[3] / "shared" / "data"
DIFF = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n one\n-two\n+second\n@@ -9 +9 @@\n-nine\n+ninth\n"
COMMENT = SnapshotComment(1, "f", "Why?", diff_hunk="@@ -1,2 +1,2 @@\n one\n-two\n+second")


def run(folder: Path, *arguments: str) -> Result:
    places = ["--snapshots", str(folder / "snapshots"), "--aligned", str(folder / "aligned"), "--jobs", "1"]
    return CliRunner().invoke(command, [*places, *arguments])


def read(folder: Path) -> list[Aligned]:
    return [raw.read() for raw in read_records(folder / "aligned", ALIGNED_SCHEMA, Aligned)]


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    store = SnapshotStore(tmp_path / "snapshots")
    for number in range(1, 9):
        store.save(replace(make_snapshot(DIFF, COMMENT), number=number))
    store.save(replace(make_snapshot(DIFF, COMMENT), number=9, diff="no diff"))
    store.save(Snapshot("octo/demo", 10, diff=DIFF))
    return store


def test_the_command_writes_a_record_for_each_pull_request(tmp_path: Path, store: SnapshotStore) -> None:
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    assert "9 comments of 10 pull requests" in result.output
    assert "exact            8  88.9%" in result.output
    assert "1 pull requests have no diff, or none that can be read." in result.output
    records = read(tmp_path)
    assert [record.number for record in records] == list(range(1, 11))
    assert [len(record.comments) for record in records] == [1] * 9 + [0]
    assert records[8].problem.startswith("This is no diff")
    assert records[8].comments[0].original


def test_shards_make_the_same_records(tmp_path: Path, store: SnapshotStore) -> None:
    run(tmp_path)
    whole = read(tmp_path)
    for part in ("2/3", "1/3", "3/3"):
        assert run(tmp_path, "--shard", part).exit_code == 0
    assert read(tmp_path) == whole


@pytest.mark.parametrize("part", ["0/3", "4/3", "3", "a/b", "1/0"])
def test_a_shard_that_is_none(tmp_path: Path, store: SnapshotStore, part: str) -> None:
    result = run(tmp_path, "--shard", part)
    assert result.exit_code == 2
    assert "2/5 is part 2 of 5" in result.output


def test_a_snapshot_that_cannot_be_read_is_named_and_left_out(tmp_path: Path, store: SnapshotStore) -> None:
    path = store.path(("octo/demo", 3))
    path.write_bytes(path.read_bytes()[:-40])
    result = run(tmp_path)
    assert result.exit_code == 0
    assert str(path) in result.output
    assert [record.number for record in read(tmp_path)] == [1, 2, 4, 5, 6, 7, 8, 9, 10]


def test_without_a_store(tmp_path: Path) -> None:
    error = run(tmp_path).exception
    assert isinstance(error, DataError)
    assert "snapshots" in error.what


def test_parameters_are_read(tmp_path: Path, store: SnapshotStore) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("align:\n  tellin: 3\n")
    assert "Did you mean telling?" in str(run(tmp_path, "--params", str(params)).exception)


def test_shards_of_other_parameters_do_not_mix(tmp_path: Path, store: SnapshotStore) -> None:
    assert run(tmp_path, "--shard", "1/2").exit_code == 0
    path = tmp_path / "other.yaml"
    path.write_text("align: {context: 5}")
    assert run(tmp_path, "--shard", "2/2", "--params", str(path)).exit_code == 0
    with pytest.raises(DataError, match=r"part-2-of-2\.jsonl was made with other parameters"):
        read(tmp_path)


def test_the_old_rule_for_positions_goes_wrong_below_the_first_removed_line() -> None:
    (file,) = parse_diff(DIFF)
    assert read_kept(file, ("f", "RIGHT", 1, None)) == ("f", "RIGHT", 1, None)
    assert read_kept(file, ("f", "RIGHT", 2, None)) == ("f", "RIGHT", 9, None)
    assert read_kept(file, ("f", "RIGHT", 9, None)) is None


def test_agreement_is_strict() -> None:
    place: Place = ("f", "RIGHT", 3, 1)
    assert agrees(place, place, "align")
    assert agrees(None, None, "align")
    for other in (None, ("g", "RIGHT", 3, 1), ("f", "LEFT", 3, 1), ("f", "RIGHT", 2, 1), ("f", "RIGHT", 3, None)):
        assert not agrees(place, other, "align")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_checked_anchors_of_the_published_data_are_found() -> None:
    if not DATA.is_dir():
        pytest.skip("no ../shared/data beside the checkout")
    counts, disagreements = measure(DATA)
    assert len(disagreements) <= 23, render(counts, disagreements)
    for part in ("all comments", "first comments"):
        right, wrong = (counts[part, "align", agree] for agree in (True, False))
        assert right / (right + wrong) >= TARGET, render(counts, disagreements)
