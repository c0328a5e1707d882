"""Answers that are partial or wrong cost no more than the pull requests that they are about, now and the next time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reviewer.errors import HostUnavailable
from simulation.github_server import GitHubServer, RepoScenario
from tests.training.collecting import (
    SALT,
    StoppingWire,
    add_pull,
    create_repo,
    load,
    make_run,
    read_folder,
    run_collect,
)
from tests.training.test_collect_again import delete_comment, ids
from tests.training.test_collect_trouble import edited
from training.collect import collect
from training.collect_parts import MOST_ALONE, Part, get_parts
from training.github_client import Reply
from training.github_nodes import errors_about
from training.opt_out import parse_opt_out

IDS, PULLS, THREADS = "updatedAt } } } }", "...pull }", "...thread"
"""What tells the queries by number from one another."""

pytestmark = pytest.mark.slow


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    return create_repo(github_server)


def spoil(query: str, change: Callable[[dict[str, Any]], list[Any] | None]) -> Callable[[str, str, Any], Any]:
    """Change the parts of the answers to one kind of query; what `change` returns is the path of an error."""

    def edit(_path: str, text: str, document: Any) -> Any:
        if query in text and "pullRequests(" not in text:
            path = change(document["data"]["repository"])
            if path is not None:
                document["errors"] = [{"message": "Something went wrong", "path": path or None}]
        return document

    return edit


# -- partial answers -------------------------------------------------------------------------------------------------


def _empty_author(parts: dict[str, Any]) -> list[Any]:
    parts["p1"] |= {"author": None, "title": None, "body": None}
    return ["repository", "p1", "author"]


def _no_threads(parts: dict[str, Any]) -> list[Any]:
    parts["p1"]["reviewThreads"]["totalCount"] = 0
    return []


def _above(parts: dict[str, Any]) -> list[Any]:
    parts["p1"]["title"] = None
    return ["repository"]


@pytest.mark.parametrize("change", [_empty_author, _no_threads, _above])
def test_what_an_error_empties_is_not_written(
    change: Callable[[dict[str, Any]], list[Any]], repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pull = add_pull(repo, 1)
    run_collect(github_server, tmp_path)
    before, gone = load(tmp_path), delete_comment(pull, -1)

    with edited(spoil(PULLS, change)) as http:
        told = run_collect(github_server, tmp_path, http=http)
    kept = load(tmp_path)
    again = run_collect(github_server, tmp_path)

    assert told.problems == ["octo/demo#1 is left for the next collection: Something went wrong."]
    assert (kept, list(told.unfinished)) == (before, ["octo/demo"])
    assert (again.updated, again.unfinished, load(tmp_path).author) == (1, {}, before.author)
    assert gone not in ids(tmp_path, 1)


def test_a_page_with_an_error_about_all_of_it_is_asked_for_in_parts(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_repo.SMALLEST_PAGE", 1)
    monkeypatch.setattr("training.collect_repo.PULLS", 2)
    for day in (1, 2):
        add_pull(repo, day)

    def edit(_path: str, text: str, document: Any) -> Any:
        if "pullRequests(" in text and len(nodes := document["data"]["repository"]["pullRequests"]["nodes"]) > 1:
            nodes[0]["author"] = None
            document["errors"] = [{"message": "Something went wrong"}]
        return document

    with edited(edit) as http:
        told = run_collect(github_server, tmp_path, http=http)

    assert (told.new, told.problems) == (2, [])
    assert load(tmp_path, 2).author


def test_an_error_is_about_what_is_below_it_and_above_it() -> None:
    errors = [{"path": path} for path in (None, ["repository"], ["repository", "p1", "author"], ["rateLimit"])]

    assert errors_about(errors, "repository", "p1") == errors[:3]
    assert errors_about(errors, "repository", "p2") == errors[:2]


# -- one pull request that GitHub cannot answer on -------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [100, 2])
def test_one_that_github_cannot_answer_on_stops_no_other(
    at_once: int, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_recheck.PULLS", at_once)
    pulls = [add_pull(repo, day) for day in range(1, 6)]
    run_collect(github_server, tmp_path)
    gone = {number: delete_comment(pulls[number - 1], -1) for number in (2, 5)}

    def change(parts: dict[str, Any]) -> list[Any] | None:
        if "p4" not in parts:
            return None
        parts["p4"] = None
        return ["repository", "p4"]

    with edited(spoil(IDS, change)) as http:
        told = run_collect(github_server, tmp_path, http=http)

    assert told.problems == ["octo/demo#4: nobody looked for deleted comments: Something went wrong."]
    assert (told.updated, list(told.unfinished)) == (2, ["octo/demo"])
    assert all(comment not in ids(tmp_path, number) for number, comment in gone.items())


def test_what_is_too_much_for_github_is_asked_for_in_parts(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pulls = [add_pull(repo, day) for day in range(1, 7)]
    run_collect(github_server, tmp_path)
    delete_comment(pulls[5], -1)

    def edit(_path: str, text: str, document: Any) -> Any:
        if IDS in text:
            parts = document["data"]["repository"]
            lost = list(parts)[2:]
            parts |= dict.fromkeys(lost)
            error = {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Too much."}
            document["errors"] = [{**error, "path": ["repository", name]} for name in lost]
        return document

    with edited(edit) as http:
        told = run_collect(github_server, tmp_path, http=http)

    assert (told.updated, told.problems, told.unfinished) == (1, [], {})


def test_where_github_answers_nothing_it_is_not_asked_for_each() -> None:
    class Silent:
        asked = 0

        def query(self, text: str, **_variables: str) -> Reply:
            self.asked += 1
            raise HostUnavailable("GitHub did not answer.")

    client, sizes = Silent(), dict.fromkeys(range(1, 101), 1)

    parts = list(get_parts(client, "octo/demo", sizes, str, dict))  # type: ignore[arg-type] # as above

    assert sorted(part.number for part in parts) == list(sizes)
    assert all(isinstance(part, Part) and part.error for part in parts)
    assert client.asked <= 7 + 4 * MOST_ALONE


def test_where_github_gives_none_the_rest_is_left(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls = [add_pull(repo, day) for day in range(1, 6)]
    run_collect(github_server, tmp_path)
    for pull in pulls:
        delete_comment(pull, -1)
    monkeypatch.setattr("training.collect_pulls.BATCH_PULLS", 2)

    with edited(spoil(PULLS, lambda parts: parts.update(dict.fromkeys(parts)) or [])) as http:
        told = run_collect(github_server, tmp_path, http=http)
    again = run_collect(github_server, tmp_path)

    assert told.problems == [
        *(f"octo/demo#{number} is left for the next collection: Something went wrong." for number in (1, 2)),
        "octo/demo: 3 more pull requests are left for the next collection.",
    ]
    assert (told.updated, again.updated, again.problems) == (0, 5, [])


def test_a_comment_without_an_id_costs_its_pull_request_only(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in range(1, 4):
        add_pull(repo, day)

    def change(parts: dict[str, Any]) -> None:
        if "p2" in parts:
            parts["p2"]["reviewThreads"]["nodes"][0]["comments"]["nodes"][0]["fullDatabaseId"] = None

    with edited(spoil(THREADS, change)) as http:
        told = run_collect(github_server, tmp_path, http=http)

    (problem,) = told.problems
    assert problem.startswith("octo/demo#2 is left for the next collection: GitHub's answer is not what it should be: ")
    assert told.new == 2


def test_one_that_always_fails_keeps_nobody_from_looking_and_no_list_is_read_again(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_repo.PULLS", 1)
    pulls = [add_pull(repo, day) for day in range(1, 5)]

    def change(parts: dict[str, Any]) -> list[Any] | None:
        if "p3" not in parts:
            return None
        parts["p3"] = None
        return ["repository", "p3"]

    with edited(spoil(THREADS, change)) as http:
        run_collect(github_server, tmp_path, guidelines=False, http=http)
        gone = delete_comment(pulls[0], -1)
        asked = len(github_server.requests)
        told = run_collect(github_server, tmp_path, guidelines=False, http=http)
    lists = [entry for entry in github_server.requests[asked:] if "pullRequests(" in str(entry.body)]
    again = run_collect(github_server, tmp_path)

    assert told.problems == ["octo/demo#3 is left for the next collection: Something went wrong."]
    assert (told.updated, len(lists), list(told.unfinished)) == (1, 2, ["octo/demo"])
    assert gone not in ids(tmp_path, 1)
    assert (again.new, again.unfinished) == (1, {})


@pytest.mark.parametrize("given", [{"since": "2024-03-03"}, {"limit": 1}])
def test_another_limit_keeps_nobody_from_looking(
    given: dict[str, Any], repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pulls = [add_pull(repo, day) for day in range(1, 4)]
    run_collect(github_server, tmp_path)
    gone = delete_comment(pulls[0], -1)

    run_collect(github_server, tmp_path, **given)

    assert gone not in ids(tmp_path, 1)


# -- what is damaged or deleted here ---------------------------------------------------------------------------------


def test_a_damaged_snapshot_is_repaired_beyond_the_limit(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    run_collect(github_server, tmp_path, limit=1)
    add_pull(repo, 2)
    run_collect(github_server, tmp_path, limit=1)
    path = tmp_path / "octo/demo/000001.json"
    good = path.read_bytes()
    path.write_bytes(good[:-100])

    told = run_collect(github_server, tmp_path, limit=1)

    assert (path.read_bytes(), told.unfinished) == (good, {})
    assert run_collect(github_server, tmp_path, limit=1).problems == []


def test_a_damaged_snapshot_of_what_github_has_no_more_is_left_to_the_user(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pull = add_pull(repo, 1)
    run_collect(github_server, tmp_path)
    path = tmp_path / "octo/demo/000001.json"
    path.write_bytes(path.read_bytes()[:-100])
    pull.vanish()

    told = run_collect(github_server, tmp_path)

    assert told.problems[:2] == [
        "octo/demo: 1 of the stored snapshots are damaged: asked for again.",
        f"{path} is damaged, and GitHub has no such pull request any more: delete the file.",
    ]
    assert path.is_file()


def test_what_an_opt_out_deletes_is_not_lost(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_repo.PULLS", 1)
    for day in range(1, 6):
        add_pull(repo, day, author="zed" if day == 2 else "alice", comments=0)
    run_collect(github_server, tmp_path)
    out, asked = parse_opt_out("zed", SALT), len(github_server.requests)

    told = run_collect(github_server, tmp_path, opt_out=out)
    lists = [entry for entry in github_server.requests[asked:] if "pullRequests(" in str(entry.body)]

    assert told.problems == ["octo/demo#2 is deleted: its author has opted out."]
    assert len(lists) == 2
    assert run_collect(github_server, tmp_path, opt_out=out).problems == []


# -- what looking costs ----------------------------------------------------------------------------------------------


def test_those_who_opted_out_make_looking_no_dearer(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in range(1, 13):
        add_pull(repo, day, comments=2)
    run_collect(github_server, tmp_path)
    without = run_collect(github_server, tmp_path)
    out = parse_opt_out("bob", SALT)
    run_collect(github_server, tmp_path, opt_out=out)

    told = run_collect(github_server, tmp_path, opt_out=out)

    assert told.requests["points"] == without.requests["points"]
    assert not load(tmp_path).comments_complete


def test_many_threads_are_no_change(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_recheck.BATCH_THREADS", 2)
    pull = add_pull(repo, 1, comments=3)
    run_collect(github_server, tmp_path)
    asked = len(github_server.requests)

    told = run_collect(github_server, tmp_path)
    diffs = [entry for entry in github_server.requests[asked:] if "/pulls/" in entry.path]
    gone = delete_comment(pull, -1)

    assert (told.updated, diffs) == (0, [])
    assert run_collect(github_server, tmp_path).updated == 1
    assert gone not in ids(tmp_path, 1)


# -- refresh ---------------------------------------------------------------------------------------------------------


def test_a_refresh_goes_on_where_it_was_stopped(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_repo.PULLS", 2)
    for day in range(1, 8):
        add_pull(repo, day, comments=0)
    run_collect(github_server, tmp_path)
    whole = read_folder(tmp_path)
    asked = len(github_server.requests)
    for count in (6, 6, 99):
        run = make_run(github_server, tmp_path, refresh=True)
        run.wire.close()
        run.wire = StoppingWire(run.watch, github_server.url)
        run.wire.left = count
        try:
            collect(run)
        except KeyboardInterrupt:
            assert count < 99
        run.wire.close()

    diffs = [entry.path for entry in github_server.requests[asked:] if "/pulls/" in entry.path]
    assert sorted(set(diffs)) == [f"/repos/octo/demo/pulls/{number}" for number in range(1, 8)]
    assert len(diffs) == 7, "none twice"
    assert read_folder(tmp_path) == whole
    assert run_collect(github_server, tmp_path, refresh=True).requests["core"] >= 7, "the next one begins anew"
