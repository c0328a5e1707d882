"""What goes wrong at GitHub is told with its reason, and the rest is collected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from reviewer.errors import HostError
from simulation.github_server import GitHubServer, RepoScenario
from tests.training.collecting import (
    add_pull,
    changed,
    create_repo,
    load,
    make_run,
    read_folder,
    reasons,
    run_collect,
)
from training.collect_plan import count_all
from training.collect_run import check_finished
from training.guideline_history import load_history
from training.store import SnapshotStore

pytestmark = pytest.mark.slow


@pytest.fixture
def repo(github_server: GitHubServer) -> RepoScenario:
    return create_repo(github_server)


class EditingTransport(httpx.HTTPTransport):
    """Changes answers on their way: `edit` gets a request's path and text, and the document, and gives another one."""

    def __init__(self, edit: Callable[[str, str, Any], Any]) -> None:
        super().__init__(verify=False)  # loopback, and a quick start
        self.edit = edit

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        content = response.read()
        if not content.startswith((b"{", b"[")):
            return response
        document = self.edit(request.url.path, request.read().decode(), json.loads(content))
        return httpx.Response(response.status_code, json=document)


def edited(edit: Callable[[str, str, Any], Any]) -> httpx.Client:
    """A client whose answers `edit` has changed."""
    return httpx.Client(transport=EditingTransport(edit), trust_env=False)


# -- trouble -----------------------------------------------------------------------------------------------------


def test_a_diff_that_is_too_large_comes_file_by_file(github_server: GitHubServer, tmp_path: Path) -> None:
    github_server.switches.diff_files = 1
    github_server.switches.patch_changes = 20
    repo = create_repo(github_server)
    repo.commit({"old name.py": "kept\nas it is\nall along\n" * 4, "gone.py": "gone\n"})
    pull = repo.open_pull_request({
        **changed(3), "new name.py": "kept\nas it is\nall along\n" * 4, "old name.py": None, "gone.py": None,
        "added.py": "added\n", "huge.py": "x\n" * 30, "picture.png": b"\x89PNG\0\1",
    })  # fmt: skip
    pull.close(merged=True)

    run_collect(github_server, tmp_path)

    from reviewer.diff import parse_diff

    snapshot = load(tmp_path)
    assert reasons(snapshot) == [
        "diff: too large: put together from the list of files",
        "diff: 1 files without a patch (binary or too large): huge.py",
    ]
    assert snapshot.diff is not None
    whole = {file.path: file for file in parse_diff(pull.diff)}
    for file in parse_diff(snapshot.diff.encode()):
        if file.path not in {"huge.py", "picture.png"}:
            assert file.hunks == whole[file.path].hunks


