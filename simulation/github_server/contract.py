"""GitHub's own schemas as strict checks: a wrong type, a missing key or a key unknown to GitHub is a violation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parent.parent / "contract"
BASE = "urn:github"

EXTRA_KEYS: dict[str, tuple[str, dict[str, Any], str]] = {
    "validation-error": ("status", {"type": "string"}, "sent with every error since 2024"),
    "validation-error-simple": ("status", {"type": "string"}, "sent with every error since 2024"),
}
"""Schema, key, type, reason: what GitHub sends but does not describe."""

NULLABLE: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("pull-request.head", ("repo",), "null once the fork is deleted"),
    ("pull-request-simple.head", ("repo",), "null once the fork is deleted"),
    ("pull-request-simple.labels.[]", ("description",), "null for a label without one, as in `label`"),
    ("pull-request-review-comment", ("line", "position"), "null when outdated or on a file"),
    ("pull-request-review-comment", ("original_line",), "null on a file"),
    ("review-comment", ("line",), "null when outdated"),
    ("review-comment", ("original_line",), "null on a file"),
)
"""Schema, keys, reason: what is null in real answers though the schema says otherwise. `[]` is an array's items."""

EXTRA_ANSWERS: dict[str, tuple[int, str]] = {
    "pulls/create-reply-for-review-comment": (422, "refused while a review is pending, and for replies to replies"),
    "actions/create-workflow-dispatch": (422, "refused when there is no such branch or tag"),
    "actions/create-repo-variable": (409, "refused when there is one of that name already"),
    "pulls/update-review-comment": (422, "refused when the body is too long"),
}
"""Operation, status, reason: validation errors that GitHub sends but does not list."""

EXTRA_BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "issues/add-labels": (
        {"type": "array", "items": {"type": "string"}},
        "the form of PyGithub and of older documents",
    ),
}
"""Operation, schema, reason: bodies that GitHub takes but does not list."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as GitHub's document has it."""

    method: str
    template: str
    spec: dict[str, Any]
    pattern: re.Pattern[str]

    @property
    def id(self) -> str:
        """Such as `pulls/create-review`."""
        return str(self.spec["operationId"])


class Contract:
    """The committed subset of GitHub's OpenAPI document."""

    def __init__(self) -> None:
        document = json.loads((FOLDER / "openapi.json").read_bytes())
        allow_exceptions(document)
        self.document = make_strict(document)
        self.registry: Registry[Any] = Registry().with_resource(BASE, DRAFT202012.create_resource(self.document))
        self.operations = tuple(self._operations())
        self.validators: dict[int, Draft202012Validator] = {}

    def _operations(self) -> Iterator[Operation]:
        for template, methods in self.document["paths"].items():
            for method, spec in methods.items():
                yield Operation(method.upper(), template, spec, compile_template(template))

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation that answers a path, and the path's parameters; None when GitHub's subset has none."""
        for operation in self.operations:
            found = operation.pattern.fullmatch(path) if operation.method == method else None
            if found:
                return operation, {key: unquote(value) for key, value in found.groupdict().items()}
        return None

    def check_request(self, operation: Operation, query: dict[str, str], body: Any) -> list[str]:
        """What is wrong with a request's query and JSON body; empty when nothing is."""
        problems = self._check_query(operation, query)
        spec = operation.spec.get("requestBody")
        if spec is None:
            return problems + (["a body where none is expected"] if body else [])
        if body is None:
            return problems + (["no body"] if spec.get("required") else [])
        pointer = [operation.template, operation.method.lower(), "requestBody", "content", "application/json", "schema"]
        return problems + self.check(["paths", *pointer], body)

    def _check_query(self, operation: Operation, query: dict[str, str]) -> list[str]:
        problems = []
        known = {}
        for parameter in map(self._resolve, operation.spec.get("parameters", [])):
            if parameter["in"] == "query":
                known[parameter["name"]] = parameter["schema"]
        for name, text in query.items():
            if name not in known:
                problems.append(f"query: {operation.id} has no parameter {name!r}")
                continue
            value = convert_text(text, known[name].get("type"))
            problems += [f"query {name}: {error.message}" for error in self._validator(known[name]).iter_errors(value)]
        return problems

    def check_answer(self, operation: Operation, status: int, body: Any) -> list[str]:
        """What is wrong with an answer's status and JSON body; empty when nothing is."""
        if status in (401, 403, 404, 429) and str(status) not in operation.spec["responses"]:
            return self.check(["components", "schemas", "basic-error"], body)
        response = operation.spec["responses"].get(str(status))
        if response is None:
            return [f"{operation.id} never answers {status}"]
        content = self._resolve(response).get("content", {})
        if not content:
            return ["a body where none is expected"] if body is not None else []
        return self._check(content["application/json"]["schema"], body)

    def check(self, pointer: list[str], value: Any) -> list[str]:
        """Check a value against the schema at a place of the document."""
        node: Any = self.document
        for part in pointer:
            node = node[part]
        return self._check(node, value)

    def _check(self, schema: Any, value: Any) -> list[str]:
        errors = self._validator(schema).iter_errors(value)
        return [f"{error.json_path}: {error.message[:300]}" for error in errors]

    def _validator(self, schema: Any) -> Draft202012Validator:
        """The validator of a part of the document, which lives as long as this."""
        if id(schema) not in self.validators:
            self.validators[id(schema)] = self._build_validator(schema)
        return self.validators[id(schema)]

    def _build_validator(self, schema: Any) -> Draft202012Validator:
        absolute = {"$ref": BASE + schema["$ref"]} if "$ref" in schema else with_base(schema)
        return Draft202012Validator(absolute, registry=self.registry, format_checker=FormatChecker())

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        target: Any = self.document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return dict(target)


