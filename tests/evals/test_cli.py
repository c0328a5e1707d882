"""The command line as a whole: what it says when a library is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals.cli import evaluate
from reviewer.errors import UsageError
from tests.evals.small_sets import APP, hold_out, human, ours, predict, write_run, write_set


@pytest.mark.parametrize(("library", "extra"), [("bert_score", "similarity"), ("torch", "similarity")])
def test_a_library_that_is_missing_has_an_extra(
    library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = hold_out(1, APP, gold=[human("app.py", 5)])
    write_set(tmp_path / "set.jsonl", [held])
    run = write_run(tmp_path / "run", [predict(held, ours("app.py", 5))])
    monkeypatch.setattr("evals.bertscore.open_text_scorers", lambda *_, **__: __import__(library))
    monkeypatch.setitem(sys.modules, library, None)
    words = ["score", "--held-out", tmp_path / "set.jsonl", "--run", run, "--text-scorer", "bertscore"]
    result = CliRunner().invoke(evaluate, list(map(str, words)))
    assert isinstance(result.exception, UsageError)
    assert (library in result.exception.what, f"'glossator[{extra}]'" in result.exception.hint) == (True, True)


def test_other_libraries_are_of_the_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "evals.table", raising=False)
    monkeypatch.delitem(sys.modules, "evals.score", raising=False)
    result = CliRunner().invoke(evaluate, ["score", "--held-out", str(tmp_path / "x"), "--run", str(tmp_path)])
    assert isinstance(result.exception, UsageError)
    assert "'glossator[evals]'" in result.exception.hint
