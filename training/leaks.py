"""Does anything stand on both sides of a split? Asked of what is there, whoever made it and however.

Two sides may share no pull request (by name, head commit or comment), no comment and no hunk that are nearly the same,
and, when repositories are split, no repository. When time splits, nothing of train is from after its cut, and nothing
of the later splits from before theirs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import tee
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reviewer.domain import Split
from reviewer.jsonfile import decode
from training.aligned import ALIGNED_SCHEMA, Aligned
from training.errors import LeakError
from training.examples import build_examples
from training.filtered import FILTERED_SCHEMA, Filtered
from training.near_duplicates import NearDuplicateIndex, Sketch, jaccard, sketch, sketch_all
from training.parquet import load_examples, load_pull_requests
from training.snapshot import Snapshot
from training.split import find_span, parse_time
from training.split_facts import KINDS, Unit, UnitKind, list_marks, list_units
from training.split_table import refuse_temporary
from training.splits import SPLITS, SPLITS_SCHEMA, Assigned, SplitSummary
from training.stage import Told, run_stage
from training.store import SnapshotStore

NAMED: Final = 20
"""So many leaks are named; of more, the number is told."""
_TABLES: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32000; PRAGMA temp_store = FILE;
CREATE TABLE mark (mark TEXT, split TEXT, row TEXT, PRIMARY KEY (mark, split, row)) WITHOUT ROWID;
CREATE TABLE unit (split TEXT, kind TEXT, row TEXT, text TEXT, at INTEGER PRIMARY KEY);
BEGIN
"""


@dataclass(frozen=True, slots=True)
class Stand:
    """What stands in a split of one pull request, or of a part of it. Times are of `parse_time`, empty when unknown."""

    split: Split
    repo: str
    number: int
    began: str = ""
    ended: str = ""
    marks: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()

    @property
    def row(self) -> str:
        """What a message calls it."""
        return f"{self.repo}#{self.number}"


def check_splits(
    store: SnapshotStore, folders: tuple[Path, Path, Path], summary: SplitSummary, told: Told, jobs: int = 0
) -> None:
    """Check what the dataset will be made of: the aligned, the filtered and the split records, with the snapshots.

    Raises:
        LeakError: Something stands on both sides. The message names the rows and what they share.
    """
    kinds = ((ALIGNED_SCHEMA, Aligned), (FILTERED_SCHEMA, Filtered), (SPLITS_SCHEMA, Assigned))
    inputs = [(folder, *kind) for folder, kind in zip(folders, kinds, strict=True)]
    lines = run_stage(store, find_stand, told, inputs, jobs=jobs)
    check_stands((decode(line, Stand) for line in lines), summary)


def find_stand(snapshot: Snapshot, aligned: Aligned, filtered: Filtered, assigned: Assigned) -> Stand | None:
    """What the dataset will hold of a pull request: what a worker does."""
    if assigned.split not in SPLITS:
        return None
    examples = build_examples(snapshot, aligned, filtered, assigned).shown
    units = dict.fromkeys(unit for example in examples for unit in list_units(example))
    began, ended = find_span(snapshot)
    return Stand(assigned.split, snapshot.repo, snapshot.number, began, ended, list_marks(snapshot), tuple(units))


def check_dataset(dataset: Path, summary: SplitSummary) -> None:
    """Check a finished dataset, row by row; see `check_splits`."""
    check_stands(list_stands(dataset), summary)


def list_stands(dataset: Path) -> Iterator[Stand]:
    """The rows of a finished dataset."""
    for row in load_pull_requests(dataset):
        time = parse_time(row["created_at"])
        marks = (f"commit {row['head_sha']}",) if row["head_sha"] else ()
        yield Stand(row["split"], row["repo"], row["number"], time, time, marks)
    for split in SPLITS:
        for example in load_examples(dataset, split):
            times = sorted(filter(None, (parse_time(comment.created_at) for comment in example.comments)))
            began, ended = (times[0], times[-1]) if times else ("", "")
            said = tuple(f"comment {comment.id}" for comment in example.comments)
            yield Stand(split, example.repo, example.number, began, ended, said, tuple(list_units(example)))


def check_stands(stands: Iterable[Stand], summary: SplitSummary) -> None:
    """Raise LeakError if there is a leak."""
    leaks = list(dict.fromkeys(find_leaks(stands, summary)))
    if not leaks:
        return
    more = [f"... and {len(leaks) - NAMED} more."] if len(leaks) > NAMED else []
    count = "1 leak" if len(leaks) == 1 else f"{len(leaks)} leaks"
    raise LeakError(
        "\n".join([f"{count} between the splits:", *leaks[:NAMED], *more]),
        "Run `glossator-train split` again; for repositories that share their code, name them in `families`.",
    )


