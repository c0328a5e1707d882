"""How well does one human reviewer tell where another one comments? `python -m bench.agreement DATA`.

What can be reached by an order of hunks is bounded by how much humans agree. So one human of a pull request is held
against the others: of the hunks that this one remarked on, how many did another human remark on too? The locator and
two rules of thumb give as many hunks, and are held against the same others. A remark whose line was changed since
counts at the hunk of its code. Pull requests with more than three hunks and remarks by two humans or more.

A human who reads what others said does not say it again, so that humans agree more than this shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import numpy as np

from evals.ranking import MANY
from evals.statistics import draw_weights
from reviewer.domain import Hunk, PullRequest
from reviewer.fixed_order import score_hunk
from reviewer.locate import list_readable
from reviewer.locator import Locator, load_locator
from reviewer.settings import Settings
from training.align import align
from training.anchors import find_file, parse_comment_hunk
from training.examples import read_pull_request
from training.published import ImportCounts, parse_snapshot, read_rows
from training.snapshot import Snapshot, SnapshotComment
from training.successor import find_successor

ORDERS: Final = ("another human", "locator", "largest added", "fixed order", "chance")


@dataclass(frozen=True, slots=True)
class Held:
    """One human against the others of a pull request: the share of right hunks, by ORDERS."""

    pull_request: str
    shares: tuple[float, ...]


def compare(snapshot: Snapshot, locator: Locator) -> Iterator[Held]:
    """Each human of the pull request against the others."""
    pull_request = read_pull_request(snapshot)
    hunks, _ = list_readable(pull_request, Settings())
    by_human = find_remarks(snapshot, pull_request, hunks)
    if len(hunks) <= MANY or len(by_human) < 2:  # noqa: PLR2004 - a human and another one
        return
    orders: list[Sequence[float]] = [
        locator.locate(pull_request, hunks).hunks,
        [sum(line.kind == "+" for line in hunk.lines) for hunk in hunks],
        [score_hunk(hunk) for hunk in hunks],
    ]
    for human, mine in sorted(by_human.items()):
        others = set().union(*(theirs for other, theirs in by_human.items() if other != human))
        best = [sorted(range(len(hunks)), key=lambda at: (-order[at], at))[: len(mine)] for order in orders]
        given = [mine, *map(set, best)]
        shares = [len(one & others) / len(mine) for one in given]
        yield Held(pull_request.key, (*shares, len(others) / len(hunks)))


def find_remarks(snapshot: Snapshot, pull_request: PullRequest, hunks: Sequence[Hunk]) -> dict[str, set[int]]:
    """By human other than the author, which of `hunks` this one remarked on."""
    known = {comment.id: comment for comment in snapshot.comments}
    places = {id(hunk): at for at, hunk in enumerate(hunks)}
    found: dict[str, set[int]] = defaultdict(set)
    for aligned in align(snapshot).comments:
        comment = known[aligned.id]
        is_remark = aligned.root == comment.id and comment.author_type == "User" and not comment.ai_suspected
        if not is_remark or not comment.author or comment.author == snapshot.author:
            continue
        hunk = _find_hunk(comment, pull_request) if aligned.current is None else None
        if aligned.current is not None:
            anchor = aligned.current
            candidates = pull_request.hunks_of(anchor.path)
            hunk = next(
                (
                    one
                    for one in candidates
                    for line in one.lines
                    if (line.side, line.number) == (anchor.side, anchor.line)
                ),
                None,
            )
        if id(hunk) in places:
            found[comment.author].add(places[id(hunk)])
    return found


def _find_hunk(comment: SnapshotComment, pull_request: PullRequest) -> Hunk | None:
    file, commented = find_file(pull_request.files, comment.path), parse_comment_hunk(comment.diff_hunk, comment.side)
    if file is None or isinstance(commented, str):
        return None
    at = find_successor(commented, file)
    return None if at is None else file.hunks[at]


def summarize(held: Sequence[Held]) -> Iterator[str]:
    """A row of a table for each order: the mean over pull requests, and the difference to the locator."""
    names = sorted({one.pull_request for one in held})
    means = np.array([np.mean([one.shares for one in held if one.pull_request == name], axis=0) for name in names])
    weights = draw_weights(len(names)) / len(names)
    yield f"{len(names)} pull requests, {len(held)} humans.\n"
    yield "| order | right | locator less this |\n| --- | --- | --- |"
    ours = means[:, ORDERS.index("locator")]
    for at, name in enumerate(ORDERS):
        low, high = np.percentile(weights @ (ours - means[:, at]), (2.5, 97.5))
        more = "" if name == "locator" else f"{(ours - means[:, at]).mean():+.3f} ({low:+.3f} to {high:+.3f})"
        yield f"| {name} | {means[:, at].mean():.3f} | {more} |"


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("--locator", type=click.Path(path_type=Path, exists=True), help="One not trained on the data.")
def main(data: tuple[Path, ...], locator: Path | None) -> None:
    """Hold humans against each other, on published pull requests of which all comments are known."""
    scorer = load_locator(locator) if locator else load_locator()
    counts = ImportCounts()
    rows = (row for path in data for row in read_rows(path, counts))
    held = [one for row in rows for one in compare(parse_snapshot(row), scorer)]
    if not held:
        raise click.ClickException("No pull request with more than three hunks has remarks by two humans.")
    click.echo("\n".join(summarize(held)))


if __name__ == "__main__":
    main()
