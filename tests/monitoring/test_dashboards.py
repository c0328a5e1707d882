"""The dashboards: the files are the code's, ids are unique, and every expression asks for what is exposed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runners.commands.dashboards import command
from runners.dashboards import COLUMNS, Dashboard, Panel, render_dashboard, render_files
from runners.dashboards_machines import RUNNERS, SERVING
from runners.dashboards_reviews import CANARY, DRIFT, REVIEWS
from tests.monitoring.promql import MONITORING, check_expression, group_labels, known_metrics, list_selectors

FOLDER = MONITORING / "dashboards"
DASHBOARDS = (REVIEWS, SERVING, CANARY, DRIFT, RUNNERS)
KNOWN = known_metrics()
PANELS = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
IDS = [f"{dashboard.uid}: {panel.title}" for dashboard, panel in PANELS]
PAGES: list[dict[str, Any]] = [json.loads(render_dashboard(dashboard)) for dashboard in DASHBOARDS]


def test_the_files_are_the_code_s() -> None:
    done = CliRunner().invoke(command, [str(FOLDER), "--check"])
    assert done.exception is None, "write them anew: glossator-ops dashboards runners/monitoring/dashboards"
    assert len(list(FOLDER.glob("*.json"))) == len(DASHBOARDS)


def test_other_files_are_told(tmp_path: Path) -> None:
    assert CliRunner().invoke(command, [str(tmp_path / "new")]).exit_code == 0
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == render_files(DASHBOARDS)
    (tmp_path / "new" / "old.json").write_text("{}")
    (tmp_path / "new" / "glossator-drift.json").unlink()
    done = CliRunner().invoke(command, [str(tmp_path / "new"), "--check"])
    assert "glossator-drift.json, old.json" in str(done.exception)
    (tmp_path / "file").touch()
    assert "Cannot make" in str(CliRunner().invoke(command, [str(tmp_path / "file" / "x")]).exception)


def test_ids_are_unique() -> None:
    assert len({page["uid"] for page in PAGES}) == len(PAGES)
    assert len({page["title"] for page in PAGES}) == len(PAGES)
    for page in PAGES:
        assert re.fullmatch(r"[a-z-]{1,40}", page["uid"])
        ids = [panel["id"] for panel in page["panels"]]
        assert len(ids) == len(set(ids))
        for panel in page["panels"]:
            refs = [target["refId"] for target in panel.get("targets", [])]
            assert len(refs) == len(set(refs))


def test_panels_do_not_overlap() -> None:
    for page in PAGES:
        taken: set[tuple[int, int]] = set()
        for panel in page["panels"]:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= COLUMNS
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, panel["title"]
            taken |= cells


def test_the_datasource_is_the_one_there_is() -> None:
    def find(node: Any) -> list[Any]:
        if isinstance(node, dict):
            own = [node["datasource"]] if "datasource" in node else []
            return own + [found for value in node.values() for found in find(value)]
        return [found for value in node for found in find(value)] if isinstance(node, list) else []

    for page in PAGES:
        assert {json.dumps(found) for found in find(page)} == {'{"type": "prometheus", "uid": "prometheus"}'}


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=IDS)
def test_a_panel_asks_for_what_is_exposed(dashboard: Dashboard, panel: Panel) -> None:
    assert panel.queries
    for query in panel.queries:
        assert check_expression(query.expr, KNOWN) == []
        assert ("$repository" not in query.expr) or dashboard.repository
        shown = set(re.findall(r"{{(\w+)}}", query.legend))
        labels = frozenset().union(*(KNOWN[name] for name, _ in list_selectors(query.expr)))
        assert shown <= labels
        kept = group_labels(query.expr)
        if kept and query.expr.startswith(("sum", "max", "histogram_quantile(")):
            assert shown == set(kept[0]) - {"le"}, "the legend tells the curves apart"


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=IDS)
def test_a_panel_is_fit_to_be_read(dashboard: Dashboard, panel: Panel) -> None:
    assert 1 <= len(panel.title) <= 60
    assert all(query.legend or panel.kind != "timeseries" for query in panel.queries)
    assert [value for value, _ in panel.steps][:1] in ([], [None])
    values = [value for value, _ in panel.steps[1:] if value is not None]
    assert values == sorted(values)
    if panel.unit == "percentunit" and panel.most is not None:
        assert panel.most == 1.0
