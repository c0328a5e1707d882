"""One issue while something is worse: opened, kept up to date, closed; whatever people and networks do meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from evals.regression import LABEL, Told, say, tell
from evals.regression_memory import Comparison, Memory, Night, parse_memory, remember, render_memory
from reviewer.errors import HostUnavailable, PermissionDenied
from reviewer.github_api import GitHub
from simulation.github_server import GitHubServer, RepoScenario

ISSUES = "/repos/octo/demo/issues"


class PlainTexts:
    """The words, without GitHub's Markdown."""

    def render_issue(self, night: Night, memory: Memory) -> tuple[str, str]:
        return f"Worse: {', '.join(memory.worse)}", f"Seen {memory.nights} times, last by {memory.run}."

    def render_end(self, night: Night, before: Memory) -> str:
        return f"Over in {night.run}."


def a_night(run: int, *worse: str, better: tuple[str, ...] = (), of: str = "nightly") -> Night:
    """A night of which two comparisons are expected."""
    found = [Comparison(name, is_worse=True) for name in worse] + [Comparison(name, is_worse=False) for name in better]
    return Night(of, tuple(found), ("champion", "challenger"), str(run))


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    return github_server.create_repo("octo/demo")


@pytest.fixture
def host(repo: RepoScenario, github_server: GitHubServer) -> GitHub:
    return GitHub("octo/demo", "actions-token", github_server.url, retries=0)


def told(host: GitHub, night: Night) -> Told:
    return tell(host, night, PlainTexts(), lambda _: None)


def issues(repo: RepoScenario) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = repo.server.call("octo", "GET", f"{ISSUES}?state=all")
    return found


def edit(repo: RepoScenario, number: int, **values: str) -> None:
    repo.server.call("octo", "PATCH", f"{ISSUES}/{number}", values)


def comments(repo: RepoScenario, number: int = 1) -> list[str]:
    return [one["body"] for one in repo.server.call("octo", "GET", f"{ISSUES}/{number}/comments")]


ALL_WELL = ("champion", "challenger")


def test_opened_once_kept_up_to_date_and_closed(repo: RepoScenario, host: GitHub) -> None:
    assert told(host, a_night(1, better=ALL_WELL)) == Told("nothing")
    opened = told(host, a_night(2, "champion"))
    assert opened.done == "opened"
    assert told(host, a_night(3, "champion")) == Told("updated", 1, opened.url)
    (issue,) = issues(repo)
    assert (issue["title"], issue["state"], [label["name"] for label in issue["labels"]]) == (
        "Worse: champion", "open", [LABEL],
    )  # fmt: skip
    assert issue["body"].startswith("Seen 2 times, last by 3.\n\n<!-- glossator:1:regression:")

    assert told(host, a_night(4, better=ALL_WELL)).done == "closed"

    (issue,) = issues(repo)
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert comments(repo) == ["Over in 4."]
    assert told(host, a_night(5, better=ALL_WELL)).done == "nothing"
    assert told(host, a_night(6, "champion")).done == "opened"
    assert [one["number"] for one in issues(repo)] == [2, 1]


def test_a_run_that_is_made_again_counts_once(repo: RepoScenario, host: GitHub) -> None:
    told(host, a_night(1, "champion"))
    told(host, a_night(1, "champion"))

    (issue,) = issues(repo)
    assert issue["body"].startswith("Seen 1 times")


def test_what_could_not_be_compared_tonight_stays_as_it_was(repo: RepoScenario, host: GitHub) -> None:
    told(host, a_night(1, "champion"))

    assert told(host, a_night(2, better=("challenger",))).done == "updated"
    assert issues(repo)[0]["title"] == "Worse: champion"
    assert told(host, Night("nightly", (), ("champion",), "3")).done == "updated"
    assert told(host, a_night(4, better=("champion",))).done == "closed"


def test_a_challenger_that_is_gone_is_no_regression_any_more() -> None:
    before = Memory("nightly", ("challenger",), 3, "7", "5")

    assert remember(before, Night("nightly", (), ("champion",), "8")).worse == ()


