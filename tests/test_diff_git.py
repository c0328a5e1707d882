"""The diff against git itself: what git wrote into two commits is what the parsed lines must say."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewer.diff import parse_diff, parse_patch, parse_positions, position_of
from reviewer.domain import ChangedFile
from reviewer.errors import SourceError
from reviewer.git_source import load_git_range, load_patch
from tests.git_folder import GitFolder

DATA = Path(__file__).parents[2] / "shared" / "data"
CRLF = b"one\r\ntwo\r\nthree\r\nfour\r\n"


def lines_of(content: bytes) -> list[str]:
    """The lines of a file as git counts them."""
    text = content.decode("utf-8", "replace")
    return text.removesuffix("\n").split("\n") if text else []


def check_lines(file: ChangedFile, old: bytes, new: bytes) -> None:
    """Each line's number is where its text stands; each changed line of the file is there."""
    old_lines, new_lines = lines_of(old), lines_of(new)
    for hunk in file.hunks:
        for line in hunk.lines:
            if line.source_line is not None:
                assert old_lines[line.source_line - 1] == line.text
            if line.target_line is not None:
                assert new_lines[line.target_line - 1] == line.text
    lines = [line for hunk in file.hunks for line in hunk.lines]
    kept_old = [
        text for at, text in enumerate(old_lines, 1) if at not in {x.source_line for x in lines if x.kind == "-"}
    ]
    kept_new = [
        text for at, text in enumerate(new_lines, 1) if at not in {x.target_line for x in lines if x.kind == "+"}
    ]
    assert kept_old == kept_new


def split_patches(diff: bytes) -> dict[str, str]:
    """The `patch` of each file, as GitHub's list of files has it: its hunks without the last newline."""
    patches = {}
    for part in re.split(rb"^(?=diff --git )", diff, flags=re.MULTILINE)[1:]:
        found = re.search(rb"^@@ .*\Z", part, flags=re.MULTILINE | re.DOTALL)
        if found:
            patches[parse_diff(part)[0].path] = found[0].decode("utf-8", "replace").removesuffix("\n")
    return patches


TRICKY: dict[str, tuple[bytes, bytes]] = {
    "plain.py": (b"a\nb\nc\n", b"a\nB\nc\n"),
    "crlf.txt": (CRLF, CRLF.replace(b"three", b"3")),
    "to_lf.txt": (CRLF, CRLF.replace(b"\r", b"")),
    "lost_newline.txt": (b"a\nb\n", b"a\nb"),
    "won_newline.txt": (b"a\nb", b"a\nb\n"),
    "no_newline.txt": (b"a\nb", b"a\nc"),
    "grown.txt": (b"a", b"a\nb\nc"),
    "headers.txt": (b"-- x\n++ y\n-- a/x\nz\n", b"++ x\n-- y\n@@ -1 +1 @@\ndiff --git a/x b/x\n++ b/x\nz\n"),
    "separators.txt": ("a\fb\vc\u2028d\u2029e\x85f\rg\x1c\nz\n".encode(), "a\fb\u2028D\x85\r\nz\r\n".encode()),
    "latin1.txt": (b"caf\xe9\nx\n", b"caf\xe9s\nx\n\xff"),
    "with space.txt": (b"a\n", b"b\n"),
    "a b/x b/y.txt": (b"a\n", b"b\n"),
    "ünïcode.txt": (b"a\n", b"b\n"),
    "tab\tname.txt": (b"a\n", b"b\n"),
    'quote".txt': (b"a\n", b"b\n"),
    "back\\slash.txt": (b"a\n", b"b\n"),
    "line\nbreak.txt": (b"a\n", b"b\n"),
    "added.txt": (b"", b"new\n"),
    "removed.txt": (b"old\n", b""),
    "far_apart.py": (b"x\n" * 50, b"y\n" + b"x\n" * 48 + b"z\n"),
    "long_section.py": (
        b"def " + b"\xc3\xbc" * 60 + b"():\n" + b" a\n" * 9,
        b"def " + b"\xc3\xbc" * 60 + b"():\n" + b" a\n" * 8,
    ),
    "blank_lines.txt": (b"\n\n\na\n\n\n", b"\n\n\nb\n\n\n"),
}


