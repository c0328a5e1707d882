"""The pure parts of the collection: nodes, batches, costs, licences, assembled diffs, lists of people and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewer.diff import parse_diff
from reviewer.errors import HostError, UsageError
from training.authors import is_bot, read_actor
from training.collect_plan import Estimate, estimate
from training.collect_run import CollectParams
from training.errors import DataError
from training.files_diff import assemble_diff, render_file
from training.github_nodes import read_comment
from training.github_query import BATCH_PULLS, BATCH_THREADS, PULLS, plan_batches
from training.github_shapes import CommentId, read_shape
from training.guideline_collect import choose_paths
from training.guideline_history import GuidelineHistory, history_path, load_history, save_history
from training.licenses import is_permissive, refuse_license
from training.opt_out import load_opt_out, parse_opt_out
from training.params import load_params
from training.snapshot import hash_name

COMMENT: dict[str, Any] = {
    "fullDatabaseId": "7", "path": "a.py", "body": "Why?", "createdAt": "2024-01-01T00:00:00Z", "updatedAt": None,
    "authorAssociation": "NONE", "author": None, "replyTo": None, "diffHunk": "@@", "line": None, "startLine": None,
    "originalLine": 4, "originalStartLine": None, "position": 1, "originalPosition": 9, "outdated": True,
    "subjectType": "LINE", "commit": None, "originalCommit": None, "reactionGroups": None,
}  # fmt: skip


def test_the_position_of_an_outdated_comment_says_nothing() -> None:
    comment = read_comment(COMMENT, {"diffSide": "LEFT", "startDiffSide": None}, "")

    assert (comment.position, comment.original_position, comment.side) == (None, 9, "LEFT")


@pytest.mark.parametrize("given", ["7", 7])
def test_ids_are_numbers(given: str | int) -> None:
    assert read_shape({"fullDatabaseId": given}, CommentId) == {"fullDatabaseId": given}


@pytest.mark.parametrize("given", ["x", "", "-7", "7 ", "9" * 5000, None, 7.5])
def test_what_is_no_id_is_refused(given: object) -> None:
    with pytest.raises(HostError, match="GitHub's answer is not what it should be"):
        read_shape({"fullDatabaseId": given}, CommentId)


def test_what_is_deleted_is_empty() -> None:
    comment = read_comment(COMMENT, {"diffSide": "LEFT", "startDiffSide": None}, "")

    assert (comment.author, comment.author_type, comment.commit_id, comment.reactions) == ("", "", "", {})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=120))
def test_batches_hold_every_pull_request_with_threads_once(given: list[int]) -> None:
    sizes = dict(enumerate(given, 1))
    batches = list(plan_batches(sizes))

    assert [number for batch in batches for number in batch] == [number for number, size in sizes.items() if size]
    for batch in batches:
        assert len(batch) <= BATCH_PULLS
        assert len(batch) == 1 or sum(batch.values()) <= BATCH_THREADS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 100) | st.just(0), max_size=160))
def test_the_estimate_is_never_too_low(given: list[int]) -> None:
    pages = [dict(enumerate(given[at : at + PULLS], at)) for at in range(0, len(given), PULLS)]
    batches = [batch for page in pages for batch in plan_batches(page)]
    points = sum(max(round((len(batch) + 11 * sum(batch.values())) / 100), 1) for batch in batches)

    guess = estimate(len(given), sum(given), guidelines=False)

    assert guess.core == 1 + len(given)
    assert guess.graphql >= len(pages) + len(batches)
    assert guess.points >= 2 * len(pages) + points


def test_time_at_the_limit() -> None:
    assert Estimate(core=4000, graphql=80, points=300).minutes() == 34
    assert Estimate(core=4000, graphql=80, points=300).minutes(1000, 1000) == 180
    assert Estimate(core=10, graphql=1, points=5001).minutes() == 60


@pytest.mark.parametrize(("spdx", "permissive"), [
    ("MIT", True), ("apache-2.0", True), ("MIT OR GPL-2.0", True), ("(MIT OR Apache-2.0)", True),
    ("Apache-2.0 WITH LLVM-exception", True), ("GPL-2.0 WITH Classpath-exception-2.0", False),
    ("MIT AND GPL-2.0", False),
    ("(MIT OR Apache-2.0) AND GPL-2.0", False), ("MIT OR (Apache-2.0 AND GPL-2.0)", True),
    ("mit or gpl-2.0", True), ("Apache-2.0 with LLVM-exception and MIT", True), ("MIT OR GPL-2.0 AND GPL-3.0", True),
    ("(MIT", False), ("MIT)", False), ("MIT OR", False), ("OR MIT", False), ("MIT MIT", False), ("()", False),
    ("MIT OR GPL-2.0 WITH )", False), ("MIT OR a/b", False), ("(" * 9000 + "MIT", False),
    ("GPL-3.0", False), ("MPL-2.0", False), ("", False), ("NOASSERTION", False),
])  # fmt: skip
def test_permissive_licences(spdx: str, permissive: bool) -> None:
    assert is_permissive(spdx) is permissive
    assert bool(refuse_license(spdx, "permissive")) is not permissive
    assert refuse_license(spdx, "any") == ""


@pytest.mark.parametrize("path", ["a b.py", 'quote".py', "tab\t.py", "back\\slash.py", "naïve.py", "日本.py"])
@pytest.mark.parametrize("status", ["added", "removed", "modified", "renamed"])
def test_an_assembled_diff_is_read_as_git_writes_it(path: str, status: str) -> None:
    patch = {"added": "@@ -0,0 +1 @@\n+x", "removed": "@@ -1 +0,0 @@\n-x"}.get(status, "@@ -1 +1 @@\n-x\n+y")
    file = {"filename": path, "status": status, "patch": patch, "changes": 1}
    file |= {"previous_filename": "old " + path} if status == "renamed" else {}

    (parsed,) = parse_diff(render_file(file).encode())

    assert parsed.path == path
    assert len(parsed.hunks) == 1


def test_files_without_a_patch_are_named() -> None:
    files = [{"filename": f"big{number}.bin", "status": "modified", "changes": 0} for number in range(7)]
    files.append({"filename": "moved.py", "previous_filename": "m.py", "status": "renamed", "changes": 0})

    text, (problem,) = assemble_diff(files)

    assert problem.reason == (
        "7 files without a patch (binary or too large): big0.bin, big1.bin, big2.bin, big3.bin, big4.bin and 2 more"
    )
    assert [file.path for file in parse_diff(text.encode())][-1] == "moved.py"


def test_the_opt_out_list(tmp_path: Path) -> None:
    out = parse_opt_out(f"\n# nobody\n@Alice  # asked\r\nx[bot]\n{hash_name('bob', 's')}\n", "s")

    assert out.names == {hash_name(name, "s") for name in ("alice", "bob", "x")}
    assert not load_opt_out(None)
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="Cannot read"):
        load_opt_out(tmp_path / "bad.txt")


def test_guideline_files_of_a_repository() -> None:
    listing = ["src/a.py", "src/deep/CONTRIBUTING.md", "CONTRIBUTING.md", ".github/copilot-instructions.md", "go.mod"]
    listing += ["ruff.toml", ".golangci.yml", "web/app.ts", "tsconfig.json"]

    assert choose_paths(listing) == [".github/copilot-instructions.md", "CONTRIBUTING.md", "ruff.toml", "tsconfig.json"]


@pytest.mark.parametrize(
    "text", ["", "{", '{"schema":"glossator/guidelines/9"}', '{"schema":"glossator/guidelines/1"}']
)
def test_guidelines_that_cannot_be_read(text: str, tmp_path: Path) -> None:
    assert load_history(tmp_path, "a/b") == GuidelineHistory("a/b")
    assert save_history(tmp_path, GuidelineHistory("a/b"))
    assert not save_history(tmp_path, GuidelineHistory("a/b"))
    path = history_path(tmp_path, "a/b")
    path.write_text(text, "utf-8")

    with pytest.raises(DataError, match=r"guidelines\.json"):
        load_history(tmp_path, "a/b")


@pytest.mark.parametrize(("values", "said"), [
    ("limit: -2", "Expected `int` >= 0"),
    ("since: 2024-06-01", "Put the value in quotes"),
    ("since: 2024", "Put the value in quotes"),
])  # fmt: skip
def test_parameters_that_cannot_be_used(values: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"collect: {{{values}}}\n", "utf-8")

    with pytest.raises(UsageError) as caught:
        load_params(path, "collect", CollectParams)
    assert said in str(caught.value)


@pytest.mark.parametrize(("login", "kind", "program"), [
    ("claude", "Bot", True), ("claude[bot]", "", True), ("claude[bot]", "User", True), ("Claude", "User", False),
    ("claude", "", True), ("cursor", "Bot", True), ("cursor", "User", False), ("claude-m", "", False),
    ("greptile-apps", "User", True), ("copilot-pull-request-reviewer", "", True), ("openhands-agent", "User", True),
    ("alice", "", False), ("alice", "Bot", True), ("abbott", "User", False), ("x-ci", "User", True),
])  # fmt: skip
def test_programs_and_people_of_the_same_name(login: str, kind: str, *, program: bool) -> None:
    assert is_bot(login, kind) is program
    hashed, found = read_actor({"login": login, "__typename": kind}, "s")
    assert (hashed, found) == (hash_name(login.removesuffix("[bot]"), "s"), "Bot" if program else "User")
