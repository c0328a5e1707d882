"""One human held against the others of a pull request."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.agreement import ORDERS, compare, main
from reviewer.locator import load_locator
from training.snapshot import Snapshot, SnapshotComment

SIZES = {"a.py": 1, "b.py": 2, "c.py": 30, "d.py": 3}


def make_patch(path: str, added: int) -> str:
    lines = "\n".join(f"+value_{at} = read({at})" for at in range(added))
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1,{added + 1} @@\n x = 1\n{lines}\n"


def make_snapshot(**remarks: list[str]) -> Snapshot:
    """Each human remarks on the first added line of some files."""
    said = [(human, path) for human, paths in remarks.items() for path in paths]
    comments = tuple(
        SnapshotComment(at, path, "Why?", "2026-01-01", human, "User", side="RIGHT", line=2, diff_hunk=make_hunk(path))
        for at, (human, path) in enumerate(said, 1)
    )
    diff = "".join(make_patch(path, added) for path, added in SIZES.items())
    return Snapshot("octo/demo", 1, author="writer", author_type="User", diff=diff, comments=comments)


def make_hunk(path: str) -> str:
    return f"@@ -1 +1,{SIZES[path] + 1} @@\n x = 1\n+value_0 = read(0)"


def test_a_human_is_held_against_the_others_and_so_is_each_order() -> None:
    held = list(compare(make_snapshot(ann=["c.py"], bob=["c.py", "a.py"], writer=["d.py"]), load_locator()))
    assert [dict(zip(ORDERS, one.shares, strict=True))["another human"] for one in held] == [1, 1 / 2]
    assert [dict(zip(ORDERS, one.shares, strict=True))["largest added"] for one in held] == [1, 1 / 2]
    assert [dict(zip(ORDERS, one.shares, strict=True))["chance"] for one in held] == [2 / 4, 1 / 4]


def test_one_human_alone_cannot_be_compared() -> None:
    assert not list(compare(make_snapshot(ann=["c.py"], writer=["d.py"]), load_locator()))


def test_the_command_prints_a_table_or_says_what_is_missing(tmp_path: Path) -> None:
    rows = tmp_path / "prs-demo.jsonl.gz"
    rows.write_bytes(
        gzip.compress(json.dumps({"repo": "octo/demo", "number": 1, "diff": make_patch("a.py", 1)}).encode())
    )
    done = CliRunner().invoke(main, [str(rows)])
    assert (done.exit_code, done.output) == (
        1,
        "Error: No pull request with more than three hunks has remarks by two humans.\n",
    )


@pytest.mark.parametrize("name", ORDERS)
def test_each_order_has_a_share_from_0_to_1(name: str) -> None:
    (first, *_) = compare(make_snapshot(ann=["c.py", "b.py"], bob=["d.py"], cid=["c.py"]), load_locator())
    assert 0 <= dict(zip(ORDERS, first.shares, strict=True))[name] <= 1
