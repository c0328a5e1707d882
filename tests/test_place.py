"""Where findings land: on the line that was cited and quoted, or nowhere; and never where GitHub says no."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reviewer.diff import parse_diff
from reviewer.domain import CATEGORIES, Dropped, DropReason, Finding, PullRequest, ReviewComment, Routed
from reviewer.invisible import find_invisible
from reviewer.place import MAX_RANGE, Placement, fingerprint, is_quoted, place_findings
from reviewer.prompt import show
from simulation.github_server import GitHubServer
from tests.fakes import make_diff, make_pull_request

OLD = "def total(items):\n    count = 0\n    for item in items:\n        count += item\n    return count\n"
NEW = """\
def total(items, start):
    count = start
    for item in items:
        count += item.price

    return count
"""
PULL = make_pull_request(make_diff("shop.py", OLD, NEW))
# R1 def total(items, start)  L1 def total(items)  R2 count = start  L2 count = 0  R3 for (context)
# R4 += item.price  L4 += item  R5 (blank)  R6 return (context)


def finding(line: str, quote: str, **fields: Any) -> Finding:
    return Finding("shop.py", line, quote, fields.pop("message", "Breaks on None."), **fields)


def place(one: Finding, pull_request: PullRequest = PULL) -> ReviewComment | Routed | Dropped:
    placement = place_findings([one], pull_request)
    results: list[ReviewComment | Routed | Dropped] = [*placement.comments, *placement.routed, *placement.dropped]
    assert len(results) == 1
    return results[0]


def anchor(one: Finding, pull_request: PullRequest = PULL) -> str:
    """`R4`, `R4-R6`, or the reason why there is no line."""
    placed = place(one, pull_request)
    if isinstance(placed, ReviewComment):
        side = placed.side[0]
        return f"{side}{placed.start_line}-{side}{placed.line}" if placed.start_line else f"{side}{placed.line}"
    return placed.reason


def on_lines(new: str, path: str = "shop.py", old: str = "") -> PullRequest:
    return make_pull_request(make_diff(path, old, new))


@pytest.mark.parametrize(
    ("line", "quote", "where"),
    [
        ("R2", "    count = start", "R2"),
        ("R2", "count = start", "R2"),
        ("R2", "count  =\tstart  ", "R2"),
        ("R2", "count = start\r\n", "R2"),
        ("L2", "    count = 0", "L2"),
        ("R3", "for item in items:", "R3"),
        ("R4", "item.price", "R4"),
        ("R4", "count += item.pri", "R4"),
        ("R2", "start", "quote-not-found"),
        ("R2", "R2    + count = start", "R2"),
        ("R2", "R2    +     count = start", "R2"),
        ("R2", "R2: count = start", "R2"),
        ("R2", "R2 | count = start", "R2"),
        ("R2", "+ count = start", "R2"),
        ("R2", "+    count = start", "R2"),
        ("L2", "-count = 0", "L2"),
        ("L2", "L2    - count = 0", "L2"),
        ("R3", "R3      for item in items:", "R3"),
        ("R2", "\n\n  count = start\n  for item in items:", "R2"),
        ("R2", "count = start\nthis is not in the file", "R2"),
        ("R5", "", "R5"),
        ("R5", "R5    +", "R5"),
        ("R2", "", "quote-not-found"),
        ("R2", "R2", "quote-not-found"),
        ("R2", "R5    +", "quote-not-found"),
        ("R2", "count = 0 if start is None", "quote-not-found"),
        ("R99", "count = start", "outside-diff"),
        ("L3", "for item in items:", "outside-diff"),
        ("", "count = start", "outside-diff"),
        ("R2", "count += item.price", "R4"),
        ("R6", "def total(items, start):", "R1"),
        ("R1", "    count = 0", "L2"),
    ],
)
def test_the_line_id_and_the_quote_must_agree(line: str, quote: str, where: str) -> None:
    assert anchor(finding(line, quote)) == where


def test_a_comment_carries_what_github_needs() -> None:
    placed = place(finding("L4", "count += item", category="design"))
    assert isinstance(placed, ReviewComment)
    assert (placed.path, placed.line, placed.side, placed.start_line) == ("shop.py", 4, "LEFT", None)
    assert placed.anchored_text == "        count += item"
    assert placed.fingerprint == fingerprint("shop.py", "count += item", "design")
    assert placed.suggestion is None


def test_a_finding_that_says_nothing_or_is_on_another_file_is_dropped() -> None:
    silent = place(finding("R2", "count = start", message=" \n"))
    assert isinstance(silent, Dropped)
    assert silent.reason is DropReason.EMPTY_MESSAGE
    elsewhere = place(replace(finding("R2", "count = start"), path="other.py"))
    assert isinstance(elsewhere, Dropped)
    assert (elsewhere.reason, elsewhere.path, elsewhere.detail) == (
        DropReason.OUTSIDE_DIFF,
        "other.py",
        "R2 is not in the diff of this file",
    )
    assert "no line is not" in replace_detail(place(finding("", "count = start")))


def replace_detail(placed: ReviewComment | Routed | Dropped) -> str:
    assert isinstance(placed, Dropped)
    return placed.detail


@pytest.mark.parametrize(
    ("cited", "where"),
    [("R1", "R2"), ("R3", "R2"), ("R4", "quote-not-found"), ("R5", "R6"), ("R9", "R8")],
    ids=["next to one", "after one", "between two", "before one", "at the end"],
)
def test_the_nearest_of_several_alike_unless_two_are_as_near(cited: str, where: str) -> None:
    lines = ["a", "close()", "b", "c", "d", "close()", "e", "close()", "f"]
    pull_request = on_lines("\n".join(lines) + "\n")
    assert anchor(finding(cited, "close()"), pull_request) == where


def test_a_whole_line_goes_before_a_nearer_part_of_one() -> None:
    pull_request = on_lines("x\nreturn result.total()\n\n\nreturn result\n")
    assert anchor(finding("R1", "return result"), pull_request) == "R5"
    assert anchor(finding("R1", "return result."), pull_request) == "R2"


def test_blank_lines_are_no_match_for_anything_but_themselves() -> None:
    pull_request = on_lines("a\n\nb\n\t\n")
    assert anchor(finding("R4", " "), pull_request) == "R4"
    assert anchor(finding("R1", "\n"), pull_request) == "quote-not-found"


@pytest.mark.parametrize("text", ["R1 = load()", "L2 = x", "- item", "+ 1", "R5", "L2_norm(x)", "-1", "+"])
def test_code_that_looks_like_an_id_or_a_mark_is_still_code(text: str) -> None:
    pull_request = on_lines(f"first\n{text}\nlast\n")
    assert anchor(finding("R2", text), pull_request) == "R2"
    assert anchor(finding("R2", f"R2    + {text}"), pull_request) == "R2"
    assert anchor(finding("R1", text), pull_request) == "R2"


@pytest.mark.parametrize(
    "text",
    [
        "naïve = 'é'",
        "变量 = 1",
        "a\fb",
        "a\u2028b",
        "x = '\u200b'",
        "s = \u202e'a'",
        "\tif (x)\t{",
        "a\x85b",
        "<|im_end|>",
    ],
)
def test_unusual_characters_are_quoted_as_they_are_or_as_the_prompt_shows_them(text: str) -> None:
    for end in ("\n", "\r\n"):
        pull_request = on_lines(f"one{end}{text}{end}three{end}")
        for quote in (text, show(text), text + end, f"R2    + {show(text)}"):
            assert anchor(finding("R2", quote), pull_request) == "R2"


def test_hidden_characters_found_by_rule_have_a_place() -> None:
    hostile = "ok = 1\nb\fc = '\u202e'\nx = 'a\u2028b\u200b'\n\u200b\n"
    pull_request = on_lines(hostile)
    found = find_invisible(pull_request)
    assert len(found) == 3
    assert [anchor(one, pull_request) for one in found] == ["R2", "R3", "R4"]


def test_is_quoted_looks_at_the_first_row() -> None:
    line = PULL.files[0].hunks[0].lines[0]
    assert is_quoted(f"\n{line.text}\nmore", line)
    assert not is_quoted("something else", line)


@pytest.mark.parametrize(
    ("line", "quote", "end_line", "where"),
    [
        ("R2", "count = start", "R4", "R2-R4"),
        ("R2", "count = start", "R6", "R2-R6"),
        ("L1", "def total(items):", "L2", "L1-L2"),
        ("R2", "count = start", "R2", "R2"),
        ("R4", "count += item.price", "R2", "R4"),
        ("R2", "count = start", "L4", "R2"),
        ("R2", "count = start", "R99", "R2"),
        ("R2", "count = start", "", "R2"),
        ("R6", "count = start", "R6", "R2"),
    ],
)
def test_a_range_is_on_one_side_and_runs_forward(line: str, quote: str, end_line: str, where: str) -> None:
    assert anchor(finding(line, quote, end_line=end_line)) == where


def test_a_range_stays_in_its_hunk_and_is_not_long() -> None:
    far = "".join(f"line {number}\n" for number in range(1, 101))
    two_hunks = make_pull_request(make_diff("shop.py", far, far.replace("line 9\n", "x\n").replace("line 60\n", "y\n")))
    assert len(two_hunks.files[0].hunks) == 2
    assert anchor(finding("R9", "x", end_line="R60"), two_hunks) == "R9"
    assert anchor(finding("R9", "x", end_line="R12"), two_hunks) == "R9-R12"
    added = on_lines(far)
    assert anchor(finding("R1", "line 1", end_line=f"R{MAX_RANGE}"), added) == f"R1-R{MAX_RANGE}"
    assert anchor(finding("R1", "line 1", end_line=f"R{MAX_RANGE + 1}"), added) == "R1"


@pytest.mark.parametrize(
    ("line", "quote", "end_line", "is_offered"),
    [
        ("R2", "count = start", None, True),
        ("R2", "count = start", "R2", True),
        ("R6", "return count", None, True),
        ("R2", "count = start\nfor item in items:", "R3", True),
        ("R2", "R2   + count = start\nR3     for item in items:\n", "R3", True),
        ("R4", "count += item.price\nreturn count", "R6", True),
        ("R2", "count = start", "R3", False),
        ("R2", "count = start\nfor each in items:", "R3", False),
        ("R2", "count = start\nfor item in items:", None, False),
        ("R2", "count = start", "R99", False),
        ("R2", "count = start", "L4", False),
        ("R3", "count = start", None, False),
        ("L2", "count = 0", None, False),
    ],
)
def test_a_suggestion_needs_each_replaced_line_quoted(
    line: str, quote: str, end_line: str | None, is_offered: bool
) -> None:
    text = on_lines(NEW, "shop.txt", OLD)  # no Python: whether it parses is asked elsewhere
    one = replace(finding(line, quote, end_line=end_line, suggestion="    changed = 1"), path="shop.txt")
    placed = place(one, text)
    assert isinstance(placed, ReviewComment)
    assert (placed.suggestion is not None) == is_offered


def test_a_removed_line_gets_no_suggestion_even_when_the_new_one_reads_the_same() -> None:
    pull_request = on_lines("  a = 1\n", "x.txt", "a = 1\n")
    for line, suggestion in (("L1", None), ("R1", "  a = 2")):
        placed = place(Finding("x.txt", line, "a = 1", "No.", suggestion="  a = 2"), pull_request)
        assert isinstance(placed, ReviewComment)
        assert placed.suggestion == suggestion


def test_a_suggestion_for_a_crlf_file() -> None:
    pull_request = on_lines("a = 1\r\nb = 2\r\n", "x.txt")
    same = Finding("x.txt", "R2", "b = 2", "No.", suggestion="b = 2")
    for one, expected in ((same, None), (replace(same, suggestion="b = 3\r\n"), "b = 3")):
        placed = place(one, pull_request)
        assert isinstance(placed, ReviewComment)
        assert placed.suggestion == expected


def test_a_fingerprint_knows_path_text_and_category_and_no_more() -> None:
    first = fingerprint("a.py", "  x = 1", "bug")
    assert first == fingerprint("a.py", "x  =\t1\r", "bug")
    assert re.fullmatch("[0-9a-f]{16}", first)
    others = {
        fingerprint("b.py", "x = 1", "bug"),
        fingerprint("a.py", "x = 2", "bug"),
        fingerprint("a.py", "x = 1", "docs"),
    }
    assert len(others | {first}) == 4
    assert fingerprint("a.py\ud800", "x", "bug")


def test_a_fingerprint_survives_a_rebase_and_other_words() -> None:
    moved = make_pull_request(make_diff("shop.py", "# new first line\n" + OLD, "# new first line\n" + NEW))
    one, other = place(finding("R2", "count = start")), place(finding("R3", "count = start", message="Else."), moved)
    assert isinstance(one, ReviewComment)
    assert isinstance(other, ReviewComment)
    assert other.line == one.line + 1
    assert one.fingerprint == other.fingerprint


@pytest.mark.timeout(30)
def test_a_hostile_number_of_findings_in_a_long_file_takes_no_square_of_time() -> None:
    pull_request = on_lines("".join(f"a = '\u200b{number}'\n" for number in range(8_000)))
    found = [finding(f"R{number}", f"a = '\u200b{number - 1}'") for number in range(1, 8_001)]
    assert len(place_findings(found, pull_request).comments) == 8_000


# --- any findings on any diff -----------------------------------------------------------------------------------------

CODE = ("x = 1", "    return x", "def f():", "", "}", "\t}", "close()", "R3 = 1", "count += item.price", "ünï = '变量'")
ODD = (
    "- item",
    "+ item",
    "-- a/x",
    "++ b/x",
    "@@ -1 +1 @@",
    "a\fb",
    "a\u2028b\u200b",
    "x\r",
    "    \r",
    "\\ No newline",
)
TEXTS = st.sampled_from([*CODE, *ODD])
CONTENT = st.lists(TEXTS, max_size=25)
PATHS = ("a.py", "b.txt", "c/d e.js")


@dataclass(frozen=True)
class Shown:
    """A line that the diff shows, read from the diff's text alone."""

    hunk: int
    side: str
    number: int
    text: str


