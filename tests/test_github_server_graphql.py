"""What the stand-in for GitHub answers to GraphQL."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import get_named_type, is_abstract_type, is_leaf_type, is_required_argument

from simulation.github_server import GitHubServer, PullScenario
from simulation.github_server.client import Client
from simulation.github_server.graphql import load_schema

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


# -- what a collector reads ------------------------------------------------------------------------------------------

PULLS = """
query($first: Int!, $after: String, $states: [PullRequestState!], $order: IssueOrder, $labels: [String!]) {
  repository(owner: "octo", name: "demo") {
    databaseId licenseInfo { key spdxId }
    pullRequests(first: $first, after: $after, states: $states, orderBy: $order, labels: $labels) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes {
        number databaseId state merged mergedAt createdAt updatedAt title authorAssociation baseRefName
        changedFiles additions deletions headRepository { nameWithOwner } mergeCommit { oid messageHeadline }
        labels(first: 10) { nodes { name } }
        commits(first: 100) { totalCount nodes { commit { oid committedDate messageHeadline parents(first: 2) {
          nodes { oid } } } } }
      }
    }
  }
}"""


def ask_pulls(client: Client, **variables: Any) -> Any:
    answer = client.query(PULLS, **({"first": 10} | variables))
    assert "errors" not in answer, answer
    return answer["data"]["repository"]["pullRequests"]


def test_pull_requests_with_all_that_a_collector_reads(
    pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    github_server.set_time("2024-05-01T00:00:00Z")
    pull.push({"b.py": "b\n"}, message="Second\n\nMore words.")
    pull.label("bug")
    github_server.set_time("2024-06-01T00:00:00Z")
    pull.close(merged=True)

    (node,) = ask_pulls(github_client)["nodes"]

    assert (node["state"], node["merged"], node["mergedAt"]) == ("MERGED", True, "2024-06-01T00:00:00Z")
    assert (node["changedFiles"], node["additions"], node["deletions"]) == (2, 3, 1)
    assert node["mergeCommit"] == {
        "oid": pull.pull.merge_sha,
        "messageHeadline": "Merge pull request #1 from alice/topic",
    }
    assert node["labels"]["nodes"] == [{"name": "bug"}]
    first, second = (one["commit"] for one in node["commits"]["nodes"])
    assert (second["oid"], second["messageHeadline"]) == (pull.head_sha, "Second")
    assert second["parents"]["nodes"] == [{"oid": first["oid"]}]
    assert second["committedDate"] == "2024-05-01T00:00:00Z"


def test_pull_requests_by_state_label_and_time_in_pages(github_server: GitHubServer, github_client: Client) -> None:
    repo = github_server.create_repo("octo/demo", {"a": "a\n"})
    for number in range(1, 6):
        github_server.set_time(f"2024-05-0{number}T00:00:00Z")
        repo.open_pull_request({"a": f"{number}\n"}, branch=f"b{number}")
    github_server.set_time("2024-05-10T00:00:00Z")
    repo.find_pull(2).close()
    repo.find_pull(3).label("bug")

    newest = {"field": "UPDATED_AT", "direction": "DESC"}
    seen: list[int] = []
    after = None
    while True:
        page = ask_pulls(github_client, first=2, after=after, order=newest)
        seen += [node["number"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert seen == [3, 2, 5, 4, 1]
    assert [one["number"] for one in ask_pulls(github_client, states=["OPEN"])["nodes"]] == [1, 3, 4, 5]
    assert [one["number"] for one in ask_pulls(github_client, labels=["bug"])["nodes"]] == [3]
    assert github_client.query(PULLS, first=2, after="nonsense")["errors"][0]["type"] == "INVALID_CURSOR_ARGUMENTS"


def test_a_deleted_fork_has_no_repository(github_server: GitHubServer, github_client: Client) -> None:
    repo = github_server.create_repo("octo/demo", {"a": "a\n"}, license="Apache-2.0")
    pull = repo.open_pull_request({"a": "b\n"}, fork=True)
    (before,) = ask_pulls(github_client)["nodes"]
    pull.delete_fork()
    (after,) = ask_pulls(github_client)["nodes"]

    assert (before["headRepository"], after["headRepository"]) == ({"nameWithOwner": "alice/demo"}, None)
    assert after["commits"]["totalCount"] == 1
    licence = github_client.query('{ repository(owner: "octo", name: "demo") { licenseInfo { key spdxId } } }')
    assert licence["data"]["repository"]["licenseInfo"] == {"key": "apache-2.0", "spdxId": "Apache-2.0"}


def test_a_review_comment_with_all_its_places(
    pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    comment = pull.review_comment("app.py", 2, "Why?")
    pull.react("+1", review_comment=comment["id"])
    before = pull.head_sha
    after = pull.push({"app.py": "zero\none\nTWO\nthree\n"})
    fields = """outdated line startLine originalLine originalStartLine position originalPosition diffHunk subjectType
      authorAssociation commit { oid } originalCommit { oid }
      reactionGroups { content reactors(first: 1) { totalCount } }"""
    query = THREADS.replace("databaseId author", f"{fields} databaseId author")

    def ask() -> Any:
        answer = github_client.query(query, number=1, first=1)
        return answer["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]["comments"]["nodes"][0]

    shown = ask()
    assert (shown["line"], shown["originalLine"], shown["position"], shown["originalPosition"]) == (3, 2, 4, 3)
    assert (shown["commit"]["oid"], shown["originalCommit"]["oid"]) == (after, before)
    assert shown["diffHunk"].split("\n")[0] == "@@ -1,2 +1,3 @@"
    assert (shown["subjectType"], shown["authorAssociation"]) == ("LINE", "NONE")
    groups = {one["content"]: one["reactors"]["totalCount"] for one in shown["reactionGroups"]}
    assert (len(groups), groups["THUMBS_UP"], groups["EYES"]) == (8, 1, 0)
    pull.force_push({"app.py": "zero\n"})
    assert (ask()["line"], ask()["position"], ask()["outdated"]) == (None, None, True)
    assert ask()["originalCommit"] == {"oid": before}
    github_server.switches.lost_commits = True
    assert ask()["originalCommit"] is None


def test_files_and_commits_by_expression(pull: PullScenario, github_client: Client) -> None:
    def ask(**given: str) -> Any:
        query = """query($oid: GitObjectID, $expression: String) { repository(owner: "octo", name: "demo") {
          object(oid: $oid, expression: $expression) { __typename oid ... on Blob { text byteSize isBinary isTruncated }
          ... on Commit { messageHeadline } } } }"""
        return github_client.query(query, **given)["data"]["repository"]["object"]

    blob = ask(expression=f"{pull.head_sha}:app.py")
    assert (blob["text"], blob["byteSize"], blob["isBinary"]) == ("one\nTWO\nthree\n", 14, False)
    assert ask(oid=blob["oid"])["text"] == blob["text"]
    assert ask(oid=pull.head_sha)["messageHeadline"] == "Change things"
    assert ask(expression="main:app.py")["text"] == "one\ntwo\n"
    assert ask(expression="main:nothing.py") is ask(expression="nowhere:app.py") is None
    pull.repo.commit({"b.bin": b"a\0b"})
    assert (ask(expression="main:b.bin")["text"], ask(expression="main:b.bin")["isBinary"]) == (None, True)


# -- limits ------------------------------------------------------------------------------------------------------------

DOCUMENTED = """query($issues: Int = 50) { repository(owner: "octo", name: "demo") {
  pullRequests(first: 100) { nodes { ...threads } } } rateLimit { cost used remaining } }
