"""The stage `align` over a whole store: records in order, and what became of the comments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final, get_args

import msgspec

from reviewer.jsonfile import decode
from training.align import align
from training.aligned import ALIGNED_SCHEMA, Standing
from training.anchors import AlignParams
from training.records import digest_parameters, save_records
from training.stage import Told, run_stage
from training.store import SnapshotStore

MEANING: Final[dict[str, str]] = {
    "exact": "where they were made",
    "reanchored": "moved, and found again",
    "outdated": "not in the diff, or there is no diff",
    "file": "about a whole file",
    "unplaced": "on a line that nobody knows",
}


class _Standing(msgspec.Struct):
    standing: Standing


class _Comments(msgspec.Struct):
    comments: list[_Standing]
    problem: str = ""


def align_snapshots(
    store: SnapshotStore,
    aligned: Path,
    params: AlignParams,
    told: Told,
    *,
    jobs: int = 0,
    shard: tuple[int, int] = (1, 1),
) -> Counter[str]:
    """Align all pull requests of a store, or a shard of them.

    Returns:
        How many comments have which standing, and under `problem` how many diffs could not be read.

    Raises:
        DataError: There is no store, or the records cannot be written.
    """
    counts: Counter[str] = Counter()
    part, parts = shard
    lines = run_stage(store, partial(align, params=params), told, jobs=jobs, shard=part, shards=parts)
    save_records(aligned, ALIGNED_SCHEMA, _count(lines, counts), part, parts, parameters=digest_parameters(params))
    return counts


def _count(lines: Iterator[bytes], counts: Counter[str]) -> Iterator[bytes]:
    for line in lines:
        record = decode(line, _Comments)
        counts.update(comment.standing for comment in record.comments)
        counts["problem"] += bool(record.problem)
        yield line


def render_standings(pull_requests: int, counts: Counter[str]) -> str:
    """The table that the command ends with."""
    total = sum(counts[standing] for standing in get_args(Standing))
    rows = [
        (name, f"{counts[name]:,}", f"{counts[name] / max(total, 1):.1%}", MEANING[name]) for name in get_args(Standing)
    ]
    head = f"{total:,} comments of {pull_requests:,} pull requests"
    foot = f"\n{counts['problem']:,} pull requests have no diff, or none that can be read." if counts["problem"] else ""
    return head + "".join(f"\n  {a:<10} {b:>7} {c:>6}  {d}" for a, b, c, d in rows) + foot
