"""Folders of runs: one stands for all that are in it."""

from pathlib import Path

import pytest

from evals.errors import EvalError
from evals.run_folders import list_runs, list_scorecards


def make_run(folder: Path, *, scored: bool = True) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}", "utf-8")
    if scored:
        (folder / "scorecard.json").write_text("{}", "utf-8")
    return folder


def test_a_folder_of_runs_stands_for_all_of_them_by_name(tmp_path: Path) -> None:
    mine = make_run(tmp_path / "mine")
    silent, locator = (make_run(tmp_path / "baselines" / name) for name in ("silent", "locator"))
    (tmp_path / "baselines" / "notes").mkdir()
    assert list_runs([mine, tmp_path / "baselines"]) == [mine, locator, silent]


def test_a_folder_without_runs_is_left_to_whoever_reads_it(tmp_path: Path) -> None:
    assert list_runs([tmp_path / "nowhere"]) == [tmp_path / "nowhere"]


def test_a_folder_stands_for_the_scorecards_in_it_and_a_file_for_itself(tmp_path: Path) -> None:
    silent = make_run(tmp_path / "baselines" / "silent")
    card = tmp_path / "peer.json"
    assert list_scorecards([card, silent]) == [card, silent / "scorecard.json"]
    assert list_scorecards([tmp_path / "baselines"]) == [silent / "scorecard.json"]


@pytest.mark.parametrize("name", ["baselines", "baselines/silent", "baselines/none"])
def test_a_run_that_was_not_scored_is_named(tmp_path: Path, name: str) -> None:
    make_run(tmp_path / "baselines" / "silent", scored=False)
    (tmp_path / "baselines" / "none").mkdir()
    with pytest.raises(EvalError, match=r"There is no .*scorecard\.json") as refused:
        list_scorecards([tmp_path / name])
    assert "glossator-eval score" in refused.value.hint
