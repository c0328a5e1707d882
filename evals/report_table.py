"""Which figures the report's tables hold, in which order, and how they are called and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evals.metrics import Better, Unit
from evals.report import STRICTNESSES, Report
from evals.scorecard import Estimate

OFF: Final = Estimate(None, note="not in this scorecard")


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric as the report shows it."""

    name: str
    label: str
    unit: Unit = "share"
    better: Better = "higher"


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that belong together, under one heading."""

    title: str
    figures: tuple[Figure, ...]


def _location(what: str, label: str) -> tuple[Figure, ...]:
    return tuple(Figure(f"location.{key}.{what}", f"{label}, {said}") for key, said in STRICTNESSES.items())


MAIN: Final = (
    Group(
        "Where it comments",
        (
            *_location("f1", "F1"),
            *(Figure(f"location.hunk.{what}", f"{what.capitalize()}, same hunk") for what in ("precision", "recall")),
            Figure("location.hunk.recall_open", "Recall, same hunk, incomplete pull requests"),
            Figure("location.hunk.f1_commented", "F1, same hunk, commented pull requests only"),
        ),
    ),
    Group(
        "Where it points",
        (
            Figure("ranking.hunk.ap", "Average precision, hunks of all pull requests", "score"),
            Figure("ranking.hunk.within_ap", "Average precision within pull requests", "score"),
            Figure("ranking.hunk.p1", "First hunk is right"),
            Figure("ranking.hunk.p1_many", "First hunk is right, more than 3 hunks"),
            Figure("ranking.line.top10", "A right line among the first 10"),
            Figure("ranking.line.recall20", "Recall at 20 % of changed lines"),
        ),
    ),
    Group(
        "What it says",
        (
            Figure("text.bertscore.matched", "BERTScore, matched comments", "score"),
            Figure("text.bertscore.all_gold", "BERTScore, all human comments", "score"),
            Figure("text.bertscore.lift_template", "BERTScore, lift over the template", "score"),
            Figure("text.chrf.matched", "chrF, matched comments", "score"),
            Figure("text.rouge_l.matched", "ROUGE-L, matched comments", "score"),
            Figure("facts.identifiers", "Identifiers named that exist"),
            Figure("facts.suggestions", "Suggestions that apply"),
        ),
    ),
    Group(
        "How it runs",
        (
            Figure("running.parse_rate", "Replies that can be read"),
            Figure("running.anchoring_rate", "Quoted lines found where cited"),
            Figure("running.comments", "Comments per pull request", "count", "neither"),
            Figure("running.noise", "Uncommented pull requests that get a comment", "share", "lower"),
            Figure("running.noise_comments", "Comments per uncommented pull request", "count", "lower"),
            Figure("running.seconds", "Seconds per pull request", "seconds", "lower"),
            Figure("running.tokens", "Tokens per pull request", "tokens", "lower"),
        ),
    ),
)


def choose_groups(report: Report) -> tuple[Group, ...]:
    """The main table's groups, without figures that no scorecard has a value for."""
    groups = []
    for group in MAIN:
        kept = tuple(
            figure
            for figure in group.figures
            if any(card.metrics.get(figure.name, OFF).value is not None for card in report.cards)
        )
        if kept:
            groups.append(Group(group.title, kept))
    return tuple(groups)


def is_beaten(figure: Figure, ours: Estimate, theirs: Estimate) -> bool:
    """Whether another's value is better than ours, by the estimate alone: the interval is not asked."""
    if ours.value is None or theirs.value is None or figure.better == "neither":
        return False
    return theirs.value > ours.value if figure.better == "higher" else theirs.value < ours.value
