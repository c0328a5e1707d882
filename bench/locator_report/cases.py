"""Cases of a repository that the locator did not learn from, as a page: right and wrong, drawn by chance."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.locator_report.left_out import Known, LeftOut
from evals.predictions import list_hunks
from evals.ranking import MANY
from reviewer.domain import Hunk
from reviewer.jsonfile import replace_file
from reviewer.locator import Located
from reviewer.locator_reasons import render_reasons

SENTENCES: Final = Path(__file__).with_name("cases.toml")
"""What a person says of a case, by `owner/name#number path:line`."""
SEED: Final = 20_261_123
MOST_LINES: Final = 14
"""Of a hunk that is shown, its context included."""
LIKELY: Final = 0.85
"""As many hunks of the repository are less likely: the model's comments may stand on the others."""
RIGHT, WRONG = 10, 5
"""So many cases, and of each kind of wrong ones."""


@dataclass(frozen=True, slots=True)
class Case:
    """The hunk that was put first in a pull request. `first_right`: how far up one with a comment stands; 0: none."""

    known: Known
    located: Located
    at: int
    first_right: int

    @property
    def hunk(self) -> Hunk:
        """As it is shown."""
        return list_hunks(self.known.held)[self.known.places[self.at]]

    @property
    def many(self) -> bool:
        """The pull request has more than three hunks to choose from."""
        return len(self.known.places) > MANY

    @property
    def key(self) -> str:
        """What its sentence goes by."""
        repo, number = self.known.held.key
        return f"{repo}#{number} {self.hunk.path}:{self.hunk.target_start}"


def list_cases(left: LeftOut) -> Iterator[Case]:
    """The first hunk of each pull request, where it is small enough to be shown."""
    for known in left.known:
        hunks = list_hunks(known.held)
        located = left.locator.locate(known.held.bundle.pull_request, [hunks[at] for at in known.places])
        order = sorted(range(len(known.places)), key=lambda at: -located.hunks[at])
        right = known.labelled.right
        if order and len(hunks[known.places[order[0]]].lines) <= MOST_LINES:
            ranks = (rank for rank, at in enumerate(order, 1) if right[at])
            yield Case(known, located, order[0], next(ranks, 0))


KINDS: Final[tuple[tuple[str, int, Callable[[Case], bool]], ...]] = (
    ("Right: a human commented on the hunk that was put first", RIGHT, lambda one: one.many and one.first_right == 1),
    ("Wrong: humans commented on another hunk", WRONG, lambda one: one.many and one.first_right > 1),
    (
        "Wrong: nobody commented, though the hunk is among the likeliest 15 %",
        WRONG,
        lambda one: not one.first_right and one.located.ranks[one.at] >= LIKELY,
    ),
)


def save_cases(left: LeftOut, path: Path, sentences: Path = SENTENCES) -> None:
    """Write the page.

    Raises:
        OSError: It cannot be written, or the sentences cannot be read.
    """
    said: Mapping[str, str] = tomllib.loads(sentences.read_text(encoding="utf-8"))
    replace_file(path, render_cases(left, said).encode())


def render_cases(left: LeftOut, sentences: Mapping[str, str]) -> str:
    """The page as Markdown. The same cases are drawn for the same locator."""
    every = list(list_cases(left))
    parts = [_INTRODUCTION.format(repo=left.repo, license=left.known[0].held.license or "none that is known")]
    for title, most, wants in KINDS:
        able = [case for case in every if wants(case)]
        drawn = random.Random(SEED).sample(able, min(most, len(able)))  # noqa: S311 - a draw, no secret
        parts.append(f"## {title}\n\n{len(drawn)} of {len(able)} such.")
        parts += [render_case(case, sentences.get(case.key, "")) for case in drawn]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION: Final = """\
# Right and wrong cases of the locator

Trained without {repo}, and asked where humans commented there. What is shown is
the hunk that it put first in a pull request, drawn by chance from those of at most 14 lines.
In the first two parts the pull request has more than three hunks to choose from. A remark on
code that was changed afterwards counts where its hunk is known. The code is that of
{repo}, under its licence ({license}). `python -m bench.locator_report` makes this page."""


def render_case(case: Case, sentence: str) -> str:
    """Where, the hunk, the score with its reasons, where the comment stands, and why."""
    repo, number = case.known.held.key
    hunk, located = case.hunk, case.located
    text = "\n".join(f"{line.kind}{line.text}".rstrip() for line in hunk.lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    about = [
        f"- **{located.hunks[case.at]:.2f}**, likelier than {_floor(located.ranks[case.at])} % of hunks: "
        + render_reasons(located.explain(case.at)),
        f"- {_tell_rank(case)}",
    ]
    return "\n".join(
        [
            f"### [{repo}#{number}](https://github.com/{repo}/pull/{number}), `{hunk.path}:{hunk.target_start}`",
            f"\n{fence}diff\n{text}\n{fence}\n",
            *about,
            *([f"- {sentence}"] if sentence else []),
        ]
    )


def _floor(rank: float) -> int:
    return min(99, int(100 * rank))


def _tell_rank(case: Case) -> str:
    """`First of 12 hunks. It was commented on, and 2 others were.`."""
    of, right = len(case.known.places), int(case.known.labelled.right.sum())
    unplaced = case.known.held.unplaced - len(case.known.held.outdated)
    told = [f"First of {of} hunks." if of > 1 else "The only hunk."]
    if case.first_right == 1:
        told.append(f"Commented on, as {right} of them were." if right > 1 else "The only one that was commented on.")
    elif case.first_right:
        others = f"the first of {right}" if right > 1 else "the only one"
        told.append(f"Not commented on; number {case.first_right} was, {others}.")
    else:
        told.append("None was commented on.")
    if unplaced > 0:
        told.append(f"Human remarks that have no place in this diff: {unplaced}.")
    return " ".join(told)
