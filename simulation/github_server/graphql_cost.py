"""What a GraphQL query costs, by GitHub's documented rules, before it is carried out.

Each connection takes one request for each node of the connections around it, and gives up to `first` or `last` nodes
for each. The cost is the requests over a hundred, rounded, at least one; the nodes are counted against a limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Points of the primary limit, and the most nodes that an answer may hold."""

    points: int
    nodes: int


def measure(document: DocumentNode, operation: str | None, variables: Mapping[str, Any] | None) -> Cost:
    """The cost of one operation of a document that is valid."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    chosen = next((one for one in operations if operation in (None, one.name and one.name.value)), None)
    if chosen is None:
        return Cost(1, 0)
    values = {one.variable.name.value: read_int(one.default_value, {}) for one in chosen.variable_definitions or ()}
    counted = list(walk(chosen.selection_set, 1, fragments, {**values, **(variables or {})}))
    requests = sum(around for around, _ in counted)
    return Cost(max(round(requests / 100), 1), sum(nodes for _, nodes in counted))


def walk(
    selected: SelectionSetNode | None,
    around: int,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> Iterator[tuple[int, int]]:
    """The requests and the nodes of each connection. `around` nodes ask for what is selected."""
    for one in selected.selections if selected else ():
        if isinstance(one, FragmentSpreadNode):
            yield from walk(fragments[one.name.value].selection_set, around, fragments, variables)
        elif isinstance(one, InlineFragmentNode):
            yield from walk(one.selection_set, around, fragments, variables)
        elif isinstance(one, FieldNode):
            size = find_size(one, variables)
            if size is not None:
                yield around, around * size
            yield from walk(one.selection_set, around * (size or 1), fragments, variables)


def find_size(field: FieldNode, variables: Mapping[str, Any]) -> int | None:
    """`first` or `last` of a connection; None for a field that is none."""
    for argument in field.arguments or ():
        if argument.name.value in ("first", "last"):
            return read_int(argument.value, variables)
    return None


def read_int(node: Any, variables: Mapping[str, Any]) -> int | None:
    """A whole number, written out or in a variable."""
    if isinstance(node, IntValueNode):
        return int(node.value)
    if isinstance(node, VariableNode):
        value = variables.get(node.name.value)
        return value if isinstance(value, int) else None
    return None
