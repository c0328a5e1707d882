"""What kustomize makes of the manifests, against the schemas of the kinds in them. Nothing is applied to a cluster."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
from promql_parser import parse

from tests.kubernetes.faults import find_faults, find_open, find_without_namespace
from tests.kubernetes.manifests import BACKENDS, FOLDER, Document, name, read
from tests.kubernetes.schemas import MODULES, find_faults_of_custom_kinds, find_faults_of_kinds, render

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

VERSIONS: Final = ("1.33", "1.37")
"""The oldest and the newest release of Kubernetes that the manifests are checked against."""
PLACES: Final = (
    "actions",
    "argocd",
    "training",
    "serving/overlays/champion",
    "serving/overlays/challenger",
    "serving/overlays/canary",
    "serving/upload",
)


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[Document]]:
    return {place: render(FOLDER / place) for place in PLACES}


@pytest.fixture(scope="module")
def custom(rendered: dict[str, list[Document]]) -> dict[str, Document]:
    """The documents of custom kinds by their name."""
    everything = [document for documents in rendered.values() for document in documents]
    return {name(document): document for document in everything if document["kind"] in MODULES}


def own_kinds(documents: list[Document]) -> list[Document]:
    return [document for document in documents if document["kind"] not in MODULES]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", PLACES)
def test_kinds_of_kubernetes_are_as_their_schemas_say(
    place: str, version: str, rendered: dict[str, list[Document]], tmp_path: Path
) -> None:
    documents = own_kinds(rendered[place])
    if documents:
        assert find_faults_of_kinds(documents, version, tmp_path) == ""


@pytest.mark.parametrize("place", PLACES)
def test_what_is_rendered_has_no_fault(place: str, rendered: dict[str, list[Document]]) -> None:
    documents = rendered[place]
    if place == "serving/upload":  # into the volume of the model servers
        documents = [*documents, *rendered["serving/overlays/canary"]]
    assert not [*find_faults(documents), *find_without_namespace(documents), *find_open(documents)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_backend_can_be_chosen(backend: str, tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "serving", tmp_path / "serving")
    overlay = tmp_path / "serving" / "overlays" / "canary"
    file = overlay / "kustomization.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("components/vllm", f"components/{backend}"), "utf-8")
    documents = render(overlay)
    assert not find_faults(documents)
    assert find_faults_of_kinds(own_kinds(documents), VERSIONS[-1], tmp_path) == ""
    labels = [one["metadata"]["labels"] for one in documents if one["kind"] == "Deployment"]
    assert [(one["track"], one["backend"]) for one in labels] == [("challenger", backend), ("champion", backend)]


@pytest.mark.parametrize("track", ["champion", "challenger"])
def test_names_are_what_others_rely_on(track: str, rendered: dict[str, list[Document]]) -> None:
    alone = {name(document) for document in rendered[f"serving/overlays/{track}"]}
    both = {name(document) for document in rendered["serving/overlays/canary"]}
    assert {f"Deployment/model-{track}", f"Service/model-{track}", f"PodDisruptionBudget/model-{track}"} <= alone
    assert alone < both


def test_tracks_are_apart(rendered: dict[str, list[Document]]) -> None:
    """The champion's service finds the champion's pods alone."""
    for document in rendered["serving/overlays/canary"]:
        if document["kind"] in {"Service", "PodDisruptionBudget"}:
            selector = document["spec"]["selector"]
            track = selector.get("matchLabels", selector)["track"]
            assert document["metadata"]["name"] == f"model-{track}"


def test_a_project_allows_what_is_there_and_no_more(rendered: dict[str, list[Document]]) -> None:
    (project,) = read(FOLDER / "argocd" / "project.yaml")
    documents = [*rendered["serving/overlays/canary"], *rendered["training"]]
    kinds = {(one["apiVersion"].rpartition("/")[0], one["kind"]) for one in documents}
    spec = project["spec"]
    cluster = {
        (one["group"].rpartition("/")[0] or one["group"], one["kind"]) for one in spec["clusterResourceWhitelist"]
    }
    assert cluster == {("", "Namespace")}
    assert {(one["group"], one["kind"]) for one in spec["namespaceResourceWhitelist"]} == kinds - cluster
    namespaces = {one["metadata"].get("namespace", one["metadata"]["name"]) for one in documents}
    assert {one["namespace"] for one in spec["destinations"]} == namespaces


def test_alerts_can_be_read(custom: dict[str, Document]) -> None:
    rules = [rule for group in custom["PrometheusRule/models"]["spec"]["groups"] for rule in group["rules"]]
    assert len(rules) == 3
    for rule in rules:
        parse(rule["expr"])


def test_a_runner_is_a_pod(tmp_path: Path) -> None:
    """The template in the chart's values, as the pod that the controller makes of it."""
    for file in ("cpu", "gpu"):
        (values,) = read(FOLDER / "actions" / "values" / f"{file}.yaml")
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": file}, "spec": values["template"]["spec"]}
        assert find_faults_of_kinds([pod], VERSIONS[-1], tmp_path) == ""
        pod["spec"]["automountServiceAcountToken"] = False
        assert "automountServiceAcountToken" in find_faults_of_kinds([pod], VERSIONS[-1], tmp_path)


