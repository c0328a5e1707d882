"""One salt for all stages, and a sentence for what is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reviewer.errors import UsageError
from tests.command import ROOT
from training.collect_state import STATE_NAME, FolderState, check_salt, save_state
from training.commands.salt import read_salt
from training.opt_out import load_opt_out


def test_names_hashed_with_another_salt_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOSSATOR_NAME_SALT", "pepper")
    save_state(tmp_path / STATE_NAME, FolderState(check_salt(FolderState(), "pepper", tmp_path)))
    assert read_salt(tmp_path) == "pepper"
    monkeypatch.delenv("GLOSSATOR_NAME_SALT")
    with pytest.raises(UsageError, match="another GLOSSATOR_NAME_SALT"):
        read_salt(tmp_path)


@pytest.mark.parametrize("stage", ["filter", "dataset"])
def test_the_stages_that_hash_names_ask_for_it(stage: str, tmp_path: Path) -> None:
    save_state(tmp_path / STATE_NAME, FolderState(check_salt(FolderState(), "pepper", tmp_path)))
    done = subprocess.run(
        [sys.executable, "-m", "training", stage, "--snapshots", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={"PATH": ""},
    )  # fmt: skip
    assert done.returncode == 2
    assert "GLOSSATOR_NAME_SALT" in done.stderr


def test_a_library_that_is_not_installed_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None; sys.modules['rensa'] = None\n"
        "from training.cli import main; sys.argv = ['glossator-train', 'dataset']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'glossator[data]'" in done.stderr


def test_an_opt_out_list_that_would_find_nobody_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not load_opt_out(Path("opt-out.txt")).names
    with pytest.raises(UsageError, match="Cannot read"):
        load_opt_out(tmp_path / "optout.txt")
    (tmp_path / "opt-out.txt").write_text("alice # asked\n@Bob\nuser-0123456789\n", "utf-8")
    assert len(load_opt_out(Path("opt-out.txt")).names) == 3
    (tmp_path / "opt-out.txt").write_text("- alice\n", "utf-8")
    with pytest.raises(UsageError, match="no login"):
        load_opt_out(Path("opt-out.txt"))
