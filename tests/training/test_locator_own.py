"""A repository's own locator is used only where it is shown to be better."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals.held_out import GoldComment, HeldOut
from evals.statistics import Comparison
from evals.table import Table
from reviewer.domain import Bundle, ChangedFile, Hunk, Split
from reviewer.locator import SHIPPED, load_locator
from tests.fakes import make_pull_request
from tests.test_locate import make_hunk
from tests.training.small_project import SmallProject
from training.cli import train
from training.errors import DataError
from training.locator.fit import Recipe
from training.locator.own import ADAPTS, IMPROVEMENTS, LEAST, decide, fit_own, judge, split_by_age, train_own
from training.records import encode, save_records
from training.splits import SPLITS_SCHEMA, Assigned


def make_held(number: int, chance: random.Random, *, odd: bool) -> HeldOut:
    """Six hunks in six files. Humans comment on the largest or, where they are odd, on the only import."""
    sizes = chance.sample(range(2, 30), 5)
    hunks = [make_lines(f"src/part{at}.py", size, chance) for at, size in enumerate(sizes)]
    hunks.insert(chance.randrange(6), make_hunk("src/names.py", [" x = 1", f"+import lib{number}", "+import more"]))
    chosen = "src/names.py" if odd else max(hunks, key=lambda hunk: hunk.changed).path
    line = next(line for hunk in hunks if hunk.path == chosen for line in hunk.lines if line.kind == "+")
    files = tuple(ChangedFile(hunk.path, "modified", (hunk,)) for hunk in hunks)
    gold = (GoldComment(number, chosen, "RIGHT", line.number, None, "Why?"),) if number % 4 else ()
    bundle = Bundle(make_pull_request(files=files, number=number))
    return HeldOut(bundle, gold, complete=True, created_at=f"2026-{1 + number // 28:02}-{1 + number % 28:02}")


def make_lines(path: str, size: int, chance: random.Random) -> Hunk:
    lines = [f"+value{chance.randrange(99)} = read{chance.randrange(99)}(x)" for _ in range(size)]
    return make_hunk(path, [" x = 0", *lines])


def make_all(count: int, *, odd: bool) -> list[HeldOut]:
    chance = random.Random(f"{count} {odd}")
    return [make_held(number, chance, odd=odd) for number in range(1, count + 1)]


def test_the_newest_are_kept_for_the_comparison() -> None:
    older, newest = split_by_age(list(reversed(make_all(50, odd=False))))
    assert (len(older), len(newest)) == (40, 10)
    assert max(held.created_at for held in older) <= min(held.created_at for held in newest)


def test_where_humans_comment_elsewhere_the_own_one_is_to_be_used(tmp_path: Path) -> None:
    told = train_own(make_all(200, odd=True), "octo/demo", tmp_path / "own.json")
    assert told[0] == "Trained on 160 pull requests, compared with the shipped one on the 40 newest:"
    assert "Use your own: it is significantly better, and worse in nothing." in told
    assert json.loads((tmp_path / "own.json").read_bytes())["about"]["repositories"] == ["octo/demo"]
    assert load_locator(tmp_path / "own.json").version != load_locator().version


@pytest.mark.slow
def test_what_is_no_better_does_not_take_the_shipped_ones_place(tmp_path: Path) -> None:
    judged = judge(make_all(60, odd=False), SHIPPED.read_text(encoding="utf-8"))
    assert judged.verdict == "hold"
    assert all(one.difference == 0 for one in judged.comparisons)
    told = train_own(make_all(60, odd=False), "octo/demo", tmp_path / "own.json")
    assert any(line.startswith("The shipped order stays: yours is no") for line in told)
    own, shipped = load_locator(tmp_path / "own.json"), load_locator()
    assert (own.line.weights, own.about["order"]) == (shipped.line.weights, shipped.version)
    assert own.prior != shipped.prior


@pytest.mark.parametrize(
    ("p", "low", "verdict"),
    [
        (0.03, -0.01, "inconclusive"),  # by itself significant, but three figures are looked at
        (0.01, -0.01, "promote"),
        (0.01, -0.2, "inconclusive"),  # another may have become much worse
    ],
)
def test_the_own_one_is_held_against_the_rules_of_the_gate(p: float, low: float, verdict: str) -> None:
    first, *others = [rule.metric for rule in IMPROVEMENTS]
    compared = [Comparison(first, 0.3, 0.34, 0.04, 0.001, 0.08, p, 0.05, 60)]
    compared += [Comparison(name, 0.3, 0.31, 0.01, low, 0.05, 0.5, 0.05, 60) for name in others]
    assert decide(compared, Table((), {})).verdict == verdict


def test_fewer_pull_requests_than_fifty_keep_the_shipped_order(tmp_path: Path) -> None:
    stays = "The shipped one stays: octo/demo has {} pull requests here, and 50 are the least to learn from."
    few = train_own(make_all(LEAST - 1, odd=True), "octo/demo", tmp_path / "own.json")
    assert few[0] == stays.format(49)
    assert load_locator(tmp_path / "own.json").line == load_locator().line
    changed = make_all(30, odd=True)[-1].bundle.pull_request
    hunks = [hunk for file in changed.files for hunk in file.hunks]
    shipped, adapted = (load_locator(path).locate(changed, hunks).hunks for path in (SHIPPED, tmp_path / "own.json"))
    assert sorted(range(6), key=shipped.__getitem__) == sorted(range(6), key=adapted.__getitem__)
    assert shipped != adapted
    assert train_own(make_all(ADAPTS - 1, odd=True), "octo/demo", tmp_path / "none.json") == [stays.format(19)]
    assert not (tmp_path / "none.json").exists()


def test_without_comments_the_shipped_order_stays(tmp_path: Path) -> None:
    silent = [HeldOut(held.bundle, (), True, 0, held.created_at) for held in make_all(60, odd=False)]
    told = train_own(silent, "octo/demo", tmp_path / "own.json")
    assert told[0].startswith("The shipped order stays: 0 commented pull requests")
    assert load_locator(tmp_path / "own.json").hunk.intercept < load_locator().hunk.intercept


def test_a_folder_that_is_not_there_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    for count in (30, 60):
        with pytest.raises(DataError, match="There is no folder"):
            train_own(make_all(count, odd=False), "octo/demo", tmp_path / "gone" / "own.json")


def test_the_own_weights_start_from_the_shipped_ones() -> None:
    """With a heavy penalty on what is changed, hardly anything is."""
    shipped = load_locator()
    fitted = fit_own(make_all(100, odd=True), Recipe(strength=1e-6, line_penalty=1e6), shipped)
    slope = fitted.hunk.weights[0] / shipped.hunk.weights[0]
    assert fitted.hunk.weights == pytest.approx([slope * weight for weight in shipped.hunk.weights], rel=0.05, abs=0.01)
    assert fitted.line.weights == pytest.approx(shipped.line.weights, abs=0.01)


def test_the_command_takes_a_repository_or_files() -> None:
    for argv in ([], ["--repo", "o/r", "--pull-requests", "x.jsonl"]):
        done = CliRunner().invoke(train, ["locator", *argv])
        assert "Train from what?" in str(done.exception)


def test_the_pull_requests_of_all_splits_are_the_repository_s(tmp_path: Path) -> None:
    project = SmallProject(tmp_path)
    for number in range(1, 60):
        project.add("octo/demo", number, f"2025-{1 + number // 28:02}-{1 + number % 28:02}T00:00:00Z")
    project.add("octo/other", 1)
    project.save()
    splits: tuple[Split, ...] = ("train", "validation", "test")
    records = (Assigned(*key, splits[key[1] % 3]) for key in sorted(project.snapshots))
    save_records(tmp_path / "splits", SPLITS_SCHEMA, map(encode, records))
    folders = [f"--{name}={tmp_path / name}" for name in ("snapshots", "aligned", "filtered", "splits")]
    argv = ["locator", *folders, f"--out={tmp_path / 'own.json'}", "--jobs=1"]
    done = CliRunner().invoke(train, [*argv, "--repo=octo/other"], catch_exceptions=False)
    assert done.output == (
        "The shipped one stays: octo/other has 1 pull request here, and 50 are the least to learn from.\n"
    )
    done = CliRunner().invoke(train, [*argv, "--repo=octo/demo"])
    assert done.output.startswith("Trained on 48 pull requests, compared with the shipped one on the 11 newest:")
    assert load_locator(tmp_path / "own.json").about["repositories"] == ["octo/demo"]
