"""What the stand-in for GitHub answers to GraphQL."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.github_server import GitHubServer, PullScenario
from simulation.github_server.client import Client

THREADS = """
query($number: Int!, $first: Int, $after: String) {
  repository(owner: "octo", name: "demo") { pullRequest(number: $number) {
    reviewThreads(first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        id isResolved isOutdated path line viewerCanResolve resolvedBy { login }
        comments(first: 10) { nodes { databaseId author { login __typename } body isMinimized replyTo { databaseId } } }
      }
    }
  } }
}"""
RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
MINIMIZE = """
mutation($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized minimizedReason } }
}"""


@pytest.fixture
def pull(github_server: GitHubServer) -> PullScenario:
    repo = github_server.create_repo("octo/demo", {"app.py": "one\ntwo\n"})
    return repo.open_pull_request({"app.py": "one\nTWO\nthree\n"})


def threads(client: Client, **variables: Any) -> Any:
    answer = client.query(THREADS, number=1, **({"first": 10} | variables))
    assert "errors" not in answer, answer
    return answer["data"]["repository"]["pullRequest"]["reviewThreads"]


def test_threads_hold_comments_and_their_authors(pull: PullScenario, github_client: Client) -> None:
    where = {"path": "app.py", "line": 2, "body": "Why?"}
    github_client.post(f"{pull.path}/reviews", json={"event": "COMMENT", "comments": [where]})
    top = pull.pull.review_comments[0]
    pull.reply(top.id, "Because.", author="alice")

    (thread,) = threads(github_client)["nodes"]

    assert (thread["path"], thread["line"], thread["isResolved"], thread["isOutdated"]) == ("app.py", 2, False, False)
    first, second = thread["comments"]["nodes"]
    assert first["author"] == {"login": "github-actions", "__typename": "Bot"}, "GraphQL names bots without [bot]"
    assert second["author"] == {"login": "alice", "__typename": "User"}
    assert second["replyTo"] == {"databaseId": top.id}


def test_a_thread_without_its_line_is_outdated(pull: PullScenario, github_client: Client) -> None:
    pull.review_comment("app.py", 2, "Why?")
    pull.push({"app.py": "one\ndeux\n"})

    (thread,) = threads(github_client)["nodes"]

    assert (thread["isOutdated"], thread["line"]) == (True, None)


def test_threads_come_in_pages(pull: PullScenario, github_client: Client) -> None:
    for number in range(5):
        pull.review_comment("app.py", 2, f"comment {number}")

    seen: list[str] = []
    after = None
    for _ in range(3):
        page = threads(github_client, first=2, after=after)
        seen += [node["comments"]["nodes"][0]["body"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]

    assert seen == [f"comment {number}" for number in range(5)]
    assert not page["pageInfo"]["hasNextPage"]
    assert page["totalCount"] == 5


def test_a_page_needs_a_size(pull: PullScenario, github_client: Client) -> None:
    missing = github_client.query(THREADS, number=1)
    too_large = github_client.query(THREADS, number=1, first=101)

    assert missing["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"
    assert too_large["errors"][0]["type"] == "EXCESSIVE_PAGINATION"


@pytest.mark.parametrize(("switch", "contents", "resolved"), [
    ("contents-write", "write", True), ("contents-write", "read", False),
    ("allow", "read", True), ("never", "write", False),
])  # fmt: skip
def test_resolving_a_thread_by_the_switch(
    switch: Any, contents: Any, *, resolved: bool, pull: PullScenario, github_server: GitHubServer
) -> None:
    github_server.switches.resolve_threads = switch
    github_server.add_token("job", "job", "github-actions[bot]", actions=True, contents=contents)
    pull.review_comment("app.py", 2, "Why?")

    with Client(github_server, "job") as client:
        (thread,) = threads(client)["nodes"]
        answer = client.query(RESOLVE, id=thread["id"])

        assert thread["viewerCanResolve"] is resolved
        assert threads(client)["nodes"][0]["isResolved"] is resolved
    if not resolved:
        assert answer["data"] == {"resolveReviewThread": None}
        assert answer["errors"][0]["type"] == "FORBIDDEN"
        assert answer["errors"][0]["path"] == ["resolveReviewThread"]
        assert answer["errors"][0]["message"] == "Resource not accessible by integration"


def test_people_may_resolve(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    comment = pull.review_comment("app.py", 2, "Why?")

    pull.resolve(comment["id"], author="alice")

    (thread,) = threads(github_client)["nodes"]
    assert (thread["isResolved"], thread["resolvedBy"]) == (True, {"login": "alice"})


def test_minimising_a_comment(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    comment = pull.comment("An old summary.")

    with Client(github_server, "fork-token") as fork:
        refused = fork.query(MINIMIZE, id=comment["node_id"])
    done = github_client.query(MINIMIZE, id=comment["node_id"])

    assert refused["errors"][0]["type"] == "FORBIDDEN"
    assert done["data"]["minimizeComment"]["minimizedComment"] == {"isMinimized": True, "minimizedReason": "outdated"}
    assert pull.pull.comments[0].minimized == "outdated"


def test_who_am_i_and_the_limit(pull: PullScenario, github_client: Client) -> None:
    answer = github_client.query("{ viewer { login } rateLimit { limit remaining resetAt } }")

    assert answer["data"]["viewer"]["login"] == "github-actions[bot]"
    assert answer["data"]["rateLimit"]["limit"] == 1000
    assert answer["data"]["rateLimit"]["remaining"] < 1000


def test_what_is_not_there(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    number = github_client.query(THREADS, number=99, first=1)
    thread = github_client.query(RESOLVE, id="PRRT_1")

    assert number["errors"][0]["type"] == thread["errors"][0]["type"] == "NOT_FOUND"
    with Client(github_server, "") as nobody:
        assert nobody.post("/graphql", json={"query": "{ viewer { login } }"}).status_code == 401


def test_a_query_that_github_does_not_know_is_a_violation() -> None:
    with GitHubServer() as server, Client(server) as client:
        server.create_repo()

        answer = client.query("{ viewer { loginn } }")
        client.post("/graphql", json={"query": "{ viewer { login } }", "varables": {}})

        assert "Cannot query field 'loginn'" in answer["errors"][0]["message"]
        assert len(server.violations) == 2
        assert "varables" in server.violations[1]
