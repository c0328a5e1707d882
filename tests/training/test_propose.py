"""Proposing a dataset and starting its training, against the stand-in GitHub with real pushes to its repository."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from reviewer.errors import GlossatorError, HostError, NotFound, PermissionDenied, ValidationFailed
from reviewer.github_api import GitHub
from simulation.github_server import GitHubServer, RepoScenario
from training.cli import train
from training.errors import DataError
from training.git_remote import GitRemote, explain
from training.proposal import MAX_BYTES, Proposal, check, gather, load_proposal, name_files, save_proposal
from training.proposal_text import render_body, render_title
from training.propose import BRANCH, Proposed, propose, say, take_up
from training.retrain import INPUT, TRAINED_REF, Retrained, retrain

pytestmark = pytest.mark.slow

REF = f"refs/heads/{BRANCH}"
COUNTS = "data/dataset/counts.json"
PUSH, WRITE = "training.git_remote.GitRemote.push", "reviewer.github_api.GitHub.write"


def render_counts(comments: int, repo: str = "octo/demo") -> str:
    counts = {
        "schema": "glossator/dataset-counts/1",
        "sections": {
            "comments": {"pull-request": {"train": comments}},
            "examples": {"commented": {"train": comments}},
            "repositories": {repo: {"train": 1}},
        },
    }
    return json.dumps(counts)


@dataclass
class Project:
    """A checkout of a repository on the stand-in."""

    server: GitHubServer
    repo: RepoScenario
    folder: Path
    shallow: bool = False
    host: GitHub = field(init=False)
    remote: GitRemote = field(init=False)

    def __post_init__(self) -> None:
        store = self.repo.repository.store.folder
        depth = ["--depth=1"] if self.shallow else []
        subprocess.run(["git", "clone", "-q", *depth, store.as_uri(), self.folder], check=True)
        self.host = GitHub("octo/demo", "actions-token", self.server.url)
        self.remote = GitRemote(self.folder, "actions-token")

    def build(self, comments: int, repo: str = "octo/demo") -> None:
        """What a run of the pipeline leaves."""
        (self.folder / "data/dataset").mkdir(parents=True, exist_ok=True)
        counts = render_counts(comments, repo)
        digest = hashlib.md5(counts.encode()).hexdigest()
        lock = f"schema: '2.0'\nstages:\n  # {digest}\n  dataset: {comments}\n"
        (self.folder / "dvc.lock").write_text(lock, "utf-8")
        (self.folder / COUNTS).write_text(counts, "utf-8")

    def propose(self) -> Proposed:
        return propose(self.host, self.remote, gather(self.folder))

    def retrain(self, revision: str, after: int = 10, *, again: bool = False) -> Retrained:
        return retrain(self.host, self.remote, revision, "train.yml", after, wait=lambda _: None, again=again)

    def resolve(self, ref: str) -> str:
        return self.repo.repository.store.resolve(ref) or ""

    def read(self, ref: str, path: str) -> str:
        return self.repo.repository.store.run("show", f"{ref}:{path}").decode()

    def pulls(self) -> list[Any]:
        found: list[Any] = self.server.call("octo", "GET", "/repos/octo/demo/pulls?state=open")
        return found

    def merge(self) -> None:
        """The default branch takes what is proposed, as one commit."""
        files = {path: self.read(REF, path) for path in ("dvc.lock", COUNTS)}
        self.repo.commit(dict(files))
        (pull,) = self.pulls()
        self.repo.find_pull(pull["number"]).close()

    def dispatches(self) -> list[dict[str, Any]]:
        return [one.inputs for one in self.repo.repository.dispatches]


@pytest.fixture
def project(github_server: GitHubServer, tmp_path: Path) -> Project:
    return Project(github_server, github_server.create_repo("octo/demo"), tmp_path / "checkout")


def test_the_first_proposal(project: Project) -> None:
    project.build(120)

    proposed = project.propose()

    assert proposed.done == "opened"
    assert proposed.revision == project.resolve(REF)
    (pull,) = project.pulls()
    assert pull["title"] == "Update the dataset: 120 more comments"
    assert "| Comments, train | 0 | 120 | +120 |" in pull["body"]
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (BRANCH, "main")
    assert project.read(REF, "dvc.lock").endswith("dataset: 120\n")
    assert project.read(REF, "README.md") == "A demo.\n", "on top of what was there"
    assert project.resolve(f"{REF}^") == project.repo.head()
    status = subprocess.run(["git", "-C", project.folder, "status", "-s"], capture_output=True, text=True, check=True)
    assert status.stdout.split() == ["??", "data/", "??", "dvc.lock"], "the checkout is as it was"


def test_again_is_once(project: Project) -> None:
    project.build(120)
    first = project.propose()
    writes = len(project.server.requests)

    again = project.propose()

    assert (again.done, again.revision, again.number) == ("unchanged", first.revision, first.number)
    assert all(entry.method == "GET" for entry in project.server.requests[writes:])


def test_more_data_updates_the_same_pull_request(project: Project) -> None:
    project.build(120)
    first = project.propose()
    project.build(150)

    second = project.propose()

    assert (second.done, second.number) == ("updated", first.number)
    assert second.revision == project.resolve(REF) != first.revision
    (pull,) = project.pulls()
    assert pull["title"] == "Update the dataset: 150 more comments"
    assert project.resolve(f"{REF}^") == project.repo.head(), "one commit, not two"


def test_nothing_new(project: Project) -> None:
    project.build(120)
    project.propose()
    project.merge()

    done = project.propose()

    assert (done.done, done.revision) == ("nothing", project.repo.head())
    assert project.pulls() == []
    assert "has this dataset already" in say(done)


def test_a_new_proposal_after_a_merge(project: Project) -> None:
    project.build(120)
    project.propose()
    project.merge()
    project.build(130)

    proposed = project.propose()

    assert proposed.done == "opened"
    (pull,) = project.pulls()
    assert pull["title"] == "Update the dataset: 10 more comments"
    assert project.resolve(f"{REF}^") == project.repo.head()


def test_other_commits_on_the_default_branch_change_nothing(project: Project) -> None:
    project.build(120)
    first = project.propose()
    project.repo.commit({"app.py": "one\n"})

    assert project.propose().revision == first.revision


def test_another_dataset_on_the_default_branch_is_the_new_base(project: Project) -> None:
    project.build(120)
    project.propose()
    project.repo.commit({"dvc.lock": "another\n", COUNTS: render_counts(100)})

    assert project.propose().done == "updated"

    assert project.resolve(f"{REF}^") == project.repo.head()
    (pull,) = project.pulls()
    assert pull["title"] == "Update the dataset: 20 more comments"


def test_a_proposal_that_has_become_empty_is_closed(project: Project) -> None:
    project.build(120)
    project.propose()
    project.repo.commit({path: project.read(REF, path) for path in ("dvc.lock", COUNTS)})

    assert project.propose().done == "closed"
    assert project.pulls() == []


def test_a_shallow_checkout(github_server: GitHubServer, tmp_path: Path) -> None:
    repo = github_server.create_repo("octo/demo")
    for number in range(3):
        repo.commit({"app.py": f"{number}\n"})
    Project(github_server, repo, tmp_path / "one", shallow=True).build(1)
    first = Project(github_server, repo, tmp_path / "two", shallow=True)
    first.build(120)
    made = first.propose()
    repo.commit({"app.py": "later\n"})
    second = Project(github_server, repo, tmp_path / "three", shallow=True)
    second.build(120)

    assert second.propose() == Proposed("unchanged", made.revision, made.number, made.url)


@pytest.mark.parametrize("killed_before", ["push", "open", "title"])
def test_killed_on_the_way(project: Project, killed_before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was done before, running it once more ends well."""
    project.build(100)
    if killed_before == "title":
        project.propose()
        project.build(120)

    def die(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(PUSH if killed_before == "push" else WRITE, die)
        with pytest.raises(KeyboardInterrupt):
            project.propose()

    proposed = project.propose()

    assert len(project.pulls()) == 1
    assert proposed.revision == project.resolve(REF)
    expected = 120 if killed_before == "title" else 100
    assert project.pulls()[0]["title"] == f"Update the dataset: {expected} more comments"


def test_the_answer_is_lost(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reviewer.publish.WAITS", (0.0, 0.0, 0.0))
    project.build(120)
    project.server.faults.add("POST", "/pulls$", after_effect=True)

    assert project.propose().number == 1
    assert len(project.pulls()) == 1


def test_the_next_run_goes_on_from_the_open_proposal(project: Project, tmp_path: Path) -> None:
    project.build(120)
    project.propose()
    other = Project(project.server, project.repo, tmp_path / "other", shallow=True)

    said = take_up(other.host, other.remote)

    assert said == f"Going on from the open proposal: {COUNTS}, dvc.lock."
    assert (other.folder / COUNTS).read_text("utf-8") == render_counts(120)
    assert other.propose().done == "unchanged"


def test_without_an_open_proposal_it_starts_from_the_default_branch(project: Project, tmp_path: Path) -> None:
    project.build(120)
    project.propose()
    project.merge()
    project.repo.commit({"dvc.lock": "newer\n"})
    other = Project(project.server, project.repo, tmp_path / "other")

    assert take_up(other.host, other.remote).startswith("No proposal is open")
    assert (other.folder / "dvc.lock").read_text("utf-8") == "newer\n"


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (403, "GitHub Actions is not permitted to create or approve pull requests.", "Settings, Actions, General"),
        (403, "Resource not accessible by integration", "pull-requests: write"),
    ],
)
def test_github_refuses_the_pull_request(project: Project, status: int, message: str, hint: str) -> None:
    project.build(120)
    project.server.faults.add("POST", "/pulls$", status=status, body={"message": message})

    with pytest.raises(PermissionDenied) as caught:
        project.propose()

    assert message in caught.value.what
    assert hint in caught.value.hint
    assert project.propose().done == "opened", "allowed since, it goes on"


