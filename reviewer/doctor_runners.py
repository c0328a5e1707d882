"""The doctor's look at who may reach self-hosted runners: the settings on GitHub that decide it, only read.

A workflow file can ask for any runner, and a fork's pull request brings its own file. What keeps strangers out is set
on GitHub, so this says what is open there. Where the token may not look, that is said too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from reviewer.doctor import Check, failed
from reviewer.doctor_github import TIMEOUT
from reviewer.errors import HostError, NotFound, PermissionDenied
from reviewer.github_api import API_URL, GitHub

REVIEWED: Final = ("gpu", "production")
"""Environments that must wait for a person. `lease` works by itself in the night, so that it cannot."""
ENVIRONMENTS: Final = (*REVIEWED, "lease")
READ: Final = {
    "serving": "It takes a token with Variables: read.",
    "groups": "It takes a token with the organization's permission Self-hosted runners: read.",
}
READ_ADMINISTRATION: Final = "It takes a token with Administration: read, such as a maintainer's."
PER_PAGE: Final = 100
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z", re.ASCII)
APPROVALS: Final = {
    "first_time_contributors_new_to_github": "only of people who are new to GitHub",
    "first_time_contributors": "only of people whose first contribution it is",
}


def examine_runners(repo: str, token: str) -> Iterator[Check]:
    """Everything that decides who may have a job on a self-hosted runner of the repository."""
    if not repo:
        yield Check("runners", "skip", "no repository checked", "Give --repo OWNER/NAME.")
        return
    host = GitHub(repo, token, os.environ.get("GITHUB_API_URL", API_URL), timeout=TIMEOUT, retries=0)
    try:
        about = host.get(f"/repos/{repo}")[1]
    except HostError as error:
        yield failed("runners", error)
        return
    yield judge_visibility(about)
    looks: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("forks", lambda: look_at_forks(host, about)),
        ("workflows", lambda: look_at_workflows(host)),
        ("runners", lambda: look_at_runners(host)),
        ("groups", lambda: look_at_groups(host, about)),
    ]
    looks += [(name, lambda name=name: look_at_environment(host, name, about)) for name in ENVIRONMENTS]  # type: ignore[misc] # bound now
    looks.append(("serving", lambda: look_at_serving(host)))
    for name, look in looks:
        yield from read_or_skip(name, look)


def read_or_skip(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """The checks of one look; a line that says so where the token may not look."""
    try:
        yield from look()
    except (PermissionDenied, NotFound):
        yield Check(name, "skip", "The token may not read this.", READ.get(name, READ_ADMINISTRATION))
    except HostError as error:
        yield failed(name, error)


def is_open(name: str, what: str, hint: str) -> Check:
    """A setting that lets somebody in."""
    return Check(name, "fail", what, hint, HostError.exit_code)


def judge_visibility(about: Any) -> Check:
    """Of a public repository anybody can make a fork and propose a workflow."""
    if about.get("private"):
        return Check("visibility", "ok", "private: a stranger can propose nothing")
    hint = "Keep runners in a private repository if you can: docs/runners.md says how. Else mind all below."
    return Check("visibility", "warn", "public: anybody may propose a workflow that asks for your runners", hint)


def look_at_forks(host: GitHub, about: Any) -> Iterator[Check]:
    """Whose pull requests run workflows without a maintainer's word."""
    if about.get("private"):
        yield Check("forks", "ok", "a private repository has no forks of strangers")
        return
    policy = host.get(f"/repos/{host.repo}/actions/permissions/fork-pr-contributor-approval")[1]["approval_policy"]
    if policy == "all_external_contributors":
        yield Check("forks", "ok", "workflows of all outside contributors wait for a maintainer")
        return
    what = f"Workflows of forks wait for a maintainer {APPROVALS.get(policy, 'in some cases')}."
    hint = "Settings, Actions, General, Approval for running fork pull request workflows: all external contributors."
    yield is_open("forks", what, hint)


def look_at_workflows(host: GitHub) -> Iterator[Check]:
    """What a job's own token may do unless its workflow says otherwise, and whose actions may run."""
    base = f"/repos/{host.repo}/actions/permissions"
    allowed = host.get(base)[1]
    if not allowed["enabled"]:
        yield Check("workflows", "warn", "Actions is off: nothing runs.", "Settings, Actions, General.")
        return
    default = host.get(f"{base}/workflow")[1]
    hint = "Settings, Actions, General, Workflow permissions: read, and no approving."
    if default["default_workflow_permissions"] == "write":
        yield is_open("workflows", "A job's token may write unless its workflow says otherwise.", hint)
    elif default["can_approve_pull_request_reviews"]:
        yield Check("workflows", "warn", "A job's token may approve pull requests.", hint)
    else:
        yield Check("workflows", "ok", "a job's token may only read unless its workflow says otherwise")
    if allowed.get("allowed_actions") == "all":
        hint = "Settings, Actions, General, Actions permissions: select those that you use, and pin them by commit."
        yield Check("actions", "warn", "Anybody's actions may run.", hint)
    else:
        yield Check("actions", "ok", "only actions that are allowed may run")


