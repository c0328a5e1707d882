"""What people read of a regression: true, short, and nothing in it can do anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cmarkgfm
import pytest

from evals.cli import main
from evals.decided import GATE_SCHEMA, load_decided
from evals.errors import EvalError
from evals.gate import GATE_SCHEMA as OF_THE_GATE
from evals.regression import LABEL
from evals.regression_memory import Memory, Night, remember
from evals.regression_text import IssueTexts, load_comparison, render_watch
from simulation.github_server import GitHubServer
from tests.command import ROOT

FELL = "F1, same hunk: fell from 31.0 % to 22.0 % (difference -9.0 points, 95 % interval -14.0 to -4.0)"
ENOUGH = {"part": "sample", "metric": "", "result": "passed", "words": "The test set has 535 pull requests."}
LOSS = {"part": "guard", "metric": "location.hunk.f1", "result": "failed", "words": f"{FELL}; the rule allows -5.0."}
KEPT = {"part": "guard", "metric": "running.parse_rate", "result": "passed", "words": "Answers: stayed at 93.1 %."}
SLICE = {"part": "slice", "metric": "location.hunk.f1", "result": "failed", "words": f"language Python: {FELL}."}
NO_BETTER = {"part": "improvement", "metric": "x", "result": "failed", "words": "F1: no improvement."}
TEXTS = IssueTexts("https://github.com/octo/demo")


def write(path: Path, *checks: dict[str, Any], **fields: Any) -> Path:
    """A decision of the gate."""
    plain = {
        "schema": GATE_SCHEMA, "verdict": "hold", "challenger": "reviewer-8", "champion": "reviewer-7",
        "dataset": "gui", "revision": "0123456789abcdef", "pull_requests": 535, "reasons": [], "more": 1,
    }  # fmt: skip
    path.write_text(json.dumps({**plain, "checks": [ENOUGH, *checks], **fields}), encoding="utf-8")
    return path


def render(tmp_path: Path, kind: str, *checks: dict[str, Any], **fields: Any) -> tuple[str, str]:
    """Title and body of an issue about one comparison."""
    comparison = load_comparison(write(tmp_path / "gate.json", *checks, **fields), kind)
    assert comparison
    night = Night("nightly", (comparison,), (kind,), "18")
    return TEXTS.render_issue(night, remember(Memory("nightly", (kind,), 2, "17", "16"), night))


def test_the_schema_is_that_of_the_gate() -> None:
    assert GATE_SCHEMA == OF_THE_GATE


def test_the_champion_has_become_worse(tmp_path: Path) -> None:
    title, body = render(tmp_path, "champion", LOSS, KEPT, SLICE, NO_BETTER)

    assert title == "Reviews have become worse: F1, same hunk fell from 31.0 % to 22.0 % and 1 more"
    assert body.startswith(
        "**The champion** `reviewer-8` **is significantly worse than** its last good evaluation, on 535 pull requests "
        "of `gui`, revision `0123456789abcdef`:\n\n- 🔻 F1, same hunk: fell from 31.0 % to 22.0 % (difference -9.0 "
    )
    assert "- 🔻 language Python: F1" in body
    assert "- ✅ Answers: stayed at 93.1 %.\n" in body
    assert "no improvement" not in body, "the champion need not be better than itself"
    assert "[The run](https://github.com/octo/demo/actions/runs/18)" in body
    assert "seen by 3 runs, first by [this one](https://github.com/octo/demo/actions/runs/16)" in body


def test_the_challenger_is_worse(tmp_path: Path) -> None:
    title, body = render(tmp_path, "challenger", LOSS, NO_BETTER)

    assert title == "The challenger is worse: F1, same hunk fell from 31.0 % to 22.0 %"
    assert "worse than** the champion `reviewer-7`, on 535" in body
    assert "- ❌ F1: no improvement." in body


def test_no_better_is_no_regression(tmp_path: Path) -> None:
    comparison = load_comparison(write(tmp_path / "gate.json", KEPT, NO_BETTER), "challenger")

    assert comparison
    assert not comparison.is_worse


@pytest.mark.parametrize("fields", [{"checks": [{**ENOUGH, "result": "unclear"}, LOSS]}, {"champion": None}])
def test_without_enough_to_compare_nothing_is_said(fields: dict[str, Any], tmp_path: Path) -> None:
    assert load_comparison(write(tmp_path / "gate.json", LOSS, **fields), "champion") is None


def test_what_is_worse_is_worse_without_training_pairs(tmp_path: Path) -> None:
    few = {"part": "pairs", "metric": "", "result": "unclear", "words": "Texts were scored with 10."}
    comparison = load_comparison(write(tmp_path / "gate.json", few, LOSS, verdict="inconclusive"), "champion")

    assert comparison
    assert comparison.is_worse


def test_texts_that_would_do_something(tmp_path: Path) -> None:
    evil = "F1 @octo/team <img src=x> [a](https://evil.example) <!-- x --> /approve ::error::x http://10.0.0.1:8080/v1"
    words = f"{evil}: fell from 1 % to 0 % (difference -1.0 points)"
    title, body = render(
        tmp_path, "champion", {**LOSS, "words": words}, challenger="`@octo`", dataset="x`<b>", revision="http://h/1"
    )

    for text in (title, body):
        assert "10.0.0.1" not in text
        assert "evil.example" not in text
    html = cmarkgfm.github_flavored_markdown_to_html(body)
    assert "<img" not in html
    assert "<b>" not in html
    assert html.count("<a href") == html.count('<a href="https://github.com/octo/demo/actions/runs/')
    assert "<!--" not in body


def test_long_texts_are_cut(tmp_path: Path) -> None:
    many = [{**SLICE, "words": "x" * 5000}] * 500

    title, body = render(tmp_path, "champion", *many)

    assert len(title) <= 256
    assert len(body) < 60_000


@pytest.mark.parametrize(("last_good", "words"), [
    ("a", "Nothing is significantly worse any more in [this run](https://github.com/octo/demo/actions/runs/19)."),
    ("b", "Another evaluation has taken the place of the last good one."),
])  # fmt: skip
def test_the_end(last_good: str, words: str) -> None:
    before = Memory("nightly", ("champion",), 3, "18", "16", "a")

    assert TEXTS.render_end(Night("nightly", (), ("champion",), "19", last_good), before).startswith(words)


def test_what_could_not_be_compared_tonight_is_said() -> None:
    memory = Memory("nightly", ("champion",), 3, "18", "16")

    title, body = TEXTS.render_issue(Night("nightly", (), ("champion",), "local"), memory)

    assert title == "Reviews have become worse"
    assert "could not be compared with its last good evaluation this time" in body
    assert "The run has the whole report." in body, "no link to a run that is none"


@pytest.mark.parametrize(("checks", "title"), [
    ((KEPT,), "not worse than when it was last good"),
    ((LOSS,), "worse than when it was last good"),
    (({**ENOUGH, "result": "unclear"},), "not compared: the set is too small"),
])  # fmt: skip
def test_the_summary_of_the_watch(checks: tuple[dict[str, Any], ...], title: str, tmp_path: Path) -> None:
    text = render_watch(load_decided(write(tmp_path / "gate.json", *checks)), "The last good run stays: so.")

    assert text.startswith(f"### The champion `reviewer-8` is {title}\n\n- ✅ The test set")
    assert text.endswith("\n\nThe last good run stays: so.\n")


def test_a_file_that_is_no_decision(tmp_path: Path) -> None:
    file = tmp_path / "gate.json"
    file.write_text('{"schema": "glossator/gate/2"}', encoding="utf-8")

    with pytest.raises(EvalError):
        load_comparison(file, "champion")


def run_alarm(monkeypatch: pytest.MonkeyPatch, *words: str | Path, **variables: str) -> int:
    """The command's exit code, in an environment with these variables."""
    for name in ("GLOSSATOR_GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_API_URL", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["glossator-eval", "alarm", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command(
    github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    github_server.create_repo("octo/demo")
    summary = tmp_path / "summary.md"
    job = {
        "GLOSSATOR_GITHUB_TOKEN": "actions-token", "GITHUB_REPOSITORY": "octo/demo", "GITHUB_RUN_ID": "18",
        "GITHUB_API_URL": github_server.url, "GITHUB_STEP_SUMMARY": str(summary),
    }  # fmt: skip

    code = run_alarm(monkeypatch, "--champion", write(tmp_path / "gate.json", LOSS), "--last-good", "a1", **job)

    (issue,) = github_server.call("octo", "GET", f"/repos/octo/demo/issues?labels={LABEL}")
    assert code == 0
    assert issue["title"].startswith("Reviews have become worse: F1")
    assert capsys.readouterr().err == f"Opened #1 ({issue['html_url']}).\n"
    assert summary.read_text("utf-8") == f"Opened #1 ({issue['html_url']}).\n"

    code = run_alarm(monkeypatch, "--champion", write(tmp_path / "gate.json", KEPT), "--last-good", "a1", **job)

    (issue,) = github_server.call("octo", "GET", "/repos/octo/demo/issues?state=all")
    assert (code, issue["state"]) == (0, "closed")


@pytest.mark.parametrize(("variables", "words"), [
    ({"GITHUB_REPOSITORY": "octo/demo"}, "There is no token."),
    ({"GLOSSATOR_GITHUB_TOKEN": "t"}, "There is no repository for the issue."),
    ({"GLOSSATOR_GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "octo/demo/../x"}, "There is no repository for the issue."),
])  # fmt: skip
def test_what_the_command_needs(
    variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_alarm(monkeypatch, **variables) == 2
    assert words in capsys.readouterr().err


def test_the_job_that_raises_the_alarm_needs_no_library_of_the_evaluation() -> None:
    """It installs the locked requirements of the reviewer alone."""
    code = (
        "import sys\n"
        "sys.modules['numpy'] = None\n"
        "import evals.commands.alarm, evals.regression, evals.regression_text, evals.report_files"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=50)
