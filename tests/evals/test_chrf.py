"""chrF: by hand, against sacrebleu, and what has to hold for all texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.chrf import ChrF, chrf

texts = st.text(alphabet="ab c\n\u00e9\U0001f600\ud800", max_size=30)


def test_by_hand() -> None:
    # "abc" in "abd": 2 of 3 characters, 1 of 2 pairs, 0 of 1 triples; the same for recall.
    assert chrf("abc", "abd") == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    # "ab" against "abab": precision 1 and 1; recall 2 of 4 and 1 of 3. Longer runs are not in both.
    precision, recall = 1.0, (2 / 4 + 1 / 3) / 2
    assert chrf("ab", "abab") == pytest.approx(5 * precision * recall / (4 * precision + recall))


def test_white_space_does_not_count_and_case_does() -> None:
    assert chrf("is this\nneeded", "isthis needed") == pytest.approx(1)
    assert chrf("ABC", "abc") == 0


def test_the_best_reference_counts_and_an_empty_text_scores_nothing() -> None:
    assert ChrF().score([("abc", ("xyz", "abc")), ("", ("abc",)), ("abc", ("", " ")), ("abc", ())]) == [1, 0, 0, 0]


@settings(deadline=None, max_examples=60)
@given(texts, texts)
def test_as_sacrebleu_says(candidate: str, reference: str) -> None:
    from sacrebleu.metrics.chrf import CHRF

    assert chrf(candidate, reference) == pytest.approx(CHRF().sentence_score(candidate, [reference]).score / 100)


@settings(deadline=None, max_examples=60)
@given(texts)
def test_a_text_is_like_itself(text: str) -> None:
    assert chrf(text, text) == pytest.approx(1 if text.split() else 0)
