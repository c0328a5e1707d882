"""Draw the dashboards as pictures, over made-up data: `python -m tests.monitoring.pictures docs/monitoring`.

No Grafana is at hand where this is built. So a real Prometheus is filled, each panel's expressions are asked of it, and
the answers are drawn where the dashboard has the panel. In the place of a recorded name stands the expression of its
rule, as rules are not applied to the past. An expression that gives nothing is an error.
"""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

from tests.monitoring.made_up import DAY, END, Sample, scrape, tell
from tests.monitoring.prometheus import Prometheus, run_prometheus
from tests.monitoring.promql import MONITORING, load_rules, substitute

DAYS, HOURS, POINTS = 31, 25, 300
COLORS: Final = {"green": "#3a7d44", "yellow": "#b7791f", "red": "#c0392b", "blue": "#2b6cb0"}
PALETTE: Final = ("#2b6cb0", "#d9822b", "#3a7d44", "#8e44ad", "#c0392b", "#16a3b1", "#7f8c8d", "#b7950b", "#34495e")
NOTE: Final = "Made-up data. Drawn from the dashboard's file and a real Prometheus' answers; not a picture of Grafana."
GROUND, PAPER, INK, FAINT = "#f3f4f6", "#ffffff", "#1f2933", "#6b7280"
COLUMN, ROW = 0.56, 0.36
"""Inches of a column and a row of the grid."""


def write_openmetrics(samples: Iterable[Sample], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{series} {value!r} {at:.0f}\n" for series, value, at in samples)
        file.write("# EOF\n")


@contextmanager
def filled_prometheus(folder: Path) -> Iterator[Prometheus]:
    """A Prometheus that has seen the made-up time."""
    text = folder / "made_up.om"
    write_openmetrics(chain(tell(DAYS), scrape(HOURS)), text)
    fill = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=1500h", "--quiet", "openmetrics"]
    subprocess.run([*fill, str(text), str(folder / "data")], check=True, capture_output=True)
    configuration = folder / "prometheus.yml"
    configuration.write_text("global: {scrape_interval: 1h}\n")
    with run_prometheus(configuration, folder / "data", "--query.lookback-delta=20m") as prometheus:
        yield prometheus


def expand(expression: str) -> str:
    """The expression with recorded names replaced by their rules, and Grafana's variables by values."""
    records = {rule["record"]: rule["expr"] for rule in load_rules() if "record" in rule}
    pattern = re.compile(
        r"(?<![\w:])(" + "|".join(sorted(map(re.escape, records), key=len, reverse=True)) + r")(?![\w:])(\{[^}]*\})?"
    )

    def replace(found: re.Match[str]) -> str:
        inner = f"({expand(records[found[1]])})"
        if not found[2]:
            return inner
        names = re.findall(r"(\w+)=\"([^\"]*)\"", found[2])
        conditions = " and ".join(
            f'on ({name}) label_replace(vector(1), "{name}", "{value}", "", "")' for name, value in names
        )
        return f"({inner} and {conditions})"

    return pattern.sub(replace, substitute(expression))


def name_series(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), legend) if legend else ""


