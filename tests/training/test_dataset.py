"""The dataset as files: what is written is read back, the same input gives the same bytes, no failure leaves a half."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.diff import parse_diff
from reviewer.domain import ExampleComment, Outcome, ReviewExample, Side
from reviewer.errors import UsageError
from reviewer.locate import split_hunk
from reviewer.prompt import INSTRUCTIONS, render_hunk
from tests.training.small_project import SmallProject, render_diff, write_code
from training.chats import NOT_SHOWN, choose_negatives
from training.commands.dataset import command
from training.counts import Counts, parse_counts
from training.dataset import write_dataset
from training.dataset_params import DatasetParams
from training.errors import DataError
from training.folder import replace_entries
from training.guideline_history import GuidelineHistory, GuidelineVersion, save_history
from training.parquet import EXAMPLE, TableWriter, example_row, load_examples, load_pull_requests
from training.records import encode, save_records
from training.snapshot import hash_name
from training.splits import SPLITS, SPLITS_SCHEMA, Assigned

SPLIT_OF = {"octo/demo": "train", "octo/other": "validation", "octo/third": "test"}


@pytest.fixture(autouse=True)
def _without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time, and have tests of their own."""
    monkeypatch.setattr("training.card.save_plots", lambda *_: [])


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    """Two pull requests in train, one each in the others, one in none."""
    project = SmallProject(tmp_path)
    quiet = "".join(render_diff(write_code(f"quiet {number}"), f"src/{number}.py") for number in range(4))
    project.add("octo/demo", 1, title="Ask ada@example.org", body="By @ada", language="Python")
    project.snapshots["octo/demo", 1] = replace(
        project.snapshots["octo/demo", 1], diff=(project.snapshots["octo/demo", 1].diff or "") + quiet
    )
    project.add("octo/demo", 2, remark="", diff=quiet.replace("src/", "lib/"))
    project.add("octo/left", 9)
    project.add("octo/other", 1)
    project.add("octo/third", 1)
    project.save()
    keys = sorted(project.snapshots)
    records = (Assigned(repo, number, SPLIT_OF.get(repo, ""), "no-time") for repo, number in keys)  # type: ignore[arg-type]
    save_records(project.folder / "splits", SPLITS_SCHEMA, (encode(record) for record in records))
    return project


def write(project: SmallProject, target: str = "dataset", jobs: int = 1, **params: Any) -> Counts:
    aligned, filtered, splits = (project.folder / name for name in ("aligned", "filtered", "splits"))
    target_folder = project.folder / target
    return write_dataset(project.store, (aligned, filtered, splits), target_folder, DatasetParams(**params), jobs=jobs)[
        0
    ]


def read_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def read_chats(project: SmallProject, name: str = "train") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project.folder / f"dataset/chats/{name}.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_with_any_number_of_workers(project: SmallProject) -> None:
    write(project)
    write(project, "again", jobs=2)
    files = read_files(project.folder / "dataset")
    assert files == read_files(project.folder / "again")
    assert {"card.md", "counts.json", "pull_requests.parquet", "examples/test.parquet", "chats/train.jsonl"} <= {*files}


def test_what_is_written_is_read_back(project: SmallProject) -> None:
    write(project)
    folder = project.folder / "dataset"
    examples = {split: list(load_examples(folder, split)) for split in SPLITS}
    assert {split: len(found) for split, found in examples.items()} == {"train": 9, "validation": 1, "test": 1}
    first = examples["train"][0]
    assert (first.scope, first.labelled, first.commented) == ("def main():", True, ("R3",))
    assert first.comments[0].body == project.snapshots["octo/demo", 1].comments[0].body
    rows = list(load_pull_requests(folder))
    assert [(row["repo"], row["number"], row["split"]) for row in rows] == [
        ("octo/demo", 1, "train"),
        ("octo/demo", 2, "train"),
        ("octo/other", 1, "validation"),
        ("octo/third", 1, "test"),
    ]
    assert (rows[0]["examples"], rows[0]["comments"], rows[0]["license"]) == (5, 1, "MIT")


def test_titles_and_texts_are_scrubbed(project: SmallProject) -> None:
    project.store.save(replace(project.snapshots["octo/demo", 1], title="Ask ada@acme.io", body="By @ada"))
    write(project)
    row = next(load_pull_requests(project.folder / "dataset"))
    assert "ada" not in row["title"] + row["body"]


