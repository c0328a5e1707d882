"""Folders of records: the order, the number of parts, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.errors import DataError
from training.records import Raw, digest_parameters, encode, part_path, read_records, save_records
from training.snapshot import Key
from training.store import in_shard

SCHEMA = "glossator/note/1"


@dataclass(frozen=True, slots=True)
class Note:
    repo: str
    number: int
    text: str = ""


NOTES = [Note("a/b", 1, "one"), Note("a/b", 12, "two"), Note("a/c", 3, "three"), Note("b/a", 2, "four")]
KEYS = st.tuples(st.text(min_size=1, max_size=4), st.integers(1, 10**12))


def save(folder: Path, notes: list[Note], shard: int = 1, shards: int = 1) -> int:
    return save_records(folder, SCHEMA, (encode(note) for note in notes), shard, shards)


def read(folder: Path) -> list[Note]:
    return [raw.read() for raw in read_records(folder, SCHEMA, Note)]


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(folder)
    assert caught.value.hint
    return caught.value.what


@given(st.dictionaries(KEYS, st.text(max_size=20), max_size=30), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_any_number_of_parts_reads_as_one_order(
    tmp_path_factory: pytest.TempPathFactory, texts: dict[Key, str], shards: int
) -> None:
    folder = tmp_path_factory.mktemp("notes")
    notes = [Note(repo, number, texts[repo, number]) for repo, number in sorted(texts)]
    counts = [
        save(folder, [note for note in notes if in_shard((note.repo, note.number), shard, shards)], shard, shards)
        for shard in range(1, shards + 1)
    ]
    assert sum(counts) == len(notes)
    assert read(folder) == notes
    lines = [raw.line for raw in read_records(folder, SCHEMA, Note)]
    save(folder, notes)
    assert [raw.line for raw in read_records(folder, SCHEMA, Note)] == lines


@given(KEYS, st.integers(1, 7))
def test_a_pull_request_is_in_one_shard(key: Key, shards: int) -> None:
    assert sum(in_shard(key, shard, shards) for shard in range(1, shards + 1)) == 1


def test_the_same_records_are_the_same_bytes(tmp_path: Path) -> None:
    save(tmp_path / "one", NOTES)
    save(tmp_path / "two", NOTES)
    assert part_path(tmp_path / "one").read_bytes() == part_path(tmp_path / "two").read_bytes()


def test_lone_surrogates_come_back(tmp_path: Path) -> None:
    save(tmp_path, [Note("a/b", 1, "cut \ud83d here")])
    assert read(tmp_path) == [Note("a/b", 1, "cut \ud83d here")]


def test_no_record_is_a_result_too(tmp_path: Path) -> None:
    assert save(tmp_path, []) == 0
    assert read(tmp_path) == []


def test_a_record_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Other:
        repo: str
        number: int
        size: int

    save(tmp_path, NOTES)
    raw: Raw[Other] = next(iter(read_records(tmp_path, SCHEMA, Other)))
    assert raw.key == ("a/b", 1)
    with pytest.raises(DataError, match=r"part-1-of-1\.jsonl, line 2, .*`size`"):
        raw.read()


def test_a_part_cut_anywhere_is_refused(tmp_path: Path) -> None:
    save(tmp_path, NOTES)
    path = part_path(tmp_path)
    data = path.read_bytes()
    for size in range(len(data) - 1):  # without its last newline it is whole
        path.write_bytes(data[:size])
        assert str(path) in refusal(tmp_path)


def edit(folder: Path, old: bytes, new: bytes) -> None:
    path = part_path(folder)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"note/1", b"note/2", "is 'glossator/note/2', not 'glossator/note/1'"),
        (b"note/1", b"aligned/1", "is 'glossator/aligned/1', not 'glossator/note/1'"),
        (b'"records":4', b'"records":5', "line 6, does not fit the 4 records above it"),
        (b'{"repo":"a/c"', b'{"rope":"a/c"', "line 4, cannot be read"),
        (b'{"repo":"a/c"', b'{"repo":"c/c"', "line 5, is out of order: b/a#2"),
        (b'"number":12', b'"number":1', "line 3, is out of order: a/b#1"),
        (b'{"schema":"glossator/note/1"}\n', b"", "is '', not 'glossator/note/1'"),
        (b'"records":4}\n', b'"records":4}\n{"repo":"z/z","number":1}\n', "is '', not"),
    ],
)
def test_a_part_that_was_changed_is_refused(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    save(tmp_path, NOTES)
    edit(tmp_path, old, new)
    assert message in refusal(tmp_path)


def test_two_parts_glued_together_are_refused(tmp_path: Path) -> None:
    save(tmp_path, NOTES)
    part_path(tmp_path).write_bytes(part_path(tmp_path).read_bytes() * 2)
    assert "line 7, does not fit" in refusal(tmp_path)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    save(tmp_path, NOTES[:2], 1, 3)
    save(tmp_path, NOTES[2:], 3, 3)
    assert refusal(tmp_path) == f"{tmp_path} lacks part-2-of-3.jsonl."


def test_parts_of_other_parameters_are_refused(tmp_path: Path) -> None:
    parameters = [digest_parameters(Note("a", number)) for number in (1, 2)]
    for shard, note in enumerate(NOTES[:2], 1):
        save_records(tmp_path, SCHEMA, [encode(note)], shard, 2, parameters=parameters[0])
    assert read(tmp_path) == NOTES[:2]
    save_records(tmp_path, SCHEMA, [encode(NOTES[1])], 2, 2, parameters=parameters[1])
    assert refusal(tmp_path) == f"{part_path(tmp_path, 2, 2)} was made with other parameters than the parts beside it."
    save_records(tmp_path, SCHEMA, [encode(NOTES[0])], 1, 2, parameters=parameters[1])
    assert read(tmp_path) == NOTES[:2]


def test_a_record_in_two_parts_is_refused(tmp_path: Path) -> None:
    save(tmp_path, NOTES, 1, 2)
    save(tmp_path, NOTES[1:2], 2, 2)
    assert "holds a/b#12, and so does" in refusal(tmp_path)


def test_parts_of_another_number_of_shards_go(tmp_path: Path) -> None:
    save(tmp_path, NOTES[:2], 1, 2)
    save(tmp_path, NOTES[2:], 2, 2)
    save(tmp_path, NOTES)
    assert [path.name for path in tmp_path.iterdir()] == ["part-1-of-1.jsonl"]
    (tmp_path / "part-1-of-2.jsonl").write_bytes(b"")
    assert refusal(tmp_path) == f"{tmp_path} holds parts of 2 runs."


@pytest.mark.parametrize("name", ["part-0-of-0.jsonl", "part-1-of-1.jsonl.gz", ".part-1-of-1.jsonl.77", "notes.txt"])
def test_other_files_are_no_parts(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert refusal(tmp_path) == f"{tmp_path} has no records."


def test_no_folder_and_a_file_in_its_place(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"{tmp_path / 'none'} has no records."
    (tmp_path / "file").write_bytes(b"")
    assert refusal(tmp_path / "file") == f"{tmp_path / 'file'} has no records."
    with pytest.raises(DataError, match=r"Cannot write .*file/part-1-of-1\.jsonl: (File exists|Not a directory)"):
        save(tmp_path / "file", NOTES)


def test_a_folder_in_place_of_a_part(tmp_path: Path) -> None:
    part_path(tmp_path).mkdir()
    assert refusal(tmp_path) == f"Cannot read {part_path(tmp_path)}: Is a directory."
    with pytest.raises(DataError, match="Cannot write"):
        save(tmp_path, NOTES)
    assert [path.name for path in tmp_path.iterdir()] == ["part-1-of-1.jsonl"]


def test_what_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield encode(NOTES[0])
        raise DataError("The input ends here.")

    save(tmp_path, NOTES)
    with pytest.raises(DataError, match=r"The input ends here\."):
        save_records(tmp_path, SCHEMA, lines())
    assert read(tmp_path) == NOTES
    assert len(list(tmp_path.iterdir())) == 1


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    (tmp_path / f".part-1-of-2.jsonl.{dead.pid}").write_bytes(b"half")
    (tmp_path / f".part-1-of-2.jsonl.{os.getppid()}").write_bytes(b"half")
    save(tmp_path, NOTES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f".part-1-of-2.jsonl.{os.getppid()}",
        "part-1-of-1.jsonl",
    ]
