"""The stand-in for GitHub driven by clients that nobody here wrote: PyGithub, @octokit/rest and gh."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import github
import pytest
from github.GithubRetry import GithubRetry

from simulation.github_server import GitHubServer, PullScenario, Switches

HERE = Path(__file__).parent
OCTOKIT = "@octokit/rest@22.0.1"
THREADS = """
query($after: String) { repository(owner: "octo", name: "demo") { pullRequest(number: 1) {
  reviewThreads(first: 5, after: $after) { nodes { id isResolved } } } } }"""


def start(server: GitHubServer) -> PullScenario:
    repo = server.create_repo("octo/demo", {"app.py": "one\ntwo\n", "docs/a.md": "a\n"})
    return repo.open_pull_request({"app.py": "one\nTWO\n", **{f"{number}.txt": "x\n" for number in range(40)}})


@pytest.fixture
def pull(github_server: GitHubServer) -> PullScenario:
    return start(github_server)


def connect(server: GitHubServer) -> github.Github:
    return github.Github(
        auth=github.Auth.Token("actions-token"),
        base_url=server.url,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )


def test_pygithub_reads(pull: PullScenario, github_server: GitHubServer) -> None:
    with connect(github_server) as client:
        repo = client.get_repo("octo/demo")
        shown = repo.get_pull(1)

        assert (shown.title, shown.user.login, shown.head.sha) == ("Change things", "alice", pull.head_sha)
        assert len(list(shown.get_files())) == 41
        assert [one.sha for one in shown.get_commits()] == [pull.head_sha]
        content = repo.get_contents("app.py", ref="main")
        assert not isinstance(content, list)
        assert content.decoded_content == b"one\ntwo\n"
        assert {one.path for one in repo.get_git_tree("main", recursive=True).tree} == {"app.py", "docs", "docs/a.md"}
        assert repo.compare("main", pull.head_sha).ahead_by == 1
        assert repo.get_commit(pull.head_sha).commit.message == "Change things"
        assert repo.get_collaborator_permission("octo") == "admin"
        assert client.get_rate_limit().rate.limit == 1000


def test_pygithub_writes(pull: PullScenario, github_server: GitHubServer) -> None:
    with connect(github_server) as client:
        shown = client.get_repo("octo/demo").get_pull(1)
        comments: Any = [{"path": "app.py", "line": 2, "side": "RIGHT", "body": "Why?"}]
        outside: Any = [{"path": "app.py", "line": 99, "side": "RIGHT", "body": "Why?"}]
        review = shown.create_review(body="Read.", event="COMMENT", comments=comments)
        said = shown.create_issue_comment("Summary")
        said.edit("Summary 2")
        said.create_reaction("eyes")
        shown.add_to_labels("reviewed")
        (comment,) = shown.get_review_comments()
        reply = shown.create_review_comment_reply(comment.id, "More.")

        assert next(one.id for one in shown.get_reviews()) == review.id
        assert [one.body for one in shown.get_issue_comments()] == ["Summary 2"]
        assert [one.content for one in said.get_reactions()] == ["eyes"]
        assert [one.name for one in shown.get_labels()] == ["reviewed"]
        assert reply.in_reply_to_id == comment.id
        with pytest.raises(github.GithubException) as refused:
            shown.create_review(event="COMMENT", comments=outside)
        assert refused.value.status == 422
        assert refused.value.data["errors"] == ["Line could not be resolved"]


@pytest.mark.parametrize("enterprise", [False, True])
def test_pygithub_asks_graphql(*, enterprise: bool) -> None:
    with GitHubServer(Switches(enterprise=enterprise)) as server, connect(server) as client:
        start(server).review_comment("app.py", 2, "Why?")

        _, answer = client.requester.graphql_query(THREADS, {"after": None})

        assert len(answer["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"]) == 1
        assert not server.violations


def test_pygithub_posts_again_after_a_lost_answer(pull: PullScenario, github_server: GitHubServer) -> None:
    """Why writes are never left to a client's own retries: one comment asked for, two written."""
    github_server.faults.add("POST", "comments", status=502, body={"message": "Server Error"}, after_effect=True)
    retry = GithubRetry(total=2, backoff_factor=0)
    with github.Github(auth=github.Auth.Token("actions-token"), base_url=github_server.url, retry=retry) as client:
        client.get_repo("octo/demo").get_pull(1).create_issue_comment("once")

    assert [one.body for one in pull.pull.comments] == ["once", "once"]


