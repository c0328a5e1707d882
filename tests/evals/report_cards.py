"""Scorecards for the tests of the report: counts made of a seed, and everything else that a scorecard can hold."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache
from typing import Any

from evals.metrics import Metric, Ratio
from evals.report_metrics import BY_NAME, list_shown
from evals.scorecard import Bin, Estimate, Origin, Pair, Point, Scorecard, Slice
from evals.statistics import estimate
from evals.table import Row, Table, build_table
from reviewer.domain import ModelVersion

SLICES = [
    ("language", "C++", 80),
    ("language", "QML", 6),
    ("size", "small", 60),
    ("size", "large", 20),
]
OF_SLICES = ("location.hunk.f1", "location.hunk.precision", "text.bertscore.matched")
HUNK = """\
     data = read(path)
-    return data
+    if data:
+        return data[0]
     log(path)"""
DRAWS = 200
PARTS = [
    ("running.anchored", "running.anchors"),
    ("running.quiet_posting", "running.quiet"),
    ("text.copied", "text.compared"),
    ("facts.known", "facts.named"),
    ("facts.applies", "facts.suggested"),
    ("location.placed.hunk.tp", "location.placed.predicted"),
    ("location.placed.hunk.tp", "location.placed.gold"),
]
"""Counts that are of others: never more."""


def make_scorecard(
    candidate: str = "tuned", seed: int = 1, pull_requests: int = 40, skill: float = 0.3, **fields: Any
) -> Scorecard:
    """A scorecard with something in each of its parts; `fields` replace what is made."""
    table = make_table(seed, pull_requests, skill)
    draw = random.Random(seed)
    plain: dict[str, Any] = {
        "candidate": candidate,
        "kind": "reviewer",
        "model": ModelVersion("qwen2.5-coder-1.5b", "3", "challenger", "", "7", "d41d8cd9"),
        "dataset": "gui",
        "revision": "0f1e2d3c4b5a6978",
        "glossator": "0.1.0",
        "metrics": dict(make_estimates(seed, pull_requests, skill)),
        "keys": list(table.keys),
        "columns": {name: column.tolist() for name, column in table.columns.items()},
        "pools": {},
        "slices": [make_slice(draw, *names) for names in SLICES],
        "origins": [Origin("bitcoin-core/gui", "2020-06-01", "2024-03-05", pull_requests)],
        "curves": {f"location.{name}": make_curve(draw, top) for name, top in CURVES},
        "calibration": [Bin(0.05 + at / 10, min(1.0, 0.05 + at / 20), 5 + at * 3) for at in range(10)],
        "drops": {"outside-diff": 41, "unreadable-reply": 7, "duplicate": 12, "over-budget": 88},
        "pairs": [make_pair(rank, 1 - rank / 12) for rank in range(1, 12)],
        "text_scorer": {"bertscore": {"model": "roberta-large", "layer": 17, "idf": False, "rescaled": True}},
        "settings": {"max_comments": 3},
        "in_set": pull_requests,
        "notes": ["The pull requests were made from 2020-06-01 to 2024-03-05. The model may have seen them."],
    }
    return Scorecard(**{**plain, **fields})


CURVES = (("line", 0.3), ("near", 0.4), ("hunk", 0.5), ("file", 0.7))


@cache
def make_table(seed: int, pull_requests: int, skill: float) -> Table:
    """Counts of all columns that the shown metrics are made of."""
    draw = random.Random(seed)
    gold = random.Random(0)
    keys = [("bitcoin-core/gui", number) for number in range(1, pull_requests + 1)]
    return build_table(keys, [make_row(draw, gold, skill) for _ in keys])


def make_row(draw: random.Random, gold: random.Random, skill: float) -> Row:
    row = {name: draw.random() for name in list_columns(list_shown())}
    for name in row:
        if name.endswith(("matched", "gold", "pull_requests", "asked", "posted", "known")):
            row[name] = 1.0
    for part, whole in PARTS:
        if part in row:
            row[part] = min(row[part], row[whole])
    row |= {"text.bertscore.untuned.matched": 1.0, "text.posted": 3.0, "running.posted": 3.0}
    found = draw.random() < skill
    row |= {"location.gold": gold.choice([0, 0, 1, 2]), "location.predicted": draw.choice([0, 1, 2, 3])}
    for strictness, factor in (("line", 0.3), ("near", 0.5), ("hunk", 0.8), ("file", 1.0)):
        reached = min(row["location.gold"], row["location.predicted"])
        row[f"location.{strictness}.tp"] = float(found and draw.random() < factor) * min(1, reached)
    return row


def list_columns(metrics: Iterable[Metric]) -> list[str]:
    formulas = [metric.formula for metric in metrics if isinstance(metric.formula, Ratio)]
    return sorted({name for formula in formulas for part in (formula.numerator, formula.denominator) for name in part})


@cache
def make_estimates(seed: int, pull_requests: int, skill: float) -> tuple[tuple[str, Estimate], ...]:
    table = make_table(seed, pull_requests, skill)
    return tuple((metric.name, estimate(metric, table, DRAWS)) for metric in BY_NAME.values())


def make_slice(draw: random.Random, field: str, value: str, pull_requests: int) -> Slice:
    metrics = {}
    for name in OF_SLICES:
        middle, half = draw.uniform(0.2, 0.5), 1.2 / pull_requests**0.5
        metrics[name] = Estimate(middle, max(0.0, middle - half), middle + half, pull_requests)
    gold = pull_requests * 2
    note = f"Too small to rely on: {gold} human comments on {pull_requests} pull requests." if gold < 20 else ""
    return Slice(field, value, pull_requests, gold, metrics, note)


def make_curve(draw: random.Random, top: float) -> list[Point]:
    return [Point(at / 20, top * (1.4 - at / 25) + draw.uniform(-0.02, 0.02), top * at / 20) for at in range(1, 21)]


def make_pair(rank: int, score: float, **fields: Any) -> Pair:
    """A pair of comments on the fourth line of `HUNK`; `fields` replace what is made."""
    plain: dict[str, Any] = {
        "repo": "bitcoin-core/gui",
        "number": rank,
        "path": "src/load.py",
        "line": 12,
        "hunk": HUNK,
        "human": "Should this not be `data[:1]`? The caller expects a list.",
        "ours": "`data[0]` fails for a mapping.\n\n```python\nreturn data[:1]\n```",
        "score": score,
        "marked": 3,
        "rank": rank,
        "of": 11,
    }
    return Pair(**{**plain, **fields})