def test_chats_are_what_trainers_take(project: SmallProject) -> None:
    write(project)
    chats = read_chats(project)
    assert [[turn["role"] for turn in chat["prompt"] + chat["completion"]] for chat in chats] == [
        ["system", "user", "assistant"]
    ] * len(chats)
    examples = {example.id: example for example in load_examples(project.folder / "dataset", "train")}
    for chat in chats:
        assert chat["prompt"][1]["content"] == render_hunk(examples[chat["id"]].hunk)
        assert chat["prompt"][0]["content"].startswith(INSTRUCTIONS)
    replies = [json.loads(chat["completion"][0]["content"])["comments"] for chat in chats]
    assert [len(reply) for reply in replies].count(1) == 1
    assert len(replies) == 3, "one comment, one empty reply for it, and one of the pull request without any"


@pytest.mark.parametrize(("per_comment", "per_silent", "empty"), [(0, 0, 0), (2, 0, 2), (9, 0, 4), (0, 2, 2)])
def test_how_many_replies_are_empty(project: SmallProject, per_comment: float, per_silent: int, empty: int) -> None:
    write(project, negatives_per_comment=per_comment, negatives_per_silent=per_silent)
    replies = [chat["completion"][0]["content"] for chat in read_chats(project)]
    assert replies.count('{"comments": []}') == empty


def test_another_seed_chooses_others(project: SmallProject) -> None:
    write(project)
    examples = [each for each in load_examples(project.folder / "dataset", "train") if each.number == 2]
    chosen = {tuple(choose_negatives(examples, 0, DatasetParams(seed=seed))) for seed in range(20)}
    assert len(chosen) > 1
    unlabelled = [replace(example, labelled=False) for example in examples]
    assert choose_negatives(unlabelled, 5, DatasetParams()) == []


def test_outdated_code_has_its_own_file_and_does_not_show_the_final_diff(project: SmallProject) -> None:
    snapshot = project.snapshots["octo/demo", 1]
    code = "@@ -1,9 +1,9 @@ def old():\n before\n+it was like this"
    comment = replace(snapshot.comments[0], diff_hunk=code)
    project.snapshots[snapshot.key] = replace(snapshot, comments=(comment,), diff=None)
    project.save()
    aligned = project.folder / "aligned" / "part-1-of-1.jsonl"
    lines = aligned.read_text().splitlines(keepends=True)
    record = json.loads(lines[1])
    record["comments"][0] |= {"current": None, "standing": "outdated"}
    aligned.write_text("".join([lines[0], json.dumps(record) + "\n", *lines[2:]]))
    project.store.save(replace(snapshot, comments=(comment,)))
    write(project)
    (chat,) = read_chats(project, "train-outdated")
    shown = chat["prompt"][0]["content"]
    assert "it was like this" in shown
    assert write_code("octo/demo#1")[0] not in shown
    assert json.loads(chat["completion"][0]["content"])["comments"][0]["line"] == "R2"


def test_guidelines_in_force_go_into_the_prompt_and_the_table(project: SmallProject) -> None:
    rule = "Every test must check errors; never call load without a lock."
    times = {"Older": "2020-01-01T00:00:00Z", "Newer": "2024-04-01T00:00:00Z", "Later": "2025-01-01T00:00:00Z"}
    versions = [
        GuidelineVersion("CONTRIBUTING.md", time, "a" * 40, f"# Testing\n\n{rule} {word}.\n")
        for word, time in times.items()
    ]
    save_history(project.store.folder, GuidelineHistory("octo/demo", tuple(versions)))
    write(project)
    row = next(load_pull_requests(project.folder / "dataset"))
    assert [guideline["path"] for guideline in row["guidelines"]] == ["CONTRIBUTING.md"]
    assert "Newer" in row["guidelines"][0]["text"]
    assert "Newer" in read_chats(project)[0]["prompt"][0]["content"]


def test_the_schema_says_what_its_columns_are(project: SmallProject) -> None:
    write(project)
    schema = pq.read_schema(project.folder / "dataset/examples/train.parquet")
    assert {field.name: field.metadata[b"description"].decode() for field in schema} == {
        name: text for name, (_, text) in EXAMPLE.items()
    }


def test_guidelines_are_scrubbed(project: SmallProject) -> None:
    token = "ghp_" + "a1B2" * 9
    rule = f"Every test must check errors; ask ada@acme.io or @ada-acme, who has the token {token}."
    version = GuidelineVersion("CONTRIBUTING.md", "2020-01-01T00:00:00Z", "a" * 40, f"# Testing\n\n{rule}\n")
    save_history(project.store.folder, GuidelineHistory("octo/demo", (version,)))
    write(project)
    row = next(load_pull_requests(project.folder / "dataset"))
    for shown in (row["guidelines"][0]["text"], read_chats(project)[0]["prompt"][0]["content"]):
        assert "Every test must check errors" in shown
        assert not [word for word in ("acme", token) if word in shown]


