"""What the scheduled work runs are commands of ours, as the workflows of GitHub Actions run them."""

from __future__ import annotations

import re
import shlex
from typing import Final

import click
import pytest

from evals.cli import evaluate
from tests.command import ROOT
from tests.kubernetes.manifests import FOLDER, Document, read
from training.cli import train

GROUPS: Final[dict[str, click.Group]] = {"glossator-train": train, "glossator-eval": evaluate}
GIVEN: Final = {"inputs.parameters.track": "champion", "inputs.parameters.dataset": "0" * 40}
WORK: Final = {name: read(FOLDER / "training" / f"{name}.yaml")[0] for name in ("repository", "collect", "evaluate")}


def spec_of(document: Document) -> Document:
    spec: Document = document["spec"]
    inner: Document = spec.get("workflowSpec", spec)
    return inner


def fill_in(text: str, parameters: dict[str, str]) -> str:
    return re.sub(r"\{\{([\w.-]+)\}\}", lambda found: parameters[found.group(1)], text)


def find_lines(document: Document) -> list[list[str]]:
    """The words of each program that is started, with the parameters filled in."""
    spec = spec_of(document)
    own = spec.get("arguments", {}).get("parameters", [])
    parameters = GIVEN | {f"workflow.parameters.{one['name']}": one["value"] for one in own}
    lines = []
    for template in spec["templates"]:
        if "container" in template:
            container = template["container"]
            lines.append([fill_in(word, parameters) for word in (*container["command"], *container["args"])])
        if "script" in template:
            lines += [shlex.split(line) for line in template["script"]["source"].splitlines()]
    return [line for line in lines if line]


def parse(words: list[str]) -> None:
    group = GROUPS[words[0]]
    context = click.Context(group)
    name, command, rest = group.resolve_command(context, words[1:])
    assert command
    command.make_context(name, rest, parent=context)


LINES: Final = [line for document in WORK.values() for line in find_lines(document) if line[0] in GROUPS]


@pytest.fixture(autouse=True)
def files(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that the options ask for need not be there."""
    monkeypatch.setattr(click.Path, "convert", lambda _self, value, _param, _ctx: value)


@pytest.mark.parametrize("words", LINES, ids=[" ".join(line[:2]) for line in LINES])
def test_a_command_parses(words: list[str]) -> None:
    parse(words)


def test_all_commands_are_found() -> None:
    found = {" ".join(line[:2]) for line in LINES}
    assert found == {
        *(f"glossator-train {name}" for name in ("collect", "propose", "retrain")),
        *(f"glossator-eval {name}" for name in ("run", "score", "cases", "gate", "report", "alarm")),
    }


@pytest.mark.parametrize(
    "line",
    [
        "glossator-train colect",
        "glossator-train collect --allow-parts",
        "glossator-train retrain",
        "glossator-eval run --held-out x --out y --limit many",
    ],
)
def test_another_command_does_not_parse(line: str) -> None:
    with pytest.raises(click.ClickException):
        parse(shlex.split(line))


def test_scripts_run_dvc_alone() -> None:
    programs = {line[0] for document in WORK.values() for line in find_lines(document)} - set(GROUPS)
    assert programs == {"cp", "dvc", "set", "if", "elif", "fi"}


@pytest.mark.parametrize("name", ["collect", "evaluate"])
def test_a_workflow_does_the_same_at_the_same_hour(name: str) -> None:
    """The same schedule, and no option that neither the workflow nor the pipeline gives."""
    workflow = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert WORK[name]["spec"]["schedules"] == re.findall(r'cron: "([^"]+)"', workflow)
    known = workflow + (ROOT / "training" / "dvc.yaml").read_text(encoding="utf-8")
    for line in find_lines(WORK[name]):
        if line[0] in GROUPS:
            assert " ".join(line[:2]) in known
            asked = {word for word in line if word.startswith("--")} - {"--repo"}  # a job of GitHub's knows its own
            assert asked <= set(re.findall(r"--[a-z-]+", known)), line


@pytest.mark.parametrize("name", ["collect", "evaluate"])
def test_work_is_bounded_tried_again_and_never_doubled(name: str) -> None:
    spec = WORK[name]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["timezone"] == "Etc/UTC"  # as GitHub's schedules
    assert spec["workflowSpec"]["serviceAccountName"] == "workflow"
    assert spec["workflowSpec"]["activeDeadlineSeconds"]
    for template in (*spec["workflowSpec"]["templates"], *spec_of(WORK["repository"])["templates"]):
        if "dag" in template:
            continue
        assert template["activeDeadlineSeconds"] <= spec["workflowSpec"]["activeDeadlineSeconds"], template["name"]
        assert ("retryStrategy" in template) == (template["name"] != "gate"), template["name"]


@pytest.mark.parametrize("name", ["collect", "evaluate"])
def test_tasks_follow_tasks_and_name_templates(name: str) -> None:
    templates = {template["name"]: template for template in spec_of(WORK[name])["templates"]}
    shared = {template["name"] for template in spec_of(WORK["repository"])["templates"]}
    seen: list[str] = []
    for task in templates[spec_of(WORK[name])["entrypoint"]]["dag"]["tasks"]:
        before = re.findall(r"[a-z-]+", re.sub(r"\.\w+", "", task.get("depends", "")))
        assert set(before) <= {seen[-1]} if seen else not before  # a chain: one volume, one node at a time
        if "template" in task:
            wanted = [one["name"] for one in templates[task["template"]].get("inputs", {}).get("parameters", [])]
            given = [one["name"] for one in task.get("arguments", {}).get("parameters", [])]
            assert wanted == given, task["name"]
        else:
            assert task["templateRef"]["template"] in shared
        seen.append(task["name"])


def test_secrets_are_apart() -> None:
    """A step that reads strangers' texts can write nothing to GitHub; one that can write sees no storage or model."""
    writing = set()
    for document in WORK.values():
        for template in spec_of(document)["templates"]:
            part = template.get("container") or template.get("script") or {}
            secrets = {
                variable["valueFrom"]["secretKeyRef"]["name"]
                for variable in part.get("env", [])
                if "valueFrom" in variable
            }
            assert len(secrets) <= 1, template["name"]
            if secrets == {"proposer"}:
                writing.add(template["name"])
                mounts = [mount for mount in part["volumeMounts"] if mount["name"] != "tmp"]
                assert all(mount["subPath"] and mount["readOnly"] for mount in mounts), template["name"]
    assert writing == {"propose", "retrain", "alarm"}


def find_paths(template: Document) -> tuple[set[str], set[str]]:
    """The paths that a step names, and those that are mounted in it."""
    part = template.get("container") or template.get("script") or {"command": []}
    words = (*part["command"], *part.get("args", []), part.get("workingDir", ""))
    mounted = {mount["mountPath"] for mount in part.get("volumeMounts", [])}
    mounted |= {artifact["path"] for artifact in template.get("inputs", {}).get("artifacts", [])}
    return {word for word in words if word.startswith("/")}, mounted


def find_lost_paths(template: Document) -> set[str]:
    named, mounted = find_paths(template)
    return {path for path in named if not any(f"{path}/".startswith(f"{place}/") for place in mounted)}


def test_each_path_is_on_a_volume() -> None:
    for document in WORK.values():
        for template in spec_of(document)["templates"]:
            assert not find_lost_paths(template), template["name"]


def test_a_path_on_no_volume_is_found() -> None:
    container = {"command": ["x"], "args": ["/reports/a", "/report/a", "b"], "volumeMounts": [{"mountPath": "/report"}]}
    assert find_lost_paths({"container": container}) == {"/reports/a"}
