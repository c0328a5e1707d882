"""`glossator-train` as people run it: help, bad data of each kind, exit codes, and shards on two processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from training.aligned import ALIGNED_SCHEMA, Aligned
from training.cli import STAGES
from training.filtered import FILTERED_SCHEMA, Filtered
from training.records import part_path, read_records
from training.snapshot import Snapshot, SnapshotComment
from training.store import SnapshotStore

ROOT = Path(__file__).parents[2]
ASKS = (
    "Could this read the length once, before the loop begins, and keep it in a variable?",
    "This leaks the buffer when the second allocation fails. Please free it on that path too.",
    "I think the bound should be inclusive here, else the last row is never looked at.",
)


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "training", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def train(folder: Path, *arguments: str) -> Done:
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=50)
    assert "Traceback" not in err, err
    assert "A fault in Glossator itself" not in err, err
    return Done(process.returncode, out, err)


def make_diff(number: int) -> str:
    body = [
        " int first(void);",
        f"+int added_{number}(int rows) {{",
        f"+    return rows * {number};",
        "+}",
        " int last;",
    ]
    return "\n".join(["diff --git a/a.c b/a.c", "--- a/a.c", "+++ b/a.c", "@@ -1,2 +1,5 @@", *body]) + "\n"


def make_snapshot(number: int) -> Snapshot:
    diff = make_diff(number)
    hunk = "\n".join(diff.split("\n")[3:7])
    comment = SnapshotComment(
        number * 10,
        "a.c",
        ASKS[number % len(ASKS)],
        created_at="2024-03-01T00:00:00Z",
        author="user-1",
        author_type="User",
        diff_hunk=hunk,
        original_line=3,
        original_commit_id="c1",
    )
    return Snapshot(
        f"owner/{'one' if number % 2 else 'two'}",
        number,
        author="user-2",
        author_type="User",
        license="MIT",
        language="C",
        merged=True,
        created_at="2024-02-01T00:00:00Z",
        merged_at="2024-04-01T00:00:00Z",
        head_sha="c9",
        diff=diff,
        comments=(comment,),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = SnapshotStore(tmp_path / "data" / "snapshots")
    for number in range(1, 9):
        store.save(make_snapshot(number))
    return tmp_path


def store_of(folder: Path) -> SnapshotStore:
    return SnapshotStore(folder / "data" / "snapshots")


def test_help_names_all_stages_and_the_exit_codes(tmp_path: Path) -> None:
    done = train(tmp_path, "--help")
    assert done.code == 0
    assert all(f"  {stage} " in done.out for stage in STAGES)
    assert "Exit codes" in done.out
    unknown = train(tmp_path, "algin")
    assert unknown.code == 2
    assert "No such command 'algin'" in unknown.err


@pytest.mark.slow
def test_without_data_a_stage_says_what_to_run(tmp_path: Path) -> None:
    waiting = [start(tmp_path, stage, "--jobs", "1") for stage in ("align", "filter", "split", "dataset")]
    for process in waiting:
        _, errors = process.communicate(timeout=50)
        assert process.returncode == 6
        assert "data/" in errors
        assert errors.splitlines()[-1].startswith("Run "), "what to run"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def age(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"glossator/snapshot/1", b"glossator/snapshot/7"))


def lock_out(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILED: dict[int, tuple[Callable[[Path], object], str]] = {
    1: (cut, "is not JSON (cut short?)"),
    2: (age, "is 'glossator/snapshot/7', and this version of Glossator reads 'glossator/snapshot/1'"),
    3: (lock_out, "Is a directory"),
    4: (lambda path: path.write_bytes(b"\xff\xfe"), "is not JSON"),
    5: (lambda path: shutil.copyfile(path.with_name("000007.json"), path), "holds owner/one#7, another pull request"),
}


def test_bad_snapshots_are_named_and_the_rest_goes_on(folder: Path) -> None:
    for number, (spoil, _) in SPOILED.items():
        spoil(store_of(folder).path(make_snapshot(number).key))
    done = train(folder, "align", "--jobs", "2")
    assert done.code == 0
    told = done.err.splitlines()
    assert len(told) == len(SPOILED)
    for number, (_, message) in SPOILED.items():
        repo = make_snapshot(number).repo
        (line,) = [line for line in told if f"data/snapshots/{repo}/{number:06}.json" in line]
        assert message in line
    assert "3 comments of 3 pull requests" in done.out


@pytest.mark.slow
def test_diffs_that_do_not_parse_and_comments_without_one(folder: Path) -> None:
    store = store_of(folder)
    spoiled = {1: "this is no diff\n", 2: make_diff(2)[:-20], 3: None, 4: "", 5: "@@@ -1 -1 +1 @@@\n", 6: make_diff(6)}
    for number, diff in spoiled.items():
        store.save(replace(make_snapshot(number), diff=diff, title="cut \ud83d", body="\0\u2028"))
    odd = make_snapshot(7).comments[0]
    comments = (
        replace(odd, id=1, diff_hunk=""),
        replace(odd, id=2, diff_hunk="@@ nonsense"),
        replace(odd, id=3, diff_hunk="@@ -1 +1 @@\n+cut \ud83d"),
        replace(odd, id=4, path="", body="\ud83d" * 40, original_line=-5, in_reply_to=4),
        replace(odd, id=5, subject_type="file", diff_hunk=""),
    )
    store.save(replace(make_snapshot(7), comments=comments))
    for stage in ("align", "filter", "split", "dataset"):
        done = train(folder, stage, "--jobs", "1")
        assert done.code == 0, done.err
    found = {raw.key[1]: raw.read() for raw in read_records(folder / "data" / "aligned", ALIGNED_SCHEMA, Aligned)}
    assert set(found) == set(range(1, 9))
    assert [number for number in sorted(found) if found[number].problem] == [1, 2, 3, 5]
    assert all(found[number].comments[0].outcome.addressed is None for number in (1, 2, 3, 5))


@pytest.mark.slow
def test_records_of_another_stage_and_a_missing_part(folder: Path) -> None:
    assert train(folder, "align", "--jobs", "1", "--shard", "1/2").code == 0
    lacking = train(folder, "filter", "--jobs", "1")
    assert lacking.code == 6
    assert "data/aligned lacks part-2-of-2.jsonl." in lacking.err
    assert train(folder, "align", "--jobs", "1").code == 0
    mixed = train(folder, "filter", "--jobs", "1", "--aligned", "data/snapshots")
    assert mixed.code == 6
    assert "data/snapshots has no records." in mixed.err
    assert train(folder, "filter", "--jobs", "1").code == 0
    other = train(folder, "split", "--jobs", "1", "--aligned", "data/filtered")
    assert other.code == 6
    assert f"is '{FILTERED_SCHEMA}', not '{ALIGNED_SCHEMA}'" in other.err
    cut(part_path(folder / "data" / "aligned"))
    before = part_path(folder / "data" / "filtered").read_bytes()
    short = train(folder, "filter", "--jobs", "1")
    assert short.code == 6
    assert "data/aligned/part-1-of-1.jsonl" in short.err
    assert "cut short" in short.err
    assert part_path(folder / "data" / "filtered").read_bytes() == before


def test_bad_options_and_parameters(folder: Path) -> None:
    (folder / "params.yaml").write_text("align:\n  colour: 3\n", encoding="utf-8")
    done = train(folder, "align")
    assert done.code == 2
    assert "params.yaml: align has no 'colour'." in done.err
    wrong = train(folder, "align", "--shard", "3/2")
    assert wrong.code == 2
    assert "'3/2' is no part of a whole" in wrong.err


def test_a_file_in_place_of_the_output(folder: Path) -> None:
    (folder / "data" / "aligned").write_text("mine", encoding="utf-8")
    done = train(folder, "align", "--jobs", "1")
    assert done.code == 2
    assert "data/aligned" in done.err
    assert (folder / "data" / "aligned").read_text(encoding="utf-8") == "mine"


@pytest.mark.slow
def test_two_processes_with_a_shard_each_give_what_one_gives(folder: Path) -> None:
    """The same bytes from here on: a matrix of a workflow changes nothing downstream."""
    data = folder / "data"
    workers = [start(folder, "align", "--jobs", "1", "--shard", f"{part}/2") for part in (1, 2)]
    for worker in workers:
        _, errors = worker.communicate(timeout=50)
        assert worker.returncode == 0, errors
    assert sorted(path.name for path in (data / "aligned").iterdir()) == ["part-1-of-2.jsonl", "part-2-of-2.jsonl"]
    assert train(folder, "filter", "--jobs", "1").code == 0
    sharded = part_path(data / "filtered").read_bytes()
    records = [raw.line for raw in read_records(data / "aligned", ALIGNED_SCHEMA, Aligned)]
    assert train(folder, "align", "--jobs", "2").code == 0
    assert [path.name for path in (data / "aligned").iterdir()] == ["part-1-of-1.jsonl"]
    assert [raw.line for raw in read_records(data / "aligned", ALIGNED_SCHEMA, Aligned)] == records
    assert train(folder, "filter", "--jobs", "2").code == 0
    assert part_path(data / "filtered").read_bytes() == sharded
    kept = [
        comment for raw in read_records(data / "filtered", FILTERED_SCHEMA, Filtered) for comment in raw.read().comments
    ]
    assert any(not comment.reason for comment in kept)
