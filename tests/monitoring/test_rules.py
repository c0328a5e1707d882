"""What Prometheus is given: expressions name what is exposed, alerts say what to do and fire when they must."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from runners.gateway_metrics import METRICS
from tests.command import ROOT
from tests.monitoring.promql import (
    MONITORING,
    RULES,
    check_expression,
    known_metrics,
    list_selectors,
    load_rules,
    load_toml,
)

KNOWN = known_metrics()
RULE_LIST = load_rules()
ALERTS = [rule for rule in RULE_LIST if "alert" in rule]
NEEDS_PROMTOOL = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool, of the package prometheus, is missing"
)


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("rule", RULE_LIST, ids=lambda rule: str(rule.get("record") or rule["alert"]))
def test_an_expression_asks_for_what_is_exposed(rule: dict[str, Any]) -> None:
    assert check_expression(rule["expr"], KNOWN) == []


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("summ by (track) (up)", "does not parse"),
        ("serving:requests:rate1m", "nothing exposes serving:requests:rate1m"),
        ("rate(glossator_review_total[5m])", "nothing exposes glossator_review_total"),
        ('glossator_reviews_total{state="x"}', "glossator_reviews_total has no label state"),
        ("sum by (model) (drift_events_total)", "no metric here has the label model"),
        ('serving:up{job="champion", gpu="0"}', "serving:up has no label gpu"),
        ("drift_test_stat", "nothing exposes drift_test_stat"),
        ("vector(1)", "asks for no metric"),
    ],
)
def test_a_wrong_expression_is_found(expression: str, wrong: str) -> None:
    assert any(wrong in sentence for sentence in check_expression(expression, KNOWN))


def test_names_of_others_are_those_that_are_used() -> None:
    """metrics.toml lists nothing that nobody asks for, so that a name that is gone upstream is no long search."""
    dashboards = "".join(path.read_text() for path in (MONITORING / "dashboards").glob("*.json"))
    text = dashboards + "".join(path.read_text() for path in RULES)
    listed = {name for source in load_toml().values() for name in source.get("metrics", {})}
    unused = {name for name in listed if not re.search(rf"{name}(?:_bucket|_sum|_count)?\b", text)}
    assert unused == set()


def test_the_backup_tells_what_is_listed() -> None:
    script = (ROOT / "ansible" / "roles" / "backup" / "templates" / "glossator-backup.j2").read_text()
    assert set(re.findall(r"# TYPE (\w+) gauge", script)) >= set(load_toml()["backup"]["metrics"])


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']} {rule['labels']['severity']}")
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert len(notes["summary"]) <= 100
    page, _, section = notes["runbook_url"].partition("#")
    assert page.endswith("/blob/main/docs/monitoring.md")
    assert section == rule["alert"].lower()
    assert f"\n### {rule['alert']}\n" in (ROOT / "docs" / "monitoring.md").read_text()
    labels = frozenset().union(*(KNOWN[name] for name, _ in list_selectors(rule["expr"])))
    used = set(re.findall(r"\$labels\.(\w+)", " ".join(notes.values())))
    assert used <= labels, "an annotation names a label that is not there"
    assert "instance" not in used, "an address has no place in a message"


def test_each_alert_is_tested_where_it_fires_and_where_it_does_not() -> None:
    document = yaml.safe_load((MONITORING / "rules_test.yml").read_text(encoding="utf-8"))
    fires: dict[str, set[str]] = defaultdict(set)
    quiet = set()
    for test in document["tests"]:
        for check in test.get("alert_rule_test", []):
            fires[check["alertname"]] |= {alert["exp_labels"]["severity"] for alert in check["exp_alerts"]}
            if not check["exp_alerts"]:
                quiet.add(check["alertname"])
    assert {(name, severity) for name, found in fires.items() for severity in found} == {
        (rule["alert"], rule["labels"]["severity"]) for rule in ALERTS
    }
    assert quiet == {rule["alert"] for rule in ALERTS}


def test_every_metric_of_the_gateway_has_a_help_text() -> None:
    assert all(metric.help.endswith(".") for metric in METRICS)


@NEEDS_PROMTOOL
def test_promtool_takes_rules_and_configuration(tmp_path: Path) -> None:
    done = promtool("check", "rules", *RULES)
    assert done.returncode == 0, done.stderr
    text = (MONITORING / "prometheus.yml").read_text().replace("/etc/prometheus", str(tmp_path))
    (tmp_path / "rules").mkdir()
    (tmp_path / "targets").mkdir()
    for rules in RULES:
        shutil.copy(rules, tmp_path / "rules")
    (tmp_path / "metrics-token").write_text("x")
    (tmp_path / "targets" / "glossator.json").write_text(
        '[{"targets": ["127.0.0.1:8443"], "labels": {"machine": "gpu1", "role": "gpu", "job": "champion",'
        ' "__metrics_path__": "/metrics/champion", "track": "champion", "backend": "tgi"}}]'
    )
    (tmp_path / "prometheus.yml").write_text(text)
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stderr
    assert "2 rule files found" in done.stdout
    (tmp_path / "metrics-token").unlink()
    assert promtool("check", "config", tmp_path / "prometheus.yml").returncode == 1


@pytest.mark.slow
@NEEDS_PROMTOOL
@pytest.mark.timeout(300)
def test_the_alerts_fire_when_they_must() -> None:
    done = promtool("test", "rules", MONITORING / "rules_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@NEEDS_PROMTOOL
@pytest.mark.timeout(300)
def test_a_changed_threshold_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(MONITORING, tmp_path / "m")
    alerts = tmp_path / "m" / "rules" / "alerts.yml"
    alerts.write_text(alerts.read_text().replace("DCGM_FI_DEV_FB_FREE < 512", "DCGM_FI_DEV_FB_FREE < 5120"))
    done = promtool("test", "rules", tmp_path / "m" / "rules_test.yml")
    assert done.returncode == 1
    assert "GpuMemoryFull" in done.stdout + done.stderr
