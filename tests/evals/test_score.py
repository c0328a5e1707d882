"""Scores of sets whose every figure is worked out by hand, and what no input may change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from evals.chrf import ChrF, chrf
from evals.cli import evaluate
from evals.errors import EvalError
from evals.held_out import HeldOut, save_held_out
from evals.loaded_run import Sample, choose_sample, load_run
from evals.predictions import Prediction
from evals.rouge import RougeL
from evals.score import EXAMPLES, METRICS, SLICE_METRICS, Seen, Texts, score_run
from evals.scorecard import Scorecard, Slice, load_scorecard
from evals.scorecard_text import render_scorecards
from evals.statistics import estimate
from evals.training_pairs import TrainingPair, save_training_pairs
from tests.evals.small_sets import APP, MAIN, README, TEST, hold_out, human, ours, predict, write_run, write_set

Judged = tuple[HeldOut, Prediction]
COPIES = 5
"""A figure needs so many pull requests."""
BODY = "Please check the length before the loop."


def make_kinds(number: int) -> list[Judged]:
    """Three pull requests: one hit of two spots and one miss, one comment where nobody had one, one without ours."""
    hit = hold_out(number, APP, TEST, gold=[human("app.py", 5, BODY), human("app.py", 30)], title="Fix the loop")
    quiet = hold_out(number + 1, README, title="Explain it", created_at="2026-05-01T10:00:00Z")
    missed = hold_out(number + 2, MAIN, gold=[human("main.go", 20)], title="Rename it", repo="octo/other")
    return [
        (hit, predict(hit, ours("app.py", 5, BODY), ours("tests/test_app.py", 10), asked=3, unreadable=1)),
        (quiet, predict(quiet, ours("README.md", 15), asked=1)),
        (missed, predict(missed, asked=1)),
    ]


JUDGED = [pair for number in range(0, 10 * COPIES, 10) for pair in make_kinds(number)]


def score(
    tmp_path: Path, judged: Sequence[Judged] = JUDGED, texts: Texts | None = None, seen: Seen | None = None
) -> Scorecard:
    held_out = write_set(tmp_path / "set.jsonl", [held for held, _ in judged])
    folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
    run = load_run(write_run(folder, [prediction for _, prediction in judged]), held_out)
    return score_run(run, choose_sample(held_out, [run]), texts, seen)


def read(card: Scorecard | Slice) -> dict[str, float | None]:
    return {name: estimate.value for name, estimate in card.metrics.items()}


def find(card: Scorecard, field: str, value: str) -> Slice:
    return next(part for part in card.slices if (part.field, part.value) == (field, value))


def test_figures_worked_out_by_hand(tmp_path: Path) -> None:
    card = score(tmp_path)
    expected = {
        "location.line.precision": 1 / 3,
        "location.hunk.precision": 1 / 3,
        "location.hunk.recall": 1 / 3,
        "location.hunk.f1": 1 / 3,
        "location.hunk.f1_commented": 2 / 5,
        "location.file.macro_recall": (1 / 2 + 0) / 2,
        "running.parse_rate": 4 / 5,
        "running.anchoring_rate": 1.0,
        "running.comments": 1.0,
        "running.noise": 1.0,
        "running.noise_comments": 1.0,
        "running.seconds": 1.5,
        "running.tokens": 120.0,
        "location.hunk.recall_open": None,
    }
    figures = read(card)
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    assert card.drops == {"duplicate": 3 * COPIES}
    assert (card.candidate, card.kind, card.dataset, card.model.name) == ("ours", "reviewer", "demo", "tiny")
    assert card.in_set == len(card.keys) == 3 * COPIES
    assert card.settings == {"max_comments": 3}


def test_every_figure_comes_back_from_the_counts_on_disk(tmp_path: Path) -> None:
    card = score(tmp_path, texts=Texts((ChrF(), RougeL())))
    by_name = {metric.name: metric for metric in METRICS}
    assert {name: estimate(by_name[name], card.table) for name in card.metrics} == card.metrics
    for part in card.slices:
        table = card.slice_table(part)
        assert {name: estimate(by_name[name], table) for name in part.metrics} == part.metrics


def test_slices_worked_out_by_hand(tmp_path: Path) -> None:
    card = score(tmp_path, seen=Seen([TrainingPair("octo/other", 99, "main.go", "+new", "Why?")]))
    expected = {
        ("language", "python"): (COPIES, 2 * COPIES, 1 / 2, 1 / 2),
        ("language", "go"): (COPIES, COPIES, None, 0.0),
        ("language", "markdown"): (COPIES, 0, 0.0, None),
        ("size", "small"): (3 * COPIES, 3 * COPIES, 1 / 3, 1 / 3),
        ("kind", "bugfix"): (COPIES, 2 * COPIES, 1 / 2, 1 / 2),
        ("kind", "refactor"): (COPIES, COPIES, None, 0.0),
        ("kind", "docs"): (COPIES, 0, 0.0, None),
        ("code", "product"): (2 * COPIES, 3 * COPIES, 1.0, 1 / 3),
        ("code", "test"): (COPIES, 0, 0.0, None),
        ("age", "new"): (2 * COPIES, 2 * COPIES, 1 / 3, 1 / 2),
        ("age", "old"): (COPIES, COPIES, None, 0.0),
    }
    # Python: one hit, and one comment in the test file; two spots.
    found = {
        (part.field, part.value): (
            part.pull_requests,
            part.gold,
            part.metrics["location.hunk.precision"].value,
            part.metrics["location.hunk.recall"].value,
        )
        for part in card.slices
    }
    assert found == {place: pytest.approx(figures) for place, figures in expected.items()}
    assert find(card, "kind", "docs").metrics["running.noise"].value == 1.0
    assert find(card, "language", "python").note.startswith("Too small to rely on")
    assert set(find(card, "size", "small").metrics) == {name for name in SLICE_METRICS if "text" not in name}


def test_texts_of_matched_comments(tmp_path: Path) -> None:
    card = score(tmp_path, texts=Texts((ChrF(),)))
    figures = read(card)
    assert figures["text.chrf.matched"] == pytest.approx(1.0)
    assert figures["text.chrf.all_gold"] == pytest.approx(1 / 3)
    assert "text.bertscore.matched" not in figures
    assert "text.rouge_l.matched" not in figures
    assert find(card, "language", "python").metrics["text.chrf.matched"].value == pytest.approx(1.0)
    assert find(card, "language", "go").metrics["text.chrf.matched"].value is None
    assert set(card.text_scorer) == {"chrf"}
    assert [(pair.ours, pair.human) for pair in card.pairs] == [(BODY, BODY)] * COPIES
    assert [pair.score for pair in card.pairs] == pytest.approx([1.0] * COPIES)


def test_the_lift_over_the_untuned_model(tmp_path: Path) -> None:
    untuned = {
        held.key: predict(held, *([ours("app.py", 5)] if prediction.comments else [])) for held, prediction in JUDGED
    }
    card = score(tmp_path, texts=Texts((ChrF(),), untuned))
    assert read(card)["text.chrf.lift_untuned"] == pytest.approx((1 - chrf("Check the length.", BODY)) / 3)


def test_texts_that_are_not_compared_have_no_figure(tmp_path: Path) -> None:
    card = score(tmp_path)
    assert not [name for name in card.metrics if name.startswith("text.")]
    assert (card.text_scorer, card.pairs) == ({}, [])


def test_pairs_for_people_go_from_the_most_alike_to_the_least(tmp_path: Path) -> None:
    judged = []
    for number in range(EXAMPLES + 20):
        held = hold_out(number, APP, gold=[human("app.py", 5, BODY)])
        judged.append((held, predict(held, ours("app.py", 5, BODY[: len(BODY) - number // 2] or "x"))))
    card = score(tmp_path, judged, Texts((ChrF(),)))
    scores = [pair.score for pair in card.pairs]
    assert len(scores) == EXAMPLES
    assert scores == sorted(scores, reverse=True)
    assert (scores[0], scores[-1]) == (1.0, min(chrf(prediction.comments[0].body, BODY) for _, prediction in judged))


def test_incomplete_pull_requests_are_ground_for_recall_alone(tmp_path: Path) -> None:
    judged = [
        (part, replace(prediction, shown=part.digest))
        for held, prediction in JUDGED
        for part in [replace(held, complete=False)]
    ]
    card = score(tmp_path, judged)
    figures = read(card)
    assert figures["location.hunk.recall_open"] == pytest.approx(1 / 3)
    wrong = {"precision", "f1", "ap", "recall"}
    assert {name for name, value in figures.items() if value is not None and name.split(".")[-1] in wrong} == set()
    assert figures["running.noise"] is None
    python = find(card, "language", "python")
    assert python.metrics["location.hunk.recall_open"].value == pytest.approx(1 / 2)
    assert python.gold == 2 * COPIES


def test_a_pull_request_without_hunks_changes_nothing_but_the_counts(tmp_path: Path) -> None:
    empty = hold_out(999, title="")
    before, after = score(tmp_path), score(tmp_path, [*JUDGED, (empty, predict(empty))])
    assert read(after)["location.hunk.f1"] == read(before)["location.hunk.f1"]
    assert read(after)["running.comments"] == pytest.approx(3 * COPIES / (3 * COPIES + 1))


def test_human_comments_without_a_line_are_told_beside_the_figures(tmp_path: Path) -> None:
    held, prediction = JUDGED[0]
    lost = replace(held, unplaced=3)
    card = score(tmp_path, [(lost, replace(prediction, shown=lost.digest)), *JUDGED[1:]])
    text = render_scorecards([card])
    assert "- 3 of 18 human comments, on 1 of 15 pull requests, have no line in the diff" in text
    assert "| F1, same hunk, fully placed pull requests " in text
    assert "have no line in the diff" not in render_scorecards([score(tmp_path)])


def test_a_wrong_comment_never_raises_a_figure_of_the_place(tmp_path: Path) -> None:
    held, prediction = JUDGED[0]
    worse = replace(prediction, comments=(*prediction.comments, ours("tests/test_app.py", 33)))
    before, after = read(score(tmp_path)), read(score(tmp_path, [(held, worse), *JUDGED[1:]]))
    for strictness in ("line", "near", "hunk", "file"):
        for figure in ("precision", "f1", "macro_f1", "ap"):
            name = f"location.{strictness}.{figure}"
            assert (after[name] or 0) <= (before[name] or 0) + 1e-12, name
        assert after[f"location.{strictness}.recall"] == before[f"location.{strictness}.recall"]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_anything_changes_no_figure(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    shuffled = [
        (held, replace(prediction, comments=tuple(chance.sample(prediction.comments, len(prediction.comments)))))
        for held, prediction in chance.sample(JUDGED, len(JUDGED))
    ]
    texts = Texts((ChrF(), RougeL()))
    one, other = read(score(tmp_path, texts=texts)), read(score(tmp_path, shuffled, texts))
    shifted = {name for name in one if "lift_shuffled" in name}
    assert {name: one[name] for name in one.keys() - shifted} == pytest.approx(
        {name: other[name] for name in one.keys() - shifted}, nan_ok=True
    )


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    texts, seen = Texts((ChrF(),)), Seen([TrainingPair("octo/other", 99, "main.go", "+new", "Why?")])
    assert msgspec.json.encode(score(tmp_path, texts=texts, seen=seen)) == msgspec.json.encode(
        score(tmp_path, texts=texts, seen=seen)
    )


def invoke(*arguments: object) -> tuple[int, str]:
    command = ["score", "--text-scorer", "words", *map(str, arguments)]
    result = CliRunner().invoke(evaluate, command, standalone_mode=False)
    if isinstance(result.exception, EvalError):
        return result.exception.exit_code, result.exception.what
    assert result.exception is None, result.exception
    return result.exit_code, result.output


@pytest.fixture
def on_disk(tmp_path: Path) -> tuple[Path, Path]:
    write_set(tmp_path / "set.jsonl", [held for held, _ in JUDGED])
    return tmp_path / "set.jsonl", write_run(tmp_path / "run", [prediction for _, prediction in JUDGED])


def test_the_command_writes_beside_the_run_and_prints(on_disk: tuple[Path, Path]) -> None:
    held_out, run = on_disk
    code, output = invoke("--held-out", held_out, "--run", run)
    assert code == 0
    assert "15 pull requests, 10 with a human comment, 15 commented spots" in output
    assert "| F1, same hunk " in output
    assert "33.3 % (" in output
    card = load_scorecard(run / "scorecard.json")
    assert card.metrics["location.hunk.f1"].value == pytest.approx(1 / 3)
    assert "text.chrf.matched" in card.metrics
    assert card.metrics["facts.identifiers"].value is None
    assert "Texts were compared by chrF and ROUGE-L alone." in output
    before = (run / "scorecard.json").read_bytes()
    assert invoke("--held-out", held_out, "--run", run)[0] == 0
    assert (run / "scorecard.json").read_bytes() == before


def test_the_command_compares_runs_on_what_both_have(tmp_path: Path, on_disk: tuple[Path, Path]) -> None:
    held_out, run = on_disk
    some = write_run(tmp_path / "some", [prediction for _, prediction in JUDGED[:9]], "half")
    code, output = invoke("--held-out", held_out, "--run", run, "--run", some, "--out", tmp_path / "out", "--limit", 6)
    assert code == 0
    assert "Scored on 6 of 15 pull requests of the set: the first 6 of those that all 2 runs have." in output
    cards = [load_scorecard(tmp_path / f"out/{name}.json") for name in ("ours", "half")]
    assert [len(card.keys) for card in cards] == [6, 6]
    assert cards[0].columns == cards[1].columns
    assert not (run / "scorecard.json").exists()


def test_the_command_refuses_a_leak(tmp_path: Path, on_disk: tuple[Path, Path]) -> None:
    held_out, run = on_disk
    pairs = tmp_path / "pairs.jsonl"
    save_training_pairs(pairs, [TrainingPair("octo/demo", 0, "app.py", "+new", "Why?")])
    code, what = invoke("--held-out", held_out, "--run", run, "--training-pairs", pairs)
    assert (code, what) == (6, "1 held-out pull request is in the training pairs too: octo/demo#0.")
    assert not (run / "scorecard.json").exists()
    save_training_pairs(pairs, [TrainingPair("octo/demo", 77, "app.py", "+new", "Why?", "2026-04-01T00:00:00Z")])
    code, output = invoke("--held-out", held_out, "--run", run, "--training-pairs", pairs)
    assert "their times overlap" in output
    assert "age: old" in output


@pytest.mark.parametrize("content", [b"", b"{}\n", b"torn", b'{"schema": "glossator/predictions/1"}\n'])
def test_the_command_refuses_what_is_no_set(tmp_path: Path, on_disk: tuple[Path, Path], content: bytes) -> None:
    _, run = on_disk
    (tmp_path / "other.jsonl").write_bytes(content)
    code, what = invoke("--held-out", tmp_path / "other.jsonl", "--run", run)
    assert code == 6
    assert "other.jsonl" in what


def test_the_command_compares_with_the_untuned_model(tmp_path: Path, on_disk: tuple[Path, Path]) -> None:
    held_out, run = on_disk
    untuned = write_run(tmp_path / "untuned", [predict(held) for held, _ in JUDGED[:12]], "untuned")
    code, output = invoke("--held-out", held_out, "--run", run, "--untuned", untuned, "--all-figures")
    assert code == 0
    assert "Scored on 12 of 15" in output
    card = load_scorecard(run / "scorecard.json")
    assert card.metrics["text.chrf.lift_untuned"].value == pytest.approx(1 / 3)
    assert output.count("\n| ") > len(card.metrics)


def test_the_command_may_leave_texts_alone(on_disk: tuple[Path, Path]) -> None:
    held_out, run = on_disk
    code, output = invoke("--held-out", held_out, "--run", run, "--text-scorer", "none")
    assert code == 0
    assert "- Texts were not compared." in output
    assert not list(run.parent.glob("*.sqlite"))


def test_an_empty_set_or_run_has_nothing_to_score(tmp_path: Path, on_disk: tuple[Path, Path]) -> None:
    save_held_out(tmp_path / "empty.jsonl", "empty", [])
    run = write_run(tmp_path / "none", [])
    assert invoke("--held-out", tmp_path / "empty.jsonl", "--run", run) == (
        6,
        f"{tmp_path / 'empty.jsonl'} holds no pull request.",
    )
    assert invoke("--held-out", on_disk[0], "--run", run) == (6, f"{tmp_path / 'none'} has no prediction.")


def test_every_pull_request_has_a_row_in_the_sample(tmp_path: Path) -> None:
    held_out = write_set(tmp_path / "set.jsonl", [held for held, _ in JUDGED])
    run = load_run(write_run(tmp_path / "run", [prediction for _, prediction in JUDGED]), held_out)
    card = score_run(run, Sample(held_out, held_out.pull_requests[3:6]))
    assert card.keys == [held.key for held, _ in JUDGED[3:6]]
    assert {len(column) for column in card.columns.values()} == {3}
    assert card.metrics["location.hunk.f1"].value is None
    assert "at least 5 are needed" in card.metrics["location.hunk.f1"].note
