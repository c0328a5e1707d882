"""How the pictures look: SVG on white, readable without colour, the same bytes for the same data."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Final, cast

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, SOFT, FAINT = "#2b2f36", "#5b626d", "#d9dde3"
BLUE, RED, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a8f98"
"""From the palette of Okabe and Ito, which colour-blind readers tell apart."""
WIDTH: Final = 7.2
"""Inches; the letters are those of a page when this is 700 pixels."""
_STYLE: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "svg.fonttype": "none",
}
_FONT: Final = "'DejaVu Sans'"
"""As drawn; letters of the same width stand in for it."""
_TAG: Final = re.compile(r"<[^>]+>")
_LONG: Final = re.compile(r"(\.\d\d)\d+")
"""More digits than a picture has pixels."""
_SHELL: Final = re.compile(r"<!DOCTYPE.*?>\s*| *<metadata>.*?</metadata>\n", re.DOTALL)


def save_picture(path: Path, height: float, paint: Callable[[Figure], None]) -> None:
    """Draw on a page of WIDTH by `height` inches."""
    with rc_context(cast("Any", _STYLE | {"svg.hashsalt": path.stem})):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure)
        file = StringIO()
        figure.savefig(file, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    drawing = _TAG.sub(lambda tag: _LONG.sub(r"\1", tag[0]), _SHELL.sub("", file.getvalue()))
    path.write_text(drawing.replace(_FONT, f"{_FONT}, Verdana, sans-serif"), encoding="utf-8")


def draw_grid(
    figure: Figure, rows: int, columns: int, heights: Sequence[float] | None = None, **shared: Any
) -> list[Axes]:
    """The axes of a table of panels, row by row. `heights`: of the rows. `shared`: as of `Figure.subplots`."""
    return list(figure.subplots(rows, columns, squeeze=False, height_ratios=heights, **shared).flat)
