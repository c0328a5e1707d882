"""Self-hosted runners, the runs that wait for them, and the settings that say who may reach them."""

from __future__ import annotations

import base64
import json
from typing import Any

from simulation.github_server.answers import Answer, ApiError, Request, not_found
from simulation.github_server.routes import route
from simulation.github_server.routes_actions import MINIMAL
from simulation.github_server.runner_state import (
    ActionsState,
    Environment,
    Job,
    Release,
    Runner,
    RunnerGroup,
    WorkflowRun,
)
from simulation.github_server.state import Level, render_time
from simulation.github_server.views import Json


def need(request: Request, scope: str, level: Level = "read") -> ActionsState:
    """The repository's Actions for a token that has a permission, whether it is public or not."""
    if request.token is None:
        raise ApiError(401, "Requires authentication")
    if not request.token.has(scope, level):
        raise ApiError(403, "Resource not accessible by integration")
    return request.repository.actions


# -- runners ---------------------------------------------------------------------------------------------------------


@route("actions/generate-runner-jitconfig-for-repo")
def post_jitconfig(request: Request) -> Answer:
    """Register a runner for one job; what it needs to know comes as base64 of JSON of files in base64."""
    actions, body = need(request, "administration", "write"), request.body
    if body["runner_group_id"] != 1:
        raise ApiError(422, "Runner group not found", [])
    if any(one.name == body["name"] for one in actions.runners):
        raise ApiError(409, f"Already exists - A runner with the name '{body['name']}' already exists.")
    number = request.world.next_id()
    runner = Runner(number, body["name"], list(body["labels"]), secret=f"jit-{number:08}")
    actions.runners.append(runner)
    encoded = encode_config(request, runner, body.get("work_folder", "_work"))
    return Answer(201, {"runner": show_runner(runner), "encoded_jit_config": encoded})


def encode_config(request: Request, runner: Runner, work_folder: str) -> str:
    """The files that run.sh writes down before it starts, as GitHub encodes them. What is in them is our own."""
    settings = {
        "AgentId": str(runner.id),
        "AgentName": runner.name,
        "WorkFolder": work_folder,
        "Ephemeral": "True",
        "GitHubUrl": f"{request.views.html}/{request.repository.full_name}",
        "ServerUrlV2": request.views.api,
    }
    files = {".runner": settings, ".credentials": {"Scheme": "OAuth"}, ".credentials_rsaparams": {"d": runner.secret}}
    encoded = {name: base64.b64encode(json.dumps(value).encode()).decode() for name, value in files.items()}
    return base64.b64encode(json.dumps(encoded).encode()).decode()


def show_runner(runner: Runner) -> Json:
    """A runner as GitHub shows it."""
    ephemeral = {} if runner.ephemeral is None else {"ephemeral": runner.ephemeral}
    return {
        "id": runner.id,
        "runner_group_id": runner.group,
        "name": runner.name,
        "os": "linux" if runner.online else "unknown",
        "status": "online" if runner.online else "offline",
        "busy": runner.busy,
        "labels": [{"id": 0, "name": label, "type": "custom"} for label in runner.labels],
        "version": runner.version,
        **ephemeral,
    }


@route("actions/list-self-hosted-runners-for-repo")
def list_runners(request: Request) -> Answer:
    found = [one for one in need(request, "administration").runners if request.query.get("name") in (None, one.name)]
    page, headers = request.page(found)
    return Answer(200, {"total_count": len(found), "runners": [show_runner(one) for one in page]}, headers)


def find_runner(request: Request, actions: ActionsState) -> Runner:
    number = request.parameters["runner_id"]
    runner = actions.find_runner(int(number)) if number.isdigit() else None
    if runner is None:
        raise not_found()
    return runner


@route("actions/get-self-hosted-runner-for-repo")
def get_runner(request: Request) -> Answer:
    return Answer(200, show_runner(find_runner(request, need(request, "administration"))))


@route("actions/delete-self-hosted-runner-from-repo")
def delete_runner(request: Request) -> Answer:
    """One that has a job stays."""
    actions = need(request, "administration", "write")
    runner = find_runner(request, actions)
    if runner.busy:
        raise ApiError(422, f'Runner "{runner.name}" is currently running a job and cannot be deleted.')
    actions.runners.remove(runner)
    return Answer(204)


# -- runs ------------------------------------------------------------------------------------------------------------


@route("actions/list-workflow-runs-for-repo")
def list_runs(request: Request) -> Answer:
    """Newest first."""
    request.need("workflows", level="read")
    query = request.query
    found = [
        one
        for one in reversed(request.repository.actions.runs)
        if query.get("status") in (None, one.status) and query.get("event") in (None, one.event)
    ]
    page, headers = request.page(found)
    return Answer(200, {"total_count": len(found), "workflow_runs": [show_run(request, one) for one in page]}, headers)


