"""What the stand-in for GitHub accepts of reviews, and where their comments go when the head moves."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from simulation.github_server import GitHubServer, PullScenario
from simulation.github_server.client import Client

REPO = "/repos/octo/demo"
PULL = f"{REPO}/pulls/1"
LINES = [f"line {number}\n" for number in range(1, 61)]


@pytest.fixture
def pull(github_server: GitHubServer) -> PullScenario:
    """Line 10 is replaced, line 30 is removed, a line follows line 50: three hunks; and a binary file."""
    repo = github_server.create_repo("octo/demo", {"app.py": "".join(LINES), "logo.png": b"\0"})
    return repo.open_pull_request({"app.py": edited(), "logo.png": b"\0\1"})


def edited(first: str = "") -> str:
    lines = [*LINES[:9], "ten\n", *LINES[10:29], *LINES[30:50], "extra\n", *LINES[50:]]
    return first + "".join(lines)


def at(line: int, side: str | None = None, **more: Any) -> dict[str, Any]:
    """A comment on a line of app.py."""
    return {"path": "app.py", "line": line, "body": "Hm.", **({"side": side} if side else {}), **more}


def review(client: Client, *comments: dict[str, Any], **more: Any) -> httpx.Response:
    return client.post(f"{PULL}/reviews", json={"event": "COMMENT", "comments": list(comments), **more})


def comment(client: Client, pull: PullScenario, **where: Any) -> httpx.Response:
    return client.post(f"{PULL}/comments", json={"commit_id": pull.head_sha, "body": "Hm.", "path": "app.py", **where})


@pytest.mark.parametrize("where", [
    at(10), at(7), at(13), at(10, "LEFT"), at(30, "LEFT"), at(50), at(10, start_line=8),
    at(10, start_line=8, start_side="RIGHT"), at(10, "RIGHT", start_line=10, start_side="LEFT"),
])  # fmt: skip
def test_a_line_of_a_hunk_is_accepted(where: dict[str, Any], pull: PullScenario, github_client: Client) -> None:
    answer = review(github_client, where)

    assert answer.status_code == 200, answer.text
    shown = github_client.get(f"{PULL}/comments").json()[0]
    assert (shown["line"], shown["start_line"]) == (where["line"], where.get("start_line"))
    assert shown["side"] == where.get("side", "RIGHT")


LINE = "Line could not be resolved"
ORDER = "Pull request review thread start line must precede the end line."
HUNK = "Pull request review thread start line must be part of the same hunk as the line."


@pytest.mark.parametrize(("where", "message"), [
    (at(6), LINE), (at(14), LINE), (at(61), LINE), (at(0), LINE), (at(20, "LEFT"), LINE),
    ({**at(1), "path": "nowhere.py"}, "Path could not be resolved"),
    ({**at(1), "path": "logo.png"}, LINE),
    (at(10, start_line=10), ORDER), (at(10, start_line=12), ORDER), (at(10, "LEFT", start_line=11), ORDER),
    (at(50, start_line=10), HUNK), (at(10, start_line=6), HUNK),
    (at(10, "LEFT", start_line=10, start_side="RIGHT"), ORDER),
    ({"path": "app.py", "body": "x"}, LINE),
])  # fmt: skip
def test_a_comment_off_the_diff_refuses_the_whole_review(
    where: dict[str, Any], message: str, pull: PullScenario, github_client: Client
) -> None:
    answer = review(github_client, at(10), where, body="Summary")

    assert answer.status_code == 422
    assert answer.json()["errors"] == [message]
    assert pull.pull.reviews == []
    assert pull.pull.review_comments == []


def test_older_wording_and_an_orphan(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    github_server.switches.review_422 = "old"
    github_server.switches.orphan_review_on_422 = True

    answer = review(github_client, at(10), at(6), body="Summary")

    assert "line must be part of the diff and" in answer.json()["errors"][0]
    assert [(one["body"], one["state"]) for one in github_client.get(f"{PULL}/reviews").json()] == [
        ("Summary", "COMMENTED")
    ]
    assert pull.pull.review_comments == []


def test_single_comments_have_their_own_errors(
    pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    new = comment(github_client, pull, line=6).json()["errors"][0]
    github_server.switches.review_422 = "old"
    old = comment(github_client, pull, line=6).json()["errors"][0]

    assert new["field"] == old["field"] == "pull_request_review_thread.line"
    assert new["message"] == "pull_request_review_thread.line could not be resolved"
    assert old["message"] == "pull_request_review_thread.line must be part of the diff"
    assert comment(github_client, pull, line=1, path="x").json()["errors"][0]["code"] == "invalid"
    assert comment(github_client, pull, line=10).status_code == 201


@pytest.mark.parametrize(("switch", "status"), [("accept", 200), ("refuse", 422)])
def test_left_on_a_context_line(
    switch: Any, status: int, pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    github_server.switches.left_on_context = switch

    assert review(github_client, at(9, "LEFT")).status_code == status
    assert review(github_client, at(10, "LEFT")).status_code == 200, "a removed line is always on the left"


def test_positions_count_from_the_first_hunk(pull: PullScenario, github_client: Client) -> None:
    github_client.post(f"{PULL}/reviews", json={"event": "COMMENT", "comments": [
        {"path": "app.py", "position": 5, "body": "the added line"},
        {"path": "app.py", "position": 4, "body": "the removed line"},
        {"path": "app.py", "position": 10, "body": "a line of the second hunk"},
    ]})  # fmt: skip

    shown = github_client.get(f"{PULL}/comments").json()
    assert [(one["line"], one["side"], one["position"]) for one in shown] == [
        (10, "RIGHT", 5), (10, "LEFT", 4), (27, "RIGHT", 10)
    ]  # fmt: skip


def test_positions_and_lines_do_not_mix(pull: PullScenario, github_client: Client) -> None:
    answer = review(github_client, at(10), {"path": "app.py", "position": 5, "body": "x"})
    beyond = review(github_client, {"path": "app.py", "position": 400, "body": "x"})

    assert answer.status_code == 422
    assert beyond.json()["errors"] == [LINE]
    assert pull.pull.reviews == []


def test_when_a_review_needs_a_body(pull: PullScenario, github_client: Client) -> None:
    assert review(github_client, body="").status_code == 422
    assert review(github_client).status_code == 422
    assert review(github_client, at(10), body="").status_code == 200, "comments are enough"
    assert review(github_client, body="words").status_code == 200


def test_who_may_approve(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    github_server.add_token("alice", "alice", "alice")
    approve = {"event": "APPROVE", "body": "Yes"}

    with Client(github_server, "alice") as author:
        own = author.post(f"{PULL}/reviews", json=approve)
    bot = github_client.post(f"{PULL}/reviews", json=approve)
    github_server.switches.actions_may_approve = True

    assert own.json()["errors"] == ["Can not approve your own pull request"]
    assert bot.json()["errors"] == ["GitHub Actions is not permitted to approve pull requests."]
    assert github_client.post(f"{PULL}/reviews", json=approve).json()["state"] == "APPROVED"


def test_bodies_may_have_65536_characters(pull: PullScenario, github_client: Client) -> None:
    assert review(github_client, body="x" * 65_537).status_code == 422
    assert review(github_client, {**at(10), "body": "x" * 65_537}).status_code == 422
    assert comment(github_client, pull, line=10, body="x" * 65_537).json()["errors"][0]["field"] == "body"
    assert review(github_client, {**at(10), "body": "x" * 65_536}, body="x" * 65_536).status_code == 200


def test_a_pending_review_is_in_the_way(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    thread = pull.review_comment("app.py", 10, "A thread.")
    pending = github_client.post(f"{PULL}/reviews", json={"body": "later", "comments": [at(10)]}).json()
    refusal = ["User can only have one pending review per pull request"]

    assert pending["state"] == "PENDING"
    assert "submitted_at" not in pending
    assert review(github_client, body="now").json()["errors"] == refusal
    assert comment(github_client, pull, line=10).status_code == 422
    reply = f"{PULL}/comments/{thread['id']}/replies"
    with_reply = github_client.post(reply, json={"body": "x"})
    assert with_reply.status_code == 422
    with Client(github_server, "fork-token") as same_bot, Client(github_server, "") as nobody:
        assert len(same_bot.get(f"{PULL}/reviews").json()) == 2
        assert len(nobody.get(f"{PULL}/reviews").json()) == 1, "only its author sees it"
        assert len(nobody.get(f"{PULL}/comments").json()) == 1
    assert github_client.delete(f"{PULL}/reviews/{pending['id']}").status_code == 200
    assert review(github_client, body="now").status_code == 200
    assert github_client.post(reply, json={"body": "x"}).status_code == 201


def test_a_pending_review_can_be_submitted_once(pull: PullScenario, github_client: Client) -> None:
    pending = github_client.post(f"{PULL}/reviews", json={"comments": [at(10)]}).json()
    events = f"{PULL}/reviews/{pending['id']}/events"

    assert github_client.get(f"{PULL}/comments").json() == []
    assert github_client.post(events, json={"event": "COMMENT", "body": "done"}).json()["state"] == "COMMENTED"
    assert len(github_client.get(f"{PULL}/comments").json()) == 1
    assert github_client.post(events, json={"event": "COMMENT"}).status_code == 422
    assert github_client.delete(f"{PULL}/reviews/{pending['id']}").status_code == 422


def test_many_comments_by_the_switch(pull: PullScenario, github_server: GitHubServer, github_client: Client) -> None:
    github_server.switches.review_comment_limit = 30

    assert review(github_client, *[at(10)] * 30).status_code == 200
    assert review(github_client, *[at(10)] * 31).status_code == 502
    github_server.switches.review_comment_limit_status = 403
    assert review(github_client, *[at(10)] * 31).status_code == 403
    assert len(pull.pull.reviews) == 1


def test_replies_only_to_the_first_comment(pull: PullScenario, github_client: Client) -> None:
    top = comment(github_client, pull, line=10).json()
    answer = github_client.post(f"{PULL}/comments/{top['id']}/replies", json={"body": "first"}).json()

    assert answer["in_reply_to_id"] == top["id"]
    assert github_client.post(f"{PULL}/comments/{answer['id']}/replies", json={"body": "x"}).status_code == 422
    assert github_client.post(f"{PULL}/comments/999999/replies", json={"body": "x"}).status_code == 404


def test_a_comment_on_a_file(pull: PullScenario, github_client: Client) -> None:
    answer = comment(github_client, pull, path="logo.png", subject_type="file")

    assert answer.status_code == 201
    assert (answer.json()["line"], answer.json()["subject_type"]) == (None, "file")


def test_comments_of_a_review_and_their_excerpt(pull: PullScenario, github_client: Client) -> None:
    created = review(github_client, at(30, "LEFT")).json()

    (shown,) = github_client.get(f"{PULL}/reviews/{created['id']}/comments").json()

    assert shown["pull_request_review_id"] == created["id"]
    assert shown["diff_hunk"].startswith("@@ -27,7 +27,6 @@")
    assert shown["diff_hunk"].endswith("\n-line 30")


# -- when the head moves -----------------------------------------------------------------------------------------------


def lines_of(client: Client) -> list[tuple[Any, ...]]:
    keys = ("line", "start_line", "position", "original_line", "original_start_line")
    return [tuple(one[key] for key in keys) for one in client.get(f"{PULL}/comments").json()]


def test_a_push_moves_comments_along(pull: PullScenario, github_client: Client) -> None:
    first = pull.head_sha
    review(github_client, at(10, start_line=9), at(30, "LEFT"))

    head = pull.push({"app.py": edited(first="one more\n")})

    assert lines_of(github_client) == [(11, 10, 10, 10, 9), (30, None, 18, 30, None)]
    for shown in github_client.get(f"{PULL}/comments").json():
        assert (shown["commit_id"], shown["original_commit_id"]) == (head, first)


def test_a_changed_line_is_outdated(pull: PullScenario, github_client: Client) -> None:
    first = pull.head_sha
    review(github_client, at(10), at(50))

    pull.push({"app.py": edited().replace("ten\n", "TEN\n")})

    assert [one[0] for one in lines_of(github_client)] == [None, 50]
    outdated = github_client.get(f"{PULL}/comments").json()[0]
    assert (outdated["position"], outdated["original_line"], outdated["commit_id"]) == (None, 10, first)
    assert [one.outdated for one in pull.pull.review_comments] == [True, False]


def test_a_line_that_leaves_the_diff_is_outdated(pull: PullScenario, github_client: Client) -> None:
    review(github_client, at(9))

    pull.push({"app.py": "".join(LINES[:50]) + "extra\n" + "".join(LINES[50:])})

    assert lines_of(github_client)[0][0] is None


def test_a_deleted_file_makes_its_comments_outdated(pull: PullScenario, github_client: Client) -> None:
    review(github_client, at(10))

    pull.push({"app.py": None})

    assert lines_of(github_client)[0][0] is None


def test_a_force_push_and_a_rebase(pull: PullScenario, github_client: Client) -> None:
    review(github_client, at(10))
    old = pull.head_sha

    pull.force_push({"app.py": edited(first="zero\n")})
    assert lines_of(github_client)[0][0] == 11
    answer = review(github_client, at(11), commit_id=old)
    assert answer.status_code == 422, "the commit is not in the pull request any more"
    assert "not part of the pull request" in answer.json()["errors"][0]

    pull.repo.commit({"other.txt": "on the base\n"})
    pull.rebase()
    shown = github_client.get(PULL).json()
    assert (shown["commits"], shown["base"]["sha"]) == (1, pull.repo.head())
    assert lines_of(github_client)[0][0] == 11


def test_an_earlier_commit_of_the_pull_request_is_accepted(pull: PullScenario, github_client: Client) -> None:
    first = pull.head_sha
    pull.push({"app.py": edited(first="one more\n")})

    created = review(github_client, at(10), commit_id=first)

    assert created.json()["commit_id"] == first
    assert lines_of(github_client)[0][0] == 11, "anchored to the head at once"


@pytest.mark.parametrize("switch", ["frozen", "moves"])
def test_the_commit_of_a_review_by_the_switch(
    switch: Any, pull: PullScenario, github_server: GitHubServer, github_client: Client
) -> None:
    github_server.switches.review_commit_id = switch
    first = pull.head_sha
    review(github_client, body="x")

    head = pull.push({"new.txt": "new\n"})

    shown = github_client.get(f"{PULL}/reviews").json()[0]["commit_id"]
    assert shown == (first if switch == "frozen" else head)