@pytest.fixture(scope="module")
def tricky(tmp_path_factory: pytest.TempPathFactory) -> tuple[GitFolder, str, str]:
    folder = GitFolder(tmp_path_factory.mktemp("tricky") / "repo")
    for path, (old, _) in TRICKY.items():
        if path != "added.txt":
            folder.write(path, old)
    folder.write("moved.txt", b"m\n" * 20)
    folder.write("exact.txt", b"e\n")
    folder.write("binary.bin", b"\0\1")
    folder.write("script.sh", b"#!/bin/sh\n")
    folder.write("becomes_link", b"content\n")
    (folder.path / "link").symlink_to("plain.py")
    other = GitFolder(folder.path.parent / "other")
    first = other.commit()
    (folder.path / "sub").mkdir()
    folder.git("update-index", "--add", "--cacheinfo", f"160000,{first},sub")
    base = folder.commit("Before")
    for path, (_, new) in TRICKY.items():
        folder.write(path, new)
    (folder.path / "removed.txt").unlink()
    folder.git("mv", "moved.txt", "dir moved.txt")
    folder.write("dir moved.txt", b"m\n" * 19 + b"n\n")
    (folder.path / "ë").mkdir()
    folder.git("mv", "exact.txt", "ë/exact.txt")
    folder.write("binary.bin", b"\0\2")
    folder.write("new_empty.txt", b"")
    (folder.path / "script.sh").chmod(0o755)
    (folder.path / "link").unlink()
    (folder.path / "link").symlink_to("crlf.txt")
    (folder.path / "becomes_link").unlink()
    (folder.path / "becomes_link").symlink_to("plain.py")
    folder.git("add", "-A")
    folder.git("update-index", "--add", "--cacheinfo", f"160000,{other.commit('More')},sub")
    folder.git("commit", "-q", "-m", "After")
    return folder, base, folder.git("rev-parse", "HEAD").decode().strip()


@pytest.mark.parametrize("path", TRICKY)
def test_each_line_stands_where_git_has_it(tricky: tuple[GitFolder, str, str], path: str) -> None:
    folder, base, _ = tricky
    files = {file.path: file for file in load_git_range(folder.path, base).files}
    status = {"added.txt": "added", "removed.txt": "removed"}.get(path, "modified")
    assert (files[path].status, files[path].note) == (status, "")
    assert files[path].hunks
    check_lines(files[path], *TRICKY[path])


def test_what_has_no_lines_says_why(tricky: tuple[GitFolder, str, str]) -> None:
    folder, base, _ = tricky
    files = load_git_range(folder.path, base).files
    others = {file.path: (file.status, file.previous_path, file.note, len(file.hunks)) for file in files}
    assert {path: facts for path, facts in others.items() if path not in TRICKY} == {
        "dir moved.txt": ("renamed", "moved.txt", "", 1),
        "ë/exact.txt": ("renamed", "exact.txt", "rename only", 0),
        "binary.bin": ("modified", None, "binary", 0),
        "new_empty.txt": ("added", None, "empty file", 0),
        "script.sh": ("modified", None, "mode change only", 0),
        "link": ("modified", None, "symlink", 1),
        "becomes_link": ("modified", None, "symlink", 2),
        "sub": ("modified", None, "submodule", 0),
    }


def test_three_sources_give_one_result(tricky: tuple[GitFolder, str, str], tmp_path: Path) -> None:
    folder, base, head = tricky
    diff = folder.diff(base, head)
    expected = load_git_range(folder.path, base, head).files
    (tmp_path / "change.diff").write_bytes(diff)
    assert load_patch(str(tmp_path / "change.diff")).files == expected
    patches = split_patches(diff)
    for file in expected:
        if file.path != "becomes_link":  # GitHub may send it in a form nobody here knows
            listed = parse_patch(file.path, patches.get(file.path), file.status, file.previous_path)
            assert (listed.hunks, listed.status, listed.previous_path) == (file.hunks, file.status, file.previous_path)
            assert bool(listed.note) == bool(file.note) or file.note == "symlink"


@pytest.mark.parametrize(
    "options",
    [
        ("--no-prefix",),
        ("--src-prefix=c/", "--dst-prefix=w/"),
        ("--src-prefix=before/", "--dst-prefix=later/"),
        ("-c", "core.quotePath=false"),
        ("--full-index", "--binary"),
        ("--submodule=log",),
    ],
    ids=" ".join,
)
def test_other_ways_to_write_the_same_diff(tricky: tuple[GitFolder, str, str], options: tuple[str, ...]) -> None:
    folder, base, head = tricky
    before = options if options[0] == "-c" else ()
    diff = folder.git(*before, "diff", "-M", *(() if before else options), f"{base}...{head}")
    expected = {file.path: file for file in load_git_range(folder.path, base, head).files}
    assert {file.path: file for file in parse_diff(diff)} == expected


