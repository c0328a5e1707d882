"""What the stand-in for GitHub shows of a repository, and to whom."""

from __future__ import annotations

import base64

import pytest

from simulation.github_server import Executable, GitHubServer, PullScenario, RepoScenario, Submodule, Switches, Symlink
from simulation.github_server.client import Client
from simulation.github_server.git_store import Content

REPO = "/repos/octo/demo"
PULL = f"{REPO}/pulls/1"
DIFF = {"Accept": "application/vnd.github.v3.diff"}


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    files: dict[str, Content] = {
        "app.py": numbered(40),
        "old.txt": "a\nb\nc\nd\ne\n",
        "logo.png": b"\0\1",
        "run.sh": Executable(b"#!/bin/sh\n"),
    }
    return github_server.create_repo("octo/demo", {**files, "link": Symlink("app.py"), "lib": Submodule("a" * 40)})


@pytest.fixture
def pull(repo: RepoScenario) -> PullScenario:
    changed = numbered(40).replace("line 20\n", "new 20\n")
    return repo.open_pull_request(
        {"app.py": changed, "logo.png": b"\0\2", "old.txt": None, "new.txt": "a\nb\nc\nd\ne\n"}
    )


def numbered(count: int) -> str:
    return "".join(f"line {number}\n" for number in range(1, count + 1))


def test_the_diff_is_three_dot(repo: RepoScenario, pull: PullScenario, github_client: Client) -> None:
    repo.commit({"elsewhere.txt": "on the base branch, later\n"})
    pull.push({"more.txt": "more\n"})

    diff = github_client.get(PULL, headers=DIFF).text

    assert "elsewhere.txt" not in diff
    assert "+new 20" in diff
    assert github_client.get(PULL).json()["changed_files"] == 4


def test_files_have_no_patch_where_github_has_none(pull: PullScenario, github_client: Client) -> None:
    files = {file["filename"]: file for file in github_client.get(f"{PULL}/files").json()}

    assert files["app.py"]["patch"].startswith("@@ -17,7 +17,7 @@")
    assert not files["app.py"]["patch"].endswith("\n")
    assert files["new.txt"]["status"] == "renamed"
    assert files["new.txt"]["previous_filename"] == "old.txt"
    assert "patch" not in files["new.txt"]
    assert "patch" not in files["logo.png"]


def test_a_large_file_has_no_patch(repo: RepoScenario, github_client: Client) -> None:
    repo.open_pull_request({"big.txt": numbered(2001), "small.txt": numbered(2000)})

    files = github_client.get(f"{PULL}/files").json()

    assert [("patch" in file, file["changes"]) for file in files] == [(False, 2001), (True, 2000)]


def test_lists_come_in_pages(repo: RepoScenario, github_client: Client) -> None:
    repo.open_pull_request({f"{number:03}.txt": "x\n" for number in range(35)})

    first = github_client.get(f"{PULL}/files")
    second = github_client.get(first.links["next"]["url"])

    assert (len(first.json()), len(second.json())) == (30, 5)
    assert set(first.links) == {"last", "next"}
    assert set(second.links) == {"first", "prev"}


def test_a_diff_over_the_limits_is_refused(
    github_server: GitHubServer, repo: RepoScenario, github_client: Client
) -> None:
    repo.open_pull_request({f"{number}.txt": "x\n" for number in range(301)})
    repo.open_pull_request({"long.txt": numbered(20_000)}, branch="long")

    many, long = github_client.get(PULL, headers=DIFF), github_client.get(f"{REPO}/pulls/2", headers=DIFF)

    assert (many.status_code, long.status_code) == (406, 406)
    assert "maximum number of files (300)" in many.json()["message"]
    assert many.json()["errors"] == [{"resource": "PullRequest", "field": "diff", "code": "too_large"}]
    assert github_client.get(f"{PULL}/files?per_page=100").status_code == 200


def test_contents_show_files_folders_links_and_submodules(repo: RepoScenario, github_client: Client) -> None:
    def kind(path: str) -> str:
        return str(github_client.get(f"{REPO}/contents/{path}").json()["type"])

    shown = github_client.get(f"{REPO}/contents/app.py").json()
    listed = {entry["name"]: entry["type"] for entry in github_client.get(f"{REPO}/contents/").json()}

    assert base64.b64decode(shown["content"]).decode() == numbered(40)
    assert kind("link") == "file", "GitHub follows a link within the repository"
    assert kind("lib") == "submodule"
    assert listed["lib"] == "file", "in a folder GitHub calls a submodule a file"
    assert listed["link"] == "symlink"
    assert github_client.get(f"{REPO}/contents/nothing").status_code == 404


def test_contents_over_a_megabyte_are_raw_only(github_client: Client, github_server: GitHubServer) -> None:
    github_server.create_repo("octo/demo", {"big": b"x" * 1_000_001})

    shown = github_client.get(f"{REPO}/contents/big").json()
    raw = github_client.get(f"{REPO}/contents/big", headers={"Accept": "application/vnd.github.raw+json"})

    assert (shown["content"], shown["encoding"]) == ("", "none")
    assert len(raw.content) == 1_000_001


