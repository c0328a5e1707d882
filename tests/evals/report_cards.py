"""Scorecards for the tests of the report: everything that one can hold, made of a seed."""

from __future__ import annotations

import math
import random
from typing import Any

from evals.report_table import MAIN, Figure
from evals.scorecard import Bin, Estimate, Origin, Pair, Point, Scorecard, Slice
from reviewer.domain import ModelVersion

SCALE = {"share": 1.0, "score": 1.0, "count": 5.0, "seconds": 40.0, "tokens": 9000.0}
HUNK = """\
@@ -10,4 +10,5 @@ def load(path):
     data = read(path)
-    return data
+    if data:
+        return data[0]
     log(path)"""


def make_scorecard(candidate: str = "tuned", seed: int = 1, pull_requests: int = 120, **fields: Any) -> Scorecard:
    """A scorecard with something in each of its parts; `fields` replace what is made."""
    draw = random.Random(seed)
    plain: dict[str, Any] = {
        "candidate": candidate,
        "kind": "reviewer",
        "model": ModelVersion("qwen2.5-coder-1.5b", "3", "challenger", "", "7", "d41d8cd9"),
        "dataset": "gui",
        "revision": "0f1e2d3c4b5a6978",
        "glossator": "0.1.0",
        "metrics": {
            figure.name: make_estimate(draw, figure, pull_requests) for group in MAIN for figure in group.figures
        },
        "keys": [("bitcoin-core/gui", number) for number in range(1, pull_requests + 1)],
        "columns": {},
        "pools": {},
        "slices": [make_slice(draw, *names) for names in SLICES],
        "origins": [Origin("bitcoin-core/gui", "2020-06-01", "2024-03-05", pull_requests)],
        "curves": {
            name: make_curve(draw, top) for name, top in (("line", 0.3), ("near", 0.4), ("hunk", 0.5), ("file", 0.7))
        },
        "calibration": [
            Bin(0.05 + at / 10, min(1.0, 0.1 + at / 16 + draw.random() / 10), 5 + at * 3) for at in range(10)
        ],
        "drops": {"outside-diff": 41, "unreadable-reply": 7, "duplicate": 12, "over-budget": 88},
        "pairs": [make_pair(draw, number) for number in range(1, 12)],
        "text_scorer": {"model": "roberta-large", "layer": 17, "idf": False, "rescaled": True},
        "in_set": pull_requests,
    }
    return Scorecard(**{**plain, **fields})


SLICES = [
    ("language", "C++", 80),
    ("language", "Python", 31),
    ("language", "QML", 6),
    ("size", "small", 60),
    ("size", "medium", 40),
    ("size", "large", 20),
    ("kind", "bugfix", 44),
    ("kind", "feature", 50),
    ("code", "product", 100),
    ("code", "test", 25),
]


def make_estimate(draw: random.Random, figure: Figure, pull_requests: int) -> Estimate:
    value = round(draw.uniform(0.1, 0.6) * SCALE[figure.unit], 4)
    half = round(0.8 * value / math.sqrt(pull_requests) * 3, 4)
    return Estimate(value, max(0.0, value - half), value + half, pull_requests)


def make_slice(draw: random.Random, field: str, value: str, pull_requests: int) -> Slice:
    names = ("location.hunk.f1", "location.hunk.precision", "location.hunk.recall", "text.bertscore.matched")
    metrics = {name: make_estimate(draw, Figure(name, name), pull_requests) for name in names}
    return Slice(
        field,
        value,
        pull_requests,
        pull_requests * 2,
        metrics,
        "fewer than 20 pull requests" if pull_requests < 20 else "",
    )


def make_curve(draw: random.Random, top: float) -> list[Point]:
    return [Point(at / 20, top * (1.4 - at / 25) + draw.uniform(-0.02, 0.02), top * at / 20) for at in range(1, 21)]


def make_pair(draw: random.Random, number: int) -> Pair:
    human = "Should this not be `data[:1]`? The caller expects a list."
    ours = "`data[0]` fails for a mapping.\n\n```python\nreturn data[:1]\n```"
    return Pair("bitcoin-core/gui", number, "src/load.py", 12, HUNK, human, ours, round(draw.random(), 3))
