"""Cut what the stand-in server needs out of GitHub's own published schemas.

    python -m simulation.contract.update [--node-modules DIR]

Without a folder the four packages are installed with npm into a temporary one. Everything that only people read
(descriptions, examples, links) is left out; what a machine checks is kept as it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from graphql import build_client_schema, print_schema

HERE = Path(__file__).parent
VERSIONS = {
    "@octokit/openapi": "23.0.2",
    "@octokit/graphql-schema": "15.26.1",
    "@octokit/webhooks-examples": "7.6.1",
    "@octokit/webhooks-schemas": "7.6.1",
}

REPO = "/repos/{owner}/{repo}"
OPERATIONS: dict[str, tuple[str, ...]] = {
    "/user": ("get",),
    "/rate_limit": ("get",),
    REPO: ("get",),
    f"{REPO}/license": ("get",),
    f"{REPO}/installation": ("get",),
    "/app/installations/{installation_id}/access_tokens": ("post",),
    f"{REPO}/actions/workflows/{{workflow_id}}/dispatches": ("post",),
    f"{REPO}/actions/workflows/{{workflow_id}}/runs": ("get",),
    f"{REPO}/actions/variables": ("get", "post"),
    f"{REPO}/actions/variables/{{name}}": ("get", "patch"),
    f"{REPO}/actions/runs": ("get",),
    f"{REPO}/actions/runs/{{run_id}}/jobs": ("get",),
    f"{REPO}/actions/runs/{{run_id}}/cancel": ("post",),
    f"{REPO}/actions/runners": ("get",),
    f"{REPO}/actions/runners/generate-jitconfig": ("post",),
    f"{REPO}/actions/runners/{{runner_id}}": ("get", "delete"),
    f"{REPO}/actions/permissions": ("get",),
    f"{REPO}/actions/permissions/workflow": ("get",),
    f"{REPO}/actions/permissions/fork-pr-contributor-approval": ("get",),
    f"{REPO}/environments/{{environment_name}}": ("get",),
    f"{REPO}/environments/{{environment_name}}/deployment-branch-policies": ("get",),
    f"{REPO}/releases/latest": ("get",),
    "/orgs/{org}/actions/runner-groups": ("get",),
    f"{REPO}/commits": ("get",),
    f"{REPO}/pulls": ("get", "post"),
    f"{REPO}/pulls/comments": ("get",),
    f"{REPO}/pulls/{{pull_number}}": ("get", "patch"),
    f"{REPO}/pulls/{{pull_number}}/files": ("get",),
    f"{REPO}/pulls/{{pull_number}}/commits": ("get",),
    f"{REPO}/pulls/{{pull_number}}/comments": ("get", "post"),
    f"{REPO}/pulls/{{pull_number}}/comments/{{comment_id}}/replies": ("post",),
    f"{REPO}/pulls/{{pull_number}}/reviews": ("get", "post"),
    f"{REPO}/pulls/{{pull_number}}/reviews/{{review_id}}": ("get", "put", "delete"),
    f"{REPO}/pulls/{{pull_number}}/reviews/{{review_id}}/comments": ("get",),
    f"{REPO}/pulls/{{pull_number}}/reviews/{{review_id}}/events": ("post",),
    f"{REPO}/pulls/comments/{{comment_id}}": ("get", "patch", "delete"),
    f"{REPO}/pulls/comments/{{comment_id}}/reactions": ("get", "post"),
    f"{REPO}/issues": ("get", "post"),
    f"{REPO}/issues/{{issue_number}}": ("get", "patch"),
    f"{REPO}/issues/{{issue_number}}/comments": ("get", "post"),
    f"{REPO}/issues/{{issue_number}}/reactions": ("get", "post"),
    f"{REPO}/issues/{{issue_number}}/labels": ("get", "post"),
    f"{REPO}/issues/{{issue_number}}/labels/{{name}}": ("delete",),
    f"{REPO}/issues/comments/{{comment_id}}": ("get", "patch", "delete"),
    f"{REPO}/issues/comments/{{comment_id}}/reactions": ("get", "post"),
    f"{REPO}/contents/{{path}}": ("get",),
    f"{REPO}/git/trees/{{tree_sha}}": ("get",),
    f"{REPO}/git/blobs/{{file_sha}}": ("get",),
    f"{REPO}/git/ref/{{ref}}": ("get",),
    f"{REPO}/compare/{{basehead}}": ("get",),
    f"{REPO}/commits/{{ref}}": ("get",),
    f"{REPO}/collaborators/{{username}}/permission": ("get",),
}

GRAPHQL_FIELDS: dict[str, tuple[str, ...]] = {
    "Query": ("viewer", "repository", "node", "rateLimit"),
    "Mutation": ("resolveReviewThread", "unresolveReviewThread", "minimizeComment"),
    "RateLimit": ("limit", "remaining", "used", "cost", "resetAt"),
    "User": ("id", "databaseId", "login", "url", "avatarUrl", "resourcePath"),
    "Bot": ("id", "databaseId", "login", "url", "avatarUrl", "resourcePath"),
    "Actor": ("login", "url", "avatarUrl", "resourcePath"),
    "Repository": (
        "id", "databaseId", "name", "nameWithOwner", "isPrivate", "pullRequest", "pullRequests", "licenseInfo",
        "object",
    ),
    "License": ("id", "key", "name", "spdxId"),
    "GitObject": ("id", "oid"),
    "Blob": ("id", "oid", "text", "byteSize", "isBinary", "isTruncated"),
    "Commit": ("id", "oid", "committedDate", "authoredDate", "messageHeadline", "parents"),
    "CommitConnection": ("nodes", "pageInfo", "totalCount"),
    "PullRequest": (
        "id", "databaseId", "number", "title", "body", "url", "isDraft", "headRefOid", "baseRefOid", "baseRefName",
        "author", "authorAssociation", "state", "merged", "mergedAt", "createdAt", "updatedAt", "changedFiles",
        "additions", "deletions", "labels", "commits", "headRepository", "mergeCommit", "reviewThreads",
    ),
    "PullRequestConnection": ("nodes", "pageInfo", "totalCount"),
    "PullRequestCommit": ("id", "commit"),
    "PullRequestCommitConnection": ("nodes", "pageInfo", "totalCount"),
    "Label": ("id", "name"),
    "LabelConnection": ("nodes", "pageInfo", "totalCount"),
    "ReactionGroup": ("content", "reactors"),
    "ReactorConnection": ("totalCount",),
    "IssueOrder": ("field", "direction"),
    "LabelOrder": ("field", "direction"),
    "PullRequestReviewThreadConnection": ("nodes", "edges", "pageInfo", "totalCount"),
    "PullRequestReviewThreadEdge": ("cursor", "node"),
    "PageInfo": ("startCursor", "endCursor", "hasNextPage", "hasPreviousPage"),
    "PullRequestReviewThread": (
        "id", "isResolved", "isOutdated", "isCollapsed", "path", "line", "originalLine", "startLine",
        "originalStartLine", "diffSide", "startDiffSide", "subjectType", "resolvedBy", "viewerCanResolve",
        "viewerCanReply", "comments", "pullRequest",
    ),
    "PullRequestReviewCommentConnection": ("nodes", "edges", "pageInfo", "totalCount"),
    "PullRequestReviewCommentEdge": ("cursor", "node"),
    "PullRequestReviewComment": (
        "id", "databaseId", "fullDatabaseId", "author", "body", "createdAt", "updatedAt", "isMinimized",
        "minimizedReason", "viewerDidAuthor", "replyTo", "path", "outdated", "url", "authorAssociation", "diffHunk",
        "line", "startLine", "originalLine", "originalStartLine", "position", "originalPosition", "commit",
        "originalCommit",
        "subjectType", "reactionGroups",
    ),
    "IssueComment": ("id", "databaseId", "author", "body", "isMinimized", "minimizedReason", "url"),
    "Node": ("id",),
    "Minimizable": ("isMinimized", "minimizedReason"),
    "Comment": ("id", "author", "body"),
    "ResolveReviewThreadInput": ("threadId", "clientMutationId"),
    "ResolveReviewThreadPayload": ("thread", "clientMutationId"),
    "UnresolveReviewThreadInput": ("threadId", "clientMutationId"),
    "UnresolveReviewThreadPayload": ("thread", "clientMutationId"),
    "MinimizeCommentInput": ("subjectId", "classifier", "clientMutationId"),
    "MinimizeCommentPayload": ("minimizedComment", "clientMutationId"),
}  # fmt: skip

EVENTS: dict[str, tuple[str, str]] = {
    "pull_request.opened": ("pull_request", "opened"),
    "pull_request.synchronize": ("pull_request", "synchronize"),
    "issue_comment.created": ("issue_comment", "created"),
    "pull_request_review_comment.created": ("pull_request_review_comment", "created"),
    "workflow_dispatch": ("workflow_dispatch", ""),
}
WEBHOOK_SCHEMAS = (
    "pull_request$opened", "pull_request$reopened", "pull_request$synchronize", "pull_request$ready_for_review",
    "pull_request$labeled", "pull_request$unlabeled", "pull_request$closed", "pull_request$converted_to_draft",
    "issue_comment$created", "issue_comment$edited",
    "pull_request_review_comment$created", "pull_request_review$submitted", "workflow_dispatch$event",
)  # fmt: skip

PROSE = frozenset({
    "description", "example", "examples", "summary", "tags", "externalDocs", "title", "deprecated",
    "tsAdditionalProperties",
})  # fmt: skip


def strip(node: Any, *, names: bool = False) -> Any:
    """Without prose and `x-` extensions. `names`: the keys are names that somebody chose, not words of the schema."""
    if isinstance(node, list):
        return [strip(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = node if names else {key: v for key, v in node.items() if key not in PROSE and not key.startswith("x-")}
    return {key: strip(value, names=key == "properties" and not names) for key, value in kept.items()}


def references(node: Any) -> Iterator[str]:
    """Every `$ref` below a node."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def look_up(document: Any, reference: str) -> Any:
    """What a local reference such as `#/definitions/user` points to."""
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def close(document: Any, start: Any) -> dict[str, Any]:
    """Everything that `start` refers to, and that refers to in turn, by its reference, stripped."""
    found: dict[str, Any] = {}
    waiting = list(references(start))
    while waiting:
        reference = waiting.pop()
        if reference not in found:
            found[reference] = strip(look_up(document, reference))
            waiting += references(found[reference])
    return found


