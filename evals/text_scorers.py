"""How alike two texts are, by several measures behind one protocol; and the memory around a slow one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

from evals.content_store import ContentStore, content_key

TextPair = tuple[str, tuple[str, ...]]
"""A candidate, and the references of which the most similar one counts."""

WORD: Final = re.compile(r"[^\W_]+")
BATCH: Final = 250
"""Different texts that are read before their scores are written down: what a killed run loses at most.

A model reads each text once a batch, half a minute of BERTScore, however many pairs the texts make. With smaller
batches it reads more of them twice.
"""
DIGITS: Final = 6
"""Of a score. The last bits of a neural model depend on what else is in its batch."""


class TextScorer(Protocol):
    """A measure of how alike texts are. A pair with an empty text scores 0; alike texts score 1."""

    @property
    def name(self) -> str:
        """As in the names of metrics: `bertscore`, `chrf`, `rouge_l`."""
        ...

    def describe(self) -> dict[str, Any]:
        """All that its scores depend on: the model and its digest, the settings, the versions."""
        ...

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        """A score for each pair, in their order."""
        ...


class TokenScorer:
    """The F1 of the words that two texts share: BERTScore with one-hot vectors in the place of a model's.

    Each word of the candidate that stands in the reference counts for precision, and the other way round for recall, as
    in formula 3 of Zhang et al., BERTScore (arXiv 1904.09675).
    """

    def __init__(self, name: str = "tokens") -> None:
        self.name = name

    def describe(self) -> dict[str, Any]:
        """It has no model."""
        return {"scorer": "greedy word F1"}

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        """A score for each pair, in their order."""
        return [max((_word_f1(candidate, reference) for reference in texts), default=0.0) for candidate, texts in pairs]


class RememberedScorer:
    """A scorer that asks another one for the pairs that it does not know yet, a batch of texts at a time."""

    def __init__(self, scorer: TextScorer, store: ContentStore, batch: int = BATCH) -> None:
        self.name = scorer.name
        self._scorer = scorer
        self._store = store
        self._batch = batch

    def describe(self) -> dict[str, Any]:
        """As the other one."""
        return self._scorer.describe()

    def score(self, pairs: Sequence[TextPair]) -> list[float]:
        """A score for each pair, in their order. What was scored before an interruption is not scored again."""
        who = json.dumps(self.describe(), sort_keys=True)
        keys = [content_key("text-score", self.name, who, pair[0], *pair[1]) for pair in pairs]
        known = self._store.get_many(dict.fromkeys(keys))
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in known}
        # Those with the same references go together, so that a model reads each of them about once.
        waiting = sorted(missing.items(), key=lambda entry: (entry[1][1], entry[0]))
        for some in _split(waiting, self._batch):
            scores = self._scorer.score([pair for _, pair in some])
            fresh = {key: repr(round(score, DIGITS)) for (key, _), score in zip(some, scores, strict=True)}
            self._store.put_many(fresh)
            known |= fresh
        return [float(known[key]) for key in keys]


def _split(pairs: Sequence[tuple[str, TextPair]], most: int) -> Iterator[list[tuple[str, TextPair]]]:
    """The pairs in order, in parts of at most so many different texts; a part has at least one pair."""
    part: list[tuple[str, TextPair]] = []
    texts: set[str] = set()
    for key, (candidate, references) in pairs:
        more = texts.union((candidate, *references))
        if part and len(more) > most:
            yield part
            part, more = [], {candidate, *references}
        part.append((key, (candidate, references)))
        texts = more
    if part:
        yield part


def list_words(text: str) -> list[str]:
    """The words in small letters: runs of letters and digits, so that `snake_case` is two."""
    return WORD.findall(text.lower())


def _word_f1(candidate: str, reference: str) -> float:
    ours, theirs = _count_words(candidate), _count_words(reference)
    if not ours or not theirs:
        return 0.0
    precision = sum(count for word, count in ours.items() if word in theirs) / ours.total()
    recall = sum(count for word, count in theirs.items() if word in ours) / theirs.total()
    return 2 * precision * recall / (precision + recall) if precision else 0.0


@lru_cache(maxsize=8192)
def _count_words(text: str) -> Counter[str]:
    return Counter(list_words(text))