def test_git_refuses_the_push(project: Project) -> None:
    hook = project.repo.repository.store.folder / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch update failed for refs/heads/x.' >&2\nexit 1\n")
    hook.chmod(0o755)
    project.build(120)

    with pytest.raises(PermissionDenied, match="GH006") as caught:
        project.propose()

    assert "Take the branch out of the protection" in caught.value.hint
    assert project.pulls() == []


@pytest.mark.parametrize(
    ("messages", "kind", "hint"),
    [
        ("remote: Permission to octo/demo.git denied to github-actions[bot].\nfatal: The URL returned error: 403",
         PermissionDenied, "contents: write"),
        ("error: failed to push\n ! [rejected] (stale info)", HostError, "looks anew"),
        ("remote: error: GH013: Repository rule violations found", PermissionDenied, "protection"),
        ("fatal: unable to access: Could not resolve host: github.com", HostError, "run the command again"),
        ("", HostError, "run the command again"),
    ],
)  # fmt: skip
def test_what_git_says_is_explained(messages: str, kind: type[HostError], hint: str) -> None:
    error = explain("push", messages)

    assert type(error) is kind
    assert hint in error.hint


def test_somebody_else_pushes_meanwhile(project: Project) -> None:
    project.build(120)
    project.propose()
    old = project.resolve(REF)
    project.repo.commit({"README.md": "theirs\n"}, branch=BRANCH)
    new = project.remote.commit({"dvc.lock": b"x"}, project.repo.head(), "x")

    with pytest.raises(HostError, match="Somebody else moved the branch"):
        project.remote.push(new, REF, old)


