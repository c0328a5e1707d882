"""What the names and labels in PromQL are, and which there can be."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser
import yaml

from runners.gateway_metrics import METRICS
from tests.command import ROOT

MONITORING = ROOT / "runners" / "monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yml"))
HISTOGRAM = ("_bucket", "_sum", "_count")
VARIABLES = {"$__rate_interval": "5m", "$__range": "1d", "$__interval": "1m", "$repository": ".*"}


def load_toml() -> dict[str, Any]:
    return tomllib.loads((MONITORING / "metrics.toml").read_text(encoding="utf-8"))


def load_rules() -> list[dict[str, Any]]:
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def known_metrics() -> dict[str, frozenset[str]]:
    """The labels of every sample that rules and dashboards may name; a target's labels are on each."""
    document = load_toml()
    everywhere = set(document["targets"]["labels"])
    found: dict[str, set[str]] = {}
    for metric in METRICS:
        found |= name_samples(metric.name, metric.labels, histogram=metric.kind == "histogram")
    for source in document.values():
        for name, shape in source.get("metrics", {}).items():
            labels = shape.get("labels", []) if isinstance(shape, Mapping) else shape
            found |= name_samples(name, labels, histogram=isinstance(shape, Mapping))
    for rule in load_rules():
        if "record" in rule:
            grouped = group_labels(rule["expr"])
            asked = [found[name] for name, _ in list_selectors(rule["expr"])]
            found[rule["record"]] = {label for part in (grouped or asked) for label in part}
    return {name: frozenset(labels | everywhere) for name, labels in found.items()}


def name_samples(name: str, labels: Any, *, histogram: bool) -> dict[str, set[str]]:
    if not histogram:
        return {name: set(labels)}
    return {name + end: {*labels, *(["le"] if end == "_bucket" else [])} for end in HISTOGRAM}


def substitute(expression: str) -> str:
    """The expression with Grafana's variables replaced."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression


def walk(node: Any) -> Iterator[Any]:
    """The nodes of a parsed expression."""
    yield node
    for name in ("lhs", "rhs", "expr", "vector_selector", "param"):
        child = getattr(node, name, None)
        if child is not None and not isinstance(child, str):
            yield from walk(child)
    for child in getattr(node, "args", None) or ():
        yield from walk(child)


def list_selectors(expression: str) -> list[tuple[str, list[str]]]:
    """The metrics of an expression, and the labels that each is asked by."""
    nodes = walk(promql_parser.parse(substitute(expression)))
    chosen = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    return [(node.name or "", [matcher.name for matcher in node.matchers.matchers]) for node in chosen]


def group_labels(expression: str) -> list[list[str]]:
    """The labels of each `by`, `on` and `ignoring`."""
    words = re.findall(r"\b(?:by|on|ignoring|without)\s*\(([^)]*)\)", expression)
    return [[label.strip() for label in group.split(",") if label.strip()] for group in words]


def check_expression(expression: str, known: Mapping[str, frozenset[str]]) -> list[str]:
    """What is wrong with an expression: nothing, or sentences."""
    try:
        selectors = list_selectors(expression)
    except ValueError as error:
        return [f"does not parse: {error}"]
    if not selectors:
        return ["asks for no metric"]
    wrong = [f"nothing exposes {name}" for name, _ in selectors if name not in known]
    wrong += [
        f"{name} has no label {label}"
        for name, labels in selectors
        for label in labels
        if name in known and label not in known[name]
    ]
    labels = frozenset().union(*(known.get(name, frozenset()) for name, _ in selectors))
    wrong += [
        f"no metric here has the label {name}"
        for group in group_labels(expression)
        for name in group
        if name not in labels
    ]
    return wrong