def test_who_has_opted_out_is_named_in_no_text(project: SmallProject) -> None:
    rule = "Every test must check errors; zorblax says so."
    version = GuidelineVersion("CONTRIBUTING.md", "2020-01-01T00:00:00Z", "a" * 40, f"# Testing\n\n{rule}\n")
    save_history(project.store.folder, GuidelineHistory("octo/demo", (version,)))
    project.store.save(replace(project.snapshots["octo/demo", 1], title="After Zorblax", body="zorblax asked for it"))
    (project.folder / "opt-out.txt").write_text("zorblax\n")
    assert run(project, "--opt-out", str(project.folder / "opt-out.txt")).exit_code == 0
    row = next(load_pull_requests(project.folder / "dataset"))
    name = hash_name("zorblax")
    assert (row["title"], row["body"]) == (f"After {name}", f"{name} asked for it")
    for shown in (row["guidelines"][0]["text"], read_chats(project)[0]["prompt"][0]["content"]):
        assert f"{name} says so" in shown


def test_an_addressed_comment_is_not_shown_with_its_answer(project: SmallProject) -> None:
    snapshot = project.snapshots["octo/demo", 1]
    comment = replace(snapshot.comments[0], diff_hunk="@@ -1,9 +1,9 @@ def old():\n before\n+it was like this")
    project.store.save(replace(snapshot, comments=(comment,)))
    aligned = project.folder / "aligned" / "part-1-of-1.jsonl"
    lines = aligned.read_text().splitlines(keepends=True)
    record = json.loads(lines[1])
    record["comments"][0] |= {"outcome": {"addressed": True}}
    aligned.write_text("".join([lines[0], json.dumps(record) + "\n", *lines[2:]]))
    counts = write(project)
    assert counts.by_key("chats", "train") == {"about code as it was": 1, "nothing": 1, "comment": 0}
    (chat,) = read_chats(project, "train-outdated")
    assert "it was like this" in chat["prompt"][0]["content"]
    assert write_code("octo/demo#1")[0] not in chat["prompt"][0]["content"]
    assert len(next(load_examples(project.folder / "dataset", "train")).comments) == 1
    project.store.save(snapshot)
    counts = write(project)
    assert counts.by_key("comments_without_chat", "train") == {NOT_SHOWN: 1}


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["negatives_per_comment", "negatives_per_silent", "context_tokens"])
def test_parameters_have_a_range(project: SmallProject, name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"{name} is .* from 0 to"):
        write(project, **{name: value})
    assert not (project.folder / "dataset").exists()


@pytest.mark.parametrize("at", [1, 2, 5, 10])
def test_wherever_a_run_is_killed_nobody_reads_a_mixture(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    write(project)
    folder = project.folder / "dataset"
    rename, calls = Path.rename, iter(range(1, 99))

    def rename_or_die(path: Path, target: Path) -> Path:
        if next(calls) == at:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", rename_or_die)
        with pytest.raises(KeyboardInterrupt):
            write(project, negatives_per_comment=9)
    if at == 1:
        assert parse_counts((folder / "counts.json").read_bytes()).parameters["negatives_per_comment"] == 1
        return
    with pytest.raises(DataError, match="interrupted"):
        load_examples(folder, "train")
    with pytest.raises(DataError, match="interrupted"):
        load_pull_requests(folder)
    write(project)
    assert len(list(load_pull_requests(folder))) == 4


def test_what_a_later_split_has_is_in_no_prompt(project: SmallProject) -> None:
    write(project)
    folder = project.folder / "dataset"
    hidden = next(each for each in load_examples(folder, "train") if each.hunk.path == "src/0.py").hunk
    (shown,) = {chat["prompt"][0]["content"] for chat in read_chats(project) if "demo#1:" in chat["id"]}
    assert hidden.lines[1].text in shown
    record = Assigned("octo/demo", 1, "train", left_out_hunks=(hidden.digest,))
    others = (Assigned("octo/demo", 2, "train"), Assigned("octo/other", 1, "validation"))
    save_records(project.folder / "splits", SPLITS_SCHEMA, (encode(each) for each in (record, *others)))
    write(project)
    (shown,) = {chat["prompt"][0]["content"] for chat in read_chats(project) if "demo#1:" in chat["id"]}
    assert hidden.lines[1].text not in shown
    assert write_code("quiet 1")[0] in shown


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=40)


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.tuples(st.sampled_from("+- "), TEXTS), min_size=1, max_size=12), body=TEXTS, flag=st.booleans()
)
def test_any_example_survives_the_table(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]], body: str, *, flag: bool
) -> None:
    source, target = (sum(mark != other for mark, _ in texts) for other in "+-")
    body_lines = "".join(f"{mark}{text}\n" for mark, text in texts)
    header = f"@@ -{4 if source else 3},{source} +{4 if target else 3},{target} @@ def f():"
    diff = f"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n{header}\n{body_lines}"
    hunk = parse_diff(diff)[0].hunks[0]
    outcome = Outcome(flag, None, 1, 2, 3)
    side: Side = "LEFT" if flag else "RIGHT"
    comment = ExampleComment(2**40, 4, side, 4 if flag else None, body, "user-1", "", 0.1, outcome)
    example = ReviewExample(
        "octo/demo", 1, split_hunk(hunk)[0], (comment,), "diff-hunk", flag, "test", body, "python", ("R1", "L2")
    )
    folder = tmp_path_factory.mktemp("table")
    with TableWriter(folder / "examples" / "test.parquet", EXAMPLE) as table:
        table.write(example_row(example))
        table.write(example_row(replace(example, comments=(), origin="pull-request", commented=())))
    (folder / "counts.json").touch()
    assert [*load_examples(folder, "test")] == [
        example,
        replace(example, comments=(), origin="pull-request", commented=()),
    ]


