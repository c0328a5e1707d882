"""The stand-in for BERTScore, and the memory around a scorer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.content_store import ContentStore
from evals.text_scorers import RememberedScorer, TextPair, TokenScorer


class CountedScorer(TokenScorer):
    """Counts what it is asked, and is killed after some pairs."""

    def __init__(self, version: int = 1, killed_after: int = 1_000) -> None:
        super().__init__("counted")
        self.version = version
        self.killed_after = killed_after
        self.asked: list[TextPair] = []

    def describe(self) -> dict[str, Any]:
        return {"version": self.version}

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        if len(self.asked) >= self.killed_after:
            raise KeyboardInterrupt
        self.asked += pairs
        return super().score(pairs)


PAIRS: list[TextPair] = [(f"word{at} shared", ("shared",)) for at in range(10)]


def test_word_f1_by_hand() -> None:
    scores = TokenScorer().score(
        [
            ("The foo leaks", ("foo leaks here",)),  # 2 of 3, 2 of 3
            ("foo foo bar", ("foo",)),  # 2 of 3, 1 of 1
            ("foo", ("bar", "foo")),
            ("", ("foo",)),
            ("foo", ("",)),
            ("foo", ()),
        ]
    )
    assert scores == [pytest.approx(2 / 3), pytest.approx(0.8), 1, 0, 0, 0]


def test_nothing_is_scored_twice(tmp_path: Path) -> None:
    scorer = CountedScorer()
    with ContentStore(tmp_path / "scores.sqlite") as store:
        first = RememberedScorer(scorer, store).score([*PAIRS, PAIRS[0], ("word0 shared", ("shared", "other"))])
        assert len(scorer.asked) == 11
        assert RememberedScorer(scorer, store).score(PAIRS[::-1]) == first[9::-1]
    assert len(scorer.asked) == 11
    assert first[:10] == [round(score, 6) for score in TokenScorer().score(PAIRS)]
    assert first[10] == first[0]


def test_a_scorer_with_other_settings_is_asked_anew(tmp_path: Path) -> None:
    other = CountedScorer(version=2)
    with ContentStore(tmp_path / "scores.sqlite") as store:
        RememberedScorer(CountedScorer(), store).score(PAIRS)
        RememberedScorer(other, store).score(PAIRS)
    assert len(other.asked) == len(PAIRS)


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    with ContentStore(tmp_path / "scores.sqlite") as store, pytest.raises(KeyboardInterrupt):
        RememberedScorer(CountedScorer(killed_after=6), store, batch=4).score(PAIRS)
    scorer = CountedScorer()
    with ContentStore(tmp_path / "scores.sqlite") as store:
        RememberedScorer(scorer, store, batch=4).score(PAIRS)
    assert len(scorer.asked) == 4, "three pairs with one reference have four texts"


def test_a_batch_is_as_many_pairs_as_few_texts_make(tmp_path: Path) -> None:
    batches: list[int] = []

    class Watched(CountedScorer):
        def score(self, pairs: Sequence[TextPair]) -> list[float]:
            batches.append(len(pairs))
            return super().score(pairs)

    square: list[TextPair] = [(f"one {at}", (f"other {to}",)) for at in range(10) for to in range(10)]
    many: list[TextPair] = [("alone", tuple(f"reference {at}" for at in range(30)))]
    with ContentStore(tmp_path / "scores.sqlite") as store:
        scores = RememberedScorer(Watched(), store, batch=20).score([*square, *many])
    assert batches == [100, 1], "a hundred pairs of twenty texts"
    assert scores == [round(score, 6) for score in TokenScorer().score([*square, *many])]
