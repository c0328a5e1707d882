"""`glossator-train collect` as somebody runs it: what it prints, what it refuses, what a kill leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reviewer.errors import HostError
from simulation.github_server import GitHubServer, RepoScenario
from tests.training.collecting import SALT, StoppingWire, add_pull, create_repo, make_run, read_folder, run_collect
from training.cli import train
from training.collect import collect
from training.collect_watch import TerminalWatch, render_pulls
from training.commands.collect import collect_all
from training.errors import DataError
from training.snapshot import hash_name
from training.store import SnapshotStore

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    return create_repo(github_server)


def environment(server: GitHubServer) -> dict[str, str]:
    return {
        "GITHUB_API_URL": server.url,
        "GITHUB_GRAPHQL_URL": server.graphql_url,
        "GLOSSATOR_GITHUB_TOKENS": "actions-token",
        "GLOSSATOR_NAME_SALT": SALT,
    }


def invoke(server: GitHubServer, folder: Path, *words: str, **variables: str) -> Result:
    given = {**environment(server), "GLOSSATOR_APP_ID": "", "GLOSSATOR_APP_KEY": "", "GITHUB_TOKEN": "", **variables}
    return CliRunner().invoke(train, ["collect", "--snapshots", str(folder), *words], env=given)


def test_the_table_at_the_end(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    create_repo(github_server, "octo/closed", license=None)
    for day in (1, 2):
        add_pull(repo, day)

    result = invoke(github_server, tmp_path, "--repo", "octo/demo", "--repo", "octo/closed")

    assert result.exit_code == 0
    assert result.stderr == "octo/closed is left out: it has no licence. `--licenses any` takes it.\n"
    rows = [line.rsplit(maxsplit=1) for line in result.stdout.splitlines()]
    assert rows[:5] == [
        ["repositories", "2"],
        ["new pull requests", "2"],
        ["updated", "0"],
        ["unchanged", "0"],
        ["left out: repository with no licence", "1"],
    ]
    assert rows[-1] == ["problems", "1"]


def test_a_collection_that_breaks_off_prints_its_table_and_fails(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    add_pull(repo, 2)
    github_server.faults.add("GET", "/pulls/2", status=404, body={"message": "Not Found"})

    result = invoke(github_server, tmp_path, "--repo", "octo/nothing", "--repo", "octo/demo")

    assert isinstance(result.exception, HostError)
    assert (result.exception.exit_code, result.exception.hint) == (5, "Check the name.")
    assert result.exception.what.startswith("Not collected to the end: octo/nothing; what came is kept. octo/nothing: ")
    rows = [line.rsplit(maxsplit=1) for line in result.stdout.splitlines()]
    assert rows[:3] == [["repositories", "1"], ["  not collected to the end", "1"], ["new pull requests", "2"]]
    assert rows[-1] == ["problems", "1"]


def test_a_token_that_is_refused_midway(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    for day in (1, 2):
        add_pull(repo, day, comments=0)
    github_server.faults.add("GET", "/pulls/1", status=401, times=99)

    result = invoke(github_server, tmp_path, "--repo", "octo/demo", "--repo", "octo/other")

    assert isinstance(result.exception, HostError)
    assert result.exception.exit_code == 5
    assert "new pull requests" in result.stdout
    assert "octo/demo: GitHub accepts none of the tokens." in result.stderr
    assert github_server.count("GET", "octo/other") == 0, "nobody is asked with no token"
    github_server.faults.clear()
    again = invoke(github_server, tmp_path, "--repo", "octo/demo")
    assert again.exit_code == 0
    assert len(list(SnapshotStore(tmp_path).list_keys())) == 2


def test_what_cannot_be_written_ends_with_the_table_too(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    (tmp_path / "octo/demo/000001.json").mkdir(parents=True)

    result = invoke(github_server, tmp_path, "--repo", "octo/demo")

    assert isinstance(result.exception, DataError)
    assert "new pull requests" in result.stdout


def test_stopped_it_says_what_was_done(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in (1, 2):
        add_pull(repo, day, comments=0)
    run = make_run(github_server, tmp_path, guidelines=False)
    run.wire = StoppingWire(run.watch, github_server.url)
    run.wire.left = 3

    with pytest.raises(KeyboardInterrupt):
        collect_all(run)
    run.wire.close()

    assert "new pull requests             1\n" in capsys.readouterr().out


def test_the_dry_run(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    for day in (1, 2):
        add_pull(repo, day)

    result = invoke(github_server, tmp_path, "--repo", "octo/demo", "--repo", "octo/nothing", "--dry-run")

    assert result.exit_code == 0
    assert result.stderr == "octo/nothing: GitHub has no /repos/octo/nothing, or the token may not see it.\n"
    assert result.stdout.split("\n")[1].split() == ["octo/demo", "2", "2", "19", "6"]
    assert "about 1 minutes with 1,000 requests and 1,000 points an hour. An estimate: " in result.stdout
    assert read_folder(tmp_path) == {}


@pytest.mark.parametrize(("since", "words"), [
    ("2023", " Of octo/demo all merged pull requests are counted, whenever updated."), ("2024-03-03", ""), ("", ""),
])  # fmt: skip
def test_the_dry_run_says_what_it_does_not_know(
    since: str, words: str, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("training.collect_plan.SAMPLE", 2)
    for day in (1, 2, 3):
        add_pull(repo, day)

    result = invoke(github_server, tmp_path, "--repo", "octo/demo", "--dry-run", "--since", since)

    told = "An estimate: threads are counted on the 2 last updated pull requests."
    assert f" {told}{words} Nothing was collected." in result.stdout


def test_the_dry_run_reads_nothing_from_disk(github_server: GitHubServer, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}", "utf-8")

    result = invoke(github_server, tmp_path / "s", "--from", str(tmp_path / "a.json"), "--dry-run")

    assert result.stdout == f"{tmp_path / 'a.json'}: reading from disk asks GitHub for nothing. Nothing was read.\n"
    assert not (tmp_path / "s").exists()


def test_a_salt_that_nobody_knows_any_more(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    add_pull(repo, 1)
    invoke(github_server, tmp_path, "--repo", "octo/demo")
    (tmp_path / "collect.json").unlink()
    before = read_folder(tmp_path)

    result = invoke(github_server, tmp_path, "--repo", "octo/demo", GLOSSATOR_NAME_SALT="other")

    assert "which tells with what salt, is gone." in str(result.exception)
    assert read_folder(tmp_path) == before
    (tmp_path / "octo/demo/collect.json").unlink()
    assert "is gone." in str(invoke(github_server, tmp_path, "--repo", "octo/demo").exception)
    assert "is gone." in str(invoke(github_server, tmp_path, "--repo", "octo/demo", "--refresh").exception)
    assert invoke(github_server, tmp_path / "other", "--repo", "octo/demo").exit_code == 0


def test_logins_are_not_found_in_published_data(github_server: GitHubServer, tmp_path: Path) -> None:
    row = {"repo": "octo/demo", "number": 1, "author": hash_name("carol"), "diff": "", "comments": []}
    (tmp_path / "p.jsonl").write_text(json.dumps(row), "utf-8")
    opt_out = tmp_path / "opt-out.txt"
    words = ["--from", str(tmp_path / "p.jsonl"), "--opt-out", str(opt_out)]
    opt_out.write_text("carol\n", "utf-8")

    result = invoke(github_server, tmp_path / "s", *words)

    assert result.exit_code == 0
    assert f"{opt_out} names people by their logins. They are not found in published data" in result.stderr
    opt_out.write_text(hash_name("carol"), "utf-8")
    again = invoke(github_server, tmp_path / "other", *words)
    assert again.stderr == "octo/demo#1 is deleted: its author has opted out.\n"


def test_what_a_kill_left_is_swept(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    (tmp_path / "octo/demo").mkdir(parents=True)
    (tmp_path / f"octo/demo/.000001.json.{'9' * 20}").write_text("bob", "utf-8")

    invoke(github_server, tmp_path, "--repo", "octo/demo")

    assert sorted(read_folder(tmp_path)) == ["collect.json", "octo/demo/collect.json", "octo/demo/guidelines.json"]


def test_parameters_of_the_file_and_of_the_options(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for day in (1, 2, 3):
        add_pull(repo, day)
    Path("params.yaml").write_text('collect: {repos: [octo/demo], since: "2024-03-02", guidelines: false}\n', "utf-8")

    result = invoke(github_server, tmp_path / "s", "--limit", "1")

    assert result.exit_code == 0
    assert sorted(read_folder(tmp_path / "s")) == ["collect.json", "octo/demo/000003.json", "octo/demo/collect.json"]


@pytest.mark.parametrize(("words", "variables", "what"), [
    ([], {}, "There is no repository to collect from."),
    (["--repo", "octo"], {}, "'octo' is no repository's name."),
    (["--repo", "../x"], {}, "'../x' is no repository's name."),
    (["--repo", "octo/.."], {}, "'octo/..' is no repository's name."),
    (["--repo", "a/b", "--since", "yesterday"], {}, "'yesterday' is no time."),
    (["--repo", "a/b"], {"GLOSSATOR_GITHUB_TOKENS": " ,"}, "There is no token for GitHub."),
    (["--repo", "a/b"], {"GITHUB_API_URL": "api.github.com"}, "'api.github.com' is no address of an API."),
])  # fmt: skip
def test_what_is_refused(
    words: list[str], variables: dict[str, str], what: str, github_server: GitHubServer, tmp_path: Path
) -> None:
    result = invoke(github_server, tmp_path, *words, **variables)

    assert str(result.exception).split("\n")[0] == what
    assert github_server.requests == []


def test_what_cannot_be_written_is_named(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    add_pull(repo, 1)
    (tmp_path / "octo").mkdir()
    (tmp_path / "octo" / "demo").write_text("in the way", "utf-8")

    result = invoke(github_server, tmp_path, "--repo", "octo/demo")

    assert isinstance(result.exception, DataError)
    assert result.exception.what.startswith(f"Cannot write {tmp_path / 'octo' / 'demo' / 'collect.json'}: ")


def test_without_a_salt_it_warns(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    result = invoke(github_server, tmp_path, "--repo", "octo/demo", GLOSSATOR_NAME_SALT="")

    assert "Names are hashed without a salt" in result.stderr


def test_progress(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    for day in range(1, 4):
        add_pull(repo, day, comments=day % 2)
    run = make_run(github_server, tmp_path)
    collect(run)
    run.wire.close()

    assert run.watch.steps == [("octo/demo", done, 3) for done in (1, 2, 3)]  # type: ignore[attr-defined] # FakeWatch
    assert render_pulls("octo/demo", 50, 200, 60.0, 50) == (
        "  octo/demo [######------------------] 50 of 200 pull requests  1:00, about 3:00 left"
    )


def test_waiting_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    TerminalWatch().wait(0.01, "GitHub's rate limit is reached until 14:05:09 UTC")

    assert capsys.readouterr().err == "GitHub's rate limit is reached until 14:05:09 UTC: waiting 0:00.\n"


@pytest.mark.slow
@pytest.mark.parametrize("after", [3, 6, 8])
def test_killed_it_goes_on(after: int, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    for day in range(1, 5):
        add_pull(repo, day)
    run_collect(github_server, tmp_path / "whole")
    seen = len(github_server.requests)
    github_server.faults.add("*", ".", only_delay=True, delay=0.1, times=100)
    command = [sys.executable, "-m", "training", "collect", "--repo", "octo/demo", "--snapshots", str(tmp_path / "s")]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment(github_server)})
    while len(github_server.requests) < seen + after:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()

    assert 0 <= len(list(SnapshotStore(tmp_path / "s").list_keys())) < 4
    run_collect(github_server, tmp_path / "s")

    assert read_folder(tmp_path / "s") == read_folder(tmp_path / "whole")
