"""What a collector meets at the stand-in: conditional requests, lists, licences, apps, limits."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from simulation.github_server import Fault, GitHubServer, PullScenario, RepoScenario
from simulation.github_server.client import Client


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    github_server.set_time("2024-05-01T10:00:00Z")
    return github_server.create_repo("octo/demo", {"app.py": "one\ntwo\n"}, license="MIT")


@pytest.fixture
def pull(repo: RepoScenario) -> PullScenario:
    return repo.open_pull_request({"app.py": "one\nTWO\nthree\n"})


# -- conditional requests ----------------------------------------------------------------------------------------


def test_what_has_not_changed_is_304_and_free(
    pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    first = github_client.get(pull.path)
    used = github_client.get("/rate_limit").json()["rate"]["used"]
    same = github_client.get(pull.path, headers={"If-None-Match": first.headers["ETag"]})

    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert github_client.get("/rate_limit").json()["rate"]["used"] == used
    github_server.set_time("2024-05-02T10:00:00Z")
    pull.comment("News.")
    again = github_client.get(pull.path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.headers["ETag"] != first.headers["ETag"]
    assert again.headers["Last-Modified"] == "Thu, 02 May 2024 10:00:00 GMT"
    since = {"If-Modified-Since": again.headers["Last-Modified"]}
    assert github_client.get(pull.path, headers=since).status_code == 304


def test_an_etag_belongs_to_a_form_and_not_to_a_moment(
    pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    diff = {"Accept": "application/vnd.github.diff"}
    json_tag = github_client.get(pull.path).headers["ETag"]
    github_server.set_time(None)
    github_server.advance(100)

    assert github_client.get(pull.path).headers["ETag"] == json_tag
    assert github_client.get(pull.path, headers=diff).headers["ETag"] != json_tag
    assert github_client.get(pull.path, headers={"If-None-Match": f'"x", {json_tag}'}).status_code == 304


# -- lists ---------------------------------------------------------------------------------------------------------


def test_commits_by_branch_path_and_time(
    repo: RepoScenario, github_server: GitHubServer, github_client: Client
) -> None:
    github_server.set_time("2024-05-03T10:00:00Z")
    repo.commit({"CONTRIBUTING.md": "Be kind.\n"}, message="Say how")
    repo.commit({"app.py": "other\n"}, branch="side", message="Aside")

    def messages(**query: str) -> list[str]:
        answer = github_client.get("/repos/octo/demo/commits", params=query)
        return [one["commit"]["message"] for one in answer.json()]

    assert messages() == ["Say how", "Start"]
    assert messages(sha="side") == ["Aside", "Say how", "Start"]
    assert messages(path="CONTRIBUTING.md") == ["Say how"]
    assert messages(until="2024-05-02T00:00:00Z") == ["Start"]
    assert messages(since="2024-05-02T00:00:00Z") == ["Say how"]
    assert github_client.get("/repos/octo/demo/commits", params={"sha": "nowhere"}).status_code == 404


def test_review_comments_of_all_pull_requests(
    repo: RepoScenario, pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    other = repo.open_pull_request({"app.py": "uno\n"}, branch="other")
    for day, scenario in ((3, pull), (4, other), (5, pull)):
        github_server.set_time(f"2024-05-0{day}T10:00:00Z")
        scenario.review_comment("app.py", 1, f"of day {day}")
    first = pull.pull.review_comments[0]
    github_server.set_time("2024-05-06T10:00:00Z")
    pull.call("bob", "PATCH", f"/repos/octo/demo/pulls/comments/{first.id}", {"body": "of day 3, again"})

    def bodies(**query: str) -> list[str]:
        return [one["body"][7:8] for one in github_client.get("/repos/octo/demo/pulls/comments", params=query).json()]

    assert bodies() == ["3", "4", "5"]
    assert bodies(sort="updated", direction="desc") == ["3", "5", "4"]
    assert bodies(since="2024-05-05T00:00:00Z", sort="updated") == ["5", "3"]
    assert bodies(per_page="1", page="2") == ["4"]


# -- licences, names, ends ---------------------------------------------------------------------------------------


def test_the_licence_that_the_scenario_says(repo: RepoScenario, github_client: Client) -> None:
    answer = github_client.get("/repos/octo/demo/license").json()

    assert (answer["license"]["spdx_id"], answer["path"]) == ("MIT", "LICENSE")
    repo.set_license("NOASSERTION")
    assert github_client.get("/repos/octo/demo").json()["license"]["spdx_id"] == "NOASSERTION"
    repo.set_license(None)
    repo.commit({"LICENSE": None})
    assert github_client.get("/repos/octo/demo").json()["license"] is None
    assert github_client.get("/repos/octo/demo/license").status_code == 404


def test_a_renamed_repository_redirects(
    repo: RepoScenario, pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    repo.rename("hub/tool")

    moved = github_client.get("/repos/octo/demo/pulls/1/comments?per_page=5")
    assert moved.status_code == 301
    assert (
        moved.headers["Location"]
        == f"{github_server.url}/repositories/{repo.repository.id}/pulls/1/comments?per_page=5"
    )
    assert moved.json()["url"] == moved.headers["Location"]
    followed = github_client.get("/repos/octo/demo", follow_redirects=True)
    assert followed.json()["full_name"] == "hub/tool"
    query = '{ repository(owner: "octo", name: "demo", followRenames: %s) { nameWithOwner } }'
    assert github_client.query(query % "true")["data"]["repository"] == {"nameWithOwner": "hub/tool"}
    assert github_client.query(query % "false")["errors"][0]["type"] == "NOT_FOUND"
    assert github_client.post("/repos/octo/demo/issues/1/comments", json={"body": "x"}).status_code == 307
    assert repo.open_pull_request({"b": "b\n"}, branch="b").number == 2


def test_a_merged_pull_request(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    github_server.set_time("2024-06-01T00:00:00Z")
    pull.close(merged=True, by="maintainer")

    shown = github_client.get(pull.path).json()

    assert (shown["state"], shown["merged"], shown["merged_at"]) == ("closed", True, "2024-06-01T00:00:00Z")
    assert shown["merged_by"]["login"] == "maintainer"
    commit = github_client.get(f"/repos/octo/demo/commits/{shown['merge_commit_sha']}").json()
    assert [one["sha"] for one in commit["parents"]] == [shown["base"]["sha"], pull.head_sha]
    assert pull.repo.head() == shown["merge_commit_sha"]
    assert github_client.get(f"{pull.path}/files").json()[0]["additions"] == 2, "the diff is the same after the merge"


def test_a_closed_one_is_not_merged_and_may_come_back(pull: PullScenario, github_client: Client) -> None:
    closed = github_client.patch(pull.path, json={"state": "closed"}).json()
    assert (closed["state"], closed["merged_at"], closed["closed_at"]) == ("closed", None, "2024-05-01T10:00:00Z")
    opened = github_client.patch(pull.path, json={"state": "open"}).json()
    assert (opened["state"], opened["closed_at"]) == ("open", None)


def test_one_that_is_gone_is_listed_only(pull: PullScenario, github_client: Client) -> None:
    pull.vanish()

    assert [one["number"] for one in github_client.get("/repos/octo/demo/pulls").json()] == [1]
    for path in (pull.path, f"{pull.path}/files", f"{pull.path}/comments"):
        assert github_client.get(path).status_code == 404


# -- writing -------------------------------------------------------------------------------------------------------


def test_opening_a_pull_request(repo: RepoScenario, github_client: Client) -> None:
    repo.commit({"data.dvc": "md5: 1\n"}, branch="dataset")
    wanted = {"title": "Update the dataset", "head": "dataset", "base": "main", "body": "More examples.", "draft": True}

    made = github_client.post("/repos/octo/demo/pulls", json=wanted)

    assert made.status_code == 201
    assert made.headers["Location"] == made.json()["url"]
    assert (made.json()["title"], made.json()["draft"], made.json()["changed_files"]) == (wanted["title"], True, 1)
    assert made.json()["user"]["login"] == "github-actions[bot]"
    again = github_client.post("/repos/octo/demo/pulls", json=wanted)
    assert again.status_code == 422
    assert again.json()["errors"][0]["message"] == "A pull request already exists for octo:dataset."
    by_head = github_client.get("/repos/octo/demo/pulls", params={"head": "octo:dataset", "state": "open"}).json()
    assert [one["number"] for one in by_head] == [made.json()["number"]]


@pytest.mark.parametrize(("change", "field", "message"), [
    ({"head": "nowhere"}, "head", "head is invalid"),
    ({"base": "nowhere"}, "base", "base is invalid"),
    ({"head": "empty"}, None, "No commits between main and empty"),
    ({"head": "nobody:main"}, "head", "head is invalid"),
])  # fmt: skip
def test_pull_requests_that_make_no_sense(
    change: dict[str, str], field: str | None, message: str, repo: RepoScenario, github_client: Client
) -> None:
    repo.repository.store.set_ref("refs/heads/empty", repo.head())

    refused = github_client.post(
        "/repos/octo/demo/pulls", json={"title": "x", "head": "empty", "base": "main"} | change
    )

    assert refused.status_code == 422
    assert (refused.json()["errors"][0].get("field"), refused.json()["errors"][0]["message"]) == (field, message)


def test_starting_a_workflow(repo: RepoScenario, github_server: GitHubServer, github_client: Client) -> None:
    path = "/repos/octo/demo/actions/workflows/{}/dispatches"
    given = {"ref": "main", "inputs": {"dataset": "v2"}}
    repo.add_workflow("train.yml")

    assert github_client.post(path.format("train.yml"), json=given).status_code == 204
    assert github_client.post(path.format("other.yml"), json=given).status_code == 404
    assert github_client.post(path.format("train.yml"), json={"ref": "nowhere"}).status_code == 422
    with Client(github_server, "fork-token") as reader:
        assert reader.post(path.format("train.yml"), json=given).status_code == 403
    (started,) = repo.repository.dispatches
    assert (started.workflow, started.ref, started.inputs) == ("train.yml", "main", {"dataset": "v2"})
    assert github_client.get("/_state").json()["dispatches"]["octo/demo"][0]["login"] == "github-actions[bot]"


# -- apps ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(key: rsa.RSAPrivateKey, **change: Any) -> str:
    now = int(time.time())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return jwt.encode({"iat": now - 60, "exp": now + 540, "iss": "7"} | change, pem, algorithm="RS256")


@pytest.fixture
def app_server(github_server: GitHubServer, repo: RepoScenario, key: rsa.RSAPrivateKey) -> GitHubServer:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    github_server.add_app(7, public, permissions={"contents": "read", "pull_requests": "read"})
    return github_server


def test_an_app_gets_a_token_and_reads_with_it(app_server: GitHubServer, key: rsa.RSAPrivateKey) -> None:
    with Client(app_server, sign(key)) as app:
        installation = app.get("/repos/octo/demo/installation").json()
        made = app.post(f"/app/installations/{installation['id']}/access_tokens", json={})
        too_much = app.post(
            f"/app/installations/{installation['id']}/access_tokens", json={"permissions": {"contents": "write"}}
        )
        none = app.post("/app/installations/1/access_tokens", json={})

    assert (made.status_code, too_much.status_code, none.status_code) == (201, 422, 404)
    with Client(app_server, made.json()["token"]) as reader:
        assert reader.get("/repos/octo/demo").headers["X-RateLimit-Limit"] == "5000"
        assert reader.post("/repos/octo/demo/pulls", json={"head": "a", "base": "main"}).status_code == 403
        app_server.advance(3601)
        assert reader.get("/repos/octo/demo").status_code == 401, "an installation's token is good for an hour"


@pytest.mark.parametrize("change", [
    {"iss": "8"}, {"iss": "x"}, {"exp": 1}, {"exp": int(time.time()) + 3600}, {"iat": int(time.time()) + 3600},
])  # fmt: skip
def test_an_app_that_signs_wrong(change: dict[str, Any], app_server: GitHubServer, key: rsa.RSAPrivateKey) -> None:
    with Client(app_server, sign(key, **change)) as app:
        assert app.get("/repos/octo/demo/installation").status_code == 401


def test_an_app_with_another_key(app_server: GitHubServer) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with Client(app_server, sign(other)) as app:
        assert app.get("/repos/octo/demo/installation").json()["message"] == "A JSON web token could not be decoded"


# -- limits ----------------------------------------------------------------------------------------------------------


def test_a_limit_that_starts_anew_soon(repo: RepoScenario, github_server: GitHubServer) -> None:
    github_server.switches.limit_window = 2  # of whole seconds: over one remains
    github_server.add_token("poor", "poor", "poor", limit=1)
    with Client(github_server, "poor") as client:
        assert client.get("/repos/octo/demo").status_code == 200
        refused = client.get("/repos/octo/demo")
        assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (403, "0")
        remaining = int(refused.headers["X-RateLimit-Reset"]) - time.time()
        assert 0 <= remaining <= 2
        time.sleep(remaining + 0.1)
        assert client.get("/repos/octo/demo").status_code == 200


def test_a_repository_that_answers_502_once(
    repo: RepoScenario, github_server: GitHubServer, github_client: Client
) -> None:
    fault: Fault = github_server.faults.add("GET", "/repos/octo/demo$", status=502)

    assert [github_client.get("/repos/octo/demo").status_code for _ in range(2)] == [502, 200]
    assert fault.times == 0