def read_rows(diff: str) -> Iterator[Shown]:
    """The commentable lines of one file's diff: removed ones LEFT, all others RIGHT."""
    hunk = old = new = old_left = new_left = 0
    for row in diff.split("\n"):
        if old_left or new_left:
            kind, text = row[0], row[1:]
            yield Shown(hunk, "LEFT" if kind == "-" else "RIGHT", old if kind == "-" else new, text)
            old, old_left = old + (kind != "+"), old_left - (kind != "+")
            new, new_left = new + (kind != "-"), new_left - (kind != "-")
        elif found := re.match(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", row):
            hunk += 1
            old, new = int(found[1]), int(found[3])
            old_left, new_left = int(found[2] or 1), int(found[4] or 1)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    old = draw(CONTENT)
    new = list(old)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(new)))
        new[start : start + draw(st.integers(0, 4))] = draw(st.lists(TEXTS, max_size=6))
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    return before, after


QUOTE_FORMS = ("{0}", "  {0} ", "R3    + {0}", "+ {0}", "- {0}", "{0}\n{1}", "{0}\n{0}", "\n{0}\r\n", "wrong {0}", "")


@st.composite
def findings(draw: st.DrawFn, shown: dict[str, list[Shown]]) -> Finding:
    """Mostly near the truth: a real line with its own quote; else one with another's, or none."""
    path = draw(st.sampled_from([*PATHS, "not/there.py"]))
    lines = shown.get(path) or [Shown(0, "RIGHT", 1, "x = 1")]
    first, other = draw(st.sampled_from(lines)), draw(st.sampled_from(lines))
    quoted = draw(st.sampled_from([first, first, first, other]))
    ids = [f"{one.side[0]}{one.number}" for one in (first, other)]
    quote = draw(st.sampled_from(QUOTE_FORMS)).format(quoted.text, other.text)
    return Finding(
        path=path,
        line=draw(st.sampled_from([ids[0]] * 6 + ["", "R0", "L99", "R999", "X1"])),
        quote=quote,
        message=draw(st.sampled_from(["Breaks.", "Leaks.", "  "])),
        category=draw(st.sampled_from(CATEGORIES)),
        end_line=draw(st.sampled_from([None, None, ids[1], "R7", "L99"])),
        suggestion=draw(st.none() | TEXTS | st.just("y = 2\nz = 3")),
    )


