"""Keep the comments that teach something, and say of every other one why it does not.

Two passes. The first looks at one pull request at a time, on several processes: who wrote it, where it stands, what
its words are. The second goes through what is left in the order in which it was written, and leaves out what somebody
has said before in nearly the same words. Neither holds more than a bounded number of comments in memory.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import tee
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from reviewer.errors import UsageError
from training.aligned import ALIGNED_SCHEMA, Aligned, AlignedComment
from training.comment_rules import CommentText, find_reason, is_english, read_text
from training.errors import refuse_write
from training.filter_counts import FilterCounts, save_counts
from training.filtered import FILTERED_SCHEMA, Filtered, FilteredComment, FilterReason
from training.licenses import LicenseRule, refuse_license
from training.near_duplicates import THRESHOLD, NearDuplicateIndex, sketch_all
from training.opt_out import OptOut, list_people
from training.quality import score_quality
from training.records import encode, is_running, read_records, save_records
from training.repeats import Repeats
from training.scrub import scrub
from training.snapshot import Key, Snapshot, SnapshotComment
from training.stage import Told, run_stage
from training.store import SnapshotStore
from training.temporary_tables import refuse_tables

PLACELESS: Final = frozenset({"file", "unplaced"})
Association = Literal[
    "OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "FIRST_TIMER", "MANNEQUIN", "NONE"
]
"""GitHub's words for what somebody is to a repository."""
FIRST_PASS: Final = re.compile(r"\.first-pass-(?:(\d+)-)?\w+")
"""The folder of a first pass, with its process."""


@dataclass(frozen=True, slots=True)
class FilterParams:
    """The section `filter` of params.yaml."""

    licenses: LicenseRule = "permissive"
    """`permissive`, or `any` for a repository of your own."""
    associations: Literal["any"] | tuple[Association, ...] = "any"
    """What its author must be to the repository, by GitHub's `author_association`; `any` or none named: anything.
    Where nobody knows it, the comment is kept."""
    english_only: bool = False
    min_words: int = 2
    """Words of a comment that has no code in it, at least."""
    max_characters: int = 4000
    """Of the body."""
    min_quality: float = 0.65
    """From 0, which keeps all, to 1; see `training.quality`."""
    near_duplicate: float = THRESHOLD
    """Jaccard similarity of 5-grams from which two comments are nearly the same; above 1 none are."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the filter goes by, beside the snapshot. `salt` is what names are hashed with."""

    params: FilterParams = field(default_factory=FilterParams)
    opt_out: OptOut = field(default_factory=OptOut)
    salt: str = ""


def check_params(params: FilterParams) -> None:
    """Refuse what is out of its range, with a UsageError."""
    hint = "Change the section filter of params.yaml."
    if params.min_words < 0:
        raise UsageError(f"min_words is {params.min_words}; it must be at least 0.", hint)
    if params.max_characters < 1:
        raise UsageError(f"max_characters is {params.max_characters}; it must be at least 1.", hint)
    if not 0 <= params.min_quality <= 1:
        raise UsageError(f"min_quality is {params.min_quality:g}; it must be from 0 to 1.", hint)
    if not params.near_duplicate > 0:
        raise UsageError(f"near_duplicate is {params.near_duplicate:g}; it must be above 0.", hint)


def filter_snapshots(
    store: SnapshotStore, aligned: Path, folder: Path, policy: Policy, told: Told, *, jobs: int = 0
) -> FilterCounts:
    """Filter all pull requests into a folder of records, with counts.json beside them.

    Args:
        store: The snapshots.
        aligned: Folder of `align`.
        folder: Where the records go.
        policy: What to go by.
        told: Filled as it goes.
        jobs: Worker processes; 0 for one a processor.

    Raises:
        UsageError: A parameter is out of its range.
        DataError: What `align` wrote cannot be read, or there is no room. Then nothing has changed.
    """
    check_params(policy.params)
    inputs = [(aligned, ALIGNED_SCHEMA, Aligned)]
    counts = FilterCounts()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_left_behind(folder)
        prefix = f".first-pass-{os.getpid()}-"
        with TemporaryDirectory(prefix=prefix, dir=folder) as name, Repeats(Path(name)) as repeats:
            first = Path(name) / "records"
            lines = run_stage(store, partial(filter_pull_request, policy=policy), told, inputs, jobs=jobs)
            save_records(first, FILTERED_SCHEMA, lines)
            remember_kept(first, repeats)
            mark_repeats(repeats, Path(name), policy.params.near_duplicate)
            save_records(folder, FILTERED_SCHEMA, leave_out_repeats(first, repeats, counts))
    except sqlite3.Error as error:
        raise refuse_tables(folder, error) from error
    except OSError as error:
        raise refuse_write(folder, error) from error
    save_counts(folder, counts)
    return counts


def remove_left_behind(folder: Path) -> None:
    """Remove the first passes of processes that are gone: people's words stand in them."""
    for left in folder.iterdir():
        found = FIRST_PASS.fullmatch(left.name)
        if found and not (found[1] and is_running(int(found[1]))):
            shutil.rmtree(left)


def filter_pull_request(snapshot: Snapshot, aligned: Aligned, *, policy: Policy) -> Filtered:
    """The decision about each comment of a pull request, near-duplicates not yet seen."""
    places = {comment.id: comment for comment in aligned.comments}
    reason, detail = refuse_pull_request(snapshot, policy)
    if reason:
        refused = tuple(FilteredComment(comment.id, reason, detail) for comment in snapshot.comments)
        return Filtered(snapshot.repo, snapshot.number, refused, reason)
    people = list_people(snapshot, policy.opt_out)
    decided = tuple(
        filter_comment(comment, places.get(comment.id), snapshot, people, policy) for comment in snapshot.comments
    )
    return Filtered(snapshot.repo, snapshot.number, decided)


