"""Scorecards whose counts cannot be are refused, wherever these stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.card_checks import check_card, check_figures
from evals.errors import EvalError
from evals.location import METRICS
from evals.scorecard import Estimate, SavedPool, Scorecard, Slice
from reviewer.domain import ModelVersion
from tests.evals.synthetic import GOOD, make_set, review, score

COLUMNS = {
    "location.gold": [1.0, 2.0],
    "location.predicted": [1.0, 1.0],
    "location.hunk.tp": [1.0, 1.0],
    "text.bertscore.own": [-0.1, 0.3],
    "text.bertscore.own.matched": [1.0, 1.0],
}
SCORED_ONCE = {"text.bertscore.own.matched": [1.0, 0.0], "text.bertscore.constant.matched": [1.0, 0.0]}
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
        ({"facts.known": [2.0, 0.0], "facts.named": [1.0, 1.0]}, "'facts.known' is more than 'facts.named'"),
        ({"running.posted": [1.0, 0.0]}, "'location.predicted' is more than 'running.posted'"),
        ({"running.posted": [2.0, 1.0], "text.posted": [1.0, 1.0]}, "'running.posted' is more than 'text.posted'"),
        ({"running.posted": [1.0, 1.0], "text.posted": [1.0, 2.0]}, "'text.posted' is more than 'running.posted'"),
        ({"text.bertscore.own": [1.1, 0.3]}, "'text.bertscore.own' has scores that no text can have"),
        ({"text.bertscore.own": [-1.1, 0.3]}, "'text.bertscore.own' has scores that no text can have"),
        ({"text.bertscore.own.matched": [1.0, -1.0]}, "'text.bertscore.own.matched' has a count that cannot be"),
        ({"text.bertscore.gold": [1.0, -1.0]}, "'text.bertscore.gold' has a count that cannot be"),
        ({"text.bertscore.gold": [1.0, 0.0]}, "more places for the texts of 'text.bertscore' than human comments"),
        ({"text.bertscore.template": [0.1, 0.5], "text.bertscore.template.matched": [1.0, 2.0]}, "has other places"),
        ({"text.bertscore.constant": [0.1, 0.0]} | SCORED_ONCE, "'text.bertscore.own' has scores that no text"),
        ({"text.bertscore.untuned": [0.5, 0.5]}, "'text.bertscore.untuned' has scores that no text can have"),
        ({"text.chrf.own": [-0.1, 0.0], "text.chrf.own.matched": [1.0, 0.0]}, "'text.chrf.own' has a count"),
    ],
)
def test_counts_that_cannot_be(changed: dict[str, list[float]], words: str) -> None:
    part = Slice("code", "test", 2, 3, {}, rows=[0, 1], columns={**COLUMNS, **changed})
    for card in (replace(CARD, columns={**COLUMNS, **changed}, pools={}), replace(CARD, slices=[part])):
        with pytest.raises(EvalError) as caught:
            check_card(card)
        assert words in caught.value.what


def test_texts_that_were_not_compared_and_those_of_the_untuned_model_may_be_fewer() -> None:
    columns = {
        **COLUMNS,
        **{f"text.bertscore.{name}": [0.0, 0.0] for name in ("constant", "constant.matched")},
        "text.bertscore.untuned": [0.0, 0.9],
        "text.bertscore.untuned.matched": [0.0, 1.0],
        "text.bertscore.gold": [1.0, 2.0],
        "text.bertscore.untuned.gold": [1.0, 2.0],
    }
    check_card(replace(CARD, columns=columns))


def test_rescaled_scores_have_no_least_one() -> None:
    low = replace(CARD, columns={**COLUMNS, "text.bertscore.own": [-3.0, 0.3]})
    check_card(replace(low, text_scorer={"bertscore": {"rescaled": "en/roberta-large"}}))
    for described in ({}, {"bertscore": {"rescaled": "no"}}, {"bertscore": "rescaled"}):
        with pytest.raises(EvalError, match="scores that no text can have"):
            check_card(replace(low, text_scorer=described))
    high = replace(CARD, columns={**COLUMNS, "text.bertscore.own": [-3.0, 1.3]})
    with pytest.raises(EvalError, match="scores that no text can have"):
        check_card(replace(high, text_scorer={"bertscore": {"rescaled": "en/roberta-large"}}))


@pytest.mark.parametrize("wanted", [{}, {"path": ""}])
def test_the_counts_of_a_real_scorecard_can_be(wanted: dict[str, str]) -> None:
    world = make_set(12)
    found = review(world, GOOD)
    first = next(key for key, prediction in found.items() if prediction.comments)
    comments = tuple(replace(comment, **wanted) for comment in found[first].comments)  # type: ignore[arg-type]
    card = score(world, "good", {**found, first: replace(found[first], comments=comments)})
    check_card(card)
    check_card(score(replace(world, training=()), "good", found))
    doubled = {**card.columns, "text.bertscore.own": [2 * one for one in card.columns["text.bertscore.own"]]}
    with pytest.raises(EvalError, match="scores that no text can have"):
        check_card(replace(card, columns=doubled))


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
