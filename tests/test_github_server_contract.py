"""The committed part of GitHub's schemas: strict, honest about its exceptions, and equal to a fresh extraction."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from simulation.contract import update
from simulation.github_server.application import ROUTE_MODULES
from simulation.github_server.contract import EXTRA_ANSWERS, EXTRA_BODIES, EXTRA_KEYS, FOLDER, NULLABLE, load_contract
from simulation.github_server.routes import ROUTES


def test_every_operation_has_a_route_and_every_route_an_operation() -> None:
    assert ROUTE_MODULES
    assert {operation.id for operation in load_contract().operations} == set(ROUTES)


def test_the_committed_files_are_small_and_name_their_versions() -> None:
    files = [path for path in FOLDER.rglob("*") if path.suffix in (".json", ".graphql")]

    assert sum(path.stat().st_size for path in files) < 500_000
    assert json.loads((FOLDER / "versions.json").read_text("utf-8")) == update.VERSIONS


@pytest.mark.parametrize(("body", "problem"), [
    ({"event": "COMMENT", "body": "x"}, ""),
    ({"event": "COMMENT", "comments": [{"path": "a", "body": "b", "line": 1}]}, ""),
    ({"event": "comment"}, "is not one of"),
    ({"evnt": "COMMENT"}, "'evnt' was unexpected"),
    ({"comments": [{"path": "a", "body": "b", "line": "1"}]}, "is not of type 'integer'"),
    ({"comments": [{"path": "a", "line": 1}]}, "'body' is a required property"),
    ({"comments": [{"path": "a", "body": "b", "subject_type": "file"}]}, "'subject_type' was unexpected"),
])  # fmt: skip
def test_request_bodies_are_checked(body: dict[str, Any], problem: str) -> None:
    found = load_contract().match("POST", "/repos/o/r/pulls/1/reviews")
    assert found is not None

    problems = load_contract().check_request(found[0], {}, body)

    assert bool(problems) == bool(problem)
    assert not problem or problem in problems[0]


@pytest.mark.parametrize(("query", "problem"), [
    ({"per_page": "5"}, ""), ({"per_page": "many"}, "is not of type 'integer'"), ({"perpage": "5"}, "no parameter"),
])  # fmt: skip
def test_query_parameters_are_checked(query: dict[str, str], problem: str) -> None:
    found = load_contract().match("GET", "/repos/o/r/pulls/1/files")
    assert found is not None

    problems = load_contract().check_request(found[0], query, None)

    assert bool(problems) == bool(problem)
    assert not problem or problem in problems[0]


def test_answers_are_checked() -> None:
    found = load_contract().match("GET", "/repos/o/r/issues/comments/1/reactions")
    assert found is not None
    operation, parameters = found

    assert parameters == {"owner": "o", "repo": "r", "comment_id": "1"}
    assert load_contract().check_answer(operation, 200, []) == []
    assert "is a required property" in load_contract().check_answer(operation, 200, [{"id": 1}])[0]
    assert load_contract().check_answer(operation, 201, []) == ["reactions/list-for-issue-comment never answers 201"]
    assert load_contract().check_answer(operation, 403, {"message": "no", "status": "403"}) == []
    assert load_contract().check_answer(operation, 403, {"mesage": "no"}) != []


def test_paths_match_whole_and_keep_slashes_where_github_does() -> None:
    contract = load_contract()
    contents = contract.match("GET", "/repos/o/r/contents/a/b%20c.txt")

    assert contents is not None
    assert contents[1]["path"] == "a/b c.txt"
    assert contract.match("GET", "/repos/o/r/pulls/1/files/2") is None
    assert contract.match("PUT", "/repos/o/r/pulls/1/files") is None


def test_every_exception_is_needed_and_argued() -> None:
    document = json.loads((FOLDER / "openapi.json").read_bytes())
    schemas = document["components"]["schemas"]
    operations = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}

    for name, (key, _, reason) in EXTRA_KEYS.items():
        assert reason
        assert key not in schemas[name]["properties"], f"{name} has {key} by now"
    for place, keys, reason in NULLABLE:
        name, *parts = place.split(".")
        node = schemas[name]
        for part in parts:
            node = node["items"] if part == "[]" else node["properties"][part]
        assert reason
        nullable = [key for key in keys if node["properties"][key].get("nullable")]
        assert nullable == [], f"{place}: GitHub's schema allows null by now"
    for operation, (status, reason) in EXTRA_ANSWERS.items():
        assert reason
        assert str(status) not in operations[operation]["responses"]
    assert all(reason for _, reason in EXTRA_BODIES.values())


def test_no_prose_is_copied() -> None:
    text = (FOLDER / "openapi.json").read_text("utf-8")

    assert not re.search(r'"(description|summary)": "', text)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_committed_files_equal_a_fresh_extraction(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")

    fresh = update.extract(update.install(tmp_path))

    committed = {
        str(path.relative_to(FOLDER)): path.read_text("utf-8")
        for path in FOLDER.rglob("*")
        if path.suffix in (".json", ".graphql")
    }
    assert committed.keys() == fresh.keys()
    for name, text in fresh.items():
        assert committed[name] == text, f"{name} differs: run python -m simulation.contract.update"