class GitOverHttp(http.server.BaseHTTPRequestHandler):
    """A server that takes no token, and remembers which it was shown."""

    shown: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.shown.append(self.headers["Authorization"])
        self.send_error(403)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("ours", [True, False], ids=["its own server", "another server"])
def test_the_token_is_shown_to_its_own_server_only(
    project: Project, monkeypatch: pytest.MonkeyPatch, ours: bool
) -> None:
    """And to nobody who sees command lines."""
    with http.server.HTTPServer(("127.0.0.1", 0), GitOverHttp) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        subprocess.run(["git", "-C", project.folder, "remote", "set-url", "origin", f"{url}/octo/demo.git"], check=True)
        # What actions/checkout may have left: the token replaces it.
        subprocess.run(["git", "-C", project.folder, "config", f"http.{url}/.extraheader", "X-Left: 1"], check=True)
        trace = project.folder / "trace"
        for name, value in (("COUNT", "1"), ("KEY_0", "color.ui"), ("VALUE_0", "always"), ("TRACE", str(trace))):
            monkeypatch.setenv("GIT_TRACE" if name == "TRACE" else f"GIT_CONFIG_{name}", value)
        GitOverHttp.shown.clear()

        with pytest.raises(PermissionDenied, match="403") as caught:
            GitRemote(project.folder, "secret-token", url if ours else "https://github.com").fetch("refs/heads/main")

        server.shutdown()
    expected = "Basic " + base64.b64encode(b"x-access-token:secret-token").decode()
    assert GitOverHttp.shown == [expected if ours else None]
    assert "secret-token" not in trace.read_text("utf-8") + caught.value.what


