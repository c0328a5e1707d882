"""Which suggestions may be offered: they change something, keep the indentation, and still make sense as code."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reviewer.domain import Hunk
from reviewer.suggestion import check_suggestion, is_advice
from tests.fakes import make_hunk

PYTHON = """\
import hashlib

def digest(path):
    if path:
        data = open(path).read()
        return hashlib.sha256(data)
    return None
"""


def hunk_of(text: str, path: str = "a.py") -> Hunk:
    return make_hunk(path, "", text)


def check(text: str, first: int, last: int, suggestion: str, path: str = "a.py") -> str | None:
    replaced = text.split("\n")[first - 1 : last]
    return check_suggestion(suggestion, replaced, hunk_of(text, path), first)


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        (3, "def digest(path: str):"),
        (5, '        data = open(path, "rb").read()'),
        (5, "        with open(path) as file:\n            data = file.read()"),
        (6, "        return hashlib.sha256(data).hexdigest()"),
        (7, "    return ''"),
    ],
)
def test_code_that_changes_something_and_parses_is_offered_as_it_is(line: int, suggestion: str) -> None:
    assert check(PYTHON, line, line, suggestion) == suggestion
    assert check(PYTHON, line, line, suggestion.replace("\n", "\r\n") + "\r\n") == suggestion


def test_several_lines_become_others() -> None:
    assert check(PYTHON, 5, 6, "        return read_digest(path)") == "        return read_digest(path)"


@pytest.mark.parametrize(
    "suggestion",
    [
        "",
        "  \n",
        "    return None",
        "    return None  ",
        "return None",
        "    return None\n\n",
        "    return None)",
        "    return (None",
        "    return {None]",
        "    return =",
        "            return 1",
        "Remove this return statement.",
        "Use `pathlib` here, it closes the file: safer.",
        "remove this line",
        "R7    +     return 1",
        "R7          return 1",
        "L7    -     return 1",
        "+    return 1",
        "-    return None",
        "-    return None\n+    return 1",
        "    return 1\x00",
    ],
)
def test_what_changes_nothing_or_is_no_code_is_refused(suggestion: str) -> None:
    assert check(PYTHON, 7, 7, suggestion) is None


def test_an_end_of_line_alone_is_no_change() -> None:
    hunk = hunk_of("a = 1\r\nb = 2\r\n", "a.js")
    assert check_suggestion("a = 1\nb = 2\n", ["a = 1\r", "b = 2\r"], hunk, 1) is None
    assert check_suggestion("a = 1\nb = 3\n", ["a = 1\r", "b = 2\r"], hunk, 1) == "a = 1\nb = 3"


@pytest.mark.parametrize(
    ("replaced", "suggestion", "expected"),
    [
        ("    x = f()", "y = f()", "    y = f()"),
        ("\tx = f()", "y = f()", "\ty = f()"),
        ("    x = f()", "  y = f()", "  y = f()"),
        ("x = f()", "y = f()", "y = f()"),
        ("    x = f()", "y = f()\nz = g()", "    y = f()\n    z = g()"),
        ("    x = f()", "y = f()\n    z = g()", "    y = f()\n    z = g()"),
        ("    x = f()", "y = f()\n\nz = g()", "    y = f()\n\n    z = g()"),
        ("    if x {", "if y {\n    z = 1\n}\nif (y) {", "    if y {\n        z = 1\n    }\n    if (y) {"),
        ("    if x {", "if y {\n        z = 1\n    }\n    if y {", "    if y {\n        z = 1\n    }\n    if y {"),
        ("  x = f()", "if y {\n  f()\n}", "  if y {\n    f()\n  }"),
        ("        x = f()", "y = [\n    1,\n]", "        y = [\n            1,\n        ]"),
        ("    x = f()\n    g()", "y = f()\n    h()", "    y = f()\n    h()"),
        ("\n    x = f()", "y = f()", "    y = f()"),
    ],
)
def test_a_missing_indentation_is_put_back(replaced: str, suggestion: str, expected: str) -> None:
    text = f"{{\n{replaced}\n}}\n"
    assert check(text, 2, 1 + len(replaced.split("\n")), suggestion, "a.js") == expected


def test_an_indented_suggestion_that_says_the_same_is_no_change() -> None:
    assert check("{\n    x = f()\n}\n", 2, 2, "x = f()", "a.js") is None


def test_put_back_indentation_keeps_python_in_its_block() -> None:
    offered = check(PYTHON, 6, 6, "return hashlib.sha256(data).hexdigest()")
    assert offered == "        return hashlib.sha256(data).hexdigest()"
    ast.parse(PYTHON.replace("        return hashlib.sha256(data)", offered))


def test_brackets_must_stay_as_open_as_they_were() -> None:
    text = "call(\n    first,\n)\n"
    for path in ("a.js", "a.py"):
        assert check(text, 1, 1, "other(", path) == "other("
        assert check(text, 1, 1, "other()", path) is None
        assert check(text, 3, 3, ");", path) == ");"
        assert check(text, 3, 3, "]", path) is None
        assert check(text, 1, 3, "other(first)", path) == "other(first)"


@pytest.mark.parametrize(
    ("fragment", "line", "suggestion", "is_offered"),
    [
        ("        x = 1\n    else:\n        x = 2\n", 1, "        x = 3", True),
        ("        x = 1\n    else:\n        x = 2\n", 1, "        remove x", False),
        ("        x = 1\n    else:\n        x = 2\n", 2, "    elif y:", True),
        ("        x = 1\n    if y:\n        x = 2\n    else:\n", 2, "    if y is None:", True),
        ("        x = 1\n    if y:\n        x = 2\n    else:\n", 2, "    if y is None", False),
        ("some words of a docstring\n    more words\n", 1, "other words of a docstring", True),
    ],
)
def test_a_fragment_of_python_is_judged_by_the_lines_themselves(
    fragment: str, line: int, suggestion: str, *, is_offered: bool
) -> None:
    assert (check(fragment, line, line, suggestion) is not None) == is_offered


def test_only_python_is_parsed() -> None:
    assert check("a = 1\n", 1, 1, "let a = 1 of", "a.ml") == "let a = 1 of"
    assert check("a = 1\n", 1, 1, "let a = 1 of", "a.pyi") is None


def test_removed_lines_are_no_part_of_the_new_version() -> None:
    hunk = make_hunk("a.py", "def f(:\n    a\n", "def f():\n    b\n")
    assert check_suggestion("    return b", ["    b"], hunk, 2) == "    return b"
    assert check_suggestion("    return return", ["    b"], hunk, 2) is None
    block = make_hunk("a.py", "if a(:\n    z\nelse:\n    d\n", "if a:\n    b\nelse:\n    d\n")
    assert check_suggestion("    c", ["    b"], block, 2) == "    c"
    assert check_suggestion("    b\nc", ["    b"], block, 2) is None, "good by itself, not before the else"


@pytest.mark.parametrize(
    ("suggestion", "is_offered"),
    [
        ("R2    + y = 2", False),
        ("R2      y = 2", False),
        ("L2    - y = 2", False),
        ("+ y = 2", False),
        ("+y = 2\n+z = 3", False),
        ("- x = 1\n+ y = 2", False),
        ("+ y = 2\nz = 3", True),
        ("R2 = 2", True),
    ],
)
def test_a_copied_diff_is_no_code(suggestion: str, *, is_offered: bool) -> None:
    assert check("a\nx = 1\nb\n", 2, 2, suggestion, "a.js") == (suggestion if is_offered else None)


def test_marks_are_code_where_marks_were() -> None:
    assert check("a:\n- one\n- two\n", 2, 2, "- three", "a.yaml") == "- three"


@pytest.mark.parametrize("nesting", ["(" * 5000 + ")" * 5000, "-" * 5000 + "1", "x = '\\d'", "1 is 1"])
def test_hostile_code_neither_raises_nor_warns(nesting: str) -> None:
    check("x = 1\n", 1, 1, nesting)
    check(nesting + "\n", 1, 1, "x = 1")


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("Remove the function `sha256sum`.", "a.py", True),
        ("Use a context manager", "a.go", True),
        ("Close the file. It leaks.", "src/a.ts", True),
        ("Remove the function `sha256sum`.", "README.md", False),
        ("A longer sentence.", "docs/a.rst", False),
        ("return None", "a.py", False),
        ("String name = other;", "A.java", False),
        ("Foo()", "a.py", False),
        ("Two words", "a.py", False),
        ("# Remove the function when done.", "a.py", False),
    ],
)
def test_advice_is_told_from_code(text: str, path: str, *, expected: bool) -> None:
    assert is_advice(text, path) == expected


def test_advice_is_refused_except_where_prose_stands() -> None:
    advice = "Remove the function `sha256sum`."
    assert check("x = 1\n", 1, 1, advice) is None
    assert check("x = 1\n", 1, 1, advice, "a.js") is None
    assert check("Old words.\n", 1, 1, advice, "a.md") == advice
    docstring = '"""\nReturn the sum of all.\n"""\n'
    assert check(docstring, 2, 2, "Return the product of all.") == "Return the product of all."


LINES = st.lists(
    st.sampled_from(["x = 1", "    y = 2", "if x:", "    pass", "", "\tz = 3", "f(", ")", "Do this now.", "\r", "+ a"]),
    min_size=1,
    max_size=5,
)


@example(text=["x = 1"], suggestion=["x = 1", "x = 1", "\r", ""], first=1, path="a.py")
@given(text=LINES, suggestion=LINES, first=st.integers(1, 5), path=st.sampled_from(["a.py", "a.js", "a.md"]))
def test_whatever_is_offered_changes_the_file_and_leaves_python_python(
    text: list[str], suggestion: list[str], first: int, path: str
) -> None:
    first = min(first, len(text))
    hunk = hunk_of("\n".join(text) + "\n", path)
    replaced = text[first - 1 :]
    offered = check_suggestion("\n".join(suggestion), replaced, hunk, first)
    if offered is None:
        return
    assert [line.rstrip() for line in offered.split("\n")] != [line.rstrip() for line in replaced]
    assert [line.strip() for line in offered.split("\n")] == [
        line.strip() for line in "\n".join(suggestion).replace("\r\n", "\n").rstrip("\n").split("\n")
    ]
    if path == "a.py" and parses("\n".join(text)):
        assert parses("\n".join([*text[: first - 1], offered]))


def parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True
