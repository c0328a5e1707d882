"""Checks of fact: which names a comment has, whether they exist, and whether its suggestion applies."""

from __future__ import annotations

import numpy as np
import pytest

from evals.facts import METRICS, applies, check_facts, find_suggestion, is_known, list_known, list_names
from evals.held_out import HeldOut
from evals.predictions import Predicted, Prediction
from evals.table import build_table
from reviewer.domain import Bundle
from tests.fakes import make_diff, make_pull_request

OLD = "def load(path):\n    data = open(path).read()\n    return data\n"
NEW = "def load(path):\n    raw_data = open(path).read()\n    return raw_data.strip()\n"
HELD = HeldOut(Bundle(make_pull_request(make_diff("src/user_store.py", OLD, NEW))), (), complete=True)
HUNKS = HELD.bundle.pull_request.files[0].hunks


def comment(body: str = "", line: int = 2, start: int | None = None, suggestion: str | None = None) -> Predicted:
    return Predicted("src/user_store.py", "RIGHT", line, start, body, suggestion=suggestion)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("Plain words. And more, e.g. these, i.e. none.", []),
        ("Use `raw_data` and raw_data, once.", ["raw_data"]),
        (
            "snake_case camelCase foo() a.b os.path A::b p->x",
            ["snake_case", "camelCase", "foo()", "os.path", "A::b", "p->x"],
        ),
        ("`if (x == NULL)` fails", ["if", "NULL"]),
        ("`Color for rows` is a phrase, `open(path) now` is not", ["open", "path", "now"]),
        ("See https://example.org/a_b/cD and :sweat_smile: on GitHub", []),
        ("Do this:\n```suggestion\nnew_name = 1\n```\nnot `old`", ["old"]),
        ("~~~\nnew_name\n~~~", []),
        ("```\nnever closed_block", []),
        ("``a `b` c_d``", ["c_d"]),
    ],
)
def test_names(body: str, names: list[str]) -> None:
    assert list_names(body) == names


def test_names_exist_in_the_diff_or_in_the_path() -> None:
    known = list_known(HELD.bundle.pull_request.files[0])
    for name in ("raw_data", "raw_data.strip()", "data", "user_store", "load()"):
        assert is_known(name, known), name
    for name in ("raw", "raw_data.close", "missing()"):
        assert not is_known(name, known), name


@pytest.mark.parametrize(
    ("suggestion", "line", "start", "expected"),
    [
        ("    raw_data = read(path)", 2, None, True),
        ("    raw_data = open(path).read()", 2, None, False),
        ("    raw_data = (", 2, None, False),
        ("    return None", 3, 2, True),
        ("", 3, 2, True),
        ("    return None", 9, None, False),
        ("    return None", 4, 3, False),
    ],
)
def test_suggestions(suggestion: str, line: int, start: int | None, expected: bool) -> None:
    assert applies(suggestion, comment("", line, start), HUNKS) is expected


def test_a_suggestion_on_a_removed_line_cannot_apply() -> None:
    assert not applies("x = 1", Predicted("src/user_store.py", "LEFT", 2, None, ""), HUNKS)


def test_suggestions_are_found_in_the_text_too() -> None:
    assert find_suggestion(comment("Better:\n```suggestion\nx = 1\n```\n")) == "x = 1\n"
    assert find_suggestion(comment("```suggestion\n```")) == ""
    assert find_suggestion(comment("```python\nx = 1\n```")) is None
    assert find_suggestion(comment("```suggestion\nx\n```", suggestion="y")) == "y"


def test_counts_of_a_pull_request_by_hand() -> None:
    prediction = Prediction(
        *HELD.key,
        HELD.digest,
        (
            comment("`raw_data` may be `None`; close_file() is missing", suggestion="    raw_data = read(path)"),
            comment("Ok\n```suggestion\n    return raw_data.strip()\n```", 3),
            Predicted("other.py", "RIGHT", 1, None, "`raw_data`", suggestion="x"),
            Predicted("src/user_store.py", "RIGHT", 1, None, "`never` counted", posted=False),
        ),
    )
    row = check_facts(HELD, prediction)
    assert row == {"facts.named": 4, "facts.known": 1, "facts.suggested": 3, "facts.applies": 1}
    table = build_table([HELD.key], [row])
    assert [float(metric.formula.compute(table, np.ones((1, 1)))[0]) for metric in METRICS] == [
        pytest.approx(1 / 4),
        pytest.approx(1 / 3),
    ]