def cut_openapi(package: Path) -> dict[str, Any]:
    """The operations that the stand-in serves, with all that they refer to."""
    document = json.loads((package / "generated" / "api.github.com.json").read_bytes())
    paths: dict[str, Any] = {}
    for path, methods in OPERATIONS.items():
        paths[path] = {method: cut_operation(document["paths"][path][method]) for method in methods}
    components: dict[str, Any] = {}
    for reference, value in sorted(close(document, paths).items()):
        _, _, kind, name = reference.split("/")
        components.setdefault(kind, {})[name] = value
    return {"paths": paths, "components": components}


def cut_operation(operation: dict[str, Any]) -> dict[str, Any]:
    """Parameters, body and answers of one operation."""
    kept = ("operationId", "parameters", "requestBody", "responses")
    return {key: strip(operation[key]) for key in kept if key in operation}


def cut_webhooks(package: Path) -> dict[str, Any]:
    """The schemas of the events that the stand-in builds."""
    document = json.loads((package / "schema.json").read_bytes())
    events = {"events": [{"$ref": f"#/definitions/{name}"} for name in WEBHOOK_SCHEMAS]}
    found = close(document, events)
    return {"definitions": {reference.split("/")[-1]: value for reference, value in sorted(found.items())}}


def cut_payloads(package: Path) -> dict[str, Any]:
    """One real example an event, the last of its kind: that one has the most keys."""
    examples = json.loads((package / "api.github.com" / "index.json").read_bytes())
    by_name = {entry["name"]: entry["examples"] for entry in examples}
    chosen = {}
    for name, (event, action) in EVENTS.items():
        chosen[name] = [one for one in by_name[event] if one.get("action", "") == action][-1]
    return chosen


