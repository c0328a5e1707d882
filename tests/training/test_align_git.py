"""Alignment against git itself: where a commented line stands after real edits, git knows too."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.git_folder import GitFolder
from tests.training.golden.reviewing import diff_of, make_comment, make_snapshot, patch_of, show_lines
from training.align import align
from training.aligned import AlignedComment
from training.anchors import collapse

ANY_TIME = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
TAILS = st.sampled_from(["", " ", "\t", "\r", "\f", "\u2028x", "\x85x", " @@ -1 +1 @@", "++", "--"])
REPEATED = st.sampled_from(["", "}", "    }", "end", "    return value", "-- x", "++ y", "@@ -1,2 +1,2 @@", "\\ x"])


@pytest.fixture(scope="module")
def scratch() -> Iterator[GitFolder]:
    with tempfile.TemporaryDirectory() as name:
        yield GitFolder(Path(name) / "repo")


def encode(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


@st.composite
def histories(draw: st.DrawFn, *, repeated: bool) -> tuple[list[str], list[str], list[str]]:
    """A file before, as reviewed, and at the end.

    Without `repeated` no two lines of all three read alike, and each has enough letters to be found by them.
    """
    count = 0

    def write(most: int) -> list[str]:
        nonlocal count
        lines = []
        for _ in range(draw(st.integers(0, most))):
            count += 1
            lines.append(
                draw(REPEATED) if repeated and draw(st.booleans()) else f"telling_name_{count:03}{draw(TAILS)}"
            )
        return lines

    def edit(lines: list[str]) -> list[str]:
        lines = list(lines)
        for _ in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(lines)))
            lines[start : start + draw(st.integers(0, 3))] = write(4)
        return lines

    base = write(12)
    reviewed = edit(base)
    return base, reviewed, edit(reviewed)


def comment_everywhere(
    folder: GitFolder, base: list[str], reviewed: list[str], final: list[str]
) -> list[tuple[str, str, AlignedComment]]:
    """Mark, text and place of a comment on each line that git shows of the reviewed state."""
    other = {"other": b"a\n"}, {"other": b"b\n"}
    seen = diff_of(folder, {"f": encode(base)}, {"f": encode(reviewed)})
    diff = diff_of(folder, other[0] | {"f": encode(base)}, other[1] | {"f": encode(final)}).decode()
    if not seen:
        return []
    lines = show_lines(patch_of(seen))
    comments = [replace(make_comment(line, "f"), id=at) for at, line in enumerate(lines, 1)]
    found = align(make_snapshot(diff, *comments)).comments
    return [(line.kind, line.text, aligned) for line, aligned in zip(lines, found, strict=True)]


def final_lines(folder: GitFolder, base: list[str], final: list[str]) -> dict[tuple[str, str], int]:
    """Mark and text of each line that git's final diff shows, with its number."""
    diff = diff_of(folder, {"f": encode(base)}, {"f": encode(final)})
    return {(line.kind, line.text): line.number for line in show_lines(patch_of(diff))} if diff else {}


def check_unique(folder: GitFolder, history: tuple[list[str], list[str], list[str]]) -> None:
    base, _, final = history
    shown = final_lines(folder, base, final)
    for kind, text, aligned in comment_everywhere(folder, *history):
        number = shown.get((kind, text))
        if number is None:
            here = aligned.current
            # What was added may stand in the base by now, at the same number: then it is found.
            assert here is None or (here.kind != kind and aligned.original and here.line == aligned.original.line)
        else:
            assert aligned.current
            assert (aligned.current.line, aligned.current.text) == (number, text)
            assert aligned.current.side == ("LEFT" if kind == "-" else "RIGHT")
        if kind == "+" and text not in final:
            assert aligned.current is None


@settings(ANY_TIME, max_examples=10)
@given(history=histories(repeated=False))
def test_a_line_is_found_where_git_has_it(scratch: GitFolder, history: tuple[list[str], list[str], list[str]]) -> None:
    check_unique(scratch, history)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(ANY_TIME, max_examples=500, derandomize=False)
@given(history=histories(repeated=False))
def test_many_lines_are_found_where_git_has_them(
    scratch: GitFolder, history: tuple[list[str], list[str], list[str]]
) -> None:
    check_unique(scratch, history)


@settings(ANY_TIME, max_examples=10)
@given(history=histories(repeated=True))
def test_what_is_found_reads_as_it_did(scratch: GitFolder, history: tuple[list[str], list[str], list[str]]) -> None:
    base, _, final = history
    states = {"LEFT": base, "RIGHT": final}
    for kind, text, aligned in comment_everywhere(scratch, *history):
        if here := aligned.current:
            assert collapse(here.text) == collapse(text)
            assert states[here.side][here.line - 1] == here.text
            assert aligned.standing in {"exact", "reanchored"}
            assert here.kind == kind or (aligned.original and here.line == aligned.original.line)


@settings(ANY_TIME, max_examples=10)
@given(history=histories(repeated=True))
def test_a_line_that_did_not_change_stays(scratch: GitFolder, history: tuple[list[str], list[str], list[str]]) -> None:
    base, reviewed, _ = history
    for kind, text, aligned in comment_everywhere(scratch, base, reviewed, reviewed):
        assert aligned.standing == "exact", (kind, text)
        assert aligned.current == aligned.original


@settings(ANY_TIME, max_examples=10)
@given(history=histories(repeated=True))
def test_a_position_and_a_line_lead_to_the_same(
    scratch: GitFolder, history: tuple[list[str], list[str], list[str]]
) -> None:
    base, reviewed, _ = history
    diff = diff_of(scratch, {"f": encode(base)}, {"f": encode(reviewed)})
    lines = show_lines(patch_of(diff)) if diff else []
    bare = [
        replace(make_comment(line, "f"), id=at, original_line=None, original_position=None)
        for at, line in enumerate(lines, 1)
    ]
    by_line = [replace(comment, line=line.number) for comment, line in zip(bare, lines, strict=True)]
    by_position = [replace(comment, position=line.position) for comment, line in zip(bare, lines, strict=True)]
    blind = [replace(comment, diff_hunk="") for comment in by_position]
    for comments in (by_line, by_position, blind):
        found = align(make_snapshot(diff.decode(), *comments)).comments
        for line, aligned in zip(lines, found, strict=True):
            if line.position == 1 and comments is not by_line:
                continue
            assert aligned.standing == "exact"
            assert aligned.current
            assert (aligned.current.side, aligned.current.line, aligned.current.text) == (
                line.side,
                line.number,
                line.text,
            )
