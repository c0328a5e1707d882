"""Whether a comment was addressed, and what people said and pressed."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewer.domain import Outcome
from training.align import align
from training.snapshot import FINAL_DIFF, Problem, Snapshot, SnapshotComment, SnapshotCommit, SnapshotThread

SECOND = "@@ -1,5 +1,7 @@\n one\n two\n+added first\n+added second"
"""What the reviewer saw: a comment's hunk ends with the commented line."""
LABELS = Path(__file__).parents[2] / "training" / "labels" / "outcomes.csv"


def diff(*body: str, path: str = "a.c", start: int = 1) -> str:
    old = sum(not line.startswith("+") for line in body)
    new = sum(not line.startswith("-") for line in body)
    lines = [f"diff --git a/{path} b/{path}", f"--- a/{path}", f"+++ b/{path}"]
    return "\n".join([*lines, f"@@ -{start},{old} +{start},{new} @@", *body]) + "\n"


SAME = diff(" one", " two", "+added first", "+added second", " three", " four", " five")


def comment(hunk: str, **values: Any) -> SnapshotComment:
    return SnapshotComment(1, "a.c", "Why?", diff_hunk=hunk, original_commit_id="c1", **values)


def outcome(final: str | None, hunk: str = SECOND, snapshot: dict[str, Any] | None = None, **values: Any) -> Outcome:
    whole = Snapshot("a/b", 1, head_sha="c9", diff=final, comments=(comment(hunk, **values),), **snapshot or {})
    return align(whole).comments[0].outcome


@pytest.mark.parametrize(
    ("final", "addressed"),
    [
        pytest.param(SAME, False, id="nothing changed"),
        pytest.param(diff(" one", " two", "+added first", "+second, better", " three"), True, id="the line changed"),
        pytest.param(diff(" one", " two", "+first, better", "+added second", " three"), True, id="the line above did"),
        pytest.param(
            diff(" one", " two", "+added first", "+new", "+added second", " three"), True, id="a line between"
        ),
        pytest.param(diff(" one", " two", "+added first", " three"), True, id="the line was dropped"),
        pytest.param(diff(" one", " two", "+added first", "+added second", "+new", " three"), False, id="only below"),
        pytest.param(diff(" x", " two", "+added first", "+added second", " three"), False, id="three above changed"),
        pytest.param(diff(" two", "+added first", "+added second", " y", start=40), False, id="it only moved"),
        pytest.param(diff(" two", "+added first", "+ added second"), True, id="indented"),
        pytest.param(diff(" a", "+b", path="other.c"), True, id="the file is as it was before"),
        pytest.param("", True, id="nothing is left of the pull request"),
        pytest.param(SAME.replace("a.c", "b.c"), True, id="another file now has the lines"),
        pytest.param(None, None, id="no diff"),
        pytest.param("@@ nonsense", None, id="a diff that cannot be read"),
        pytest.param("diff --git a/a.c b/a.c\nBinary files a/a.c and b/a.c differ\n", None, id="binary now"),
    ],
)
def test_an_added_line(final: str | None, addressed: bool | None) -> None:
    assert outcome(final).addressed is addressed


def test_a_renamed_file_is_followed() -> None:
    head = "diff --git a/a.c b/b.c\nsimilarity index 90%\nrename from a.c\nrename to b.c\n"
    moved = head + SAME.split("\n", 1)[1].replace("+++ b/a.c", "+++ b/b.c")
    assert outcome(moved).addressed is False


REMOVED = "@@ -1,5 +1,4 @@\n one\n two\n-three"


@pytest.mark.parametrize(
    ("final", "addressed"),
    [
        pytest.param(diff(" one", " two", "-three", " four"), False, id="it is still removed"),
        pytest.param(diff(" one", " two", " three", "+x"), True, id="it came back"),
        pytest.param(diff(" one", "-two", "-three", " four"), True, id="the line above goes too"),
        pytest.param(diff(" one", " two", "+new", "-three"), False, id="what is added beside it is not of its side"),
    ],
)
def test_a_removed_line(final: str, addressed: bool) -> None:
    assert outcome(final, REMOVED).addressed is addressed


CONTEXT = "@@ -1,5 +1,6 @@\n+top\n one\n two\n three"