def type_names(node: Any) -> Iterator[str]:
    """Every named type below a piece of an introspection answer."""
    if isinstance(node, dict):
        if node.get("kind") and node.get("name") and "fields" not in node:
            yield node["name"]
        for value in node.values():
            yield from type_names(value)
    elif isinstance(node, list):
        for value in node:
            yield from type_names(value)


def cut_graphql(package: Path) -> str:
    """The fields that the stand-in resolves, in GitHub's own types; interfaces and unions keep only those types."""
    schema = json.loads((package / "schema.json").read_bytes())["__schema"]
    types = {one["name"]: one for one in schema["types"]}
    kept: dict[str, Any] = {}
    waiting = ["Query", "Mutation", *GRAPHQL_FIELDS]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = cut_type(types[name])
            waiting += type_names([kept[name][key] for key in ("fields", "inputFields", "interfaces", "possibleTypes")])
    cut: Any = {**schema, "types": sorted(kept.values(), key=itemgetter("name")), "directives": []}
    return print_schema(build_client_schema({"__schema": cut})) + "\n"


def cut_type(node: dict[str, Any]) -> dict[str, Any]:
    """A type with the wanted fields only. Enums and scalars stay whole."""
    cut: dict[str, Any] = strip(node)
    wanted = GRAPHQL_FIELDS.get(node["name"])
    if node["kind"] in ("OBJECT", "INTERFACE", "INPUT_OBJECT"):
        key = "inputFields" if node["kind"] == "INPUT_OBJECT" else "fields"
        if wanted is None:
            raise SystemExit(f"{node['name']} is used but has no line in GRAPHQL_FIELDS")
        cut[key] = [field for field in cut[key] if field["name"] in wanted]
        missing = set(wanted) - {field["name"] for field in cut[key]}
        if missing:
            raise SystemExit(f"GitHub's {node['name']} has no {sorted(missing)}")
    for key in ("interfaces", "possibleTypes"):
        cut[key] = [one for one in cut[key] or () if one["name"] in GRAPHQL_FIELDS]
    return cut


