"""Run a CronWorkflow's steps one after the other on this machine, each with the folders, variables and files it mounts.

It stands in for Argo Workflows as far as these workflows need it: a chain of tasks, templates of another document,
parameters, a clone of a repository as an artifact, what a step prints as a parameter. Programs are the real ones.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.command import ROOT
from tests.kubernetes.manifests import FOLDER, Document, read

TIMEOUT: Final = 240
"""Seconds for one step."""
NAME: Final = "night-1"
"""The name of the workflow that the CronWorkflow makes."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step left."""

    name: str
    code: int
    out: str
    err: str


@dataclass
class Cluster:
    """What is around a workflow: a folder for its volumes, secrets, and where its addresses lead."""

    folder: Path
    secrets: dict[str, dict[str, str]]
    places: dict[str, str]
    environment: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def run(self, workflow: str) -> None:
        """All tasks in their order; it ends with the first that the next one does not allow to fail."""
        spec = load(workflow)["spec"]["workflowSpec"]
        own = {template["name"]: template for template in spec["templates"]}
        shared = {template["name"]: template for template in load("repository")["spec"]["templates"]}
        known = {f"workflow.parameters.{one['name']}": one["value"] for one in spec["arguments"]["parameters"]}
        known |= {f"workflow.parameters.{name}": value for name, value in self.parameters.items()}
        known["workflow.name"] = NAME
        for task in own[spec["entrypoint"]]["dag"]["tasks"]:
            if self.steps and self.steps[-1].code and f"{self.steps[-1].name}.Failed" not in task["depends"]:
                return
            template = own[task["template"]] if "template" in task else shared[task["templateRef"]["template"]]
            given = {one["name"]: one for one in template.get("inputs", {}).get("parameters", [])}
            given |= {one["name"]: one for one in task.get("arguments", {}).get("parameters", [])}
            inputs = {f"inputs.parameters.{name}": fill_in(one["value"], known) for name, one in given.items()}
            done = self.run_step(task["name"], template, known | inputs)
            self.steps.append(done)
            known[f"tasks.{done.name}.outputs.result"] = done.out.strip()

    def run_step(self, name: str, template: Document, known: dict[str, str]) -> Step:
        part = template.get("container") or template["script"]
        mounts = self.mount(name, template, part, known)
        words = [find_place(fill_in(word, known), mounts) for word in (*part["command"], *part.get("args", []))]
        if "source" in part:
            script = self.folder / f"{name}.sh"
            script.write_text(fill_in(part["source"], known), encoding="utf-8")
            words.append(str(script))
        cwd = find_place(fill_in(part["workingDir"], known), mounts) if "workingDir" in part else str(self.folder)
        environment = self.environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin"}
        for variable in part.get("env", []):
            environment[variable["name"]] = self.resolve(variable, known, mounts)
        done = subprocess.run(
            words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
        )
        return Step(name, done.returncode, done.stdout, done.stderr)

    def mount(self, name: str, template: Document, part: Document, known: dict[str, str]) -> dict[str, Path]:
        """Where each path of the step's is on this machine; /tmp is new in each step."""
        mounts = {}
        for mount in part["volumeMounts"]:
            volume = f"tmp-{name}" if mount["name"] == "tmp" else mount["name"]
            mounts[mount["mountPath"]] = self.folder / volume / fill_in(mount.get("subPath", ""), known)
        for artifact in template.get("inputs", {}).get("artifacts", []):
            source, place = fill_in(artifact["git"]["repo"], known), self.folder / f"{artifact['name']}-{name}"
            clone = ["git", "clone", "--quiet", "--branch", fill_in(artifact["git"]["revision"], known)]
            subprocess.run([*clone, self.places[source], place], check=True)
            mounts[artifact["path"]] = place
        for place in mounts.values():
            place.mkdir(parents=True, exist_ok=True)
        return mounts

    def resolve(self, variable: dict[str, Any], known: dict[str, str], mounts: dict[str, Path]) -> str:
        if "value" in variable:
            value = fill_in(variable["value"], known)
            return self.places.get(value) or find_place(value, mounts)
        key = variable["valueFrom"]["secretKeyRef"]
        return self.secrets[key["name"]][key["key"]]


def load(name: str) -> Document:
    (document,) = read(FOLDER / "training" / f"{name}.yaml")
    return document


def fill_in(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\{\{([\w.-]+)\}\}", lambda found: known[found.group(1)], text)


def find_place(word: str, mounts: dict[str, Path]) -> str:
    """A path of the step's, on this machine; the longest mount that holds it. Another word stays."""
    for path in sorted(mounts, key=len, reverse=True):
        if word == path or word.startswith(f"{path}/"):
            return f"{mounts[path]}{word[len(path) :]}"
    assert not word.startswith("/"), f"{word} is on no volume"
    return word


def python_path() -> dict[str, str]:
    """So that the programs beside this Python run this checkout."""
    return {"PYTHONPATH": str(ROOT)}
