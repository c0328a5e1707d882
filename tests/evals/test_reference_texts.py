"""Texts that need no reviewer: how the constant, the partners, the neighbour and the template are chosen."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals import reference_texts
from evals.baselines import write_template
from evals.held_out import Key
from evals.reference_texts import (
    QUOTED,
    TEMPLATE,
    Neighbours,
    choose_constants,
    fill_template,
    find_hunk,
    keep_changed,
    permute,
    render_hunk,
)
from evals.rouge import RougeL
from evals.text_scorers import TokenScorer
from evals.training_pairs import TrainingPair
from reviewer.domain import Hunk, Line
from tests.evals.places import HUNKS, make_held, make_hunk

HELD = make_held(*HUNKS)


def make_pair(hunk: str, comment: str) -> TrainingPair:
    return TrainingPair("octo/other", 1, "x.c", hunk, comment)


def test_the_constant_is_the_comment_most_like_the_others() -> None:
    comments = ["please add a test", "please add a test here", "add a comment please", "typo", "why not const?"]
    assert choose_constants([TokenScorer(), RougeL()], comments) == {
        "tokens": "please add a test",
        "rouge_l": "please add a test",
    }


def test_the_constant_does_not_depend_on_the_order_of_the_comments() -> None:
    comments = [f"please rename x{at} and add a test {at % 7}" for at in range(30)]
    assert choose_constants([TokenScorer()], comments) == choose_constants([TokenScorer()], comments[::-1])


@pytest.mark.parametrize("seed", range(4))
def test_that_a_comment_is_in_the_sample_does_not_help_it(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(reference_texts, "SAMPLE", 1)
    comments = ["first of all", "first of some", "first of none"]
    (sampled,) = random.Random(seed).sample(sorted(comments), 1)
    assert choose_constants([TokenScorer()], comments, seed)["tokens"] != sampled


def test_without_comments_there_is_no_constant() -> None:
    assert choose_constants([TokenScorer()], ["", " "]) == {}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([("octo/demo", number) for number in range(4)]), max_size=12), st.integers(0, 9))
def test_partners_are_a_permutation_and_not_of_the_own_pull_request(keys: list[Key], seed: int) -> None:
    partners = permute(keys, seed)
    assert sorted(partners) == list(range(len(keys)))
    most = max(map(keys.count, keys), default=0)
    own = sum(keys[at] == keys[other] for at, other in enumerate(partners))
    assert own == max(0, 2 * most - len(keys)), "as few as can be"


def test_another_seed_gives_other_partners() -> None:
    keys = [("octo/demo", number) for number in range(40)]
    assert permute(keys, 1) == permute(keys, 1)
    assert permute(keys, 1) != permute(keys, 2)


def test_the_neighbour_is_found_by_changed_lines() -> None:
    neighbours = Neighbours(
        [
            make_pair(" lock(mutex)\n+print(x)", "no print"),
            make_pair("-old\n+lock(mutex)", "who unlocks?"),
            make_pair("unmarked", "nothing"),
        ]
    )
    assert neighbours.find(make_hunk("zzz.c", 1, "+")) == ""
    assert neighbours.find(None) == ""
    assert Neighbours([make_pair("+a.c", "found")]).find(make_hunk("a.c", 1, " +")) == "found"


def test_the_template_quotes_the_line() -> None:
    assert fill_template(HUNKS[3], "RIGHT", 2) == "Is `b.c 1 2` needed here? I think we should simplify this."
    assert fill_template(HUNKS[0], "LEFT", 15).startswith("Is `a.c 15 17` needed")
    assert fill_template(HUNKS[0], "RIGHT", 15).startswith("Is `a.c 14 15` needed")


def test_the_template_never_quotes_a_line_without_a_word() -> None:
    texts = ["first", "  last;", "}", " *"]
    changed = [Line("+", text, None, at) for at, text in enumerate(texts, 1)]
    lines = (*changed, Line(" ", "context", 1, 5), Line("+", "", None, 6))
    hunk = Hunk("a.c", "", 1, 1, lines)
    assert {fill_template(hunk, "RIGHT", line)[:11] for line in (2, 3, 4, 6, 99)} == {"Is `last;` "}
    assert fill_template(hunk, "RIGHT", 1).startswith("Is `first`")
    assert fill_template(replace(hunk, lines=lines[2:4]), "RIGHT", 4).startswith("Is `*`"), "there is nothing else"


def test_a_long_line_is_cut_as_the_baseline_cuts_it() -> None:
    line = Line("+", "  " + "word " * 2_000, None, 1)
    hunk = Hunk("a.c", "", 1, 1, (line,))
    assert fill_template(hunk, "RIGHT", 1) == write_template(hunk, line)
    assert len(fill_template(hunk, "RIGHT", 1)) == QUOTED + len(TEMPLATE.format(line=""))


@pytest.mark.parametrize("place", [("a.c", "RIGHT", 40), ("none.c", "RIGHT", 1), ("b.c", "LEFT", 1)])
def test_a_line_that_is_not_in_the_diff(place: tuple[str, str, int]) -> None:
    path, side, line = place
    assert find_hunk(HELD, path, side, line) is None  # type: ignore[arg-type]


def test_hunks_as_text() -> None:
    assert render_hunk(make_hunk("a", 1, " +")) == " a 1 1\n+a 2 2"
    assert keep_changed(" a\n+b\n-c\n\\ No newline") == "b\nc"
    assert keep_changed("no marks\nat all") == "no marks\nat all"
