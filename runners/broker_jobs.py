"""Which queued jobs may have a runner, judged by what GitHub says of their runs.

A workflow file can ask for any label, and with `pull_request` that file is a fork's own. So a job counts as ours only
if its run was started by an event whose workflow file is the repository's, is of a workflow that is named, and is on
the named branch of the repository itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from runners.broker_config import Allow, BrokerConfig
from runners.broker_github import BrokerGitHub

OPEN: Final = ("queued", "in_progress", "waiting")
"""States of a run that may hold a queued job: one that waits for a reviewer, say, beside one that does not."""
COMMON: Final = frozenset({"self-hosted", "linux", "x64", "arm64"})
"""Labels that GitHub gives runners of the kind by itself; taken to be held, whether or not it does here."""
OF_DEFAULT_BRANCH: Final = frozenset({"issue_comment", "issues", "pull_request_target", "discussion"})
"""Events whose run GitHub shows with the pull request's branch or none, though the file is the default branch's."""


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job that a runner of ours could take. `fault`: why it may not, or nothing."""

    run: int
    job: int
    workflow: str
    event: str
    fault: str = ""
    named: bool = True
    """Whether it asks for a label of ours and not only for any self-hosted machine."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Jobs that wait for our labels."""

    ours: tuple[WaitingJob, ...] = field(default=())
    strangers: tuple[WaitingJob, ...] = field(default=())


def read_queue(github: BrokerGitHub, config: BrokerConfig) -> Queue:
    """The jobs that wait for our labels. At least one request for each state, and one for each open run."""
    waiting = [
        judge(run, job, config)
        for run in list_open_runs(github)
        for job in list_jobs(github, run)
        if job["status"] == "queued" and fits(job, config)
    ]
    ours = tuple(one for one in waiting if not one.fault)
    return Queue(ours, tuple(one for one in waiting if one.fault))


def find_job(github: BrokerGitHub, config: BrokerConfig, runner: int) -> WaitingJob | None:
    """The job that a runner has, judged; None when GitHub does not tell it yet."""
    for run in list_open_runs(github):
        for job in list_jobs(github, run):
            if job.get("runner_id") == runner and job["status"] == "in_progress":
                return judge(run, job, config)
    return None


def list_open_runs(github: BrokerGitHub) -> Iterator[Any]:
    """Runs that are not done, each once."""
    seen: set[int] = set()
    for status in OPEN:
        for run in github.list_all("/actions/runs", "workflow_runs", status=status):
            if run["id"] not in seen:
                seen.add(run["id"])
                yield run


def list_jobs(github: BrokerGitHub, run: Any) -> list[Any]:
    """The jobs of a run's latest attempt."""
    return github.list_all(f"/actions/runs/{int(run['id'])}/jobs", "jobs", filter="latest")


def fits(job: Any, config: BrokerConfig) -> bool:
    """Whether our runner could be given the job: it has every label that is asked for, whatever the case."""
    asked = {str(label).lower() for label in job["labels"]}
    return bool(asked) and asked <= {label.lower() for label in config.labels} | COMMON


def judge(run: Any, job: Any, config: BrokerConfig) -> WaitingJob:
    """The job with what speaks against it."""
    path = str(run.get("path") or "").partition("@")[0]
    name = path.rpartition("/")[2]
    fault = find_fault(run, path, config.repository, config.allow)
    named = any(str(label).lower() not in COMMON for label in job["labels"])
    return WaitingJob(int(run["id"]), int(job["id"]), name[:100], str(run["event"])[:40], fault, named)


def find_fault(run: Any, path: str, repository: str, allow: Allow) -> str:
    """Why a run may not have a runner, or nothing."""
    event = run["event"]
    if event not in allow.events:
        return "it was started by an event that is not allowed"
    if path not in {f".github/workflows/{name}" for name in allow.workflows}:
        return "it is of a workflow that is not allowed"
    if event in OF_DEFAULT_BRANCH:
        return ""
    head = (run.get("head_repository") or {}).get("full_name", "")
    if head.lower() != repository.lower():
        return "its commit is of another repository"
    return "" if run.get("head_branch") == allow.branch else "it is on another branch"
