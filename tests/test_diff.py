"""What a diff says, on texts written by hand: no git runs here."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from reviewer import diff
from reviewer.diff import (
    NOT_PROVIDED,
    line_at_position,
    parse_diff,
    parse_patch,
    parse_positions,
    position_of,
)
from reviewer.diff_header import unquote
from reviewer.diff_hunks import MAX_FILE_LINES
from reviewer.domain import ChangedFile
from reviewer.errors import SourceError

HUNK = "@@ -1 +1 @@\n-a\n+b\n"


def section(names: str, *header: str, hunks: str = "") -> str:
    return "\n".join([f"diff --git {names}", *header]) + "\n" + hunks


def only(text: str | bytes) -> ChangedFile:
    (file,) = parse_diff(text)
    return file


def rows(file: ChangedFile) -> list[tuple[str, int | None, int | None, str]]:
    return [(line.kind, line.source_line, line.target_line, line.text) for hunk in file.hunks for line in hunk.lines]


@pytest.mark.parametrize(
    ("names", "header", "path"),
    [
        ("a/x.py b/x.py", ("--- a/x.py", "+++ b/x.py"), "x.py"),
        ("a/a b/a b b/a b/a b", ("--- a/a b/a b\t", "+++ b/a b/a b\t"), "a b/a b"),
        ("a/a b b/a b", ("--- a/a b\t", "+++ b/a b\t"), "a b"),
        ("x.py x.py", ("--- x.py", "+++ x.py"), "x.py"),
        ("a/x.py a/x.py", ("--- a/x.py", "+++ a/x.py"), "a/x.py"),
        ("b/x.py b/x.py", ("--- b/x.py", "+++ b/x.py"), "b/x.py"),
        ("c/x.py w/x.py", ("--- c/x.py", "+++ w/x.py"), "x.py"),
        ("i/a/x.py w/a/x.py", ("--- i/a/x.py", "+++ w/a/x.py"), "a/x.py"),
        ("old/x.py newer/x.py", ("--- old/x.py", "+++ newer/x.py"), "x.py"),
        ('"a/\\303\\274.txt" "b/\\303\\274.txt"', ('--- "a/\\303\\274.txt"', '+++ "b/\\303\\274.txt"'), "ü.txt"),
        ('"a/t\\tb" "b/t\\tb"', ('--- "a/t\\tb"', '+++ "b/t\\tb"'), "t\tb"),
        ('"a/q\\"\\\\" "b/q\\"\\\\"', ('--- "a/q\\"\\\\"', '+++ "b/q\\"\\\\"'), 'q"\\'),
        ("a/\u2028.py b/\u2028.py", ("--- a/\u2028.py", "+++ b/\u2028.py"), "\u2028.py"),
    ],
)
def test_the_path_is_read_from_any_prefix_and_quoting(names: str, header: tuple[str, ...], path: str) -> None:
    file = only(section(names, "index 1..2 100644", *header, hunks=HUNK))
    assert (file.path, file.status, file.note) == (path, "modified", "")
    assert rows(file) == [("-", 1, None, "a"), ("+", None, 1, "b")]
    assert file.hunks[0].path == path


@pytest.mark.parametrize(
    ("text", "path", "status", "previous", "note"),
    [
        (section("a/x b/x", "old mode 100644", "new mode 100755"), "x", "modified", None, "mode change only"),
        (section("a/x b b/x b", "old mode 100644", "new mode 100755"), "x b", "modified", None, "mode change only"),
        (
            section("a/x b/y", "similarity index 100%", "rename from x", "rename to y"),
            "y",
            "renamed",
            "x",
            "rename only",
        ),
        (
            section('a/x "b/\\303\\274"', "similarity index 100%", "rename from x", 'rename to "\\303\\274"'),
            *("ü", "renamed", "x", "rename only"),
        ),
        (section("a/x b/y", "similarity index 100%", "copy from x", "copy to y"), "y", "copied", "x", "copy only"),
        (section("a/x b/x", "new file mode 100644", "index 0..e69de29"), "x", "added", None, "empty file"),
        (section("a/x b/x", "deleted file mode 100644", "index e69de29..0"), "x", "removed", None, "empty file"),
        (section("a/x b/x", "index 1..2 100644", "Binary files a/x and b/x differ"), "x", "modified", None, "binary"),
        (
            section("a/x b/x", "new file mode 100644", "index 0..2", "Binary files /dev/null and b/x differ"),
            *("x", "added", None, "binary"),
        ),
        (
            section(
                "a/x b/x", "index 1..2 100644", "GIT binary patch", "literal 3", "Kcmd", "", "literal 0", "HcmV", ""
            ),
            *("x", "modified", None, "binary"),
        ),
        (
            section("a/s b/s", "index 1..2 160000", "--- a/s", "+++ b/s", hunks=HUNK),
            *("s", "modified", None, "submodule"),
        ),
        ("Submodule lib/s 1234567..89abcde:\n  > A commit\n", "lib/s", "modified", None, "submodule"),
        (section("a/x b/x"), "x", "modified", None, "no changed lines"),
    ],
)
def test_a_file_without_hunks_says_why(text: str, path: str, status: str, previous: str | None, note: str) -> None:
    behind = section("a/last b/last", "--- a/last", "+++ b/last", hunks=HUNK)
    file, last = parse_diff(text + behind)
    assert (file.path, file.status, file.previous_path, file.note) == (path, status, previous, note)
    assert file.hunks == ()
    assert len(last.hunks) == 1


def test_a_symlink_keeps_its_hunk_and_says_what_it_is() -> None:
    header = ("new file mode 120000", "index 0..1", "--- /dev/null", "+++ b/x")
    file = only(section("a/x b/x", *header, hunks="@@ -0,0 +1 @@\n+target\n\\ No newline at end of file\n"))
    assert (file.status, file.note) == ("added", "symlink")
    assert rows(file) == [("+", None, 1, "target")]


def test_a_file_that_becomes_a_symlink_is_one_modified_file() -> None:
    old = section("a/x b/x", "deleted file mode 100644", "--- a/x", "+++ /dev/null", hunks="@@ -1 +0,0 @@\n-a\n")
    new = section("a/x b/x", "new file mode 120000", "--- /dev/null", "+++ b/x", hunks="@@ -0,0 +1 @@\n+b\n")
    file = only(old + new)
    assert (file.status, file.note) == ("modified", "symlink")
    assert rows(file) == [("-", 1, None, "a"), ("+", None, 1, "b")]


def test_content_that_looks_like_a_diff_stays_content() -> None:
    body = [
        *("--- a/fake", "-++ b/fake", "-@@ -1 +1 @@", " diff --git a/fake b/fake", "+++ b/fake", "+-- a/fake"),
        *("+@@ -9,9 +9,9 @@", " rename to z", "+\\ No newline at end of file", "-Binary files a and b differ"),
    ]
    hunk = "@@ -3,6 +7,6 @@ def f():\n" + "\n".join(body) + "\n"
    first, second = parse_diff(section("a/x b/x", "--- a/x", "+++ b/x", hunks=hunk + HUNK) + section("a/y b/y"))
    assert [line.kind + line.text for line in first.hunks[0].lines] == body
    assert first.hunks[0].section == "def f():"
    assert [line.source_line for line in first.hunks[0].lines] == [3, 4, 5, 6, None, None, None, 7, None, 8]
    assert [line.target_line for line in first.hunks[0].lines] == [None, None, None, 7, 8, 9, 10, 11, 12, None]
    assert len(first.hunks) == 2
    assert second.path == "y"


def test_only_a_newline_ends_a_line() -> None:
    odd = "a\fb\vc\u2028d\u2029e\x85f\rg\x1ch\x00i"
    file = only(section("a/x b/x", "--- a/x", "+++ b/x", hunks=f"@@ -1 +1,2 @@\n-{odd}\n+{odd}\r\n+\n"))
    assert rows(file) == [("-", 1, None, odd), ("+", None, 1, odd + "\r"), ("+", None, 2, "")]


def test_bytes_that_are_no_utf8_are_replaced_and_cost_no_line() -> None:
    text = section("a/x b/x", "--- a/x", "+++ b/x", hunks="@@ -1,2 +1,2 @@\n-caf\n+café\n z\n").encode("latin-1")
    assert rows(only(text)) == [("-", 1, None, "caf"), ("+", None, 1, "caf\ufffd"), (" ", 2, 2, "z")]


def test_marks_of_a_missing_newline_are_no_lines_in_any_language() -> None:
    mark = "\\ Kein Zeilenumbruch am Dateiende.\n"
    file = only(section("a/x b/x", "--- a/x", "+++ b/x", hunks=f"@@ -1,2 +1,2 @@\n z\n-a\n{mark}+b\n{mark}"))
    assert rows(file) == [(" ", 1, 1, "z"), ("-", 2, None, "a"), ("+", None, 2, "b")]


def test_a_diff_saved_with_crlf_throughout_reads_as_it_was() -> None:
    text = section("a/x b/x", "index 1..2 100644", "--- a/x", "+++ b/x", hunks=HUNK)
    assert parse_diff("\ufeff" + text.replace("\n", "\r\n")) == parse_diff(text)
    assert rows(only(text.replace("+b", "+++ b\r")))[1][3] == "++ b\r"


def test_an_empty_context_line_may_have_lost_its_blank() -> None:
    file = only(section("a/x b/x", "--- a/x", "+++ b/x", hunks="@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n"))
    assert rows(file)[1:] == [(" ", 2, 2, ""), ("-", 3, None, "b"), ("+", None, 3, "c")]


def test_a_mailed_series_and_a_plain_diff_are_read_too() -> None:
    mail = "From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] Fix\n\n---\n x | 2 +-\n\n"
    patch = section("a/x b/x", "--- a/x", "+++ b/x", hunks=HUNK)
    plain = f"Index: y\n=====\n--- y.orig\t2026-01-01 00:00:00\n+++ y\t2026-01-01 00:00:00\n{HUNK}"
    added = "--- /dev/null\n+++ b/z\n@@ -0,0 +1 @@\n+b\n"
    removed = "--- a/w\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    files = parse_diff(f"{mail}{patch}-- \n2.39.5\n\n{plain}{added}{removed}")
    assert [(file.path, file.status) for file in files] == [
        *(("x", "modified"), ("y", "modified"), ("z", "added"), ("w", "removed"))
    ]
    assert [len(file.hunks) for file in files] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello\nworld\n", "is no diff"),
        (b"\x7fELF\x00\x01\xff" * 50, "is no diff"),
        (HUNK, "is no diff"),
        ("diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1 -1 +1 @@@\n- a\n -b\n++c\n", "combined diff"),
        (section("a/x b/x", "--- a/x", "+++ b/x", hunks="@@ -1,9 +1,9 @@\n a\n+b\n"), "cut off or damaged at line 7"),
        (section("a/x b/x", "--- a/x", "+++ b/x", hunks="@@ -1 +1 @@\n-a\n+b\n+c\n"), "cut off or damaged at line 7"),
        (section("a/x b/x", "--- a/x", "+++ b/x", hunks="@@ -1,2 +1 @@\n+b\n a\n-\n-c\n"), "damaged at line 7"),
        (section("a/x b/x", "--- a/x", "+++ b/x", hunks="@@ -1,2 +1 @@\n+b\n a\n"), "damaged at line 7"),
        (section("a/x b/x", "--- a/x", "+++ b/x", hunks="@@ -1 +1 @@\n-a\n*b\n"), "damaged at line 6"),
        (section("a/x b/x", "--- a/x", "+++ b/x", hunks="@@ -x +1 @@\n-a\n+b\n"), "damaged at line 4"),
        (section("a/x b/x", "--- a/x", "+++ b/x", hunks=f"@@ -1,{'9' * 5000} +1 @@\n-a\n"), "damaged at line 4"),
        (section("a/x b/y", "index 1..2"), "does not tell the file's name"),
        (section("a/x b/x") * 2, "changes 'x' twice"),
    ],
)
def test_what_is_no_good_diff_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_diff(text)
    assert words in caught.value.what


@pytest.mark.parametrize("text", ["", b"", "\n\n", b"\xef\xbb\xbf"])
def test_a_blank_diff_has_no_files(text: str | bytes) -> None:
    assert parse_diff(text) == ()


@pytest.mark.parametrize(
    ("status", "patch", "changes", "note"),
    [
        ("modified", None, None, NOT_PROVIDED),
        ("modified", None, 2081, NOT_PROVIDED),
        ("renamed", None, 0, "rename only or binary"),
        ("added", None, 0, "binary, empty file or mode change only"),
        ("modified", "@@ -1 +1 @@\n-a", 2, "diff not readable"),
        ("modified", "rubbish", 2, "diff not readable"),
        (
            "modified",
            "@@ -1 +1 @@\n-Subproject commit " + "a" * 40 + "\n+Subproject commit " + "b" * 40,
            2,
            "submodule",
        ),
    ],
)
def test_an_entry_of_githubs_list_without_lines_says_why(
    status: str, patch: str | None, changes: int | None, note: str
) -> None:
    file = parse_patch("x", patch, status, changes=changes)
    assert (file.path, file.hunks, file.note) == ("x", (), note)


def test_an_entry_of_githubs_list_is_read_as_the_diff_is() -> None:
    (whole,) = parse_diff(
        section("a/x b/y", "similarity index 60%", "rename from x", "rename to y", "--- a/x", "+++ b/y", hunks=HUNK)
    )
    assert parse_patch("y", HUNK.removesuffix("\n"), "renamed", "x") == whole
    assert parse_patch("y", HUNK, "changed").status == "modified"


def test_a_hunk_without_a_line_is_none() -> None:
    empty = "@@ -1,0 +1,0 @@\n@@ -7,0 +7,0 @@\n\\ No newline at end of file\n"
    file = only(section("a/x b/x", "--- a/x", "+++ b/x", hunks=empty + HUNK))
    assert [hunk.lines[0].text for hunk in file.hunks] == ["a"]


def test_a_file_that_is_too_large_costs_only_itself() -> None:
    long = f"@@ -0,0 +1,{MAX_FILE_LINES + 1} @@\n" + "+x\n" * (MAX_FILE_LINES + 1)
    wide = f"@@ -0,0 +1 @@\n+{'x' * 1_100_000}\n"
    parts = [section(f"a/{name} b/{name}", hunks=hunks) for name, hunks in (("l", long), ("w", wide), ("s", HUNK))]
    large, minified, small = parse_diff("".join(parts))
    assert (large.hunks, large.note) == ((), "diff too large: 20,001 lines, 0.0 MB")
    assert (minified.hunks, minified.note) == ((), "diff too large: 1 lines, 1.1 MB")
    assert len(small.hunks) == 1


def test_a_diff_that_is_too_large_as_a_whole_keeps_its_first_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MAX_DIFF_LINES", 5)
    files = parse_diff("".join(section(f"a/{name} b/{name}", hunks=HUNK) for name in "xyz"))
    assert [(file.path, len(file.hunks), file.note[:14]) for file in files] == [
        ("x", 1, ""),
        ("y", 1, ""),
        ("z", 0, "diff too large"),
    ]


def test_positions_count_removed_lines_later_headers_and_marks() -> None:
    patch = (
        "@@ -1,3 +1,2 @@\n a\n-b\n c\n@@ -10,2 +9,3 @@ def f():\n d\n-e\n\\ No newline at end of file\n+f\n+g\n"
        "\\ No newline at end of file"
    )
    assert {position: line.id for position, line in parse_positions(patch).items()} == {
        1: "R1",
        2: "L2",
        3: "R2",
        5: "R9",
        6: "L11",
        8: "R10",
        9: "R11",
    }
    assert [position_of(patch, 2, "LEFT"), position_of(patch, 2, "RIGHT"), position_of(patch, 10, "LEFT")] == [2, 3, 5]
    assert position_of(patch, 10, "RIGHT") == 8
    assert position_of(patch, 99, "RIGHT") is None
    line = line_at_position(patch, 9)
    assert line is not None
    assert line.text == "g"
    assert line_at_position(patch, 4) is None


@pytest.mark.parametrize(
    ("quoted", "name"),
    [
        ('"\\a\\b\\f\\n\\r\\t\\v"', "\a\b\f\n\r\t\v"),
        ('"\\\\303"', "\\303"),
        ('"\\001\\377"', "\x01\ufffd"),
        ('"', '"'),
        ("plain", "plain"),
        ('"half', '"half'),
    ],
)
def test_names_are_unquoted(quoted: str, name: str) -> None:
    assert unquote(quoted) == name


def make_large_diff(files: int, lines: int) -> bytes:
    body = "".join(f"-    old value {i}\n+    new value {i}\n" for i in range(lines // files // 2))
    count = lines // files // 2
    hunk = f"@@ -1,{count} +1,{count} @@\n{body}"
    names = (f"src/m{i % 50}/f{i}.py" for i in range(files))
    return "".join(
        section(f"a/{name} b/{name}", f"--- a/{name}", f"+++ b/{name}", hunks=hunk) for name in names
    ).encode()


@pytest.mark.slow
def test_a_hundred_thousand_lines_are_read_in_little_time_and_memory() -> None:
    data = make_large_diff(3_000, 100_000)
    started = time.process_time()
    files = parse_diff(data)
    assert time.process_time() - started < 2.5
    assert len(files) == 3_000
    tracemalloc.start()
    parse_diff(make_large_diff(300, 10_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15_000_000, "a tenth of it"
