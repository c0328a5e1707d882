"""What a candidate repeats, and what it copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from evals.held_out import Key
from evals.repeats import METRICS, CopyCheck, Repeats, outline
from evals.table import build_table
from tests.evals.places import HUNKS, make_held, ours, predict

TRAINING = ["Please use a lock here, else two threads write at once.", "Nit: typo"]


def measure(bodies: list[str], training: list[str], wants: Callable[[str], bool] = bool) -> list[float]:
    first, second = make_held(*HUNKS, number=1), make_held(*HUNKS, number=2)
    half = len(bodies) // 2
    predictions = {
        first.key: predict(first, *(ours("a.c", 13 + at, body=body) for at, body in enumerate(bodies[:half]))),
        second.key: predict(
            second,
            *(ours("b.c", 1 + at, body=body) for at, body in enumerate(bodies[half:])),
            ours("b.c", 9, body="over the budget", posted=False),
        ),
    }
    rows: dict[Key, defaultdict[str, float]] = {key: defaultdict(float) for key in predictions}
    Repeats([first, second], predictions, training).count(rows, wants)
    table = build_table(list(rows), list(rows.values()))
    return [float(metric.formula.compute(table, np.ones((1, 2)))[0]) for metric in METRICS]


def test_a_constant_a_template_and_own_words() -> None:
    assert measure(["Why?"] * 4, TRAINING) == [pytest.approx(1 / 4), 0]
    quoting = [f"Is `{line}` needed here?" for line in ("x = 1", "y()", "z", "")]
    assert measure(quoting, TRAINING) == [pytest.approx(1 / 4), 0]
    assert measure(["This leaks.", "this  LEAKS.", "Off by one.", "No test."], TRAINING) == [pytest.approx(3 / 4), 0]


def test_copies_are_found_with_small_changes() -> None:
    copied = ["Nit:  typo", "Please use a lock here, else two threads will write at once!"]
    assert measure([*copied, "Off by one.", "Please use a lock."], TRAINING)[1] == pytest.approx(2 / 4)
    assert np.isnan(measure(copied, [])[1]), "without training comments nobody can tell"


def test_only_the_wanted_files_count() -> None:
    assert measure(["Nit: typo", "Nit: typo", "x", "y"], TRAINING, lambda path: path == "b.c") == [1, 0]


def test_a_text_without_words() -> None:
    assert not CopyCheck(TRAINING).is_copy("???")
    assert CopyCheck(["???"]).is_copy(" ? ??")
    assert outline("Use `a b`\n or `c`.") == "use `` or ``."
