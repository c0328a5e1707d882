"""BM25: by hand, and what has to hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evals.nearest import Bm25

words = st.lists(st.sampled_from("abcd"), max_size=6)


def test_rare_words_and_short_documents_go_first() -> None:
    index = Bm25([["if", "if", "x"], ["if", "lock"], ["if", "y"], ["lock", "a", "b", "c", "d"]])
    assert index.find(["if", "lock"], 2) == [1, 3]
    assert index.find(["if"], 9) == [0, 1, 2]
    assert index.find(["unknown"]) == []


def test_without_documents_nothing_is_found() -> None:
    assert Bm25([]).find(["a"]) == []
    assert Bm25([[]]).find(["a"]) == []


@settings(deadline=None, max_examples=60)
@given(st.lists(words.filter(bool), min_size=1, max_size=6), words)
def test_only_documents_with_a_word_of_the_query_are_found(documents: list[list[str]], query: list[str]) -> None:
    found = Bm25(documents).find(query, len(documents))
    assert set(found) == {at for at, document in enumerate(documents) if set(document) & set(query)}
