"""The enclosing function or class of a line, as its first line stands in the code.

Only what the hunk shows of the new version is parsed, with tree-sitter, which takes incomplete code: what begins in the
hunk is found there, what began before it is git's section heading. In other files (Makefile, HTML, Markdown) there is
nothing but git's heading, which need be no definition. A hunk is bounded, and so is the work that it takes.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Final

from reviewer.domain import Hunk, Line
from reviewer.locate import LINE_CHARACTERS

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

MAX_LINES = 400
"""Lines that are parsed, most of them above the one that it is about. Pieces of a change have fewer."""
MAX_STEPS = 300
"""Reports of the parser, each after the same amount of work: a limit that is the same on every machine. Of 5,724 real
pieces none needed more than 52. (Shell is not parsed: its grammar can run without end on code made to be slow, and does
not report.)"""
READ_BYTES = 65_536
MAX_SCOPE = 200
"""Characters of the first line that are kept."""
MAX_DEPTH = 300
"""Nodes around a line that are looked at; code that people write has fewer."""

MAX_CLOSED = 50
"""Braces, or words that end a block, that are put behind the hunk at most."""
_RUBY_BLOCK: Final = re.compile(r"^\s*(?:class|def|module)\b", re.MULTILINE)

_GRAMMARS = {
    "tree_sitter_c:language": "c",
    "tree_sitter_cpp:language": "cc cpp cxx h hpp hh hxx ipp inl cu",
    "tree_sitter_c_sharp:language": "cs",
    "tree_sitter_go:language": "go",
    "tree_sitter_java:language": "java",
    "tree_sitter_javascript:language": "js jsx mjs cjs",
    "tree_sitter_kotlin:language": "kt kts",
    "tree_sitter_php:language_php_only": "php",
    "tree_sitter_python:language": "py pyi",
    "tree_sitter_ruby:language": "rb rake gemspec",
    "tree_sitter_rust:language": "rs",
    "tree_sitter_typescript:language_typescript": "ts mts cts",
    "tree_sitter_typescript:language_tsx": "tsx",
}
_GRAMMAR_OF: Final = {ending: grammar for grammar, endings in _GRAMMARS.items() for ending in endings.split()}
_IN_CLASS: Final = frozenset({"cs", "java", "js", "jsx", "mjs", "cjs", "kt", "kts", "php", "ts", "mts", "cts", "tsx"})
"""Where methods stand only in a class: a hunk that cannot be read by itself is read as the inside of one."""
_DEFINITION_NODES = """
    abstract_class_declaration class class_declaration class_definition class_specifier companion_object
    constructor_declaration destructor_declaration enum_declaration enum_item enum_specifier function_declaration
    function_definition function_item generator_function_declaration impl_item interface_declaration
    local_function_statement method method_declaration method_definition module object_declaration record_declaration
    secondary_constructor singleton_method struct_declaration struct_item struct_specifier trait_declaration trait_item
    type_declaration union_specifier
"""
_DEFINITIONS: Final = frozenset(_DEFINITION_NODES.split())
_FUNCTION_VALUES: Final = frozenset({"arrow_function", "function_expression", "generator_function"})
"""What makes a variable a function: `const f = () => {`."""
_HEAD: Final = re.compile(
    r"\s*(?P<word>[A-Za-z_~$][\w$]*)"
    r"(?:.*[({]|(?<=class) |(?<=def) |(?<=module) |.*\b(?:class|enum|impl|interface|object|struct|trait|union)\b)"
)
_CONTROL_WORDS = """
    assert await begin break case catch continue default delete do echo elif else elsif except finally for foreach from
    goto if import lock new package print raise rescue return switch throw try unless until use using when while with
    yield
"""
_CONTROL: Final = frozenset(_CONTROL_WORDS.split())
"""A line that begins with one of these is no head of a definition, whatever a parser makes of part of a file."""


def find_scope(hunk: Hunk, line: Line | None = None) -> str:
    """The scope of a line of the hunk, by default its first changed one; git's heading when none begins in the hunk."""
    if line is None:
        line = next((each for each in hunk.lines if each.kind != " "), hunk.lines[0])
    return find_definition(hunk, line) or hunk.section.strip()


