"""A leak of each kind, planted in records and in a finished dataset: it is found and named."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from reviewer.domain import Split
from tests.training.small_project import SmallProject, write_code, write_remark
from tests.training.test_bad_data import limited_files, somebody_else
from tests.training.test_near_duplicates import edit, make_text
from training.commands.split import command
from training.dataset import write_dataset
from training.dataset_params import DatasetParams
from training.errors import DataError, LeakError
from training.leaks import check_dataset, check_splits, check_stands, find_leaks
from training.parquet import PULL_REQUEST, PULL_REQUESTS, TableWriter, load_examples, load_pull_requests
from training.records import encode, read_records, save_records
from training.split_facts import Stand, Unit
from training.split_run import save_summary
from training.splits import SPLITS_SCHEMA, Assigned, SplitSummary
from training.stage import Told

BY_REPOSITORY = SplitSummary("repository")
BY_TIME = SplitSummary("time", "2024-01-01", "2024-07-01")
TEXT = write_remark("shared")


@pytest.fixture(autouse=True)
def _without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time, and have tests of their own."""
    monkeypatch.setattr("training.card.save_plots", lambda *_: [])


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
        check_dataset(dataset, splits, summary)
    named, in_dataset = (set(error.value.what.split("\n")[1:]) for error in (caught, again))
    assert named <= in_dataset
    assert all(" of chat " in leak for leak in in_dataset - named)
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


def add_hardly_similar(project: SmallProject) -> None:
    """Two comments of similarity 0.704, of which 25 bands of 5 MinHash values have none in common."""
    project.add("a/train", 1, remark=make_text(418, 12))
    project.add("b/test", 1, remark=edit(make_text(418, 12), 418, 3))
    project.save()


def test_the_stage_leaves_out_what_is_hardly_similar_enough(project: SmallProject) -> None:
    add_hardly_similar(project)
    folders = [f"--{name}={project.folder / name}" for name in ("snapshots", "aligned", "filtered", "splits")]
    params = project.folder / "params.yaml"
    params.write_text("split: {train_repositories: [a/train], test_repositories: [b/test]}")
    CliRunner().invoke(command, [*folders, "--jobs=1", f"--params={params}"], catch_exceptions=False)
    first = next(read_records(project.folder / "splits", SPLITS_SCHEMA, Assigned)).read()
    assert (first.repo, first.left_out_comments) == ("a/train", (1000,))


def test_the_check_finds_what_is_hardly_similar_enough(project: SmallProject) -> None:
    add_hardly_similar(project)
    plant(project, {"a/train#1": "train", "b/test#1": "test"})
    assert "(test) are nearly the same: similarity 0.70." in check(project)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two splits that share nothing, with all before it."""
    project = SmallProject(tmp_path_factory.mktemp("whole"))
    project.add("a/train", 1, "2023-05-01T00:00:00Z")
    project.add("b/test", 1, comment_id=22, remark=TEXT, code=write_code("shared", 20))
    plant(project, {"a/train#1": "train", "b/test#1": "test"})
    folders = (project.folder / "aligned", project.folder / "filtered", project.folder / "splits")
    write_dataset(project.store, folders, project.folder / "dataset", DatasetParams(), jobs=1)
    check_dataset(project.folder / "dataset", project.folder / "splits", BY_REPOSITORY)
    return project.folder


@pytest.fixture
def dataset(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to plant something in."""
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy" / "dataset"


