"""Scorecards whose counts cannot be are refused, wherever these stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.card_checks import check_card, check_figures
from evals.errors import EvalError
from evals.location import METRICS
from evals.scorecard import Estimate, SavedPool, Scorecard, Slice
from reviewer.domain import ModelVersion

COLUMNS = {
    "location.gold": [1.0, 2.0],
    "location.predicted": [1.0, 1.0],
    "location.hunk.tp": [1.0, 1.0],
    "text.bertscore.own": [-0.1, 0.3],
    "text.bertscore.own.matched": [1.0, 1.0],
}
POOL = SavedPool([0, 1, 1], [0.9, 0.5, 0.5], [1.0, 0.0, 1.0], "location.gold")
KEYS = [("octo/demo", 1), ("octo/demo", 2)]
CARD = Scorecard(
    "model", "reviewer", ModelVersion("model"), "set", "1", "1.0", {}, KEYS, COLUMNS, {"location.hunk": POOL}
)
F1 = [metric for metric in METRICS if metric.name == "location.hunk.f1"]


def test_counts_that_can_be() -> None:
    check_card(CARD)
    check_card(replace(CARD, pools={"ranking.hunk": SavedPool([], [], [], "ranking.hunk.right")}))
    check_figures(CARD, F1)
    check_figures(replace(CARD, metrics={"location.hunk.f1": Estimate(0.8, 0.5, 1.0, 2)}), F1)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"location.gold": [1.0, float("nan")]}, "'location.gold' has a count that cannot be"),
        ({"location.predicted": [1.0, -1.0]}, "'location.predicted' has a count"),
        ({"location.hunk.tp": [2.0, 0.0]}, "more than 'location.predicted' in a pull request"),
        ({"location.gold": [0.0, 3.0]}, "more than 'location.gold' in a pull request"),
        ({"location.open.hunk.tp": [0.0, 0.0]}, "counts 'location.open.hunk.tp' and not 'location.open.gold'"),
        ({"text.copied": [1.0, 0.0], "text.compared": [0.0, 1.0]}, "'text.copied' is more than 'text.compared'"),
        ({"text.bertscore.template.matched": [1.0, 1.0]}, "and not what these were worth"),
    ],
)
def test_counts_that_cannot_be(changed: dict[str, list[float]], words: str) -> None:
    part = Slice("code", "test", 2, 3, {}, rows=[0, 1], columns={**COLUMNS, **changed})
    for card in (replace(CARD, columns={**COLUMNS, **changed}, pools={}), replace(CARD, slices=[part])):
        with pytest.raises(EvalError) as caught:
            check_card(card)
        assert words in caught.value.what


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (replace(POOL, scores=[0.5, 0.9, 0.5]), "not in the order of its scores"),
        (replace(POOL, gains=[1.0, 0.0, 2.0]), "a gain that cannot be"),
        (replace(POOL, rows=[0, 0, 1], gains=[1.0, 1.0, 0.0]), "more is right in 'location.hunk' than there is"),
        (replace(POOL, positives="found"), "does not count 'found'"),
    ],
)
def test_ranks_that_cannot_be(pool: SavedPool, words: str) -> None:
    with pytest.raises(EvalError, match=words):
        check_card(replace(CARD, pools={"location.hunk": pool}))


def test_figures_that_its_counts_do_not_give() -> None:
    with pytest.raises(EvalError, match="F1, same hunk is not what its counts say"):
        check_figures(replace(CARD, metrics={"location.hunk.f1": Estimate(0.9, 0.5, 1.0, 2)}), F1)
    without = {name: values for name, values in COLUMNS.items() if name != "location.predicted"}
    with pytest.raises(EvalError, match=r"made of 'location.predicted', which is not counted"):
        check_figures(replace(CARD, columns=without), F1)
    with pytest.raises(EvalError, match=r"F1, same hunk is a share of 1\.60"):
        check_figures(replace(CARD, columns={**COLUMNS, "location.hunk.tp": [2.0, 2.0]}), F1)
