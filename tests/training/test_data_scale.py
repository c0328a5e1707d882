"""The copies of the data that the stages are measured on, and the measuring."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench.data_scale import spell, vary_diff, vary_snapshot
from bench.process_tree import run_tree
from tests.training.test_train_cli import make_snapshot
from training.align import align
from training.near_duplicates import jaccard, sketch

TEXT = "Please reconsider whether this allocation belongs inside the loop, since every iteration repeats the same work."


def test_a_copy_is_another_pull_request_that_aligns_the_same() -> None:
    one = make_snapshot(3)
    two = vary_snapshot(one, 2)
    assert vary_snapshot(one, 1) is one
    assert (two.repo, two.number) == ("owner-2/one", 3)
    assert two.comments[0].id != one.comments[0].id
    assert two.diff != one.diff
    first, second = align(one).comments[0], align(two).comments[0]
    assert (first.standing, first.outcome) == (second.standing, second.outcome)
    assert second.current
    assert second.current.line == 3


def test_headers_stay_and_lengths_too() -> None:
    head = "diff --git a/keep/this.c b/keep/this.c\n--- a/keep/this.c\n+++ b/keep/this.c\n@@ -1 +1,2 @@ heading\n"
    diff = head + "-some words\n+other words\n+++counter\n"
    varied = [vary_diff(diff, copy).split("\n") for copy in range(2, 12)]
    assert all(lines[:4] == diff.split("\n")[:4] for lines in varied)
    assert all([len(line) for line in lines] == [len(line) for line in diff.split("\n")] for lines in varied)
    assert len({"\n".join(lines) for lines in varied}) > 5


def test_copies_share_something_but_are_no_near_duplicates() -> None:
    texts = [" ".join(spell(word, copy) for word in TEXT.split()) for copy in range(1, 9)]
    shares = [jaccard(sketch(texts[0]).shingles, sketch(text).shingles) for text in texts[1:]]
    assert all(0.05 < share < 0.7 for share in shares)


def test_children_are_counted(tmp_path: Path) -> None:
    child = "x = bytearray(60_000_000); import time; time.sleep(0.4)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done'); sys.exit(3)"
    ran = run_tree([sys.executable, "-c", code], tmp_path, dict(os.environ), 20)
    assert (ran.code, ran.output) == (3, "done\n")
    assert ran.peak > 60
    assert ran.wall > 0.4


def test_what_takes_too_long_is_stopped(tmp_path: Path) -> None:
    ran = run_tree([sys.executable, "-c", "import time; time.sleep(30)"], tmp_path, dict(os.environ), 0.2)
    assert ran.code == -9
    assert ran.wall < 10