def test_contents_at_a_ref(repo: RepoScenario, pull: PullScenario, github_client: Client) -> None:
    def read(ref: str) -> bytes:
        return base64.b64decode(github_client.get(f"{REPO}/contents/app.py", params={"ref": ref}).json()["content"])

    assert b"new 20" not in read("main")
    assert b"new 20" in read(pull.head_sha)
    assert github_client.get(f"{REPO}/contents/app.py?ref=nowhere").status_code == 404


def test_trees_and_blobs(repo: RepoScenario, github_server: GitHubServer, github_client: Client) -> None:
    tree = github_client.get(f"{REPO}/git/trees/{repo.head()}?recursive=1").json()
    modes = {entry["path"]: entry["mode"] for entry in tree["tree"]}
    blob = next(entry for entry in tree["tree"] if entry["path"] == "logo.png")

    assert not tree["truncated"]
    assert modes == {
        "app.py": "100644", "lib": "160000", "link": "120000", "logo.png": "100644", "old.txt": "100644",
        "run.sh": "100755",
    }  # fmt: skip
    assert base64.b64decode(github_client.get(f"{REPO}/git/blobs/{blob['sha']}").json()["content"]) == b"\0\1"
    github_server.switches.tree_entries = 2
    short = github_client.get(f"{REPO}/git/trees/main?recursive=1").json()
    assert (short["truncated"], len(short["tree"])) == (True, 2)


def test_names_of_any_bytes(repo: RepoScenario, github_client: Client) -> None:
    names = ["a b.txt", 'quo"te.txt', "tab\there.txt", "ünï.txt", "back\\slash.txt"]
    repo.open_pull_request(dict.fromkeys(names, "x\n"))

    assert sorted(file["filename"] for file in github_client.get(f"{PULL}/files").json()) == sorted(names)


def test_commits_and_comparisons(repo: RepoScenario, pull: PullScenario, github_client: Client) -> None:
    second = pull.push({"more.txt": "more\n"})

    commits = github_client.get(f"{PULL}/commits").json()
    compared = github_client.get(f"{REPO}/compare/main...{second}").json()
    shown = github_client.get(f"{REPO}/commits/{second}").json()

    assert [one["sha"] for one in commits] == [pull.pull.before_sha, second]
    assert (compared["status"], compared["ahead_by"], len(compared["files"])) == ("ahead", 2, 4)
    assert [file["filename"] for file in shown["files"]] == ["more.txt"]


def test_a_fork_and_its_deletion(repo: RepoScenario, github_client: Client) -> None:
    pull = repo.open_pull_request({"x": "y\n"}, fork=True, author="mallory")

    before = github_client.get(PULL).json()["head"]
    pull.delete_fork()
    after = github_client.get(PULL).json()["head"]

    assert (before["repo"]["full_name"], before["repo"]["fork"]) == ("mallory/demo", True)
    assert after["repo"] is None
    assert github_client.get(PULL, headers=DIFF).status_code == 200


def test_who_am_i(github_server: GitHubServer, github_client: Client) -> None:
    github_server.add_token("alice", "alice-token", "alice")

    with Client(github_server, "alice-token") as alice, Client(github_server, "wrong") as wrong:
        assert github_client.get("/user").status_code == 403, "a job's token may not ask"
        assert alice.get("/user").json()["login"] == "alice"
        assert wrong.get("/user").status_code == 401


def test_permissions_of_people(repo: RepoScenario, github_client: Client) -> None:
    repo.add_collaborator("maria", "maintain")
    repo.server.world.account("passer-by")

    def permission(login: str) -> tuple[str, str]:
        shown = github_client.get(f"{REPO}/collaborators/{login}/permission").json()
        return shown["permission"], shown["role_name"]

    assert permission("octo") == ("admin", "admin")
    assert permission("maria") == ("write", "maintain")
    assert permission("passer-by") == ("read", "read")
    assert github_client.get(f"{REPO}/collaborators/nobody/permission").status_code == 404


@pytest.mark.parametrize("status", [403, 404])
def test_a_read_only_token_may_not_write(status: int, github_server: GitHubServer, pull: PullScenario) -> None:
    github_server.switches.denied_status = status  # type: ignore[assignment]
    comment = pull.comment("hello")

    with Client(github_server, "fork-token") as fork:
        refused = [
            fork.post(f"{PULL}/reviews", json={"event": "COMMENT", "body": "x"}),
            fork.post(f"{REPO}/issues/1/comments", json={"body": "x"}),
            fork.patch(f"{REPO}/issues/comments/{comment['id']}", json={"body": "x"}),
            fork.post(f"{REPO}/issues/comments/{comment['id']}/reactions", json={"content": "eyes"}),
        ]
        assert [one.status_code for one in refused] == [status] * 4
        assert fork.get(PULL).status_code == 200
    assert len(pull.pull.comments) == 1


