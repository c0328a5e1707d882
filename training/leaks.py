"""Does anything stand on both sides of a split? Asked of what is there, whoever made it and however.

Two sides may share no pull request (by name, head commit or comment), no comment and no hunk that are nearly the same,
and, when repositories are split, no repository. When time splits, nothing of train is from after its cut, and nothing
of the later splits from before theirs.

What is nearly the same is looked for with other MinHash values than those of `split`: the pair that one misses the
other does not miss too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import tee
from pathlib import Path
from typing import Final

from reviewer.domain import Split
from reviewer.jsonfile import decode
from training.aligned import ALIGNED_SCHEMA, Aligned
from training.card import CARD_FILE
from training.counts import COUNTS_FILE
from training.dataset_stands import list_stands
from training.errors import LeakError, refuse_write
from training.examples import build_examples
from training.filtered import FILTERED_SCHEMA, Filtered
from training.near_duplicates import (
    MISS,
    Banding,
    NearDuplicateIndex,
    Sketch,
    choose_banding,
    jaccard,
    sketch,
    sketch_all,
)
from training.snapshot import Snapshot
from training.split import find_span
from training.split_facts import KINDS, Stand, UnitKind, list_marks, list_units
from training.splits import SPLITS, SPLITS_SCHEMA, Assigned, SplitSummary
from training.stage import Told, run_stage
from training.store import SnapshotStore
from training.temporary_tables import open_tables

NAMED: Final = 20
"""So many leaks are named; of more, the number is told."""
SEED: Final = 1729
"""Not that of `training.split_run`, with which the splits were made."""
_TABLES: Final = """
CREATE TABLE mark (mark TEXT, split TEXT, row TEXT, PRIMARY KEY (mark, split, row)) WITHOUT ROWID;
CREATE TABLE listed (row TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE unit (split TEXT, kind TEXT, row TEXT, text TEXT, at INTEGER PRIMARY KEY)
"""


def check_splits(
    store: SnapshotStore, folders: tuple[Path, Path, Path], summary: SplitSummary, told: Told, jobs: int = 0
) -> None:
    """Check what the dataset will be made of: the aligned, the filtered and the split records, with the snapshots.

    Temporary tables stand in the folder of the split records.

    Raises:
        LeakError: Something stands on both sides. The message names the rows and what they share.
        DataError: What is to be checked cannot be read, or there is no room for the tables.
    """
    kinds = ((ALIGNED_SCHEMA, Aligned), (FILTERED_SCHEMA, Filtered), (SPLITS_SCHEMA, Assigned))
    inputs = [(folder, *kind) for folder, kind in zip(folders, kinds, strict=True)]
    lines = run_stage(store, find_stand, told, inputs, jobs=jobs)
    check_stands((decode(line, Stand) for line in lines), summary, folders[-1])


def find_stand(snapshot: Snapshot, aligned: Aligned, filtered: Filtered, assigned: Assigned) -> Stand | None:
    """What the dataset will hold of a pull request: what a worker does."""
    if assigned.split not in SPLITS:
        return None
    examples = build_examples(snapshot, aligned, filtered, assigned).shown
    units = dict.fromkeys(unit for example in examples for unit in list_units(example))
    began, ended = find_span(snapshot)
    return Stand(assigned.split, snapshot.repo, snapshot.number, began, ended, list_marks(snapshot), tuple(units))


def check_dataset(dataset: Path, splits: Path, summary: SplitSummary) -> None:
    """Check a finished dataset, row by row and chat by chat; see `check_splits`."""
    check_stands(list_stands(dataset), summary, splits)


def accept_dataset(dataset: Path, splits: Path, summary: SplitSummary) -> None:
    """Check a finished dataset. One that leaks is no whole one any more: its counts and its card are taken away.

    Raises:
        LeakError: Something stands on both sides.
        DataError: What is to be checked cannot be read, or what leaks cannot be taken away.
    """
    try:
        check_dataset(dataset, splits, summary)
    except LeakError as error:
        for path in (dataset / COUNTS_FILE, dataset / CARD_FILE):
            try:
                path.unlink(missing_ok=True)
            except OSError as refused:
                raise refuse_write(path, refused) from error
        hint = f"{dataset} is refused: {COUNTS_FILE} and {CARD_FILE} are taken away. {error.hint}"
        raise LeakError(error.what, hint) from error


def check_stands(stands: Iterable[Stand], summary: SplitSummary, folder: Path | None = None) -> None:
    """Raise LeakError if there is a leak. The folder is for temporary tables."""
    leaks = list(dict.fromkeys(find_leaks(stands, summary, folder)))
    if not leaks:
        return
    more = [f"... and {len(leaks) - NAMED} more."] if len(leaks) > NAMED else []
    count = "1 leak" if len(leaks) == 1 else f"{len(leaks)} leaks"
    raise LeakError(
        "\n".join([f"{count} between the splits:", *leaks[:NAMED], *more]),
        "Run `glossator-train split` and what follows again; name repositories that share their code in `families`."
        " If it finds the same once more, lower `similarity` by a hundredth.",
    )


def find_leaks(stands: Iterable[Stand], summary: SplitSummary, folder: Path | None = None) -> Iterator[str]:
    """A sentence for each leak."""
    with open_tables(_TABLES, folder) as base:
        for stand in stands:
            yield from _find_late(stand, summary)
            yield from _find_unlisted(base, stand, summary)
            _store(base, stand, is_by_repository=summary.method != "time")
        yield from _find_shared(base)
        for kind in KINDS:
            yield from _find_similar(base, kind, summary.similarity, folder)


def _find_late(stand: Stand, summary: SplitSummary) -> Iterator[str]:
    if not summary.validation_from or not stand.began:
        return
    starts = dict(zip(SPLITS, ("", summary.validation_from, summary.test_from), strict=True))
    ends = dict(zip(SPLITS, (summary.validation_from, summary.test_from, ""), strict=True))
    if ends[stand.split] and stand.ended >= ends[stand.split]:
        yield f"{stand.row} is in {stand.split}, and {stand.ended} is after its cut {ends[stand.split]}."
    if stand.began < starts[stand.split]:
        yield f"{stand.row} is in {stand.split}, and {stand.began} is before its cut {starts[stand.split]}."


def _find_unlisted(base: sqlite3.Connection, stand: Stand, summary: SplitSummary) -> Iterator[str]:
    if stand.is_listed:
        base.execute("INSERT OR IGNORE INTO listed VALUES (?)", (stand.row,))
    elif summary.validation_from and not base.execute("SELECT 1 FROM listed WHERE row = ?", (stand.row,)).fetchone():
        yield f"{stand.row} is in {stand.split}, and the table of pull requests does not say when it was."


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


def _find_similar(base: sqlite3.Connection, kind: UnitKind, similarity: float, folder: Path | None) -> Iterator[str]:
    """What is nearly the same on two sides, by its text; of each row the first such."""
    banding = choose_banding(similarity, MISS, SEED)
    with NearDuplicateIndex(folder, similarity) as index:
        for split in reversed(SPLITS):
            for (_, row, text), looked_up in _sketch(base, kind, split, banding) if split != SPLITS[-1] else ():
                if found := index.find(looked_up):
                    side, other, its = base.execute(
                        "SELECT split, row, text FROM unit WHERE at = ?", (found,)
                    ).fetchone()
                    score = jaccard(sketch(text).shingles, sketch(its).shingles)
                    yield f"{row} ({split}) and {other} ({side}) are nearly the same: similarity {score:.2f}."
            for (at, _, _), looked_up in _sketch(base, kind, split, banding) if split != SPLITS[0] else ():
                index.add(str(at), looked_up)


def _sketch(
    base: sqlite3.Connection, kind: UnitKind, split: Split, banding: Banding
) -> Iterator[tuple[tuple[int, str, str], Sketch]]:
    query = "SELECT at, row, text FROM unit WHERE kind = ? AND split = ? ORDER BY at"
    rows, texts = tee(base.execute(query, (kind, split)))
    return zip(rows, sketch_all((text for _, _, text in texts), banding), strict=True)
