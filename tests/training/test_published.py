"""Published review data becomes snapshots, without the answers that align is measured by."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from training.errors import DataError
from training.published import ImportCounts, Row, import_files, merge, parse_snapshot
from training.snapshot import FINAL_DIFF, Snapshot, SnapshotComment
from training.store import SnapshotStore

DATA = Path(__file__).parents[3] / "shared" / "data"
DIFF = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n a\n+b\n"
HUNK = "@@ -1 +1,2 @@\n a\n+b"


def whole_row(**changes: Any) -> dict[str, Any]:
    comment = {
        "id": 11,
        "path": "f",
        "line": 2,
        "side": "RIGHT",
        "start_line": 1,
        "body": "Why\u2028this?",
        "author": "user-1",
        "author_is_bot": False,
        "in_reply_to": None,
        "created_at": "2024-01-02T00:00:00Z",
        "diff_hunk": HUNK,
        "anchor": "exact",
        "line_in_diff": True,
        "text_match": True,
        "original_line": 22,
        "original_commit_id": "c" * 40,
        "ai_suspected": True,
        "author_is_pr_author": False,
    }
    row = {
        "source": "demo",
        "license": "MIT",
        "repo": "octo/demo",
        "number": 7,
        "title": "A change",
        "body": None,
        "language": "C",
        "base_sha": "a" * 40,
        "head_sha": "b" * 40,
        "diff": DIFF,
        "comments": [comment, comment | {"id": 9, "author": "user-2", "author_is_bot": True, "anchor": "outdated"}],
        "author": "user-3",
        "created_at": "2024-01-01T00:00:00Z",
        "merged": True,
        "snapshot": "final",
        "comments_complete": True,
        "n_hunks": 1,
    }
    return row | changes


def pair_row(**changes: Any) -> dict[str, Any]:
    row = {
        "source": "pairs",
        "license": None,
        "license_hint": "MIT/Apache-2.0",
        "repo": "octo/demo",
        "number": 7,
        "path": "f",
        "language": "C",
        "hunk": HUNK,
        "line": 2,
        "side": "RIGHT",
        "comment": "Rename it.",
        "author_is_bot": False,
        "author": "user-4",
        "comment_id": 31,
        "created_at": "2024-01-03T00:00:00Z",
        "anchor_type": "+",
        "replies": [
            {"id": 32, "author": "user-5", "author_is_bot": False, "body": "Done.", "created_at": "2024-01-04"}
        ],
        "ai_suspected": False,
    }
    return row | changes


def write(path: Path, *rows: dict[str, Any] | str) -> Path:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows) + "\n"
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


def read_files(store: SnapshotStore) -> dict[str, bytes]:
    return {str(path.relative_to(store.folder)): path.read_bytes() for path in sorted(store.folder.rglob("*.json"))}


def test_a_whole_pull_request(tmp_path: Path, store: SnapshotStore) -> None:
    counts = import_files([write(tmp_path / "prs.jsonl.gz", whole_row())], store)
    assert counts == ImportCounts(files=1, rows=1, written=1, comments=2)
    snapshot = store.load(("octo/demo", 7))
    assert (snapshot.source, snapshot.license, snapshot.language, snapshot.merged) == ("demo", "MIT", "C", True)
    assert (snapshot.diff, snapshot.comments_complete, snapshot.problems) == (DIFF, True, ())
    bot, human = snapshot.comments
    assert (human.id, human.author_type, human.ai_suspected, human.body) == (11, "User", True, "Why\u2028this?")
    assert (bot.id, bot.author_type) == (9, "Bot")


def test_only_what_github_said_is_carried() -> None:
    def carried(anchor: str, **changes: Any) -> SnapshotComment:
        comments = [comment | {"anchor": anchor} for comment in whole_row()["comments"][:1]]
        return parse(whole_row(comments=comments, **changes)).comments[0]

    exact = carried("exact")
    assert (exact.line, exact.start_line, exact.original_line, exact.original_start_line) == (2, 1, 22, 21)
    answers = [carried("outdated"), carried("reanchored"), carried("exact", comments_complete=False)]
    answers.append(carried("exact", snapshot="review"))
    for comment in answers:
        assert (comment.line, comment.start_line, comment.original_line) == (None, None, 22)
    for comment in (exact, *answers):
        assert (comment.side, comment.position, comment.commit_id) == (None, None, "")
        assert comment.diff_hunk == HUNK
        assert not {"anchor", "line_in_diff", "text_match"} & set(asdict(comment))


def parse(row: dict[str, Any]) -> Snapshot:
    import msgspec

    return parse_snapshot(msgspec.convert(row, Row))


def test_the_diff_of_a_reviewed_commit_is_not_the_final_one() -> None:
    assert [problem.what for problem in parse(whole_row(snapshot="review")).problems] == [FINAL_DIFF]


def test_hunk_pairs_become_one_snapshot_without_a_diff(tmp_path: Path, store: SnapshotStore) -> None:
    other = pair_row(comment_id=5, author="user-9", author_is_pr_author=True, language="C++", replies=[])
    import_files([write(tmp_path / "hunks.jsonl", pair_row(), other)], store)
    snapshot = store.load(("octo/demo", 7))
    assert snapshot.diff is None
    assert [(problem.what, problem.reason[:4]) for problem in snapshot.problems] == [("diff", "Only")]
    assert (snapshot.comments_complete, snapshot.license, snapshot.author) == (False, "MIT OR Apache-2.0", "user-9")
    assert snapshot.language == ""
    assert [(comment.id, comment.in_reply_to, comment.path) for comment in snapshot.comments] == [
        (5, None, "f"),
        (31, None, "f"),
        (32, 31, "f"),
    ]
    assert {comment.diff_hunk for comment in snapshot.comments} == {HUNK}
    assert all(comment.line is None and comment.side is None for comment in snapshot.comments)


def test_the_order_of_files_changes_nothing_and_twice_is_once(tmp_path: Path, store: SnapshotStore) -> None:
    whole = write(tmp_path / "prs.jsonl.gz", whole_row())
    pairs = write(tmp_path / "hunks.jsonl.gz", pair_row(comment_id=11, replies=[]), pair_row())
    import_files([whole, pairs], store)
    snapshot = store.load(("octo/demo", 7))
    assert [comment.id for comment in snapshot.comments] == [9, 11, 31, 32]
    assert (snapshot.source, snapshot.comments[1].body) == ("demo", "Why\u2028this?")
    backwards = SnapshotStore(tmp_path / "backwards")
    import_files([pairs, whole], backwards)
    assert read_files(backwards) == read_files(store)
    before = [path.stat().st_mtime_ns for path in store.folder.rglob("*.json")]
    again = import_files([pairs, whole], store)
    assert (again.written, again.unchanged) == (0, 2)
    assert [path.stat().st_mtime_ns for path in store.folder.rglob("*.json")] == before


def test_what_was_collected_from_github_stays(tmp_path: Path, store: SnapshotStore) -> None:
    own = SnapshotComment(11, "f", "As it is now.")
    store.save(Snapshot("octo/demo", 7, title="Ours", diff="", comments=(own,)))
    import_files([write(tmp_path / "prs.jsonl", whole_row())], store)
    snapshot = store.load(("octo/demo", 7))
    assert (snapshot.source, snapshot.title, snapshot.diff) == ("github", "Ours", "")
    assert [comment.id for comment in snapshot.comments] == [9, 11]
    assert snapshot.comments[1] == own


def test_merging_is_the_same_from_both_sides() -> None:
    one, other = parse(pair_row()), parse(pair_row(comment_id=5, language="C++", replies=[]))
    assert merge(one, other).comments == merge(other, one).comments
    assert merge(merge(None, one), one) == one


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", "property name"),
        ('{"repo": "octo/demo", "number": "7"}', "number"),
        ("null", "object"),
        (json.dumps(whole_row(repo="../../etc")), "is no pull request"),
        (json.dumps(whole_row(repo="octo/..")), "is no pull request"),
        (json.dumps(whole_row(number=0)), "is no pull request"),
        (json.dumps(whole_row(diff=None)), "neither a diff nor a hunk"),
        (json.dumps(pair_row(comment_id=0)), "neither a diff nor a hunk"),
    ],
)
def test_a_bad_row_costs_only_itself(tmp_path: Path, store: SnapshotStore, bad: str, why: str) -> None:
    path = write(tmp_path / "prs.jsonl", whole_row(), bad, whole_row(number=8))
    counts = import_files([path], store)
    assert [key for key in store.list_keys()] == [("octo/demo", 7), ("octo/demo", 8)]  # noqa: C416 - all of them
    assert len(counts.problems) == 1
    assert counts.problems[0].startswith(f"{path}, line 2, was left out: ")
    assert why in counts.problems[0]


def test_what_no_stage_can_read_is_not_written(tmp_path: Path, store: SnapshotStore) -> None:
    comment = {**whole_row()["comments"][0], "id": 2**60}
    rows = whole_row(comments=[comment]), whole_row(number=8)

    counts = import_files([write(tmp_path / "a.jsonl", *rows)], store)

    assert counts.problems == [f"A row of octo/demo#7 was left out: comments[0].id is {2**60}, not from 1 to {2**53}."]
    assert list(store.list_keys()) == [("octo/demo", 8)]


def test_a_damaged_snapshot_costs_only_itself(tmp_path: Path, store: SnapshotStore) -> None:
    file = write(tmp_path / "a.jsonl", whole_row(), whole_row(number=8))
    import_files([file], store)
    store.path(("octo/demo", 7)).write_bytes(b"{")

    counts = import_files([file], store)

    (problem,) = counts.problems
    assert problem.startswith("octo/demo#7 was left out: ")
    assert problem.endswith("Delete the file and collect that pull request again.")
    assert counts.unchanged == 1


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_a_truncated_file_gives_what_it_holds(tmp_path: Path, store: SnapshotStore, keep: float) -> None:
    rows = [whole_row(number=at, title=sha256(b"%d" % at).hexdigest()) for at in range(1, 400)]
    path = write(tmp_path / "prs.jsonl.gz", *rows)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    good = write(tmp_path / "second.jsonl", whole_row(number=9_999))
    counts = import_files([path, good], store)
    assert len(counts.problems) == 1
    assert counts.problems[0].startswith(f"{path} cannot be read past line ")
    assert counts.rows == counts.written
    assert 100 < counts.rows < 400
    assert ("octo/demo", 9_999) in store


def test_what_is_no_gzip_at_all(tmp_path: Path, store: SnapshotStore) -> None:
    path = tmp_path / "prs.jsonl.gz"
    path.write_bytes(b"<html>")
    assert import_files([path], store).problems[0].startswith(f"{path} cannot be read past line 0: Not a gzipped file")


def test_blank_lines_are_nothing(tmp_path: Path, store: SnapshotStore) -> None:
    counts = import_files([write(tmp_path / "prs.jsonl", "", whole_row(), "")], store)
    assert (counts.rows, counts.problems) == (1, [])


def test_lone_surrogates_survive(tmp_path: Path, store: SnapshotStore) -> None:
    path = tmp_path / "prs.jsonl"
    path.write_text(json.dumps(whole_row(title="\ud800")) + "\n", "utf-8")
    import_files([path], store)
    assert store.load(("octo/demo", 7)).title == "\ud800"


def test_a_folder_stands_for_its_files(tmp_path: Path, store: SnapshotStore) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder / "b.jsonl", whole_row())
    write(folder / "a.jsonl.gz", pair_row())
    (folder / "README.md").write_text("no data")
    assert import_files([folder], store).files == 2
    for missing in (tmp_path / "nothing", folder / "README.md"):
        with pytest.raises(DataError) as error:
            import_files([missing], store)
        assert str(missing) in error.value.what


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_all_published_data(store: SnapshotStore) -> None:
    if not DATA.is_dir():
        pytest.skip("no ../shared/data beside the checkout")
    counts = import_files([DATA], store)
    keys = list(store.list_keys())
    assert not counts.problems
    assert counts.rows == 22_495
    assert len(keys) == 11_254
    with_diff = sum(store.load(key).diff is not None for key in keys)
    assert with_diff == 465 + 832 + 286 + 249 + 1_089