def add_chat(
    dataset: Path, example: str = "a/train#1:abc", code: str = "", remark: str = "", name: str = "train"
) -> None:
    shown = f"File: src/main.py\nR1      before\n{code}"
    said = [{"message": remark, "suggestion": "other = 1"}] if remark else []
    row = {
        "id": example,
        "prompt": [{"role": "system", "content": "shared"}, {"role": "user", "content": shown}],
        "completion": [{"role": "assistant", "content": json.dumps({"comments": said})}],
    }
    with (dataset / "chats" / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def check_planted(dataset: Path, summary: SplitSummary = BY_REPOSITORY) -> list[str]:
    with pytest.raises(LeakError) as caught:
        check_dataset(dataset, dataset.parent / "splits", summary)
    return caught.value.what.split("\n")[1:]


def test_a_chat_of_a_test_repository_in_train(dataset: Path) -> None:
    add_chat(dataset, "B/test#9:abc")
    assert check_planted(dataset) == ["B/test#9 (train) and b/test#1 (test) share the repository b/test."]


def test_a_chat_in_another_split_than_its_pull_request(dataset: Path) -> None:
    add_chat(dataset, "b/test#1:abc", name="validation-outdated")
    shared = "b/test#1 (validation) and b/test#1 (test) share the"
    assert check_planted(dataset) == [f"{shared} pull request b/test#1.", f"{shared} repository b/test."]
    assert check_planted(dataset, BY_TIME)[-1] == f"{shared} pull request b/test#1."


def test_a_chat_whose_remark_is_that_of_a_test_comment(dataset: Path) -> None:
    add_chat(dataset, "a/train#1:abc:7", remark=TEXT.upper() + "!", name="train-outdated")
    found = re.escape("a/train#1 comment of chat abc:7 (train) and b/test#1 comment 22 (test) are nearly the same")
    assert re.match(found, check_planted(dataset)[0])


def test_a_chat_about_the_lines_of_a_test_piece(dataset: Path) -> None:
    code = "\n".join(f"R{at:<5}+ {line}" for at, line in enumerate(write_code("shared", 20), 999_990))
    add_chat(dataset, code=code)
    leaks = check_planted(dataset)
    assert len(leaks) == 1
    assert leaks[0].startswith("a/train#1 hunk of chat abc (train) and b/test#1 hunk ")
    assert leaks[0].endswith("similarity 1.00.")


def test_what_a_prompt_shows_beside_its_piece_is_no_leak(dataset: Path) -> None:
    context = "\n".join(f"R{at:<5}  {line}" for at, line in enumerate(write_code("shared", 20)))
    add_chat(dataset, code=f"{context}\nR99   + {write_code('another')[0]}")
    check_dataset(dataset, dataset.parent / "splits", BY_REPOSITORY)


def test_a_chat_of_which_nobody_knows_the_time(dataset: Path) -> None:
    add_chat(dataset, "c/unknown#1:abc")
    check_dataset(dataset, dataset.parent / "splits", BY_REPOSITORY)
    told = "c/unknown#1 is in train, and the table of pull requests does not say when it was."
    assert told in check_planted(dataset, replace(BY_TIME, validation_from="2024-01-01"))


def test_an_example_of_which_nobody_knows_the_time(dataset: Path) -> None:
    """Its own row is no witness, and neither are its chats."""
    rows = [row for row in load_pull_requests(dataset) if row["repo"] != "a/train"]
    with TableWriter(dataset / PULL_REQUESTS, PULL_REQUEST) as table:
        for row in rows:
            table.write(row)
    check_dataset(dataset, dataset.parent / "splits", BY_REPOSITORY)
    told = "a/train#1 is in train, and the table of pull requests does not say when it was."
    assert told in check_planted(dataset, replace(BY_TIME, validation_from="2024-01-01"))


@pytest.mark.parametrize(
    "line", ['{"id": "a/b#1:x"', '{"id": "x", "prompt": [], "completion": []}', "[]", "\xff", "9" * 5000]
)
def test_a_line_that_is_no_chat_is_named(dataset: Path, line: str) -> None:
    path = dataset / "chats" / "train.jsonl"
    before = len(path.read_bytes().splitlines())
    with path.open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    with pytest.raises(DataError) as caught:
        check_dataset(dataset, dataset.parent / "splits", BY_REPOSITORY)
    assert caught.value.what.startswith(f"{path}, line {before + 1}, is no chat: ")


def test_a_dataset_without_its_chats_is_refused(dataset: Path) -> None:
    path = dataset / "chats" / "validation.jsonl"
    path.unlink()
    with pytest.raises(DataError, match="Cannot read") as caught:
        check_dataset(dataset, dataset.parent / "splits", BY_REPOSITORY)
    assert str(path) in caught.value.what


def test_the_command_finds_what_somebody_planted_in_the_chats(dataset: Path) -> None:
    options = ["--check", f"--dataset={dataset}", f"--splits={dataset.parent / 'splits'}"]
    passed = CliRunner().invoke(command, options, catch_exceptions=False)
    assert passed.exit_code == 0
    add_chat(dataset, remark=TEXT)
    failed = CliRunner().invoke(command, options)
    assert isinstance(failed.exception, LeakError)
    assert failed.exception.exit_code == 7


def test_nothing_takes_a_dataset_that_leaks(dataset: Path) -> None:
    """No reader, and no proposal."""
    add_chat(dataset, remark=TEXT)
    failed = CliRunner().invoke(command, ["--check", f"--dataset={dataset}", f"--splits={dataset.parent / 'splits'}"])
    assert isinstance(failed.exception, LeakError)
    assert f"{dataset} is refused: counts.json and card.md are taken away." in failed.exception.hint
    with pytest.raises(DataError, match="holds no whole dataset"):
        list(load_examples(dataset, "train"))
    assert not (dataset / "card.md").exists()


@pytest.mark.parametrize("size", [512, 16_384])
def test_no_room_for_the_tables_is_a_sentence(dataset: Path, size: int) -> None:
    """At the first table, and once rows have come in."""
    splits = dataset.parent / "splits"
    before = sorted(splits.iterdir())
    stands = (Stand("train", "a/b", number, units=(Unit("hunk", "1", "x" * 9000),)) for number in range(9999))
    with limited_files(size), pytest.raises(DataError) as caught:
        check_stands(stands, BY_REPOSITORY, splits)
    assert caught.value.what.startswith(f"Cannot keep temporary tables in {splits}: ")
    assert "room" in caught.value.hint
    assert sorted(splits.iterdir()) == before


def test_splits_that_cannot_be_written_to_are_a_sentence(dataset: Path) -> None:
    splits = dataset.parent / "splits"
    splits.chmod(0o555)
    with somebody_else(), pytest.raises(DataError, match=r"Cannot keep temporary tables in .*: Permission denied"):
        check_stands([], BY_REPOSITORY, splits)


def test_what_a_killed_check_left_behind_goes(dataset: Path) -> None:
    splits = dataset.parent / "splits"
    gone, running = splits / ".tables-999999999-x", splits / ".tables-1-x"
    for folder in (gone, running):
        folder.mkdir()
        (folder / "tables.sqlite").touch()
    check_dataset(dataset, splits, BY_REPOSITORY)
    assert sorted(path.name for path in splits.iterdir()) == [".tables-1-x", "part-1-of-1.jsonl", "summary.json"]