@pytest.mark.parametrize(
    ("final", "addressed"),
    [
        pytest.param(diff("+top", " one", " two", " three", " four"), False, id="it stands"),
        pytest.param(diff("+top", " one", " two", "-three", "+3", " four"), True, id="it changes now"),
        pytest.param(diff("+top", " one"), None, id="it is not shown any more"),
        pytest.param(diff(" x", "+y", start=90), None, id="another place changes"),
        pytest.param(diff(" x", "+y", path="other.c"), None, id="the file does not change any more"),
    ],
)
def test_a_context_line(final: str, addressed: bool | None) -> None:
    assert outcome(final, CONTEXT).addressed is addressed


def test_a_range_counts_from_its_first_line() -> None:
    final = diff(" one", " 2", "+added first", "+added second", " three")
    place: dict[str, Any] = {"original_line": 4, "original_start_line": 4}
    assert outcome(final, **place).addressed is True
    assert outcome(diff(" 1", " two", "+added first", "+added second"), **place).addressed is False
    assert outcome(
        diff(" 1", " two", "+added first", "+added second"), original_line=4, original_start_line=3
    ).addressed


def test_the_last_commit_is_changed_by_none() -> None:
    final = diff(" one", "+other")
    whole = Snapshot("a/b", 1, head_sha="c1", diff=final, comments=(comment(SECOND),))
    assert align(whole).comments[0].outcome.addressed is False
    assert align(replace(whole, diff=None)).comments[0].outcome.addressed is False


@pytest.mark.parametrize(("last", "addressed"), [("2026-01-02T00:00:00Z", False), ("2026-01-04T00:00:00Z", True)])
def test_commits_before_the_comment_address_nothing(last: str, addressed: bool) -> None:
    commits = (SnapshotCommit("c1", "2026-01-01T00:00:00Z"), SnapshotCommit("c2", last))
    made = "2026-01-03T00:00:00Z"
    assert outcome(diff(" one", "+other"), snapshot={"commits": commits}, created_at=made).addressed is addressed
    undated = (*commits, SnapshotCommit("c3"))
    assert outcome(SAME, snapshot={"commits": undated}, created_at=made).addressed is False
    assert outcome(diff(" one", "+other"), snapshot={"commits": undated}, created_at=made).addressed is True


def test_an_older_state_shows_a_change_but_not_its_absence() -> None:
    older = {"problems": (Problem(FINAL_DIFF, "the diff is of an older commit"),)}
    assert outcome(diff(" one", " two", "+better"), snapshot=older).addressed is True
    assert outcome(SAME, snapshot=older).addressed is None


def test_without_a_hunk_nobody_can_tell() -> None:
    assert outcome(SAME, "").addressed is None
    assert outcome(SAME, "garbage").addressed is None
    assert outcome(SAME, subject_type="file").addressed is None


def test_what_people_said_and_pressed() -> None:
    pressed = {"+1": 2, "heart": 1, "laugh": 5, "eyes": 1, "-1": 1, "confused": 2, "new-one": 9}
    root = replace(comment(SECOND), reactions=pressed)
    replies = [replace(comment(SECOND), id=at, in_reply_to=1, reactions={"rocket": 1}) for at in (2, 3)]
    other = replace(comment(SECOND), id=9)
    threads = (SnapshotThread(1, is_resolved=True), SnapshotThread(9))
    whole = Snapshot("a/b", 1, head_sha="c9", diff=SAME, comments=(root, *replies, other), threads=threads)
    outcomes = [place.outcome for place in align(whole).comments]
    assert outcomes == [
        Outcome(addressed=False, resolved=True, upvotes=3, downvotes=3, replies=2),
        Outcome(upvotes=1),
        Outcome(upvotes=1),
        Outcome(addressed=False, resolved=False),
    ]


LINES = st.lists(st.text("ab }+-\u2028\0", max_size=3), min_size=1, max_size=12, unique=True)


@given(LINES, st.data())
def test_the_same_diff_addresses_nothing_and_another_line_does(texts: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(texts) - 1))
    body = [f"+{text}" for text in texts]
    hunk = "\n".join([f"@@ -0,0 +1,{len(body)} @@", *body[: at + 1]])
    assert outcome(diff(*body), hunk).addressed is False
    body[at] = "+something new"
    assert outcome(diff(*body), hunk).addressed is True


def test_the_labels_are_as_many_as_is_said() -> None:
    with LABELS.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["comment_id"] for row in rows}) == len(rows) == 140
    assert Counter(row["label"] for row in rows) == {"addressed": 94, "not-addressed": 35, "cannot-tell": 11}
    assert set(rows[0]) == {"comment_id", "repo", "number", "label"}
