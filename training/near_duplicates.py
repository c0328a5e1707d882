"""Which texts are nearly the same: MinHash finds who may be, the exact Jaccard similarity of 5-grams decides.

The grams are of characters: review comments are short, and one in eleven has fewer than five words, so no 5-gram of
words at all; among the others a single changed word would cost five of perhaps ten grams. See docs/adr/0009.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from training.errors import DataError

THRESHOLD: Final = 0.7
"""Jaccard similarity from which two texts are nearly the same."""
GRAM: Final = 5
BANDS: Final = 25
ROWS: Final = 5
"""Two texts of similarity 0.7 share one of 25 bands of 5 rows with probability 0.990, of 0.8 with 0.99995."""
_SEED: Final = 42
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_BATCH: Final = 256
_TABLES: Final = (
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;"
    "CREATE TABLE item (id INTEGER PRIMARY KEY, key TEXT, size INTEGER, shingles BLOB);"
    "CREATE TABLE band (hash INTEGER, item INTEGER, PRIMARY KEY (hash, item)) WITHOUT ROWID;"
    "BEGIN"
)


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What is compared of a text. `shingles` are the sorted hashes of its 5-grams, `bands` one hash a band."""

    shingles: NDArray[np.uint64]
    bands: tuple[int, ...]


def sketch(text: str) -> Sketch:
    """The sketch of one text; case and white space do not count."""
    return next(sketch_all([text]))


def sketch_all(texts: Iterable[str]) -> Iterator[Sketch]:
    """The sketches of many texts, in order: four times as fast as one by one, a bounded number in memory."""
    waiting = iter(texts)
    while batch := [_list_shingles(text) for text in islice(waiting, _BATCH)]:
        matrix = RMinHash.digest_matrix_from_token_hash_sets([each.tolist() for each in batch], BANDS * ROWS, _SEED)
        rows = np.array(matrix.to_rows(), np.uint64).reshape(len(batch), BANDS, ROWS)
        hashes = np.broadcast_to(np.arange(BANDS, dtype=np.uint64), (len(batch), BANDS))
        for row in range(ROWS):
            hashes = (hashes ^ rows[:, :, row]) * _FACTOR
        for shingles, bands in zip(batch, hashes.view(np.int64).tolist(), strict=True):
            yield Sketch(shingles, tuple(bands))


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


def refuse_table(folder: Path | None, error: sqlite3.Error) -> DataError:
    """The error for a temporary table that SQLite cannot write or read, mostly for want of room."""
    where = folder or gettempdir()
    return DataError(f"Cannot keep temporary tables in {where}: {error}.", "Make room, and run the same command again.")


class NearDuplicateIndex:
    """Sketches under keys, in a temporary file: memory does not grow with their number. Use it with `with`.

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
        self._temporary = TemporaryDirectory(prefix="near-duplicates-", dir=self.folder)
        self._base = sqlite3.connect(Path(self._temporary.name) / "index.sqlite", isolation_level=None)
        try:
            self._base.executescript(_TABLES)
        except sqlite3.Error as error:
            self._close()
            raise refuse_table(self.folder, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if isinstance(error, sqlite3.Error):
            raise refuse_table(self.folder, error) from error

    def _close(self) -> None:
        self._base.close()
        self._temporary.cleanup()

    def add(self, key: str, sketch: Sketch) -> None:
        """Let later texts be compared with this one."""
        row = (key, len(sketch.shingles), sketch.shingles.tobytes())
        item = self._base.execute("INSERT INTO item (key, size, shingles) VALUES (?, ?, ?)", row).lastrowid
        self._base.executemany("INSERT OR IGNORE INTO band VALUES (?, ?)", [(band, item) for band in sketch.bands])

    def find(self, sketch: Sketch) -> str | None:
        """The key of a text that is nearly the same, the one that shares most bands first and then the earliest."""
        size = len(sketch.shingles)
        rows = self._base.execute(
            f"SELECT key, shingles FROM item JOIN (SELECT item, count(*) AS shared FROM band"  # noqa: S608 - marks only
            f" WHERE hash IN ({','.join('?' * BANDS)}) GROUP BY item) ON item = id"
            " WHERE size BETWEEN ? AND ? ORDER BY shared DESC, id",
            (*sketch.bands, size * self.threshold - 1, size / self.threshold + 1),
        )
        for key, shingles in rows:
            if jaccard(sketch.shingles, np.frombuffer(shingles, np.uint64)) >= self.threshold:
                return str(key)
        return None
