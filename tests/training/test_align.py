"""Where comments stand: golden pull requests, one for each class of trouble, and what GitHub may leave out."""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.git_folder import GitFolder
from tests.training.golden.reviewing import (
    Shown,
    diff_of,
    make_comment,
    make_snapshot,
    patch_of,
    render_place,
    show_lines,
)
from training.align import align, find_roots
from training.aligned import AlignedComment
from training.anchors import AlignParams, Commented, parse_comment_hunk
from training.snapshot import Problem, Snapshot, SnapshotComment

GOLDEN = Path(__file__).parent / "golden"
CASES: list[dict[str, str]] = tomllib.loads((GOLDEN / "cases.toml").read_text("utf-8"))["case"]
REAL: list[dict[str, Any]] = json.loads((GOLDEN / "real.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def scratch() -> Iterator[GitFolder]:
    with tempfile.TemporaryDirectory() as name:
        yield GitFolder(Path(name) / "repo")


def align_one(snapshot: Snapshot) -> AlignedComment:
    return align(snapshot).comments[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_golden_pull_request(scratch: GitFolder, case: dict[str, str]) -> None:
    path = case.get("path", "file.py")
    base, reviewed = case["base"].encode(), case["reviewed"].encode()
    final = case.get("final", case["reviewed"]).encode()
    found = re.fullmatch(r"([LR])(?:(\d+)-)?(\d+)", case["on"])
    assert found
    seen = show_lines(patch_of(diff_of(scratch, {path: base}, {path: reviewed})))
    line = next(line for line in seen if (line.side[0], line.number) == (found[1], int(found[3])))
    comment = make_comment(line, path, int(found[2]) if found[2] else None)
    old = {path: case.get("final_base", case["base"]).encode()}
    diff = diff_of(scratch, old | {"other": b"a\n"}, {case.get("final_path", path): final, "other": b"b\n"})
    aligned = align_one(make_snapshot(diff.decode(), comment))
    assert render_place(aligned) == case["expect"]
    assert (aligned.reason == "") == (aligned.standing == "exact")
    assert aligned.reason == case.get("reason", aligned.reason)
    assert aligned.original
    assert (aligned.original.line, aligned.original.text) == (line.number, line.text)
    if aligned.current:
        assert aligned.current.path == case.get("final_path", path)
        assert aligned.current.text.split() == line.text.split()


@pytest.mark.parametrize("row", REAL, ids=lambda row: row["source"].removeprefix("https://github.com/"))
def test_real_pull_request(row: dict[str, Any]) -> None:
    comment = SnapshotComment(
        id=row["id"],
        path=row["path"],
        body="",
        diff_hunk="\n".join(row["diff_hunk"]),
        original_line=row["original_line"],
        original_commit_id="1" * 40,
    )
    aligned = align_one(make_snapshot("\n".join(row["diff"]), comment))
    assert render_place(aligned) == row["expect"]
    assert aligned.original
    assert f"{aligned.original.side[0]}{aligned.original.line}" == row["original"]


OLD = b"".join(b"line %d\n" % at for at in range(40))
NEW = OLD.replace(b"line 3\n", b"line three\n").replace(b"line 30\n", b"}\n").replace(b"line 31\n", b"}\n")


@pytest.fixture(scope="module")
def two_hunks(scratch: GitFolder) -> tuple[str, list[Shown]]:
    diff = diff_of(scratch, {"f": OLD}, {"f": NEW}).decode()
    return diff, show_lines(patch_of(diff.encode()))


def test_what_github_says_of_the_head_is_believed(two_hunks: tuple[str, list[Shown]]) -> None:
    diff, lines = two_hunks
    brace = [line for line in lines if line.text == "}"][1]
    lost = replace(make_comment(brace, "f"), diff_hunk="@@ -9 +9 @@\n+}", original_line=9)
    assert render_place(align_one(make_snapshot(diff, lost))) == "outdated"
    for told in (
        {"line": brace.number},
        {"position": brace.position},
        {"original_commit_id": "2" * 40, "original_line": brace.number},
        {"original_commit_id": "2" * 40, "original_line": None, "original_position": brace.position},
    ):
        aligned = align_one(make_snapshot(diff, replace(lost, **told)))
        assert render_place(aligned) == f"exact R{brace.number}", told


def test_what_github_says_is_not_believed_where_the_line_reads_otherwise(two_hunks: tuple[str, list[Shown]]) -> None:
    diff, lines = two_hunks
    line = next(line for line in lines if line.text == "line three")
    for told in ({"line": 5}, {"position": 2}, {"line": 4_000}, {"position": 4_000}, {"position": 0}):
        comment = replace(make_comment(line, "f"), **told)  # type: ignore[arg-type] # wrong in turn
        assert render_place(align_one(make_snapshot(diff, comment))) == f"exact R{line.number}", told


def test_position_1_says_nothing_as_dumps_give_it_to_all_that_is_outdated(two_hunks: tuple[str, list[Shown]]) -> None:
    diff, lines = two_hunks
    comment = replace(make_comment(lines[0], "f"), diff_hunk="@@ -7 +7 @@\n line 0", position=1)
    assert lines[0].position == 1
    assert align_one(make_snapshot(diff, replace(comment, diff_hunk=""))).standing == "unplaced"


def test_a_range_that_github_places_keeps_its_start_whatever_it_reads_now(two_hunks: tuple[str, list[Shown]]) -> None:
    diff, lines = two_hunks
    line = next(line for line in lines if line.text == "line three")
    other = make_comment(line, "f").diff_hunk.replace(" line 1\n", " line one\n")
    comment = replace(make_comment(line, "f", start=2), diff_hunk=other)
    assert render_place(align_one(make_snapshot(diff, comment))) == "exact R4"
    told = replace(comment, line=4, start_line=2)
    assert render_place(align_one(make_snapshot(diff, told))) == "exact R2-4"
    elsewhere = replace(comment, line=4, start_line=2, side="RIGHT", start_side="LEFT")
    assert render_place(align_one(make_snapshot(diff, elsewhere))) == "exact R4"


def test_a_comment_without_a_hunk_needs_githubs_word(two_hunks: tuple[str, list[Shown]]) -> None:
    diff, _ = two_hunks
    comment = SnapshotComment(1, "f", "Why?", original_line=4, original_commit_id="1" * 40)
    assert render_place(align_one(make_snapshot(diff, comment))) == "unplaced"
    assert render_place(align_one(make_snapshot(diff, replace(comment, line=4)))) == "exact R4"
    far = align_one(make_snapshot(diff, replace(comment, line=20)))
    assert (far.standing, far.reason, far.original) == ("unplaced", "it has no diff hunk", None)
    whole = align_one(make_snapshot(diff, replace(comment, line=1, subject_type="file")))
    assert (whole.standing, whole.current, whole.reason) == ("file", None, "it is about the whole file")


@pytest.mark.parametrize(
    "diff_hunk", ["@@ nonsense", "@@ -1 +1 @@", "@@ -1 +1 @@\n", "no header\n+line three", "\n", "@@ -1,9 +x @@\n+a"]
)
def test_a_hunk_that_cannot_be_read_says_so(two_hunks: tuple[str, list[Shown]], diff_hunk: str) -> None:
    comment = SnapshotComment(1, "f", "Why?", diff_hunk=diff_hunk)
    aligned = align_one(make_snapshot(two_hunks[0], comment))
    assert (aligned.standing, aligned.reason) == ("unplaced", "its diff hunk cannot be read")


def test_the_side_that_github_says_decides_for_a_context_line(two_hunks: tuple[str, list[Shown]]) -> None:
    added = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n+first\n same\n"
    comment = SnapshotComment(1, "f", "Why?", diff_hunk="@@ -1 +1,2 @@\n+first\n same", side="LEFT")
    assert render_place(align_one(make_snapshot(added, comment))) == "exact L1"
    assert render_place(align_one(make_snapshot(added, replace(comment, side=None)))) == "exact R2"


def test_a_mark_of_a_missing_newline_is_no_line() -> None:
    hunk = "@@ -1,2 +1,2 @@\n one\n-two\n\\ No newline at end of file\n+two\n\\ No newline at end of file"
    aligned = align_one(make_snapshot("", SnapshotComment(1, "f", "Why?", diff_hunk=hunk)))
    assert aligned.original
    assert (aligned.original.side, aligned.original.line, aligned.original.text) == ("RIGHT", 2, "two")


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_newline_at_the_very_end_is_no_line(end: str) -> None:
    hunk = "diff --git a/f b/f\n@@ -1 +1 @@\n-zero\n@@ -8,9 +7,9 @@ def f():\n one\n-two\n+second"
    commented = parse_comment_hunk(hunk + end)
    assert isinstance(commented, Commented)
    assert (commented.line.text, commented.number, commented.side) == ("second", 8, "RIGHT")
    whole = commented.as_hunk("f")
    assert (whole.path, whole.section, whole.source_start, whole.target_start) == ("f", "def f():", 8, 7)
    assert [line.id for line in whole.lines] == ["R7", "L9", "R8"]


def test_an_empty_context_line_may_have_lost_its_blank() -> None:
    for text in ("@@ -1,2 +1,2 @@\n+one\n ", "@@ -1,2 +1,2 @@\n+one\n\n"):
        commented = parse_comment_hunk(text)
        assert isinstance(commented, Commented)
        assert (commented.line.kind, commented.line.text, commented.number) == (" ", "", 2)


def test_replies_stand_where_their_thread_stands(two_hunks: tuple[str, list[Shown]]) -> None:
    diff, lines = two_hunks
    line = next(line for line in lines if line.text == "line three")
    root = make_comment(line, "f")
    comments = (
        root,
        replace(root, id=2, in_reply_to=1, diff_hunk=""),
        replace(root, id=3, in_reply_to=2, path="gone"),
        replace(root, id=5, in_reply_to=4),
        replace(root, id=6, in_reply_to=4, diff_hunk=""),
    )
    aligned = align(make_snapshot(diff, *comments)).comments
    assert [comment.root for comment in aligned] == [1, 1, 1, 5, 5]
    assert {render_place(comment) for comment in aligned} == {f"exact R{line.number}"}
    assert [comment.id for comment in aligned] == [1, 2, 3, 5, 6]


def test_threads_that_bite_their_tail_end() -> None:
    one = SnapshotComment(1, "f", "", in_reply_to=2)
    assert set(find_roots((one, replace(one, id=2, in_reply_to=1), replace(one, id=3, in_reply_to=3)))) == {1, 2, 3}


def test_without_a_diff_the_original_line_is_still_told(two_hunks: tuple[str, list[Shown]]) -> None:
    comment = make_comment(two_hunks[1][0], "f")
    problem = Problem("diff", "It was too large.")
    none = align(replace(make_snapshot("", comment), diff=None, problems=(problem,)))
    damaged = align(make_snapshot("diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,9 +1,9 @@\n x\n", comment))
    assert none.problem == "It was too large."
    assert "cut off or damaged" in damaged.problem
    for aligned in (none, damaged):
        assert (aligned.comments[0].standing, aligned.comments[0].current) == ("outdated", None)
        assert aligned.comments[0].original


def test_parameters_say_how_sure_a_match_must_be(scratch: GitFolder) -> None:
    seen = show_lines(patch_of(diff_of(scratch, {"f": b"a\n"}, {"f": b"a\nb = 1\nx = 2\n"})))
    diff = diff_of(scratch, {"f": b"a\n"}, {"f": b"a\nc = 3\nx = 2\n"}).decode()
    snapshot = make_snapshot(diff, make_comment(seen[-1], "f"))
    assert align(snapshot).comments[0].standing == "outdated"
    assert render_place(align(snapshot, AlignParams(telling=2)).comments[0]) == "exact R3"


@pytest.mark.parametrize(
    ("line", "above", "expect"),
    [
        ("    return None", "def other():", "outdated"),
        ("    return load_everything(paths)", "def other():", "reanchored R502"),
        ("    return None", "    use(loaded)", "reanchored R502"),
    ],
)
def test_a_short_line_far_away_needs_more_than_itself(line: str, above: str, expect: str) -> None:
    hunk = f"@@ -1,3 +1,8 @@\n def a():\n+    loaded = load()\n+    use(loaded)\n+{line}"
    diff = f"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -500,2 +500,4 @@\n {above}\n+    if bad:\n+{line}\n end\n"
    assert render_place(align_one(make_snapshot(diff, SnapshotComment(1, "f", "Why?", diff_hunk=hunk)))) == expect
    near = hunk.replace("@@ -1,3 +1,8 @@", "@@ -498 +498,8 @@")
    moved = align_one(make_snapshot(diff, SnapshotComment(1, "f", "Why?", diff_hunk=near)))
    assert render_place(moved) == "reanchored R502"


def test_a_long_line_that_the_hunk_shows_twice_is_not_found_by_itself() -> None:
    line = "    return load_everything(paths)"
    hunk = f"@@ -1,3 +1,8 @@\n def a():\n+{line}\n+    use(loaded)\n+{line}"
    diff = f"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -500,2 +500,4 @@\n def b():\n+    if bad:\n+{line}\n end\n"
    assert render_place(align_one(make_snapshot(diff, SnapshotComment(1, "f", "Why?", diff_hunk=hunk)))) == "outdated"


def test_a_line_that_may_have_stayed_is_not_looked_for_elsewhere() -> None:
    """The line at its number reads the same; that of another function has one more equal line above it."""
    head = "diff --git a/m.c b/m.c\n--- a/m.c\n+++ b/m.c\n"
    hunk = "@@ -0,0 +1,30 @@\n+int parse(ctx *ctx) {\n+    if (!ctx) {\n+        return 0;"
    stayed = "@@ -0,0 +1,4 @@\n+int parse(ctx *ctx) {\n+    if (ctx == NULL) {\n+        return 0;\n+    }\n"
    other = "@@ -40,0 +50,4 @@\n+int load(ctx *ctx) {\n+    if (!ctx) {\n+        return 0;\n+    }\n"
    comment = SnapshotComment(1, "m.c", "Why?", diff_hunk=hunk)
    for hunks, expect in ((stayed + other, "outdated"), (other, "reanchored R52"), (stayed, "exact R3")):
        assert render_place(align_one(make_snapshot(head + hunks, comment))) == expect
    told = replace(comment, line=3)
    assert render_place(align_one(make_snapshot(head + stayed + other, told))) == "exact R3"


def test_a_line_that_moved_away_from_an_equal_one_is_found() -> None:
    """At its number there is another line now that reads the same; nothing about it does."""
    head = "diff --git a/m.c b/m.c\n--- a/m.c\n+++ b/m.c\n"
    hunk = "@@ -0,0 +1,30 @@\n+int parse(ctx *ctx) {\n+    if (!ctx) {\n+        return 0;"
    now = "@@ -0,0 +1,4 @@\n+int load(ptr *ptr) {\n+    if (ptr == NULL) {\n+        return 0;\n+    }\n"
    moved = "@@ -40,0 +50,4 @@\n+int parse(ctx *ctx) {\n+    if (!ctx) {\n+        return 0;\n+    }\n"
    comment = SnapshotComment(1, "m.c", "Why?", diff_hunk=hunk)
    assert render_place(align_one(make_snapshot(head + now + moved, comment))) == "reanchored R52"