# -- the document --------------------------------------------------------------------------------------------------


def test_a_proposal_travels_between_jobs(project: Project, tmp_path: Path) -> None:
    project.build(120)
    path = tmp_path / "proposal.json"

    save_proposal(gather(project.folder), path)

    assert load_proposal(path, project.folder) == gather(project.folder)
    assert set(load_proposal(path, project.folder).files) == {"dvc.lock", COUNTS}


@pytest.mark.parametrize(("folder", "prefix"), [(".", ""), ("training", "training/"), ("a b/ü", "a b/ü/")])
def test_what_the_pipeline_may_write(project: Project, folder: str, prefix: str) -> None:
    (project.folder / folder).mkdir(parents=True, exist_ok=True)
    names = ("dvc.lock", "data/dataset/card.md", "data/dataset/counts.json")
    assert name_files(project.folder / folder) == tuple(prefix + name for name in names)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../dvc.lock",
            "/dvc.lock",
            ".git/dvc.lock",
            ".github/dvc.lock",
            "data/snapshots.dvc",
            "data/filtered/counts.json",
            "xdvc.lock",
            "app.py",
            "dvc.yaml",
            "",
            "a/../dvc.lock",
        ),
        *("x\n/dvc.lock", ".git/config", "dvc.lock/x", "docs/dataset/card.md", ".GIT/dvc.lock", "README.md/dvc.lock"),
        *("a/./dvc.lock", "*/dvc.lock", "dvc.lock", "data/dataset/card.md", "training/dvc.lock/", "Training/dvc.lock"),
        *("training//dvc.lock", "./training/dvc.lock", "training/other/dvc.lock", "training/dataset/card.md"),
    ],
)
def test_what_it_may_not(project: Project, tmp_path: Path, path: str) -> None:
    (project.folder / "training").mkdir()
    document = tmp_path / "proposal.json"
    save_proposal(Proposal({"training/dvc.lock": b"x", path: b"x"}), document)
    with pytest.raises(DataError, match="no file of the pipeline"):
        load_proposal(document, project.folder / "training")


def test_links_are_not_followed(project: Project, tmp_path: Path) -> None:
    project.build(120)
    (tmp_path / "secret").write_text("secret", "utf-8")
    (project.folder / "data/dataset/card.md").symlink_to(tmp_path / "secret")

    assert set(gather(project.folder).files) == {"dvc.lock", COUNTS}


