"""BERTScore: what reaches the library and what comes of it; in the slow tier the real model against own arithmetic."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from evals import bertscore
from evals.bertscore import BertScorer, open_text_scorers
from evals.content_store import ContentStore
from evals.text_models import TextModel
from evals.text_scorers import RememberedScorer, TokenScorer
from reviewer.errors import ModelFileError
from tests.evals.real_scorers import run_scoring

MODEL = TextModel("tiny", Path("tiny"), 6, "ab" * 32)


class FakeLibrary:
    """Stands for bert_score.BERTScorer: fails on what makes it fail, and compares words."""

    made: ClassVar[list[FakeLibrary]] = []

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.asked: list[tuple[str, list[str]]] = []
        self.idf: list[str] = []
        self._tokenizer = SimpleNamespace(model_max_length=10**30)
        self.made.append(self)

    def compute_idf(self, texts: list[str]) -> None:
        self.idf = texts

    def score(self, candidates: list[str], references: list[list[str]], batch_size: int) -> Any:
        assert candidates
        assert all(text.strip() for texts in (candidates, *references) for text in texts)
        assert all(references)
        assert self._tokenizer.model_max_length == 512
        pairs = list(zip(candidates, references, strict=True))
        self.asked += pairs
        scores = np.array(TokenScorer().score([(candidate, tuple(texts)) for candidate, texts in pairs]))
        return scores, scores, scores


@pytest.fixture(autouse=True)
def _libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """bert-score and transformers that need no torch."""
    library, logging = ModuleType("bert_score"), ModuleType("transformers.utils.logging")
    library.BERTScorer, library.__file__ = FakeLibrary, "/lib/bert_score/__init__.py"  # type: ignore[attr-defined]
    logging.disable_progress_bar = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bert_score", library)
    for name in ("transformers", "transformers.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, logging.__name__, logging)
    monkeypatch.setattr(bertscore, "version", {"bert-score": "1", "transformers": "2", "torch": "3"}.get)
    FakeLibrary.made = []
    yield
    FakeLibrary.made = []


def test_empty_texts_score_nothing_and_are_not_asked_about() -> None:
    pairs: Sequence[tuple[str, tuple[str, ...]]] = [
        ("a b c", ("a b c",)),
        ("", ("a",)),
        (" \n", ("a",)),
        ("a", ("", " ")),
        ("a", ()),
        ("a", ("", "a")),
    ]
    assert BertScorer(MODEL).score(pairs) == [1, 0, 0, 0, 0, 1]
    (library,) = FakeLibrary.made
    assert library.asked == [("a", ["a"]), ("a b c", ["a b c"])], "the short pair first"
    assert BertScorer(MODEL).score(pairs[1:5]) == [0] * 4
    assert len(FakeLibrary.made) == 1, "no model was loaded for nothing"


def test_what_the_scores_depend_on_is_told() -> None:
    plain = BertScorer(MODEL).describe()
    assert plain == {
        "scorer": "BERTScore F1",
        "model": "tiny",
        "sha256": "ab" * 32,
        "revision": "",
        "layer": 6,
        "longest": 512,
        "idf": "none",
        "rescaled": "no",
        "versions": {"bert-score": "1", "transformers": "2", "torch": "3"},
    }
    weighted = BertScorer(MODEL, ["b", "a", "a", ""]).describe()
    assert weighted["idf"].startswith("of 2 references, ")
    assert weighted == BertScorer(MODEL, ["a", "b"]).describe()
    assert weighted != BertScorer(MODEL, ["a", "c"]).describe()
    assert BertScorer(replace(MODEL, baseline="en/roberta-large")).describe()["rescaled"] == "en/roberta-large"


def test_what_the_library_is_told() -> None:
    BertScorer(MODEL, ["a b", "c"]).score([("a", ("b",))])
    BertScorer(replace(MODEL, baseline="en/roberta-large", layer=17)).score([("a", ("b",))])
    weighted, rescaled = FakeLibrary.made
    assert (weighted.options["idf"], weighted.idf, weighted.options["num_layers"]) == (True, ["a b", "c"], 6)
    assert not weighted.options["rescale_with_baseline"]
    assert rescaled.options["rescale_with_baseline"]
    assert rescaled.options["baseline_path"] == "/lib/bert_score/rescale_baseline/en/roberta-large.tsv"
    assert (rescaled.options["num_layers"], rescaled.idf) == (17, [])


def test_a_path_that_would_be_misread_is_refused() -> None:
    with pytest.raises(ModelFileError, match="T5"):
        BertScorer(replace(MODEL, folder=Path("models/hart5")))


def test_a_rerun_loads_no_model(tmp_path: Path) -> None:
    pairs = [("a b", ("a",)), ("c", ("d",))]
    with ContentStore(tmp_path / "scores.sqlite") as store:
        first = RememberedScorer(BertScorer(MODEL), store).score(pairs)
        assert RememberedScorer(BertScorer(MODEL), store).score(pairs) == first
    assert len(FakeLibrary.made) == 1


def test_without_a_model_there_are_the_others(tmp_path: Path) -> None:
    with ContentStore(tmp_path / "scores.sqlite") as store:
        assert [scorer.name for scorer in open_text_scorers(store, "")] == ["chrf", "rouge_l"]


PAIRS = [
    ["The variable is never used.", ["This variable is unused."]],
    ["The mutex is not unlocked on the error path.", ["What a lovely day for a walk in the park!"]],
    ["Please add a test for the empty list.", ["Could you please add a test for an empty list?"]],
    ["Use `nullptr` here.", ["Why not const?", "Please use nullptr instead of NULL."]],
    ["", ["Why?"]],
    ["Why?", [""]],
    ["word " * 700, ["word " * 3]],
]
REAL = """\
import json, sys
from pathlib import Path
from evals.bertscore import BertScorer, open_text_scorers
from evals.content_store import ContentStore
from evals.text_models import find_text_model
given = json.load(sys.stdin)
pairs = [(candidate, tuple(references)) for candidate, references in given["pairs"]]
model = find_text_model()
with ContentStore(Path(given["store"])) as store:
    scorers = open_text_scorers(store)
    scores = scorers[0].score(pairs)

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
bert, tokenizer = AutoModel.from_pretrained(model.folder), AutoTokenizer.from_pretrained(model.folder)

