"""The enclosing function or class of a line, in the languages that are parsed."""

from __future__ import annotations

import time

import pytest

from reviewer.domain import Hunk, Line
from training.scope import find_scope

CODE = [
    ("a.py", "    return 1\n\nclass A:\n    def f(\n        self,\n    ):\n        x = 1", "def f("),
    ("a.py", "class A:\n    x = 1", "class A:"),
    ("a.c", "    return 1;\n}\n\nstatic int f(int a) {\n    x = 1;", "static int f(int a) {"),
    ("a.c", "struct point {\n    int x;", "struct point {"),
    ("a.cpp", "void Window::show()\n{\n    x = 1;", "void Window::show()"),
    ("a.h", "class A {\npublic:\n    int f() const {\n        x = 1;", "int f() const {"),
    ("a.go", "}\n\nfunc (s *Server) Run() error {\n\tx := 1", "func (s *Server) Run() error {"),
    ("a.java", "    @Override\n    public void run() {\n        x = 1;", "public void run() {"),
    ("a.js", "export const f = async () => {\n  x = 1;", "export const f = async () => {"),
    ("a.ts", "  async load(id: string): Promise<void> {\n    x = 1;", "async load(id: string): Promise<void> {"),
    ("a.tsx", "export function App() {\n  return <div>\n    <p/>", "export function App() {"),
    ("a.rs", "impl A {\n    pub fn f(&self) -> u8 {\n        1", "pub fn f(&self) -> u8 {"),
    ("a.rb", "class A\n  def f\n    x = 1", "def f"),
    ("a.cs", "    public int F(int a)\n    {\n        x = 1;", "public int F(int a)"),
    ("a.php", "    public function f($a) {\n        $x = 1;", "public function f($a) {"),
    ("a.kt", "class A {\n    fun f(): Int {\n        val x = 1", "fun f(): Int {"),
    ("a.txt", "class A {\n    x", "heading"),
    ("a.c", "    if (x) {\n        y = 1;", "heading"),
    ("a.ts", "    if (x) {\n        y = 1;", "heading"),
    ("a.py", "    x = f(\n        1,", "heading"),
]


def make_hunk(path: str, code: str) -> Hunk:
    lines = tuple(Line("+", text, None, number) for number, text in enumerate(code.split("\n"), 1))
    return Hunk(path, "heading", 0, 1, lines)


@pytest.mark.parametrize(("path", "code", "scope"), CODE, ids=[f"{path} {scope}" for path, _, scope in CODE])
def test_the_innermost_definition_that_the_hunk_shows(path: str, code: str, scope: str) -> None:
    hunk = make_hunk(path, code)
    assert find_scope(hunk, hunk.lines[-1]) == scope


def test_a_removed_line_is_where_it_was() -> None:
    shown = [Line(" ", "def f():", 1, 1), Line("-", "    x = 1", 2, None), Line("+", "    x = 2", None, 2)]
    hunk = Hunk("a.py", "heading", 1, 1, (*shown, Line(" ", "def g():", 3, 3)))
    assert find_scope(hunk) == "def f():"
    assert find_scope(hunk, hunk.lines[3]) == "def g():"


def test_only_removed_lines() -> None:
    assert find_scope(Hunk("a.py", "heading", 1, 0, (Line("-", "def f(): pass", 1, None),))) == "heading"


@pytest.mark.parametrize("ending", ["py", "cpp"])
def test_code_made_to_be_slow_costs_a_bounded_time(ending: str) -> None:
    hunk = make_hunk(f"a.{ending}", "\n".join(["class A {", *["  " + 'f"{' * 130] * 200]))
    begun = time.process_time()
    assert find_scope(hunk, hunk.lines[-1]) in {"heading", "class A {"}
    assert time.process_time() - begun < 5
