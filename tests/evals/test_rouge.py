"""ROUGE-L: by hand, against rouge-score, and against a plain search for the longest common subsequence."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.rouge import RougeL, common_length, rouge_l

texts = st.text(alphabet="ab C_1.\n", max_size=40)
words = st.lists(st.sampled_from("abc"), max_size=12)


def test_by_hand() -> None:
    # "the cat sat" and "the dog sat down": "the sat" is common, 2 of 3 and 2 of 4 words.
    assert rouge_l("The cat sat!", "the dog sat down") == pytest.approx(2 * 2 / 7)
    assert rouge_l("sat cat the", "the cat sat") == pytest.approx(2 * 1 / 6)
    assert rouge_l("snake_case", "Snake case") == 1


def test_the_best_reference_counts_and_an_empty_text_scores_nothing() -> None:
    assert RougeL().score([("a b", ("c", "a b")), ("", ("a",)), ("a", ("", "...")), ("a", ())]) == [1, 0, 0, 0]


@pytest.mark.slow  # it imports nltk and scipy: seconds
@settings(deadline=None, max_examples=300)
@given(texts, texts)
def test_as_rouge_score_says(candidate: str, reference: str) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    expected = RougeScorer(["rougeL"]).score(reference, candidate)["rougeL"].fmeasure
    assert rouge_l(candidate, reference) == pytest.approx(expected)


@settings(deadline=None, max_examples=60)
@given(words, words)
def test_the_common_subsequence_is_the_longest(first: list[str], second: list[str]) -> None:
    @cache
    def longest(i: int, j: int) -> int:
        if not i or not j:
            return 0
        if first[i - 1] == second[j - 1]:
            return longest(i - 1, j - 1) + 1
        return max(longest(i - 1, j), longest(i, j - 1))

    assert common_length(first, second) == longest(len(first), len(second))
