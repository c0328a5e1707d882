"""The folder of snapshots: names, order, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.errors import DataError
from training.snapshot import Problem, Snapshot, SnapshotComment, SnapshotCommit, SnapshotThread, hash_name
from training.store import SnapshotStore

FULL = Snapshot(
    "owner/name",
    7,
    title="Tïtle",
    merged=True,
    diff="diff --git a/a b/a\n",
    comments=(SnapshotComment(1, "a", "body\u2028", side="LEFT", line=3, reactions={"+1": 2}),),
    threads=(SnapshotThread(1, is_resolved=True),),
    commits=(SnapshotCommit("c" * 40, "2026-01-01T00:00:00Z", "Fix"),),
    problems=(Problem("commits", "gone"),),
)


def refusal(store: SnapshotStore, repo: str = "owner/name", number: int = 7) -> str:
    with pytest.raises(DataError) as caught:
        store.load((repo, number))
    assert caught.value.hint
    assert caught.value.exit_code == 6
    return caught.value.what


def test_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    assert FULL.key not in store
    store.save(FULL)
    assert FULL.key in store
    assert store.load(FULL.key) == FULL
    assert [path.name for path in store.path(FULL.key).parent.iterdir()] == ["000007.json"]


@given(st.text(max_size=40), st.text(max_size=40))
@settings(deadline=None, max_examples=50)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, title: str, body: str) -> None:
    store = SnapshotStore(tmp_path_factory.mktemp("snapshots"))
    odd = replace(FULL, title=title + "\ud800", comments=(SnapshotComment(1, "a", body),))
    store.save(odd)
    assert store.load(odd.key) == odd


def test_the_order_is_that_of_the_keys(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    keys = [("a-b/c", 1), ("a/b", 9), ("a/b", 1_000_000), ("a/b", 123), ("a/b-c", 2), ("A/b", 4)]
    for repo, number in keys:
        store.save(Snapshot(repo, number))
    assert list(store.list_keys()) == sorted(keys)


def test_nothing_else_is_a_snapshot(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.save(FULL)
    folder = store.path(FULL.key).parent
    for name in (".000008.json.4711", "8.json", "000008", "0000008.json", "notes.json", "000009.json.tmp"):
        (folder / name).write_bytes(b"{")
    (tmp_path / ".dvc" / "name").mkdir(parents=True)
    (tmp_path / "README.md").write_bytes(b"")
    (tmp_path / "owner" / "opted-out.txt").write_bytes(b"")
    assert list(store.list_keys()) == [FULL.key]


def test_only_what_killed_processes_left_is_swept(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.sweep()
    store.save(FULL)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folder = store.path(FULL.key).parent
    left = [folder / f".000001.json.{gone.pid}", folder / f".guidelines.json.{'9' * 30}"]
    left += [tmp_path / f".collect.json.{gone.pid}", folder / f".collect.json.{os.getpid()}"]
    kept = [folder / f".000001.json.{os.getppid()}", folder / f".notes.json.{gone.pid}", store.path(FULL.key)]
    for path in [*left, *kept[:2]]:
        path.write_bytes(b"bob")

    store.sweep()

    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []


def test_without_a_folder_it_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name in ("none", "file"):
        with pytest.raises(DataError, match="There is no folder") as caught:
            list(SnapshotStore(tmp_path / name).list_keys())
        assert "glossator-train collect" in caught.value.hint


@pytest.mark.parametrize("size", [0, 1, 20, 200, -3])
def test_a_snapshot_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    store = SnapshotStore(tmp_path)
    store.save(FULL)
    path = store.path(FULL.key)
    path.write_bytes(path.read_bytes()[:size])
    assert refusal(store).startswith(f"{path} is not JSON (cut short?)")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"snapshot/1", b"snapshot/9", "is 'glossator/snapshot/9', and this version of Glossator reads"),
        (b"snapshot/1", b"bundle/1", "is 'glossator/bundle/1', not"),
        (b'"schema":"glossator/snapshot/1",', b"", "does not say what it is"),
        (b'"number":7', b'"number":"7"', "does not fit the schema of a snapshot"),
        (b'"number":7', b'"number":8', "holds owner/name#8, another pull request"),
        (b'"LEFT"', b'"UP"', "does not fit the schema of a snapshot"),
    ],
)
def test_a_snapshot_of_another_kind_is_refused(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    store = SnapshotStore(tmp_path)
    store.save(FULL)
    path = store.path(FULL.key)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    assert message in refusal(store)
    assert str(path) in refusal(store)


def test_binary_and_deep_files_are_refused(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    path = store.path(FULL.key)
    path.parent.mkdir(parents=True)
    for data in (b"\xff\xfe\x00", b"[" * 100_000, b"null", b"{}", b'{"schema":"glossator/snapshot/1","number":NaN}'):
        path.write_bytes(data)
        assert str(path) in refusal(store)


def test_a_snapshot_that_is_gone_or_a_folder(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    path = store.path(FULL.key)
    assert refusal(store) == f"Cannot read {path}: No such file or directory."
    path.mkdir(parents=True)
    assert refusal(store) == f"Cannot read {path}: Is a directory."


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "owner").write_bytes(b"")
    store = SnapshotStore(tmp_path)
    with pytest.raises(DataError, match=r"Cannot write .*000007\.json: (File exists|Not a directory)") as caught:
        store.save(FULL)
    assert caught.value.hint == "Choose a folder that can be written to."
    assert list(store.list_keys()) == []


def test_names_are_hashed_without_their_case() -> None:
    assert hash_name("Octocat") == hash_name("octocat") != hash_name("octocat", "salt")
    assert hash_name("octocat").startswith("user-")
    assert len(hash_name("\ud800")) == 15
