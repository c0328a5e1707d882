"""Collecting again, after a stop, after a change, without people who opted out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reviewer.errors import UsageError
from simulation.github_server import GitHubServer, PullScenario, RepoScenario
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
from training.collect import apply_opt_out, collect
from training.dumps import import_dumps
from training.guideline_history import files_at, load_history
from training.opt_out import OptOut, parse_opt_out
from training.snapshot import hash_name
from training.store import SnapshotStore

pytestmark = pytest.mark.slow


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    return create_repo(github_server)


# -- the second time ---------------------------------------------------------------------------------------------


def test_the_second_time_nothing_is_written_and_little_asked(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in range(1, 4):
        add_pull(repo, day)
    run_collect(github_server, tmp_path)
    before, stamps = read_folder(tmp_path), {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    asked = len(github_server.requests)

    told = run_collect(github_server, tmp_path)

    assert read_folder(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")} == stamps
    assert [entry.status for entry in github_server.requests[asked:]] == [304, 304, 200, 200]
    assert (told.new, told.updated) == (0, 0)


def test_only_what_changed_is_asked_for_again(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pulls = [add_pull(repo, day) for day in range(1, 4)]
    run_collect(github_server, tmp_path)
    before, asked = read_folder(tmp_path), len(github_server.requests)
    github_server.set_time("2024-04-01T00:00:00Z")
    pulls[1].reply(pulls[1].pull.review_comments[0].id, "One more thing.")

    told = run_collect(github_server, tmp_path)

    after = read_folder(tmp_path)
    diffs = [entry for entry in github_server.requests[asked:] if "/pulls/" in entry.path]
    assert (told.new, told.updated) == (0, 1)
    assert [name for name in after if after[name] != before[name]] == [
        "octo/demo/000002.json",
        "octo/demo/collect.json",
    ]
    assert [(entry.path, entry.status) for entry in diffs] == [("/repos/octo/demo/pulls/2", 304)]
    assert load(tmp_path, 2).comments[-1].body == "One more thing."
    assert load(tmp_path, 2).diff == pulls[1].diff.decode()


def test_refresh_sees_what_is_no_update(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pull = add_pull(repo, 1)
    add_pull(repo, 2)
    run_collect(github_server, tmp_path)
    pull.resolve(pull.pull.review_comments[0].id)

    assert run_collect(github_server, tmp_path).updated == 0
    told = run_collect(github_server, tmp_path, refresh=True)

    assert (told.updated, told.unchanged) == (1, 1)
    assert load(tmp_path).threads[0].is_resolved


# -- what is no update -------------------------------------------------------------------------------------------


def delete_comment(pull: PullScenario, at: int) -> int:
    """Somebody deletes a review comment; the pull request is not updated by it. Returns its id."""
    comment: int = pull.pull.review_comments[at].id
    updated = pull.pull.updated
    pull.call("bob", "DELETE", f"/repos/octo/demo/pulls/comments/{comment}")
    assert pull.pull.updated == updated
    return comment


def ids(folder: Path, number: int) -> set[int]:
    return {comment.id for comment in load(folder, number).comments}


@pytest.mark.parametrize("recheck", [True, False])
def test_deleted_comments_vanish_when_their_pull_request_is_updated(
    recheck: bool, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pull = add_pull(repo, 1, comments=2)
    run_collect(github_server, tmp_path)
    gone = delete_comment(pull, -1)
    thread = delete_comment(pull, 0)
    github_server.set_time("2024-04-01T00:00:00Z")
    pull.label("bug")

    told = run_collect(github_server, tmp_path, recheck=recheck)

    assert told.updated == 1
    assert not {gone, thread} & ids(tmp_path, 1)
    assert thread not in {thread.root for thread in load(tmp_path).threads}


def test_comments_that_were_deleted_or_edited_are_noticed(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pulls = [add_pull(repo, day) for day in range(1, 6)]
    pulls.append(add_pull(repo, 6, comments=0))
    run_collect(github_server, tmp_path)
    before = read_folder(tmp_path)
    gone = delete_comment(pulls[1], 1)
    delete_comment(pulls[2], 1)
    delete_comment(pulls[2], 0)
    github_server.set_time("2024-04-01T00:00:00Z")
    edited = pulls[3].pull.review_comments[0]
    edited.body, edited.updated = "Never mind.", github_server.world.now()
    asked = len(github_server.requests)

    quiet = run_collect(github_server, tmp_path, recheck=False)
    told = run_collect(github_server, tmp_path)

    names = ["octo/demo/000002.json", "octo/demo/000003.json", "octo/demo/000004.json"]
    assert (quiet.updated, told.updated, told.problems, told.unfinished) == (0, 3, [], {})
    assert [name for name, data in read_folder(tmp_path).items() if data != before[name]] == names
    assert gone not in ids(tmp_path, 2)
    assert (load(tmp_path, 3).comments, load(tmp_path, 3).threads) == ((), ())
    assert load(tmp_path, 4).comments[0].body == "Never mind."
    assert all(entry.status == 304 for entry in github_server.requests[asked:] if "/pulls/" in entry.path)
    assert run_collect(github_server, tmp_path).updated == 0


def test_many_pull_requests_are_looked_at_in_few_requests(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(1, 5):
        add_pull(repo, day)
    run_collect(github_server, tmp_path)
    monkeypatch.setattr("training.collect_recheck.PULLS", 3)

    told = run_collect(github_server, tmp_path)
    assert (told.requests["graphql"], told.requests["points"]) == (3, 4), "two for the comments, one for the list"
    github_server.faults.add("POST", "/graphql", status=502, times=4)
    assert run_collect(github_server, tmp_path).requests["graphql"] == 4, "a question that is too much is halved"


def test_those_who_opted_out_are_no_deleted_comments(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pull = repo.open_pull_request({"a.py": "one\ntwo\nthree\n"})
    for line, author in enumerate(("bob", "bob", "carol"), 1):
        pull.review_comment("a.py", line, "Why?", author=author)
    pull.close(merged=True)
    out = parse_opt_out("bob", SALT)
    run_collect(github_server, tmp_path, opt_out=out)
    asked = len(github_server.requests)

    run_collect(github_server, tmp_path, opt_out=out)

    assert github_server.count("GET", "/pulls/1") == 1
    assert [entry.path for entry in github_server.requests[asked:]].count("/graphql") == 2


@pytest.mark.parametrize(("document", "reason"), [
    ({"data": {"repository": {"p1": {"reviewThreads": 7}}}}, "GitHub's answer is not what it should be"),
    ({"data": {"repository": {"p1": None}}, "errors": [{"message": "Timeout"}]}, "Timeout"),
    ({"data": {"repository": {}}}, "GraphQL gave a part of its answer only"),
    ({"data": {"repository": {"p1": {"reviewThreads": {"nodes": []}}}}}, "GitHub's answer is not what it should be"),
])  # fmt: skip
def test_comments_that_cannot_be_looked_at_are_a_problem(
    document: Any, reason: str, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    run_collect(github_server, tmp_path)
    add_pull(repo, 2)
    github_server.faults.add("POST", "/graphql", status=200, body=document)

    told = run_collect(github_server, tmp_path, guidelines=False)

    (problem,) = told.problems
    assert problem.startswith(f"octo/demo#1: nobody looked for deleted comments: {reason}")
    assert (told.new, list(told.unfinished)) == (1, ["octo/demo"])


def test_a_pull_request_that_is_gone_stays_as_it_was(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1).vanish()
    run_collect(github_server, tmp_path)
    pull = add_pull(repo, 2)
    run_collect(github_server, tmp_path)
    before = read_folder(tmp_path)
    pull.vanish()

    told = run_collect(github_server, tmp_path)

    assert (told.problems, told.unfinished, read_folder(tmp_path)) == ([], {}, before)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """One client for many runs: to make one takes longer than a run."""
    with httpx.Client() as client:
        yield client


def test_stopped_before_any_request_it_goes_on_to_the_same_end(
    repo: RepoScenario,
    github_server: GitHubServer,
    http: httpx.Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.collect_repo.PULLS", 2)
    for day in range(1, 4):
        add_pull(repo, day, comments=day % 2)
    whole, folder = tmp_path / "whole", tmp_path / "stopped"
    run_collect(github_server, whole)
    wanted, total = read_folder(whole), len(github_server.requests)

    for count in range(1, total):
        shutil.rmtree(folder, ignore_errors=True)
        run = make_run(github_server, folder, http=http)
        run.wire = StoppingWire(run.watch, github_server.url, http=http)
        run.wire.left = count
        with pytest.raises(KeyboardInterrupt):
            collect(run)
        run_collect(github_server, folder, http=http)
        assert read_folder(folder) == wanted, f"stopped after {count} of {total}"
    assert total == 11


def test_a_stopped_walk_goes_on_at_its_page(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_repo.PULLS", 1)
    for day in range(1, 5):
        add_pull(repo, day, comments=0)
    run = make_run(github_server, tmp_path, guidelines=False)
    run.wire = StoppingWire(run.watch, github_server.url)
    run.wire.left = 6
    with pytest.raises(KeyboardInterrupt):
        collect(run)
    run.wire.close()

    told = run_collect(github_server, tmp_path, guidelines=False)

    assert (told.new, told.unchanged) == (2, 0)
    assert len(list(SnapshotStore(tmp_path).list_keys())) == 4


def test_a_cursor_that_github_has_forgotten(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_repo.PULLS", 1)
    for day in range(1, 4):
        add_pull(repo, day, comments=0)
    run = make_run(github_server, tmp_path, guidelines=False)
    run.wire = StoppingWire(run.watch, github_server.url)
    run.wire.left = 4
    with pytest.raises(KeyboardInterrupt):
        collect(run)
    run.wire.close()
    body = {"data": {"repository": None}, "errors": [{"type": "INVALID_CURSOR_ARGUMENTS", "message": "no such cursor"}]}
    github_server.faults.add("POST", "/graphql", status=200, body=body)

    told = run_collect(github_server, tmp_path, guidelines=False)

    assert (told.new, told.unchanged, told.problems) == (2, 1, [])


def test_a_snapshot_that_cannot_be_read_is_collected_again(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    run_collect(github_server, tmp_path)
    path = tmp_path / "octo" / "demo" / "000001.json"
    good = path.read_bytes()
    path.write_bytes(good[:100])

    run_collect(github_server, tmp_path)

    assert path.read_bytes() == good


@pytest.mark.parametrize("damage", ["cut short", "deleted"])
def test_an_old_snapshot_that_is_lost_is_collected_again(
    damage: str, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in range(1, 4):
        add_pull(repo, day)
    run_collect(github_server, tmp_path)
    before, path = read_folder(tmp_path), tmp_path / "octo" / "demo" / "000001.json"
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100])

    told = run_collect(github_server, tmp_path)
    again = run_collect(github_server, tmp_path)

    lost = damage == "deleted"
    what = "gone: the whole list is read." if lost else "damaged: asked for again."
    assert told.problems == [f"octo/demo: 1 of the stored snapshots are {what}"]
    assert (told.new, told.unchanged) == (1, 2 if lost else 1)
    assert read_folder(tmp_path) == before
    assert (again.unchanged, again.problems) == (1, [])


# -- people who opted out ----------------------------------------------------------------------------------------


def test_who_opted_out_is_never_written(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pull = add_pull(repo, 1)
    pull.resolve(pull.pull.review_comments[0].id, author="bob")
    add_pull(repo, 2, author="bob")

    told = run_collect(github_server, tmp_path, opt_out=parse_opt_out("# people\n@bob # asked in May\n", SALT))

    snapshot = load(tmp_path)
    assert dict(told.left_out) == {"pull request of somebody who has opted out": 1}
    assert [comment.body for comment in snapshot.comments] == ["Because."]
    assert not snapshot.comments_complete
    assert snapshot.threads[0].resolved_by == ""
    assert hash_name("bob", SALT).encode() not in b"".join(read_folder(tmp_path).values())


def test_what_is_stored_is_rewritten_without_them(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    add_pull(repo, 2, author="bob")
    run_collect(github_server, tmp_path)
    out = parse_opt_out(hash_name("bob", SALT))

    told = run_collect(github_server, tmp_path, "octo/nothing", opt_out=out)

    assert told.problems[:2] == [
        "octo/demo#1 is rewritten without people who have opted out.",
        "octo/demo#2 is deleted: its author has opted out.",
    ]
    assert hash_name("bob", SALT).encode() not in b"".join(read_folder(tmp_path).values())
    assert apply_opt_out(SnapshotStore(tmp_path), out, SALT) == []


def test_a_damaged_file_does_not_keep_opted_out_people(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in range(1, 4):
        add_pull(repo, day)
    run_collect(github_server, tmp_path)
    path = tmp_path / "octo" / "demo" / "000001.json"
    path.write_bytes(path.read_bytes()[:-100])

    told = run_collect(github_server, tmp_path, opt_out=parse_opt_out("bob", SALT))

    assert told.problems[0].startswith(
        f"octo/demo#1 is deleted: it may hold words of people who have opted out. {path} "
    )
    assert told.problems[1:] == [
        "octo/demo#2 is rewritten without people who have opted out.",
        "octo/demo#3 is rewritten without people who have opted out.",
    ]
    assert told.new == 1
    assert [comment.body for comment in load(tmp_path).comments] == ["Because."]
    assert hash_name("bob", SALT).encode() not in b"".join(read_folder(tmp_path).values())


def test_another_salt_is_refused(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    add_pull(repo, 1)
    run_collect(github_server, tmp_path)

    store = SnapshotStore(tmp_path)
    with pytest.raises(UsageError, match="another GLOSSATOR_NAME_SALT"):
        apply_opt_out(store, OptOut(), "salt")
    with pytest.raises(UsageError, match="another GLOSSATOR_NAME_SALT"):
        import_dumps([], store, OptOut(), "salt", "any")


def test_a_salt_that_nobody_knows_is_refused_by_whoever_hashes(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    run_collect(github_server, tmp_path)
    (tmp_path / "collect.json").unlink()
    (tmp_path / "octo/demo/collect.json").unlink()
    before, asked = read_folder(tmp_path), len(github_server.requests)

    for refresh in (False, True):
        with pytest.raises(UsageError, match=r"which tells with what salt, is gone\."):
            run_collect(github_server, tmp_path, refresh=refresh)
    with pytest.raises(UsageError, match=r"which tells with what salt, is gone\."):
        import_dumps([], SnapshotStore(tmp_path), OptOut(), SALT, "any")

    assert (read_folder(tmp_path), len(github_server.requests)) == (before, asked)


# -- guidelines --------------------------------------------------------------------------------------------------


def test_guidelines_as_they_were_at_a_time(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    run_collect(github_server, tmp_path)
    github_server.set_time("2024-05-01T00:00:00Z")
    repo.commit({"ruff.toml": "line-length = 100\n"})
    asked = len(github_server.requests)

    run_collect(github_server, tmp_path)

    history = load_history(tmp_path, "octo/demo")
    paths = [entry.path for entry in github_server.requests[asked:] if entry.path.endswith("/commits")]
    assert len(paths) == 1, "only the new file is asked for"
    assert files_at(history, "2023-12-31T00:00:00Z").list_files() == ()
    assert files_at(history, "2024-01-15T00:00:00Z").read_file("CONTRIBUTING.md", 100) == "Be kind.\n"
    assert files_at(history, "2024-03-01T00:00:00Z").read_file("CONTRIBUTING.md", 11) == "Be kind and"
    assert files_at(history, "2024-05-01T00:00:00Z").list_files() == ("CONTRIBUTING.md", "ruff.toml")
    assert list(SnapshotStore(tmp_path).list_keys()) == []


def test_guidelines_that_cannot_be_had_stop_nothing(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    github_server.faults.add("GET", "/git/trees/", status=409, body={"message": "Empty."})

    told = run_collect(github_server, tmp_path)

    assert told.problems == [
        "octo/demo: no new guidelines: GitHub answered 409 for /repos/octo/demo/git/trees/main: Empty."
    ]
    assert told.new == 1
