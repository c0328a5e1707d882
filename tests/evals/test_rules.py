"""rules.toml: the package's own is whole, and a wrong one is refused by name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from evals.baselines import BASELINES
from evals.comparison import by_name
from evals.rules import (
    Beats,
    Cheaper,
    First,
    Floor,
    Guard,
    Improvement,
    Rules,
    Sample,
    Slices,
    check_metrics,
    load_rules,
    parse_rules,
)
from evals.score import METRICS
from reviewer.errors import UsageError
from tests.command import ROOT

LEAST = """
[sample]
pull_requests = 60
[[guard]]
metric = "location.hunk.f1"
allowed = 0.05
[[improvement]]
metric = "location.hunk.f1"
worth = 0.05
"""


def test_the_packages_rules_speak_of_metrics_that_there_are() -> None:
    check_metrics(load_rules(), by_name(METRICS))


def test_the_packages_rules_are_strict() -> None:
    """Whoever loosens them to let a model pass has to change this test as well."""
    rules = load_rules()
    floors = {floor.metric: floor for floor in rules.floor}
    assert rules.sample.pull_requests >= 60
    assert rules.sample.training_pairs >= 1000
    assert floors["running.parse_rate"].least == 0.9
    assert floors["text.distinct"].least == 0.5
    assert floors["text.copied"].most == 0.2
    assert {floors[f"text.bertscore.lift_{name}"].judge for name in ("constant", "retrieval", "template")} == {"high"}
    assert [beats.metric for beats in rules.beats] == ["location.hunk.f1", "ranking.hunk.within_ap"]
    assert all(
        {"largest-added", "locator", "large-hunks"} <= set(beats.names) <= set(BASELINES) for beats in rules.beats
    )
    assert len(rules.first.above_zero) == 4
    assert "text.prose.bertscore.lift_shuffled" in {*rules.first.above_zero, *floors}
    assert {rule.metric for rule in rules.improvement} <= {guard.metric for guard in rules.guard}
    assert {"running.noise", "running.seconds"} <= {guard.metric for guard in rules.guard}


def test_every_rule_of_the_package_says_what_it_means() -> None:
    rules = load_rules()
    assert all(rule.means for part in (rules.floor, rules.beats, rules.guard) for rule in part)


def test_the_least_that_is_enough() -> None:
    rules = parse_rules(LEAST)
    assert rules.guard[0].margin(0.8) == 0.05
    assert rules.cheaper is None
    assert rules.list_metrics() == ["location.hunk.f1"]


def test_a_margin_may_be_a_share_of_the_champions_value() -> None:
    rules = parse_rules(LEAST.replace("allowed = 0.05", "allowed_share = 0.25"))
    assert rules.guard[0].margin(-8.0) == 2.0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("allowed =", "alowed =", "unknown field `alowed` - at `$.guard"),
        ("[sample]", "[samples]", "unknown field `samples`"),
        ("pull_requests = 60", "pull_requests = 60.5", "Expected `int`, got `float`"),
        ("pull_requests = 60", "pull_requests = -1", "sample.pull_requests is no plain number of 0 or more"),
        ("allowed = 0.05", "allowed = nan", "guard 1.allowed is no plain number"),
        ("worth = 0.05", "worth = inf", "improvement 1.worth is no plain number"),
        ("allowed = 0.05", "allowed = '5 %'", "Expected `float | null`, got `str`"),
        ("allowed = 0.05", "allowed = 0.05\nallowed_share = 0.1", "one of allowed and allowed_share"),
        ("allowed = 0.05", "", "one of allowed and allowed_share"),
        ("allowed = 0.05", "allowed = ", "is not TOML"),
        ('[[improvement]]\nmetric = "location.hunk.f1"\nworth = 0.05', "", "missing required field `improvement`"),
        ("[sample]", "beats = [{metric = 'location.hunk.f1'}]\n[sample]", "one of worth and allowed"),
        ("[sample]", "floor = [{metric = 'running.comments'}]\n[sample]", "neither least nor most"),
        ("[sample]", "floor = [{metric = 'a', least = 1, judge = 'mean'}]\n[sample]", "Invalid enum value 'mean'"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rules(LEAST.replace(old, new, 1), "mine.toml")
    assert "mine.toml" in caught.value.what
    assert words in caught.value.what
    assert "docs/gate.md" in caught.value.hint


def test_no_guard_or_no_improvement_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one guard"):
        parse_rules("guard = []\nimprovement = []\n[sample]\npull_requests = 1\n")


@pytest.mark.parametrize("data", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "rules.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UsageError, match="Cannot read"):
        load_rules(path)


def test_a_metric_that_there_is_not_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        check_metrics(parse_rules(LEAST.replace("hunk.f1", "hunk.fl")), by_name(METRICS))
    assert "location.hunk.fl" in caught.value.what
    assert "location.hunk.f1" in caught.value.hint


def test_a_metric_of_which_no_way_is_better_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="neither more nor less is better"):
        check_metrics(parse_rules(LEAST.replace("location.hunk.f1", "running.comments")), by_name(METRICS))


@pytest.mark.parametrize("kind", [Rules, Sample, Floor, Beats, First, Guard, Improvement, Cheaper, Slices])
def test_the_page_names_every_table_and_key(kind: type[msgspec.Struct]) -> None:
    page = (ROOT / "docs" / "gate.md").read_text("utf-8")
    assert [field.name for field in msgspec.structs.fields(kind) if f"`{field.name}`" not in page] == []
