"""Scenarios as JSON, so that a test can talk to a stand-in in another process; and the state as JSON, to look at."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from simulation.github_server import payloads
from simulation.github_server.git_store import Content, Executable, Submodule, Symlink
from simulation.github_server.scenario import PullScenario, RepoScenario, ScenarioError
from simulation.github_server.state import App, IssueComment, ReviewComment, Switches, render_time
from simulation.github_server.views import Json

if TYPE_CHECKING:
    from simulation.github_server.server import GitHubServer

SERVER_STEPS = ("create_repo", "add_token", "add_app", "advance", "set_time")
REPO_STEPS = (
    "commit", "add_collaborator", "open_pull_request", "rename", "set_license", "add_workflow",
    "set_actions", "add_environment", "add_runner", "publish", "queue_run", "take_job", "finish_job",
)  # fmt: skip
PULL_STEPS = (
    "push", "force_push", "rebase", "comment", "review", "review_comment", "reply", "react", "resolve", "label",
    "close", "mark_ready", "delete_fork", "vanish",
)  # fmt: skip
EVENTS: dict[str, Callable[..., Json]] = {
    "pull_request": payloads.pull_request_event,
    "issue_comment": payloads.issue_comment_event,
    "pull_request_review_comment": payloads.review_comment_event,
    "workflow_dispatch": payloads.dispatch_event,
    "schedule": payloads.schedule_event,
}


def run_step(server: GitHubServer, step: dict[str, Any]) -> Any:
    """Do one step such as `{"do": "push", "repo": "octo/demo", "number": 1, "files": {...}}`; returns JSON."""
    arguments = dict(step)
    name = arguments.pop("do")
    if "files" in arguments:
        arguments["files"] = {path: parse_content(value) for path, value in arguments["files"].items()}
    if name in SERVER_STEPS:
        return render_result(getattr(server, name)(**arguments))
    if name in REPO_STEPS:
        return render_result(getattr(server.find_repo(arguments.pop("repo")), name)(**arguments))
    if name in PULL_STEPS:
        pull = server.find_repo(arguments.pop("repo")).find_pull(arguments.pop("number"))
        return render_result(getattr(pull, name)(**arguments))
    return run_special(server, name, arguments)


def run_special(server: GitHubServer, name: str, arguments: dict[str, Any]) -> Any:
    """Switches, faults and events."""
    match name:
        case "switch":
            known = {one.name for one in fields(Switches)}
            for key, value in arguments.items():
                if key not in known:
                    raise ScenarioError(f"no switch {key}")
                setattr(server.switches, key, value)
            return {}
        case "fault":
            server.faults.add(arguments.pop("method"), arguments.pop("path"), **arguments)
            return {}
        case "stop_after_writes":
            server.faults.stop_after_writes(arguments.pop("count"), **arguments)
            return {}
        case "resume":
            server.faults.resume()
            return {}
        case "event":
            pull = server.find_repo(arguments.pop("repo")).find_pull(arguments.pop("number"))
            return EVENTS[arguments.pop("event")](pull, **arguments)
    raise ScenarioError(f"no step {name}")


def parse_content(value: Any) -> Content:
    """A file in JSON: text, null, or an object with one key: base64, executable, symlink or submodule."""
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    ((kind, text),) = value.items()
    match kind:
        case "base64":
            return base64.b64decode(text)
        case "executable":
            return Executable(text.encode())
        case "symlink":
            return Symlink(text)
        case "submodule":
            return Submodule(text)
    raise ScenarioError(f"no kind of file {kind}")


def render_result(result: Any) -> Any:
    """What a step returned, as JSON."""
    if isinstance(result, RepoScenario):
        return {"repo": result.full_name, "head": result.head()}
    if isinstance(result, App):
        return {"id": result.id, "installations": result.installations}
    if isinstance(result, PullScenario):
        return {"number": result.number, "head_sha": result.head_sha}
    return result


def render_state(server: GitHubServer) -> dict[str, Any]:
    """Everything that clients have left behind, and every request they made."""
    with server.application.lock:
        pulls = [
            PullScenario(RepoScenario(server, repository), pull)
            for repository in server.world.repositories.values()
            for pull in repository.pulls.values()
        ]
        return {
            "time": render_time(server.world.now()),
            "dispatches": {
                one.full_name: [asdict(dispatch) for dispatch in one.dispatches]
                for one in server.world.repositories.values()
                if one.dispatches
            },
            "pulls": {f"{one.repo.full_name}#{one.number}": render_pull(one) for one in pulls},
            "requests": [asdict(entry) for entry in server.requests],
            "violations": server.violations,
            "writes": server.faults.writes,
            "stopped": server.faults.stopped.is_set(),
        }


def render_pull(scenario: PullScenario) -> dict[str, Any]:
    """One pull request with all that was said on it."""
    views, repository, pull = scenario.views(), scenario.repo.repository, scenario.pull
    said: list[IssueComment | ReviewComment] = [*pull.comments, *pull.review_comments]
    return {
        "pull_request": views.pull(repository, pull),
        "comments": [views.issue_comment(repository, one) for one in pull.comments],
        "reviews": [views.review(repository, one) for one in pull.reviews],
        "review_comments": [
            {
                **views.review_comment(repository, one),
                "resolved": one.resolved_by is not None,
                "minimized": one.minimized,
            }
            for one in pull.review_comments
        ],
        "reactions": {
            str(one.id): [views.reaction(reaction) for reaction in one.reactions] for one in said if one.reactions
        },
    }
