"""Issues at the stand-in: listed, opened, changed, closed, and by whom."""

from __future__ import annotations

import github
import pytest

from simulation.github_server import GitHubServer, RepoScenario
from simulation.github_server.client import Client

ISSUES = "/repos/octo/demo/issues"


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    github_server.set_time("2026-05-01T10:00:00Z")
    return github_server.create_repo("octo/demo", {"app.py": "one\n"})


def test_an_issue_from_its_opening_to_its_end(
    repo: RepoScenario, github_server: GitHubServer, github_client: Client
) -> None:
    made = github_client.post(ISSUES, json={"title": "Worse", "body": "By much.", "labels": ["alarm"]})

    assert (made.status_code, made.headers["Location"]) == (201, made.json()["url"])
    issue = made.json()
    assert (issue["number"], issue["state"], issue["state_reason"], issue["user"]["login"]) == (
        1, "open", None, "github-actions[bot]",
    )  # fmt: skip
    assert [label["name"] for label in issue["labels"]] == ["alarm"]
    assert issue["html_url"].endswith("/octo/demo/issues/1")
    one = f"{ISSUES}/1"
    comment = github_client.post(f"{one}/comments", json={"body": "Still so."}).json()
    assert comment["html_url"].endswith(f"/issues/1#issuecomment-{comment['id']}")
    assert github_client.get(f"{ISSUES}/comments/{comment['id']}").json()["body"] == "Still so."
    assert github_client.get(one).json()["comments"] == 1

    github_server.set_time("2026-05-02T10:00:00Z")
    closed = github_client.patch(one, json={"state": "closed"}).json()
    assert (closed["state"], closed["state_reason"], closed["closed_at"]) == (
        "closed", "completed", "2026-05-02T10:00:00Z",
    )  # fmt: skip
    again = github_client.patch(one, json={"state": "closed", "state_reason": "not_planned"}).json()
    assert (again["state_reason"], again["closed_at"]) == ("not_planned", "2026-05-02T10:00:00Z")
    opened = github_client.patch(one, json={"state": "open", "title": "Worse again", "body": None}).json()
    assert (opened["state"], opened["state_reason"], opened["closed_at"]) == ("open", "reopened", None)
    assert (opened["title"], opened["body"]) == ("Worse again", None)


def test_the_list_has_pull_requests_too_and_filters(repo: RepoScenario, github_client: Client) -> None:
    pull = repo.open_pull_request({"app.py": "two\n"})
    for title, labels in (("first", ["a"]), ("second", ["a", "b"]), ("third", [])):
        assert github_client.post(ISSUES, json={"title": title, "labels": labels}).status_code == 201
    github_client.patch(f"{ISSUES}/2", json={"state": "closed"})

    def titles(**query: str) -> list[str]:
        return [issue["title"] for issue in github_client.get(ISSUES, params=query).json()]

    assert titles() == ["third", "second", "Change things"]
    assert titles(state="all", direction="asc") == ["Change things", "first", "second", "third"]
    assert titles(labels="A, b") == ["second"]
    assert titles(labels="a", state="all") == ["second", "first"]
    assert titles(creator="alice") == ["Change things"]
    assert titles(since="2026-06-01T00:00:00Z") == []
    paged = github_client.get(ISSUES, params={"per_page": "1", "page": "2"})
    assert [issue["title"] for issue in paged.json()] == ["second"]
    assert 'rel="next"' in paged.headers["Link"]
    assert github_client.get(ISSUES, params={"milestone": "1"}).status_code == 404
    shown = next(issue for issue in github_client.get(ISSUES).json() if issue["number"] == pull.number)
    assert shown["pull_request"]["url"].endswith(f"/pulls/{pull.number}")


def test_issues_and_pull_requests_share_their_numbers(repo: RepoScenario, github_client: Client) -> None:
    first = github_client.post(ISSUES, json={"title": "x"}).json()["number"]
    second = repo.open_pull_request({"app.py": "two\n"}).number
    third = github_client.post(ISSUES, json={"title": "y"}).json()["number"]

    assert (first, second, third) == (1, 2, 3)
    assert github_client.get("/repos/octo/demo/pulls/1").status_code == 404


def test_a_pull_request_is_closed_as_an_issue(repo: RepoScenario, github_client: Client) -> None:
    pull = repo.open_pull_request({"app.py": "two\n"})

    assert github_client.patch(f"{ISSUES}/{pull.number}", json={"state": "closed"}).json()["state"] == "closed"
    assert github_client.patch(f"{ISSUES}/{pull.number}", json={"state": "open"}).json()["state"] == "open"
    assert github_client.get(pull.path).json()["state"] == "open"


def test_issues_take_the_permission_for_issues(repo: RepoScenario, github_server: GitHubServer) -> None:
    """That for pull requests is enough for a pull request's conversation only."""
    number = repo.server.call("octo", "POST", ISSUES, {"title": "x"})["number"]
    pull = repo.open_pull_request({"app.py": "two\n"})
    github_server.world.tokens["actions-token"].issues = "none"
    with Client(github_server) as client:
        refused = [
            client.post(ISSUES, json={"title": "y"}),
            client.patch(f"{ISSUES}/{number}", json={"title": "y"}),
            client.post(f"{ISSUES}/{number}/comments", json={"body": "y"}),
            client.post(f"{ISSUES}/{number}/labels", json={"labels": ["y"]}),
        ]
        taken = client.post(f"{pull.issue_path}/comments", json={"body": "y"})

    assert [one.status_code for one in refused] == [403] * 4
    assert taken.status_code == 201


@pytest.mark.parametrize(("body", "field"), [
    ({"title": " "}, "title"),
    ({"title": "x" * 257}, "title"),
    ({"title": "x", "body": "y" * 65_537}, "body"),
])  # fmt: skip
def test_texts_that_github_refuses(body: dict[str, str], field: str, repo: RepoScenario, github_client: Client) -> None:
    refused = github_client.post(ISSUES, json=body)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == field
    assert github_client.get(ISSUES).json() == []


def test_labels_of_somebody_who_may_not_set_them_are_left_out(repo: RepoScenario) -> None:
    stranger = repo.server.call("mallory", "POST", ISSUES, {"title": "x", "labels": ["alarm"]})

    assert stranger["labels"] == []


def test_with_pygithub(repo: RepoScenario, github_server: GitHubServer) -> None:
    client = github.Github(auth=github.Auth.Token("actions-token"), base_url=github_server.url, retry=None)
    there = client.get_repo("octo/demo")
    issue = there.create_issue("Worse", body="By much.", labels=["alarm"])
    issue.create_comment("Still so.")
    issue.edit(state="closed", state_reason="not_planned")

    (found,) = there.get_issues(state="all", labels=["alarm"])
    assert (found.title, found.state, found.state_reason, found.comments) == ("Worse", "closed", "not_planned", 1)
    client.close()
