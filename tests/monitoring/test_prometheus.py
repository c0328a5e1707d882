"""An event on its way: sender, gateway, a real Prometheus, a rule, an alert. And names that real programs expose."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import CliRunner

from runners.commands.event import command
from tests.command import ROOT
from tests.monitoring.gateways import EVENTS, TOKEN, read_samples, run_gateway
from tests.monitoring.prometheus import NEEDS_PROMETHEUS, free_port, run_prometheus, wait_for
from tests.monitoring.promql import MONITORING, load_toml
from tests.real_models import get_smollm2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def configure(folder: Path, gateway: str) -> Path:
    """The project's own configuration, with a target on loopback, quick turns and no wait before an alert."""
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"}
    config["rule_files"] = [str(folder / "rules" / "*.yml")]
    del config["alerting"]
    machines = next(job for job in config["scrape_configs"] if job["job_name"] == "machines")
    machines |= {"scheme": "http", "file_sd_configs": [{"files": [str(folder / "targets.json")]}]}
    machines["authorization"]["credentials_file"] = str(folder / "token")
    config["scrape_configs"] = [machines]
    (folder / "token").write_text("x")
    (folder / "rules").mkdir()
    for file in (MONITORING / "rules").glob("*.yml"):
        text = re.sub(r"for: \w+", "for: 0s", file.read_text())
        (folder / "rules" / file.name).write_text(text)
    address = httpx.URL(gateway)
    labels = {"machine": "services", "role": "services", "job": "gateway", "__metrics_path__": address.path}
    targets = [{"targets": [f"127.0.0.1:{address.port}"], "labels": labels}]
    (folder / "targets.json").write_text(json.dumps(targets))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"


@NEEDS_PROMETHEUS
def test_an_event_becomes_a_query_a_rule_and_an_alert(tmp_path: Path) -> None:
    with (
        run_gateway(tmp_path / "state.json", now=time.time()) as gateway,
        run_prometheus(configure(tmp_path, gateway.metrics_url), tmp_path / "data") as prometheus,
    ):
        wait_for(lambda: prometheus.query('up{job="gateway"} == 1'), "the gateway is not scraped")
        assert prometheus.query("ALERTS{alertname='DriftFound'}") == []
        drift = next(event for event in EVENTS if event["kind"] == "drift")
        options = [f"{name}={json.dumps(value)}".replace('"', "") for name, value in drift.items() if name != "kind"]
        arguments = ["drift", "--strict", *(word for option in options for word in ("--set", option))]
        done = CliRunner().invoke(
            command, arguments, env={"GLOSSATOR_EVENTS_URL": gateway.url, "GLOSSATOR_EVENTS_TOKEN": TOKEN}
        )
        assert done.exception is None, done.stderr
        review = EVENTS[0]
        gateway.post(review | {"status": "reviewed"})
        labels, value = wait_for(lambda: prometheus.query("drift_events_total"), "the event does not arrive")[0]
        assert value == 1
        assert labels == {
            "__name__": "drift_events_total",
            "feature": "diff_tokens",
            "test": "ks",
            "instance": "services",
            "job": "gateway",
            "machine": "services",
            "role": "services",
        }
        assert prometheus.query("drift_test_stat_sum")[0][1] == 0.31
        for number in range(3):
            gateway.post(review | {"id": f"review-more-{number}"})
            time.sleep(1.1)
        wait_for(lambda: prometheus.query("review:reviews:increase1d > 2"), "the recording rule gives nothing")
        assert prometheus.query("review:incomplete:ratio_increase1d")[0][1] == 1
        fired = wait_for(lambda: prometheus.query('ALERTS{alertname="DriftFound"}'), "no alert")
        assert (fired[0][0]["alertstate"], fired[0][0]["feature"]) == ("firing", "diff_tokens")
        rules = prometheus.ask("rules")["groups"]
        assert [rule["lastError"] for group in rules for rule in group["rules"] if rule.get("lastError")] == []


@pytest.mark.skipif(not shutil.which("prometheus-node-exporter"), reason="prometheus-node-exporter is missing")
def test_node_exporter_exposes_what_is_listed(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        text = wait_for(lambda: fetch(f"http://127.0.0.1:{port}/metrics"), "node exporter does not answer")
    finally:
        process.terminate()
        process.wait(30)
    check_listed(text, "node")


LLAMA_CPP = """
import os, sys
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import httpx
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx, params.n_parallel, params.port, params.verbosity, params.endpoint_metrics = 512, 1, 0, -1, True
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
url = str(server.listening_address)
said = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
httpx.post(url + "/v1/chat/completions", json=said, timeout=120)
sys.stdout.write(httpx.get(url + "/metrics").text)
sys.stdout.flush()
os._exit(0)
"""


def test_llama_cpp_exposes_what_is_listed() -> None:
    pytest.importorskip("xllamacpp")
    done = subprocess.run(
        [sys.executable, "-c", LLAMA_CPP, str(get_smollm2())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    check_listed(done.stdout, "llamacpp")
    assert read_samples(done.stdout)["llamacpp:tokens_predicted_total"] >= 1


def check_listed(text: str, source: str) -> None:
    """Each name and label that metrics.toml lists is in what the program exposes."""
    samples = read_samples(text)
    for name, labels in load_toml()[source]["metrics"].items():
        shown = [sample for sample in samples if sample.partition("{")[0] == name]
        assert shown, name
        assert set(re.findall(r'(\w+)="', shown[0])) == set(labels), name


def fetch(url: str) -> str:
    try:
        return httpx.get(url, trust_env=False).text
    except httpx.TransportError:
        return ""


@NEEDS_PROMETHEUS
def test_every_panel_has_something_to_show(tmp_path: Path) -> None:
    """Over a made-up month each expression of each dashboard gives data, and can be drawn."""
    pytest.importorskip("matplotlib")
    from tests.monitoring.pictures import draw_dashboard, filled_prometheus

    with filled_prometheus(tmp_path) as prometheus:
        for file in sorted((MONITORING / "dashboards").glob("*.json")):
            assert draw_dashboard(json.loads(file.read_text()), prometheus).startswith(b"\x89PNG")
