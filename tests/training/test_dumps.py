"""Dumps of the API on disk become the same snapshots as a collection; what is broken in them is told."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simulation.github_server import GitHubServer, RepoScenario
from simulation.github_server.client import Client
from tests.training.collecting import SALT, add_pull, create_repo, load, reasons, run_collect
from training.cli import train
from training.collect_run import Collected
from training.dumps import import_dumps, is_published
from training.licenses import LicenseRule
from training.opt_out import OptOut, parse_opt_out
from training.snapshot import Problem, hash_name
from training.store import SnapshotStore

PULL: dict[str, Any] = {
    "number": 7,
    "title": "Old",
    "user": {"login": "alice", "type": "User"},
    "base": {"sha": "b" * 40, "repo": {"full_name": "octo/old", "license": {"spdx_id": "MIT"}}},
    "head": {"sha": "a" * 40, "repo": None},
    "merged_at": "2019-01-01T00:00:00Z",
    "review_comments": 1,
    "comments": 0,
    "commits": 2,
}
COMMENT: dict[str, Any] = {"id": 5, "path": "a.py", "body": "Why?", "user": {"login": "some-bot[bot]", "type": "Bot"}}


def import_(folder: Path, *paths: Path, out: OptOut | None = None, licenses: LicenseRule = "permissive") -> Collected:
    return import_dumps(paths, SnapshotStore(folder), out or OptOut(), SALT, licenses)


def save(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
    return path


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    return create_repo(github_server)


THREADS = """query { repository(owner: "octo", name: "demo") { pullRequest(number: 1) { reviewThreads(first: 50) {
  nodes { isResolved isOutdated resolvedBy { login } comments(first: 1) { nodes { fullDatabaseId } } } } } } }"""


def dump(client: Client, folder: Path, *, diff: bool = True) -> None:
    """What `gh api` would save of the first pull request."""
    path = "/repos/octo/demo/pulls/1"
    save(folder / "repo.json", client.get("/repos/octo/demo").json())
    save(folder / "pulls/1.json", client.get(path).json())
    pages = [client.get(f"{path}/comments", params={"per_page": 2, "page": page}).json() for page in (1, 2)]
    (folder / "pulls/1").mkdir()
    (folder / "pulls/1/comments.json").write_text("\n".join(json.dumps(page) for page in pages), "utf-8")
    save(folder / "pulls/1/commits.json", [client.get(f"{path}/commits").json()])
    threads = client.query(THREADS)["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    save(folder / "pulls/1/threads.json", threads)
    if diff:
        answer = client.get(path, headers={"Accept": "application/vnd.github.diff"})
        (folder / "pulls/1.diff").write_bytes(answer.content)
    else:
        save(folder / "pulls/1/files.json", client.get(f"{path}/files").json())


def test_a_dump_and_a_collection_are_the_same(
    repo: RepoScenario, github_server: GitHubServer, github_client: Client, tmp_path: Path
) -> None:
    pull = add_pull(repo, 1, comments=2)
    pull.react("+1", review_comment=pull.pull.review_comments[0].id)
    pull.resolve(pull.pull.review_comments[0].id)
    dump(github_client, tmp_path / "dump/octo/demo")
    run_collect(github_server, tmp_path / "collected")

    told = import_(tmp_path / "imported", tmp_path / "dump")

    collected, imported = load(tmp_path / "collected"), load(tmp_path / "imported")
    assert (told.repos, told.new, told.problems) == (1, 1, [])
    assert replace(imported, source="github", etag=collected.etag, language=collected.language) == collected
    assert import_(tmp_path / "imported", tmp_path / "dump").unchanged == 1


def test_a_dump_without_a_diff_has_its_files(repo: RepoScenario, github_client: Client, tmp_path: Path) -> None:
    pull = add_pull(repo, 1)
    dump(github_client, tmp_path / "dump", diff=False)

    import_(tmp_path / "imported", tmp_path / "dump")

    diff = load(tmp_path / "imported").diff
    assert diff is not None
    assert [line for line in diff.split("\n") if not line.startswith("index")] == [
        line for line in pull.diff.decode().split("\n") if not line.startswith("index")
    ]


def test_old_dumps_have_only_positions(tmp_path: Path) -> None:
    file = save(
        tmp_path / "old.json", [{"pull": PULL, "comments": [{**COMMENT, "position": 4, "original_position": 4}]}]
    )

    import_(tmp_path / "s", file)

    snapshot = load(tmp_path / "s", 7, "octo/old")
    (said,) = snapshot.comments
    assert (said.line, said.position, said.original_position) == (None, 4, 4)
    assert (said.author, said.author_type) == (hash_name("some-bot", SALT), "Bot")
    assert reasons(snapshot) == ["head repository: deleted", "diff: the dump has neither a diff nor a list of files"]


def test_the_position_of_an_outdated_comment_says_nothing(tmp_path: Path) -> None:
    outdated = {**COMMENT, "line": None, "position": 1, "original_line": 9, "original_position": 8}
    import_(tmp_path / "s", save(tmp_path / "new.json", {"pull": PULL, "comments": [outdated]}))

    (comment,) = load(tmp_path / "s", 7, "octo/old").comments
    assert (comment.position, comment.original_position, comment.original_line) == (None, 8, 9)


def test_comments_that_the_dump_lacks_are_missed(tmp_path: Path) -> None:
    import_(tmp_path / "s", save(tmp_path / "a.json", PULL))

    snapshot = load(tmp_path / "s", 7, "octo/old")
    assert not snapshot.comments_complete
    assert Problem("comments", "the dump has 0 of 1") in snapshot.problems


def test_what_is_broken_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines = [b'{"pull": {"number": "x"}}', b"[1]", b"", json.dumps({"pull": PULL, "comments": [COMMENT]}).encode()]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines))[:-4])
    evil = {**PULL, "base": {"sha": "", "repo": {"full_name": "../../etc"}}}
    folder = tmp_path / "dump"
    save(folder / "pulls/1.json", PULL)
    (folder / "pulls/2.json").write_text('{"number": 2, ', "utf-8")

    told = import_(tmp_path / "s", path, save(tmp_path / "evil.json", evil), folder, tmp_path / "evil.json.txt")

    assert told.new == 1
    assert told.problems[0].startswith(f"{path}, line 1: Expected `int`, got `str` - at `$.pull.number`")
    assert told.problems[1:3] == [
        f"{path}, line 2 is no object.",
        f"{path} cannot be read to its end: Compressed file ended before the end-of-stream marker was reached.",
    ]
    assert "it does not say of which repository" in told.problems[3]
    assert f"{folder}/pulls/2.json, or a file beside it, cannot be read" in told.problems[4]
    assert "a dump is a folder" in told.problems[5]


def test_a_line_that_is_no_json_costs_itself_only(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = (json.dumps({"pull": {**PULL, "number": number}}) for number in (1, 2, 3))
    path.write_text('\n{"pull": {"number"\n'.join(lines), "utf-8")

    told = import_(tmp_path / "s", path)

    assert [problem.partition(" was left out: ")[0] for problem in told.problems] == [
        f"{path}, line {number}," for number in (2, 4)
    ]
    assert (told.new, is_published(path)) == (3, False)


@pytest.mark.parametrize(("pull", "comment", "fault"), [
    ({"number": 10**30}, {}, f"number is {10**30}, not from 1 to {2**53}"),
    ({}, {"id": 2**60}, f"comments[0].id is {2**60}, not from 1 to {2**53}"),
    ({}, {"path": "\ud800"}, "comments[0].path holds half a character: '\\ud800'"),
])  # fmt: skip
def test_what_no_stage_can_read_is_not_written(
    pull: dict[str, Any], comment: dict[str, Any], fault: str, tmp_path: Path
) -> None:
    row = {"pull": {**PULL, **pull}, "comments": [{**COMMENT, **comment}]}
    file = save(tmp_path / "a.json", [row, {**PULL, "number": 8}])

    told = import_(tmp_path / "s", file)

    assert told.problems == [f"{file}, entry 1: {fault}."]
    assert list(SnapshotStore(tmp_path / "s").list_keys()) == [("octo/old", 8)]


def test_the_table_shows_no_licence_as_it_stands(tmp_path: Path) -> None:
    repo = {"full_name": "octo/gpl", "license": {"spdx_id": "\n::warning title=x::hi\x1b[31m" + "L" * 200}}

    told = import_(tmp_path / "s", save(tmp_path / "a.json", {**PULL, "base": {"sha": "", "repo": repo}}))

    (reason,) = told.left_out
    assert reason.isprintable()
    assert len(reason) < 100


@pytest.mark.parametrize("number", [0, -7])
def test_the_first_pull_request_is_1(number: int, tmp_path: Path) -> None:
    file = save(tmp_path / "a.json", [{**PULL, "number": number}, PULL])

    told = import_(tmp_path / "s", file)

    assert told.problems == [f"{file}, entry 1: there is no pull request {number}: the first is 1."]
    assert told.new == 1


def test_who_and_what_is_left_out(tmp_path: Path) -> None:
    open_one = {**PULL, "number": 8, "merged_at": None}
    gpl = {**PULL, "base": {"sha": "", "repo": {"full_name": "octo/gpl", "license": {"spdx_id": "GPL-2.0"}}}}
    file = save(tmp_path / "a.json", [PULL, open_one, gpl])

    told = import_(tmp_path / "s", file, out=parse_opt_out("alice", SALT))

    assert dict(told.left_out) == {
        "pull request of somebody who has opted out": 1,
        "pull request that was not merged": 1,
        "pull request under the licence GPL-2.0": 1,
    }
    assert import_(tmp_path / "s", file, licenses="any").new == 2


def test_the_kind_of_a_path_is_seen_from_its_first_row(tmp_path: Path) -> None:
    dumped = tmp_path / "dump.jsonl"
    dumped.write_text(json.dumps({"pull": PULL}) + "\n", "utf-8")
    (tmp_path / "set").mkdir()
    published = tmp_path / "set/rows.jsonl.gz"
    published.write_bytes(gzip.compress(json.dumps({"repo": "a/b", "number": 1, "hunk": "@@"}).encode()))

    assert not is_published(dumped)
    assert not is_published(tmp_path)
    assert is_published(published)
    assert is_published(tmp_path / "set")


def test_the_command_reads_dumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLOSSATOR_NAME_SALT", SALT)
    save(tmp_path / "a.json", {"pull": PULL, "comments": [COMMENT], "diff": ""})

    result = CliRunner().invoke(train, ["collect", "--from", "a.json"])

    assert result.exit_code == 0, result.output
    assert "new pull requests" in result.output
    assert (tmp_path / "data/snapshots/octo/old/000007.json").is_file()
    (tmp_path / "opt-out.txt").write_text("alice\n", "utf-8")
    again = CliRunner().invoke(train, ["collect", "--from", "a.json"])
    assert "octo/old#7 is deleted: its author has opted out." in again.output
    assert not (tmp_path / "data/snapshots/octo/old/000007.json").exists()