def test_somebody_closes_it_as_done_too_early(repo: RepoScenario, host: GitHub) -> None:
    told(host, a_night(1, "champion"))
    edit(repo, 1, state="closed")

    assert told(host, a_night(2, "champion")).done == "reopened"
    assert [one["state"] for one in issues(repo)] == ["open"]


def test_somebody_closes_it_as_not_planned(repo: RepoScenario, host: GitHub) -> None:
    """It is left in peace until it is over; the next regression is a new one."""
    told(host, a_night(1, "champion"))
    edit(repo, 1, state="closed", state_reason="not_planned")
    before = issues(repo)

    assert told(host, a_night(2, "champion")).done == "accepted"
    assert issues(repo) == before
    assert told(host, a_night(3, better=ALL_WELL)).done == "closed"
    assert comments(repo) == []
    assert issues(repo)[0]["state_reason"] == "not_planned"
    assert told(host, a_night(4, "champion")).done == "opened"


def test_it_is_known_by_its_marker_its_label_and_its_author(repo: RepoScenario, host: GitHub) -> None:
    marker = render_memory(Memory("nightly", ("champion",), 9, "9", "1"))
    for body, labels in ((marker, [LABEL]), ("A marker like that, but none.", [LABEL]), (marker, [])):
        repo.server.call("octo", "POST", ISSUES, {"title": "Forged", "body": body, "labels": labels})
    told(host, a_night(1, "champion", of="weekly"))

    assert told(host, a_night(1, "champion")).done == "opened"
    assert [one["title"] for one in issues(repo)].count("Forged") == 3
    assert told(host, a_night(2, better=ALL_WELL)).number == 5
    assert issues(repo)[1]["state"] == "open", "that of the other evaluation"


@pytest.mark.parametrize("fault", [{"status": 502}, {"status": 502, "after_effect": True}, {"status": 0}])
@pytest.mark.parametrize("path", [r"/issues$", r"/issues/1$", r"/comments$"])
def test_a_lost_answer_makes_no_second_issue_and_no_second_comment(
    path: str, fault: dict[str, Any], repo: RepoScenario, host: GitHub, github_server: GitHubServer
) -> None:
    for method in ("POST", "PATCH"):
        github_server.faults.add(method, path, **fault)

    for night in (a_night(1, "champion"), a_night(2, "champion"), a_night(3, better=ALL_WELL)):
        told(host, night)

    assert [(one["number"], one["state"]) for one in issues(repo)] == [(1, "closed")]
    assert comments(repo) == ["Over in 3."]


def test_a_run_that_is_killed_before_it_closes_says_it_once(
    repo: RepoScenario, host: GitHub, github_server: GitHubServer
) -> None:
    told(host, a_night(1, "champion"))
    github_server.faults.add("PATCH", r"/issues/1$", status=502, times=9)
    with pytest.raises(HostUnavailable):
        told(host, a_night(2, better=ALL_WELL))
    github_server.faults.clear()

    assert told(host, a_night(2, better=ALL_WELL)).done == "closed"
    assert comments(repo) == ["Over in 2."]


def test_a_token_that_may_not(repo: RepoScenario, host: GitHub, github_server: GitHubServer) -> None:
    github_server.world.tokens["actions-token"].issues = "read"

    with pytest.raises(PermissionDenied) as caught:
        told(host, a_night(1, "champion"))

    assert caught.value.hint == "Give the job the permission `issues: write`."
    assert issues(repo) == []


def test_the_marker() -> None:
    memory = Memory("ni-->ghtly", ("champion",), 2, "3", "2")

    marker = render_memory(memory)

    assert marker.count("-->") == 1
    assert parse_memory(f"text\n{marker}") == memory
    for broken in ("", "<!-- glossator:1:regression:AAAA: -->", "<!-- glossator:1:regression:W10=: -->", marker[:-9]):
        assert parse_memory(broken) is None


def test_what_the_command_says() -> None:
    assert say(Told("nothing")) == "Nothing is worse, and no issue is open."
    assert say(Told("opened", 7, "https://github.com/octo/demo/issues/7")) == (
        "Opened #7 (https://github.com/octo/demo/issues/7)."
    )
