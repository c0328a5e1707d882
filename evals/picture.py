"""One picture as SVG inside a page: the same bytes for the same data, in the page's colours, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, cast

from evals.markup import Html, element
from evals.picture_labels import arrange
from reviewer.inert import inert_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, LINE, PAPER = "#010101", "#020202", "#030303", "#fefefe"
OURS, CHAMPION, OTHER, GOOD, BAD = "#040404", "#050505", "#060606", "#070707", "#080808"
COLORS: Final = {
    INK: "ink",
    SOFT: "soft",
    LINE: "line",
    PAPER: "paper",
    OURS: "ours",
    CHAMPION: "champion",
    OTHER: "other",
    GOOD: "good",
    BAD: "bad",
}
"""Colours that stand for the page's own (`evals.report_style`), which are put in their place once all is drawn."""
STYLE: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "svg.fonttype": "none",
}
WIDTH: Final = 4.1
"""Inches: narrow enough for a phone, and two stand side by side on a wide page."""
_SHELL = re.compile(r"^.*?<svg[^>]*>|</svg>\s*$|<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
_NAMES = re.compile(r'(<g) id="[^"]*"')
_TEXT_FONT = re.compile(r"font-family: [^;\"]*;? ?|font: ([\d.]+)px [^;\"]*")


def draw_picture(
    name: str, title: str, told: str, height: float, paint: Callable[[Axes], None], width: float = WIDTH
) -> Html:
    """Draw a picture.

    Args:
        name: Another one for each picture of a page.
        title: What stands above it.
        told: What it shows, in words, for those who do not see it.
        height: Inches.
        paint: Draws into the axes it is given.
        width: Inches.

    Returns:
        A `figure` element.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(cast("Any", STYLE | {"svg.hashsalt": name})):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.set_axisbelow(True)
        axes.locator_params(nbins=5)
        paint(axes)
        arrange(figure)
        file = StringIO()
        figure.savefig(file, format="svg", transparent=True)
    box = f"0 0 {width * 72:g} {height * 72:g}"
    drawing = Html(_recolor(_NAMES.sub(r"\1", _SHELL.sub("", file.getvalue()))))
    svg = element("svg", drawing, viewBox=box, role="img", aria_label=told)
    return element("figure", element("figcaption", title), svg)


def label(text: str, limit: int = 32) -> str:
    """A name that comes from outside, for a picture."""
    return inert_line(text, limit)


def _recolor(svg: str) -> str:
    for color, name in COLORS.items():
        svg = svg.replace(color, f"var(--{name})")
    return _TEXT_FONT.sub(lambda match: f"font-size: {match[1]}px" if match[1] else "", svg)
