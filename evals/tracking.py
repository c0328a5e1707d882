"""A scorecard as a run of MLflow: metrics with their intervals, parameters, tags, the data set, and files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evals.errors import EvalError
from evals.gate import Decision
from evals.scorecard import Scorecard
from reviewer.errors import UsageError

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT: Final = "glossator-eval"
MOST_LETTERS: Final = 500
"""Of a parameter or tag: what servers of any age take."""
MOST_PARAMETERS: Final = 100
"""Of one request."""
MOST_METRICS: Final = 1000
_NOT_ALLOWED: Final = re.compile(r"[^\w\-. /]", re.ASCII)
_CREDENTIALS: Final = re.compile(r"//[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Logged:
    """What is logged of a scorecard: the whole of it, before anything is sent."""

    name: str
    metrics: dict[str, float]
    parameters: dict[str, str]
    tags: dict[str, str]
    dataset: str
    revision: str


def build_logged(card: Scorecard, decision: Decision | None = None) -> Logged:
    """What MLflow is told. A metric `location.hunk.f1` is `location/hunk/f1`, which MLflow shows in groups."""
    metrics: dict[str, float] = {}
    for name, estimate in card.metrics.items():
        parts = (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
        metrics |= {name_metric(name) + part: value for part, value in parts if value is not None}
    model = card.model
    parameters = {
        "model": model.name,
        "model_version": model.version,
        "prompt_version": model.prompt_version,
        "adapter": model.adapter_digest,
        "trained_on": model.dataset_revision,
        "pull_requests": str(len(card.keys)),
        **{f"setting.{name}": str(value) for name, value in sorted(card.settings.items())},
        **{f"text.{name}": str(value) for name, value in sorted(card.text_scorer.items())},
    }
    tags = {
        "candidate": card.candidate,
        "kind": card.kind,
        "model": model.name,
        "model_version": model.version,
        "model_alias": model.alias,
        "dataset": card.dataset,
        "dataset_revision": card.revision,
        "glossator": card.glossator,
        "decision": decision.verdict if decision else "",
    }
    name = f"{card.candidate} on {card.dataset}"
    return Logged(name, metrics, _fit(parameters), _fit(tags), card.dataset, card.revision)


def name_metric(name: str) -> str:
    """A metric's name in the letters that MLflow takes."""
    return _NOT_ALLOWED.sub("_", name.replace(".", "/"))


def send_logged(logged: Logged, uri: str, artifacts: Sequence[Path] = (), experiment: str = EXPERIMENT) -> str:
    """Make a run of it.

    Args:
        logged: What to tell.
        uri: Address of a tracking server, or of a database as `sqlite:///mlflow.db`.
        artifacts: Files to keep with it.
        experiment: Name of the experiment; it is made when there is none.

    Returns:
        The run's id.

    Raises:
        UsageError: MLflow is not installed.
        EvalError: The server or the database does not take it. What was begun is marked as failed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers of each run
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        raise UsageError("MLflow is not installed.", "pip install 'glossator[tracking]'") from error
    try:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        found = client.get_experiment_by_name(experiment)
        place = found.experiment_id if found else client.create_experiment(experiment)
        run = str(client.create_run(place, run_name=logged.name, tags=logged.tags).info.run_id)
        _fill(client, run, logged, artifacts, MlflowException)
    except (MlflowException, OSError) as error:
        said = _CREDENTIALS.sub("//", str(error).partition("\n")[0])[:300]
        raise EvalError(f"MLflow does not take the run: {said}", "Is MLFLOW_TRACKING_URI right, and yours?") from error
    return run


def _fill(client: MlflowClient, run: str, logged: Logged, artifacts: Sequence[Path], failure: type[Exception]) -> None:
    """Log everything and end the run, as failed when something goes wrong."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

    try:
        metrics = [Metric(name, value, 0, 0) for name, value in logged.metrics.items()]
        parameters = [Param(name, value) for name, value in logged.parameters.items()]
        for start in range(0, len(metrics), MOST_METRICS):
            client.log_batch(run, metrics=metrics[start : start + MOST_METRICS])
        for start in range(0, len(parameters), MOST_PARAMETERS):
            client.log_batch(run, params=parameters[start : start + MOST_PARAMETERS])
        dataset = Dataset(logged.dataset, logged.revision, "local", "{}")
        client.log_inputs(run, [DatasetInput(dataset, [InputTag("mlflow.data.context", "eval")])])
        for path in artifacts:
            client.log_artifact(run, str(path))
    except (failure, OSError):
        with suppress(failure, OSError):
            client.set_terminated(run, "FAILED")
        raise
    client.set_terminated(run, "FINISHED")


def _fit(texts: Mapping[str, Any]) -> dict[str, str]:
    return {_NOT_ALLOWED.sub("_", name): str(text)[:MOST_LETTERS] for name, text in texts.items() if text != ""}
