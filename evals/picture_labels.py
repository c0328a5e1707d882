"""Names beside the points they name, moved apart where points crowd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE: Final = 8
"""Points."""
LETTER: Final = 0.6
"""Width of a letter, of its height."""
NEAR: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Where a name may stand: right, left, above..."""
RINGS: Final = (6.0, 14.0, 24.0, 36.0, 50.0)
"""Points from the mark; from the second on a line leads to it."""

Ranges = tuple[float, float, float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """A point with a name, or with one on each line. `ranges`: the intervals of x and of y, where they are drawn."""

    x: float
    y: float
    name: str
    color: str
    ranges: Ranges | None = None


def arrange(figure: Figure) -> None:
    """Give axes and names their room, once for all: what is added later changes nothing."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def place_labels(axes: Axes, spots: Sequence[Spot], curve: Iterable[tuple[float, float]] = ()) -> None:
    """Write each name where it covers no point, no other name and no `curve`, the first one's first."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "it was made for one"
    arrange(figure)
    scale = 72 / figure.dpi
    to_points = [tuple(scale * part for part in axes.transData.transform((spot.x, spot.y))) for spot in spots]
    bounds = axes.get_window_extent()
    inside = (bounds.x0 * scale, bounds.y0 * scale, bounds.x1 * scale, bounds.y1 * scale)
    taken: list[Box] = [(x - 4, y - 4, x + 4, y + 4) for x, y in to_points]
    taken += [box for spot in spots if spot.ranges for box in _cross(axes, spot, spot.ranges, scale)]
    taken += [(x - 1, y - 1, x + 1, y + 1) for x, y in (scale * axes.transData.transform(point) for point in curve)]
    for (x, y), spot in zip(to_points, spots, strict=True):
        dx, dy, box = _choose(x, y, spot.name, taken, inside)
        taken.append(box)
        is_far = max(abs(dx), abs(dy)) > RINGS[0]
        axes.annotate(
            spot.name,
            (spot.x, spot.y),
            (dx, dy),
            textcoords="offset points",
            ha={1: "left", -1: "right", 0: "center"}[_sign(dx)],
            va={1: "bottom", -1: "top", 0: "center"}[_sign(dy)],
            fontsize=SIZE,
            color=spot.color,
            arrowprops={"arrowstyle": "-", "color": spot.color, "linewidth": 0.5, "shrinkB": 3} if is_far else None,
            annotation_clip=False,
        )


def _cross(axes: Axes, spot: Spot, ranges: Ranges, scale: float) -> Iterator[Box]:
    """What the whiskers cover, in points."""
    left, right, low, high = ranges
    ends = [axes.transData.transform(end) * scale for end in ((left, spot.y), (right, spot.y))]
    yield ends[0][0], ends[0][1] - 1, ends[1][0], ends[1][1] + 1
    ends = [axes.transData.transform(end) * scale for end in ((spot.x, low), (spot.x, high))]
    yield ends[0][0] - 1, ends[0][1], ends[1][0] + 1, ends[1][1]


def _choose(x: float, y: float, name: str, taken: Sequence[Box], inside: Box) -> tuple[float, float, Box]:
    """The first place that is free; where none is, the one with the least overlap."""
    places = [(dx, dy, _box(x, y, dx, dy, name)) for dx, dy in _offsets()]
    return min(places, key=lambda place: _cost(place[2], taken, inside))


def _offsets() -> Iterator[tuple[float, float]]:
    for ring in RINGS:
        for across, up in NEAR:
            yield across * ring, up * ring


def _box(x: float, y: float, dx: float, dy: float, name: str) -> Box:
    lines = name.split("\n")
    width, height = max(map(len, lines)) * SIZE * LETTER, len(lines) * SIZE * 1.2
    left = x + dx - {1: 0.0, -1: width, 0: width / 2}[_sign(dx)]
    low = y + dy - {1: 0.0, -1: height, 0: height / 2}[_sign(dy)]
    return left, low, left + width, low + height


def _cost(box: Box, taken: Sequence[Box], inside: Box) -> float:
    """The area that is covered already, and that which leaves the picture."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return sum(_overlap(box, other) for other in taken) + (area - _overlap(box, inside))


def _overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
