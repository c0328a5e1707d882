"""Tell the events gateway of each job that a runner has had: how it ended, how long it took and waited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args

from reviewer.errors import GlossatorError
from runners.broker_config import BrokerConfig
from runners.broker_github import BrokerGitHub
from runners.broker_jobs import list_jobs
from runners.events import AnyEvent, Pool, Result, make_event
from runners.events_build import to_word
from runners.events_send import Target, send

LOOKS: Final = 3
"""Times that GitHub is asked how the job ended: a runner may be gone before GitHub has written it down."""


@dataclass(frozen=True, slots=True)
class JobTeller:
    """Sends one event a job. Whatever goes wrong is said and costs no runner.

    The runs that waited when the runner was started are searched for its job. One that was queued later and got the
    runner is not told.
    """

    config: BrokerConfig
    github: BrokerGitHub
    target: Target
    say: Callable[[str], None]
    wait: Callable[[float], None]

    def tell(self, runner: int, runs: frozenset[int]) -> None:
        """Look for the job that the runner has had in these runs, and tell of it."""
        try:
            for look in range(LOOKS):
                if look:
                    self.wait(self.config.poll)
                job = self._find(runner, runs)
                if job is not None:
                    send(self.target, describe_job(job, self.config.name))
                    return
        except GlossatorError as error:
            self.say(f"No event was sent. {error}")

    def _find(self, runner: int, runs: frozenset[int]) -> Any:
        """The job of the runner once it is done; None before."""
        for run in sorted(runs):
            for job in list_jobs(self.github, {"id": run}):
                if job.get("runner_id") == runner and job["status"] == "completed":
                    return job
        return None


def describe_job(job: Any, pool: str) -> AnyEvent:
    """The event of a job as GitHub shows it. Its task is `runner/` and the workflow's name.

    So it is not taken for what the workflow itself may tell of the same task.

    Raises:
        UsageError: GitHub's answer fits no event.
    """
    result = job.get("conclusion")
    fields = {
        "id": f"github-job-{job['id']}",
        "task": to_word(f"runner/{str(job.get('workflow_name') or 'unknown').removesuffix('.yml')}"),
        "result": result if result in get_args(Result) else "failure",
        "pool": pool if pool in get_args(Pool) else "none",
        "waited": measure(job.get("created_at"), job.get("started_at")),
        "seconds": measure(job.get("started_at"), job.get("completed_at")),
    }
    return make_event("job", fields)


def measure(start: Any, end: Any) -> float | None:
    """Seconds from one of GitHub's times to another; None where one is missing."""
    try:
        passed = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))
    except (ValueError, TypeError):
        return None
    return max(passed.total_seconds(), 0.0)
