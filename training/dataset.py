"""From snapshots and what three stages say of them to a dataset: Parquet, chats as JSONL, counts and a card.

A worker process makes all rows of a pull request; the parent writes them in the order of the pull requests. Memory does
not grow with their number, and the same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from reviewer.context import choose_guidelines, guideline_budget
from reviewer.domain import Guideline, PullRequest, ReviewExample, Split
from reviewer.settings import Settings
from training.aligned import ALIGNED_SCHEMA, Aligned
from training.card import save_card
from training.chats import Chat, render_chats
from training.counts import COUNTS_FILE, Counts, Tally, count_examples, count_stages, render_counts
from training.dataset_params import DatasetParams, check_params
from training.examples import PullRequestExamples, build_examples, clean
from training.filtered import FILTERED_SCHEMA, Filtered
from training.folder import replace_entries
from training.guideline_history import GuidelineHistory, files_at, load_history
from training.opt_out import OptOut, list_people
from training.parquet import EXAMPLE, EXAMPLES, PULL_REQUEST, PULL_REQUESTS, Row, TableWriter, example_row
from training.scope import find_scope
from training.scrub import scrub
from training.snapshot import Snapshot
from training.splits import SPLITS, SPLITS_SCHEMA, Assigned
from training.stage import Told, run_stage
from training.store import SnapshotStore

CHATS = "chats/{split}.jsonl"
OUTDATED_CHATS = "chats/{split}-outdated.jsonl"
"""There the comment always stands on the last line shown: they teach what to say, not where."""


NOBODY = OptOut()


@dataclass(frozen=True, slots=True)
class Names:
    """How names are made unreadable: `salt` is what they are hashed with."""

    salt: str = ""
    opt_out: OptOut = NOBODY


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
    store: SnapshotStore,
    folders: tuple[Path, Path, Path],
    target: Path,
    params: DatasetParams,
    *,
    salt: str = "",
    opt_out: OptOut = NOBODY,
    jobs: int = 0,
) -> tuple[Counts, Told]:
    """Write a dataset in place of the one before it.

    Args:
        store: The snapshots.
        folders: What `align`, `filter` and `split` wrote.
        target: The folder of the dataset. It changes at the end, all at once.
        params: How it is made.
        salt: What names are hashed with.
        opt_out: Whose names are hashed wherever they stand, though they take part in nothing.
        jobs: Worker processes; 0 for one a processor.

    Raises:
        DataError: A stage's folder cannot be read, or the dataset cannot be written.
        UsageError: A parameter is out of its range.
    """
    check_params(params)
    kinds = ((ALIGNED_SCHEMA, Aligned), (FILTERED_SCHEMA, Filtered), (SPLITS_SCHEMA, Assigned))
    inputs = [(folder, schema, kind) for folder, (schema, kind) in zip(folders, kinds, strict=True)]
    counts, told = Counts(parameters=asdict(params)), Told()
    work = partial(build_rows, params=params, snapshots=store.folder, names=Names(salt, opt_out))
    with replace_entries(target, COUNTS_FILE) as folder:
        with open_tables(folder) as tables:
            for line in run_stage(store, work, told, inputs, jobs=jobs):
                built = msgspec.json.decode(line, type=Built)
                counts.add(built.counts, built.split)
                if built.split:
                    tables.write(built)
        save_card(folder, counts)
        (folder / COUNTS_FILE).write_bytes(render_counts(counts))
    return counts, told


def build_rows(
    snapshot: Snapshot,
    aligned: Aligned,
    filtered: Filtered,
    assigned: Assigned,
    *,
    params: DatasetParams,
    snapshots: Path,
    names: Names,
) -> Built:
    """All rows of one pull request: what a worker does."""
    tally = count_stages(snapshot, aligned, filtered)
    if filtered.reason or not assigned.split:
        tally["left_out"][filtered.reason or assigned.reason or "no split"] += 1
        return Built(snapshot.repo, snapshot.number, "", plain(tally))
    built = build_examples(snapshot, aligned, filtered, assigned)
    guidelines = find_guidelines(snapshot, built.pull_request, params, snapshots, names)
    prefix, chats = render_chats(built, guidelines, params, tally)
    count_examples(built, tally)
    examples = tuple(example_row(example) | {"scope": find_scope_of(example)} for example in built.examples)
    row = pull_request_row(snapshot, built, assigned.split, guidelines, names)
    return Built(snapshot.repo, snapshot.number, assigned.split, plain(tally), row, examples, prefix, chats)


def find_guidelines(
    snapshot: Snapshot, pull_request: PullRequest, params: DatasetParams, snapshots: Path, names: Names
) -> tuple[Guideline, ...]:
    """The excerpts that the reviewer would have read when the pull request was opened; none when nobody knows.

    They are without secrets and personal data.
    """
    history = _load_history(snapshots, snapshot.repo)
    if not history.versions or not snapshot.created_at:
        return ()
    budget = guideline_budget(Settings(context_tokens=params.context_tokens))
    chosen = choose_guidelines(files_at(history, snapshot.created_at), pull_request, budget)[0]
    return tuple(replace(each, text=_scrub(snapshot, each.text, names)) for each in chosen)


def _scrub(snapshot: Snapshot, text: str, names: Names) -> str:
    """The text without secrets and personal data, as UTF-8 can hold it."""
    return clean(scrub(text, people=list_people(snapshot, names.opt_out), salt=names.salt).text)


@lru_cache(maxsize=2)
def _load_history(snapshots: Path, repo: str) -> GuidelineHistory:
    """Of this repository and the one before it: pull requests come in their order."""
    return load_history(snapshots, repo)


def find_scope_of(example: ReviewExample) -> str:
    """The scope of the first commented line, or of the first changed one."""
    places = {(comment.side, comment.line) for comment in example.comments}
    lines = example.hunk.lines if places else ()
    return find_scope(example.hunk, next((line for line in lines if (line.side, line.number) in places), None))


def plain(tally: Tally) -> dict[str, dict[str, int]]:
    """A tally as it travels."""
    return {section: dict(keys) for section, keys in tally.items()}


def pull_request_row(
    snapshot: Snapshot, built: PullRequestExamples, split: str, guidelines: tuple[Guideline, ...], names: Names
) -> Row:
    """The row of the table of pull requests."""
    return {
        "repo": snapshot.repo,
        "number": snapshot.number,
        "split": split,
        "title": _scrub(snapshot, snapshot.title, names),
        "body": _scrub(snapshot, snapshot.body, names),
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
        "guidelines": [asdict(guideline) for guideline in guidelines],
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
