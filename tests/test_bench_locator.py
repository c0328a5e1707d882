"""The report on the locator: from made-up pull requests and runs to pictures and a page."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bench.locator_report import cases
from bench.locator_report.__main__ import main, read_all
from bench.locator_report.cases import KINDS, list_cases, render_cases, save_cases
from bench.locator_report.figures import calibrate
from bench.locator_report.left_out import LeftOut, leave_out, measure_pooled, measure_within, read_known, score
from bench.locator_report.pictures import PANELS, draw_calibration
from bench.locator_report.runs import trace_precision
from bench.locator_report.words import CANDIDATES, LINE_WORDS
from evals.held_out import HeldOut, save_held_out
from evals.predictions import Prediction, Run, RunFolder
from evals.ranking import METRICS
from evals.records import encode
from evals.run import NO_MODEL, predict_located
from evals.score import count
from evals.scorecard import Scorecard, save_scorecard
from evals.statistics import estimate
from reviewer.locator_features import LINE_FEATURES
from tests.training.test_locator_own import make_all

DEMO, OTHER, PART = "octo/demo", "octo/other", "octo/part"
PICTURES = ("calibration", "features", "learning-curve", "precision-recall", "within")
FIGURES = {metric.name: metric for metric in METRICS}
SHOWN = [FIGURES[name] for name, _ in PANELS]


def make(repo: str, many: int, *, odd: bool = False, complete: bool = True) -> list[HeldOut]:
    return [
        replace(
            held,
            bundle=replace(held.bundle, pull_request=replace(held.bundle.pull_request, repo=repo)),
            complete=complete,
            license="MIT",
        )
        for held in make_all(many, odd=odd)
    ]


def save_run(folder: Path, held: Sequence[HeldOut]) -> None:
    """A run of the shipped locator, as each of the candidates."""
    predictions = [predict_located(one) for one in held]
    table = count(list(zip(held, predictions, strict=True)), {})
    metrics = {metric.name: estimate(metric, table, draws=20) for metric in SHOWN}
    card = Scorecard("trained", "baseline", NO_MODEL, "demo", "", "", metrics, list(table.keys), {}, {})
    run = RunFolder(folder / "trained")
    run.start(Run("trained", "baseline", NO_MODEL, "demo"))
    for prediction in predictions:
        run.add(prediction)
    save_scorecard(card, folder / "trained" / "scorecard.json")
    for name in CANDIDATES.keys() - {"trained"}:
        shutil.copytree(folder / "trained", folder / name)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    held = {DEMO: make(DEMO, 32), OTHER: make(OTHER, 36), PART: make(PART, 12, complete=False)}
    save_held_out(folder / "set.jsonl", "demo", (encode(one) for each in held.values() for one in each))
    save_run(folder / DEMO, held[DEMO])
    return folder


def report(made: Path, out: Path, *more: str) -> Result:
    argv = [f"--train={made / 'set.jsonl'}", f"--out={out / 'locator'}", "--draws=1", "--samples=20", *more]
    return CliRunner().invoke(main, argv)


@pytest.mark.slow
def test_the_report_is_whole_and_the_same_each_time(made: Path, tmp_path: Path) -> None:
    done = report(made, tmp_path, f"--repo={DEMO}", f"--runs={DEMO}={made / DEMO}")
    assert done.exit_code == 0, done.output
    files = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert sorted(files) == ["locator-cases.md", *(f"locator/{name}.svg" for name in PICTURES)]
    for name, content in files.items():
        assert len(content) < 70_000
        assert name.endswith(".md") or ET.fromstring(content).tag.endswith("svg")
    for head in ("expected calibration error", "Commented pull", "Repositories of 200", "of a hunk", "of a line"):
        assert f"| {head}" in done.output
    (left,) = read_all([made / "set.jsonl"], [DEMO])
    draw_calibration(tmp_path / "calibration.svg", {DEMO: list(calibrate(left, 20))})
    save_cases(left, tmp_path / "again.md")
    assert (tmp_path / "calibration.svg").read_bytes() == files["locator/calibration.svg"]
    assert (tmp_path / "again.md").read_bytes() == files["locator-cases.md"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--repo=octo/demo"], "Where are the scored runs of octo/demo? Give --runs octo/demo=FOLDER."),
        (["--repo=octo/demo", "--runs=octo/demo=nowhere"], "predictions.jsonl is missing: run bench.locator_rivals"),
        (["--repo=octo/none", "--runs=octo/none={made}/octo/demo"], "No pull request of octo/none is in the sets"),
        (["--repo=octo/other", "--runs=octo/other={made}/octo/demo"], "has no scores of octo/other#"),
    ],
)
def test_what_does_not_fit_is_told(made: Path, tmp_path: Path, given: list[str], said: str) -> None:
    done = report(made, tmp_path, *(one.format(made=made) for one in given))
    assert done.exit_code != 0
    assert said in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_a_damaged_set_is_told(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text("{}\n", encoding="utf-8")
    save_run(tmp_path / DEMO, make(DEMO, 8))
    done = report(tmp_path, tmp_path, f"--repo={DEMO}", f"--runs={DEMO}={tmp_path / DEMO}")
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")


@pytest.fixture(scope="module")
def left() -> LeftOut:
    return leave_out(DEMO, [read_known(held) for held in (*make(DEMO, 40), *make(OTHER, 36))])


def test_the_figures_are_those_of_the_evaluation(left: LeftOut) -> None:
    model = left.locator.hunk
    pairs = []
    for one in left.known:
        scores = tuple(score(model, one.labelled.rows).tolist())
        pairs.append((one.held, Prediction(*one.held.key, "", hunk_scores=scores)))
    table, once = count(pairs, {}), np.ones((1, len(pairs)))
    expected = [
        float(FIGURES[name].formula.compute(table, once)[0])
        for name in ("ranking.hunk.within_ap", "ranking.hunk.ap_commented")
    ]
    assert [measure_within(left.known, model), measure_pooled(left.known, model)] == pytest.approx(expected)


def test_a_curve_takes_ties_together() -> None:
    scores, right = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, True])
    recall, precision = trace_precision([(np.tile(scores, 10), np.tile(right, 10))])
    assert (recall.tolist(), precision.tolist()) == (pytest.approx([2 / 3, 1.0]), pytest.approx([2 / 3, 0.75]))


def test_cases_are_what_they_are_called_and_say_only_what_a_person_wrote(
    left: LeftOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "MOST_LINES", 40)
    every = list(list_cases(left))
    for case in every:
        known = case.known
        right = known.right[known.places[case.at]]
        assert (case.first_right == 1) == right
        assert case.located.hunks[case.at] == max(case.located.hunks)
    counts = [sum(map(wants, every)) for _, _, wants in KINDS]
    assert counts[0] > 0
    chosen = next(case for case in every if KINDS[0][2](case))
    page = render_cases(left, {case.key: f"Read: {case.key}." for case in every if case is not chosen})
    assert page.count("\n### ") == sum(min(most, found) for (_, most, _), found in zip(KINDS, counts, strict=True))
    assert page.count("Read: ") >= page.count("\n### ") - 1
    assert chosen.key not in page
    assert "Why?" not in page, "no words of the people who commented"


def test_there_are_words_for_every_feature() -> None:
    assert set(LINE_FEATURES) <= set(LINE_WORDS)
