"""Dashboards as code: what a panel asks and shows, and the JSON that Grafana reads it from.

The JSON is Grafana's dashboard model (schemaVersion 39, of Grafana 11), in the few parts that are used here. It is the
same for the same code, so that the committed files can be compared with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

DATASOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
SCHEMA_VERSION: Final = 39
COLUMNS: Final = 24
"""Width of Grafana's grid."""
TAG: Final = "glossator"
GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"

PanelKind = Literal["timeseries", "stat", "bargauge"]
Step = tuple[float | None, str]
"""From this value on, this colour. None is the lowest."""


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and what its series are called: `{{label}}` stands for a label's value."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture of some queries. `unit` is Grafana's word for it; `width` is in columns of 24, `height` in 30 px."""

    title: str
    queries: tuple[Query, ...]
    kind: PanelKind = "timeseries"
    unit: str = "short"
    description: str = ""
    width: int = 8
    height: int = 7
    steps: tuple[Step, ...] = ()
    stacked: bool = False
    most: float | None = None
    """Where the axis ends; None leaves it to the data."""
    words: tuple[tuple[float, str, str], ...] = ()
    """Values that are shown as a word, in a colour."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page. `repository`: one chooses repositories, `$repository` in expressions. `span`: how far it looks back."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    span: str = "24h"
    repository: bool = False

    @property
    def panels(self) -> Iterator[Panel]:
        """All panels in their order."""
        return (panel for row in self.rows for panel in row.panels)


def stat(title: str, expr: str, legend: str = "", **more: Any) -> Panel:
    """A number."""
    return Panel(title, (Query(expr, legend),), kind="stat", **{"width": 4, "height": 4, **more})


def lines(title: str, *queries: tuple[str, str], **more: Any) -> Panel:
    """Curves over time; each query is an expression and the name of its curves."""
    return Panel(title, tuple(Query(*query) for query in queries), **more)


def quantile(share: float, histogram: str, window: str, *by: str) -> str:
    """Below this value fell this share of what was observed in the window."""
    return f"histogram_quantile({share}, sum by ({', '.join((*by, 'le'))}) (increase({histogram}_bucket[{window}])))"


def share(above: str, below: str, window: str, *by: str) -> str:
    """What came to one counter in the window, for each one that came to another."""
    total = f"sum by ({', '.join(by)})" if by else "sum"
    return f"{total} (increase({above}[{window}])) / {total} (increase({below}[{window}]))"


def render_dashboard(dashboard: Dashboard) -> str:
    """The file that Grafana reads."""
    page = {
        "annotations": {"list": [_render_alerts()]},
        "description": dashboard.description,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [
            {"asDropdown": True, "icon": "external link", "keepTime": True, "tags": [TAG], "title": "Glossator"}
            | {"type": "dashboards", "includeVars": False, "targetBlank": False, "tooltip": "", "url": ""}
        ],
        "panels": list(_place(dashboard.rows)),
        "refresh": "1m",
        "schemaVersion": SCHEMA_VERSION,
        "tags": [TAG],
        "templating": {"list": [_render_choice()] if dashboard.repository else []},
        "time": {"from": f"now-{dashboard.span}", "to": "now"},
        "timepicker": {},
        "timezone": "utc",
        "title": dashboard.title,
        "uid": dashboard.uid,
        "version": 1,
    }
    return json.dumps(page, indent=1, ensure_ascii=False) + "\n"


def render_files(dashboards: Iterable[Dashboard]) -> dict[str, str]:
    """Each dashboard's file name and content."""
    return {f"{dashboard.uid}.json": render_dashboard(dashboard) for dashboard in dashboards}


def find_differences(folder: Path, files: dict[str, str]) -> list[str]:
    """The names of files in the folder that are missing, other than the code's, or too many."""
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")} if folder.is_dir() else {}
    return sorted(name for name in files.keys() | there.keys() if files.get(name) != there.get(name))


def _place(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Headings and panels with ids and places, from left to right and down."""
    number, top = 0, 0
    for row in rows:
        number += 1
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "panels": []} | {
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top}
        }
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            yield {"id": number, "gridPos": place} | _render_panel(panel)
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _render_panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": _render_field(panel), "overrides": []},
        "options": _render_options(panel),
        "targets": [_render_query(panel, index, query) for index, query in enumerate(panel.queries)],
    }


def _render_field(panel: Panel) -> dict[str, Any]:
    steps = panel.steps or ((None, BLUE if panel.kind != "timeseries" else GREEN),)
    field: dict[str, Any] = {
        "unit": panel.unit,
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]},
        "mappings": [
            {"type": "value", "options": {f"{value:g}": {"text": word, "color": color, "index": index}}}
            for index, (value, word, color) in enumerate(panel.words)
        ],
        "noValue": "no data",
    }
    if panel.kind == "timeseries":
        field["min"] = 0
        field["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 30 if panel.stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
        }
    if panel.most is not None:
        field |= {"min": 0, "max": panel.most}
    return field


def _render_options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "bargauge":
        return {"reduceOptions": reduce, "orientation": "horizontal", "displayMode": "gradient", "showUnfilled": True}
    name = "value_and_name" if any("{{" in query.legend for query in panel.queries) else "value"
    return {"reduceOptions": reduce, "orientation": "auto", "textMode": name} | {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
    }


def _render_query(panel: Panel, index: int, query: Query) -> dict[str, Any]:
    over_time = panel.kind == "timeseries"
    return {
        "refId": chr(ord("A") + index),
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "range": over_time,
        "instant": not over_time,
    }


def _render_alerts() -> dict[str, Any]:
    """Red bars where an alert fires."""
    return {
        "datasource": DATASOURCE,
        "enable": True,
        "expr": 'ALERTS{alertstate="firing", severity="critical"}',
        "iconColor": RED,
        "name": "Critical alerts",
        "titleFormat": "{{alertname}}",
        "step": "60s",
    }


def _render_choice() -> dict[str, Any]:
    query = "label_values(glossator_reviews_total, repository)"
    return {
        "name": "repository",
        "label": "Repository",
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "repository"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }
