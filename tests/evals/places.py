"""Small pull requests with human comments and ours, made by hand: for tests of where comments stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from evals.held_out import GoldComment, HeldOut
from evals.predictions import Predicted, Prediction
from reviewer.domain import Bundle, ChangedFile, Hunk, Line, Side
from tests.fakes import make_pull_request


def make_hunk(path: str, start: int, kinds: str) -> Hunk:
    """A hunk whose lines are of these kinds, as `" +- "`, and that starts at `start` on both sides."""
    lines: list[Line] = []
    source = target = start
    for kind in kinds:
        old, new = kind != "+", kind != "-"
        text = f"{path} {source} {target}"
        lines.append(Line(kind, text, source if old else None, target if new else None))  # type: ignore[arg-type]
        source, target = source + old, target + new
    return Hunk(path, "", start, start, tuple(lines))


def make_held(*hunks: Hunk, gold: Sequence[GoldComment] = (), complete: bool = True, **fields: Any) -> HeldOut:
    """A held-out pull request of these hunks; `number` is its number, other `fields` are those of `HeldOut`."""
    by_path: dict[str, list[Hunk]] = {}
    for hunk in hunks:
        by_path.setdefault(hunk.path, []).append(hunk)
    files = tuple(ChangedFile(path, "modified", tuple(of_path)) for path, of_path in by_path.items())
    pull_request = make_pull_request(files=files, number=fields.pop("number", 7))
    return HeldOut(Bundle(pull_request), tuple(gold), complete, **fields)


def human(path: str, line: int, start: int | None = None, side: Side = "RIGHT", comment_id: int = 1) -> GoldComment:
    return GoldComment(comment_id, path, side, line, start, "Why?")


def ours(path: str, line: int, start: int | None = None, side: Side = "RIGHT", **fields: Any) -> Predicted:
    return Predicted(path, side, line, start, **{"body": "This fails.", **fields})


def predict(held: HeldOut, *comments: Predicted, **fields: Any) -> Prediction:
    return Prediction(*held.key, held.digest, comments, **fields)


SIDES: tuple[Side, Side] = ("LEFT", "RIGHT")
HUNKS = (
    make_hunk("a.c", 10, "   ++-+   "),
    make_hunk("a.c", 20, "  ---++  "),
    make_hunk("a.c", 60, " +" + "+" * 20 + " "),
    make_hunk("b.c", 1, "+++"),
)
"""The first ends on line 18, two lines before the second: their ends are near each other, but in different hunks."""

_PLACES = [
    (path, line, start, side)
    for path, lines in (("a.c", (*range(8, 31), *range(58, 86))), ("b.c", range(1, 6)), ("elsewhere.c", (1, 13)))
    for line in lines
    for start in (None, None, line - 2, line - 12, line + 2)
    for side in SIDES
]

golds = st.lists(st.sampled_from([human(*place) for place in _PLACES]), max_size=6)
predicteds = st.lists(
    st.sampled_from(
        [
            ours(*place, score=(at * 7 % 5) / 4, posted=at % 3 > 0, body=body)
            for at, place in enumerate(_PLACES)
            for body in ("x", "y")
        ]
    ),
    max_size=8,
)