fragment threads on PullRequest { reviewThreads(first: $issues) { nodes { comments(first: 60) { nodes { id } } } } }"""


def test_a_query_costs_its_connections(pull: PullScenario, github_client: Client) -> None:
    """1 + 100 + 5,000 requests, as in GitHub's own example of the rule."""
    answer = github_client.query(DOCUMENTED)["data"]["rateLimit"]
    small = github_client.query(DOCUMENTED, issues=1)["data"]["rateLimit"]

    assert (answer["cost"], answer["used"]) == (51, 51)
    assert (small["cost"], small["used"], small["remaining"]) == (2, 53, 947)


def test_a_query_that_could_return_too_many_nodes(pull: PullScenario, github_client: Client) -> None:
    refused = github_client.query(DOCUMENTED, issues=100)["errors"][0]

    assert refused["type"] == "MAX_NODE_LIMIT_EXCEEDED"
    assert "610,100 possible nodes" in refused["message"]
    assert "maximum limit of 500,000" in refused["message"]


def test_the_limit_is_an_error_of_an_answer(github_server: GitHubServer) -> None:
    github_server.add_token("poor", "poor", "poor", limit=1)
    with Client(github_server, "poor") as client:
        query = {"query": "{ viewer { login } }"}
        assert "data" in client.post("/graphql", json=query).json()
        refused = client.post("/graphql", json=query)
        assert (refused.status_code, refused.json()["errors"][0]["type"]) == (200, "RATE_LIMITED")
        assert (refused.headers["X-RateLimit-Remaining"], refused.headers["X-RateLimit-Resource"]) == ("0", "graphql")
        assert client.get("/rate_limit").json()["rate"]["remaining"] == 1, "REST has a budget of its own"
        github_server.switches.graphql_limit_status = 403
        assert client.post("/graphql", json=query).status_code == 403


def test_every_field_of_the_schema_resolves(pull: PullScenario, github_client: Client) -> None:
    """A query of all fields of a repository and of what is in it, none inside itself."""
    pull.review_comment("app.py", 2, "Why?")
    pull.label("bug")
    pull.close(merged=True)
    types = load_schema().type_map

    def select(name: str, *around: str) -> str:
        fields = []
        for field_name, field in types[name].fields.items():  # type: ignore[attr-defined]
            target = get_named_type(field.type)
            if is_leaf_type(target):
                fields.append(field_name)
            elif target.name not in (name, *around) and not is_abstract_type(target):
                paged = "(first: 2)" if "first" in field.args else ""
                if all(one == "followRenames" or not is_required_argument(arg) for one, arg in field.args.items()):
                    fields.append(f"{field_name}{paged} {select(target.name, name, *around)}")
        return "{ __typename " + " ".join(fields) + " }"

    answer = github_client.query('{ repository(owner: "octo", name: "demo") ' + select("Repository") + " }")

    assert "errors" not in answer, answer["errors"][:3]
    (node,) = answer["data"]["repository"]["pullRequests"]["nodes"]
    assert node["reviewThreads"]["nodes"][0]["comments"]["nodes"][0]["originalCommit"]