def with_base(schema: Any) -> Any:
    """An inline schema whose references point into the document."""
    if isinstance(schema, dict):
        return {
            key: BASE + value if key == "$ref" and isinstance(value, str) else with_base(value)
            for key, value in schema.items()
        }
    return [with_base(item) for item in schema] if isinstance(schema, list) else schema


def compile_template(template: str) -> re.Pattern[str]:
    """A path template as a pattern. The last parameter of contents, refs and compares may hold slashes."""
    parts = re.split(r"{(\w+)}", template)
    greedy = ("path", "ref", "basehead")
    pattern = ""
    for index, part in enumerate(parts):
        pattern += (f"(?P<{part}>.*)" if part in greedy else f"(?P<{part}>[^/]+)") if index % 2 else re.escape(part)
    return re.compile(pattern)


def convert_text(text: str, kind: str | None) -> Any:
    """A query parameter's text as its type; the text itself where it is none."""
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def make_strict(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema 2020-12, with objects closed to keys that are not listed."""
    if isinstance(node, list):
        return [make_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    strict = {key: make_strict(value) for key, value in node.items() if key != "nullable"}
    if isinstance(strict.get("properties"), dict) and "additionalProperties" not in strict:
        strict["additionalProperties"] = False
    if isinstance(strict.get("allOf"), list):
        strict = open_parts(strict)
    return make_nullable(strict) if node.get("nullable") is True else strict


def make_nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema, null allowed."""
    return {"anyOf": [schema, {"type": "null"}]}


def open_parts(schema: dict[str, Any]) -> dict[str, Any]:
    """Parts of an `allOf` know only their own keys, so the whole is closed instead of them."""
    parts = [
        {key: value for key, value in part.items() if not (key == "additionalProperties" and value is False)}
        for part in schema["allOf"]
    ]
    return {**schema, "allOf": parts, "unevaluatedProperties": False}


def allow_exceptions(document: dict[str, Any]) -> None:
    """Apply EXTRA_KEYS, EXTRA_ANSWERS, EXTRA_BODIES and NULLABLE to the document as loaded."""
    schemas = document["components"]["schemas"]
    for name, (key, schema, _) in EXTRA_KEYS.items():
        schemas[name]["properties"].setdefault(key, schema)
    for methods in document["paths"].values():
        for operation in methods.values():
            if operation["operationId"] in EXTRA_ANSWERS:
                status, _ = EXTRA_ANSWERS[operation["operationId"]]
                operation["responses"][str(status)] = {"$ref": "#/components/responses/validation_failed"}
            if operation["operationId"] in EXTRA_BODIES:
                content = operation["requestBody"]["content"]["application/json"]
                content["schema"] = {"anyOf": [content["schema"], EXTRA_BODIES[operation["operationId"]][0]]}
    for place, keys, _ in NULLABLE:
        name, *parts = place.split(".")
        node = schemas[name]
        for part in parts:
            node = node["items"] if part == "[]" else node["properties"][part]
        for key in keys:
            node["properties"][key] = {"anyOf": [node["properties"][key]], "nullable": True}


@cache
def load_webhooks() -> dict[str, Any]:
    """The committed schemas of events, read once a process."""
    document: dict[str, Any] = json.loads((FOLDER / "webhooks.json").read_bytes())
    return document


def check_event(name: str, payload: Any) -> list[str]:
    """What is wrong with the payload of an event such as `pull_request$opened`; empty when nothing is."""
    schema = {**load_webhooks(), "$ref": f"#/definitions/{name}"}
    errors = Draft7Validator(schema, format_checker=FormatChecker()).iter_errors(payload)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


@cache
def load_contract() -> Contract:
    """The contract, read once a process."""
    return Contract()