def test_more_files_than_github_lists(
    github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_diff.MAX_FILES", 120)
    monkeypatch.setattr("training.files_diff.MAX_FILES", 120)
    github_server.switches.diff_files, github_server.switches.files = 100, 120
    repo = create_repo(github_server)
    repo.open_pull_request({f"f{number:03}.py": "x\n" for number in range(130)}).close(merged=True)

    run_collect(github_server, tmp_path)

    assert "diff: GitHub lists no more than 120 files" in reasons(load(tmp_path))
    assert github_server.count("GET", "/pulls/1/files") == 2


def test_a_deleted_fork(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pull = add_pull(repo, 1, fork=True)
    pull.delete_fork()

    run_collect(github_server, tmp_path)

    assert reasons(load(tmp_path)) == ["head repository: deleted; the diff is the base repository's refs/pull/N/head"]
    assert load(tmp_path).diff == pull.diff.decode()


@pytest.mark.parametrize("lost", [True, False])
def test_a_force_push(lost: bool, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    github_server.switches.lost_commits = lost
    pull = repo.open_pull_request(changed(3))
    reviewed = pull.head_sha
    pull.review_comment("app.py", 3, "Why?")
    pull.force_push(changed(20))
    pull.close(merged=True)

    run_collect(github_server, tmp_path)

    snapshot = load(tmp_path)
    assert snapshot.comments[0].original_commit_id == reviewed
    assert snapshot.diff == pull.diff.decode()
    assert reasons(snapshot) == ["comments: 1 made on commits that a force-push has replaced"]


def test_what_is_gone_is_told(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    gone, silent, stays = add_pull(repo, 1), add_pull(repo, 2, comments=0), add_pull(repo, 3)
    gone.vanish()
    silent.vanish()

    told = run_collect(github_server, tmp_path)

    assert told.problems == ["octo/demo#1 is gone since it was listed."]
    assert reasons(load(tmp_path, 2)) == ["diff: GitHub answers 404: deleted, or not for this token"]
    assert load(tmp_path, 2).diff is None
    assert load(tmp_path, 3).diff == stays.diff.decode()


def test_a_renamed_repository_keeps_its_folder_and_is_collected_once(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    run_collect(github_server, tmp_path)
    repo.rename("hub/tool")
    add_pull(repo, 2)

    told = run_collect(github_server, tmp_path, "octo/demo", "hub/tool")

    assert told.problems == [
        "octo/demo is called hub/tool now; it keeps its folder.",
        "hub/tool is octo/demo by another name: collected once.",
    ]
    assert list(SnapshotStore(tmp_path).list_keys()) == [("octo/demo", 1), ("octo/demo", 2)]
    assert reasons(load(tmp_path, 2)) == ["repository: renamed to hub/tool"]


def test_a_name_that_is_somebody_elses_now_is_not_collected(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    run_collect(github_server, tmp_path)
    before = read_folder(tmp_path)
    repo.rename("hub/tool")
    add_pull(create_repo(github_server), 2, author="mallory")

    told = run_collect(github_server, tmp_path)

    (problem,) = told.problems
    assert problem.startswith("octo/demo: the name is another repository's now: ")
    assert (list(told.unfinished), read_folder(tmp_path)) == (["octo/demo"], before)


def test_githubs_spelling_of_a_name(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    add_pull(repo, 1)

    run_collect(github_server, tmp_path, "Octo/DEMO")

    assert list(SnapshotStore(tmp_path).list_keys()) == [("octo/demo", 1)]


@pytest.mark.parametrize(("given", "reason"), [
    ("GPL-3.0", "the licence GPL-3.0"), (None, "no licence"), ("NOASSERTION", "an unknown licence"),
])  # fmt: skip
def test_licences(given: str | None, reason: str, github_server: GitHubServer, tmp_path: Path) -> None:
    repo = create_repo(github_server, license=given)
    add_pull(repo, 1)

    told = run_collect(github_server, tmp_path)
    taken = run_collect(github_server, tmp_path, licenses="any")

    assert dict(told.left_out) == {f"repository with {reason}": 1}
    assert told.problems == [f"octo/demo is left out: it has {reason}. `--licenses any` takes it."]
    assert (told.new, taken.new) == (0, 1)


def test_a_repository_that_is_not_there_stops_nothing(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)

    told = run_collect(github_server, tmp_path, "octo/nothing", "octo/demo")

    assert told.problems == ["octo/nothing: GitHub has no /repos/octo/nothing, or the token may not see it."]
    assert told.new == 1


def test_one_that_github_cannot_answer_on_is_left_for_the_next_time(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in range(1, 4):
        add_pull(repo, day)
    github_server.faults.add("GET", "/pulls/2", status=503, times=4)

    told = run_collect(github_server, tmp_path)
    again = run_collect(github_server, tmp_path)

    assert told.problems == ["octo/demo#2 is left for the next collection: GitHub did not answer: 503."]
    assert (told.new, again.new, again.unchanged) == (2, 1, 1)


def test_a_page_that_is_too_much_is_halved(repo: RepoScenario, github_server: GitHubServer, tmp_path: Path) -> None:
    pulls = [add_pull(repo, day) for day in range(1, 4)]
    github_server.faults.add("POST", "/graphql", status=502, times=4, skip=0)

    told = run_collect(github_server, tmp_path, guidelines=False)

    asked = [entry.body["variables"].get("size") for entry in github_server.requests if entry.path == "/graphql"]
    assert asked[:5] == [50, 50, 50, 50, 25]
    assert (told.new, told.problems) == (len(pulls), [])


def test_threads_that_are_too_much_are_asked_in_parts(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in range(1, 4):
        add_pull(repo, day)
    github_server.faults.add("POST", "/graphql", status=502, times=4, skip=1)

    told = run_collect(github_server, tmp_path, guidelines=False)

    assert (told.new, told.problems) == (3, [])


def test_a_list_that_cannot_be_read_is_a_problem(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    add_pull(create_repo(github_server, "octo/other"), 1)
    github_server.faults.add("POST", "/graphql", status=502, times=20)

    told = run_collect(github_server, tmp_path, "octo/demo", "octo/other", guidelines=False)

    assert told.problems == ["octo/demo: GitHub did not answer: 502."]
    assert told.new == 1


def test_what_is_not_there_is_not_collected_to_its_end(github_server: GitHubServer, tmp_path: Path) -> None:
    told = run_collect(github_server, tmp_path, "octo/one", "octo/two")

    assert [problem.split(":")[0] for problem in told.problems] == ["octo/one", "octo/two"]
    with pytest.raises(
        HostError, match=r"^Not collected to the end: octo/one and 1 more; .*octo/one: GitHub has no /repos/octo/one, "
    ) as caught:
        check_finished(told)
    assert (caught.value.exit_code, caught.value.hint, caught.value.status) == (5, "Check the name.", 404)


@pytest.mark.parametrize(("pattern", "settings", "left"), [
    ("/pulls/2", {"status": 503, "times": 4}, ["octo/demo"]),
    ("/graphql", {"status": 502, "times": 4}, ["octo/demo"]),
    (".", {"status": 401, "times": 99, "skip": 4}, ["octo/demo", "octo/other"]),
    (".", {"status": 403, "times": 8, "skip": 4, "body": {"message": "secondary rate limit"}},
     ["octo/demo", "octo/other"]),
    ("/git/trees/", {"status": 409, "body": {"message": "Empty."}}, []),
])  # fmt: skip
def test_what_breaks_off_is_finished_the_next_time(
    pattern: str, settings: Any, left: list[str], repo: RepoScenario, github_server: GitHubServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("training.collect_repo.PULLS", 2)
    for day in range(1, 4):
        add_pull(repo, day)
    add_pull(create_repo(github_server, "octo/other"), 4)
    github_server.faults.add("*", pattern, **settings)

    told = run_collect(github_server, tmp_path, "octo/demo", "octo/other", guidelines="trees" in pattern)
    github_server.faults.clear()
    again = run_collect(github_server, tmp_path, "octo/demo", "octo/other")

    assert list(told.unfinished) == left
    assert (again.unfinished, told.new + again.new) == ({}, 4)
    check_finished(again)


def test_the_cursor_stays_where_it_broke_off(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_repo.PULLS", 1)
    for day in range(1, 4):
        add_pull(repo, day, comments=0)
    github_server.faults.add("POST", "/graphql", status=502, times=99, skip=2)

    told = run_collect(github_server, tmp_path, guidelines=False)
    github_server.faults.clear()
    asked = len(github_server.requests)
    again = run_collect(github_server, tmp_path, guidelines=False)

    assert (told.new, again.new, again.unchanged) == (2, 1, 0)
    assert [entry.path for entry in github_server.requests[asked:]].count("/graphql") == 1


@pytest.mark.parametrize("pushed", [False, True])
def test_a_good_diff_outlives_a_404(
    pushed: bool, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pull = add_pull(repo, 1)
    run_collect(github_server, tmp_path)
    github_server.set_time("2024-06-01T00:00:00Z")
    pull.reply(pull.pull.review_comments[0].id, "Late.")
    if pushed:
        pull.pull.head_sha = repo.head()
    github_server.faults.add("GET", "/pulls/1$", status=404, body={"message": "Not Found"})

    told = run_collect(github_server, tmp_path)
    kept = load(tmp_path)
    run_collect(github_server, tmp_path, refresh=True)

    reason = "GitHub answers 404: deleted, or not for this token"
    assert told.problems == [f"octo/demo#1 keeps its diff from before: {reason}."]
    assert kept.diff
    assert kept.comments[-1].body == "Late."
    older = ["final diff: pushed to since; the diff is from before"] if pushed else []
    assert [text for text in reasons(kept) if "diff" in text] == [*older, f"diff: {reason}"]
    assert not [text for text in reasons(load(tmp_path)) if "diff" in text], "it is there again"


@pytest.mark.parametrize("status", [0, 502])
def test_a_diff_that_github_does_not_answer_on_is_asked_for_again(
    status: int, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    pull = add_pull(repo, 1)
    github_server.faults.add("GET", "/pulls/1$", status=status, times=4)

    told = run_collect(github_server, tmp_path)
    again = run_collect(github_server, tmp_path)

    assert (told.new, len(told.problems)) == (0, 1)
    assert told.problems[0].startswith("octo/demo#1 is left for the next collection: GitHub did not answer: ")
    assert (again.new, again.problems) == (1, [])
    assert load(tmp_path).diff == pull.diff.decode()
    assert load(tmp_path).problems == ()


# -- answers that are not whole --------------------------------------------------------------------------------------


def test_a_hole_in_the_list_does_not_end_the_walk(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.collect_repo.PULLS", 2)
    for day in range(1, 7):
        add_pull(repo, day, comments=0)

    def edit(_path: str, text: str, document: Any) -> Any:
        if "pullRequests(states" in text:
            nodes = document["data"]["repository"]["pullRequests"]["nodes"]
            for at, node in enumerate(nodes):
                if node["number"] == 5:
                    nodes[at] = None
                    path = ["repository", "pullRequests", "nodes", at]
                    document["errors"] = [{"message": "Something went wrong.", "path": path}]
        return document

    with edited(edit) as http:
        told = run_collect(github_server, tmp_path, guidelines=False, http=http)
    again = run_collect(github_server, tmp_path, guidelines=False)

    assert told.problems == ["octo/demo: one of the list is left for the next collection: Something went wrong."]
    assert (told.new, again.new, again.unchanged, again.problems) == (5, 1, 5, [])
    assert run_collect(github_server, tmp_path, guidelines=False).unchanged == 1


def test_a_pull_request_with_an_error_in_the_list_is_asked_for_again(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in (1, 2):
        add_pull(repo, day, comments=0)

    def edit(_path: str, text: str, document: Any) -> Any:
        if "pullRequests(states" in text:
            document["data"]["repository"]["pullRequests"]["nodes"][0]["labels"] = None
            path = ["repository", "pullRequests", "nodes", 0, "labels"]
            document["errors"] = [{"message": "Timeout", "path": path}]
        return document

    with edited(edit) as http:
        told = run_collect(github_server, tmp_path, http=http)
    again = run_collect(github_server, tmp_path)

    assert told.problems == ["octo/demo#2 is left for the next collection: Timeout."]
    assert (told.new, again.new, again.unchanged) == (1, 1, 1)


def _without_a_comment(part: Any) -> str:
    part["nodes"][0]["comments"]["nodes"][0] = None
    return "GraphQL gave a part of its answer only"


def _without_a_thread(part: Any) -> str:
    part["nodes"][0] = None
    return "GraphQL gave a part of its answer only"


def _with_fewer_threads(part: Any) -> str:
    part["nodes"].pop()
    return "GraphQL gave a part of its answer only"


def _with_fewer_comments(part: Any) -> str:
    part["nodes"][0]["comments"]["nodes"].pop()
    return "GraphQL gave a part of its answer only"


def _without_an_author(part: Any) -> str:
    part["nodes"][0]["comments"]["nodes"][0]["author"] = None
    return "Timeout"


@pytest.mark.parametrize(
    "spoil", [_without_a_comment, _without_a_thread, _with_fewer_threads, _with_fewer_comments, _without_an_author]
)
def test_a_part_of_what_was_said_is_not_saved(
    spoil: Callable[[Any], str], repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    for day in range(1, 4):
        add_pull(repo, day, comments=2)
    why: list[str] = []

    def edit(_path: str, text: str, document: Any) -> Any:
        if "p2: pull" in text:
            why.append(spoil(document["data"]["repository"]["p2"]["reviewThreads"]))
            if why[-1] == "Timeout":
                path = ["repository", "p2", "reviewThreads", "nodes", 0, "comments", "nodes", 0, "author"]
                document["errors"] = [{"message": "Timeout", "path": path}]
        return document

    with edited(edit) as http:
        told = run_collect(github_server, tmp_path, http=http)
    again = run_collect(github_server, tmp_path)

    assert told.problems == [f"octo/demo#2 is left for the next collection: {why[0]}."]
    assert (told.new, again.new, again.unchanged) == (2, 1, 1)
    assert len(load(tmp_path, 2).comments) == 4


@pytest.mark.parametrize(("page", "broken"), [
    ("reviewThreads(first: 100, after", None),
    ("reviewThreads(first: 100, after", {"message": "Timeout", "path": ["repository", "pullRequest"]}),
    ("PullRequestReviewThread { comments(first: 100, after", None),
    ("commits(first: 100, after", None),
])  # fmt: skip
def test_a_hole_in_a_further_page_is_not_saved(
    page: str,
    broken: Any,
    repo: RepoScenario,
    github_server: GitHubServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.github_query.BATCH_THREADS", 1)
    pull = add_pull(repo, 1, comments=3)
    for number in range(12):
        pull.reply(pull.pull.review_comments[0].id, f"{number}")

    def edit(_path: str, text: str, document: Any) -> Any:
        if "pullRequests(states" in text:
            commits = document["data"]["repository"]["pullRequests"]["nodes"][0]["commits"]
            commits["pageInfo"] = {"hasNextPage": True, "endCursor": None}
        if page in text and broken:
            document["errors"] = [broken]
        elif page in text:
            part = document["data"].get("node") or document["data"]["repository"]["pullRequest"]
            next(iter(part.values()))["nodes"][-1] = None
        return document

    with edited(edit) as http:
        told = run_collect(github_server, tmp_path, http=http)
    again = run_collect(github_server, tmp_path)

    reason = "Timeout" if broken else "GraphQL gave a part of its answer only"
    assert told.problems == [f"octo/demo#1 is left for the next collection: {reason}."]
    assert (told.new, again.new, again.problems) == (0, 1, [])
    assert len(load(tmp_path).comments) == 18


# -- answers that are something else ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "document"), [
    ("/repos/octo/demo", [1]),
    ("/repos/octo/demo", {"full_name": 7}),
    ("pullRequests(states", [1]),
    ("pullRequests(states", {"data": [1]}),
    ("pullRequests(states", {"data": {"repository": None}}),
    ("pullRequests(states", {"data": {"repository": {"pullRequests": None}}}),
    ("pullRequests(states", {"data": {"repository": {"pullRequests": {"nodes": [1]}}}}),
])  # fmt: skip
def test_an_answer_of_another_shape_is_a_problem_of_its_repository(
    part: str, document: Any, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)
    add_pull(create_repo(github_server, "octo/other"), 2)

    def edit(path: str, text: str, given: Any) -> Any:
        of_demo = path == part or (part in text and '"name":"demo"' in text.replace(": ", ":"))
        return document if of_demo else given

    with edited(edit) as http:
        told = run_collect(github_server, tmp_path, "octo/demo", "octo/other", guidelines=False, http=http)

    assert len(told.problems) == 1
    assert told.problems[0].startswith("octo/demo: GitHub's answer is not what it should be: ")
    assert told.new == 1


@pytest.mark.parametrize("document", [
    [1],
    {"data": {"repository": None}},
    {"data": {"repository": {"pullRequests": {"totalCount": 1, "nodes": None}}}},
    {"data": {"repository": {"pullRequests": {"totalCount": "1", "nodes": []}}}},
    {"data": {"repository": {"pullRequests": {"totalCount": 1, "nodes": [{"updatedAt": None}]}}}},
])  # fmt: skip
def test_the_dry_run_tells_an_answer_of_another_shape(
    document: Any, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)

    with edited(lambda _path, text, given: document if "pullRequests(states" in text else given) as http:
        run = make_run(github_server, tmp_path, http=http)
        counts, _ = count_all(run)

    assert counts == []
    (problem,) = run.told.problems
    assert problem.startswith("octo/demo: GitHub's answer is not what it should be: ")


@pytest.mark.parametrize(("part", "document", "reason"), [
    ("/git/trees/", [1], "GitHub's answer is not what it should be: "),
    ("/git/trees/", {"sha": "a"}, "GitHub's answer is not what it should be: "),
    ("/git/trees/", {"tree": [{"path": "CONTRIBUTING.md"}]}, "GitHub's answer is not what it should be: "),
    ("/commits", {"message": "x"}, "GitHub's answer is not what it should be: "),
    ("/commits", [{"sha": "a", "commit": None}], "GitHub's answer is not what it should be: "),
    ("object(", {"data": {"repository": None}}, "GitHub's answer is not what it should be: "),
    ("object(", {"data": {"repository": {"f0": {"text": 7}}}}, "GitHub's answer is not what it should be: "),
    ("object(", {"data": {"repository": {"f0": None}}}, "GraphQL gave a part of its answer only."),
    ("object(", {"data": {"repository": {"f0": None, "f1": None}}, "errors": [{"message": "Timeout"}]}, "Timeout."),
])  # fmt: skip
def test_guidelines_of_another_shape_stop_nothing(
    part: str, document: Any, reason: str, repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    add_pull(repo, 1)

    with edited(lambda path, text, given: document if part in path or part in text else given) as http:
        told = run_collect(github_server, tmp_path, http=http)
    again = run_collect(github_server, tmp_path)

    (problem,) = told.problems
    assert problem.startswith(f"octo/demo: no new guidelines: {reason}")
    assert (told.new, told.unfinished, again.problems) == (1, {}, [])
    assert len(load_history(tmp_path, "octo/demo").versions) == 2


def test_a_list_of_files_of_another_shape_is_a_problem_of_its_pull_request(
    repo: RepoScenario, github_server: GitHubServer, tmp_path: Path
) -> None:
    github_server.switches.diff_files = 0
    add_pull(repo, 1)

    def edit(path: str, _text: str, document: Any) -> Any:
        return [{"name": "a.py"}] if path.endswith("/files") else document

    with edited(edit) as http:
        told = run_collect(github_server, tmp_path, http=http)

    (problem,) = told.problems
    assert problem.startswith("octo/demo#1 is left for the next collection: GitHub's answer is not what it should be: ")
