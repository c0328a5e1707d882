"""The page of the metrics names each figure of where comments stand, and no other."""

from __future__ import annotations

import re

from evals import location, ranking, running
from evals.matching import LONGEST, NEAR
from tests.command import ROOT

PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
METRICS = (*location.METRICS, *ranking.METRICS, *running.METRICS)


def test_the_page_names_each_figure_and_no_other() -> None:
    names = {re.sub(r"^location\.(line|near|hunk|file)\.", "location.S.", metric.name) for metric in METRICS}
    on_page = {
        name
        for row in re.findall(r"^\|(.*?)\|", PAGE, re.MULTILINE)
        for name in re.findall(r"`((?:location|ranking|running)\.[\w.]+)`", row)
    }
    assert on_page == names


def test_the_page_knows_the_limits() -> None:
    assert f"at most {NEAR} lines apart" in PAGE
    assert f"only the last {LONGEST} lines count" in PAGE
