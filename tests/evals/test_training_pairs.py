"""Training pairs on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import EvalError
from evals.training_pairs import TrainingPair, describe_pairs, load_training_pairs, save_training_pairs

PAIRS = [
    TrainingPair("octo/demo", 1, "a.c", " old\n-x\n+y", "Why?\u2028Because.", "2024-01-02T03:04:05Z"),
    TrainingPair("octo/demo", 2, "b.py", "+bad \udcff byte", ""),
]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save_training_pairs(tmp_path / "pairs.jsonl", PAIRS)
    assert load_training_pairs(tmp_path / "pairs.jsonl") == PAIRS
    assert PAIRS[0].key == ("octo/demo", 1)


@pytest.mark.parametrize(
    "text", ["", "{}\n", '{"schema": "glossator/held-out/1"}\n', '{"schema": "glossator/training-pairs/1"}\n{"repo"']
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs.jsonl").write_text(text)
    with pytest.raises(EvalError, match=r"pairs\.jsonl"):
        load_training_pairs(tmp_path / "pairs.jsonl")


def test_the_same_comment_again_is_no_other_comment() -> None:
    said = ["Why?", "Why?", " Why?\n", "Why  not?", "", "\n"]
    found = describe_pairs([TrainingPair("octo/demo", at, "a.c", f"+{at}", text) for at, text in enumerate(said)])
    assert (found["count"], found["distinct"]) == (6, 2)
    assert describe_pairs([]) == {**describe_pairs([]), "count": 0, "distinct": 0}