def show_number(value: float, unit: str) -> str:
    """The value as Grafana's unit has it, roughly."""
    if math.isnan(value) or not value:
        return "0" if value == 0 else "no data"
    if unit == "s":
        steps = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
        size, word = next(((size, word) for size, word in steps if abs(value) >= size), (0.001, "ms"))
        return f"{value / size:.3g} {word}"
    word = {"percentunit": "%", "percent": "%", "reqps": "req/s", "Bps": "B/s", "celsius": "°C", "watt": "W"}.get(
        unit, ""
    )
    value *= 100 if unit == "percentunit" else 1
    size, prefix = next(
        ((size, name) for size, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")) if abs(value) >= size), (1, "")
    )
    size = 1e3 if prefix == "k" else size
    shown = f"{value:,.0f}" if 1000 <= abs(value) < 1e4 else f"{value / size:.3g}"
    return f"{shown} {prefix}{word}".strip()


def choose_color(value: float, steps: list[dict[str, Any]]) -> str:
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return COLORS[reached[-1]]


def draw_curves(axes: Any, panel: dict[str, Any], prometheus: Prometheus, span: float) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    defaults = panel["fieldConfig"]["defaults"]
    unit, stacked = defaults["unit"], defaults["custom"]["stacking"]["mode"] == "normal"
    curves: list[tuple[str, list[datetime], list[float]]] = []
    for target in panel["targets"]:
        step = max(60, span / POINTS)
        found = prometheus.ask("query_range", query=expand(target["expr"]), start=END - span, end=END, step=step)
        assert found["result"], f"{panel['title']}: {target['expr']} gives nothing"
        for row in found["result"]:
            times = [datetime.fromtimestamp(float(at), UTC) for at, _ in row["values"]]
            values = [float(value) for _, value in row["values"]]
            curves.append((name_series(target["legendFormat"], row["metric"]), times, values))
    curves.sort(key=lambda curve: curve[0])
    if stacked:
        grid = sorted({at for _, times, _ in curves for at in times})
        filled = [[dict(zip(times, values, strict=True)).get(at, 0.0) for at in grid] for _, times, values in curves]
        colors = [PALETTE[index % len(PALETTE)] for index in range(len(curves))]
        axes.stackplot(grid, filled, labels=[name for name, _, _ in curves], colors=colors, alpha=0.75, linewidth=0)
    else:
        for index, (name, times, values) in enumerate(curves):
            axes.plot(times, values, label=name, color=PALETTE[index % len(PALETTE)], linewidth=1.1)
    for step in defaults["thresholds"]["steps"][1:]:
        axes.axhline(step["value"], color=COLORS[step["color"]], linewidth=0.8, linestyle="--")
    axes.set_ylim(bottom=0, top=defaults.get("max"))
    axes.set_xlim(datetime.fromtimestamp(END - span, UTC), datetime.fromtimestamp(END, UTC))
    locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]  # matplotlib has no types here
    axes.xaxis.set_major_locator(locator)
    shown = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]  # likewise
    axes.xaxis.set_major_formatter(shown)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: show_number(value, unit)))
    axes.tick_params(labelsize=6.5, colors=FAINT, length=2)
    axes.grid(visible=True, color="#e5e7eb", linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.01, -0.13),
        ncol=3 if max(len(curve[0]) for curve in curves) < 22 else 2,
        fontsize=6.2,
        frameon=False,
        handlelength=1.0,
        columnspacing=1.0,
        labelspacing=0.25,
        labelcolor=INK,
    )


def ask_now(panel: dict[str, Any], prometheus: Prometheus) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    for target in panel["targets"]:
        found = prometheus.query(expand(target["expr"]), END)
        assert found, f"{panel['title']}: {target['expr']} gives nothing"
        rows += [(name_series(target["legendFormat"].replace("__auto", ""), labels), value) for labels, value in found]
    return sorted(rows)


def draw_numbers(axes: Any, panel: dict[str, Any], prometheus: Prometheus) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    words = {
        key: (value["text"], value["color"])
        for mapping in defaults["mappings"]
        for key, value in mapping["options"].items()
    }
    rows = ask_now(panel, prometheus)
    axes.set_axis_off()
    for index, (name, value) in enumerate(rows):
        middle = (index + 0.5) / len(rows)
        text, color = show_number(value, defaults["unit"]), choose_color(value, defaults["thresholds"]["steps"])
        if f"{value:g}" in words:
            text, color = words[f"{value:g}"][0], COLORS[words[f"{value:g}"][1]]
        size = 20 if len(rows) == 1 else 13 if len(rows) < 5 else 11
        axes.text(
            middle, 0.56 if name else 0.45, text, ha="center", va="center", fontsize=size, color=color, weight="bold"
        )
        axes.text(middle, 0.12, name, ha="center", va="center", fontsize=6.6, color=FAINT)


