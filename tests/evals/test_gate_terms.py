"""The gate decides on nothing that was not measured on the same terms, and still says what has become worse."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evals.comparison import by_name
from evals.decided import Decided, load_decided
from evals.gate import Decision, decide, save_decision
from evals.gate_checks import Check
from evals.gate_report import render_markdown, render_text
from evals.gate_terms import check_pairs, check_sample
from evals.regression_text import load_comparison
from evals.rules import Rules, Sample, load_rules
from evals.score import METRICS
from evals.scorecard import Estimate, Scorecard
from evals.table import build_table
from tests.evals.synthetic import Synthetic, score
from tests.evals.test_gate import (
    DRAWS,
    card,
    change_columns,
    cut,
    judge,
    make_predictions,
    replace_sample,
    rules,
    world,
)


def find(decision: Decision, part: str, metric: str = "") -> list[Check]:
    return [check for check in decision.checks if check.part == part and metric in {"", check.metric}]


def test_the_sample_counts_commented_pull_requests_of_both_kinds() -> None:
    rows = [{"location.gold": 2.0}, {"location.open.gold": 1.0}, {"location.gold": 0.0}]
    table = build_table([("octo/demo", number) for number in range(3)], rows)
    assert check_sample(Sample(pull_requests=3, commented=2), table).result == "passed"
    assert check_sample(Sample(pull_requests=3, commented=3), table).result == "unclear"
    assert check_sample(Sample(pull_requests=4), table).result == "unclear"


def test_only_training_comments_that_differ_count() -> None:
    for pairs, result in (({"count": 9, "distinct": 9}, "passed"), ({"count": 9, "distinct": 1}, "unclear")):
        (check,) = check_pairs(
            Sample(pull_requests=1, training_pairs=9), replace(card("good"), text_scorer={"training_pairs": pairs})
        )
        assert check.result == result
    old = replace(card("good"), text_scorer={"training_pairs": {"count": 9}})
    (check,) = check_pairs(Sample(pull_requests=1, training_pairs=9), old)
    assert check.result == "unclear"
    assert "by an older version" in check.words


def test_each_check_is_shown_though_it_is_of_no_figure() -> None:
    checks = [Check("pairs", "", "unclear", "Too few pairs."), Check("cases", "", "unclear", "Not all cases.")]
    found = replace(judge(card("mediocre"), card("good")), checks=checks)
    text = render_text(found, by_name(METRICS), width=100, color=False)
    assert re.search(r"Pairs +\? too few\n +Too few pairs\.\n +Cases +\? all of them\n +Not all cases\.", text)
    assert "**Pairs**\n\n- cannot be told: Too few pairs." in render_markdown(found, by_name(METRICS))


# -- the nightly watch: the package's own rules, no baselines, few training pairs or none ----------------------------


def watch(champion: Scorecard, challenger: Scorecard, folder: Path) -> tuple[Decided, Path]:
    """The gate as the nightly workflow asks it about the champion, read back as its jobs do."""
    save_decision(decide(champion, challenger, [], load_rules(), METRICS, DRAWS), folder / "gate.json")
    return load_decided(folder / "gate.json"), folder / "gate.json"


def score_alone(name: str) -> Scorecard:
    """Without training pairs."""
    return score(Synthetic(world().held_out, ()), name, make_predictions(name))


@pytest.mark.slow
@pytest.mark.parametrize("make", [card, score_alone])
def test_a_champion_that_is_worse_raises_the_alarm_whatever_the_pairs(
    make: Callable[[str], Scorecard], tmp_path: Path
) -> None:
    found, file = watch(make("good"), make("mediocre"), tmp_path)
    assert found.verdict == "inconclusive"
    assert found.is_enough
    assert found.losses
    assert not found.is_better
    comparison = load_comparison(file, "champion")
    assert comparison
    assert comparison.is_worse


def test_a_champion_that_is_better_is_the_last_good_one_without_a_baseline(tmp_path: Path) -> None:
    found, _ = watch(card("mediocre"), card("good"), tmp_path)
    assert found.verdict == "inconclusive"
    assert found.is_better


# -- seconds -------------------------------------------------------------------------------------------------------


def test_seconds_at_another_pace_promote_nobody() -> None:
    """The champion itself, asked one request at a time."""
    champion = replace(card("good"), settings={"concurrency": 8})
    quick = change_columns(replace(champion, settings={"concurrency": 1}), running__seconds=0.5)
    found = judge(champion, quick)
    assert found.verdict == "inconclusive"
    (guard,), (cheaper,) = find(found, "guard", "running.seconds"), find(found, "cheaper")
    assert (guard.result, cheaper.result) == ("unclear", "unclear")
    assert "a concurrency of 8 and of 1" in guard.words
    assert any(note.startswith("Seconds are not compared") for note in found.notes)
    assert judge(champion, replace(quick, settings=champion.settings)).verdict == "promote"
    assert judge(champion, replace(quick, settings={})).verdict == "inconclusive", "nobody knows its pace"


# -- baselines -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def named() -> Rules:
    return replace_sample(load_rules(), training_pairs=1)


def make_baselines(asked: Rules, **budgets: int) -> list[Scorecard]:
    """One scorecard for each baseline that the rules name, with the product's budget or this one."""
    names = dict.fromkeys(name for rule in asked.beats for name in rule.names)
    return [
        replace(card("every-hunk"), candidate=name, settings={"max_comments": budgets.get(name.replace("-", "_"), 3)})
        for name in names
    ]