def show_run(request: Request, run: WorkflowRun) -> Json:
    """A run as GitHub shows it."""
    repository, views = request.repository, request.views
    head = request.world.repositories.get(run.head.lower(), repository)
    whole = views.repository(repository)
    url = f"{whole['url']}/actions/runs/{run.id}"
    links = {f"{what}_url": f"{url}/{what}" for what in ("jobs", "logs", "artifacts", "cancel", "rerun")}
    return {
        "id": run.id,
        "node_id": f"WFR_{run.id}",
        "name": run.workflow,
        "display_title": run.workflow,
        "head_branch": run.branch,
        "head_sha": head.resolve(run.branch) or "",
        "path": f".github/workflows/{run.workflow}",
        "run_number": run.id,
        "event": run.event,
        "status": run.status,
        "conclusion": "cancelled" if run.cancelled else None,
        "workflow_id": 1,
        "url": url,
        "html_url": f"{whole['html_url']}/actions/runs/{run.id}",
        "pull_requests": [],
        **dict.fromkeys(("created_at", "updated_at"), render_time(run.created)),
        **links,
        "check_suite_url": f"{whole['url']}/check-suites/{run.id}",
        "workflow_url": f"{whole['url']}/actions/workflows/1",
        "head_commit": None,
        "repository": shorten(whole),
        "head_repository": shorten({**views.repository(head), "full_name": run.head}),
        "actor": views.user(repository.owner),
    }


def shorten(whole: Json) -> Json:
    """GitHub's short form of a repository."""
    minimal = {key: value for key, value in whole.items() if key.endswith("_url") or key in MINIMAL}
    del minimal["mirror_url"]
    return minimal


def find_run(request: Request) -> WorkflowRun:
    number = request.parameters["run_id"]
    found = next((one for one in request.repository.actions.runs if str(one.id) == number), None)
    if found is None:
        raise not_found()
    return found


@route("actions/list-jobs-for-workflow-run")
def list_jobs(request: Request) -> Answer:
    request.need("workflows", level="read")
    run = find_run(request)
    page, headers = request.page(run.jobs)
    return Answer(200, {"total_count": len(run.jobs), "jobs": [show_job(request, run, one) for one in page]}, headers)


def show_job(request: Request, run: WorkflowRun, job: Job) -> Json:
    """A job as GitHub shows it."""
    url, started = request.views.api, render_time(run.created)
    runner = job.runner
    return {
        "id": job.id,
        "run_id": run.id,
        "run_url": f"{url}/repos/{request.repository.full_name}/actions/runs/{run.id}",
        "node_id": f"CR_{job.id}",
        "head_sha": request.repository.resolve(run.branch) or "",
        "url": f"{url}/repos/{request.repository.full_name}/actions/jobs/{job.id}",
        "html_url": None,
        "status": job.status,
        "conclusion": job.conclusion,
        "created_at": started,
        "started_at": started,
        "completed_at": started if job.status == "completed" else None,
        "name": job.name,
        "check_run_url": f"{url}/repos/{request.repository.full_name}/check-runs/{job.id}",
        "labels": job.labels,
        "runner_id": runner.id if runner else None,
        "runner_name": runner.name if runner else None,
        "runner_group_id": runner.group if runner else None,
        "runner_group_name": "Default" if runner else None,
        "workflow_name": run.workflow,
        "head_branch": run.branch,
    }


@route("actions/cancel-workflow-run")
def cancel_run(request: Request) -> Answer:
    """What is queued ends at once; what is under way is told to end."""
    need(request, "workflows", "write")
    run = find_run(request)
    if run.status == "completed":
        raise ApiError(409, "Cannot cancel a workflow run that is completed.")
    run.cancelled = True
    for job in run.jobs:
        if job.status == "queued":
            job.status, job.conclusion = "completed", "cancelled"
    return Answer(202, {})


# -- settings --------------------------------------------------------------------------------------------------------


@route("actions/get-github-actions-permissions-repository")
def get_permissions(request: Request) -> Answer:
    actions = need(request, "administration")
    allowed = {"allowed_actions": actions.allowed_actions} if actions.enabled else {}
    return Answer(200, {"enabled": actions.enabled, **allowed, "sha_pinning_required": False})


@route("actions/get-github-actions-default-workflow-permissions-repository")
def get_default_permissions(request: Request) -> Answer:
    actions = need(request, "administration")
    shown = {
        "default_workflow_permissions": actions.token_permissions,
        "can_approve_pull_request_reviews": actions.may_approve,
    }
    return Answer(200, shown)


@route("actions/get-fork-pr-contributor-approval-permissions-repository")
def get_fork_approval(request: Request) -> Answer:
    """There is none for a private repository."""
    actions = need(request, "administration")
    if request.repository.private:
        raise not_found()
    return Answer(200, {"approval_policy": actions.fork_approval})


