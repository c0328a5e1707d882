"""Which scorecards may be compared, and on what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.comparison import align, check_text_scorers, compare_all, compare_slices
from evals.errors import EvalError
from evals.metrics import AveragePrecision, Metric, Ratio
from evals.scorecard import SavedPool, Scorecard, Slice
from reviewer.domain import ModelVersion

SHARE = Metric("share", "Share", Ratio({"hits": 1}, {"tries": 1}))
PLACES = Metric("ap", "Average precision", AveragePrecision("found"))


def make_card(name: str, hits: list[float], **fields: object) -> Scorecard:
    """Two tries in each pull request, one thing to find, and one item for it."""
    rows = len(hits)
    columns = {"hits": hits, "tries": [2.0] * rows, "gold": [1.0] * rows}
    pool = SavedPool(list(range(rows)), [1.0 - at / 100 for at in range(rows)], [1.0] * rows, "gold")
    keys = [("octo/demo", number) for number in range(rows)]
    card = Scorecard(name, "reviewer", ModelVersion(name), "set", "1", "1.0", {}, keys, columns, {"found": pool})
    return replace(card, **fields)  # type: ignore[arg-type]


FIRST = make_card("first", [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 2.0, 0.0])
SECOND = make_card("second", [1.0, 1.0, 2.0, 1.0, 1.0, 2.0, 2.0, 0.0])


def test_the_same_set_is_compared_without_a_word() -> None:
    aligned = align(FIRST, SECOND)
    assert aligned.notes == ()
    assert aligned.champion.keys == aligned.challenger.keys
    (found, places) = compare_all(aligned, [SHARE, PLACES])
    assert (found.champion, found.challenger, found.difference) == (6 / 16, 10 / 16, 4 / 16)
    assert (found.pull_requests, places.difference) == (8, 0)


def cut(card: Scorecard, rows: int, **fields: object) -> Scorecard:
    return replace(make_card(card.candidate, card.columns["hits"][:rows]), **fields)  # type: ignore[arg-type]


def test_a_sample_is_compared_on_what_it_has() -> None:
    for pair in ((cut(FIRST, 6), SECOND), (SECOND, cut(FIRST, 6))):
        aligned = align(*pair)
        assert len(aligned.champion.keys) == 6
        assert aligned.notes == ("Compared on the 6 pull requests that both have, the first of 8.",)


TIME = Metric("time", "Time", Ratio({"hits": 1}, {"tries": 1}), "lower", "seconds")


@pytest.mark.parametrize(
    ("first", "second", "is_compared", "noted"),
    [
        ({}, {}, True, False),
        ({"concurrency": 4}, {"concurrency": 4, "max_comments": 9}, True, False),
        ({"concurrency": 8}, {"concurrency": 1}, False, True),
        ({"concurrency": 8}, {}, False, False),  # as a baseline, which has no seconds
    ],
)
def test_seconds_are_compared_at_the_same_pace_alone(
    first: dict[str, int], second: dict[str, int], is_compared: bool, noted: bool
) -> None:
    aligned = align(replace(FIRST, settings=first), replace(SECOND, settings=second))
    share, time = compare_all(aligned, [SHARE, TIME])
    assert share.difference == 0.25
    assert (time.difference is not None) == is_compared
    assert bool(aligned.notes) == noted
    part = Slice("size", "small", 8, 8, {}, rows=list(range(8)))
    champion, challenger = (replace(FIRST, settings=one, slices=[part]) for one in (first, second))
    (found,) = compare_slices(champion, challenger, [TIME])
    assert (found.comparison.difference is not None) == is_compared


def test_other_versions_are_noted() -> None:
    assert "1.0 and 2.0" in align(FIRST, replace(SECOND, glossator="2.0")).notes[0]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (replace(SECOND, dataset="another"), "other sets, 'set' and 'another'"),
        (replace(SECOND, revision="2"), "other revisions of 'set', 1 and 2"),
        (cut(SECOND, 6, revision="2"), "other revisions of 'set', 1 and 2"),
        (replace(SECOND, keys=[*SECOND.keys[1:], ("octo/demo", 99)]), "other pull requests"),
        (replace(SECOND, keys=SECOND.keys[::-1]), "other pull requests"),
        (replace(SECOND, columns={**SECOND.columns, "gold": [2.0] * 8}), "other human comments"),
        (replace(SECOND, columns={**SECOND.columns, "hits": [1.0] * 7}), "is damaged"),
        (replace(SECOND, keys=[SECOND.keys[0]] * 8), "is damaged"),
        (replace(SECOND, pools={"found": SavedPool([9], [1.0], [1.0], "gold")}), "is damaged"),
        (replace(SECOND, pools={"found": SavedPool([1], [], [1.0], "gold")}), "is damaged"),
        (replace(SECOND, slices=[Slice("kind", "docs", 1, 1, {}, rows=[8])]), "is damaged"),
        (replace(SECOND, slices=[Slice("code", "test", 1, 1, {}, rows=[1], columns={"hits": []})]), "is damaged"),
    ],
)
def test_what_may_not_be_compared_is_refused(other: Scorecard, words: str) -> None:
    with pytest.raises(EvalError) as caught:
        align(FIRST, other)
    assert words in caught.value.what
    assert caught.value.exit_code == 6


def test_one_that_does_not_rank_can_be_compared_in_the_rest() -> None:
    columns = {name: values for name, values in SECOND.columns.items() if name != "gold"}
    share, places = compare_all(align(FIRST, replace(SECOND, columns=columns, pools={})), [SHARE, PLACES])
    assert share.difference == 0.25
    assert places.difference is None
    assert "challenger has no value" in places.note


def test_other_text_scorers_are_refused_and_none_is_not() -> None:
    scored = replace(FIRST, text_scorer={"bertscore": {"model": "small"}})
    check_text_scorers(scored, SECOND)
    check_text_scorers(scored, replace(SECOND, text_scorer=scored.text_scorer))
    with pytest.raises(EvalError, match="other models or with other settings"):
        check_text_scorers(scored, replace(SECOND, text_scorer={"bertscore": {"model": "large"}}))


def test_slices_are_rows_of_the_whole_or_have_counts_of_their_own() -> None:
    rows = [0, 1, 2, 3, 4, 7]
    size = Slice("size", "small", 6, 6, {}, rows=rows)
    code = Slice("code", "test", 6, 6, {}, rows=rows, columns={"hits": [1.0] * 6, "tries": [1.0] * 6})
    lone = Slice("language", "Go", 6, 6, {}, rows=rows)
    champion, challenger = replace(FIRST, slices=[size, code, lone]), replace(SECOND, slices=[code, size])
    found = compare_slices(champion, challenger, [SHARE])
    assert [(one.field, one.value) for one in found] == [("size", "small"), ("code", "test")]
    assert (found[0].comparison.champion, found[0].comparison.challenger) == (3 / 12, 6 / 12)
    assert (found[1].comparison.champion, found[1].comparison.difference) == (1, 0)


def test_in_a_slice_of_which_the_champion_has_hardly_any_nothing_is_lost() -> None:
    rows = list(range(8))
    few = {"hits": [2.0] * 2 + [0.0] * 6, "tries": [2.0] * 2 + [0.0] * 6}
    hushed = Slice("code", "test", 8, 8, {}, rows=rows, columns=few)
    spoken = Slice("code", "test", 8, 8, {}, rows=rows, columns={"hits": [1.0] * 8, "tries": [2.0] * 8})
    champion, challenger = replace(FIRST, slices=[hushed]), replace(SECOND, slices=[spoken])
    (found,) = compare_slices(champion, challenger, [SHARE])
    assert found.comparison.difference is None
    assert "hardly any" in found.comparison.note
    (back,) = compare_slices(challenger, champion, [SHARE])
    assert back.comparison.difference == 0.5
