"""Which comment of a candidate stands where a human's does: one to one, so that three on one spot count once.

Four strictnesses, each within the next. `file`: the same file. `hunk`: also the same hunk of the diff. `near`: also the
same side, at most three lines apart. `line`: also at least one line in common. Sides matter for `line` and `near` only.

A matching is maximum: no other choice of pairs has more of them. It is grown by shortest augmenting paths, one comment
at a time, so that it is maximum after each of them (Kuhn 1955, Berge 1957).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from evals.held_out import GoldComment, HeldOut
from evals.predictions import Predicted, Prediction
from evals.ties import draw_tie
from reviewer.domain import Hunk, Side

Strictness = Literal["line", "near", "hunk", "file"]
Span = tuple[int, int]
"""The first and the last line."""
STRICTNESSES: Final[tuple[Strictness, ...]] = ("line", "near", "hunk", "file")
"""The strictest first."""
NEAR: Final = 3
"""Lines between two comments that are near each other: the numbers differ by this at most."""
LONGEST: Final = 5
"""Of a candidate's range only the last lines count, this many: nobody finds a line by pointing to all of them.

On the sets that were looked at 95 to 98 % of the human comments are no longer."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A line that humans commented on, with the longest range of theirs that ends there.

    `comments`: the places in `HeldOut.gold` of all that were made there. `hunks`: the places, among the hunks of the
    file, of those that show one of its lines.
    """

    path: str
    side: Side
    first: int
    last: int
    hunks: frozenset[int]
    comments: tuple[int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """A spot that a comment could be matched with: from `STRICTNESSES[level]` on, `gap` lines away."""

    level: int
    gap: int
    spot: int


def list_spots(held: HeldOut) -> list[Spot]:
    """The spots of the human comments in the order of file names, sides and lines, whatever the order of `gold`."""
    found: dict[tuple[str, Side, int], list[int]] = {}
    for at, comment in enumerate(held.gold):
        found.setdefault((comment.path, comment.side, comment.line), []).append(at)
    spots = []
    for (path, side, last), comments in sorted(found.items()):
        first = min(_first_line(held.gold[at]) for at in comments)
        hunks = touch_hunks(list_spans(held, path, side), first, last)
        spots.append(Spot(path, side, first, last, hunks, tuple(comments)))
    return spots


def touch_hunks(spans: Sequence[Span | None], first: int, last: int) -> frozenset[int]:
    """The places of the hunks of a file that show one of these lines; `spans` are theirs on one side."""
    return frozenset(at for at, span in enumerate(spans) if span and span[0] <= last and first <= span[1])


def list_spans(held: HeldOut, path: str, side: Side) -> list[Span | None]:
    """The spans of the hunks of a file on one side."""
    return [list_span(hunk, side) for hunk in held.bundle.pull_request.hunks_of(path)]


def list_span(hunk: Hunk, side: Side) -> Span | None:
    """The first and the last line of one side that the hunk shows, context included; None when it shows none."""
    lines = (line.source_line if side == "LEFT" else line.target_line for line in hunk.lines)
    numbers = [number for number in lines if number is not None]
    return (min(numbers), max(numbers)) if numbers else None


class Matching:
    """A one-to-one matching of comments with spots that is maximum after each comment that was added."""

    def __init__(self, spots: int) -> None:
        self._spots = spots
        self._links: dict[int, Sequence[int]] = {}
        self._taken: dict[int, int] = {}
        self.pairs: dict[int, int] = {}
        """The spot of each comment that has one. A comment that has one keeps one, though it may become another."""

    def add(self, comment: int, spots: Sequence[int]) -> bool:
        """Add a comment, or give one more spots, and tell whether there is a pair more now.

        `spots` are those that it could be matched with, the best first.
        """
        self._links[comment] = spots
        if not spots or comment in self.pairs or len(self._taken) == self._spots:
            return False
        reached: dict[int, int] = {}
        queue = deque([comment])
        while queue:
            one = queue.popleft()
            for spot in self._links[one]:
                if spot in reached:
                    continue
                reached[spot] = one
                if spot not in self._taken:
                    self._flip(spot, reached)
                    return True
                queue.append(self._taken[spot])
        return False

    def _flip(self, spot: int, reached: dict[int, int]) -> None:
        """Give the spot to the comment that reached it, the spot that this one had to its finder, and so on."""
        free: int | None = spot
        while free is not None:
            comment = reached[free]
            before = self.pairs.get(comment)
            self.pairs[comment], self._taken[free] = free, comment
            free = before


class Placed:
    """The comments of a candidate on one pull request, and the spots that each could be matched with."""

    def __init__(self, held: HeldOut, prediction: Prediction) -> None:
        self.spots = list_spots(held)
        self.comments = prediction.comments
        self._held = held
        self._spans: dict[tuple[str, Side], list[Span | None]] = {}

    @cached_property
    def ties(self) -> list[float]:
        """A number drawn by chance for each comment, from what it says and where."""
        repo, number = self._held.key
        return [draw_tie(repo, number, one.path, one.side, one.line, one.start_line, one.body) for one in self.comments]

    @cached_property
    def order(self) -> list[int]:
        """The comments best first, by score; a draw settles ties, so that the order they came in says nothing."""
        return sorted(range(len(self.comments)), key=lambda at: (-self.comments[at].score, -self.ties[at]))

    @cached_property
    def links(self) -> list[list[Link]]:
        """For each comment the spots in its file, the closest first."""
        return [self._list_links(comment) for comment in self.comments]

    def rank(self, strictness: Strictness) -> list[tuple[int, bool]]:
        """All comments best first, over the budget or not, and whether each adds a pair to those before it."""
        matching = Matching(len(self.spots))
        able = frozenset(_leave_repeats(self.order, self.comments))
        level = STRICTNESSES.index(strictness)
        return [(at, at in able and matching.add(at, self._choose(at, level))) for at in self.order]

    def match(self, strictness: Strictness) -> dict[int, int]:
        """The spot of each posted comment that has one: as many as can be, the closer ones first."""
        matching = Matching(len(self.spots))
        able = _leave_repeats([at for at in self.order if self.comments[at].posted], self.comments)
        for level in range(STRICTNESSES.index(strictness) + 1):
            for at in able:
                matching.add(at, self._choose(at, level))
        return matching.pairs

    def _choose(self, comment: int, level: int) -> list[int]:
        return [link.spot for link in self.links[comment] if link.level <= level]

    def _list_links(self, comment: Predicted) -> list[Link]:
        spots = [(at, spot) for at, spot in enumerate(self.spots) if spot.path == comment.path]
        if not spots:
            return []
        spans = self._spans.setdefault((comment.path, comment.side), [])
        if not spans:
            spans += list_spans(self._held, comment.path, comment.side)
        first = max(_first_line(comment), comment.line - LONGEST + 1)
        hunks = touch_hunks(spans, first, comment.line)
        return sorted(_link(at, spot, comment, first, hunks) for at, spot in spots)


def match_comments(held: HeldOut, prediction: Prediction, strictness: Strictness) -> list[tuple[int, int]]:
    """The pairs of a maximum matching of the human comments with the posted ones.

    Returns:
        Places in `held.gold` and in `prediction.comments`, in the order of the former. Of several human comments on one
        line the first in `held.gold` is named (`list_spots` has the others).
    """
    placed = Placed(held, prediction)
    return sorted((placed.spots[spot].comments[0], comment) for comment, spot in placed.match(strictness).items())


def count_lines(comment: GoldComment | Predicted) -> int:
    """How many lines a comment says it is about."""
    return comment.line - _first_line(comment) + 1


def _leave_repeats(order: Sequence[int], comments: Sequence[Predicted]) -> list[int]:
    """The first comment of `order` on each line: the others there repeat it, and are matched with nothing."""
    best: dict[tuple[str, Side, int], int] = {}
    for at in order:
        best.setdefault((comments[at].path, comments[at].side, comments[at].line), at)
    return list(best.values())


def _first_line(comment: GoldComment | Predicted) -> int:
    return min(comment.line, comment.start_line or comment.line)


def _link(at: int, spot: Spot, comment: Predicted, first: int, hunks: frozenset[int]) -> Link:
    gap = max(0, spot.first - comment.line, first - spot.last)
    if not hunks & spot.hunks:
        return Link(3, gap, at)
    if comment.side != spot.side or gap > NEAR:
        return Link(2, gap, at)
    return Link(min(gap, 1), gap, at)
