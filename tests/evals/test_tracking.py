"""What MLflow is told, and that a real MLflow takes it and gives it back."""

from __future__ import annotations

import builtins
import hashlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.gate import Decision
from evals.scorecard import Estimate, save_scorecard
from evals.tracking import MOST_LETTERS, build_logged, name_metric, send_logged
from reviewer.errors import UsageError
from tests.evals.report_cards import make_scorecard
from tests.real_models import cache_folder, run_or_skip

ROOT = Path(__file__).parents[2]
PACKAGES = ("mlflow-skinny==3.17.2", "sqlalchemy==2.1.9", "alembic==1.20.1", "huggingface-hub==2.4.0")
OURS = ("click", "msgspec", "numpy", "httpx", "pyyaml", "pytest", "matplotlib")
DECISION = Decision("hold", "tuned", "embedded", "gui", "r", 40, [], [])
READ_BACK = """\
import json, sys
from mlflow import MlflowClient
client = MlflowClient(tracking_uri="sqlite:///mlflow.db")
(experiment,) = client.search_experiments(filter_string="name = 'nightly'")
(run,) = client.search_runs([experiment.experiment_id])
files = sorted(item.path for item in client.list_artifacts(run.info.run_id))
where = client.download_artifacts(run.info.run_id, "card.json", ".")
print(json.dumps({
    "name": run.info.run_name, "status": run.info.status, "metrics": run.data.metrics, "tags": run.data.tags,
    "params": run.data.params, "files": files, "card": json.load(open(where))["candidate"],
    "datasets": [[given.dataset.name, given.dataset.digest] for given in run.inputs.dataset_inputs],
}))
"""
READ_CARD = """\
import json
from huggingface_hub import ModelCard
card = ModelCard.load("model.md", ignore_metadata_errors=False)
found = {result.metric_args["metric"]: result for result in card.data.eval_results}
one = found["location.hunk.f1"]
print(json.dumps([card.data.model_name, one.metric_type, one.metric_value, one.dataset_revision, one.metric_args]))
"""


def test_all_of_a_scorecard_is_told() -> None:
    card = make_scorecard()
    card.metrics["location.hunk.f1"] = Estimate(0.3, 0.2, 0.4, 40)
    card.metrics["location.line.f1"] = Estimate(None, note="too few")
    logged = build_logged(card, DECISION)
    assert logged.name == "tuned on gui"
    assert (logged.dataset, logged.revision) == ("gui", "0f1e2d3c4b5a6978")
    kept = {name: logged.metrics[f"location/hunk/f1{name}"] for name in ("", "_low", "_high")}
    assert kept == {"": 0.3, "_low": 0.2, "_high": 0.4}
    assert "location/line/f1" not in logged.metrics
    assert logged.tags["dataset_revision"] == "0f1e2d3c4b5a6978"
    assert logged.tags["decision"] == "hold"
    assert logged.tags["model_version"] == "3"
    assert logged.parameters["setting.max_comments"] == "3"
    assert logged.parameters["prompt_version"] == "7"
    assert "adapter" not in logged.parameters
    assert "decision" not in build_logged(card).tags


def test_names_and_texts_fit_what_servers_take() -> None:
    assert name_metric("text.prose.rouge_l.lift_constant") == "text/prose/rouge_l/lift_constant"
    assert name_metric("a.b@c\u00e9#") == "a/b_c__"
    logged = build_logged(make_scorecard(settings={"paths\n<x>": "y" * 9000}))
    assert logged.parameters["setting.paths__x_"] == "y" * MOST_LETTERS


def test_no_two_metrics_share_a_name() -> None:
    card = make_scorecard()
    logged = build_logged(card)
    assert len(logged.metrics) == sum(
        value is not None for one in card.metrics.values() for value in (one.value, one.low, one.high)
    )


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "mlflow":
            raise ModuleNotFoundError(name="mlflow")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UsageError, match="not installed") as caught:
        send_logged(build_logged(make_scorecard()), "sqlite:///x.db")
    assert "glossator[tracking]" in caught.value.hint


def get_python() -> Path:
    """The Python of an environment of its own with MLflow, and what Glossator needs beside it."""
    given = (*PACKAGES, *OURS)
    folder = cache_folder() / ("mlflow-" + hashlib.sha256(repr((given, sys.version)).encode()).hexdigest()[:12])
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        run_or_skip([sys.executable, "-m", "venv", "--clear", str(folder)], "an environment for MLflow")
        run_or_skip([str(python), "-m", "pip", "install", "-q", *given], "MLflow")
        ready.touch()
    return python


def run(python: Path, words: Sequence[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment: Mapping[str, str] = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "PATH": "/usr/bin:/bin", **more}
    return subprocess.run(
        [str(python), *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_real_mlflow_takes_it_and_gives_it_back(tmp_path: Path) -> None:
    python = get_python()
    card = make_scorecard()
    save_scorecard(card, tmp_path / "card.json")
    (tmp_path / "report.html").write_text("<!doctype html>")
    words = ["-m", "evals", "track", "--scorecard", "card.json", "--artifact", "report.html", "--experiment", "nightly"]
    done = run(python, words, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 files." in done.stderr
    back = json.loads(run(python, ["-c", READ_BACK], tmp_path).stdout)
    logged = build_logged(card)
    assert back["metrics"] == pytest.approx(logged.metrics)
    assert back["params"] == logged.parameters
    assert logged.tags.items() <= back["tags"].items()
    assert (back["name"], back["status"], back["card"]) == ("tuned on gui", "FINISHED", "tuned")
    assert back["files"] == ["card.json", "report.html"]
    assert back["datasets"] == [["gui", "0f1e2d3c4b5a6978"]]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    python = get_python()
    save_scorecard(make_scorecard(), tmp_path / "card.json")
    words = ["-m", "evals", "track", "--scorecard", "card.json", "--tracking-uri", "http://user:secret@127.0.0.1:9"]
    done = run(python, words, tmp_path, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 6, done.stderr
    assert "MLflow does not take the run" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_hubs_own_library_reads_the_model_card(tmp_path: Path) -> None:
    from evals.model_card import render_model_card

    python = get_python()
    card = make_scorecard()
    card.metrics["location.hunk.f1"] = Estimate(0.28341, 0.2, 0.35, 38)
    (tmp_path / "model.md").write_text(render_model_card(card), "utf-8")
    done = run(python, ["-c", textwrap.dedent(READ_CARD)], tmp_path)
    assert done.returncode == 0, done.stderr
    args = {"metric": "location.hunk.f1", "interval_95": [0.2, 0.35], "pull_requests": 38}
    assert json.loads(done.stdout) == ["qwen2.5-coder-1.5b-3", "f1", 0.2834, "0f1e2d3c4b5a6978", args]
