"""GitHub through PyGithub, against the stand-in: what is read, and what its refusals become."""

from __future__ import annotations

from typing import Any

import pytest

from reviewer.domain import ChangedFile, PullRequest
from reviewer.errors import HostError, HostUnavailable, NotFound, PermissionDenied, RateLimited, ValidationFailed
from reviewer.github_api import GitHub
from simulation.github_server import GitHubServer, PullScenario

FILES: dict[str, str | bytes] = {
    "app.py": "one\ntwo\n",
    "old name.py": "".join(f"{n}\n" for n in range(9)),
    "logo.png": b"\x89PNG\0",
}


@pytest.fixture
def pull(github_server: GitHubServer) -> PullScenario:
    repo = github_server.create_repo("octo/demo", FILES | {"docs/CONTRIBUTING.md": "Be kind.\n"})
    text = "".join(f"{n}\n" for n in range(8))
    new: dict[str, str | bytes | None] = {
        "app.py": "one\n2\n",
        "old name.py": None,
        "new näme.py": text + "eight\n",
        "logo.png": b"\x89PNG\0\1",
    }
    return repo.open_pull_request(new, title="Rename", body=None)


@pytest.fixture
def host(github_server: GitHubServer) -> GitHub:
    return GitHub("octo/demo", "actions-token", github_server.url)


def test_a_pull_request_is_read_with_its_three_dot_diff(pull: PullScenario, host: GitHub) -> None:
    pull.repo.commit({"elsewhere.py": "moved on\n"})

    read = host.get_pull_request(1)

    assert (read.key, read.title, read.body, read.author) == ("octo/demo#1", "Rename", "", "alice")
    assert read.head_sha == pull.head_sha
    assert {(f.path, f.status, f.previous_path) for f in read.files} == {
        ("app.py", "modified", None),
        ("logo.png", "modified", None),
        ("new näme.py", "renamed", "old name.py"),
    }


def test_over_the_limit_of_the_diff_the_files_are_listed_instead(github_server: GitHubServer, host: GitHub) -> None:
    repo = github_server.create_repo("octo/demo", {f"{n}.txt": "old\n" for n in range(310)})
    repo.open_pull_request({f"{n}.txt": "new\n" for n in range(310)})

    read = host.get_pull_request(1)

    assert len(read.files) == 310
    assert all(len(file.hunks) == 1 for file in read.files)
    assert github_server.count("GET", "/repos/octo/demo/pulls/1/files") == 4


def test_both_ways_read_the_same(pull: PullScenario, host: GitHub, github_server: GitHubServer) -> None:
    whole: PullRequest = host.get_pull_request(1)
    too_large = {"message": "Sorry, the diff exceeded the maximum number of files (300)."}
    github_server.faults.add("GET", r"/pulls/1$", status=406, body=too_large, skip=1)

    listed = host.get_pull_request(1)

    assert [f.hunks for f in listed.files] == [f.hunks for f in whole.files]
    assert [f.path for f in listed.files] == [f.path for f in whole.files]


def test_files_are_read_at_the_base(pull: PullScenario, host: GitHub) -> None:
    files = host.base_files(pull.pull.base_sha)

    assert "docs/CONTRIBUTING.md" in files.list_files()
    assert "new näme.py" not in files.list_files()
    assert files.read_file("docs/CONTRIBUTING.md", 100) == "Be kind.\n"
    assert files.read_file("docs/CONTRIBUTING.md", 2) == "Be"
    assert files.read_file("nowhere.md", 100) is None


@pytest.mark.parametrize(("role", "expected"), [("write", "write"), ("admin", "admin"), ("read", "read")])
def test_permission_is_asked_of_github(pull: PullScenario, host: GitHub, role: str, expected: str) -> None:
    pull.repo.add_collaborator("bob", role)

    assert host.get_permission("bob") == expected


def test_a_person_github_does_not_know_may_nothing(pull: PullScenario, host: GitHub) -> None:
    assert host.get_permission("nobody-at-all") in {"none", "read"}


