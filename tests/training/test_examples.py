"""From one pull request to its examples: which pieces, which comments, and what their absence says."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import pytest

from reviewer.domain import Bundle, Outcome
from reviewer.locate import choose_hunks
from reviewer.settings import Settings
from tests.training.small_project import write_code
from training.aligned import Aligned, AlignedComment, Anchor, Standing
from training.chats import drop_answered, render_replies
from training.comment_hunk import parse_diff_hunk
from training.examples import build_examples, read_pull_request
from training.filtered import Filtered, FilteredComment
from training.published import REVIEWED_DIFF
from training.snapshot import Problem, Snapshot, SnapshotComment, SnapshotCommit
from training.splits import Assigned

DIFF = """\
diff --git a/src/a.py b/src/a.py
--- a/src/a.py
+++ b/src/a.py
@@ -1,4 +1,4 @@ def one():
 first
-old
+new
 third
 fourth
@@ -20,2 +20,3 @@ def two():
 x
+y
 z
diff --git a/src/b.py b/src/b.py
--- a/src/b.py
+++ b/src/b.py
@@ -1 +1,2 @@
 b
+c
diff --git a/poetry.lock b/poetry.lock
--- a/poetry.lock
+++ b/poetry.lock
@@ -1 +1,2 @@
 b
+c
"""
SNAPSHOT = Snapshot("octo/demo", 7, diff=DIFF, head_sha="head")
HUNK = "@@ -1,9 +1,9 @@ def one():\n first\n-old\n+newer"


class Case:
    """A pull request whose comments are added one by one."""

    def __init__(self, snapshot: Snapshot = SNAPSHOT) -> None:
        self.snapshot = snapshot
        self.aligned: list[AlignedComment] = []
        self.filtered: list[FilteredComment] = []
        self.assigned = Assigned("octo/demo", 7, "train")

    def say(
        self,
        path: str = "src/a.py",
        line: int = 0,
        side: str = "RIGHT",
        *,
        reason: str = "",
        standing: Standing = "exact",
        start: int | None = None,
        hunk: str = HUNK,
        reply_to: int | None = None,
        root: int | None = None,
        addressed: bool | None = None,
        **fields: Any,
    ) -> Case:
        values: dict[str, Any] = {
            "diff_hunk": hunk,
            "in_reply_to": reply_to,
            "original_commit_id": "head",
            "author": "user-1",
        }
        comment = SnapshotComment(len(self.aligned) + 1, path, "Why?", **(values | fields))
        anchor = Anchor(path, "LEFT" if side == "LEFT" else "RIGHT", line, start, "+", "") if line else None
        root = root or reply_to or comment.id
        outcome = Outcome(addressed=addressed)
        self.aligned.append(AlignedComment(comment.id, root, standing, current=anchor, outcome=outcome))
        body = "" if reason else f"Why is {comment.id} here?"
        self.filtered.append(FilteredComment(comment.id, reason, body=body, quality=0.5))
        self.snapshot = replace(self.snapshot, comments=(*self.snapshot.comments, comment))
        return self

    def build(self) -> list[tuple[str, list[int], tuple[str, ...], bool]]:
        """Section, ids of the comments, commented lines and whether labelled, of each example."""
        aligned, filtered = (
            Aligned("octo/demo", 7, tuple(self.aligned)),
            Filtered("octo/demo", 7, tuple(self.filtered)),
        )
        self.built = build_examples(self.snapshot, aligned, filtered, self.assigned)
        return [
            (each.hunk.path + " " + each.hunk.section, [c.id for c in each.comments], each.commented, each.labelled)
            for each in self.built.examples
        ]

    def count(self) -> tuple[int, int]:
        """How many comments the filter keeps, and how many are in an example or counted with a reason."""
        self.build()
        said = sum(len(example.comments) for example in self.built.examples)
        return sum(not each.reason for each in self.filtered), said + self.built.lost.total()


def test_pieces_are_those_of_serving() -> None:
    code = "".join(f"+{line}\n" for line in write_code("long", 400))
    diff = f"{DIFF}diff --git a/long.py b/long.py\n--- a/long.py\n+++ b/long.py\n@@ -0,0 +1,400 @@\n{code}"
    case = Case(replace(SNAPSHOT, diff=diff))
    case.build()
    unbounded = Settings(max_prompt_tokens=1_000_000)
    asked = choose_hunks(Bundle(read_pull_request(case.snapshot)), unbounded).hunks
    assert {each.hunk for each in case.built.examples} == set(asked)
    assert len(asked) > 6


def test_comments_stand_on_their_piece_in_its_order() -> None:
    case = Case().say(line=21).say(line=2, side="LEFT").say(line=4).say(line=1, side="LEFT")
    assert case.build()[0] == ("src/a.py def one():", [4, 2, 3], ("R1", "L2", "R4"), True)
    assert [(c.side, c.line) for c in case.built.examples[0].comments] == [("RIGHT", 1), ("LEFT", 2), ("RIGHT", 4)]
    assert case.build()[1] == ("src/a.py def two():", [1], ("R21",), True)
    assert case.build()[2] == ("src/b.py ", [], (), True)


@pytest.mark.parametrize(("start", "kept"), [(20, 20), (21, None), (2, None), (None, None)])
def test_a_range_counts_when_it_begins_in_the_piece(start: int | None, kept: int | None) -> None:
    case = Case().say(line=21, start=start)
    case.build()
    assert case.built.examples[1].comments[0].start_line == kept


@pytest.mark.parametrize("reason", ["too-short", "near-duplicate", "process", "low-quality", "outsider"])
def test_a_dropped_remark_still_shows_where_a_human_stopped(reason: str) -> None:
    assert Case().say(line=21, reason=reason).build()[1] == ("src/a.py def two():", [], ("R21",), True)


@pytest.mark.parametrize("reason", ["agent-written", "authors-own", "linter-text"])
def test_what_a_person_wrote_that_is_no_remark_is_no_silence_either(reason: str) -> None:
    assert Case().say(line=21, reason=reason).build()[1] == ("src/a.py def two():", [], (), False)
    blurred = Case().say(standing="outdated", reason=reason)
    assert [row[3] for row in blurred.build()] == [False, False, True]


def test_what_a_bot_wrote_shows_nothing() -> None:
    assert Case().say(line=21, reason="bot").build()[1] == ("src/a.py def two():", [], (), True)


def test_replies_are_no_remarks_and_no_silence() -> None:
    assert Case().say(line=21).say(line=21, reason="opted-out", reply_to=1).build()[1][2:] == (("R21",), True)
    answered = Case().say(line=21, reason="authors-own").say(line=21, reason="reply", reply_to=1)
    assert answered.build()[1] == ("src/a.py def two():", [], (), False)
    assert Case().say(line=21, reason="bot").say(line=21, reason="reply", reply_to=1).build()[1][2:] == ((), False)


LONG = "".join(f"+{line}\n" for line in write_code("long", 200))
LONG_DIFF = f"diff --git a/a.py b/a.py\nnew file mode 100644\n--- /dev/null\n+++ b/a.py\n@@ -0,0 +1,200 @@\n{LONG}"


def test_no_piece_of_a_range_is_silent() -> None:
    case = Case(replace(SNAPSHOT, diff=LONG_DIFF))
    rows = case.build()
    assert [row[3] for row in rows] == [True] * len(rows)
    pieces = [example.hunk.lines for example in case.built.examples]
    assert len(pieces) > 3
    first, last = pieces[0][-1].number, pieces[2][0].number
    rows = case.say("a.py", last, start=first).build()
    assert [row[2:] for row in rows] == [
        ((), False),
        ((), False),
        ((f"R{last}",), True),
        *[((), True)] * (len(rows) - 3),
    ]


@pytest.mark.parametrize("start_side", ["LEFT", "RIGHT"])
def test_a_range_whose_start_nobody_finds_blurs_its_file(start_side: str) -> None:
    said: dict[str, Any] = {"original_line": 150, "original_start_line": 10, "start_side": start_side}
    case = Case(replace(SNAPSHOT, diff=LONG_DIFF)).say("a.py", 150, **said)
    assert not any(row[3] for row in case.build())
    assert any(row[3] for row in Case(replace(SNAPSHOT, diff=LONG_DIFF)).say("a.py", 150, original_line=150).build())


def test_of_two_pieces_of_the_same_words_both_must_be_silent() -> None:
    twice = DIFF.replace(" b\n+c\n", " b\n+c\n@@ -9 +10,2 @@\n b\n+c\n", 1)
    for line in (2, 11):
        case = Case(replace(SNAPSHOT, diff=twice)).say("src/b.py", line, reason="authors-own")
        assert case.build()[2] == ("src/b.py ", [], (), False)


def test_a_reply_stands_for_a_thread_whose_first_comment_was_deleted() -> None:
    case = Case().say(line=21, reason="reply", reply_to=99, root=1).say(line=21, reason="reply", reply_to=99, root=1)
    assert case.build()[1][2] == ("R21",)
    blurred = Case().say(standing="outdated", reason="reply", reply_to=99, root=1)
    assert [row[3] for row in blurred.build()] == [False, False, True]


@pytest.mark.parametrize("standing", ["outdated", "unplaced", "file"])
def test_a_comment_that_nobody_can_place_blurs_its_file(standing: Standing) -> None:
    case = Case().say(standing=standing, reason="too-short")
    assert [row[3] for row in case.build()] == [False, False, True]
    assert case.built.unseen == 1


def test_a_bot_blurs_nothing() -> None:
    case = Case().say(standing="outdated", reason="bot").say(standing="file", reason="bot")
    assert all(row[3] for row in case.build())


RENAMED = "diff --git a/src/old.py b/src/main.py\nrename from src/old.py\nrename to src/main.py\n"
ADDED = "diff --git a/src/main.py b/src/main.py\nnew file mode 100644\n"
BODY = "--- a/src/x.py\n+++ b/src/main.py\n@@ -1 +1,2 @@\n x\n+y\n"


@pytest.mark.parametrize(
    ("diff", "path", "labelled"),
    [
        (RENAMED + BODY, "src/old.py", False),
        (RENAMED + BODY, "src/between.py", False),
        (RENAMED + BODY, "docs/between.md", True),
        (
            ADDED + BODY.replace("a/src/x.py", "/dev/null").replace("-1 +", "-0,0 +").replace(" x", "+x"),
            "src/old.py",
            False,
        ),
        (BODY.replace("src/x.py", "src/main.py"), "src/old.py", True),
    ],
)
def test_a_comment_on_a_former_name_blurs_the_file(diff: str, path: str, *, labelled: bool) -> None:
    case = Case(replace(SNAPSHOT, diff=diff)).say(path, standing="outdated")
    assert case.build()[0][::3] == ("src/main.py ", labelled)


def test_a_selection_of_comments_labels_nothing() -> None:
    assert not any(row[3] for row in Case(replace(SNAPSHOT, comments_complete=False)).build())


def test_outdated_code_is_an_example_of_its_own() -> None:
    case = Case().say(standing="outdated")
    assert case.build()[-1] == ("src/a.py def one():", [1], ("R2",), False)
    example = case.built.examples[-1]
    assert (example.origin, example.id) == ("diff-hunk", f"octo/demo#7:{example.hunk.digest}:1")
    assert [line.kind + line.text for line in example.hunk.lines] == [" first", "-old", "+newer"]
    assert (example.comments[0].side, example.comments[0].line) == ("RIGHT", 2)


@pytest.mark.parametrize(
    "diff", [None, "", "no diff at all", "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,9 +1,9 @@\n x"]
)
def test_without_a_diff_there_is_the_code_with_the_comment(diff: str | None) -> None:
    case = Case(replace(SNAPSHOT, diff=diff)).say(standing="outdated").say(standing="outdated", hunk="")
    assert [row[1] for row in case.build()] == [[1]]
    assert case.built.lost == {"no readable code with the comment": 1}


def test_what_another_split_has_stays_out() -> None:
    case = Case().say(line=21).say(line=2)
    case.build()
    digest = case.built.examples[1].hunk.digest
    case.assigned = Assigned("octo/demo", 7, "train", left_out_comments=(2,), left_out_hunks=(digest,))
    assert [row[:3] for row in case.build()] == [("src/a.py def one():", [], ("R2",)), ("src/b.py ", [], ())]


def test_a_comment_on_a_file_that_is_not_read() -> None:
    case = Case().say("poetry.lock", 2)
    case.build()
    assert case.built.lost == {"on a hunk that is not read": 1}


def test_of_a_refused_pull_request_nothing_is_used() -> None:
    refused = Filtered("octo/demo", 7, (), "license")
    assert not build_examples(
        SNAPSHOT, Aligned("octo/demo", 7, ()), refused, Assigned("octo/demo", 7, "train")
    ).examples


def test_ids_are_unique_where_a_piece_stands_twice() -> None:
    twice = DIFF.replace(" b\n+c\n", " b\n+c\n@@ -9 +10,2 @@\n b\n+c\n", 1)
    case = Case(replace(SNAPSHOT, diff=twice))
    case.build()
    ids = [example.id for example in case.built.examples]
    assert len(set(ids)) == len(ids) == 3
    assert case.built.left_out == {"the same piece again": 1}
    assert case.say("src/b.py", 11).build()[2] == ("src/b.py ", [1], ("R11",), True)
    assert case.say("src/b.py", 2).build()[2] == ("src/b.py ", [2], ("R2",), True)
    assert case.built.lost == {"on the same piece again": 1}


def test_each_kept_comment_is_in_an_example_or_counted() -> None:
    twice = DIFF.replace(" b\n+c\n", " b\n+c\n@@ -9 +10,2 @@\n b\n+c\n", 1)
    case = Case(replace(SNAPSHOT, diff=twice)).say(line=21).say(line=2).say(line=4, reason="too-short")
    case.say("src/b.py", 11).say("src/b.py", 2).say("poetry.lock", 2).say(standing="outdated")
    case.say(standing="outdated", hunk="").say(line=4, root=2)
    assert case.count() == (8, 8)
    digest = case.built.examples[1].hunk.digest
    outdated = case.built.examples[-1].hunk.digest
    case.assigned = Assigned("octo/demo", 7, "train", left_out_comments=(2,), left_out_hunks=(digest, outdated))
    assert case.count() == (8, 8)
    assert len(case.built.lost) == 6


def test_an_addressed_comment_comes_with_the_code_that_it_was_made_on() -> None:
    case = Case().say(line=2, addressed=True).say(line=21, addressed=False)
    assert [row[1] for row in case.build()] == [[1], [2], []]
    (before,) = case.built.before
    assert (before.origin, before.hunk.lines[-1].text, [c.id for c in before.comments]) == ("diff-hunk", "newer", [1])
    case.assigned = Assigned("octo/demo", 7, "train", left_out_hunks=(before.hunk.digest,))
    case.build()
    assert case.built.before == ()


@pytest.mark.parametrize(
    ("fields", "head", "may_be_answered"),
    [
        ({"original_commit_id": "head"}, "head", False),
        ({"original_commit_id": "before"}, "head", True),
        ({"original_commit_id": ""}, "head", True),
        ({"original_commit_id": "head"}, "", True),
        ({"original_commit_id": "", "created_at": "2024-01-03T00:00:00Z"}, "head", False),
        ({"original_commit_id": "", "created_at": "2024-01-01T00:00:00Z"}, "head", True),
        ({"original_commit_id": "before", "created_at": "2024-01-03T00:00:00Z"}, "head", True),
    ],
)
def test_only_the_last_word_is_a_chat_about_the_final_diff(
    fields: dict[str, Any], head: str, *, may_be_answered: bool
) -> None:
    commits = (SnapshotCommit("head", "2024-01-02T00:00:00Z"),) if "created_at" in fields else ()
    case = Case(replace(SNAPSHOT, head_sha=head, commits=commits)).say(line=2, addressed=False, **fields)
    case.build()
    assert [comment.id for example in case.built.examples for comment in example.comments] == [1]
    assert [example.origin for example in case.built.before] == ["diff-hunk"] * may_be_answered
    (about,) = render_replies(
        [*(drop_answered(each, case.built.answered) for each in case.built.examples), *case.built.before],
        defaultdict(Counter),
    )
    assert about == (len(case.built.examples) if may_be_answered else 0)


@pytest.mark.parametrize(
    ("problem", "others", "answered"), [(REVIEWED_DIFF, 0, 0), (REVIEWED_DIFF, 1, 1), (None, 0, 1)]
)
def test_a_diff_of_what_was_reviewed_is_that_of_the_only_thread(
    problem: Problem | None, others: int, answered: int
) -> None:
    case = Case(replace(SNAPSHOT, problems=(problem,) if problem else ()))
    case.say(line=2, original_commit_id="").say(line=2, reason="reply", reply_to=1)
    for _ in range(others):
        case.say(standing="outdated", reason="too-short", original_commit_id="")
    case.build()
    assert len(case.built.answered) == len(case.built.before) == answered


def test_what_another_split_has_is_not_in_the_diff_either() -> None:
    case = Case()
    case.build()
    digest = case.built.examples[1].hunk.digest
    case.assigned = Assigned("octo/demo", 7, "train", left_out_hunks=(digest,))
    case.build()
    assert [hunk.section for hunk in case.built.pull_request.files[0].hunks] == ["def one():"]


def test_of_a_hunk_that_two_splits_share_in_part_the_rest_is_shown() -> None:
    code = "".join(f"+{line}\n" for line in write_code("long", 400))
    case = Case(replace(SNAPSHOT, diff=f"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,400 @@\n{code}"))
    case.build()
    pieces = [example.hunk for example in case.built.examples]
    case.assigned = Assigned("octo/demo", 7, "train", left_out_hunks=(pieces[1].digest,))
    case.build()
    assert list(case.built.pull_request.files[0].hunks) == [pieces[0], *pieces[2:]]


def test_the_last_hunk_shown_with_a_comment_is_its_own() -> None:
    hunk = parse_diff_hunk("a.py", "@@ -1 +1 @@\n x\n@@ -7,9 +8,9 @@ def f():\n y\n+z\n")
    assert hunk
    assert ([line.text for line in hunk.lines], hunk.section, hunk.target_start) == (["y", "z"], "def f():", 8)


def test_a_long_piece_of_outdated_code_keeps_its_end() -> None:
    body = "".join(f" {line}\n" for line in write_code("hunk", 300))
    hunk = parse_diff_hunk("a.py", f"@@ -1,900 +1,900 @@ def f():\n{body}+last")
    assert hunk
    assert (hunk.lines[-1].text, hunk.lines[-1].target_line) == ("last", 301)
    assert 20 < len(hunk.lines) <= 120
    assert hunk.target_start == hunk.lines[0].target_line


def test_a_lone_surrogate_is_replaced_and_the_digest_stays() -> None:
    text = DIFF.replace("+y", "+\udce9")
    case = Case(replace(SNAPSHOT, diff=text))
    case.build()
    assert case.built.examples[1].hunk.lines[1].text == "?"
