"""Running: values worked out by hand, and which pull requests have a say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evals.held_out import HeldOut
from evals.metrics import Ratio
from evals.predictions import Anchors, Prediction
from evals.running import METRICS, count_tokens, is_quiet, score_running
from evals.table import build_table
from tests.evals.places import HUNKS, human, make_held, ours, predict


def measure(*pairs: tuple[HeldOut, Prediction]) -> dict[str, float]:
    table = build_table([held.key for held, _ in pairs], [score_running(*pair) for pair in pairs])
    weights = np.ones((1, len(pairs)))
    return {
        metric.name.removeprefix("running."): float(metric.formula.compute(table, weights)[0]) for metric in METRICS
    }


def test_figures_worked_out_by_hand() -> None:
    commented = make_held(*HUNKS, gold=[human("a.c", 13)], number=1)
    quiet, still = make_held(*HUNKS, number=2), make_held(*HUNKS, number=3)
    known = {"requests": 5, "prompt_tokens": 900, "completion_tokens": 100}
    pairs = [
        (
            commented,
            predict(
                commented,
                ours("a.c", 13),
                ours("a.c", 15, posted=False),
                status="partial",
                asked=5,
                unreadable=1,
                anchors=Anchors(4, 1, 1),
                seconds=6.0,
                **known,
            ),
        ),
        (quiet, predict(quiet, ours("a.c", 13), ours("a.c", 14), status="reviewed", asked=3, seconds=3.0, requests=3)),
        (still, predict(still, ours("a.c", 13, posted=False), status="not-reviewed", anchors=Anchors(1, 0, 2))),
    ]
    assert measure(*pairs) == pytest.approx(
        {
            "parse_rate": 7 / 8,
            "anchoring_rate": 5 / 9,
            "comments": 3 / 3,
            "noise": 1 / 2,
            "noise_comments": 2 / 2,
            "seconds": 9 / 3,
            "tokens": (1000 + 0) / 2,
            "partial": 1 / 3,
            "not_reviewed": 1 / 3,
        }
    )


@pytest.mark.parametrize(
    ("held", "quiet"),
    [
        (make_held(*HUNKS), True),
        (make_held(*HUNKS, gold=[human("a.c", 13)]), False),
        (make_held(*HUNKS, unplaced=1), False),
        (make_held(*HUNKS, complete=False), False),
    ],
)
def test_noise_is_heard_only_where_no_human_is_known_to_have_said_a_word(held: HeldOut, quiet: bool) -> None:
    assert is_quiet(held) is quiet
    figures = measure((held, predict(held, ours("a.c", 13))))
    assert math.isnan(figures["noise"]) is not quiet
    assert math.isnan(figures["noise_comments"]) is not quiet


def test_a_candidate_without_a_model_has_no_parse_rate_no_tokens_and_no_status() -> None:
    held = make_held(*HUNKS)
    figures = measure((held, predict(held, ours("a.c", 13))))
    unscored = [name for name, value in figures.items() if math.isnan(value)]
    assert unscored == ["parse_rate", "anchoring_rate", "tokens", "partial", "not_reviewed"]


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"status": "reviewed", "requests": 2, "prompt_tokens": 7, "completion_tokens": 3}, 10),
        ({"status": "reviewed", "requests": 2, "prompt_tokens": 7}, None),
        ({"status": "reviewed", "requests": 2, "completion_tokens": 3}, None),
        ({"status": "not-reviewed", "requests": 0}, 0),
        ({"requests": 0}, None),
    ],
)
def test_tokens_count_where_they_are_known(fields: dict[str, object], tokens: int | None) -> None:
    held = make_held(*HUNKS)
    assert count_tokens(predict(held, **fields)) == tokens


def test_each_figure_has_its_counts() -> None:
    held = make_held(*HUNKS)
    row = score_running(held, predict(held, status="reviewed"))
    for metric in METRICS:
        assert isinstance(metric.formula, Ratio)
        assert {*metric.formula.numerator, *metric.formula.denominator} <= set(row), metric.name
    assert len({metric.name for metric in METRICS}) == len({metric.label for metric in METRICS}) == len(METRICS)