def test_a_named_baseline_has_the_budget_of_the_challenger_or_of_the_product(named: Rules) -> None:
    def run(baselines: list[Scorecard], budget: int = 3) -> Decision:
        challenger = replace(card("good"), settings={"max_comments": budget})
        return decide(card("mediocre"), challenger, baselines, named, METRICS, 100)

    assert run(make_baselines(named)).verdict == "promote"
    for budget in (1, 10):
        found = run(make_baselines(named, locator=budget))
        assert found.verdict == "inconclusive"
        (reason,) = found.reasons
        assert reason.startswith(f"'locator' was run with a max_comments of {budget}: give one with 3")
    assert run(make_baselines(named, locator=10), 10).verdict == "promote"
    other = replace(card("every-hunk"), candidate="other", settings={"max_comments": 10})
    assert run([*make_baselines(named), other]).verdict == "promote", "it is not among the names"
    silent = [replace(one, settings={}) for one in make_baselines(named)]
    assert "unknown" in run(silent).reasons[0]


def test_a_baseline_is_scored_on_all_that_the_challenger_is_judged_on() -> None:
    short = cut(card("every-hunk"), 40)
    found = judge(card("mediocre"), card("good"), None, short)
    assert found.verdict == "inconclusive"
    assert "'every-hunk' was scored on 40 of the 72 pull requests: score it on all." in found.reasons
    assert any(note.startswith("'every-hunk': Compared on the 40 pull requests") for note in found.notes)
    part = judge(cut(card("mediocre"), 64), card("good"), None, cut(card("every-hunk"), 64))
    assert not any("score it on all" in check.words for check in part.checks), "nor is the challenger judged on more"


def test_what_all_the_others_have_in_common_is_noted_once() -> None:
    others = [replace(card("every-hunk"), candidate=name, glossator="0.9") for name in ("one", "two")]
    found = judge(card("mediocre"), card("good"), None, *others)
    assert [note for note in found.notes if "0.9" in note] == [
        "'one', 'two': Run by other versions of Glossator, 0.9 and 1.0."
    ]


def test_a_part_of_the_set_is_noted() -> None:
    part, whole = judge(card("mediocre"), cut(card("good"), 64)), judge(card("mediocre"), card("good"))
    (note,) = (note for note in part.notes if note.startswith("Decided on"))
    assert note == "Decided on 64 of the 72 pull requests of the set: who tries several numbers takes the luckiest."
    assert not any(note.startswith("Decided on") for note in whole.notes)


# -- a champion that says next to nothing ---------------------------------------------------------------------------


def hush(of: Scorecard, places: int) -> Scorecard:
    """The same candidate, whose only texts that stand beside a human's are these, and are as good as can be."""
    matched = of.columns["text.bertscore.own.matched"]
    kept = [row for row, there in enumerate(matched) if there][:places]
    columns = {
        name: [value if row in kept else 0.0 for row, value in enumerate(values)]
        if name.startswith(("text.bertscore.", "text.prose.bertscore."))
        else values
        for name, values in of.columns.items()
    }
    columns["text.bertscore.own"] = columns["text.bertscore.own.matched"]
    estimate = Estimate(None, pull_requests=places, note=f"only {places}")
    return replace(of, metrics={"text.bertscore.lift_template": estimate}, columns=columns)


@pytest.mark.parametrize(("places", "is_replaced"), [(2, True), (4, True), (6, False)])
def test_a_champion_with_good_luck_in_few_words_can_be_replaced(places: int, is_replaced: bool) -> None:
    found = judge(hush(card("mediocre"), places), card("good"), rules())
    (guard,) = find(found, "guard", "text.bertscore.lift_template")
    assert (guard.result == "skipped") == is_replaced, guard.words
    assert (found.verdict == "promote") == is_replaced, found.reasons


def test_a_figure_that_both_hardly_have_is_still_guarded() -> None:
    """Too few pull requests without a human comment: nobody can tell whether the noise has grown."""
    few = [1.0] * 3 + [0.0] * (len(card("good").keys) - 3)
    quiet = {"running.quiet": few, "running.quiet_posting": few}
    pair = [replace(card(name), columns={**card(name).columns, **quiet}, metrics={}) for name in ("mediocre", "good")]
    champion = replace(pair[0], metrics={"running.noise": Estimate(None, pull_requests=3)})
    (guard,) = find(judge(champion, pair[1]), "guard", "running.noise")
    assert guard.result == "unclear"
