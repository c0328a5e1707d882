"""What tests and the stand-in of the runner say about jobs: queue one, take it, finish it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from simulation.github_server.runner_state import ActionsState, Environment, Job, Release, Runner, WorkflowRun

if TYPE_CHECKING:
    from simulation.github_server.scenario import Scenario
    from simulation.github_server.state import Repository

VERSION = "2.340.0"
"""Which runner the stand-in of one says it is."""


class RunnerSteps:
    """The part of a repository in a test's hands that has to do with Actions."""

    __slots__ = ()
    server: Scenario
    repository: Repository

    @property
    def actions(self) -> ActionsState:
        return self.repository.actions

    def set_actions(self, **settings: Any) -> None:
        """Change settings by the names of `ActionsState`."""
        known = {one.name for one in fields(ActionsState)}
        for name, value in settings.items():
            assert name in known, name
            setattr(self.actions, name, value)

    def add_environment(self, name: str, **settings: Any) -> None:
        """Make an environment, or replace it."""
        self.actions.environments[name] = Environment(name, **settings)

    def add_runner(self, name: str, labels: list[str], **settings: Any) -> int:
        """Register a runner that no broker knows of. Returns its id."""
        runner = Runner(self.server.world.next_id(), name, labels, **settings)
        self.actions.runners.append(runner)
        return runner.id

    def publish(self, tag: str, assets: dict[str, tuple[str | None, str]], *, age: float = 0.0) -> None:
        """Publish a release, so many days ago. Assets: name to SHA-256 and address."""
        published = self.server.world.clock() - age * 86400
        self.actions.releases.append(Release(tag, published, {name: (one[0], one[1]) for name, one in assets.items()}))

    def queue_run(
        self,
        *,
        event: str = "workflow_dispatch",
        workflow: str = "train.yml",
        labels: list[str],
        branch: str = "main",
        head: str = "",
        steps: list[str] | None = None,
    ) -> int:
        """Queue a run with one job. `head`: whose commit it is, the repository's own unless said. Returns its id."""
        world = self.server.world
        with self.server.application.lock:
            job = Job(world.next_id(), "work", labels, steps or [])
            name = head or self.repository.full_name
            run = WorkflowRun(world.next_id(), event, branch, workflow, name, [job], world.now())
            self.actions.runs.append(run)
        return run.id

    def connect(self, secret: str) -> Runner | None:
        """The runner that proves itself; None once it is removed."""
        runner = next((one for one in self.actions.runners if secret and one.secret == secret), None)
        if runner is not None:
            runner.online, runner.version = True, VERSION
        return runner

    def take_job(self, secret: str) -> dict[str, Any]:
        """Give a connected runner the first queued job that asks for nothing it has not, if there is one."""
        with self.server.application.lock:
            runner = self.connect(secret)
            if runner is None:
                return {"gone": True}
            has = {label.lower() for label in runner.labels}
            for run in self.actions.runs:
                for job in run.jobs:
                    if job.status == "queued" and {label.lower() for label in job.labels} <= has:
                        job.status, job.runner, runner.busy = "in_progress", runner, True
                        return {"job": job.id, "steps": job.steps, "environment": self.describe(run)}
            return {}

    def describe(self, run: WorkflowRun) -> dict[str, str]:
        """The variables by which a job and a hook know what run they are in."""
        name = self.repository.full_name
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": run.event,
            "GITHUB_REF": run.ref,
            "GITHUB_REPOSITORY": name,
            "GITHUB_RUN_ID": str(run.id),
            "GITHUB_WORKFLOW_REF": f"{name}/.github/workflows/{run.workflow}@{run.ref}",
        }

    def finish_job(self, secret: str, conclusion: str) -> None:
        """The job of a runner is done, and with it the runner: it was for one."""
        with self.server.application.lock:
            runner = self.connect(secret)
            for job in (job for run in self.actions.runs for job in run.jobs):
                if runner is not None and job.runner is runner and job.status == "in_progress":
                    job.status, job.conclusion = "completed", conclusion
            if runner is not None and runner.ephemeral:
                self.actions.runners.remove(runner)
