"""Training the locator: its labels, its fit, and what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evals.held_out import GoldComment, HeldOut, OutdatedComment, save_held_out
from evals.records import encode
from reviewer.domain import Bundle, ChangedFile
from reviewer.locator import Linear, load_locator
from reviewer.locator_features import HUNK_FEATURES, LINE_FEATURES
from tests.evals.places import HUNKS, human, make_held
from tests.fakes import make_pull_request
from tests.test_locate import make_hunk
from training.cli import train
from training.errors import DataError
from training.locator.fit import Recipe, adapt, fit_locator, guess_unlabelled
from training.locator.labels import Floats, Labelled, Lines, label

EDITED, TODO = HUNK_FEATURES.index("edited_tokens"), HUNK_FEATURES.index("todo")
COMMENT = LINE_FEATURES.index("comment")


def test_a_hunk_with_a_human_comment_is_right_and_so_are_its_lines() -> None:
    labelled = label(make_held(*HUNKS, gold=[human("a.c", 14), human("a.c", 22, side="LEFT"), human("b.c", 3, 1)]))
    assert labelled.right.tolist() == [True, True, False, True]
    assert labelled.rows.shape == (4, len(HUNK_FEATURES))
    assert [lines.right.tolist() for lines in labelled.lines] == [
        [False, True, False, False],
        [True, False, False, False, False],
    ]  # all lines of the last are commented on: it tells nothing about where
    assert labelled.commented
    assert not label(make_held(*HUNKS)).commented


def test_a_hunk_with_code_that_was_remarked_on_and_changed_since_is_right_too() -> None:
    outdated = OutdatedComment(9, "a.c", 1)
    labelled = label(replace(make_held(*HUNKS, gold=[human("b.c", 3, 1)]), outdated=(outdated,)))
    assert labelled.right.tolist() == [False, True, False, True]
    assert len(labelled.lines) == 0  # which of its lines it was, nobody knows


def test_what_the_reviewer_does_not_read_is_not_learned_from() -> None:
    files = (
        ChangedFile("go.sum", "modified", (make_hunk("go.sum", ["+a v1"]),)),
        ChangedFile("a.go", "modified", (make_hunk("a.go", ["+b()"]),)),
    )
    held = HeldOut(Bundle(make_pull_request(files=files)), (human("go.sum", 1), human("a.go", 1)), complete=True)
    assert label(held).right.tolist() == [True]


def make_labelled(count: int, seed: int = 0, *, complete: bool = True, quiet: float = 0.0) -> list[Labelled]:
    """Pull requests in which edited tokens make a comment likely, but on a share of them nobody comments."""
    chance = np.random.default_rng(seed)
    found: list[Labelled] = []
    for number in range(count):
        rows = chance.normal(size=(chance.integers(2, 12), len(HUNK_FEATURES)))
        right = chance.random(len(rows)) < 1 / (1 + np.exp(1.5 - 2 * rows[:, EDITED]))
        right &= chance.random() >= quiet
        found.append(Labelled(f"o/r{number % 3}", "2026-01-01", complete, rows, right, tuple(make_lines(chance))))
    return found


def make_lines(chance: np.random.Generator) -> list[Lines]:
    """One hunk of six lines: of three that are comments, none is remarked on."""
    rows = chance.normal(size=(6, len(LINE_FEATURES))) * 0.1
    rows[:, COMMENT] = [1, 0, 1, 0, 1, 0]
    return [Lines(rows, np.eye(6, dtype=np.bool_)[chance.choice([1, 3, 5])])]


def score(linear: Linear, rows: Floats) -> Floats:
    return np.array([linear.score(row) for row in rows.tolist()])


def test_the_fit_finds_what_makes_a_comment_likely() -> None:
    fitted = fit_locator(make_labelled(300), Recipe())
    strongest = max(range(len(HUNK_FEATURES)), key=lambda at: abs(fitted.hunk.weights[at]))
    assert strongest == EDITED
    assert fitted.hunk.weights[EDITED] > 0
    assert min(fitted.line.weights) == fitted.line.weights[COMMENT] < 0
    assert fitted.known_share is None


def test_the_probabilities_hold_with_pull_requests_that_nobody_commented_on() -> None:
    fitted = fit_locator(make_labelled(400, quiet=0.6), Recipe())
    others = make_labelled(400, seed=1, quiet=0.6)
    said = np.concatenate([1 / (1 + np.exp(-score(fitted.hunk, one.rows))) for one in others])
    right = np.concatenate([one.right for one in others])
    assert said.mean() == pytest.approx(right.mean(), abs=0.02)
    surest = said > np.quantile(said, 0.8)
    assert said[surest].mean() == pytest.approx(right[surest].mean(), abs=0.05)


@pytest.mark.parametrize("known", [0.3, 0.6])
def test_of_a_selection_the_share_of_known_comments_is_estimated(known: float) -> None:
    whole = make_labelled(400, seed=2)
    chance = np.random.default_rng(3)
    selected = [
        replace(one, complete=False, right=one.right & (chance.random(len(one.right)) < known)) for one in whole
    ]
    pairs = [(one.right.sum(), other.right.sum()) for one, other in zip(selected, whole, strict=True) if one.commented]
    share = sum(some for some, _ in pairs) / sum(every for _, every in pairs)  # more than `known`: each has one
    fitted = fit_locator([*make_labelled(400), *selected], Recipe(strength=1.0))
    assert fitted.known_share == pytest.approx(share, abs=0.08)
    alone = fit_locator(make_labelled(400), Recipe(strength=1.0))
    assert fitted.hunk.weights[EDITED] == pytest.approx(alone.hunk.weights[EDITED], rel=0.25)


def test_a_few_pull_requests_move_the_height_of_the_probabilities_a_little_and_many_all_the_way() -> None:
    shipped = load_locator()
    start = replace(shipped, hunk=fit_locator(make_labelled(300), Recipe()).hunk)
    others = make_labelled(600, seed=1, quiet=0.8)
    right = np.concatenate([one.right for one in others]).mean()

    def mean(linear: Linear) -> float:
        return float(np.concatenate([1 / (1 + np.exp(-score(linear, one.rows))) for one in others]).mean())

    before, few, many = (mean(adapt(start, others[:count])[0]) for count in (0, 10, 400))
    assert before > few > many
    assert many == pytest.approx(right, abs=0.03)


def test_adapting_keeps_the_order_and_moves_the_spread() -> None:
    shipped = load_locator()
    own = make_labelled(100, quiet=0.5)
    linear, prior = adapt(shipped, own)
    one = own[0].rows
    assert np.argsort(score(linear, one)).tolist() == np.argsort(score(shipped.hunk, one)).tolist()
    assert len(prior.percentiles) == 101
    assert list(prior.percentiles) == sorted(prior.percentiles)
    assert prior != shipped.prior
    assert adapt(shipped, [replace(each, complete=False) for each in own]) == (shipped.hunk, shipped.prior)


@pytest.mark.parametrize("known", [0.3, 0.6, 1.0])
def test_of_the_hunks_without_a_known_comment_as_many_count_as_right_as_are(known: float) -> None:
    whole = make_labelled(600, seed=4)
    rows, right = np.concatenate([one.rows for one in whole]), np.concatenate([one.right for one in whole])
    labelled = right & (np.random.default_rng(5).random(len(right)) < known)
    truth = guess_unlabelled(rows, labelled, np.ones(len(right)), known, Recipe(strength=1.0))
    assert truth.sum() == pytest.approx(right.sum(), rel=0.05)
    assert truth[labelled].min() == 1
    if known < 1:
        assert truth[right & ~labelled].mean() > 2 * truth[~right].mean()


def test_too_little_is_refused() -> None:
    with pytest.raises(DataError, match="too few to learn from"):
        fit_locator(make_labelled(10), Recipe())
    with pytest.raises(DataError, match="too few to learn from"):
        fit_locator(make_labelled(300, complete=False), Recipe())


def save_demo(path: Path, count: int = 60, created_at: str = "2026-01-01") -> None:
    """Pull requests of two hunks: humans comment on the one that is not an import, on its branch."""
    lines = []
    for number in range(1, count + 1):
        hunks = (
            make_hunk("a.py", ["+import os", "+import re"]),
            make_hunk("a.py", [" x", f"+value = read{number}()", "+if not value:", "+    return None"], 20, 22),
        )
        files = (ChangedFile("a.py", "modified", hunks),)
        gold = (GoldComment(number, "a.py", "RIGHT", 24, None, "And an empty one?"),) if number % 3 else ()
        held = HeldOut(
            Bundle(make_pull_request(files=files, number=number)), gold, complete=True, created_at=created_at
        )
        lines.append(encode(held))
    save_held_out(path, "demo", lines)


def test_the_command_writes_a_locator_that_the_reviewer_takes(tmp_path: Path) -> None:
    save_demo(tmp_path / "demo.jsonl")
    texts = []
    for name in ("one.json", "two.json"):
        argv = ["locator", "--pull-requests", str(tmp_path / "demo.jsonl"), "--out", str(tmp_path / name)]
        done = CliRunner().invoke(train, argv, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        texts.append((tmp_path / name).read_text(encoding="utf-8"))
    assert "60 pull requests of 1 repositories, 120 hunks." in done.output
    assert texts[0] == texts[1]
    about = json.loads(texts[0])["about"]
    assert about["commented"] == about["commented_hunks"] == 40
    locator = load_locator(tmp_path / "one.json")
    hunks = [make_hunk("b.py", ["+import sys"]), make_hunk("b.py", ["+v = read()", "+if v:", "+    go()"], 9, 10)]
    pull_request = make_pull_request(files=(ChangedFile("b.py", "modified", tuple(hunks)),))
    imported, branch = locator.locate(pull_request, hunks).hunks
    assert branch > imported


def test_repositories_and_days_can_be_left_out(tmp_path: Path) -> None:
    save_demo(tmp_path / "demo.jsonl")
    save_demo(tmp_path / "undated.jsonl", created_at="")
    repo = make_pull_request().repo
    for name, *option in (
        ("demo", "--without", repo),
        ("demo", "--before", "2026-01-01"),
        ("undated", "--before", "2027-01-01"),
    ):
        argv = ["locator", f"--pull-requests={tmp_path / name}.jsonl", f"--out={tmp_path / 'l.json'}", *option]
        with pytest.raises(DataError, match=r"^0 commented pull requests"):
            CliRunner().invoke(train, argv, catch_exceptions=False)
    assert not (tmp_path / "l.json").exists()


def test_what_would_count_twice_or_is_not_there_is_refused(tmp_path: Path) -> None:
    save_demo(tmp_path / "demo.jsonl")
    file = f"--pull-requests={tmp_path / 'demo.jsonl'}"
    for words, *argv in (
        ("is given twice", file, "--out=x.json"),
        ("no 'octo/dmeo' to leave out", "--without=octo/dmeo", "--out=x.json"),
        ("There is no folder", f"--out={tmp_path / 'gone' / 'x.json'}"),
    ):
        with pytest.raises(DataError, match=words):
            CliRunner().invoke(train, ["locator", file, *argv], catch_exceptions=False)
