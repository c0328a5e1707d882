"""What a candidate repeats, and what it copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.held_out import Key
from evals.repeats import ALIKE, METRICS, CopyCheck, Repeats, find_distinct, outline
from evals.table import build_table
from evals.text_scorers import TokenScorer
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
    assert measure(["Why?"] * 4, TRAINING) == [0, 0]
    quoting = [f"Is `{line}` needed here?" for line in ("x = 1", "y()", "z", "")]
    assert measure(quoting, TRAINING) == [0, 0]
    assert measure(["This leaks.", "this  LEAKS.", "Off by one.", "No test."], TRAINING) == [pytest.approx(2 / 4), 0]
    assert measure(["This leaks."], TRAINING) == [1, 0], "nothing to repeat"


@pytest.mark.parametrize(
    "template",
    [
        "Line {}: why do we need this here?",
        "nit: I think we should use c{0}_name here instead of otherName{0}? Is this needed?",
        "Is this needed here?\n```suggestion\nwords without end, number {}\n```",
        "Please move src/part{}.c out of here.",
        "Is a c {} needed here?",
    ],
)
def test_what_is_filled_in_makes_no_comment_different(template: str) -> None:
    assert measure([template.format(at) for at in (1, 22, 333, 4444)], TRAINING)[0] == 0


def test_a_few_other_words_make_no_comment_different() -> None:
    frame = "Could you please check whether {} is still needed here at all"
    bodies = [frame.format(word) for word in ("alpha", "beta", "gamma")]
    assert measure([*bodies, "This leaks when the lock fails."], TRAINING)[0] == pytest.approx(1 / 4)


words = st.lists(st.sampled_from(["why", "lock", "leaks", "this", "`x`", "f(1)"]), max_size=5).map(" ".join)


@settings(deadline=None, max_examples=100)
@given(st.lists(words, max_size=6))
def test_a_comment_is_distinct_when_no_other_has_most_of_its_words(bodies: list[str]) -> None:
    outlines = [outline(body) for body in bodies]
    expected = [
        all(
            own != other and TokenScorer().score([(render(own), (render(other),))])[0] < ALIKE
            for place, other in enumerate(outlines)
            if place != at
        )
        for at, own in enumerate(outlines)
    ]
    assert find_distinct(outlines) == expected


def render(words: tuple[str, ...]) -> str:
    return " ".join(words).replace("`", "quoted")


def test_copies_are_found_with_small_changes() -> None:
    copied = ["Nit:  typo", "Please use a lock here, else two threads will write at once!"]
    assert measure([*copied, "Off by one.", "Please use a lock."], TRAINING)[1] == pytest.approx(2 / 4)
    assert np.isnan(measure(copied, [])[1]), "without training comments nobody can tell"


def test_only_the_wanted_files_count() -> None:
    assert measure(["Nit: typo", "Nit: typo", "x", "y"], TRAINING, lambda path: path == "b.c") == [1, 0]


def test_a_text_without_words() -> None:
    assert not CopyCheck(TRAINING).is_copy("???")
    assert CopyCheck(["???"]).is_copy(" ? ??")
    assert find_distinct([]) == []


def test_the_outline_of_a_comment() -> None:
    assert outline("Use `a b`\n or `c`.") == ("use", "`", "or", "`")
    assert outline("Why call foo_bar(x) 3 times, or std::move?") == ("why", "call", "`", "times", "or", "`")
    assert outline("(See THE docs.) e-mail me: it's camelCase", ["see", "mail"]) == (
        "`",
        "the",
        "docs",
        "e",
        "`",
        "me",
        "it",
        "s",
        "`",
    )
    assert outline("```suggestion\nreturn 1") == ("`",)
    assert outline(" ?! ") == ()