CHARACTERS = [
    "a",
    "b",
    "",
    " ",
    "\t",
    "\r",
    "\f",
    "\v",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "é",
    "\U0001d4b3",
    "\ufeff",
]
MARKS = ["-", "+", "--", "++", "@@ -1 +1 @@", "@@ -0,0 +1,3 @@ f", "diff --git a/x b/x", "-- a/x", "++ b/x", "def f():"]
WORDS = ["\\ No newline at end of file", "rename to y", "Binary files a/x and b/x differ", "GIT binary patch"]
PIECES = st.sampled_from([*CHARACTERS, *MARKS, *WORDS])
TEXT_LINES = st.lists(st.lists(PIECES, max_size=3).map("".join), max_size=14)
NAMES = st.sampled_from(["x", "a b", "b/x", "a/b c/d", "é", "q'x", "- x", "+++ x", "x b/x", "z.py"])


@st.composite
def edits(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A file before and after: a few runs of its lines are replaced, and each may lack the last newline."""
    old = draw(TEXT_LINES)
    new = list(old)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(new)))
        end = start + draw(st.integers(0, 4))
        new[start:end] = draw(TEXT_LINES)
    return encode(draw, old), encode(draw, new)


def encode(draw: st.DrawFn, lines: list[str]) -> bytes:
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "latin-1"]))
    ended = draw(st.booleans())
    text = "\n".join(lines) + ("\n" if lines and ended else "")
    return text.encode(encoding, "replace")


def check_against_git(folder: GitFolder, files: dict[str, tuple[bytes, bytes]]) -> None:
    base = folder.commit_blobs({path: old for path, (old, _) in files.items()})
    head = folder.commit_blobs({path: new for path, (_, new) in files.items()}, parent=base)
    diff = folder.diff(base, head)
    parsed = {file.path: file for file in parse_diff(diff)}
    assert set(parsed) == {path for path, (old, new) in files.items() if old != new}
    patches = split_patches(diff)
    for path, file in parsed.items():
        check_lines(file, *files[path])
        assert file.note == ""
        assert file.hunks
        patch = patches.get(path)
        assert parse_patch(path, patch, "modified").hunks == file.hunks
        for position, line in parse_positions(patch or "").items():
            assert (patch or "").split("\n")[position] == line.kind + line.text
            assert position_of(patch or "", line.number, line.side) == position
    if parsed:
        assert load_git_range(folder.path, base, head).files == tuple(parsed.values())


@pytest.fixture(scope="module")
def scratch() -> Iterator[GitFolder]:
    with tempfile.TemporaryDirectory() as name:
        yield GitFolder(Path(name) / "repo")


FILES = st.dictionaries(NAMES, edits(), min_size=1, max_size=6)
ANY_TIME = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@settings(ANY_TIME, max_examples=25)
@given(files=FILES)
def test_any_edit_reads_as_git_has_it(scratch: GitFolder, files: dict[str, tuple[bytes, bytes]]) -> None:
    check_against_git(scratch, files)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(ANY_TIME, max_examples=600, derandomize=False)
@given(files=FILES)
def test_many_edits_read_as_git_has_them(scratch: GitFolder, files: dict[str, tuple[bytes, bytes]]) -> None:
    check_against_git(scratch, files)


@settings(deadline=None, max_examples=150)
@given(text=st.lists(PIECES | st.just("\n"), max_size=60).map("".join))
def test_no_text_at_all_breaks_the_parser(text: str) -> None:
    header = "diff --git a/x b/x\n--- a/x\n+++ b/x\n"
    for data in (text, header + text, header + "@@ -1,2 +1,2 @@\n" + text):
        try:
            files = parse_diff(data)
        except SourceError:
            continue
        assert all(file.path for file in files)
    parse_patch("x", text, "modified")


def load_rows(name: str, step: int) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="\n") as rows:
        for number, row in enumerate(rows):
            if number % step == 0:
                yield json.loads(row)


def check_real_diffs(step: int) -> None:
    names = sorted(path.name for path in DATA.glob("prs-*.jsonl.gz"))
    if not names:
        pytest.skip("no ../shared/data beside the checkout")
    for name in names:
        for row in load_rows(name, step):
            files = {file.path: file for file in parse_diff(row["diff"])}
            hunks = [hunk for file in files.values() for hunk in file.hunks]
            if not any(file.note.startswith("diff too large") for file in files.values()):
                assert len(hunks) == row["n_hunks"]
                assert sum(hunk.changed for hunk in hunks) == row["n_changed"]
            for comment in row["comments"]:
                if comment["line"] is not None and comment["line_in_diff"]:
                    lines = (line for hunk in files[comment["path"]].hunks for line in hunk.lines)
                    side = "source_line" if comment["side"] == "LEFT" else "target_line"
                    assert comment["line"] in {getattr(line, side) for line in lines}, (name, row["number"])


def test_some_real_pull_requests_read_as_counted() -> None:
    check_real_diffs(step=40)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_real_pull_requests_read_as_counted() -> None:
    check_real_diffs(step=1)