def test_a_private_repository_needs_permissions_to_read(github_server: GitHubServer) -> None:
    github_server.create_repo("octo/secret", private=True).open_pull_request({"x": "y\n"})
    github_server.add_token("narrow", "narrow", "github-actions[bot]", actions=True, contents="none")

    with Client(github_server, "narrow") as narrow, Client(github_server, "") as nobody:
        assert narrow.get("/repos/octo/secret/pulls/1").status_code == 200
        assert narrow.get("/repos/octo/secret/contents/x").status_code == 403
        assert nobody.get("/repos/octo/secret").status_code == 404


def test_conversation_reactions_and_labels(pull: PullScenario, github_client: Client) -> None:
    comments = f"{REPO}/issues/1/comments"
    created = github_client.post(comments, json={"body": "first"}).json()
    one = f"{REPO}/issues/comments/{created['id']}"

    assert created["user"]["login"] == "github-actions[bot]"
    assert created["user"]["type"] == "Bot"
    assert github_client.patch(one, json={"body": "second"}).json()["body"] == "second"
    assert github_client.post(f"{one}/reactions", json={"content": "eyes"}).status_code == 201
    assert github_client.post(f"{one}/reactions", json={"content": "eyes"}).status_code == 200
    assert github_client.get(one).json()["reactions"]["eyes"] == 1
    assert github_client.delete(one).status_code == 204
    assert github_client.get(comments).json() == []
    assert github_client.post(f"{REPO}/issues/1/labels", json={"labels": ["review"]}).json()[0]["name"] == "review"
    assert github_client.get(f"{REPO}/issues/1").json()["labels"][0]["name"] == "review"
    assert github_client.delete(f"{REPO}/issues/1/labels/review").json() == []


def test_a_comment_may_have_65536_characters(pull: PullScenario, github_client: Client) -> None:
    fits = github_client.post(f"{REPO}/issues/1/comments", json={"body": "x" * 65_536})
    too_long = github_client.post(f"{REPO}/issues/1/comments", json={"body": "x" * 65_537})

    assert (fits.status_code, too_long.status_code) == (201, 422)
    assert too_long.json()["errors"][0]["field"] == "data"
    assert "maximum is 65536 characters" in too_long.json()["errors"][0]["message"]


def test_the_primary_limit(github_server: GitHubServer, repo: RepoScenario) -> None:
    github_server.add_token("poor", "poor", "poor", limit=2)

    with Client(github_server, "poor") as poor:
        answers = [poor.get(REPO) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 403]
        assert answers[2].headers["x-ratelimit-remaining"] == "0"
        assert "API rate limit exceeded" in answers[2].json()["message"]
        assert poor.get("/rate_limit").json()["rate"]["remaining"] == 0, "asking for the limit is free"
        github_server.advance(3601)
        assert poor.get(REPO).status_code == 200


@pytest.mark.parametrize("wait", [60, None])
def test_the_secondary_limit(wait: int | None, github_server: GitHubServer, pull: PullScenario) -> None:
    github_server.switches.content_per_minute = 2
    github_server.switches.secondary_retry_after = wait
    github_server.switches.limit_status = 429

    with Client(github_server) as client:
        answers = [client.post(f"{REPO}/issues/1/comments", json={"body": "x"}) for _ in range(3)]
        assert [one.status_code for one in answers] == [201, 201, 429]
        assert answers[2].headers.get("retry-after") == (None if wait is None else "60")
        assert "secondary rate limit" in answers[2].json()["message"]
        github_server.advance(61)
        assert client.post(f"{REPO}/issues/1/comments", json={"body": "x"}).status_code == 201


def test_enterprise_server_has_a_prefix() -> None:
    with GitHubServer(Switches(enterprise=True)) as server, Client(server) as client:
        server.create_repo()
        shown = client.get("/repos/octo/demo").json()

        assert server.url.endswith("/api/v3")
        assert server.graphql_url.endswith("/api/graphql")
        assert shown["url"] == f"{server.url}/repos/octo/demo"
        assert client.get(f"{server.origin}/repos/octo/demo").status_code == 404
        assert client.query("{ viewer { login } }") == {"data": {"viewer": {"login": "github-actions[bot]"}}}
        assert not server.violations


def test_an_unknown_key_is_a_violation() -> None:
    with GitHubServer() as server, Client(server) as client:
        server.create_repo().open_pull_request({"x": "y\n"})

        answer = client.post(f"{PULL}/reviews", json={"event": "COMMENT", "body": "x", "comit_id": "0"})

        assert answer.status_code == 500
        assert "comit_id" in answer.json()["message"]
        assert len(server.violations) == 1
        assert client.get(f"{PULL}/files?pagesize=3").status_code == 500
        assert client.get(f"{REPO}/stargazers").status_code == 404, "not in the committed contract"
        assert len(server.violations) == 3


def test_the_stand_ins_own_mistakes_are_violations(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulation.github_server import views

    monkeypatch.setattr(views.Views, "label", lambda *_: {"name": 3, "flavour": "sweet"})
    with GitHubServer() as server, Client(server) as client:
        server.create_repo().open_pull_request({"x": "y\n"}).label("a")
        client.get(f"{REPO}/issues/1/labels")

        assert any("'flavour' was unexpected" in one for one in server.violations)
        assert any("'id' is a required property" in one for one in server.violations)