def check_placement(
    found: list[Finding], placement: Placement, shown: dict[str, list[Shown]], new: dict[str, str]
) -> None:
    """GitHub's rules, and ours, from the diff's text alone."""
    ends = [(c.finding.path, c.finding.message, c.finding.line) for c in placement.comments]
    ends += [(r.finding.path, r.finding.message, r.finding.line) for r in placement.routed]
    ends += [(d.finding.path, d.finding.message, d.finding.line) for d in placement.dropped if d.finding]
    assert Counter(ends) == Counter((one.path, one.message, one.line) for one in found)
    for comment in placement.comments:
        at = {(line.side, line.number): line for line in shown[comment.path]}
        end = at[comment.side, comment.line]
        start = at[comment.side, comment.start_line] if comment.start_line is not None else end
        assert start.hunk == end.hunk
        assert comment.start_line is None or comment.start_line < comment.line
        assert start.text == comment.anchored_text
        check_quote(comment)
        if comment.suggestion is not None:
            check_replaces(comment, start.number, end.number, new[comment.path])


def check_quote(comment: ReviewComment) -> None:
    said, stands = ("".join(text.split()) for text in (comment.finding.quote, comment.anchored_text))
    bare = re.sub(r"^(R3)?[+-]?", "", said)
    assert stands in said or bare in stands or said in stands or "\\u200b" in said