def draw_bars(axes: Any, panel: dict[str, Any], prometheus: Prometheus) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    rows = ask_now(panel, prometheus)[::-1]
    longest = defaults.get("max") or max(value for _, value in rows)
    axes.barh(range(len(rows)), [longest] * len(rows), color="#eef0f3", height=0.62)
    axes.barh(range(len(rows)), [value for _, value in rows], color=COLORS["blue"], height=0.62)
    for index, (_, value) in enumerate(rows):
        axes.text(longest * 1.02, index, show_number(value, defaults["unit"]), va="center", fontsize=7, color=INK)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=6.8, color=INK)
    axes.set_xlim(0, longest * 1.18)
    axes.set_xticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_dashboard(page: dict[str, Any], prometheus: Prometheus) -> bytes:
    """The dashboard as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import FancyBboxPatch
    from PIL import Image

    size = re.fullmatch(r"now-(\d+)([hd])", page["time"]["from"])
    assert size
    span = float(size[1]) * (DAY if size[2] == "d" else 3600)
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in page["panels"]) + 3
    width, height = 24 * COLUMN, rows * ROW
    figure = plt.figure(figsize=(width, height), facecolor=GROUND)

    def place(x: float, y: float, w: float, h: float) -> tuple[float, float, float, float]:
        """Grid to share of the figure; the first rows hold the title."""
        return x * COLUMN / width, 1 - (y + 2 + h) * ROW / height, w * COLUMN / width, h * ROW / height

    def write(x: float, y: float, text: str, **more: Any) -> None:
        left, bottom, _, _ = place(x, y, 0, 0)
        figure.text(left, bottom, text, va="center", **more)

    write(0.3, -1.25, page["title"], fontsize=15, weight="bold", color=INK)
    write(0.3, -0.4, page["description"], fontsize=8, color=FAINT)
    write(23.7, -1.25, f"last {size[1]} {'days' if size[2] == 'd' else 'hours'}", fontsize=8.5, color=FAINT, ha="right")
    write(0.3, rows - 2.5, NOTE, fontsize=7.5, color=COLORS["red"])
    for panel in page["panels"]:
        at = panel["gridPos"]
        if panel["type"] == "row":
            write(at["x"] + 0.3, at["y"] + 0.55, panel["title"], fontsize=10, weight="bold", color=INK)
            continue
        left, bottom, w, h = place(at["x"] + 0.1, at["y"] + 0.1, at["w"] - 0.2, at["h"] - 0.2)
        box = FancyBboxPatch(
            (left, bottom), w, h, boxstyle="round,pad=0,rounding_size=0.003", transform=figure.transFigure, zorder=-1
        )
        box.set(facecolor=PAPER, edgecolor="#dfe3e8", linewidth=0.7)
        figure.patches.append(box)
        write(at["x"] + 0.35, at["y"] + 0.62, panel["title"], fontsize=8, weight="bold", color=INK)
        if panel["type"] == "timeseries":
            axes = figure.add_axes(place(at["x"] + 1.35, at["y"] + 1.25, at["w"] - 1.75, at["h"] - 3.1))
            draw_curves(axes, panel, prometheus, span)
        elif panel["type"] == "bargauge":
            axes = figure.add_axes(place(at["x"] + 3.6, at["y"] + 1.3, at["w"] - 3.9, at["h"] - 1.7))
            draw_bars(axes, panel, prometheus)
        else:
            draw_numbers(
                figure.add_axes(place(at["x"] + 0.2, at["y"] + 1, at["w"] - 0.4, at["h"] - 1.2)), panel, prometheus
            )
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100, facecolor=GROUND)
    plt.close(figure)
    Image.open(drawn).convert("RGB").quantize(128).save(small, format="png", optimize=True)
    return small.getvalue()


def main(out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, filled_prometheus(Path(folder)) as prometheus:
        for file in sorted((MONITORING / "dashboards").glob("*.json")):
            (out / f"{file.stem}.png").write_bytes(draw_dashboard(json.loads(file.read_text()), prometheus))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
