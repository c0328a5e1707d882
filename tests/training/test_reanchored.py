"""The benchmark of lines that moved: the sample, and what became of the labelled ones."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from bench.reanchored import Label, Moved, draw, find_moved, judge, load_labels, render
from training.snapshot import Snapshot, SnapshotComment
from training.store import SnapshotStore

HEAD = "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n"
HUNK = "@@ -1,2 +1,4 @@\n one\n+int added_first = 1;\n+int added_second = 2;"
MOVED = HEAD + "@@ -11,2 +11,4 @@\n one\n+int added_first = 1;\n+int added_second = 2;\n two\n"


def test_only_first_comments_that_moved_count(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    root = SnapshotComment(5, "a.c", "Why?", diff_hunk=HUNK)
    reply = SnapshotComment(6, "a.c", "So.", diff_hunk=HUNK, in_reply_to=5)
    store.save(Snapshot("a/b", 1, diff=MOVED, comments=(root, reply)))
    store.save(Snapshot("a/b", 2, diff=MOVED.replace("11,", "1,"), comments=(root,)))
    store.save(Snapshot("a/b", 3, diff=MOVED, comments=(replace(root, id=7, line=13),)))
    assert find_moved(store) == {5: Moved("R13"), 7: Moved("R13", "R13")}


def test_the_sample_is_the_same_for_everyone() -> None:
    moved = dict.fromkeys(range(653), Moved("R1"))
    assert draw(moved)[:4] == [38, 47, 49, 50]
    assert len(draw(moved)) == 60
    assert draw({3: Moved("R1"), 1: Moved("R1")}) == [1, 3]


def test_each_label_is_counted_once() -> None:
    labels = [Label(1, "R1", True), Label(2, "R2", False), Label(3, "R3", True), Label(4, "R4", True)]
    moved = {1: Moved("R1"), 2: Moved("R2", "R2"), 3: Moved("R9", "R3")}
    assert judge(labels, moved) == Counter({"right": 1, "wrong": 1, "elsewhere": 1, "not moved": 1})
    told = render(labels, moved)
    assert "Of 2 GitHub says the line. It is the one found: 1, 0.500" in told
    assert "holds 3 of the 4 labelled ones" in told
    assert "All labels: right 1, wrong 1, 0.500 [0.095, 0.905]; elsewhere now 1, not moved or not found 1" in told
    assert "Those without GitHub's word: right 1, wrong 0" in told


def test_the_labels_are_as_many_as_is_said() -> None:
    labels = load_labels()
    assert len({label.comment for label in labels}) == len(labels) == 60
    assert all(re.fullmatch(r"[RL][1-9]\d*", label.place) for label in labels)
    assert all(label.is_right for label in labels)