def check_replaces(comment: ReviewComment, first: int, last: int, new: str) -> None:
    """The suggestion, applied, changes the file, on that side only."""
    assert comment.side == "RIGHT"
    lines = new.removesuffix("\n").split("\n")
    assert comment.suggestion is not None
    changed = [*lines[: first - 1], *comment.suggestion.split("\n"), *lines[last:]]
    assert [line.rstrip() for line in changed] != [line.rstrip() for line in lines]


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(data=st.data(), files=st.fixed_dictionaries({path: edits() for path in PATHS}))
def test_any_finding_on_any_diff_goes_where_github_takes_it(
    data: st.DataObject, files: dict[str, tuple[str, str]]
) -> None:
    diffs = {path: make_diff(path, *edit, context=data.draw(st.integers(0, 3))) for path, edit in files.items()}
    shown = {path: list(read_rows(diff)) for path, diff in diffs.items()}
    found = data.draw(st.lists(findings(shown), max_size=12))
    pull_request = make_pull_request(*diffs.values())
    placement = place_findings(found, pull_request)
    event(f"{min(len(placement.comments), 3)} comments")
    check_placement(found, placement, shown, {path: new for path, (_, new) in files.items()})
    again = place_findings([comment.finding for comment in placement.comments], pull_request)
    assert again.comments == placement.comments, "what post checks again is what infer said"


