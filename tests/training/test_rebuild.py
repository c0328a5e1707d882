"""The benchmark of rebuilt pull requests."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from click.testing import CliRunner

from bench.rebuild import main
from tests.training.small_project import render_diff, write_code

GOOD = render_diff(write_code("good"))
HUNKS_THAT_OVERLAP = GOOD + "@@ -1,2 +1,3 @@\n before\n+again\n after\n"


def test_each_pull_request_is_counted_with_what_became_of_it(tmp_path: Path) -> None:
    diffs = {1: GOOD, 2: HUNKS_THAT_OVERLAP, 3: GOOD.replace("src/main.py", ".git/config")}
    rows = [{"repo": "a/b", "number": number, "diff": diff} for number, diff in diffs.items()]
    rows.append({"repo": "a/b", "number": 4, "path": "f", "hunk": "@@ -1 +1 @@", "comment_id": 5})
    with gzip.open(tmp_path / "prs-small.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    result = CliRunner().invoke(main, [str(tmp_path), "--names"], catch_exceptions=False)
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "prs-small.jsonl.gz 4 1 25.0%" in lines
    assert "all 4 1 25.0%" in lines
    assert {"1 the hunks do not fit together", "1 a path that no repository has", "1 it has no diff"} < set(lines)
    assert "a/b#2: the hunks do not fit together" in lines


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path)])
    assert result.exit_code == 2
    assert "There is no prs-*.jsonl.gz" in result.output
