"""What people read of a proposal: its title and its body, made of the dataset's counts before and after.

Names in the counts are those of strangers' repositories: they may not do anything in the pull request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from reviewer.inert import inert_line
from training.card_difference import render_difference
from training.counts import Counts, parse_counts
from training.proposal import COUNTS

MAX_NAME: Final = 120
MAX_BODY: Final = 60_000
"""Characters. GitHub takes 65,536."""
FOOTER: Final = """
The data themselves are in the remote storage; `dvc pull` fetches them for this commit. Merge it to make this the
dataset. The branch belongs to `glossator-train propose`, which replaces what stands there.
"""


def render_title(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """One line that says how many comments more or fewer there are to learn from."""
    more = count_comments(after) - count_comments(before)
    if not more:
        return "Update the dataset"
    return f"Update the dataset: {abs(more):,} {'more' if more > 0 else 'fewer'} comment{'s' * (abs(more) != 1)}"


def render_body(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """What changed in the data card, as Markdown that can do nothing."""
    difference = render_difference(load_counts(before), load_counts(after))
    return f"{difference[:MAX_BODY]}{FOOTER}"


def count_comments(files: Mapping[str, bytes]) -> int:
    """How many comments a dataset has in its splits, by its counts.json; 0 when there is none."""
    return load_counts(files).total("comments")


def load_counts(files: Mapping[str, bytes]) -> Counts:
    """The counts.json among some files, with names that can do nothing; empty without one.

    Raises:
        DataError: It cannot be read.
    """
    path, data = next((file for file in files.items() if file[0].endswith(COUNTS)), ("", b""))
    counts = parse_counts(data, path)
    parameters = {tame(name): value for name, value in counts.parameters.items()}
    sections = {
        section: {tame(key): row for key, row in table.items()} for section, table in sorted(counts.sections.items())
    }
    return replace(counts, parameters=parameters, sections=sections)


def tame(name: str) -> str:
    """A name that stays in its code span and its table cell."""
    return inert_line(name, MAX_NAME).replace("`", "'").replace("|", "\u00a6").replace("<", "\u2039")
