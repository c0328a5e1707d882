"""Which texts are nearly the same: MinHash finds who may be, the exact Jaccard similarity of 5-grams decides.

The grams are of characters: review comments are short, and one in eleven has fewer than five words, so no 5-gram of
words at all; among the others a single changed word would cost five of perhaps ten grams. See docs/adr/0009.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from training.temporary_tables import open_tables

THRESHOLD: Final = 0.7
"""Jaccard similarity from which two texts are nearly the same."""
GRAM: Final = 5
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_BATCH: Final = 256
_TABLES: Final = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, key TEXT, size INTEGER, shingles BLOB, digest BLOB UNIQUE);"
    "CREATE TABLE band (hash INTEGER, item INTEGER, PRIMARY KEY (hash, item)) WITHOUT ROWID"
)


@dataclass(frozen=True, slots=True)
class Banding:
    """Which texts are compared: those that share one of `bands` bands of `rows` MinHash values; `seed` draws these."""

    bands: int
    rows: int
    seed: int

    def miss(self, similarity: float) -> float:
        """The chance that two texts of that similarity share no band."""
        return float((1 - similarity**self.rows) ** self.bands)


MISS: Final = 1e-6
"""The chance that the splits allow themselves that a pair just as similar as may not be is not even compared."""
BANDING: Final = Banding(25, 5, 42)
"""Two texts of similarity 0.7 share a band with probability 0.990, of 0.8 with 0.99995."""


def choose_banding(similarity: float, miss: float, seed: int, values: int = 256) -> Banding:
    """The most rows, so the fewest comparisons, with which no more than `miss` of such pairs are missed.

    Args:
        similarity: From 0 to 1.
        miss: A chance.
        seed: What the MinHash values are drawn with.
        values: So many are worth their time; more only where one row needs them.
    """
    for rows in range(8, 0, -1):
        shared = max(similarity, 0.01) ** rows
        bands = math.ceil(math.log(miss) / math.log1p(-shared)) if shared < 1 else 1
        if bands * rows <= values:
            break
    return Banding(bands, rows, seed)


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What is compared of a text. `shingles` are the sorted hashes of its 5-grams, `bands` one hash a band."""

    shingles: NDArray[np.uint64]
    bands: tuple[int, ...]


def sketch(text: str, banding: Banding = BANDING) -> Sketch:
    """The sketch of one text; case and white space do not count."""
    return next(sketch_all([text], banding))


def sketch_all(texts: Iterable[str], banding: Banding = BANDING) -> Iterator[Sketch]:
    """The sketches of many texts, in order: four times as fast as one by one, a bounded number in memory."""
    waiting, bands, values = iter(texts), banding.bands, banding.bands * banding.rows
    while batch := [_list_shingles(text) for text in islice(waiting, _BATCH)]:
        matrix = RMinHash.digest_matrix_from_token_hash_sets([each.tolist() for each in batch], values, banding.seed)
        rows = np.array(matrix.to_rows(), np.uint64).reshape(len(batch), bands, banding.rows)
        hashes = np.broadcast_to(np.arange(bands, dtype=np.uint64), (len(batch), bands))
        for row in range(banding.rows):
            hashes = (hashes ^ rows[:, :, row]) * _FACTOR
        for shingles, shared in zip(batch, hashes.view(np.int64).tolist(), strict=True):
            yield Sketch(shingles, tuple(shared))


def _list_shingles(text: str) -> NDArray[np.uint64]:
    plain = " ".join(text.casefold().split()).ljust(GRAM, "\0")
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    count = len(codes) - GRAM + 1
    hashes = np.zeros(count, np.uint64)
    for at in range(GRAM):
        hashes *= _FACTOR
        hashes += codes[at : at + count]
    hashes.sort()  # np.unique does the same, four times slower on so few
    is_first = np.ones(count, np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=is_first[1:])
    return hashes[is_first]


def jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    """What two sets of shingles share, of all that they hold together: from 0 to 1."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


class NearDuplicateIndex:
    """Sketches under keys, in a temporary file: memory does not grow with their number. Use it with `with`.

    All sketches are of one banding.

    Args:
        folder: Where the temporary file stands; the system's folder for such files by default.
        threshold: Least Jaccard similarity of a match.

    Raises:
        DataError: On entering or leaving, where SQLite finds no room in the folder.
    """

    def __init__(self, folder: Path | None = None, threshold: float = THRESHOLD) -> None:
        self.folder = folder
        self.threshold = threshold

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._base = self._stack.enter_context(open_tables(_TABLES, self.folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def __len__(self) -> int:
        """How many texts it holds; those with the same 5-grams are one."""
        return int(self._base.execute("SELECT count(*) FROM item").fetchone()[0])

    def add(self, key: str, sketch: Sketch) -> None:
        """Let later texts be compared with this one. Of those with the same 5-grams the first stands for all."""
        shingles = sketch.shingles.tobytes()
        row = (key, len(sketch.shingles), shingles, blake2b(shingles, digest_size=16).digest())
        added = self._base.execute(
            "INSERT OR IGNORE INTO item (key, size, shingles, digest) VALUES (?, ?, ?, ?) RETURNING id", row
        ).fetchone()
        if added:
            rows = ",".join(["(?, ?)"] * len(sketch.bands))
            values = [value for band in sketch.bands for value in (band, added[0])]
            self._base.execute(f"INSERT OR IGNORE INTO band VALUES {rows}", values)  # noqa: S608 - marks only

    def find(self, sketch: Sketch) -> str | None:
        """The key of a text that is nearly the same, the one that shares most bands first and then the earliest."""
        size = len(sketch.shingles)
        rows = self._base.execute(
            f"SELECT key, shingles FROM item JOIN (SELECT item, count(*) AS shared FROM band"  # noqa: S608 - marks only
            f" WHERE hash IN ({','.join('?' * len(sketch.bands))}) GROUP BY item) ON item = id"
            " WHERE size BETWEEN ? AND ? ORDER BY shared DESC, id",
            (*sketch.bands, size * self.threshold - 1, size / self.threshold + 1),
        )
        for key, shingles in rows:
            if jaccard(sketch.shingles, np.frombuffer(shingles, np.uint64)) >= self.threshold:
                return str(key)
        return None
