"""The page on what is said names each figure, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evals import facts, similarity
from tests.command import ROOT

PAGE = (ROOT / "docs" / "similarity.md").read_text(encoding="utf-8")


def test_the_page_names_each_figure_and_no_other() -> None:
    on_page = set(re.findall(r"^\| `([\w.]+)`", PAGE, re.MULTILINE))
    on_page |= set(re.findall(r"`(text\.distinct|text\.copied)`", PAGE))
    general = {
        re.sub(r"\.(chrf|rouge_l)\.", ".bertscore.", metric.name).replace("text.prose.", "text.")
        for metric in (*similarity.METRICS, *facts.METRICS)
    }
    assert on_page - {"text.prose.bertscore.matched"} == general


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "similarity.md", "exec"), {})
    assert capsys.readouterr().out == "{}\n"