def find_environment(request: Request) -> Environment:
    request.need("workflows", level="read")
    found = request.repository.actions.environments.get(request.parameters["environment_name"])
    if found is None:
        raise not_found()
    return found


@route("repos/get-environment")
def get_environment(request: Request) -> Answer:
    environment = find_environment(request)
    number = len(environment.name)
    url = f"{request.views.api}/repos/{request.repository.full_name}/environments/{environment.name}"
    created = render_time(0)
    policy = None
    if environment.branches is not None:
        protected = environment.branches == "protected"
        policy = {"protected_branches": protected, "custom_branch_policies": not protected}
    shown = {
        "id": number,
        "node_id": f"EN_{number}",
        "name": environment.name,
        "url": url,
        "html_url": url,
        "created_at": created,
        "updated_at": created,
        "protection_rules": list_rules(request, environment),
        "deployment_branch_policy": policy,
    }
    return Answer(200, shown)


def list_rules(request: Request, environment: Environment) -> list[Any]:
    """Its protection rules."""
    rules: list[Any] = []
    if environment.reviewers:
        people = [request.views.user(request.world.account(login)) for login in environment.reviewers]
        reviewers = [{"type": "User", "reviewer": one} for one in people]
        own = environment.prevent_self_review
        rule = {"type": "required_reviewers", "prevent_self_review": own, "reviewers": reviewers}
        rules.append({"id": 1, "node_id": "GA_1", **rule})
    if environment.branches is not None:
        rules.append({"id": 2, "node_id": "GA_2", "type": "branch_policy"})
    return rules


@route("repos/list-deployment-branch-policies")
def list_branch_policies(request: Request) -> Answer:
    branches = find_environment(request).branches
    names = branches if isinstance(branches, list) else []
    shown = [
        {"id": number, "node_id": f"DBP_{number}", "name": name, "type": "branch"} for number, name in enumerate(names)
    ]
    return Answer(200, {"total_count": len(names), "branch_policies": shown})


@route("actions/list-self-hosted-runner-groups-for-org")
def list_groups(request: Request) -> Answer:
    """Those of the organisation that owns a repository with groups."""
    if request.token is None or not request.token.has("organization_runners", "read"):
        raise ApiError(403, "Resource not accessible by integration")
    login = request.parameters["org"].lower()
    owned = [one for one in request.world.repositories.values() if one.owner.login.lower() == login]
    groups = [group for one in owned for group in one.actions.groups]
    if not groups:
        raise not_found()
    shown = [show_group(request, one) for one in groups]
    return Answer(200, {"total_count": len(shown), "runner_groups": shown})


def show_group(request: Request, group: RunnerGroup) -> Json:
    url = f"{request.views.api}/orgs/{request.parameters['org']}/actions/runner-groups/{group.id}"
    return {
        "id": group.id,
        "name": group.name,
        "visibility": group.visibility,
        "default": group.id == 1,
        "runners_url": f"{url}/runners",
        "inherited": False,
        "allows_public_repositories": group.public,
        "restricted_to_workflows": group.workflows is not None,
        "selected_workflows": group.workflows or [],
    }


# -- releases --------------------------------------------------------------------------------------------------------


@route("repos/get-latest-release")
def get_latest_release(request: Request) -> Answer:
    """The newest that was published."""
    request.need("contents", level="read")
    releases = request.repository.actions.releases
    if not releases:
        raise not_found()
    return Answer(200, show_release(request, max(releases, key=lambda one: one.published)))


def show_release(request: Request, release: Release) -> Json:
    views, repository = request.views, request.repository
    url = f"{views.api}/repos/{repository.full_name}/releases/1"
    at = render_time(release.published)
    return {
        **{f"{what}_url": f"{url}/{what}" for what in ("assets", "upload", "tarball", "zipball", "html")},
        "url": url,
        "id": 1,
        "node_id": "RE_1",
        "tag_name": release.tag,
        "target_commitish": "main",
        "name": release.tag,
        "draft": False,
        "prerelease": False,
        "created_at": at,
        "published_at": at,
        "author": views.user(repository.owner),
        "assets": [
            show_asset(request, number, name, digest, place, at)
            for number, (name, (digest, place)) in enumerate(release.assets.items())
        ],
    }


def show_asset(request: Request, number: int, name: str, digest: str | None, place: str, at: str | None) -> Json:
    return {
        "id": number,
        "node_id": f"RA_{number}",
        "name": name,
        "label": "",
        "state": "uploaded",
        "content_type": "application/gzip",
        "size": 1,
        "digest": digest and f"sha256:{digest}",
        "download_count": 0,
        "url": f"{request.views.api}/assets/{number}",
        "browser_download_url": place,
        "uploader": request.views.user(request.repository.owner),
        **dict.fromkeys(("created_at", "updated_at"), at),
    }
