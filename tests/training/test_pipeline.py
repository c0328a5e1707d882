"""All stages, one after the other, by their commands, on a small sample."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reviewer.domain import ReviewExample, Split
from tests.training.small_published import REMARKS, comment_id, write_published
from training.cli import train
from training.parquet import load_examples, load_pull_requests

BY_REPOSITORY = """
filter: {min_quality: 0.3}
split:
  train_repositories: [octo/alpha, octo/delta, octo/epsilon]
  validation_repositories: [octo/beta]
  test_repositories: [octo/gamma]
"""
BY_TIME = """
filter: {min_quality: 0.3}
split: {method: time, validation_from: 2023-06-01, test_from: 2023-07-01}
"""
STAGES = ("align", "filter", "split", "dataset")


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, params: str = BY_REPOSITORY) -> dict[str, str]:
    """Run the pipeline in a folder. Returns what each stage printed."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_published(folder / "reviews.jsonl")
    (folder / "params.yaml").write_text(params)
    said = {"collect": stage("collect", "--from", "reviews.jsonl")}
    return said | {name: stage(name, "--jobs", "1") for name in STAGES}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of one run, for every test that only reads or makes its own copy, and what each stage printed."""
    folder = tmp_path_factory.mktemp("pipeline") / "run"
    with pytest.MonkeyPatch.context() as patched:
        said = run(folder, patched)
    return folder, said


def stage(*words: str) -> str:
    result = CliRunner().invoke(train, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def load(folder: Path, split: Split) -> dict[str, list[ReviewExample]]:
    """The examples of a split, by pull request."""
    found: dict[str, list[ReviewExample]] = {}
    for example in load_examples(folder / "data" / "dataset", split):
        found.setdefault(f"{example.repo}#{example.number}", []).append(example)
    return found


def read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_reviews_become_a_dataset(ran: tuple[Path, dict[str, str]]) -> None:
    folder, said = ran
    assert "No leak" in said["split"]
    alpha, beta, gamma = load(folder, "train"), load(folder, "validation"), load(folder, "test")
    assert {name: len(rows) for name, rows in (alpha | beta | gamma).items()} == {
        "octo/alpha#1": 2,
        "octo/alpha#2": 2,
        "octo/alpha#3": 2,
        "octo/alpha#4": 2,
        "octo/alpha#5": 1,  # its first hunk stands, nearly the same, in octo/gamma#1
        "octo/delta#1": 2,
        "octo/epsilon#1": 1,
        "octo/beta#1": 2,
        "octo/gamma#1": 2,
    }
    assert (list(beta), list(gamma)) == (["octo/beta#1"], ["octo/gamma#1"])
    assert [example.hunk.path for example in alpha["octo/alpha#5"]] == ["src/second.py"]


def test_a_comment_stands_on_its_line(ran: tuple[Path, dict[str, str]]) -> None:
    folder, _ = ran
    first, second = load(folder, "train")["octo/alpha#1"]
    (comment,) = first.comments
    (line,) = [line for line in first.hunk.lines if line.id == f"{comment.side[0]}{comment.line}"]
    assert (comment.id, comment.line, comment.side) == (comment_id("octo/alpha", 1), 12, "RIGHT")
    assert comment.body.endswith(REMARKS[0].split("}`")[1])
    snapshot = json.loads((folder / "data/snapshots/octo/alpha/000001.json").read_text())
    assert snapshot["comments"][0]["diff_hunk"].split("\n")[-1] == f"+{line.text}"
    assert (second.comments, second.commented) == ((), ())
    chats = {
        path.name: sum(comment.body[:30] in row for row in path.read_text().splitlines())
        for path in (folder / "data/dataset/chats").glob("train*.jsonl")
    }
    assert chats == {"train.jsonl": 0, "train-outdated.jsonl": 1}, "something was pushed after the comment"


def test_only_where_all_comments_are_known_their_absence_says_something(ran: tuple[Path, dict[str, str]]) -> None:
    folder, _ = ran
    rows = load(folder, "train") | load(folder, "test")
    assert {name for name, examples in rows.items() if any(example.labelled for example in examples)} == {
        "octo/alpha#1", "octo/alpha#2", "octo/alpha#3", "octo/alpha#4", "octo/alpha#5", "octo/gamma#1",
    }  # fmt: skip
    (pair,) = rows["octo/epsilon#1"]
    assert (pair.origin, len(pair.comments)) == ("diff-hunk", 1)
    complete = {row["repo"]: row["comments_complete"] for row in load_pull_requests(folder / "data" / "dataset")}
    assert [name for name, known in complete.items() if not known] == ["octo/delta", "octo/epsilon"]


def test_what_teaches_nothing_is_left_out_and_leaves_no_silence_behind(ran: tuple[Path, dict[str, str]]) -> None:
    folder, _ = ran
    first, _ = load(folder, "train")["octo/alpha#2"]
    assert (first.comments, first.commented) == ((), ("R12",))
    assert not any(
        b"Done, thanks!" in data for name, data in read_all(folder / "data/dataset").items() if "chats" in name
    )


@pytest.mark.slow
def test_by_time_train_holds_nothing_from_after_the_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    run(folder, monkeypatch, BY_TIME)
    splits = {name: list(load(folder, name)) for name in ("train", "validation", "test")}
    assert splits == {
        "train": ["octo/alpha#1", "octo/alpha#2", "octo/alpha#3", "octo/alpha#5"],
        "validation": ["octo/beta#1"],
        "test": ["octo/alpha#4", "octo/delta#1", "octo/epsilon#1", "octo/gamma#1"],
    }


@pytest.mark.slow
def test_the_same_reviews_give_the_same_bytes(
    ran: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "again", monkeypatch)
    assert read_all(ran[0] / "data") == read_all(tmp_path / "again" / "data")


def test_a_snapshot_that_was_cut_short_is_named_and_the_rest_goes_on(
    ran: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(ran[0], tmp_path / "run"))
    monkeypatch.chdir(folder)
    broken = folder / "data/snapshots/octo/alpha/000003.json"
    broken.write_bytes(broken.read_bytes()[:200])
    said = stage("align", "--jobs", "1")
    assert "octo/alpha/000003.json is not JSON" in said
    for name in STAGES[1:]:
        stage(name, "--jobs", "1")
    assert "octo/alpha#3" not in load(folder, "train")
    assert len(load(folder, "train")) == 6
