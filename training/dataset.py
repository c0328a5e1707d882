"""From snapshots and what three stages say of them to a dataset: Parquet, chats as JSONL, counts and a card.

A worker process makes all rows of a pull request; the parent writes them in the order of the pull requests. Memory does
not grow with their number, and the same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from reviewer.domain import Split
from training.aligned import ALIGNED_SCHEMA, Aligned
from training.chats import Chat, render_chats
from training.counts import COUNTS_FILE, Counts, count_examples, count_stages, render_counts
from training.dataset_params import DatasetParams
from training.examples import PullRequestExamples, build_examples, clean
from training.filtered import FILTERED_SCHEMA, Filtered
from training.folder import replace_folder
from training.parquet import EXAMPLE, EXAMPLES, PULL_REQUEST, PULL_REQUESTS, Row, TableWriter, example_row
from training.snapshot import Snapshot
from training.splits import SPLITS, SPLITS_SCHEMA, Assigned
from training.stage import Told, run_stage
from training.store import SnapshotStore

CHATS = "chats/{split}.jsonl"
OUTDATED_CHATS = "chats/{split}-outdated.jsonl"
"""There the comment always stands on the last line shown: they teach what to say, not where."""


@dataclass(frozen=True, slots=True)
class Built:
    """All rows of one pull request. `split` is empty when it stays out: then only `counts` say something."""

    repo: str
    number: int
    split: Literal[Split, ""]
    counts: dict[str, dict[str, int]]
    row: dict[str, Any] = field(default_factory=dict)
    examples: tuple[dict[str, Any], ...] = ()
    prefix: str = ""
    chats: tuple[Chat, ...] = ()


def write_dataset(
    store: SnapshotStore, folders: tuple[Path, Path, Path], target: Path, params: DatasetParams, *, jobs: int = 0
) -> tuple[Counts, Told]:
    """Write a dataset in place of the one before it.

    Args:
        store: The snapshots.
        folders: What `align`, `filter` and `split` wrote.
        target: The folder of the dataset. It changes at the end, all at once.
        params: How it is made.
        jobs: Worker processes; 0 for one a processor.

    Raises:
        DataError: A stage's folder cannot be read, or the dataset cannot be written.
    """
    kinds = ((ALIGNED_SCHEMA, Aligned), (FILTERED_SCHEMA, Filtered), (SPLITS_SCHEMA, Assigned))
    inputs = [(folder, schema, kind) for folder, (schema, kind) in zip(folders, kinds, strict=True)]
    counts, told = Counts(parameters=asdict(params)), Told()
    with replace_folder(target, COUNTS_FILE) as folder:
        with open_tables(folder) as tables:
            for line in run_stage(store, partial(build_rows, params=params), told, inputs, jobs=jobs):
                built = msgspec.json.decode(line, type=Built)
                counts.add(built.counts, built.split)
                if built.split:
                    tables.write(built)
        (folder / COUNTS_FILE).write_bytes(render_counts(counts))
    return counts, told


def build_rows(
    snapshot: Snapshot, aligned: Aligned, filtered: Filtered, assigned: Assigned, *, params: DatasetParams
) -> Built:
    """All rows of one pull request: what a worker does."""
    tally = count_stages(snapshot, aligned, filtered)
    if not assigned.split:
        tally["left_out"][assigned.reason or "unknown"] += 1
        return Built(snapshot.repo, snapshot.number, "", {section: dict(keys) for section, keys in tally.items()})
    built = build_examples(snapshot, aligned, filtered, assigned)
    prefix, chats = render_chats(built, (), params, tally)
    count_examples(built, tally)
    return Built(
        snapshot.repo,
        snapshot.number,
        assigned.split,
        {section: dict(keys) for section, keys in tally.items()},
        pull_request_row(snapshot, built, assigned.split),
        tuple(example_row(example) for example in built.examples),
        prefix,
        chats,
    )


def pull_request_row(snapshot: Snapshot, built: PullRequestExamples, split: str) -> Row:
    """The row of the table of pull requests."""
    return {
        "repo": snapshot.repo,
        "number": snapshot.number,
        "split": split,
        "title": clean(snapshot.title),
        "body": clean(snapshot.body),
        "base_sha": snapshot.base_sha,
        "head_sha": snapshot.head_sha,
        "source": snapshot.source,
        "license": snapshot.license,
        "language": snapshot.language,
        "created_at": snapshot.created_at,
        "comments_complete": snapshot.comments_complete,
        "unseen_comments": built.unseen,
        "examples": len(built.examples),
        "comments": sum(len(example.comments) for example in built.examples),
        "guidelines": [],
    }


class Tables:
    """The open files of a dataset."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        def open_chats(name: str, split: str) -> IO[bytes]:
            path = folder / name.format(split=split)
            path.parent.mkdir(parents=True, exist_ok=True)
            return stack.enter_context(path.open("wb"))

        self.pull_requests = stack.enter_context(TableWriter(folder / PULL_REQUESTS, PULL_REQUEST))
        self.examples = {
            split: stack.enter_context(TableWriter(folder / EXAMPLES.format(split=split), EXAMPLE)) for split in SPLITS
        }
        self.chats = {
            (split, outdated): open_chats(OUTDATED_CHATS if outdated else CHATS, split)
            for split in SPLITS
            for outdated in (False, True)
        }

    def write(self, built: Built) -> None:
        """Write all rows of a pull request."""
        self.pull_requests.write(built.row)
        assert built.split, "a pull request without a split has no rows"
        for row in built.examples:
            self.examples[built.split].write(row)
        for chat in built.chats:
            self.chats[built.split, chat.outdated].write(chat.render(built.prefix))


@contextmanager
def open_tables(folder: Path) -> Iterator[Tables]:
    """All files of a dataset that get a row at a time, whole when the block has ended."""
    with ExitStack() as stack:
        yield Tables(folder, stack)
