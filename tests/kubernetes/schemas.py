"""What the schemas say of documents: Kubernetes' own kinds by kubernetes-validate, custom kinds by npm's models.

The models of custom kinds are checked twice: their validators know types, formats and required fields, but let unknown
fields through as a server would prune them; their type declarations, given to the TypeScript compiler, refuse these.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.kubernetes.manifests import Document

PACKAGE: Final = Path(__file__).with_name("package.json")
SCRIPT: Final = Path(__file__).with_name("validate.mjs")
MODULES: Final = {
    "Application": "argo-cd/argoproj.io/v1alpha1",
    "AppProject": "argo-cd/argoproj.io/v1alpha1",
    "CronWorkflow": "argo-workflows/argoproj.io/v1alpha1",
    "WorkflowTemplate": "argo-workflows/argoproj.io/v1alpha1",
    "PrometheusRule": "prometheus-operator/monitoring.coreos.com/v1",
    "ServiceMonitor": "prometheus-operator/monitoring.coreos.com/v1",
}


def find_program(name: str) -> str:
    """The program beside this Python or on the path; without it the test is skipped."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def render(folder: Path) -> list[Document]:
    """What `kubectl kustomize` makes of a folder."""
    done = subprocess.run([find_program("kubectl"), "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def find_faults_of_kinds(documents: list[Document], version: str, folder: Path) -> str:
    """What kubernetes-validate says against documents of Kubernetes' own kinds; a kind that it does not know is one."""
    file = folder / "documents.yaml"
    file.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    command = [find_program("kubernetes-validate"), "-k", version, "--strict", "--quiet", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"{done.stdout}{done.stderr}"
    return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "WARN" in line)


def install_models() -> Path:
    """The folder with the packages of package.json; installed once into the user's cache."""
    npm, digest = find_program("npm"), hashlib.sha256(PACKAGE.read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glossator" / "tests"
    folder = cache / f"kubernetes-{digest}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            part = Path(name) / "part"
            part.mkdir()
            shutil.copy(PACKAGE, part)
            command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
            done = subprocess.run(command, cwd=part, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode:
                pytest.skip(f"npm cannot install the models of custom kinds: {done.stderr.strip().splitlines()[-1:]}")
            if not folder.exists():
                part.rename(folder)
    return folder


def find_faults_of_custom_kinds(documents: dict[str, Document]) -> dict[str, str]:
    """The fault of each named document, "" where there is none."""
    models = install_models()
    with tempfile.TemporaryDirectory(dir=models) as name:
        folder = Path(name)
        shutil.copy(SCRIPT, folder)
        by_values = _check_values(folder, list(documents.values()))
        by_fields = _check_fields(models, folder, list(documents.values()))
    return {name: values or fields for name, values, fields in zip(documents, by_values, by_fields, strict=True)}


def _module(document: Document) -> str:
    return f"@kubernetes-models/{MODULES[document['kind']]}"


def _check_values(folder: Path, documents: list[Document]) -> list[str]:
    asked = [{"module": _module(document), "document": document} for document in documents]
    (folder / "documents.json").write_text(json.dumps(asked), encoding="utf-8")
    command = [find_program("node"), "validate.mjs", "documents.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [fault or "" for fault in json.loads(done.stdout)]


def _check_fields(models: Path, folder: Path, documents: list[Document]) -> list[str]:
    """Each document is a constant of its type on a line of its own, so that the line tells which one a fault is in."""
    lines = [
        f'export const d{at}: import("{_module(document)}").I{document["kind"]} = {json.dumps(document)};'
        for at, document in enumerate(documents)
    ]
    (folder / "documents.mts").write_text("\n".join(lines), encoding="utf-8")
    compiler = models / "node_modules" / "typescript" / "bin" / "tsc"
    flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"]
    command = [find_program("node"), str(compiler), *flags, "documents.mts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    faults = [""] * len(documents)
    for line in done.stdout.splitlines():
        if found := re.match(r"documents\.mts\((\d+),\d+\): (.+)", line):
            faults[int(found.group(1)) - 1] += found.group(2)
    assert done.returncode == 0 or any(faults), done.stdout
    return faults
