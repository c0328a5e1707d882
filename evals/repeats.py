"""Does a candidate say something of its own? What it repeats, and what it copies from the training data."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from evals.chrf import chrf
from evals.held_out import HeldOut, Key
from evals.metrics import Metric, Ratio
from evals.nearest import Bm25
from evals.predictions import Prediction
from evals.text_scorers import list_words

COPIED: Final = 0.9
"""The chrF with a training comment from which a comment is a copy of it."""
NEAREST: Final = 5
"""Training comments that share the most telling words, with which a comment is compared."""

_QUOTED: Final = re.compile(r"`[^`]*`")


class CopyCheck:
    """Tells texts that are, but for a few characters, comments of the training data."""

    def __init__(self, comments: Sequence[str]) -> None:
        self._comments = list(dict.fromkeys(comments))
        self._squeezed = {_squeeze(comment) for comment in self._comments}
        self._index = Bm25([list_words(comment) for comment in self._comments])

    def is_copy(self, body: str) -> bool:
        """Whether it is the same but for white space, or has a chrF of 0.9 with one of the nearest."""
        if _squeeze(body) in self._squeezed:
            return True
        return any(chrf(body, self._comments[at]) >= COPIED for at in self._index.find(list_words(body), NEAREST))


class Repeats:
    """The posted comments of a run, how often each is made, and whether it is a copy."""

    def __init__(
        self, chosen: Sequence[HeldOut], predictions: Mapping[Key, Prediction], training: Sequence[str] = ()
    ) -> None:
        """`training` are the comments of the training data; without them nothing is said about copies."""
        posted = [
            (held.key, comment) for held in chosen for comment in predictions[held.key].comments if comment.posted
        ]
        times = Counter(outline(comment.body) for _, comment in posted)
        check = _index_copies(tuple(training)) if training else None
        copies = {body: check.is_copy(body) for body in {comment.body for _, comment in posted}} if check else {}
        self._comments = [
            (key, comment.path, 1 / times[outline(comment.body)], copies.get(comment.body)) for key, comment in posted
        ]

    def count(self, rows: Mapping[Key, defaultdict[str, float]], wants: Callable[[str], bool]) -> None:
        """Add the counts of each pull request, of the files that `wants` takes."""
        for key, path, part, is_copy in self._comments:
            if wants(path):
                rows[key]["text.posted"] += 1
                rows[key]["text.distinct"] += part
                rows[key]["text.compared"] += is_copy is not None
                rows[key]["text.copied"] += bool(is_copy)


@lru_cache(maxsize=1)  # the same for all runs that are scored together
def _index_copies(training: tuple[str, ...]) -> CopyCheck:
    return CopyCheck(training)


def outline(body: str) -> str:
    """A comment without case, white space and the code that it quotes: the same for all comments of one template."""
    return " ".join(_QUOTED.sub("``", body).lower().split())


def _squeeze(text: str) -> str:
    return "".join(text.split())


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "text.distinct",
        "Distinct comments",
        Ratio({"text.distinct": 1.0}, {"text.posted": 1.0}),
        about="Different texts among the posted comments, quoted code aside. A constant generator has nearly none.",
    ),
    Metric(
        "text.copied",
        "Copied comments",
        Ratio({"text.copied": 1.0}, {"text.compared": 1.0}),
        better="lower",
        about="Posted comments that are nearly the same as a comment of the training data.",
    ),
)
