"""The large pull request stays honest and quick, the lock small, and the benchmark's own pieces work."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.install import count_packages
from bench.large import FILES, LINES, STATES, check_coverage, review_large
from bench.made import make_change, read_hunks, save_range
from bench.measure import ROOT, BenchError, Command, Figure, run_once, take_turns
from bench.prefix import FIXTURE, shared_part
from bench.stand_ins import serve_model
from bench.table import Row, render_table
from reviewer import domain, settings_table


@pytest.mark.timeout(120)
@pytest.mark.parametrize("share", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_a_large_pull_request_is_accounted_for_whole_in_seconds(tmp_path: Path, share: int) -> None:
    files, lines = FILES // share, LINES // share
    made = save_range(make_change(files, lines), tmp_path)
    assert len(made.hunks) == files
    with made.patch.open(encoding="utf-8") as patch:
        assert sum(line[:1] in "+-" for line in patch) == lines + 2 * files
    with serve_model() as model:
        sample = review_large(made, ("--diff", str(made.patch)), model, tmp_path)
    assert sample.wall < 30
    review = json.loads((tmp_path / "review.json").read_text(encoding="utf-8"))
    assert review["status"] == "partial"
    assert {entry["state"] for entry in review["coverage"]} == STATES


def test_coverage_that_lacks_or_repeats_a_piece_is_noticed(tmp_path: Path) -> None:
    made = save_range(make_change(10, 300), tmp_path)
    states = sorted(STATES)
    entries = [
        {"path": path, "first_line": start, "last_line": end - 1, "state": states[number % len(states)]}
        for number, (path, ranges) in enumerate(made.hunks.items())
        for start, end in ranges
    ]
    review = tmp_path / "review.json"
    for coverage, complete in ((entries, True), (entries[1:], False), ([*entries, entries[-1]], False)):
        review.write_text(json.dumps({"coverage": coverage}), encoding="utf-8")
        if complete:
            check_coverage(review, made)
        else:
            with pytest.raises(BenchError, match="not complete"):
                check_coverage(review, made)


def test_the_lock_holds_at_most_25_packages() -> None:
    lock = (ROOT / "action" / "requirements.txt").read_text(encoding="utf-8")
    assert 5 <= len(re.findall(r"^[a-z0-9-]+==", lock, re.MULTILINE)) <= 25


def test_help_imports_nothing_that_it_does_not_need() -> None:
    unneeded = ("asyncio", "github", "httpx", "msgspec", "reviewer.domain", "reviewer.review", "ssl", "yaml")
    code = f"import sys, reviewer.cli; print([name for name in {unneeded} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_severities_of_the_settings_are_those_of_a_finding() -> None:
    assert settings_table.SEVERITIES == domain.SEVERITIES


def test_hunks_are_read_from_their_headers() -> None:
    patch = "--- a/a b.c\n+++ b/a b.c\n@@ -1,2 +3,4 @@ f()\n@@ -9 +12 @@\n"
    assert read_hunks(patch.splitlines(keepends=True)) == {"a b.c": [(3, 7), (12, 13)]}


def test_a_made_change_has_the_lines_it_was_asked_for(tmp_path: Path) -> None:
    patch = save_range(make_change(7, 205), tmp_path).patch.read_text(encoding="utf-8")
    changed = [line for line in patch.splitlines() if line[:1] in "+-" and line[:4] not in {"+++ ", "--- "}]
    assert len(changed) == 205


def test_processes_are_measured_in_turn_and_a_failing_one_is_told() -> None:
    quick, busy = Command((sys.executable, "-c", "pass")), Command((sys.executable, "-c", "sum(range(3_000_000))"))
    samples = take_turns({"quick": quick, "busy": busy}, rounds=2)
    assert [len(taken) for taken in samples.values()] == [2, 2]
    assert min(one.cpu for one in samples["busy"]) > min(one.cpu for one in samples["quick"]) > 0
    assert 1 < samples["quick"][0].peak < 1_000
    with pytest.raises(BenchError, match="ended with 3:\nno luck"):
        run_once(Command((sys.executable, "-c", "import sys; print('no luck'); sys.exit(3)")))


def test_a_table_judges_by_the_median() -> None:
    rows = [
        Row("quick", "s", Figure.of([0.1, 0.2, 9.0]), 0.2),
        Row("slow", "s", Figure.of([0.1, 0.3, 0.3]), 0.2),
        Row("share", "%", Figure.of([81.0]), 80, at_least=True),
        Row("shown", "MB", Figure.of([5.0])),
    ]
    assert [row.verdict for row in rows] == ["met", "MISSED", "met", ""]
    lines = render_table(rows).splitlines()
    assert [line.split("|")[2].strip() for line in lines[2:]] == [
        "0.20 s (0.10 to 9.00)", "0.30 s (0.10 to 0.30)", "81.0 %", "5.0 MB",
    ]  # fmt: skip
    assert len({len(line) for line in lines}) == 1


def test_the_shared_part_is_known_for_ten_pieces_only() -> None:
    diff = FIXTURE.read_text(encoding="utf-8")
    share = shared_part(diff)
    assert share is not None
    assert 0.7 < share < 0.9
    assert shared_part(diff[: diff.index("diff --git", 1)]) is None


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("piece", ["start-up", "install", "own-time", "locator", "large", "prefix"])
def test_each_piece_of_the_benchmark_runs(piece: str, tmp_path: Path) -> None:
    if piece == "install" and not shutil.which("uv"):
        pytest.skip("needs uv")
    output = tmp_path / "results.json"
    argv = (sys.executable, "-m", "bench", piece, "--rounds", "1", "--output", str(output))
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    rows = json.loads(output.read_text(encoding="utf-8"))["rows"]
    assert all(row["what"] in done.stdout for row in rows)
    generous = {"s": 10, "MB": 2, "": 1}
    for row in rows:
        if row["target"] is not None and row["unit"] in generous:
            assert row["ours"]["median"] <= generous[row["unit"]] * row["target"], row


def test_installed_packages_are_counted(tmp_path: Path) -> None:
    for name in ("a-1.0.dist-info", "b-2.dist-info", "b"):
        (tmp_path / "lib" / "python3.11" / "site-packages" / name).mkdir(parents=True)
    assert count_packages(tmp_path) == 2