def embed(text):
    tokens = tokenizer(text.strip(), truncation=True, max_length=512, return_tensors="pt")
    with torch.no_grad():
        vectors = bert(**tokens, output_hidden_states=True).hidden_states[model.layer][0].numpy()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

def greedy(candidate, reference):
    if not candidate.strip() or not reference.strip():
        return 0.0
    similarity = embed(candidate) @ embed(reference).T
    precision, recall = similarity.max(axis=1)[1:-1].mean(), similarity.max(axis=0)[1:-1].mean()
    return float(2 * precision * recall / (precision + recall))

own = [max(greedy(candidate, reference) for reference in references) for candidate, references in pairs]
weighted = BertScorer(model, [text for _, texts in pairs for text in texts]).score(pairs)
print(json.dumps({"scores": scores, "own": own, "weighted": weighted, "described": scorers[0].describe()}))
"""
AGAIN = """\
import json, sys
from pathlib import Path
from evals.bertscore import open_text_scorers
from evals.content_store import ContentStore
given = json.load(sys.stdin)
with ContentStore(Path(given["store"])) as store:
    scores = open_text_scorers(store)[0].score([(one, tuple(texts)) for one, texts in given["pairs"]])
print(json.dumps({"scores": scores, "torch": "torch" in sys.modules}))
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_real_model_against_own_arithmetic(tmp_path: Path) -> None:
    values = {"pairs": PAIRS, "store": str(tmp_path / "scores.sqlite")}
    found = run_scoring(REAL, **values)
    scores = found["scores"]
    assert scores == pytest.approx(found["own"], abs=2e-5)
    assert (scores[4], scores[5]) == (0, 0)
    assert min(scores[0], scores[2]) > 0.6
    assert scores[1] < 0.25
    assert found["weighted"] != pytest.approx(scores, abs=1e-3)
    assert found["described"]["layer"] == 6
    assert found["described"]["sha256"].startswith("53aa5117")
    again = run_scoring(AGAIN, **values)
    assert again == {"scores": scores, "torch": False}, "what is remembered needs no model"
