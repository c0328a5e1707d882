"""Held-out pull requests for the evaluation: what the reviewer is shown, and what humans said there.

The gold is not what the filter keeps: a remark that teaches nothing still shows where a human stopped. It is marked, so
that comment texts can be compared with those that teach something. The order of the file is drawn by chance, from a
digest of each key, so that its head is a sample and stays the same when others come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from evals.errors import EvalError
from evals.held_out import GoldComment, HeldOut, OutdatedComment, save_held_out
from reviewer.domain import Bundle, PullRequest, Split
from reviewer.jsonfile import decode
from reviewer.settings import Settings
from training.aligned import ALIGNED_SCHEMA, Aligned
from training.anchors import find_file, parse_comment_hunk
from training.dataset import Names, find_guidelines
from training.dataset_params import DatasetParams
from training.errors import DataError
from training.examples import clean, read_pull_request
from training.filtered import FILTERED_SCHEMA, Filtered, FilterReason
from training.opt_out import list_people
from training.remarks import Remark, join_remarks
from training.scrub import scrub
from training.snapshot import Snapshot
from training.splits import SPLITS_SCHEMA, Assigned
from training.stage import Told, run_stage
from training.store import SnapshotStore
from training.successor import find_successor


@dataclass(frozen=True, slots=True)
class Choice:
    """Which pull requests are held out. No `repos`: all. `since`: created on this day (UTC) or later."""

    split: Split = "test"
    repos: tuple[str, ...] = ()
    since: str = ""
    complete_only: bool = False


@dataclass(slots=True)
class HeldOutCounts:
    """What a set holds."""

    pull_requests: int = 0
    commented: int = 0
    complete: int = 0
    gold: int = 0
    unplaced: int = 0


def write_held_out(
    store: SnapshotStore,
    folders: tuple[Path, Path, Path],
    path: Path,
    choice: Choice,
    names: Names,
    *,
    seed: int = 0,
    jobs: int = 0,
) -> tuple[HeldOutCounts, Told]:
    """Write the chosen pull requests as a held-out set.

    Args:
        store: The snapshots.
        folders: What `align`, `filter` and `split` wrote.
        path: The file.
        choice: Which ones.
        names: How names are made unreadable.
        seed: Of the order.
        jobs: Worker processes; 0 for one a processor.

    Raises:
        DataError: A stage's folder cannot be read, or the file cannot be written.
    """
    kinds = ((ALIGNED_SCHEMA, Aligned), (FILTERED_SCHEMA, Filtered), (SPLITS_SCHEMA, Assigned))
    inputs = [(folder, schema, kind) for folder, (schema, kind) in zip(folders, kinds, strict=True)]
    told, counts = Told(), HeldOutCounts()
    work = partial(hold_out, choice=choice, snapshots=store.folder, names=names)
    lines = sorted((_draw(line, seed, counts), line) for line in run_stage(store, work, told, inputs, jobs=jobs))
    try:
        save_held_out(path, path.stem, (line for _, line in lines))
    except EvalError as error:
        raise DataError(error.what, error.hint) from error
    return counts, told


def hold_out(
    snapshot: Snapshot,
    aligned: Aligned,
    filtered: Filtered,
    assigned: Assigned,
    *,
    choice: Choice,
    snapshots: Path,
    names: Names,
) -> HeldOut | None:
    """One pull request with its gold, or None when it is not chosen or has no diff: what a worker does."""
    is_chosen = not filtered.reason and assigned.split == choice.split and snapshot.author_type != "Bot"
    is_chosen &= not choice.repos or snapshot.repo in choice.repos
    is_chosen &= snapshot.created_at >= choice.since and (snapshot.comments_complete or not choice.complete_only)
    pull_request = read_pull_request(snapshot) if is_chosen else None
    if pull_request is None or not pull_request.files:
        return None
    remarks = [remark for remark in join_remarks(snapshot, aligned, filtered, assigned) if remark.is_remark]
    guidelines = find_guidelines(snapshot, pull_request, DatasetParams(Settings().context_tokens), snapshots, names)
    return HeldOut(
        Bundle(pull_request, guidelines),
        tuple(_gold(snapshot, remark, names) for remark in remarks if remark.aligned.current),
        snapshot.comments_complete,
        sum(remark.aligned.current is None for remark in remarks),
        snapshot.created_at,
        snapshot.license,
        snapshot.source,
        tuple(_list_outdated(remarks, pull_request)),
    )


def _list_outdated(remarks: Sequence[Remark], pull_request: PullRequest) -> Iterator[OutdatedComment]:
    """Where the code stands now of those that have no line any more."""
    for remark in remarks:
        comment, file = remark.comment, find_file(pull_request.files, remark.comment.path)
        commented = parse_comment_hunk(comment.diff_hunk, comment.side)
        if remark.aligned.standing != "outdated" or file is None or isinstance(commented, str):
            continue
        if (hunk := find_successor(commented, file)) is not None:
            yield OutdatedComment(comment.id, file.path, hunk)


def _gold(snapshot: Snapshot, remark: Remark, names: Names) -> GoldComment:
    anchor, comment = remark.aligned.current, remark.comment
    assert anchor, "only placed comments are gold"
    return GoldComment(
        comment.id,
        anchor.path,
        anchor.side,
        anchor.line,
        anchor.start_line,
        _body(snapshot, remark, names),
        comment.created_at,
        "exact" if remark.aligned.standing == "exact" else "reanchored",
        remark.kept,
    )


def _body(snapshot: Snapshot, remark: Remark, names: Names) -> str:
    """The comment's words without secrets and personal data; none of someone who opted out."""
    if remark.filtered.reason == FilterReason.OPTED_OUT:
        return ""
    if remark.filtered.body:
        return remark.filtered.body
    people = list_people(snapshot, names.opt_out)
    body = remark.comment.body.replace("\r\n", "\n").strip()
    return clean(scrub(body, remark.comment.diff_hunk, people, names.salt).text)


class _Facts(msgspec.Struct):
    """What is counted of an encoded record."""

    bundle: _Shown
    gold: list[dict[str, object]]
    complete: bool
    unplaced: int


class _Shown(msgspec.Struct):
    pull_request: _Named


class _Named(msgspec.Struct):
    repo: str
    number: int


def _draw(line: bytes, seed: int, counts: HeldOutCounts) -> str:
    """Count a record, and give its place in the order."""
    facts = decode(line, _Facts)
    counts.pull_requests += 1
    counts.commented += bool(facts.gold)
    counts.complete += facts.complete
    counts.gold += len(facts.gold)
    counts.unplaced += facts.unplaced
    name = facts.bundle.pull_request
    return hashlib.sha256(f"{seed}:{name.repo}#{name.number}".encode()).hexdigest()


def render_held_out(path: Path, counts: HeldOutCounts) -> Iterator[str]:
    """The sentences that the command ends with."""
    yield f"{path}: {counts.pull_requests:,} pull requests, {counts.commented:,} of them with a human comment."
    yield f"  {counts.gold:,} comments have a line in the diff, {counts.unplaced:,} have none (recall is without them)."
    selected = counts.pull_requests - counts.complete
    if selected:
        yield f"  Of {selected:,} only some comments are known: they are ground for recall, never for precision."