@pytest.fixture(scope="module")
def server() -> Iterator[GitHubServer]:
    with GitHubServer() as running:
        running.create_repo("octo/demo", {"README.md": "A demo.\n"})
        yield running


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data(), files=st.fixed_dictionaries({path: edits() for path in PATHS}))
def test_github_takes_every_placed_comment(
    server: GitHubServer, data: st.DataObject, files: dict[str, tuple[str, str]]
) -> None:
    repo = server.find_repo("octo/demo")
    repo.commit({path: old for path, (old, _) in files.items()})
    branch = f"topic-{len(repo.repository.pulls)}"
    pull = repo.open_pull_request({path: new for path, (_, new) in files.items()}, branch=branch)
    pull_request = make_pull_request(pull.diff.decode())
    sections = {
        parse_diff(part)[0].path: part
        for part in re.split(r"^(?=diff --git )", pull.diff.decode(), flags=re.MULTILINE)[1:]
    }
    shown = {path: list(read_rows(part)) for path, part in sections.items()}
    found = data.draw(st.lists(findings(shown), min_size=6, max_size=20))
    comments = place_findings(found, pull_request).comments
    posted = [
        {"path": c.path, "line": c.line, "side": c.side, "body": "Hm."}
        | ({"start_line": c.start_line, "start_side": c.side} if c.start_line is not None else {})
        for c in comments
    ]
    pull.review(body="Some comments.", comments=posted)  # raises ScenarioError for a 422
    stored = pull.call("bob", "GET", f"{pull.path}/comments?per_page=100")
    assert Counter((c["path"], c["line"], c["side"]) for c in stored) == Counter(
        (c.path, c.line, c.side) for c in comments
    )
    assert not server.violations