def test_comments_are_ours_only_if_our_token_wrote_them(pull: PullScenario, host: GitHub) -> None:
    pull.comment("Hello", author="alice")
    host.save_comment(1, "Ours")
    host.save_comment(1, "Ours, later", host.list_comments(1, "issue")[1].id)

    assert [(c.body, c.mine) for c in host.list_comments(1, "issue")] == [("Hello", False), ("Ours, later", True)]


def test_pages_are_followed(pull: PullScenario, host: GitHub) -> None:
    for number in range(130):
        pull.comment(str(number))

    assert len(host.list_comments(1, "issue")) == 130


REFUSALS: list[tuple[int, Any, dict[str, str], type[HostError]]] = [
    (401, {"message": "Bad credentials"}, {}, PermissionDenied),
    (403, {"message": "Resource not accessible by integration"}, {}, PermissionDenied),
    (404, {"message": "Not Found"}, {}, NotFound),
    (403, {"message": "API rate limit exceeded for x."}, {}, RateLimited),
    (403, {"message": "You have exceeded a secondary rate limit."}, {"retry-after": "3"}, RateLimited),
    (429, {"message": "Too many"}, {}, RateLimited),
    (422, {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}, {}, ValidationFailed),
    (
        422,
        {"message": "Validation Failed", "errors": [{"message": "line must be part of the diff"}]},
        {},
        ValidationFailed,
    ),
    (502, "<html>Unicorn!</html>", {}, HostUnavailable),
    (500, {"message": "oops"}, {}, HostUnavailable),
    (410, {"message": "Gone"}, {}, HostError),
    (0, "", {}, HostUnavailable),
]


@pytest.mark.parametrize(("status", "body", "headers", "kind"), REFUSALS)
def test_refusals_of_a_write_become_our_errors_at_once(
    pull: PullScenario,
    host: GitHub,
    github_server: GitHubServer,
    status: int,
    body: Any,
    headers: dict[str, str],
    kind: type[HostError],
) -> None:
    github_server.faults.add("POST", r"/issues/1/comments$", status=status, body=body, headers=headers)

    with pytest.raises(kind) as caught:
        host.save_comment(1, "Hello")

    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    assert "actions-token" not in str(caught.value)
    assert github_server.count("POST", "/repos/octo/demo/issues/1/comments") == 1, "a write is never repeated blindly"
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == float(headers.get("retry-after", 60))
    if isinstance(caught.value, ValidationFailed):
        assert len(caught.value.messages) == 2


def test_a_read_is_repeated_after_a_502(pull: PullScenario, host: GitHub, github_server: GitHubServer) -> None:
    github_server.faults.add("GET", r"/issues/1/comments$", times=1)

    assert host.list_comments(1, "issue") == []


def test_no_answer_at_all() -> None:
    with pytest.raises(HostUnavailable):
        GitHub("octo/demo", "t", "http://127.0.0.1:9").save_comment(1, "Hello")


def test_threads_know_who_answered(pull: PullScenario, host: GitHub) -> None:
    first = pull.review_comment("app.py", 2, "By a person", author="bob")
    pull.reply(first["id"], "Yes", author="alice")

    [thread] = host.list_threads(1)

    assert not thread.mine
    assert thread.answered
    assert not thread.is_resolved
    assert thread.path == "app.py"


def test_many_threads_take_several_pages(pull: PullScenario, host: GitHub) -> None:
    for number in range(60):
        pull.review_comment("app.py", 2, str(number))

    assert len(host.list_threads(1)) == 60


def test_a_push_between_two_reads_is_read_again(pull: PullScenario, host: GitHub, github_server: GitHubServer) -> None:
    get_files = host._get_files  # noqa: SLF001 - the moment between two requests
    pushed: list[str] = []

    def push_first(number: int) -> tuple[ChangedFile, ...]:
        if not pushed:
            pushed.append(pull.push({"late.py": "late\n"}))
        return get_files(number)

    host._get_files = push_first  # type: ignore[method-assign]  # noqa: SLF001 - see above

    read = host.get_pull_request(1)

    assert read.head_sha == pushed[0]
    assert "late.py" in {file.path for file in read.files}