def refuse_pull_request(snapshot: Snapshot, policy: Policy) -> tuple[str, str]:
    """Why nothing of a pull request may be used, with a word on it; both empty when it may."""
    if policy.opt_out.is_out(snapshot.author):
        return FilterReason.OPTED_OUT, "the author of the pull request"
    refused = refuse_license(snapshot.license, policy.params.licenses)
    return (FilterReason.LICENSE, refused) if refused else ("", "")


def filter_comment(
    comment: SnapshotComment, place: AlignedComment | None, snapshot: Snapshot, people: frozenset[str], policy: Policy
) -> FilteredComment:
    """The decision about one comment: who wrote it, then where it stands, then what it says."""
    reason, detail = refuse_author(comment, snapshot, policy)
    if not reason:
        reason, detail = refuse_place(comment, place, complete=snapshot.comments_complete)
    body = comment.body.replace("\r\n", "\n").strip()
    if not reason and len(body) > policy.params.max_characters:
        reason, detail = FilterReason.TOO_LONG, f"{len(body)} characters"
    if reason:
        return FilteredComment(comment.id, reason, detail)
    text = read_text(body)
    reason, detail = refuse_text(text, policy.params)
    if reason:
        return FilteredComment(comment.id, reason, detail)
    quality = round(score_quality(text), 4)
    if quality < policy.params.min_quality:
        return FilteredComment(comment.id, FilterReason.LOW_QUALITY, f"{quality:.2f}", quality=quality)
    clean = scrub(text.body, comment.diff_hunk, people, policy.salt)
    return FilteredComment(
        comment.id, body=clean.text, quality=quality, created_at=comment.created_at, removed=clean.removed
    )


def refuse_author(comment: SnapshotComment, snapshot: Snapshot, policy: Policy) -> tuple[str, str]:
    """Why nobody should learn from who wrote it; both empty when there is no such reason."""
    if policy.opt_out.is_out(comment.author):
        return FilterReason.OPTED_OUT, "the author of the comment"
    if comment.author_type == "Bot":
        return FilterReason.BOT, ""
    if comment.ai_suspected:
        return FilterReason.AGENT, "the source says so"
    if comment.author and comment.author == snapshot.author:
        return FilterReason.OWN, ""
    known, wanted = comment.author_association, policy.params.associations
    is_outsider = bool(known) and wanted != "any" and bool(wanted) and known not in wanted
    return (FilterReason.OUTSIDER, known) if is_outsider else ("", "")


def refuse_place(comment: SnapshotComment, place: AlignedComment | None, *, complete: bool) -> tuple[str, str]:
    """Why it stands on no line as the first of its thread; both empty when it does.

    Where all comments are known, the first one that is left of a thread is its first.
    """
    is_first = place is not None and place.root == comment.id and (complete or comment.in_reply_to is None)
    if not is_first and (place is not None or comment.in_reply_to is not None):
        return FilterReason.REPLY, ""
    if place is None:
        return FilterReason.NO_PLACE, "align says nothing of it"
    return (FilterReason.NO_PLACE, place.reason or place.standing) if place.standing in PLACELESS else ("", "")


def refuse_text(text: CommentText, params: FilterParams) -> tuple[str, str]:
    """Why its words teach nothing; both empty when there is no such reason."""
    if found := find_reason(text):
        return found, ""
    if params.english_only and not is_english(text):
        return FilterReason.LANGUAGE, ""
    too_short = not text.has_code and len(text.words) < params.min_words
    return (FilterReason.TOO_SHORT, f"{len(text.words)} words") if too_short else ("", "")


def remember_kept(first: Path, repeats: Repeats) -> None:
    """Note all comments that the first pass kept."""
    for raw in read_records(first, FILTERED_SCHEMA, Filtered):
        kept = (comment for comment in raw.read().comments if not comment.reason)
        repeats.add_all(*raw.key, ((comment.created_at, comment.id, comment.body) for comment in kept))


def mark_repeats(repeats: Repeats, folder: Path, threshold: float) -> None:
    """Find the comments that say nearly the same as an earlier one that stays. No comment repeats its own copy."""
    if threshold > 1:
        return
    with NearDuplicateIndex(folder, threshold) as index:
        texts, again = tee(repeats.in_order())
        for (place, _), sketch in zip(texts, sketch_all(body for _, body in again), strict=True):
            earlier = index.find(sketch)
            if earlier is None:
                index.add(str(place[-1]), sketch)
            elif int(earlier) != place[-1]:
                repeats.mark(place, int(earlier))


def leave_out_repeats(first: Path, repeats: Repeats, counts: FilterCounts) -> Iterator[bytes]:
    """The records of the first pass, with near-duplicates left out and everything counted."""
    for raw in read_records(first, FILTERED_SCHEMA, Filtered):
        record = raw.read()
        comments = tuple(_leave_out(comment, repeats, raw.key) for comment in record.comments)
        after = record if comments == record.comments else replace(record, comments=comments)
        counts.add(after)
        yield raw.line.rstrip(b"\n") if after is record else encode(after)


def _leave_out(comment: FilteredComment, repeats: Repeats, key: Key) -> FilteredComment:
    earlier = None if comment.reason else repeats.find((*key, comment.id))
    if earlier is None:
        return comment
    return replace(
        comment, reason=FilterReason.NEAR_DUPLICATE, detail=f"of {earlier}", body="", duplicate_of=earlier, removed={}
    )
