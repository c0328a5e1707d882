"""The history of guidelines: what changes it, what must not, and what becomes of files that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.github_server import GitHubServer, RepoScenario
from tests.training.collecting import create_repo, read_folder, run_collect
from training.guideline_history import GuidelineHistory, files_at, load_history

KIND = "Be kind and brief.\n"


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    return create_repo(github_server)


def commit(repo: RepoScenario, time: str, files: dict[str, str | bytes | None]) -> None:
    assert isinstance(repo.server, GitHubServer)
    repo.server.set_time(time)
    repo.commit(files)


def history(folder: Path) -> GuidelineHistory:
    return load_history(folder, "octo/demo")


def test_an_unrelated_commit_changes_nothing(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    run_collect(github_server, tmp_path)
    before = read_folder(tmp_path)
    commit(repo, "2024-05-01T00:00:00Z", {"src/unrelated.txt": "x"})

    run_collect(github_server, tmp_path)

    assert read_folder(tmp_path) == before


def test_a_part_of_the_listing_changes_nothing(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    run_collect(github_server, tmp_path)
    before = history(tmp_path)
    commit(repo, "2024-05-01T00:00:00Z", {"a.txt": "x"})
    github_server.switches.tree_entries = 1

    told = run_collect(github_server, tmp_path)

    assert told.problems == ["octo/demo: no new guidelines: GitHub lists only a part of so many files."]
    assert history(tmp_path) == before


def test_a_file_that_moved_keeps_what_it_said(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    run_collect(github_server, tmp_path)
    commit(repo, "2024-06-01T00:00:00Z", {"CONTRIBUTING.md": None, "docs/CONTRIBUTING.md": KIND})
    commit(repo, "2024-07-01T00:00:00Z", {"a.txt": "x"})
    run_collect(github_server, tmp_path)
    moved = history(tmp_path)

    assert files_at(moved, "2024-01-15T00:00:00Z").texts == {"CONTRIBUTING.md": "Be kind.\n"}
    assert files_at(moved, "2024-05-31T00:00:00Z").texts == {"CONTRIBUTING.md": KIND}
    assert files_at(moved, "2024-06-01T00:00:00Z").texts == {"docs/CONTRIBUTING.md": KIND}
    assert moved.versions[2].since == "2024-06-01T00:00:00Z", "when it was taken away, not when that was seen"

    commit(repo, "2024-08-01T00:00:00Z", {"b.txt": "x"})
    run_collect(github_server, tmp_path)
    assert history(tmp_path) == moved
    commit(repo, "2024-09-01T00:00:00Z", {"CONTRIBUTING.md": "Back.\n"})
    run_collect(github_server, tmp_path)
    back = history(tmp_path)
    assert files_at(back, "2024-05-31T00:00:00Z").texts == {"CONTRIBUTING.md": KIND}
    assert files_at(back, "2024-08-15T00:00:00Z").texts == {"docs/CONTRIBUTING.md": KIND}
    assert files_at(back, "2024-09-01T00:00:00Z").texts == {"CONTRIBUTING.md": "Back.\n", "docs/CONTRIBUTING.md": KIND}


def test_a_branch_may_have_any_name(github_server: GitHubServer, tmp_path: Path) -> None:
    github_server.create_repo("octo/demo", {"CONTRIBUTING.md": KIND}, branch="rel/a#1", license="MIT")

    told = run_collect(github_server, tmp_path)

    assert told.problems == []
    assert [version.text for version in history(tmp_path).versions] == [KIND]


def test_a_branch_that_was_forced_back(github_server: GitHubServer, tmp_path: Path) -> None:
    """Git does not know of the file any more: it is gone with the branch's newest commit."""
    repo = create_repo(github_server)
    run_collect(github_server, tmp_path)
    seen = history(tmp_path)
    commit(repo, "2024-06-01T00:00:00Z", {"CONTRIBUTING.md": None})
    commit(repo, "2024-07-01T00:00:00Z", {"a.txt": "x"})
    github_server.faults.add("GET", "/commits$", status=200, body=[])

    run_collect(github_server, tmp_path)

    assert history(tmp_path).versions[:-1] == seen.versions
    assert files_at(history(tmp_path), "2024-06-30T00:00:00Z").texts == {"CONTRIBUTING.md": KIND}
    assert files_at(history(tmp_path), "2024-07-01T00:00:00Z").texts == {}
