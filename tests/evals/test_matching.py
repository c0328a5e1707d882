"""Comments are matched with human ones one to one, as many as can be, and never by pointing to everything."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from evals.held_out import GoldComment
from evals.matching import STRICTNESSES, Matching, Placed, Strictness, list_span, list_spots, match_comments
from evals.predictions import Predicted
from reviewer.domain import Side
from tests.evals.places import HUNKS, golds, human, make_held, make_hunk, ours, predict, predicteds

EVERY: dict[Strictness, int] = {"line": 0, "near": 1, "hunk": 2, "file": 3}


def count(
    gold: Sequence[GoldComment], comments: Sequence[Predicted], strictness: Strictness, seed: int | None = None
) -> int:
    """How many pairs there are, after shuffling when there is a seed."""
    if seed is not None:
        gold = random.Random(seed).sample(list(gold), len(gold))
        comments = random.Random(seed + 1).sample(list(comments), len(comments))
    held = make_held(*HUNKS, gold=gold)
    return len(match_comments(held, predict(held, *comments), strictness))


@pytest.mark.parametrize(
    ("comment", "strictest"),
    [
        (ours("a.c", 13), "line"),
        (ours("a.c", 15, start=13), "line"),
        (ours("a.c", 16, start=12), "line"),
        (ours("a.c", 16), "near"),
        (ours("a.c", 10), "near"),
        (ours("a.c", 17), "hunk"),
        (ours("a.c", 13, side="LEFT"), "hunk"),
        (ours("a.c", 15, side="LEFT"), "hunk"),
        (ours("a.c", 19), "file"),
        (ours("a.c", 70), "file"),
        (ours("a.c", 500), "file"),
        (ours("b.c", 1), None),
        (ours("other.c", 13), None),
    ],
)
def test_the_strictest_sense_in_which_a_comment_meets_a_human_one_on_line_13(
    comment: Predicted, strictest: Strictness | None
) -> None:
    for strictness in STRICTNESSES:
        expected = strictest is not None and EVERY[strictness] >= EVERY[strictest]
        assert count([human("a.c", 13)], [comment], strictness) == expected, strictness


@pytest.mark.parametrize(
    ("comment", "strictest"),
    [
        (ours("a.c", 15), "line"),
        (ours("a.c", 12), "line"),
        (ours("a.c", 11), "near"),
        (ours("a.c", 18), "near"),
        (ours("a.c", 19), "file"),
    ],
)
def test_a_human_comment_stands_on_all_lines_of_its_range(comment: Predicted, strictest: Strictness) -> None:
    for strictness in STRICTNESSES:
        assert count([human("a.c", 15, start=12)], [comment], strictness) == (EVERY[strictness] >= EVERY[strictest])


def test_lines_within_three_of_each_other_but_of_two_hunks_are_not_near() -> None:
    assert count([human("a.c", 18)], [ours("a.c", 20)], "near") == 0
    assert count([human("a.c", 18)], [ours("a.c", 20)], "hunk") == 0


def test_a_comment_on_the_old_side_of_an_unchanged_line_lies_in_the_hunk() -> None:
    assert count([human("a.c", 10, side="LEFT")], [ours("a.c", 12)], "hunk") == 1
    assert count([human("a.c", 10, side="LEFT")], [ours("a.c", 10)], "near") == 0
    assert count([human("a.c", 10, side="LEFT")], [ours("a.c", 11, side="LEFT")], "near") == 1


def test_a_range_over_a_whole_hunk_counts_with_its_last_five_lines_only() -> None:
    everything = ours("a.c", 81, start=60)
    assert count([human("a.c", 76)], [everything], "line") == 0
    assert count([human("a.c", 77)], [everything], "line") == 1
    assert count([human("a.c", 73)], [everything], "near") == 0
    assert count([human("a.c", 74)], [everything], "near") == 1
    assert count([human("a.c", 61)], [everything], "hunk") == 1


def test_a_range_that_ends_before_it_starts_is_one_line() -> None:
    assert count([human("a.c", 12, start=90)], [ours("a.c", 12, start=80)], "line") == 1
    assert count([human("a.c", 12, start=90)], [ours("a.c", 13)], "line") == 0


def test_human_comments_on_one_line_are_one_spot_with_the_longest_range() -> None:
    gold = [human("b.c", 2), human("a.c", 14), human("a.c", 14, start=12), human("a.c", 14, side="LEFT")]
    left, right, other = list_spots(make_held(*HUNKS, gold=gold))
    assert (left.side, left.comments, left.hunks) == ("LEFT", (3,), frozenset({0}))
    assert (right.first, right.last, right.comments, right.hunks) == (12, 14, (1, 2), frozenset({0}))
    assert (other.path, other.first, other.last, other.comments) == ("b.c", 2, 2, (0,))


def test_three_comments_on_one_spot_count_once() -> None:
    comments = [ours("a.c", 13), ours("a.c", 14), ours("a.c", 12)]
    for strictness in STRICTNESSES:
        assert count([human("a.c", 13)], comments, strictness) == 1


def test_the_same_comment_again_is_not_matched_with_another_human_one() -> None:
    gold = [human("a.c", 13), human("a.c", 16)]
    again = [ours("a.c", 13, body="Once"), ours("a.c", 13, body="Twice"), ours("a.c", 13, start=12, body="Again")]
    assert count(gold, again, "hunk") == 1
    assert count(gold, [again[0], ours("a.c", 14)], "hunk") == 2


def test_a_comment_gives_way_to_one_that_has_no_other_spot() -> None:
    gold = [human("a.c", 12), human("a.c", 15)]
    first, second = ours("a.c", 14, score=0.9), ours("a.c", 17, score=0.1)
    held = make_held(*HUNKS, gold=gold)
    assert match_comments(held, predict(held, first), "near") == [(1, 0)]
    assert match_comments(held, predict(held, first, second), "near") == [(0, 0), (1, 1)]


def test_close_comments_are_paired_first() -> None:
    held = make_held(*HUNKS, gold=[human("a.c", 64), human("a.c", 75)])
    prediction = predict(held, ours("a.c", 66, score=0.1), ours("a.c", 75, score=0.2), ours("a.c", 79, score=0.9))
    for strictness in ("near", "hunk", "file"):
        assert match_comments(held, prediction, strictness) == [(0, 0), (1, 1)]


def test_only_posted_comments_are_matched() -> None:
    held = make_held(*HUNKS, gold=[human("a.c", 13)])
    prediction = predict(held, ours("a.c", 13, score=0.9, posted=False), ours("a.c", 13, score=0.1))
    assert match_comments(held, prediction, "line") == [(0, 1)]


def test_the_first_of_the_human_comments_on_a_line_is_named() -> None:
    held = make_held(*HUNKS, gold=[human("b.c", 1), human("a.c", 13, comment_id=5), human("a.c", 13, comment_id=2)])
    assert match_comments(held, predict(held, ours("a.c", 13), ours("b.c", 1)), "line") == [(0, 1), (1, 0)]


def test_ranked_comments_gain_when_they_add_a_pair() -> None:
    held = make_held(*HUNKS, gold=[human("a.c", 13), human("a.c", 15)])
    comments = [ours("a.c", 70), ours("a.c", 16), ours("a.c", 12), ours("a.c", 14, posted=False)]
    scored = [ours(one.path, one.line, posted=one.posted, score=1 - at / 10) for at, one in enumerate(comments)]
    ranked = Placed(held, predict(held, *reversed(scored))).rank("near")
    assert ranked == [(3, False), (2, True), (1, True), (0, False)]


def test_a_span_is_that_of_its_side() -> None:
    assert list_span(make_hunk("a.c", 10, " +++- "), "LEFT") == (10, 12)
    assert list_span(make_hunk("a.c", 10, " +++- "), "RIGHT") == (10, 14)
    assert list_span(make_hunk("a.c", 1, "+++"), "LEFT") is None


def test_a_long_chain_of_spots_is_no_trouble() -> None:
    """Each comment takes the spot of the one before, down to the only free one."""
    size = 5000
    matching = Matching(size + 1)
    assert all(matching.add(at, [at, at + 1]) for at in range(size))
    assert matching.add(size, [0])
    assert matching.pairs == {size: 0} | {at: at + 1 for at in range(size)}


@given(st.lists(st.lists(st.integers(0, 7), max_size=5, unique=True), max_size=12))
def test_every_prefix_has_a_maximum_matching(links: list[list[int]]) -> None:
    matching, graph = Matching(8), np.zeros((12, 8), dtype=np.int8)
    for at, spots in enumerate(links):
        before = set(matching.pairs)
        grown = matching.add(at, spots)
        graph[at, spots] = 1
        size = int((maximum_bipartite_matching(csr_array(graph), perm_type="column") >= 0).sum())
        assert len(matching.pairs) == size
        assert set(matching.pairs) == before | ({at} if grown else set())
        assert len(set(matching.pairs.values())) == size
        assert all(spot in links[comment] for comment, spot in matching.pairs.items())


@given(golds, predicteds, st.integers(0, 99))
def test_neither_order_matters(gold: list[GoldComment], comments: list[Predicted], seed: int) -> None:
    for strictness in STRICTNESSES:
        assert count(gold, comments, strictness) == count(gold, comments, strictness, seed)


@given(golds, predicteds)
def test_a_stricter_sense_never_finds_more(gold: list[GoldComment], comments: list[Predicted]) -> None:
    found = [count(gold, comments, strictness) for strictness in STRICTNESSES]
    assert found == sorted(found)
    assert found[-1] <= min(len(list_spots(make_held(*HUNKS, gold=gold))), len(comments))


@given(golds, predicteds)
def test_pairs_are_as_close_as_they_are_said_to_be(gold: list[GoldComment], comments: list[Predicted]) -> None:
    held = make_held(*HUNKS, gold=gold)
    prediction = predict(held, *comments)
    for strictness in STRICTNESSES:
        pairs = match_comments(held, prediction, strictness)
        assert len({at for at, _ in pairs}) == len({at for _, at in pairs}) == len(pairs)
        for human_at, our_at in pairs:
            assert count([gold[human_at]], [comments[our_at]], "file") == 1
            assert comments[our_at].posted
    posted = [comment for comment in comments if comment.posted]
    for strictness in STRICTNESSES:
        ranked = Placed(held, predict(held, *posted)).rank(strictness)
        assert sum(gains for _, gains in ranked) == len(match_comments(held, prediction, strictness))


@given(golds, predicteds, st.data())
def test_saying_it_again_finds_nothing_new(
    gold: list[GoldComment], comments: list[Predicted], data: st.DataObject
) -> None:
    posted = [comment for comment in comments if comment.posted]
    again = data.draw(st.lists(st.sampled_from(posted), max_size=3)) if posted else []
    for strictness in STRICTNESSES:
        assert count(gold, [*posted, *again], strictness) == count(gold, posted, strictness)


@pytest.mark.parametrize("side", ["LEFT", "RIGHT"])
def test_what_is_no_part_of_the_diff_meets_as_the_same_file_at_most(side: Side) -> None:
    gold, comment = [human("a.c", 400, side=side)], [ours("a.c", 400, side=side)]
    assert [count(gold, comment, strictness) for strictness in STRICTNESSES] == [0, 0, 0, 1]
