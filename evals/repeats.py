"""Does a candidate say something of its own? What it repeats, and what it copies from the training data.

Quoting code makes no comment different: what stands in the file's diff or looks like code is left out first.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

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

ALIKE: Final = 0.7
"""The F1 of words with another posted comment from which a comment repeats it.

On the sets that were looked at, 1 to 2 in 10 human comments do, 6 to 7 in 10 of those that are
copied from the nearest training hunk, and all of a template."""

_QUOTED: Final = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`]*`", re.DOTALL)
_SHAPED: Final = re.compile(r"[\d_`(){}\[\]<>=/\\]|[a-z][A-Z]|[A-Z]{2}[a-z]|\w[.:]+\w")
_AROUND: Final = "\"'.,:;!?()[]*"


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
    """The posted comments of a run, whether each repeats another, and whether it is a copy."""

    def __init__(
        self, chosen: Sequence[HeldOut], predictions: Mapping[Key, Prediction], training: Sequence[str] = ()
    ) -> None:
        """`training` are the comments of the training data; without them nothing is said about copies."""
        posted = [
            (held.key, comment) for held in chosen for comment in predictions[held.key].comments if comment.posted
        ]
        words = {held.key: _list_names(held) for held in chosen}
        outlines = [outline(comment.body, words[key].get(comment.path, frozenset())) for key, comment in posted]
        check = _index_copies(tuple(training)) if training else None
        copies = {body: check.is_copy(body) for body in {comment.body for _, comment in posted}} if check else {}
        self._comments = [
            (key, comment.path, distinct, copies.get(comment.body))
            for (key, comment), distinct in zip(posted, find_distinct(outlines), strict=True)
        ]

    def count(self, rows: Mapping[Key, defaultdict[str, float]], wants: Callable[[str], bool]) -> None:
        """Add the counts of each pull request, of the files that `wants` takes."""
        for key, path, distinct, is_copy in self._comments:
            if wants(path):
                rows[key]["text.posted"] += 1
                rows[key]["text.distinct"] += distinct
                rows[key]["text.compared"] += is_copy is not None
                rows[key]["text.copied"] += bool(is_copy)


@lru_cache(maxsize=1)  # the same for all runs that are scored together
def _index_copies(training: tuple[str, ...]) -> CopyCheck:
    return CopyCheck(training)


def outline(body: str, names: Collection[str] = ()) -> tuple[str, ...]:
    """The words of a comment in small letters, with a mark for each run of code: the same for all of one template.

    Code is what is quoted, what looks like it, as anything with a digit, and any of `names`, in small letters.
    """
    words: list[str] = []
    for token in _QUOTED.sub(" ` ", body).split():
        shaped = _SHAPED.search(token.strip(_AROUND))
        words += ["`"] if shaped else ["`" if word in names else word for word in list_words(token)]
    return tuple(word for at, word in enumerate(words) if word != "`" or words[at - 1 : at] != ["`"])


def find_distinct(outlines: Sequence[tuple[str, ...]]) -> list[bool]:
    """Whether each has an F1 of words below `ALIKE` with all the others."""
    times = Counter(outlines)
    different = list(times)
    nearest = dict(zip(different, _measure_nearest(different), strict=True))
    return [times[words] == 1 and nearest[words] < ALIKE for words in outlines]


def _measure_nearest(texts: Sequence[tuple[str, ...]]) -> list[float]:
    """The highest F1 of each with another one, as `TokenScorer` has it, 0 when there is none."""
    lengths = np.array([max(1, len(words)) for words in texts], dtype=np.float64)
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, words in enumerate(texts):
        for word, count in Counter(words).items():
            found[word].append((at, count))
    entries = {word: np.array(places, dtype=np.int64).T for word, places in found.items()}
    nearest = []
    for at, words in enumerate(texts):
        precision, recall = np.zeros(len(texts)), np.zeros(len(texts))
        for word, count in Counter(words).items():
            places, counts = entries[word]
            precision[places] += count / lengths[at]
            recall[places] += counts / lengths[places]
        f1 = np.zeros(len(texts))
        np.divide(2 * precision * recall, precision + recall, out=f1, where=precision > 0)
        f1[at] = 0
        nearest.append(float(f1.max()))
    return nearest


def _list_names(held: HeldOut) -> dict[str, frozenset[str]]:
    """All words of the diff of each file."""
    return {
        file.path: frozenset(list_words("\n".join(line.text for hunk in file.hunks for line in hunk.lines)))
        for file in held.bundle.pull_request.files
    }


def _squeeze(text: str) -> str:
    return "".join(text.split())


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "text.distinct",
        "Distinct comments",
        Ratio({"text.distinct": 1.0}, {"text.posted": 1.0}),
        about="Posted comments that do not nearly repeat another one, code aside. A constant or a template has none.",
    ),
    Metric(
        "text.copied",
        "Copied comments",
        Ratio({"text.copied": 1.0}, {"text.compared": 1.0}),
        better="lower",
        about="Posted comments that are nearly the same as a comment of the training data.",
    ),
)
