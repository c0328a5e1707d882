"""A leak of each kind, planted in records and in a finished dataset: it is found and named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from reviewer.domain import Split
from tests.training.small_project import SmallProject, write_code, write_remark
from training.commands.split import command
from training.dataset import write_dataset
from training.dataset_params import DatasetParams
from training.errors import LeakError
from training.leaks import Stand, check_dataset, check_splits, check_stands, find_leaks
from training.records import encode, save_records
from training.split_facts import Unit
from training.split_run import save_summary
from training.splits import SPLITS_SCHEMA, Assigned, SplitSummary
from training.stage import Told

BY_REPOSITORY = SplitSummary("repository")
BY_TIME = SplitSummary("time", "2024-01-01", "2024-07-01")
TEXT = write_remark("shared")


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return SmallProject(tmp_path)


def plant(project: SmallProject, splits: dict[str, Split], summary: SplitSummary = BY_REPOSITORY) -> None:
    """Say which pull request goes where, whatever that leaks."""
    project.save()
    keys = sorted(project.snapshots)
    records = (Assigned(repo, number, splits[f"{repo}#{number}"]) for repo, number in keys)
    save_records(project.folder / "splits", SPLITS_SCHEMA, (encode(record) for record in records))
    save_summary(summary, project.folder / "splits")


def check(project: SmallProject, summary: SplitSummary = BY_REPOSITORY) -> str:
    aligned, filtered, splits = (project.folder / name for name in ("aligned", "filtered", "splits"))
    with pytest.raises(LeakError) as caught:
        check_splits(project.store, (aligned, filtered, splits), summary, Told(), jobs=1)
    dataset = project.folder / "dataset"
    write_dataset(project.store, (aligned, filtered, splits), dataset, DatasetParams(), jobs=1)
    with pytest.raises(LeakError) as again:
        check_dataset(dataset, summary)
    assert again.value.what == caught.value.what
    return caught.value.what


def test_a_repository_on_two_sides(project: SmallProject) -> None:
    project.add("octo/demo", 1)
    project.add("octo/demo", 2)
    plant(project, {"octo/demo#1": "train", "octo/demo#2": "test"})
    assert "octo/demo#1 (train) and octo/demo#2 (test) share the repository octo/demo." in check(project)


def test_a_repository_in_two_spellings() -> None:
    told = list(find_leaks([Stand("train", "Octo/Demo", 1), Stand("test", "octo/demo", 2)], BY_REPOSITORY))
    assert told == ["Octo/Demo#1 (train) and octo/demo#2 (test) share the repository octo/demo."]


def test_a_pull_request_under_two_names(project: SmallProject) -> None:
    project.add("a/old", 1, head_sha="c" * 40)
    project.add("b/new", 1, head_sha="c" * 40)
    plant(project, {"a/old#1": "validation", "b/new#1": "test"})
    assert f"a/old#1 (validation) and b/new#1 (test) share the commit {'c' * 40}." in check(project)


def test_a_comment_under_two_names(project: SmallProject) -> None:
    project.add("a/old", 1, comment_id=77)
    project.add("b/new", 1, comment_id=77)
    plant(project, {"a/old#1": "train", "b/new#1": "test"})
    assert "a/old#1 (train) and b/new#1 (test) share the comment 77." in check(project)


def test_comments_that_are_nearly_the_same(project: SmallProject) -> None:
    project.add("a/train", 1, comment_id=11, remark=TEXT)
    project.add("b/test", 1, comment_id=22, remark=TEXT.replace("Should", "should") + "?")
    plant(project, {"a/train#1": "train", "b/test#1": "test"})
    told = check(project)
    assert re.search(r"a/train#1 comment 11 \(train\) and b/test#1 comment 22 \(test\) are nearly the same", told)
    assert re.search(r"similarity 0\.9\d", told)
    assert told.startswith("1 leak between the splits:")


def test_hunks_that_are_nearly_the_same(project: SmallProject) -> None:
    code = write_code("shared", 20)
    project.add("a/validation", 1, code=code)
    project.add("b/test", 1, code=[*code[:-1], "last = 1"])
    plant(project, {"a/validation#1": "validation", "b/test#1": "test"})
    assert re.search(r"a/validation#1 hunk \w{16} \(validation\) and b/test#1 hunk \w{16} \(test\)", check(project))


def test_what_is_from_after_the_cut(project: SmallProject) -> None:
    project.add("octo/demo", 1, "2023-12-31T00:00:00Z", said_at="2024-01-01T10:00:00Z")
    plant(project, {"octo/demo#1": "train"}, BY_TIME)
    told = check(project, BY_TIME)
    assert "octo/demo#1 is in train, and 2024-01-01T10:00:00Z is after its cut 2024-01-01." in told


def test_what_is_from_before_the_cut(project: SmallProject) -> None:
    project.add("octo/demo", 1, "2024-06-30T23:00:00Z")
    plant(project, {"octo/demo#1": "test"}, BY_TIME)
    assert "octo/demo#1 is in test, and 2024-06-30T23:00:00Z is before its cut 2024-07-01." in check(project, BY_TIME)


def test_one_pull_request_in_two_files_of_a_dataset() -> None:
    stands = [Stand("train", "octo/demo", 1), Stand("test", "octo/demo", 1)]
    told = list(find_leaks(stands, BY_TIME))
    assert told == ["octo/demo#1 (train) and octo/demo#1 (test) share the pull request octo/demo#1."]


def test_what_shares_nothing_is_no_leak() -> None:
    train, test = Unit("comment", "1", TEXT), Unit("hunk", "2", TEXT)
    twice = Stand(
        "train", "a/b", 1, "2023-01-01T00:00:00Z", "2023-01-02T00:00:00Z", ("commit x", "comment 1"), (train,)
    )
    stands = [twice, replace(twice, number=2, marks=()), Stand("test", "a/b", 3, units=(test,))]
    assert list(find_leaks(stands, BY_TIME)) == []


def test_many_leaks_are_counted_and_some_named() -> None:
    unit = Unit("comment", "1", TEXT)
    stands = [Stand("train", "a/b", number, units=(unit,)) for number in range(30)]
    with pytest.raises(LeakError) as caught:
        check_stands([*stands, Stand("test", "c/d", 1, units=(unit,))], BY_REPOSITORY)
    lines = caught.value.what.split("\n")
    assert (lines[0], len(lines), lines[-1]) == ("30 leaks between the splits:", 22, "... and 10 more.")


def test_splits_that_leak_do_not_take_the_place_of_others(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add("a/train", 1, remark=TEXT)
    project.add("b/test", 1)
    project.save()
    folders = [f"--{name}={project.folder / name}" for name in ("snapshots", "aligned", "filtered", "splits")]
    params = project.folder / "params.yaml"
    params.write_text("split: {train_repositories: [a/train], test_repositories: [b/test, x/gone]}")
    options = [*folders, "--jobs=1", f"--params={params}"]
    first = CliRunner().invoke(command, options, catch_exceptions=False)
    assert "names x/gone, which is not in the data" in first.output
    before = {path.name: path.read_bytes() for path in (project.folder / "splits").iterdir()}
    assert sorted(before) == ["part-1-of-1.jsonl", "summary.json"]
    project.add("b/test", 2, remark=TEXT)
    project.save()
    with monkeypatch.context() as patched:
        patched.setattr("training.split_run.leave_out_near_duplicates", lambda *_: None)
        failed = CliRunner().invoke(command, options)
    assert isinstance(failed.exception, LeakError)
    assert {path.name: path.read_bytes() for path in (project.folder / "splits").iterdir()} == before
    assert CliRunner().invoke(command, options, catch_exceptions=False).exit_code == 0


def test_the_command_splits_checks_and_names_what_somebody_planted(project: SmallProject) -> None:
    for name in range(8):
        project.add(f"octo/demo-{name}", 1)
    project.save()
    options = [f"--{name}={project.folder / name}" for name in ("snapshots", "aligned", "filtered", "splits")]
    params = project.folder / "params.yaml"
    params.write_text("split: {test_repositories: [octo/demo-1]}")
    result = CliRunner().invoke(command, [*options, "--jobs=1", f"--params={params}"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "No leak" in result.output
    assert CliRunner().invoke(command, [*options, "--jobs=1", "--check"]).exit_code == 0
    project.add("octo/demo-2", 2)
    splits: dict[str, Split] = {f"octo/demo-{name}#1": "train" for name in range(8)}
    plant(project, splits | {"octo/demo-2#2": "test"})
    failed = CliRunner().invoke(command, [*options, "--jobs=1", "--check"])
    assert isinstance(failed.exception, LeakError)
    assert failed.exception.exit_code == 7
    assert "octo/demo-2#1 (train) and octo/demo-2#2 (test) share the repository octo/demo-2." in str(failed.exception)