def test_rows_are_written_as_they_come(tmp_path: Path, project: SmallProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.parquet.ROWS", 3)
    write(project)
    assert pq.ParquetFile(project.folder / "dataset/examples/train.parquet").num_row_groups == 3
    assert len(list(load_examples(project.folder / "dataset", "train"))) == 9


@pytest.mark.parametrize("damage", [b"", b"PAR1", None])
def test_a_table_that_cannot_be_read_is_named(project: SmallProject, damage: bytes | None) -> None:
    write(project)
    path = project.folder / "dataset" / "examples" / "train.parquet"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(DataError, match=r"examples/train\.parquet"):
        list(load_examples(project.folder / "dataset", "train"))


def test_a_table_of_other_columns_is_refused(project: SmallProject) -> None:
    write(project)
    folder = project.folder / "dataset"
    (folder / "pull_requests.parquet").rename(folder / "examples" / "test.parquet")
    with pytest.raises(DataError, match="other columns"):
        list(load_examples(folder, "test"))


def test_a_failure_leaves_the_dataset_before_it(project: SmallProject) -> None:
    write(project)
    before = read_files(project.folder / "dataset")

    def fill_the_disk() -> None:
        with replace_entries(project.folder / "dataset", "counts.json") as new:
            (new / "counts.json").write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match="No space left"):
        fill_the_disk()
    assert read_files(project.folder / "dataset") == before


def test_other_files_of_the_folder_stay_and_old_ones_go(project: SmallProject) -> None:
    write(project)
    folder = project.folder / "dataset"
    (folder / ".gitignore").write_text("/examples\n")
    (folder / "examples" / "stale.parquet").write_text("")
    (folder / ".partial").mkdir()
    write(project)
    assert (folder / ".gitignore").read_text() == "/examples\n"
    assert not list(folder.rglob("stale.parquet"))
    assert not (folder / ".partial").exists()


def test_a_snapshot_that_cannot_be_read_is_told_and_the_rest_goes_on(project: SmallProject) -> None:
    project.store.path(("octo/demo", 1)).write_bytes(b'{"schema": "glossator/snapshot/1", "repo": "octo')
    result = run(project)
    assert result.exit_code == 0
    assert "000001.json" in result.stderr
    assert [row["number"] for row in load_pull_requests(project.folder / "dataset")] == [2, 1, 1]


def test_odd_pull_requests_do_not_end_the_stage(project: SmallProject) -> None:
    empty = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1,0 +1,0 @@\n@@ -5 +5 @@\n-a\n+b\n"
    project.store.save(replace(project.snapshots["octo/demo", 2], diff=empty))
    other = project.snapshots["octo/other", 1]
    project.store.save(replace(other, comments=(replace(other.comments[0], reactions={"+1": 3_000_000_000}),)))
    result = run(project)
    assert result.exit_code == 0, result.output
    assert "octo/other/000001.json: comments[0].+1 is 3000000000" in result.stderr
    assert [(row["repo"], row["examples"]) for row in load_pull_requests(project.folder / "dataset")] == [
        ("octo/demo", 5),
        ("octo/demo", 1),
        ("octo/third", 1),
    ]


def run(project: SmallProject, *more: str) -> Any:
    names = ("snapshots", "aligned", "filtered", "splits", "dataset")
    options = [text for name in names for text in (f"--{name}", str(project.folder / name))]
    return CliRunner().invoke(command, [*options, "--jobs", "1", *more])


def test_the_command_prints_a_table(project: SmallProject) -> None:
    result = run(project)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        "                                      train  validation  test",
        "pull requests                             2           1     1",
    ]
    counts = parse_counts((project.folder / "dataset" / "counts.json").read_bytes())
    assert counts.by_key("left_out") == {"no-time": 1}
    assert counts.parameters["context_tokens"] == 2000
