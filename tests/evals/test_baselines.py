"""Baselines are where their idea says, the same each time, and run without a model."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from evals.baselines import BASELINES, CONSTANT, Baseline
from evals.commands.run import command
from evals.errors import EvalError
from evals.held_out import HeldOut
from evals.predictions import Prediction, RunFolder, list_changed, list_hunks
from evals.retrieval import Retrieval, choose_like, make_retrieval, overlap
from evals.run import locate_hunks
from evals.training_pairs import TrainingPair, save_training_pairs
from reviewer.rank import MAX_ROUTED
from reviewer.settings import Settings
from tests.evals.places import make_held, make_hunk
from tests.evals.small_sets import APP, hold_out, write_set
from tests.fakes import make_diff

NAMES = list(BASELINES)
MANY = make_held(*(make_hunk(f"src/{at:02}.py", 10, f" {'-' * (at % 3)}{'+' * (at % 9)} ") for at in range(1, 41)))
"""Forty hunks, some of which only remove and some of which change nothing."""
SMALL = make_held(
    make_hunk("docs/a.md", 1, " +++++ "),
    make_hunk("src/b.py", 1, " ---+ "),
    make_hunk("src/c.py", 1, " -++ "),
    make_hunk("src/d.py", 1, " -- "),
    number=3,
)


def guess(name: str, held: HeldOut = SMALL, seed: int = 0, budget: int = 3) -> Prediction:
    return asyncio.run(Baseline(name, BASELINES[name], "demo", seed, budget).predict(held))


def places(prediction: Prediction) -> list[str]:
    """`b.py R2`, and `(b.py R2)` over the budget."""
    named = [(f"{one.path.rpartition('/')[2]} {one.side[0]}{one.line}", one.posted) for one in prediction.comments]
    return [place if posted else f"({place})" for place, posted in named]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("first-line", ["a.md R2", "b.py R2", "c.py R2", "(d.py L2)"]),
        ("largest-hunk", ["a.md R2", "b.py R2", "c.py R2", "(d.py L2)"]),
        ("largest-added", ["a.md R2", "c.py R2", "b.py R2", "(d.py L2)"]),
        ("fixed-order", ["b.py R2", "c.py R2", "a.md R2", "(d.py L2)"]),
        ("every-hunk", ["a.md R2", "b.py R2", "c.py R2", "d.py L2"]),
        ("large-hunks", ["a.md R2"]),
        ("silent", []),
    ],
)
def test_where_each_would_comment(name: str, expected: list[str]) -> None:
    assert places(guess(name)) == expected


def test_those_that_follow_the_locator_stand_where_it_would() -> None:
    scores = locate_hunks(SMALL, Settings())
    ranked = sorted(list_hunks(SMALL), key=lambda hunk: -scores[list_hunks(SMALL).index(hunk)])
    for name in ("locator", "constant", "template"):
        assert [one.path for one in guess(name).comments] == [hunk.path for hunk in ranked]
    assert places(guess("template"))[[hunk.path for hunk in ranked].index("docs/a.md")] == "a.md R6", "its last line"


def test_everywhere_is_everywhere() -> None:
    lines = [(line.side, line.number) for _, _, line in list_changed(SMALL)]
    prediction = guess("everywhere")
    assert [(one.side, one.line) for one in prediction.comments] == lines
    assert all(one.posted for one in prediction.comments)


def test_what_they_say() -> None:
    assert {one.body for one in guess("constant").comments} == {CONSTANT}
    (last,) = (one for one in guess("template").comments if one.path == "src/b.py")
    assert last.body == "Is `src/b.py 5 2` needed here? I think we should simplify this.", "the line that it stands on"


def test_chance_is_the_seed_alone() -> None:
    assert guess("random-line", MANY) == guess("random-line", MANY)
    assert places(guess("random-line", MANY)) != places(guess("random-line", MANY, seed=1))
    twin = make_held(*list_hunks(MANY), number=8)
    assert places(guess("random-line", twin)) != places(guess("random-line", MANY)), "another draw on each pull request"


def test_chance_is_fair() -> None:
    held = make_held(make_hunk("a.py", 1, " +++ "), make_hunk("b.py", 1, " + "))
    drawn = Counter(places(guess("random-line", held, seed, budget=1))[0] for seed in range(400))
    assert len(drawn) == 4
    assert all(70 < count < 130 for count in drawn.values()), "each line, whatever its hunk"


@pytest.mark.parametrize("name", NAMES)
def test_every_baseline_fits_its_pull_request(name: str) -> None:
    prediction = guess(name, MANY)
    assert prediction.key == MANY.key
    assert prediction.shown == MANY.digest
    assert len(prediction.hunk_scores) in {0, len(list_hunks(MANY))}
    assert len(prediction.line_scores) in {0, len(list_changed(MANY))}
    assert bool(prediction.hunk_scores) == bool(prediction.line_scores)
    assert bool(prediction.hunk_scores) == (name not in {"every-hunk", "everywhere", "silent"})
    there = {(hunk.path, line.side, line.number) for _, hunk, line in list_changed(MANY)}
    assert {(one.path, one.side, one.line) for one in prediction.comments} <= there
    assert all(0 <= one.score <= 1 for one in prediction.comments)
    scores = [one.score for one in prediction.comments]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("name", [name for name in NAMES if not BASELINES[name].posts_all and name != "silent"])
def test_the_budget_is_the_products(name: str) -> None:
    for budget in (0, 1, 3):
        comments = guess(name, MANY, budget=budget).comments
        assert [one.posted for one in comments] == [True] * budget + [False] * (len(comments) - budget)
        assert len(comments) <= budget + MAX_ROUTED


@pytest.mark.parametrize("name", ["first-line", "largest-hunk", "largest-added", "locator"])
def test_hunks_are_ranked_as_they_are_commented_on(name: str) -> None:
    prediction = guess(name)
    order = sorted(range(4), key=lambda at: -prediction.hunk_scores[at])
    hunks = list_hunks(SMALL)
    assert [hunks[at].path for at in order] == [one.path for one in prediction.comments]


@pytest.mark.parametrize("name", NAMES)
def test_a_pull_request_without_a_change(name: str) -> None:
    assert guess(name, make_held()).comments == ()


PAIRS = [
    TrainingPair("octo/other", 1, "a.py", " x\n+total = sum(items)\n+mean = total / count", "What if count is zero?"),
    TrainingPair("octo/other", 2, "b.py", "+file = open(path)", "Close the file."),
]
MEAN = hold_out(5, make_diff("m.py", "a\n", "a\ntotal = sum(values)\nprint(total)\nmean = total / count\n"), APP)


def copy(held: HeldOut, pairs: list[TrainingPair]) -> Prediction:
    return asyncio.run(Baseline("retrieval", make_retrieval(pairs), "demo").predict(held))


def test_retrieval_copies_the_comment_of_the_nearest_hunk() -> None:
    prediction = copy(MEAN, PAIRS)
    (comment,) = prediction.comments
    assert (comment.path, comment.line, comment.body) == ("m.py", 4, "What if count is zero?")
    assert comment.score == pytest.approx(4 / 7, abs=1e-6), "total, sum, mean, count of these and items, values, print"
    assert prediction.hunk_scores[0] > prediction.hunk_scores[1] == 0


def test_retrieval_among_equals_takes_the_first() -> None:
    twice = [PAIRS[0], TrainingPair("octo/other", 9, "z.py", PAIRS[0].hunk, "Later.")]
    assert copy(MEAN, twice).comments[0].body == "What if count is zero?"


def test_retrieval_from_nothing_says_nothing() -> None:
    assert copy(MEAN, []).comments == ()


def test_the_line_most_like_the_commented_one() -> None:
    (hunk, *_) = list_hunks(MEAN)
    assert choose_like(hunk, "+mean = a").text.startswith("mean")
    assert choose_like(hunk, "+nothing in common").text.startswith("total")


@given(st.frozensets(st.sampled_from("abcdef")), st.frozensets(st.sampled_from("abcdef")))
def test_overlap_is_a_share(one: frozenset[str], other: frozenset[str]) -> None:
    assert 0 <= overlap(one, other) == overlap(other, one) <= 1
    assert (overlap(one, other) == 1) == (one == other != frozenset())


def test_an_index_is_built_once() -> None:
    retrieval = Retrieval(PAIRS)
    assert retrieval(MEAN, 0) == retrieval(MEAN, 1), "nothing is left to chance"


def run(tmp_path: Path, *words: object) -> object:
    write_set(tmp_path / "set.jsonl", [MEAN, hold_out(6, APP)])
    given = ["--held-out", tmp_path / "set.jsonl", "--out", tmp_path / "runs", *words]
    result = CliRunner().invoke(command, [str(word) for word in given])
    return result.exception or result.stderr


def test_all_of_them_into_folders_of_their_own(tmp_path: Path) -> None:
    save_training_pairs(tmp_path / "pairs.jsonl", PAIRS)
    said = run(tmp_path, "--baseline", "all", "--training-pairs", tmp_path / "pairs.jsonl", "--seed", 4)
    assert "silent: 0 comments on 2 pull requests in 0." in str(said)
    folders = {folder.name: RunFolder(folder) for folder in (tmp_path / "runs").iterdir()}
    assert set(folders) == {*NAMES, "retrieval"}
    for name, folder in folders.items():
        described = folder.load_run()
        assert (described.candidate, described.kind, described.model.name) == (name, "baseline", "none")
        assert (described.settings["seed"], described.settings["max_comments"]) == (4, 3)
        assert ("training_pairs" in described.settings) == (name == "retrieval")
        assert len(folder.load_predictions()) == 2


def test_without_training_pairs_retrieval_is_left_out(tmp_path: Path) -> None:
    assert "random-line: 4 comments on 2 pull requests" not in str(run(tmp_path, "--baseline", "silent"))
    run(tmp_path, "--baseline", "all", "--out", tmp_path / "all", "--max-comments", 1)
    assert {folder.name for folder in (tmp_path / "all").iterdir()} == set(NAMES)
    assert RunFolder(tmp_path / "all" / "locator").load_run().settings["max_comments"] == 1


def test_training_pairs_from_the_test_are_refused(tmp_path: Path) -> None:
    save_training_pairs(tmp_path / "pairs.jsonl", [*PAIRS, TrainingPair("Octo/Demo", 6, "a", "+x", "Leaked.")])
    error = run(tmp_path, "--baseline", "retrieval", "--training-pairs", tmp_path / "pairs.jsonl")
    assert isinstance(error, EvalError)