def environment(**more: str) -> dict[str, str]:
    """What npm, node and gh need of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GH_", "GITHUB_"))}
    return {**kept, **more}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_octokit(pull: PullScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(tmp_path), OCTOKIT]
    subprocess.run(install, check=True, cwd=tmp_path, capture_output=True, timeout=250)
    shutil.copy(HERE.parent / "simulation" / "github_server" / "octokit.mjs", tmp_path)

    done = subprocess.run(
        ["node", "octokit.mjs", github_server.url, "actions-token"],
        cwd=tmp_path, env=environment(NO_PROXY="127.0.0.1"), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen.pop("diff").startswith("diff --git a/0.txt b/0.txt\n")
    assert len(seen.pop("files")) == 41
    assert seen == {
        "title": "Change things",
        "review": "COMMENTED",
        "refused": [422, ["Line could not be resolved"]],
        "comments": [["app.py", 2, "github-actions[bot]"]],
        "said": [["Summary 2", 1]],
        "tree": ["app.py", "docs", "docs/a.md"],
        "content": "one\ntwo\n",
        "permission": "admin",
        "resolved": True,
    }


@pytest.fixture(scope="module")
def gh(tmp_path_factory: pytest.TempPathFactory) -> str:
    """GitHub's command-line client: the installed one, or Debian's package unpacked into a temporary folder."""
    found = shutil.which("gh")
    if found:
        return found
    folder = tmp_path_factory.mktemp("gh")
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        pytest.skip("gh is not installed, and there is no apt-get to fetch it with")
    fetched = subprocess.run(["apt-get", "download", "gh"], cwd=folder, capture_output=True, check=False, timeout=200)
    packages = list(folder.glob("gh_*.deb"))
    if fetched.returncode or not packages:
        pytest.skip("gh is not installed, and apt-get does not find it")
    subprocess.run(["dpkg", "-x", str(packages[0]), str(folder)], check=True, timeout=60)
    return str(folder / "usr" / "bin" / "gh")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_gh(gh: str, pull: PullScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    def run(*arguments: str, ok: bool = True) -> str:
        settings = environment(
            GH_HOST="github.localhost", GH_TOKEN="actions-token", HTTP_PROXY=github_server.origin, NO_PROXY="",
            GH_CONFIG_DIR=str(tmp_path), GH_REPO="github.localhost/octo/demo", GH_PROMPT_DISABLED="1",
        )  # fmt: skip
        done = subprocess.run([gh, *arguments], env=settings, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode == 0) is ok, done.stderr
        return done.stdout

    names = run("api", "--paginate", "repos/octo/demo/pulls/1/files", "--jq", ".[].filename").split()
    assert len(names) == 41
    assert run("api", "graphql", "-f", "query={ viewer { login } }", "--jq", ".data.viewer.login") == (
        "github-actions[bot]\n"
    )
    created = json.loads(run("api", "repos/octo/demo/issues/1/comments", "-f", "body=from gh"))
    assert created["user"]["login"] == "github-actions[bot]"
    refused = json.loads(run("api", "repos/octo/demo/pulls/1/reviews", "-f", "event=COMMENT", ok=False))
    assert refused["errors"] == ["Body can't be blank"]
    assert run("pr", "diff", "1").startswith("diff --git a/0.txt b/0.txt\n")
