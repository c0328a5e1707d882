"""The manifests as they are written: no tool is needed."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
import yaml

from runners.serving.images import IMAGES, Variant
from tests.kubernetes.faults import find_faults, find_faults_of_pod, find_open, find_without_namespace
from tests.kubernetes.manifests import BACKENDS, FOLDER, Document, Pod, find_pods, read, write_serving

TRAINING = [document for file in sorted((FOLDER / "training").glob("*.yaml")) for document in read(file)]
TRAINING = [document for document in TRAINING if "metadata" in document]


def server(backend: str = "vllm") -> tuple[list[Document], Document]:
    """The documents, to be spoilt, and the container in them."""
    documents = deepcopy(write_serving(backend))
    (pod,) = find_pods(documents)
    (container,) = pod.spec["containers"]
    return documents, container


@pytest.mark.parametrize("backend", BACKENDS)
def test_model_servers_have_no_fault(backend: str) -> None:
    assert not find_faults(write_serving(backend))


def test_scheduled_work_has_no_fault() -> None:
    assert not find_faults(TRAINING, {"trainer"})


def test_each_kind_of_work_is_there() -> None:
    assert {document["metadata"]["name"] for document in TRAINING if document["kind"] == "CronWorkflow"} == {
        "collect",
        "evaluate",
    }
    assert len(list(find_pods(TRAINING))) == 16


def test_a_placeholder_has_an_image() -> None:
    (kustomization,) = read(FOLDER / "training" / "kustomization.yaml")
    assert [(image["name"], image["newName"]) for image in kustomization["images"]] == [
        ("trainer", "ghcr.io/glossator/trainer"),
    ]
    assert all(isinstance(image["newTag"], str) and image["newTag"] != "latest" for image in kustomization["images"])


def test_steps_run_as_the_user_of_their_image() -> None:
    (user,) = re.findall(r"^USER (\d+):", (FOLDER.parent / "trainer" / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for pod in find_pods(TRAINING):
        if pod.whole:
            assert {pod.spec["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {int(user)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_server_serves_its_track_with_the_key(backend: str) -> None:
    _, container = server(backend)
    told = [*container.get("args", []), *(str(variable.get("value")) for variable in container["env"])]
    assert any("$(TRACK)" in word for word in told)
    assert any("8080" in word for word in told)
    keys = [variable["valueFrom"]["secretKeyRef"] for variable in container["env"] if "KEY" in variable["name"]]
    assert keys == [{"name": "model-server", "key": "api-key"}]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert {mount["name"]: mount.get("readOnly") for mount in container["volumeMounts"]}["models"] is True


@pytest.mark.parametrize(("backend", "variant"), [("tgi", "tgi"), ("vllm", "vllm"), ("llamacpp", "llamacpp-cuda")])
def test_the_image_is_that_of_the_other_recipes(backend: str, variant: Variant) -> None:
    assert re.sub(r":[\w.-]+(?=@)", "", IMAGES[variant].reference) == server(backend)[1]["image"]


SPOILT: list[tuple[str, Any, str]] = [
    ("image", "vllm/vllm-openai:latest", "is not pinned"),
    ("image", "vllm/vllm-openai", "is not pinned"),
    ("securityContext", {}, "may gain privileges"),
    ("securityContext", {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}, "keeps capabilities"),
    ("resources", {"requests": {"cpu": "1", "memory": "1Gi"}}, "has no limits"),
    ("ports", [{"name": "http", "containerPort": 8000}], "listens elsewhere"),
    ("volumeMounts", [{"name": "model", "mountPath": "/models"}], "which it does not have"),
    ("env", [{"name": "VLLM_API_KEY", "value": "x"}], "in the open"),
    ("env", [{"name": "MODEL", "value": "$(TRACK)"}, {"name": "TRACK", "value": "x"}], "which is not before it"),
    ("args", ["$(TRACKS)"], "which is not there"),
]


@pytest.mark.parametrize(("field", "value", "fault"), SPOILT)
def test_a_fault_of_a_container_is_found(field: str, value: object, fault: str) -> None:
    documents, container = server()
    container[field] = value
    assert any(fault in found for found in find_faults(documents))


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_a_missing_probe_is_found(probe: str) -> None:
    documents, container = server()
    del container[probe]
    assert any(probe in found for found in find_faults(documents))


@pytest.mark.parametrize("kind", ["Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"])
def test_a_selector_that_hits_nothing_is_found(kind: str) -> None:
    documents, _ = server()
    text = yaml.safe_dump_all([document for document in documents if document["kind"] == kind])
    spoilt = list(yaml.safe_load_all(text.replace("model-server", "another")))
    if kind == "Deployment":
        spoilt[0]["spec"]["selector"]["matchLabels"] = {"app.kubernetes.io/name": "a third"}
    kept = [document for document in documents if document["kind"] != kind]
    assert any("selects nothing" in found for found in find_faults([*kept, *spoilt]))


def test_other_faults_of_documents_are_found() -> None:
    documents, _ = server()
    secret = {"kind": "Secret", "metadata": {"name": "key"}}
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    role = {"kind": "Role", "metadata": {"name": "wide"}, "rules": [rule]}
    wider = {"kind": "ClusterRole", "metadata": {"name": "wider"}, "rules": []}
    without_claim = [document for document in documents if document["kind"] != "PersistentVolumeClaim"]
    found = " ".join(find_faults([*without_claim, secret, role, wider]))
    for fault in (
        "in the repository",
        "may do too much",
        "wider than a namespace",
        "the volume models, which",
    ):
        assert fault in found
    assert any("has no namespace" in fault for fault in find_without_namespace(documents))


def test_a_namespace_without_policies_is_found() -> None:
    documents = [document | {"metadata": document["metadata"] | {"namespace": "n"}} for document in server()[0]]
    assert not list(find_open(documents))
    left = [document for document in documents if document["metadata"]["name"] != "deny-all"]
    assert list(find_open(left)) == [
        "n has no policy for Ingress of all pods",
        "n has no policy for Egress of all pods",
    ]


def test_a_pod_on_the_host_is_found() -> None:
    spec = {"hostNetwork": True, "volumes": [{"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}}]}
    found = " ".join(find_faults_of_pod(Pod("p", spec | {"containers": []}, {})))
    for fault in ("shares the host's", "mounts the host's files", "may run as root", "has no seccomp profile"):
        assert fault in found


def test_every_file_is_in_a_kustomization() -> None:
    for file in FOLDER.rglob("*.yaml"):
        if file.name == "kustomization.yaml" or file.parent.name == "values":
            continue
        (kustomization,) = read(file.with_name("kustomization.yaml"))
        named = [*kustomization.get("resources", []), *kustomization.get("configurations", [])]
        named += [patch["path"] for patch in kustomization.get("patches", [])]
        assert file.name in named, file