def test_ignored_files_stay_out(project: Project) -> None:
    project.build(120)
    (project.folder / ".gitignore").write_text("/data/dataset\n", "utf-8")

    assert set(gather(project.folder).files) == {"dvc.lock"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"schema":"glossator/proposal/1","files":{"a.py":"eA=="}}', "no file of the pipeline"),
        (b'{"schema":"glossator/proposal/1","files":{}}', "holds no file"),
        (b'{"schema":"glossator/proposal/1","files":{"dvc.lock":"eA', "cannot be read"),
        (b'{"schema":"glossator/proposal/9","files":{}}', "reads 'glossator/proposal/1'"),
        (b'{"schema":"glossator/proposal/1","files":{"dvc.lock":7}}', "cannot be read"),
    ],
)
def test_a_proposal_that_cannot_be_used(project: Project, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "proposal.json"
    path.write_bytes(content)

    with pytest.raises(DataError, match=message):
        load_proposal(path, project.folder)


def test_too_much(project: Project) -> None:
    project.build(120)
    (project.folder / "dvc.lock").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(DataError, match=r"dvc\.lock has more than 2 MB"):
        gather(project.folder)
    with pytest.raises(DataError, match=r"dvc\.lock has more than 2 MB"):
        check(Proposal({"dvc.lock": b"x" * (MAX_BYTES + 1)}), {"dvc.lock"})


def test_a_dataset_that_dvc_does_not_record_is_not_proposed(project: Project) -> None:
    """As one that was built, but whose check then found a leak, or was killed."""
    project.build(120)
    lock = (project.folder / "dvc.lock").read_bytes()
    project.build(150)
    (project.folder / "dvc.lock").write_bytes(lock)
    with pytest.raises(DataError, match=r"counts\.json is not what dvc\.lock records"):
        gather(project.folder)
    (project.folder / COUNTS).unlink()
    assert gather(project.folder).files == {"dvc.lock": lock}


def test_nothing_was_built(project: Project) -> None:
    with pytest.raises(DataError, match=r"holds no dvc\.lock"):
        gather(project.folder)


def test_names_of_repositories_can_do_nothing() -> None:
    repo = "evil/`@octo`|<!-- x --><img src=x> @dependabot merge\n| # h"

    body = render_body({}, {COUNTS: render_counts(3, repo).encode()})

    assert "<" not in body
    assert "@dependabot" not in body
    (line,) = [line for line in body.splitlines() if "evil" in line]
    assert line.count("`") == 2, "it stays in its code span"
    assert "|" not in line


@pytest.mark.parametrize(
    ("before", "after", "title"),
    [
        (0, 1, "Update the dataset: 1 more comment"),
        (1200, 100, "Update the dataset: 1,100 fewer comments"),
        (5, 5, "Update the dataset"),
    ],
)
def test_titles(before: int, after: int, title: str) -> None:
    files = [{COUNTS: render_counts(number).encode()} for number in (before, after)]
    assert render_title(*files) == title


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b'{"sections":{"x":3}}', b'{"sections":{"x":{"y":{"train":"many"}}}}']
)
def test_counts_that_are_none(content: bytes) -> None:
    with pytest.raises(DataError, match=r"counts\.json cannot be read"):
        render_title({}, {COUNTS: content})


# -- retraining ----------------------------------------------------------------------------------------------------


def test_small_updates_add_up_and_none_triggers_twice(project: Project) -> None:
    started = []
    for comments in (4, 12, 14, 22):
        project.build(comments)
        revision = project.propose().revision
        done = project.retrain(revision)
        again = project.retrain(revision)
        assert not again.started
        started += [(comments, done.new)] if done.started else []

    assert started == [(12, 12), (22, 10)]
    assert len(project.dispatches()) == 2
    assert project.dispatches()[-1] == {INPUT: project.resolve(TRAINED_REF)}


def test_a_checkout_that_has_not_seen_the_proposal(project: Project, tmp_path: Path) -> None:
    project.build(20)
    revision = project.propose().revision
    other = Project(project.server, project.repo, tmp_path / "other", shallow=True)

    assert other.retrain(revision).started
    with pytest.raises(HostError):
        other.retrain("0" * 40)
    assert project.dispatches() == [{INPUT: revision}]


def test_a_revision_by_name(project: Project) -> None:
    project.repo.commit({COUNTS: render_counts(20)})
    subprocess.run(["git", "-C", project.folder, "pull", "-q"], check=True)

    assert project.retrain("HEAD").started
    assert project.dispatches() == [{INPUT: project.repo.head()}]


def test_a_closed_proposal_does_not_trigger_twice(project: Project) -> None:
    project.build(20)
    assert project.retrain(project.propose().revision).started
    project.repo.find_pull(1).close()
    project.repo.repository.store.run("update-ref", "-d", REF)

    proposed = project.propose()

    assert proposed.done == "opened"
    assert not project.retrain(proposed.revision).started


