"""Collecting from the stand-in GitHub: what a snapshot holds, what is left out, what it costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulation.github_server import GitHubServer, RepoScenario
from tests.training.collecting import (
    SALT,
    add_pull,
    changed,
    create_repo,
    load,
    make_run,
    read_folder,
    run_collect,
)
from training.collect import collect
from training.snapshot import hash_name
from training.store import SnapshotStore


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    return create_repo(github_server)


# -- what a snapshot holds ---------------------------------------------------------------------------------------


def test_a_snapshot_holds_all_that_was_said(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pull = repo.open_pull_request(changed(3, 20), title="Change lines", body="See below.")
    first = pull.review_comment("app.py", 3, "Why?")
    review = {
        "path": "app.py",
        "line": 20,
        "start_line": 18,
        "side": "RIGHT",
        "start_side": "RIGHT",
        "body": "And here?",
    }
    pull.review(comments=[review])
    pull.call("bob", "POST", f"{pull.path}/comments", {
        "path": "app.py", "subject_type": "file", "commit_id": pull.head_sha, "body": "The whole file.",
    })  # fmt: skip
    pull.review_comment("app.py", 3, "Removed too early.", side="LEFT")
    pull.reply(first["id"], "Because.")
    pull.react("+1", review_comment=first["id"])
    pull.react("heart", author="carol", review_comment=first["id"])
    pull.resolve(first["id"], author="bob")
    pull.label("bug")
    reviewed = pull.head_sha
    pull.push(changed(3))
    pull.close(merged=True)

    told = run_collect(github_server, tmp_path)

    snapshot = load(tmp_path)
    alice, bob = hash_name("alice", SALT), hash_name("bob", SALT)
    assert (told.new, told.problems) == (1, [])
    assert (snapshot.title, snapshot.body, snapshot.labels) == ("Change lines", "See below.", ("bug",))
    assert (snapshot.author, snapshot.author_type, snapshot.license) == (alice, "User", "MIT")
    assert (snapshot.head_sha, snapshot.merged, snapshot.merge_sha) == (pull.head_sha, True, repo.head())
    assert snapshot.diff == pull.diff.decode()
    assert [commit.headline for commit in snapshot.commits] == ["Change lines", "More"]
    why, ranged, whole, left, reply = snapshot.comments
    assert (why.line, why.original_line, why.side, why.author, why.author_association) == (
        3, 3, "RIGHT", bob, "COLLABORATOR",
    )  # fmt: skip
    assert (why.position, why.original_position, why.original_commit_id) == (4, 4, reviewed)
    assert why.reactions == {"+1": 1, "heart": 1}
    assert why.diff_hunk.startswith("@@")
    assert (ranged.line, ranged.position) == (None, None)
    assert (ranged.original_start_line, ranged.original_line, ranged.start_side) == (18, 20, "RIGHT")
    assert (whole.subject_type, whole.side, whole.original_position) == ("file", None, None)
    assert (left.side, left.original_line) == ("LEFT", 3)
    assert (reply.in_reply_to, reply.author) == (why.id, alice)
    threads = {thread.root: (thread.is_resolved, thread.is_outdated, thread.resolved_by) for thread in snapshot.threads}
    assert threads[why.id] == (True, False, bob)
    assert threads[ranged.id] == (False, True, "")


def test_no_login_is_ever_written(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pull = add_pull(repo, 1, author="alice-unmistakable")
    pull.resolve(pull.pull.review_comments[0].id, author="carol-unmistakable")

    run_collect(github_server, tmp_path)

    assert b"unmistakable" not in b"".join(read_folder(tmp_path).values())


@pytest.mark.parametrize("login", ["coderabbitai", "CodeCov", "Copilot", "renovate[bot]", "some-bot", "x_bot"])
def test_programs_are_bots(login: str, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pull = repo.open_pull_request(changed(3))
    repo.add_collaborator(login)
    pull.review_comment("app.py", 3, "Consider.", author=login)
    pull.review_comment("app.py", 3, "Really.", author="abbott")
    pull.close(merged=True)

    run_collect(github_server, tmp_path)

    assert [comment.author_type for comment in load(tmp_path).comments] == ["Bot", "User"]


@pytest.mark.slow
def test_what_overflows_its_page_is_asked_for(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pull = repo.open_pull_request({"long.py": "".join(f"{number}\n" for number in range(130))})
    pull.review(comments=[{"path": "long.py", "line": at, "side": "RIGHT", "body": f"c{at}"} for at in range(1, 105)])
    root = pull.pull.review_comments[0].id
    for number in range(12):
        pull.reply(root, f"reply {number}")
    store, ref, head = repo.repository.store, repo.repository.ref("topic"), pull.head_sha
    for number in range(55):
        step, date = {"n.txt": f"{number}\n"}, 1_700_000_000 + number
        head = store.commit(ref, step, f"step {number}", parent=head, author="alice", date=date)
    pull.pull.head_sha = head
    pull.close(merged=True)

    run_collect(github_server, tmp_path)

    snapshot = load(tmp_path)
    assert len(snapshot.threads) == 104
    assert len(snapshot.comments) == 116
    assert sum(comment.in_reply_to == root for comment in snapshot.comments) == 12
    assert len(snapshot.commits) == 56
    assert snapshot.problems == ()


# -- limits on what is collected -----------------------------------------------------------------------------------


def test_since_and_limit(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    for day in range(1, 5):
        add_pull(repo, day, comments=0)

    def numbers() -> list[int]:
        return [number for _, number in SnapshotStore(tmp_path).list_keys()]

    run_collect(github_server, tmp_path, limit=1)
    assert numbers() == [4]
    run_collect(github_server, tmp_path, since="2024-03-03")
    assert numbers() == [3, 4]
    told = run_collect(github_server, tmp_path)
    assert numbers() == [1, 2, 3, 4]
    assert (told.new, told.unchanged) == (2, 2)


def test_only_merged_ones(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    repo.open_pull_request(changed(3))
    repo.open_pull_request(changed(4), branch="other").close()

    assert run_collect(github_server, tmp_path).new == 0


# -- cost --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_estimate_is_near_what_is_asked(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    from training.collect_plan import count_all, estimate

    for day in range(1, 13):
        add_pull(repo, day, comments=day % 3)
    run = make_run(github_server, tmp_path)

    counted, _ = count_all(run)
    told = collect(run)
    run.wire.close()

    assert [(one.pulls, one.threads) for one in counted] == [(12, 12)]
    guess = estimate(12, 12)
    assert abs(guess.requests - told.requests["core"] - told.requests["graphql"]) <= 12
    assert guess.points >= told.requests["points"] - 2


def test_a_dry_run_writes_nothing(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    from training.collect_plan import count_all

    add_pull(repo, 1)
    run = make_run(github_server, tmp_path)
    count_all(run)
    run.wire.close()

    assert read_folder(tmp_path) == {}


def test_the_files_are_plain_json(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    add_pull(repo, 1)
    run_collect(github_server, tmp_path)

    names = read_folder(tmp_path)
    assert sorted(names) == [
        "collect.json", "octo/demo/000001.json", "octo/demo/collect.json", "octo/demo/guidelines.json",
    ]  # fmt: skip
    assert all(json.loads(text)["schema"].startswith("glossator/") for text in names.values())
