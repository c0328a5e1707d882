"""What the data card counts: section, key and split. counts.json holds it, and no word of anybody."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Final

import msgspec

from reviewer.domain import ReviewExample
from reviewer.errors import UsageError
from reviewer.jsonfile import check_schema
from reviewer.tokens import estimate_tokens
from training.aligned import Aligned
from training.errors import DataError
from training.examples import PullRequestExamples
from training.filtered import Filtered
from training.snapshot import Snapshot

COUNTS_SCHEMA: Final = "glossator/dataset-counts/1"
COUNTS_FILE: Final = "counts.json"
LEFT_OUT: Final = "left out"
"""The column of pull requests that are in no split."""
LINE_BINS: Final = (0, 5, 10, 20, 40, 80)
TOKEN_BINS: Final = (0, 50, 100, 200, 400, 800, 1_600)
CHARACTER_BINS: Final = (0, 50, 100, 200, 400, 800, 1_600)

OUTCOMES: Final = {True: "addressed", False: "not addressed", None: "nobody can tell"}

Tally = defaultdict[str, Counter[str]]
"""Section and key of one pull request."""


@dataclass(slots=True)
class Counts:
    """The content of counts.json: `sections[section][key][split]`, and what the dataset was made with."""

    schema: str = COUNTS_SCHEMA
    parameters: dict[str, int | float] = field(default_factory=dict)
    sections: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    def add(self, tally: dict[str, dict[str, int]], split: str) -> None:
        """Add what one pull request has; an empty split is none."""
        for section, keys in tally.items():
            rows = self.sections.setdefault(section, {})
            for key, count in keys.items():
                row = rows.setdefault(key, {})
                row[split or LEFT_OUT] = row.get(split or LEFT_OUT, 0) + count

    def by_key(self, section: str, split: str = "") -> dict[str, int]:
        """The counts of a section, of one split or of all."""
        rows = self.sections.get(section, {})
        return {key: row.get(split, 0) if split else sum(row.values()) for key, row in rows.items()}

    def total(self, section: str, split: str = "") -> int:
        """The sum of a section, of one split or of all."""
        return sum(self.by_key(section, split).values())


def render_counts(counts: Counts) -> bytes:
    """The content of counts.json, in order."""
    return msgspec.json.format(msgspec.json.encode(counts, order="sorted"), indent=1) + b"\n"


def parse_counts(data: bytes, name: str = COUNTS_FILE) -> Counts:
    """Read counts.json; no bytes are a dataset that holds nothing.

    Raises:
        DataError: It is cut short, or of another version.
    """
    hint = "Run `glossator-train dataset` again."
    if not data:
        return Counts()
    try:
        counts = msgspec.json.decode(data, type=Counts)
        check_schema(counts.schema, COUNTS_SCHEMA, name)
    except UsageError as error:
        raise DataError(error.what, hint) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{name} cannot be read (cut short?): {error}.", hint) from error
    return counts


def count_stages(snapshot: Snapshot, aligned: Aligned, filtered: Filtered) -> Tally:
    """What every pull request has, in a split or not: its source, and what became of its comments."""
    tally: Tally = defaultdict(Counter)
    tally["pull_requests"]["all"] += 1
    tally["sources"][snapshot.source] += 1
    tally["repositories"][snapshot.repo] += 1
    tally["licenses"][snapshot.license or "unknown"] += 1
    tally["languages_of_pull_requests"][snapshot.language or "unknown"] += 1
    tally["standings"].update(comment.standing for comment in aligned.comments)
    tally["filtered"].update(comment.reason or "kept" for comment in filtered.comments)
    for comment in filtered.comments:
        tally["removed"].update(comment.removed)
    return tally


def count_examples(built: PullRequestExamples, tally: Tally) -> None:
    """What the examples of a pull request hold."""
    tally["not_an_example"].update(built.left_out)
    tally["comments_without_example"].update(built.lost)
    tally["unseen_comments"]["all"] += built.unseen
    for example in built.examples:
        tally["examples"][_kind(example.origin, example.labelled, bool(example.commented))] += 1
        tally["languages"][example.language or "other"] += 1
        tally["lines"][_bin(len(example.hunk.lines), LINE_BINS)] += 1
        tally["tokens"][_bin(_tokens(example), TOKEN_BINS)] += 1
        if example.origin == "pull-request":
            tally["comments_per_piece"][str(len(example.comments))] += 1
        for comment in example.comments:
            tally["comments"][example.origin] += 1
            tally["characters"][_bin(len(comment.body), CHARACTER_BINS)] += 1
            tally["outcomes"][OUTCOMES[comment.outcome.addressed]] += 1
            tally["years"][comment.created_at[:4] or "unknown"] += 1


def _kind(origin: str, labelled: bool, commented: bool) -> str:  # noqa: FBT001 - three facts of one row
    if origin == "diff-hunk":
        return "outdated code with a comment"
    if commented:
        return "commented and labelled" if labelled else "commented, unlabelled"
    return "without a remark" if labelled else "unlabelled"


def _tokens(example: ReviewExample) -> int:
    return estimate_tokens("\n".join(line.text for line in example.hunk.lines))


@cache
def name_bins(bins: tuple[int, ...]) -> list[str]:
    """The names of the bins that begin at these numbers: `20-39`, `1600+`."""
    return [*(f"{low}-{high - 1}" for low, high in pairwise(bins)), f"{bins[-1]}+"]


def _bin(value: int, bins: tuple[int, ...]) -> str:
    """The name of the value's bin; the first one also holds what is less."""
    return name_bins(bins)[max(0, bisect_right(bins, value) - 1)]
