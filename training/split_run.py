"""The stage itself: from the stages before to the records of `training.splits` and their summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from itertools import pairwise, tee
from pathlib import Path
from typing import Final

import msgspec

from reviewer.domain import Split
from reviewer.errors import UsageError
from reviewer.jsonfile import check_schema, decode, replace_file
from training.aligned import ALIGNED_SCHEMA, Aligned
from training.errors import DataError, refuse_write
from training.filtered import FILTERED_SCHEMA, Filtered
from training.near_duplicates import MISS, Banding, NearDuplicateIndex, Sketch, choose_banding, sketch_all
from training.records import encode, save_records
from training.snapshot import Key
from training.split import NEVER, Cuts, SplitParams, check_params, choose_repositories, choose_split, list_unknown
from training.split_facts import KINDS, Facts, UnitKind, find_facts
from training.split_table import FactsTable, StoredUnit
from training.splits import SPLITS, SPLITS_SCHEMA, SUMMARY_FILE, SUMMARY_SCHEMA, OutReason, SplitSummary
from training.stage import Told, run_stage
from training.store import SchemaOnly, SnapshotStore

SEED: Final = 42
"""What the MinHash values are drawn with; `training.leaks` draws others."""


def split_snapshots(
    store: SnapshotStore, aligned: Path, filtered: Path, splits: Path, params: SplitParams, told: Told, jobs: int = 0
) -> SplitSummary:
    """Give each pull request to a split, and write who goes where.

    Args:
        store: The snapshots.
        aligned: Folder of `align`.
        filtered: Folder of `filter`.
        splits: Folder to write.
        params: How to split.
        told: Filled as it goes.
        jobs: Worker processes; 0 for one a processor, 1 for none but this.

    Raises:
        UsageError: The parameters contradict themselves or the data.
        DataError: A folder cannot be read or written. What stood there still stands.
    """
    check_params(params)
    inputs = [(aligned, ALIGNED_SCHEMA, Aligned), (filtered, FILTERED_SCHEMA, Filtered)]
    try:
        splits.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse_write(splits, error) from error
    with FactsTable(splits) as table:
        for line in run_stage(store, find_facts, told, inputs, jobs=jobs):
            table.add(decode(line, Facts))
        told.problems += list_unknown(table.list_repos(), params)
        cuts = choose_cuts(table, params)
        place_pulls(table, params, cuts)
        drop_same(table)
        for kind in KINDS:
            leave_out_near_duplicates(table, kind, params.similarity)
        save_records(splits, SPLITS_SCHEMA, (encode(record) for record in table.list_assigned()))
        summary = summarize(table, params, cuts)
    save_summary(summary, splits)
    return summary


def choose_cuts(table: FactsTable, params: SplitParams) -> Cuts:
    """The cuts that were asked for, or those from which on the newest pull requests make up the shares."""
    if params.method == "repository":
        return Cuts("", "")
    test = _choose_cut(table, params.test_from, params.test_share)
    share = params.test_share + params.validation_share
    validation = _choose_cut(table, params.validation_from, share)
    return Cuts(min(validation, test), test)


def _choose_cut(table: FactsTable, given: date | None, share: float) -> str:
    if given:
        return given.isoformat()
    return table.find_beginning(share)[:10] or NEVER if share else NEVER


def place_pulls(table: FactsTable, params: SplitParams, cuts: Cuts) -> None:
    """Choose the split of each pull request."""
    same = ((one[0], other[0]) for members in table.list_same() for one, other in pairwise(members))
    repos = {} if params.method == "time" else choose_repositories(table.list_repos(), same, params)
    for key, span, unusable in table.list_spans():
        found = choose_split(key[0], span, repos, cuts, params.method)
        if unusable or isinstance(found, OutReason):
            table.place(key, "", unusable or found)
        else:
            table.place(key, found)


def drop_same(table: FactsTable) -> None:
    """Keep one of the names of each pull request: in the latest split, with the most comments, the first."""

    def rank(key: Key) -> tuple[int, int, Key]:
        return (-SPLITS.index(splits[key]), -table.count_comments(key), key)

    for members in table.list_same():
        splits: dict[Key, Split] = {key: split for key in members if (split := table.find_split(key)) is not None}
        for key in sorted(splits, key=rank)[1:]:
            table.place(key, "", OutReason.SAME)


def leave_out_near_duplicates(table: FactsTable, kind: UnitKind, similarity: float) -> None:
    """Leave out of each split what stands, nearly the same, in a later one."""
    banding = choose_banding(similarity, MISS, SEED)
    with NearDuplicateIndex(table.folder, similarity) as index:
        for split in reversed(SPLITS):
            if split != SPLITS[-1]:
                found = [unit.at for unit, sketch in _sketch(table, kind, split, banding) if index.find(sketch)]
                table.leave_out(found)
            if split != SPLITS[0]:
                for unit, sketch in _sketch(table, kind, split, banding):
                    index.add(unit.id, sketch)


def _sketch(table: FactsTable, kind: UnitKind, split: Split, banding: Banding) -> Iterator[tuple[StoredUnit, Sketch]]:
    units, again = tee(table.list_units(kind, split))
    return zip(units, sketch_all((unit.text for unit in again), banding), strict=True)


def summarize(table: FactsTable, params: SplitParams, cuts: Cuts) -> SplitSummary:
    """What came of it."""
    counts, out = table.count_splits(), table.count_out()
    return SplitSummary(params.method, cuts.validation, cuts.test, params.similarity, counts, out)


def save_summary(summary: SplitSummary, splits: Path) -> None:
    """Write `summary.json` beside the records, or raise DataError."""
    path = splits / SUMMARY_FILE
    try:
        replace_file(path, json.dumps({"schema": SUMMARY_SCHEMA, **asdict(summary)}, indent=2).encode() + b"\n")
    except OSError as error:
        raise refuse_write(path, error) from error


def load_summary(splits: Path) -> SplitSummary:
    """Read `summary.json`, or raise DataError that says what is wrong with it."""
    path = splits / SUMMARY_FILE
    hint = "Run `glossator-train split` again."
    try:
        data = path.read_bytes()
        check_schema(decode(data, SchemaOnly).schema, SUMMARY_SCHEMA, str(path))
        return decode(data, SplitSummary)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.", hint) from error
    except UsageError as error:
        raise DataError(error.what, hint) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} does not fit its schema: {error}.", hint) from error
