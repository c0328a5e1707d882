"""What must be so before the gate's figures can decide anything: enough was measured, on the same terms for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from evals.comparison import Aligned
from evals.gate_checks import Check
from evals.report_metrics import count
from evals.rules import Beats, Sample
from evals.scorecard import Scorecard
from evals.table import Table
from reviewer.settings import Settings

BUDGET: Final = "max_comments"
"""The setting of how many comments are posted."""


def check_sample(rule: Sample, table: Table) -> Check:
    """Is there enough to decide anything?"""
    commented = int(np.count_nonzero(table.column("location.gold") + table.column("location.open.gold")))
    enough = len(table.keys) >= rule.pull_requests and commented >= rule.commented
    there = f"{count(len(table.keys), 'pull request')}, {commented:,} of them with a comment by a human"
    words = f"The test set has {there}; the rule asks for {rule.pull_requests:,} and {rule.commented:,}."
    return Check("sample", "", "passed" if enough else "unclear", words)


def check_pairs(rule: Sample, card: Scorecard) -> Iterator[Check]:
    """Were there enough training comments that differ to choose texts from? Nothing, if that is not asked.

    It is a part of its own: what is worse than the champion's is worse without any of them.
    """
    if rule.training_pairs:
        pairs = card.text_scorer.get("training_pairs", {})
        distinct = int(pairs.get("distinct", 0))
        there = f"with {count(distinct, 'different training comment')}"
        if pairs and "distinct" not in pairs:
            there = "by an older version that did not count the training comments that differ"
        words = f"Texts were scored {there}; the rule asks for {rule.training_pairs:,}."
        yield Check("pairs", "", "passed" if distinct >= rule.training_pairs else "unclear", words)


def check_holes(card: Scorecard) -> Iterator[Check]:
    """Did the candidate's failures choose the pull requests? Nothing, if they did not."""
    if card.holes:
        words = f"{card.candidate!r} was scored without {count(card.holes, 'pull request')} that a model failed on."
        yield Check("sample", "", "unclear", words, card.candidate)


def check_baseline(
    card: Scorecard, aligned: Aligned, rules: Sequence[Beats], challenger: Scorecard, table: Table
) -> Iterator[Check]:
    """Is a baseline that must be beaten what it is taken for? Nothing, if it is.

    One of `names` must post as many comments as the challenger, or as the product does: with another budget it is
    weaker. And none may be scored on some of the pull requests alone, which may suit the challenger.

    Args:
        card: The baseline's.
        aligned: It as the champion, and the challenger.
        rules: What is asked beside baselines.
        challenger: Who must beat it.
        table: What the challenger is judged on.
    """
    default = Settings().max_comments
    posts, budget = card.settings.get(BUDGET, "unknown"), challenger.settings.get(BUDGET, default)
    if any(card.candidate in rule.names for rule in rules) and posts not in (default, budget):
        words = f"{card.candidate!r} was run with a {BUDGET} of {posts}: give one with {budget}, as the challenger has."
        yield Check("baseline", "", "unclear", words, card.candidate)
    scored, asked = len(aligned.challenger.keys), len(table.keys)
    if rules and scored < asked:
        words = f"{card.candidate!r} was scored on {scored:,} of the {asked:,} pull requests: score it on all."
        yield Check("baseline", "", "unclear", words, card.candidate)