@pytest.mark.parametrize("lost", [True, False], ids=["after the start", "before the start"])
def test_killed_while_starting(project: Project, lost: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    project.build(20)
    revision = project.propose().revision

    def die(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(PUSH if lost else WRITE, die)
        with pytest.raises(KeyboardInterrupt):
            project.retrain(revision)

    done = project.retrain(revision)

    assert done.started is not lost
    assert len(project.dispatches()) == 1
    assert project.resolve(TRAINED_REF) == revision


@pytest.mark.parametrize("carried_out", [True, False])
def test_the_answer_to_the_start_is_lost(project: Project, carried_out: bool) -> None:
    project.build(20)
    revision = project.propose().revision
    project.server.faults.add("POST", "/dispatches$", after_effect=carried_out)

    if carried_out:
        assert project.retrain(revision).started
    else:
        with pytest.raises(HostError):
            project.retrain(revision)
        assert project.retrain(revision).started

    assert len(project.dispatches()) == 1


def test_a_start_on_another_commit_is_none_of_ours(project: Project) -> None:
    """By the same account, after the dataset was committed."""
    project.build(20)
    revision = project.propose().revision
    path = "/repos/octo/demo/actions/workflows/train.yml/dispatches"
    project.host.write("POST", path, {"ref": "main", "inputs": {INPUT: "0" * 40}})

    assert project.retrain(revision).started
    assert project.dispatches() == [{INPUT: "0" * 40}, {INPUT: revision}]


def test_once_more_in_any_case(project: Project) -> None:
    project.build(20)
    revision = project.propose().revision
    assert project.retrain(revision, after=10).started
    project.repo.repository.store.run("update-ref", "-d", TRAINED_REF)
    assert not project.retrain(revision).started, "without the ref the run is found"

    assert project.retrain(revision, after=1000, again=True).started

    assert project.dispatches() == [{INPUT: revision}] * 2
    assert project.resolve(TRAINED_REF) == revision


def test_the_answer_to_another_start_is_lost(project: Project) -> None:
    """The earlier run must not be taken for this one."""
    project.build(20)
    revision = project.propose().revision
    project.retrain(revision)
    project.server.faults.add("POST", "/dispatches$", after_effect=False)

    with pytest.raises(HostError):
        project.retrain(revision, again=True)


def test_there_is_no_workflow(project: Project) -> None:
    project.repo.repository.workflows = {"ci.yml"}
    project.build(20)

    with pytest.raises(NotFound) as caught:
        project.retrain(project.propose().revision)

    assert ".github/workflows/train.yml on the default branch" in caught.value.hint
    assert not project.resolve(TRAINED_REF)


@pytest.mark.parametrize(
    ("status", "message", "kind", "hint"),
    [
        (403, "Resource not accessible by integration", PermissionDenied, "actions: write"),
        (422, "Workflow does not have 'workflow_dispatch' trigger", ValidationFailed, "workflow_dispatch"),
        (422, 'Unexpected inputs provided: ["dataset-revision"]', ValidationFailed, "dataset-revision"),
    ],
)
def test_the_start_is_refused(project: Project, status: int, message: str, kind: type[HostError], hint: str) -> None:
    project.build(20)
    revision = project.propose().revision
    project.server.faults.add("POST", "/dispatches$", status=status, body={"message": message})

    with pytest.raises(kind) as caught:
        project.retrain(revision)

    assert hint in caught.value.hint
    assert project.retrain(revision).started, "put right, it goes on"


# -- the commands --------------------------------------------------------------------------------------------------

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(project: Project, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.chdir(project.folder)
    environment = {
        "GITHUB_REPOSITORY": "octo/demo",
        "GITHUB_API_URL": project.server.url,
        "GLOSSATOR_GITHUB_TOKEN": "actions-token",
    }
    for name in ("GITHUB_SERVER_URL", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words, **variables: CliRunner().invoke(train, words, env=environment | variables)


def test_the_commands(project: Project, invoke: Invoke, tmp_path: Path) -> None:
    project.build(20)
    file = str(tmp_path / "proposal.json")

    assert invoke("propose", "--write", file, GLOSSATOR_GITHUB_TOKEN="").exit_code == 0
    proposed = invoke("propose", "--read", file)
    revision = proposed.stdout.strip()
    resumed = invoke("propose", "--resume")
    started = invoke("retrain", revision, "--after", "10")
    again = invoke("retrain", revision, "--after", "10")

    assert revision == project.resolve(REF)
    assert proposed.stderr.startswith("Opened #1 (http")
    assert resumed.stderr.startswith("Going on from the open proposal: ")
    assert started.stderr == "Started train.yml: 20 comments more than at the last start.\n"
    assert again.stderr == "train.yml was not started: 0 comments more than at the last start. It takes 10.\n"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"GITHUB_REPOSITORY": ""}, "There is no repository"),
        ({"GITHUB_REPOSITORY": "octo/../x"}, "There is no repository"),
        ({"GLOSSATOR_GITHUB_TOKEN": ""}, "There is no token"),
    ],
)
def test_what_is_missing_is_said(invoke: Invoke, variables: dict[str, str], message: str) -> None:
    done = invoke("propose", **variables)

    assert isinstance(done.exception, GlossatorError)
    assert message in done.exception.what