def find_definition(hunk: Hunk, line: Line) -> str:
    """The first line of the innermost function or class around a line that begins in the hunk; empty when none does."""
    ending = hunk.path.rpartition(".")[2].lower()
    shown = [each.text[:LINE_CHARACTERS] for each in hunk.lines if each.kind != "-"]
    row = min(sum(each.kind != "-" for each in hunk.lines[: hunk.lines.index(line)]), len(shown) - 1)
    first = max(0, row - MAX_LINES * 3 // 4)
    shown, row = shown[first : first + MAX_LINES], row - first
    if ending not in _GRAMMAR_OF or not shown or not _may_be_inside(shown, row):
        return ""
    grammar = _GRAMMAR_OF[ending]
    head, is_whole = _find_head(grammar, shown, row)
    if head is None and not is_whole and ending in _IN_CLASS:
        head, _ = _find_head(grammar, shown, row, before="class A {")
    return "" if head is None else shown[head].strip()[:MAX_SCOPE]


def _may_be_inside(shown: list[str], row: int) -> bool:
    """Whether the line looks like the head of a definition, or one above it that is less indented does.

    Two of three hunks need not be parsed then.
    """
    text = shown[row].rstrip()
    indent = len(text) - len(text.lstrip()) if text else LINE_CHARACTERS
    if _is_head(text) and not text.endswith(";"):
        return True
    return any(_is_head(above) for above in shown[:row] if len(above) - len(above.lstrip()) < indent)


def _is_head(text: str) -> bool:
    found = _HEAD.match(text)
    return found is not None and found["word"] not in _CONTROL


def _find_head(grammar: str, shown: list[str], row: int, before: str = "") -> tuple[int | None, bool]:
    """The row with the head of the innermost definition around a row, and whether all code could be read.

    `before` is a line to put before those that are shown.
    """
    text = shown[row]
    point = (row + bool(before), len(text[: len(text) - len(text.lstrip())].encode("utf-8", "replace")))
    code = "\n".join([before, *shown] if before else shown)
    code += "\n" + _close(code, grammar)
    tree = _parse(_parser(grammar), code.encode("utf-8", "replace"))
    if tree is None:
        return None, True
    heads = [head - bool(before) for head in _list_heads(tree, point)]
    innermost = next((head for head in reversed(heads) if head >= 0 and _is_head(shown[head])), None)
    return innermost, not tree.root_node.has_error


def _close(code: str, grammar: str) -> str:
    """What a hunk leaves open: without it, some grammars see no definition."""
    if grammar.startswith("tree_sitter_ruby"):
        return "\nend" * min(len(_RUBY_BLOCK.findall(code)), MAX_CLOSED)
    return "}" * min(code.count("{") - code.count("}"), MAX_CLOSED)


@cache
def _parser(grammar: str) -> Parser:
    from tree_sitter import Language, Parser

    module, _, function = grammar.partition(":")
    return Parser(Language(getattr(import_module(module), function)()))


def _parse(parser: Parser, code: bytes) -> Tree | None:
    """The syntax tree; None for code, made to be slow, that takes too many steps."""
    steps = count()

    def is_too_long(offset: int, has_error: bool) -> bool:  # noqa: ARG001, FBT001 - tree-sitter's signature
        return next(steps) > MAX_STEPS

    try:
        return parser.parse(lambda offset, _: code[offset : offset + READ_BYTES], progress_callback=is_too_long)
    except ValueError:  # how it says that it was stopped
        parser.reset()
        return None


def _list_heads(tree: Tree, point: tuple[int, int]) -> list[int]:
    """The rows of the definitions around a point, outermost first."""
    cursor = tree.walk()
    heads: list[int] = []
    for _ in range(MAX_DEPTH):
        if cursor.goto_first_child_for_point(point) is None or cursor.node is None:
            break
        if tuple(cursor.node.start_point) > point:
            break
        if (row := _head_row(cursor.node)) is not None:
            heads.append(row)
    return heads


def _head_row(node: Node) -> int | None:
    """The row with the name of a definition; None for every other node."""
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        return node.start_point[0] if value and value.type in _FUNCTION_VALUES else None
    if node.type not in _DEFINITIONS or not node.is_named:
        return None
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return None
    name = node.child_by_field_name("name") or node.child_by_field_name("declarator")
    return (name or node).start_point[0]
