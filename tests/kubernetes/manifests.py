"""The manifests as they are written, and the pods that are in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.command import ROOT

FOLDER: Final = ROOT / "runners" / "kubernetes"
BACKENDS: Final = ("llamacpp", "tgi", "vllm")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that a document asks for. `whole`: its securityContext and volumes are there, and not in a caller's."""

    owner: str
    spec: Document
    labels: dict[str, str]
    whole: bool = True
    long_lived: bool = False


def read(path: Path) -> list[Document]:
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def name(document: Document) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def merge(base: Any, patch: Any) -> Any:
    """As kustomize merges a patch: mappings by key, containers and variables by name, the patch's first."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {key: merge(base[key], value) if key in base else value for key, value in patch.items()}
    if isinstance(base, list) and isinstance(patch, list) and all("name" in item for item in (*base, *patch)):
        old = {item["name"]: item for item in base}
        new = {item["name"]: merge(old[item["name"]], item) if item["name"] in old else item for item in patch}
        return list((new | {key: value for key, value in old.items() if key not in new}).values())
    return patch


def write_serving(backend: str) -> list[Document]:
    """The documents of one track with a backend, without what kustomize adds."""
    base = [document for file in ("deployment", "service", "service-account") for document in _serving("base", file)]
    (patch,) = _serving(f"components/{backend}", "server")
    patch["spec"]["template"]["spec"]["containers"][0]["image"] = read_image(backend)
    merged = [merge(document, patch) if document["kind"] == "Deployment" else document for document in base]
    shared = [document for file in ("namespace", "models", "network-policies") for document in _serving("shared", file)]
    return [*merged, *_serving("tracks/champion", "disruption-budget"), *shared]


def read_image(backend: str) -> str:
    """The image that kustomize puts in the place of the backend's name."""
    (image,) = _serving(f"components/{backend}", "kustomization")[0]["images"]
    assert image["name"] == backend
    return f"{image['newName']}@{image['digest']}"


def _serving(folder: str, file: str) -> list[Document]:
    return read(FOLDER / "serving" / folder / f"{file}.yaml")


def find_pods(documents: list[Document]) -> Iterator[Pod]:
    for document in documents:
        spec = document.get("spec", {})
        match document["kind"]:
            case "Deployment":
                template = spec["template"]
                yield Pod(name(document), template["spec"], template["metadata"]["labels"], long_lived=True)
            case "Pod":
                yield Pod(name(document), spec, document["metadata"].get("labels", {}))
            case "CronWorkflow":
                yield from _find_steps(name(document), spec["workflowSpec"], whole=True)
            case "WorkflowTemplate":
                yield from _find_steps(name(document), spec, whole=False)


def _find_steps(owner: str, spec: Document, *, whole: bool) -> Iterator[Pod]:
    volumes = [*spec.get("volumes", []), *(claim["metadata"] for claim in spec.get("volumeClaimTemplates", []))]
    for template in spec["templates"]:
        for part in ("container", "script"):
            if part in template:
                pod = {key: spec[key] for key in ("securityContext",) if key in spec}
                pod |= {"containers": [template[part]], "volumes": volumes}
                yield Pod(f"{owner} {template['name']}", pod, {}, whole)
