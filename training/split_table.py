"""The facts of all pull requests and what becomes of each, in a temporary file: memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from reviewer.domain import Split
from training.snapshot import Key
from training.split_facts import KINDS, Facts, UnitKind
from training.splits import SPLITS, Assigned, SplitCount
from training.temporary_tables import open_tables

_TABLES: Final = """
CREATE TABLE pull (repo TEXT, number INTEGER, began TEXT, ended TEXT, unusable TEXT, snapshot TEXT,
 PRIMARY KEY (repo, number)) WITHOUT ROWID;
CREATE TABLE mark (mark TEXT, repo TEXT, number INTEGER, PRIMARY KEY (mark, repo, number)) WITHOUT ROWID;
CREATE TABLE unit (repo TEXT, number INTEGER, kind TEXT, id TEXT, text TEXT, is_first INTEGER, at INTEGER PRIMARY KEY);
CREATE INDEX unit_of ON unit (repo, number);
CREATE TABLE choice (repo TEXT, number INTEGER, split TEXT, reason TEXT, PRIMARY KEY (repo, number)) WITHOUT ROWID;
CREATE TABLE left_out (at INTEGER PRIMARY KEY)
"""


@dataclass(frozen=True, slots=True)
class StoredUnit:
    """A comment or hunk of the table. `at` is its place in it, in the order of the pull requests."""

    at: int
    id: str
    text: str


class FactsTable:
    """Facts in a temporary file. Use it with `with`.

    Args:
        folder: Where the temporary file stands; the system's folder for such files by default.

    Raises:
        DataError: The disk is full, when the block begins or ends.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._base = self._stack.enter_context(open_tables(_TABLES, self.folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, facts: Facts) -> None:
        """Take in one pull request. They come in the order of their keys."""
        key = (facts.repo, facts.number)
        row = (*key, facts.began, facts.ended, facts.unusable, facts.snapshot)
        self._base.execute("INSERT INTO pull VALUES (?, ?, ?, ?, ?, ?)", row)
        self._base.executemany("INSERT OR IGNORE INTO mark VALUES (?, ?, ?)", [(mark, *key) for mark in facts.marks])
        first = {(unit.kind, unit.id): unit for unit in reversed(facts.units)}
        units = [
            (*key, unit.kind, unit.id, unit.text.encode("utf-8", "replace").decode(), first[unit.kind, unit.id] is unit)
            for unit in facts.units
        ]
        query = "INSERT INTO unit (repo, number, kind, id, text, is_first) VALUES (?, ?, ?, ?, ?, ?)"
        self._base.executemany(query, units)

    def list_repos(self) -> list[str]:
        """All repositories in order."""
        return [repo for (repo,) in self._base.execute("SELECT DISTINCT repo FROM pull ORDER BY repo")]

    def list_spans(self) -> Iterator[tuple[Key, tuple[str, str], str]]:
        """All pull requests in order, with beginning and end, and why nothing of it may be used, if so."""
        query = "SELECT repo, number, began, ended, unusable FROM pull ORDER BY repo, number"
        for repo, number, began, ended, unusable in self._base.execute(query):
            yield (repo, number), (began, ended), unusable

    def find_beginning(self, share: float) -> str:
        """The time at which the last `share` of the pull requests begins; empty when there is none with a time."""
        known = "FROM pull WHERE began != '' AND unusable = ''"
        (count,) = self._base.execute(f"SELECT count(*) {known}").fetchone()
        place = min(count - 1, round(count * (1 - share)))
        query = f"SELECT began {known} ORDER BY began LIMIT 1 OFFSET ?"
        row = self._base.execute(query, (place,)).fetchone() if count else None
        return str(row[0]) if row else ""

    def list_same(self) -> Iterator[tuple[Key, ...]]:
        """Pull requests that share a mark, in order; the same ones come once for each mark."""
        rows = self._base.execute(
            "SELECT mark, repo, number FROM mark WHERE mark IN"
            " (SELECT mark FROM mark GROUP BY mark HAVING count(*) > 1) ORDER BY mark, repo, number"
        )
        for _, members in groupby(rows, key=lambda row: row[0]):
            yield tuple((repo, number) for _, repo, number in members)

    def count_comments(self, key: Key) -> int:
        """How many comments a pull request would bring."""
        query = "SELECT count(*) FROM unit WHERE repo = ? AND number = ? AND kind = 'comment' AND is_first"
        return int(self._base.execute(query, key).fetchone()[0])

    def place(self, key: Key, split: Split | Literal[""], reason: str = "") -> None:
        """Say to which split a pull request goes, or why to none."""
        self._base.execute("INSERT OR REPLACE INTO choice VALUES (?, ?, ?, ?)", (*key, split, reason))

    def find_split(self, key: Key) -> Split | None:
        """What was said with `place`."""
        (found,) = self._base.execute("SELECT split FROM choice WHERE repo = ? AND number = ?", key).fetchone()
        return next((split for split in SPLITS if split == found), None)

    def list_units(self, kind: UnitKind, split: Split) -> Iterator[StoredUnit]:
        """The comments or hunks of a split in order, without what is left out."""
        query = (
            "SELECT at, id, text FROM unit JOIN choice USING (repo, number)"
            " WHERE kind = ? AND split = ? AND at NOT IN left_out ORDER BY at"
        )
        return (StoredUnit(*row) for row in self._base.execute(query, (kind, split)))

    def leave_out(self, units: Iterable[int]) -> None:
        """Keep units out of their split, by their places: the comments and hunks that they are of, under all texts."""
        query = (
            "INSERT OR IGNORE INTO left_out SELECT other.at FROM unit AS one"
            " JOIN unit AS other USING (repo, number, kind, id) WHERE one.at = ?"
        )
        self._base.executemany(query, [(at,) for at in units])

    def list_assigned(self) -> Iterator[Assigned]:
        """What became of each pull request, in order."""
        hidden = "SELECT kind, id FROM unit WHERE repo = ? AND number = ? AND at IN left_out ORDER BY at"
        query = (
            "SELECT repo, number, split, reason, snapshot FROM choice JOIN pull USING (repo, number)"
            " ORDER BY repo, number"
        )
        for repo, number, split, reason, snapshot in self._base.execute(query):
            units = self._base.execute(hidden, (repo, number)).fetchall()
            comments = tuple(dict.fromkeys(int(name) for kind, name in units if kind == "comment"))
            hunks = tuple(dict.fromkeys(name for kind, name in units if kind == "hunk"))
            yield Assigned(repo, number, split, reason, comments, hunks, snapshot)

    def count_splits(self) -> dict[str, SplitCount]:
        """What each split holds."""
        pulls = "SELECT count(DISTINCT repo), count(*) FROM choice WHERE split = ?"
        units = (
            "SELECT count(*) FROM unit JOIN choice USING (repo, number)"
            " WHERE split = ? AND kind = ? AND is_first AND at "
        )
        counts: dict[str, SplitCount] = {}
        for split in SPLITS:
            numbers = [*self._base.execute(pulls, (split,)).fetchone()]
            for operator in ("NOT IN left_out", "IN left_out"):
                for kind in KINDS:
                    numbers += self._base.execute(units + operator, (split, kind)).fetchone()
            counts[split] = SplitCount(*numbers)
        return counts

    def count_out(self) -> dict[str, int]:
        """How many pull requests are in no split, by reason."""
        query = "SELECT reason, count(*) FROM choice WHERE reason != '' GROUP BY reason ORDER BY reason"
        return dict(self._base.execute(query).fetchall())