def look_at_runners(host: GitHub) -> Iterator[Check]:
    """Registered runners: one that stays after its job keeps what the job has left."""
    data = host.get(f"/repos/{host.repo}/actions/runners", per_page=PER_PAGE)[1]
    runners = data["runners"]
    stay = [one["name"] for one in runners if one.get("ephemeral") is not True]
    gone = [one["name"] for one in runners if one["status"] == "offline" and one["name"] not in stay]
    hint = "Settings, Actions, Runners: remove them. The broker registers runners for one job each."
    if stay:
        yield is_open("runners", f"{name_some(stay)}: not for one job only.", hint)
    if gone:
        yield Check("runners", "warn", f"{name_some(gone)}: registered and offline.", hint)
    if not stay and not gone:
        labels = sorted({label["name"] for one in runners for label in one["labels"]})
        shown = f"{data['total_count']} registered, each for one job: {', '.join(labels)}" if runners else "none waits"
        yield Check("runners", "ok", shown)


def name_some(names: list[str]) -> str:
    """The first three of some names."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as the sentence says
    return ", ".join(names[:3]) + more


def look_at_groups(host: GitHub, about: Any) -> Iterator[Check]:
    """An organisation's runners, which its other repositories may reach, or this one."""
    owner = about["owner"]
    if owner.get("type") != "Organization":
        yield Check("groups", "ok", "a person's repository: no runners are shared")
        return
    path = f"/orgs/{quote(owner['login'], safe='')}/actions/runner-groups"
    groups = host.get(path, per_page=PER_PAGE)[1]["runner_groups"]
    where = "Organization settings, Actions, Runner groups"
    public = [one["name"] for one in groups if one["allows_public_repositories"]]
    wide = [one["name"] for one in groups if one["visibility"] == "all" and one["name"] not in public]
    if public:
        yield is_open("groups", f"{name_some(public)}: public repositories may use them.", f"{where}: do not allow it.")
    if wide:
        hint = f"{where}: select the repository, and its workflows where the plan has that."
        yield Check("groups", "warn", f"{name_some(wide)}: every repository may use them.", hint)
    if not public and not wide:
        yield Check("groups", "ok", "runner groups are for selected repositories")


def look_at_environment(host: GitHub, name: str, about: Any) -> Iterator[Check]:
    """Who must agree to a job that names the environment, and from which branch it may come."""
    where = f"Settings, Environments, {name}"
    try:
        data = host.get(f"/repos/{host.repo}/environments/{name}")[1]
    except NotFound:
        hint = f"{where}: make it. A workflow that names one that is not there makes it, open to all."
        yield Check(name, "warn", f"There is no environment {name}, or the token may not see it.", hint)
        return
    rules = {one["type"]: one for one in data.get("protection_rules") or ()}
    reviewers = rules.get("required_reviewers", {}).get("reviewers") or ()
    if name in REVIEWED and not reviewers:
        yield is_open(name, f"Nobody must agree to a job in {name}.", f"{where}: add required reviewers.")
    branches = find_branches(host, name, data.get("deployment_branch_policy"))
    default = about["default_branch"]
    if branches == [default]:
        if name not in REVIEWED or reviewers:
            agreed = f"; {len(reviewers)} may agree" if reviewers else ""
            yield Check(name, "ok", f"only from {default}{agreed}")
    elif branches is None:
        yield is_open(name, f"Any branch may use {name}.", f"{where}, Deployment branches: {default} only.")
    else:
        shown = name_some(branches) if branches else "Every protected branch"
        yield Check(name, "warn", f"{shown}: may use {name}.", f"{where}, Deployment branches: {default} only.")


def look_at_serving(host: GitHub) -> Iterator[Check]:
    """Whether workflows are told that the model's machine is up, by the rule of `action/serving/serving.sh`."""
    data = host.get(f"/repos/{host.repo}/actions/variables", per_page=PER_PAGE)[1]
    values = {one["name"]: one["value"] for one in data["variables"]}
    yield judge_serving(values.get("GLOSSATOR_SERVING", ""), values.get("GLOSSATOR_SERVING_UNTIL", ""))


def judge_serving(state: str, until: str) -> Check:
    """Whether a review is skipped now: when the model is down, or its end has passed; nothing else skips one."""
    skipped = "Jobs that need it are skipped until it is up again."
    if state == "down":
        return Check("serving", "warn", "GLOSSATOR_SERVING is 'down'.", skipped)
    end = read_time(until)
    if until and not end:
        hint = "Until it is a time such as 2026-12-01T18:00:00Z, no job is skipped for it."
        return Check("serving", "warn", f"GLOSSATOR_SERVING_UNTIL is {until!r}.", hint)
    if end and end <= datetime.now(UTC):
        return Check("serving", "warn", f"Serving ended at {until}: GLOSSATOR_SERVING_UNTIL has passed.", skipped)
    if state not in {"", "up"}:
        hint = "It is taken as up. Set it to up or down."
        return Check("serving", "warn", f"GLOSSATOR_SERVING is {state!r}.", hint)
    if state or end:
        return Check("serving", "ok", f"the model is up until {until or 'an unknown time'}")
    return Check("serving", "ok", "GLOSSATOR_SERVING is not set: workflows take the model to be up")


def read_time(text: str) -> datetime | None:
    """The time of `GLOSSATOR_SERVING_UNTIL`; None if it is none such."""
    if not TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def find_branches(host: GitHub, name: str, policy: Any) -> list[str] | None:
    """The branches that may use an environment; none for the protected ones, None for any."""
    if not policy:
        return None
    if policy["protected_branches"]:
        return []
    path = f"/repos/{host.repo}/environments/{name}/deployment-branch-policies"
    data = host.get(path, per_page=PER_PAGE)[1]
    return [one["name"] for one in data["branch_policies"]]
