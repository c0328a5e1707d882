"""The values for the charts of the actions-runner-controller, and what Argo CD makes of them."""

from __future__ import annotations

from typing import Any, Final

import pytest
import yaml

from tests.kubernetes.faults import find_faults_of_pod
from tests.kubernetes.manifests import FOLDER, Pod, read

VALUES: Final = FOLDER / "actions" / "values"
KNOWN: Final = {
    # The keys that both charts' values.yaml and templates know and that are used here, read in the sources on GitHub:
    # values.yaml of the time of 0.14, and the template of the scale set with scaleSetLabels, which came with 0.14.0.
    "controller": {
        "flags",
        "podSecurityContext",
        "rbac",
        "replicaCount",
        "resources",
        "securityContext",
        "serviceAccount",
    },
    "scale set": {
        "controllerServiceAccount",
        "githubConfigSecret",
        "githubConfigUrl",
        "maxRunners",
        "minRunners",
        "runnerScaleSetName",
        "scaleSetLabels",
        "template",
    },
}


def load(name: str) -> dict[str, Any]:
    (values,) = read(VALUES / f"{name}.yaml")
    return values


def applications() -> dict[str, Any]:
    documents = [*read(FOLDER / "argocd" / "runners.yaml"), *read(FOLDER / "argocd" / "glossator.yaml")]
    return {document["metadata"]["name"]: document["spec"] for document in documents}


def test_only_known_keys_are_used() -> None:
    assert set(load("controller")) == KNOWN["controller"]
    for name in ("cpu", "gpu"):
        assert set(load(name)) == KNOWN["scale set"]


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_a_runner_is_for_one_job_and_bounded(name: str) -> None:
    values = load(name)
    assert values["runnerScaleSetName"] == f"glossator-{name}"
    assert values["scaleSetLabels"] == ["self-hosted", "glossator", name]
    assert "containerMode" not in values
    assert values["minRunners"] == 0
    spec = values["template"]["spec"]
    assert not list(find_faults_of_pod(Pod(name, spec, {}), writes=True))
    assert spec["automountServiceAccountToken"] is False
    assert not [volume for volume in spec["volumes"] if "emptyDir" not in volume]
    (container,) = spec["containers"]
    assert (container["name"], container["command"]) == ("runner", ["/home/runner/run.sh"])
    assert ("nvidia.com/gpu" in container["resources"]["limits"]) == (name == "gpu")


def test_no_docker_socket_and_no_secret() -> None:
    for file in FOLDER.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        assert "docker.sock" not in text
        assert "PRIVATE KEY" not in text
        assert not [document for document in yaml.safe_load_all(text) if document and document.get("kind") == "Secret"]


def test_the_controller_is_named_alike() -> None:
    controller = load("controller")
    assert controller["flags"]["watchSingleNamespace"] == "glossator-runners"
    for name in ("cpu", "gpu"):
        account = load(name)["controllerServiceAccount"]
        assert account == {"namespace": "arc-systems", "name": controller["serviceAccount"]["name"]}


def test_the_quota_is_enough_for_all_runners() -> None:
    (quota,) = read(FOLDER / "actions" / "quota.yaml")
    all_values = [load("cpu"), load("gpu")]
    assert int(quota["spec"]["hard"]["pods"]) == sum(values["maxRunners"] for values in all_values)
    for resource, unit in (("cpu", ""), ("memory", "Gi")):
        wanted = sum(
            int(values["template"]["spec"]["containers"][0]["resources"]["requests"][resource].removesuffix(unit))
            * values["maxRunners"]
            for values in all_values
        )
        assert wanted <= int(quota["spec"]["hard"][f"requests.{resource}"].removesuffix(unit))


def test_both_charts_are_of_one_version_and_their_values_exist() -> None:
    charts = [source for spec in applications().values() for source in spec.get("sources", []) if "chart" in source]
    assert len(charts) == 3
    assert {chart["targetRevision"] for chart in charts} == {"0.15.1"}
    for chart in charts:
        (file,) = chart["helm"]["valueFiles"]
        assert (FOLDER.parents[1] / file.removeprefix("$values/")).is_file()
    for name in ("cpu", "gpu"):  # labels of a release are its name, and a scale set is found by it
        assert any(chart["helm"]["releaseName"] == f"glossator-{name}" for chart in charts)


def test_what_argo_cd_follows_exists() -> None:
    paths = [spec["source"]["path"] for spec in applications().values() if "source" in spec]
    assert len(paths) == 3
    assert all((FOLDER.parents[1] / path / "kustomization.yaml").is_file() for path in paths)
