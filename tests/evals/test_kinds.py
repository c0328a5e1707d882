from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.kinds import KINDS, kind_of
from reviewer.domain import ChangedFile, PullRequest


def kind(title: str, *paths: str) -> str:
    files = tuple(ChangedFile(path, "modified") for path in paths or ("src/app.py",))
    return kind_of(PullRequest("octo/demo", 1, title, "", "alice", "", "", files))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("fix: stop reading after the last page", "bugfix"),
        ("fix(parser)!: refuse an empty name", "bugfix"),
        ("[bug] the window is too small", "bugfix"),
        ("Fix crash when the list is empty", "bugfix"),
        ("Avoid a data race on shutdown", "bugfix"),
        ("wallet: Prevent overflow of the fee", "bugfix"),
        ("Worker leaks memory", "bugfix"),
        ("Revert an incorrect rounding", "bugfix"),
        ("feat: export to CSV", "feature"),
        ("perf(cache): keep the last answer", "feature"),
        ("Add a dark theme", "feature"),
        ("net: Allow several proxies", "feature"),
        ("Settings: support for keyboard shortcuts", "feature"),
        ("Implement RFC 9110 ranges", "feature"),
        ("refactor: one class less", "refactor"),
        ("wallet, refactor: Return the result", "refactor"),
        ("Rename Foo to Bar", "refactor"),
        ("Move the parser to its own module", "refactor"),
        ("gui: Remove unused include", "refactor"),
        ("Use std::string_view in the parser", "refactor"),
        ("docs: how to install it", "docs"),
        ("doc, build: say which compiler", "docs"),
        ("Fix typo in a log message", "docs"),
        ("Update README", "docs"),
        ("Remove an outdated comment", "docs"),
        ("test: Add cases for leap years", "other"),
        ("Add unit tests for the cache", "other"),
        ("ci: Fix the nightly job", "other"),
        ("chore(deps): bump numpy", "other"),
        ("Update translations", "other"),
        ("Revert the last change", "other"),
        (".", "other"),
        ("", "other"),
    ],
)
def test_titles(title: str, expected: str) -> None:
    assert kind(title) == expected


def test_documentation_alone_is_docs_whatever_the_title_says() -> None:
    assert kind("Fix the crash", "docs/install.md", "README.md") == "docs"
    assert kind("Fix the crash", "docs/install.md", "src/app.py") == "bugfix"


def test_a_build_file_that_ends_like_a_text_is_no_documentation() -> None:
    assert kind("Add a warning", "CMakeLists.txt") == "other"
    assert kind("Add a warning", "CMakeLists.txt", "src/app.cpp") == "feature"
    assert kind("Bump", "requirements-dev.txt") == "other"


def test_without_product_code_it_is_no_feature() -> None:
    assert kind("Add the case of an empty list", "tests/test_app.py") == "other"
    assert kind("Fix the case of an empty list", "tests/test_app.py") == "bugfix"
    assert kind("Add the case of an empty list", "tests/test_app.py", "src/app.py") == "feature"


def test_a_long_sentence_before_a_colon_is_no_type() -> None:
    assert kind("The fix that we talked about in the last meeting of the team: rename it") == "bugfix"
    assert kind("Rename what we talked about in the last meeting of all the team: doc") == "docs"


def test_an_empty_pull_request_has_a_kind() -> None:
    assert kind_of(PullRequest("octo/demo", 1, "Add it", "", "alice", "", "", ())) == "other"


@given(st.text(max_size=200), st.lists(st.sampled_from(["a.py", "tests/a.py", "README.md", "a.yml"]), max_size=3))
def test_every_pull_request_has_one_kind_whatever_the_order_of_its_files(title: str, paths: list[str]) -> None:
    found = kind(title, *paths)
    assert found in KINDS
    assert kind(title, *reversed(paths)) == found