def rename(*path: str | int) -> Callable[[Any], None]:
    """Misspell the last key of a path."""

    def spoil(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[f"{path[-1]}x"] = document.pop(path[-1])

    return spoil


def put(value: object, *path: str | int) -> Callable[[Any], None]:
    """Put something of another type at a path."""

    def spoil(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return spoil


def leave_out(*path: str | int) -> Callable[[Any], None]:
    """Leave out the last key of a path."""

    def spoil(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return spoil


STEP = ("spec", "workflowSpec", "templates", 1)
SPOILT: Final[list[tuple[str, Callable[[Any], None], str]]] = [
    ("Application/glossator-serving", rename("spec", "syncPolicy", "automated", "selfHeal"), "selfHealx"),
    ("Application/glossator-serving", put(1, "spec", "source", "targetRevision"), "targetRevision"),
    ("Application/glossator-serving", leave_out("spec", "destination"), "destination"),
    ("AppProject/glossator", rename("spec", "namespaceResourceWhitelist"), "namespaceResourceWhitelistx"),
    ("AppProject/glossator", put("yes", "spec", "sourceRepos"), "sourceRepos"),
    ("AppProject/glossator", leave_out("spec", "clusterResourceWhitelist", 0, "kind"), "kind"),
    ("CronWorkflow/collect", rename("spec", "concurrencyPolicy"), "concurrencyPolicyx"),
    ("CronWorkflow/collect", rename(*STEP, "container", "workingDir"), "workingDirx"),
    ("CronWorkflow/collect", put("a day", "spec", "workflowSpec", "activeDeadlineSeconds"), "activeDeadlineSeconds"),
    ("CronWorkflow/collect", leave_out("spec", "workflowSpec"), "workflowSpec"),
    ("WorkflowTemplate/repository", rename("spec", "templates", 0, "retryStrategy"), "retryStrategyx"),
    ("WorkflowTemplate/repository", put("cp", "spec", "templates", 0, "container", "command"), "command"),
    ("WorkflowTemplate/repository", leave_out("spec", "templates", 0, "inputs", "artifacts", 0, "name"), "name"),
    ("ServiceMonitor/models", rename("spec", "endpoints", 0, "port"), "portx"),
    ("ServiceMonitor/models", put(15, "spec", "endpoints", 0, "interval"), "interval"),
    ("ServiceMonitor/models", leave_out("spec", "selector"), "selector"),
    ("PrometheusRule/models", rename("spec", "groups", 0, "rules", 0, "expr"), "expr"),
    ("PrometheusRule/models", put("none", "spec", "groups", 0, "rules"), "rules"),
    ("PrometheusRule/models", leave_out("spec", "groups", 0, "name"), "name"),
]


def test_custom_kinds_are_as_their_schemas_say(custom: dict[str, Document]) -> None:
    """And a planted fault in each is refused: one run for all, as the compiler takes its time to start."""
    assert {document["kind"] for document in custom.values()} == set(MODULES)
    documents = dict(custom)
    for at, (target, spoil, _) in enumerate(SPOILT):
        spoilt = deepcopy(custom[target])
        spoil(spoilt)
        documents[f"spoilt {at}"] = spoilt
    faults = find_faults_of_custom_kinds(documents)
    assert not {target: faults[target] for target in custom if faults[target]}
    for at, (target, _, said) in enumerate(SPOILT):
        assert faults[f"spoilt {at}"], f"{target}: {said} is not refused"
        assert said in faults[f"spoilt {at}"]


@pytest.mark.parametrize(
    ("kind", "spoil", "said"),
    [
        ("Deployment", rename("spec", "template", "spec", "tolerations"), "tolerationsx"),
        ("Deployment", put("one", "spec", "replicas"), "one"),
        ("Deployment", leave_out("spec", "selector"), "selector"),
        ("NetworkPolicy", rename("spec", "policyTypes"), "policyTypesx"),
        ("PodDisruptionBudget", put([1], "spec", "minAvailable"), "[1]"),
        ("Service", leave_out("spec", "ports", 0, "port"), "port"),
        ("PersistentVolumeClaim", put("RWO", "spec", "accessModes"), "RWO"),
    ],
)
def test_a_planted_fault_is_refused(
    kind: str, spoil: Callable[[Any], None], said: str, rendered: dict[str, list[Document]], tmp_path: Path
) -> None:
    document = deepcopy(next(one for one in rendered["serving/overlays/champion"] if one["kind"] == kind))
    spoil(document)
    assert said in find_faults_of_kinds([document], VERSIONS[-1], tmp_path)


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    document = {"apiVersion": "example.com/v1", "kind": "Unknown", "metadata": {"name": "x"}}
    assert "Unknown" in find_faults_of_kinds([document], VERSIONS[-1], tmp_path)
