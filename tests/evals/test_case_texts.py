"""The clean versions of planted faults: where these are not clean, a complaint is no false alarm."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from evals.case_changes import build_versions
from evals.case_files import load_cases
from evals.case_format import DirectionalCase


def read_clean(name: str) -> str:
    """The lines of a case's clean version, without those it removes."""
    (case,) = load_cases([name]).cases
    assert isinstance(case, DirectionalCase)
    clean, _ = build_versions(case)
    hunks = [hunk for file in clean.pull_request.files for hunk in file.hunks]
    return "\n".join(line.text for hunk in hunks for line in hunk.lines if line.kind != "-")


def test_clean_settings_load_without_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAREHOUSE_DB_PASSWORD", raising=False)
    path = tmp_path / "settings.py"
    path.write_text(read_clean("secret-in-code-python"), encoding="utf-8")
    settings = runpy.run_path(str(path))
    assert settings["choose_database"]("local").user == "dev"
    monkeypatch.setenv("WAREHOUSE_DB_PASSWORD", "given")
    assert settings["choose_database"]("production").password == "given"


def test_clean_comparisons_are_no_other_fault() -> None:
    assert not re.search(r"\(\) ==|== \w+\.get", read_clean("wrong-comparison-java"))
    assert "memcmp" not in read_clean("wrong-comparison-c")