def render_json(document: dict[str, Any]) -> str:
    """JSON with one line for each entry of the first two levels, so that an update reads well as a diff."""
    parts = []
    for key, value in document.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"  {json.dumps(name)}: {json.dumps(one)}" for name, one in value.items())
            parts.append(f" {json.dumps(key)}: {{\n{inner}\n }}")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def extract(node_modules: Path) -> dict[str, str]:
    """Every committed file of this folder by name, made from the packages."""
    octokit = node_modules / "@octokit"
    for name, version in VERSIONS.items():
        found = json.loads((node_modules / name / "package.json").read_bytes())["version"]
        if found != version:
            raise SystemExit(f"{name} is {found}, VERSIONS says {version}")
    files = {
        "versions.json": json.dumps(VERSIONS, indent=1) + "\n",
        "openapi.json": render_json(cut_openapi(octokit / "openapi")),
        "webhooks.json": render_json(cut_webhooks(octokit / "webhooks-schemas")),
        "schema.graphql": cut_graphql(octokit / "graphql-schema"),
    }
    for name, payload in cut_payloads(octokit / "webhooks-examples").items():
        files[f"payloads/{name}.json"] = render_json(payload)
    return files


def install(folder: Path) -> Path:
    """Install the packages with npm below `folder`; returns the node_modules folder."""
    packages = [f"{name}@{version}" for name, version in VERSIONS.items()]
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *packages],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        timeout=300,
    )
    return folder / "node_modules"


def main() -> None:
    """Write the committed files anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node-modules", type=Path)
    chosen: Path | None = parser.parse_args().node_modules
    with tempfile.TemporaryDirectory() as folder:
        for name, text in extract(chosen or install(Path(folder))).items():
            target = HERE / name
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