def find_leaks(stands: Iterable[Stand], summary: SplitSummary) -> Iterator[str]:
    """A sentence for each leak."""
    with TemporaryDirectory(prefix="leaks-") as folder:
        base = sqlite3.connect(Path(folder) / "leaks.sqlite", isolation_level=None)
        try:
            base.executescript(_TABLES)
            for stand in stands:
                yield from _find_late(stand, summary)
                _store(base, stand, is_by_repository=summary.method != "time")
            yield from _find_shared(base)
            for kind in KINDS:
                yield from _find_similar(base, kind, summary.similarity)
        except sqlite3.Error as error:
            raise refuse_temporary(error, None) from error
        finally:
            base.close()


def _find_late(stand: Stand, summary: SplitSummary) -> Iterator[str]:
    if not summary.validation_from or not stand.began:
        return
    starts = dict(zip(SPLITS, ("", summary.validation_from, summary.test_from), strict=True))
    ends = dict(zip(SPLITS, (summary.validation_from, summary.test_from, ""), strict=True))
    if ends[stand.split] and stand.ended >= ends[stand.split]:
        yield f"{stand.row} is in {stand.split}, and {stand.ended} is after its cut {ends[stand.split]}."
    if stand.began < starts[stand.split]:
        yield f"{stand.row} is in {stand.split}, and {stand.began} is before its cut {starts[stand.split]}."


def _store(base: sqlite3.Connection, stand: Stand, *, is_by_repository: bool) -> None:
    marks = [(f"the pull request {stand.row}", stand.split, stand.row)]
    marks += [(f"the {mark}", stand.split, stand.row) for mark in stand.marks]
    if is_by_repository:
        repository = f"the repository {stand.repo.casefold()}"  # GitHub does not tell names apart by their case
        if not base.execute("SELECT 1 FROM mark WHERE mark = ? AND split = ?", (repository, stand.split)).fetchone():
            marks.append((repository, stand.split, stand.row))
    base.executemany("INSERT OR IGNORE INTO mark VALUES (?, ?, ?)", marks)
    units = [
        (stand.split, unit.kind, f"{stand.row} {unit.kind} {unit.id}", unit.text.encode("utf-8", "replace").decode())
        for unit in stand.units
    ]
    base.executemany("INSERT INTO unit (split, kind, row, text) VALUES (?, ?, ?, ?)", units)


def _find_shared(base: sqlite3.Connection) -> Iterator[str]:
    """What is the same on two sides, by its name."""
    marks = base.execute("SELECT mark FROM mark GROUP BY mark HAVING count(DISTINCT split) > 1 ORDER BY mark")
    for (mark,) in marks.fetchall():
        rows = base.execute("SELECT split, min(row) FROM mark WHERE mark = ? GROUP BY split", (mark,)).fetchall()
        sides = " and ".join(f"{row} ({split})" for split, row in sorted(rows, key=lambda each: SPLITS.index(each[0])))
        yield f"{sides} share {mark}."


def _find_similar(base: sqlite3.Connection, kind: UnitKind, similarity: float) -> Iterator[str]:
    """What is nearly the same on two sides, by its text; of each row the first such."""
    with NearDuplicateIndex(threshold=similarity) as index:
        for split in reversed(SPLITS):
            for (_, row, text), looked_up in _sketch(base, kind, split) if split != SPLITS[-1] else ():
                if found := index.find(looked_up):
                    side, other, its = base.execute(
                        "SELECT split, row, text FROM unit WHERE at = ?", (found,)
                    ).fetchone()
                    score = jaccard(sketch(text).shingles, sketch(its).shingles)
                    yield f"{row} ({split}) and {other} ({side}) are nearly the same: similarity {score:.2f}."
            for (at, _, _), looked_up in _sketch(base, kind, split) if split != SPLITS[0] else ():
                index.add(str(at), looked_up)


def _sketch(base: sqlite3.Connection, kind: UnitKind, split: Split) -> Iterator[tuple[tuple[int, str, str], Sketch]]:
    query = "SELECT at, row, text FROM unit WHERE kind = ? AND split = ? ORDER BY at"
    rows, texts = tee(base.execute(query, (kind, split)))
    return zip(rows, sketch_all(text for _, _, text in texts), strict=True)
