"""Held-out pull requests: the right ones, with what a person said and where, in an order drawn by chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals.held_out import HeldOutSet, OutdatedComment, load_held_out
from evals.training_pairs import load_training_pairs
from tests.training.small_project import SmallProject
from training.aligned import ALIGNED_SCHEMA, Aligned, AlignedComment, Anchor, Standing
from training.cli import train
from training.dataset import Names, write_dataset
from training.dataset_params import DatasetParams
from training.errors import DataError
from training.examples import read_pull_request
from training.filtered import FILTERED_SCHEMA, Filtered, FilteredComment, FilterReason
from training.held_out import Choice, HeldOutCounts, write_held_out
from training.held_out_pairs import write_pairs
from training.opt_out import OptOut
from training.records import encode, save_records
from training.snapshot import Snapshot, SnapshotComment
from training.splits import SPLITS_SCHEMA, Assigned


class HeldOutProject(SmallProject):
    """Whole stages, with all pull requests in `test` but those of `octo/train`."""

    def write(
        self,
        choice: Choice | None = None,
        *,
        names: Names | None = None,
        reasons: dict[int, str] | None = None,
        lost: frozenset[int] = frozenset(),
        outdated: frozenset[int] = frozenset(),
    ) -> HeldOutSet:
        self.save()
        keys = sorted(self.snapshots)
        placed = (lose(self.snapshots[key], lost, outdated) for key in keys)
        save_records(self.folder / "aligned", ALIGNED_SCHEMA, (encode(record) for record in placed))
        records = (Assigned(repo, number, "train" if repo == "octo/train" else "test") for repo, number in keys)
        save_records(self.folder / "splits", SPLITS_SCHEMA, (encode(record) for record in records))
        decided = (filter_by(self.snapshots[key], reasons or {}) for key in keys)
        save_records(self.folder / "filtered", FILTERED_SCHEMA, (encode(record) for record in decided))
        self.path = self.folder / "held-out.jsonl"
        self.counts, self.told = write_held_out(
            self.store,
            (self.folder / "aligned", self.folder / "filtered", self.folder / "splits"),
            self.path,
            choice or Choice(),
            names or Names(),
            jobs=1,
        )
        return load_held_out(self.path)

    counts = HeldOutCounts()


def lose(snapshot: Snapshot, lost: frozenset[int], outdated: frozenset[int]) -> Aligned:
    """Each comment on the third line, but those that are lost or outdated."""
    anchor = Anchor("src/main.py", "RIGHT", 3, None, "+", "")
    said = (each.id for each in snapshot.comments)
    standings: dict[int, Standing] = dict.fromkeys(lost, "unplaced")
    standings.update((each, "outdated") for each in outdated)
    comments = [AlignedComment(it, it, standings.get(it, "exact")) for it in said]
    return Aligned(
        snapshot.repo,
        snapshot.number,
        tuple(comment if comment.id in standings else replace(comment, current=anchor) for comment in comments),
    )


def filter_by(snapshot: Snapshot, reasons: dict[int, str]) -> Filtered:
    said = [
        FilteredComment(each.id, reasons.get(each.id, ""), body="" if each.id in reasons else each.body)
        for each in snapshot.comments
    ]
    return Filtered(snapshot.repo, snapshot.number, tuple(said), "" if snapshot.license else "license")


@pytest.fixture
def project(tmp_path: Path) -> HeldOutProject:
    return HeldOutProject(tmp_path)


def test_a_pull_request_is_held_out_with_what_a_person_said(project: HeldOutProject) -> None:
    project.add("octo/demo", 1, remark="Why is this not a constant? It never changes.", comment_id=5)
    (held,) = project.write().pull_requests
    (gold,) = held.gold
    assert held.key == ("octo/demo", 1)
    assert (gold.id, gold.path, gold.side, gold.line, gold.start_line) == (5, "src/main.py", "RIGHT", 3, None)
    assert gold.body == "Why is this not a constant? It never changes."
    assert gold.teaches
    assert held.complete
    assert held.bundle.pull_request.files[0].path == "src/main.py"
    assert (held.created_at, held.license) == ("2024-05-01T00:00:00Z", "MIT")


def test_a_silent_pull_request_is_held_out_too(project: HeldOutProject) -> None:
    project.add("octo/demo", 1, remark="")
    assert [held.gold for held in project.write().pull_requests] == [()]


@pytest.mark.parametrize("reason", [FilterReason.LOW_QUALITY, FilterReason.OUTSIDER, FilterReason.ACKNOWLEDGEMENT])
def test_what_teaches_nothing_still_shows_where_a_human_stopped(project: HeldOutProject, reason: FilterReason) -> None:
    project.add("octo/demo", 1, remark="hm, ask ada@corp.io", comment_id=5)
    ((gold,),) = (held.gold for held in project.write(reasons={5: reason}).pull_requests)
    assert not gold.teaches
    assert gold.body.startswith("hm, ask")
    assert "ada@corp.io" not in gold.body


@pytest.mark.parametrize("reason", [FilterReason.BOT, FilterReason.OWN, FilterReason.AGENT, FilterReason.LINTER])
def test_what_no_human_reviewer_said_is_no_gold(project: HeldOutProject, reason: FilterReason) -> None:
    project.add("octo/demo", 1, comment_id=5)
    assert [held.gold for held in project.write(reasons={5: reason}).pull_requests] == [()]


def test_who_opted_out_leaves_a_place_and_no_word(project: HeldOutProject) -> None:
    project.add("octo/demo", 1, comment_id=5)
    held_out = project.write(reasons={5: FilterReason.OPTED_OUT})
    assert [gold.body for held in held_out.pull_requests for gold in held.gold] == [""]


def test_a_comment_without_a_line_is_counted(project: HeldOutProject) -> None:
    snapshot = project.add("octo/demo", 1, comment_id=5)
    lost = SnapshotComment(6, "src/gone.py", "Is it used anywhere?", snapshot.created_at, "user-x", "User")
    project.snapshots[snapshot.key] = replace(snapshot, comments=(*snapshot.comments, lost))
    project.save()
    held_out = project.write(lost=frozenset({6}))
    assert [(len(held.gold), held.unplaced) for held in held_out.pull_requests] == [(1, 1)]
    assert project.counts.unplaced == 1


def test_a_comment_on_a_line_that_was_changed_since_names_the_hunk_of_its_code(project: HeldOutProject) -> None:
    snapshot = project.add("octo/demo", 1, remark="")
    hunk = read_pull_request(snapshot).files[0].hunks[0]
    shown = [f"{line.kind}{line.text}" for line in hunk.lines if line.kind != "-"]
    changed = "\n".join([f"@@ -{hunk.source_start},9 +{hunk.target_start},9 @@", *shown, "+since_then = changed(1)"])
    said = [
        SnapshotComment(6, path, "Why?", snapshot.created_at, "user-x", "User", diff_hunk=changed, side="RIGHT")
        for path in ("src/main.py", "src/gone.py")
    ]
    said[1] = replace(said[1], id=7)
    project.snapshots[snapshot.key] = replace(snapshot, comments=(*snapshot.comments, *said))
    (held,) = project.write(outdated=frozenset({6, 7})).pull_requests
    assert held.outdated == (OutdatedComment(6, "src/main.py", 0),)
    assert held.unplaced == 2


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Choice(), {("octo/demo", 1), ("octo/demo", 2), ("octo/other", 3)}),
        (Choice("train"), {("octo/train", 4)}),
        (Choice(repos=("octo/other",)), {("octo/other", 3)}),
        (Choice(since="2024-06-01"), {("octo/demo", 2)}),
        (Choice(complete_only=True), {("octo/demo", 1), ("octo/demo", 2)}),
    ],
)
def test_which_pull_requests_are_chosen(project: HeldOutProject, choice: Choice, wanted: set[tuple[str, int]]) -> None:
    project.add("octo/demo", 1)
    project.add("octo/demo", 2, "2024-06-01T00:00:00Z")
    project.add("octo/other", 3, comments_complete=False)
    project.add("octo/train", 4)
    project.add("octo/demo", 5, author_type="Bot")
    project.add("octo/demo", 6, license="")
    project.add("octo/demo", 7, diff="")
    assert {held.key for held in project.write(choice).pull_requests} == wanted
    assert project.counts.pull_requests == len(wanted)


def test_the_order_is_drawn_by_chance_and_stays_when_others_come(project: HeldOutProject) -> None:
    for number in range(1, 9):
        project.add("octo/demo", number)
    before = [held.key for held in project.write().pull_requests]
    for number in range(9, 15):
        project.add("octo/demo", number)
    after = [held.key for held in project.write().pull_requests]
    assert before != sorted(before)
    assert [key for key in after if key in before] == before


def test_the_same_data_give_the_same_revision(project: HeldOutProject) -> None:
    project.add("octo/demo", 1)
    project.add("octo/demo", 2)
    first = project.write()
    assert project.write().revision == first.revision
    project.add("octo/demo", 3)
    assert project.write().revision != first.revision


def test_names_of_those_who_opted_out_are_in_no_text(project: HeldOutProject) -> None:
    from training.snapshot import hash_name

    project.add("octo/demo", 1, remark="hm, @mallory said so", comment_id=5)
    names = Names(opt_out=OptOut(frozenset({hash_name("mallory", "")})))
    held_out = project.write(names=names, reasons={5: FilterReason.LOW_QUALITY})
    assert "mallory" not in held_out.pull_requests[0].gold[0].body


def test_the_command_tells_what_it_wrote(project: HeldOutProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add("octo/demo", 1)
    project.add("octo/other", 2, remark="", comments_complete=False)
    project.write()
    monkeypatch.chdir(project.folder)
    (project.folder / "data").mkdir()
    for name in ("snapshots", "aligned", "filtered", "splits"):
        (project.folder / name).rename(project.folder / "data" / name)
    done = CliRunner().invoke(train, ["held-out", "--jobs", "1"], catch_exceptions=False)
    assert "data/held-out.jsonl: 2 pull requests, 1 of them with a human comment." in done.output
    assert "Of 1 only some comments are known" in done.output
    assert load_held_out(project.folder / "data/held-out.jsonl").name == "held-out"


def test_a_folder_that_cannot_be_written_is_told(project: HeldOutProject) -> None:
    project.add("octo/demo", 1)
    project.write()
    (project.folder / "file").write_text("")
    folders = (project.folder / "aligned", project.folder / "filtered", project.folder / "splits")
    with pytest.raises(DataError, match="Cannot write"):
        write_held_out(project.store, folders, project.folder / "file" / "x.jsonl", Choice(), Names(), jobs=1)


def test_the_training_comments_are_those_of_the_training_split(project: HeldOutProject) -> None:
    project.add("octo/demo", 1)
    project.add("octo/train", 2, remark="Why is this not a constant? It never changes.", comment_id=5)
    project.write()
    stages = (project.folder / "aligned", project.folder / "filtered", project.folder / "splits")
    write_dataset(project.store, stages, project.folder / "dataset", DatasetParams(), jobs=1)
    assert write_pairs(project.folder / "dataset", project.folder / "pairs.jsonl") == 1
    (pair,) = load_training_pairs(project.folder / "pairs.jsonl")
    assert pair.key == ("octo/train", 2)
    assert (pair.path, pair.comment) == ("src/main.py", "Why is this not a constant? It never changes.")
    assert pair.hunk.split("\n")[0] == " before"
    assert pair.hunk.split("\n")[1].startswith("+")
    with pytest.raises(DataError, match="Cannot write"):
        write_pairs(project.folder / "dataset", project.folder / "pairs.jsonl" / "below")
