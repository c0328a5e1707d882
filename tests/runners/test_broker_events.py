"""What the broker tells the events gateway of jobs, and that nothing of it costs a runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from runners.broker_events import JobTeller, describe_job, measure
from runners.events import JobEvent
from runners.events_send import Target
from simulation.github_server import GitHubServer
from tests.monitoring.gateways import TOKEN, run_gateway
from tests.runners.broker_bench import Bench, Loop, wait_until

JOB = {
    "id": 4711,
    "workflow_name": "evaluate",
    "status": "completed",
    "conclusion": "success",
    "created_at": "2026-12-01T10:00:00Z",
    "started_at": "2026-12-01T10:00:42Z",
    "completed_at": "2026-12-01T10:20:42Z",
}


@pytest.fixture
def bench(github_server: GitHubServer, tmp_path: Path) -> Bench:
    return Bench(github_server, tmp_path)


def test_each_job_is_told_once(bench: Bench) -> None:
    bench.queue(steps=["true"])
    bench.queue(steps=["false"])
    with run_gateway() as gateway:
        environment = {"GLOSSATOR_EVENTS_URL": gateway.url, "GLOSSATOR_EVENTS_TOKEN": TOKEN}
        with bench.broker("--jobs", "2", environment=environment) as child:
            said = bench.finish(child)
        told = gateway.read()

    counted = {name: value for name, value in told.items() if name.startswith("glossator_tasks_total")}
    assert counted == {
        'glossator_tasks_total{pool="gpu",result="success",task="runner/train"}': 1,
        'glossator_tasks_total{pool="gpu",result="failure",task="runner/train"}': 1,
    }
    assert told['glossator_task_wait_seconds_count{pool="gpu"}'] == 2
    assert "event" not in said
    assert TOKEN not in said


@pytest.mark.slow
def test_a_gateway_that_refuses_costs_no_job(bench: Bench) -> None:
    runs = [bench.queue(steps=["true"]) for _ in range(2)]
    with run_gateway() as gateway:
        environment = {"GLOSSATOR_EVENTS_URL": gateway.url, "GLOSSATOR_EVENTS_TOKEN": "another-token-0123456789"}
        with bench.broker("--jobs", "2", environment=environment) as child:
            said = bench.finish(child)

    assert [bench.job(run).conclusion for run in runs] == ["success", "success"]
    assert said.count("No event was sent. The event was not taken; 401:") == 2
    assert "another-token-0123456789" not in said
    assert gateway.url not in said


def test_what_github_does_not_show_is_not_told(bench: Bench) -> None:
    """It is asked a few times and no longer; a run that is gone is said."""
    run = bench.queue(steps=["true"])
    waits: list[float] = []
    with bench.loop() as loop, run_gateway() as gateway:
        wait_until(lambda: bench.job(run).status == "completed")
        make_teller(loop, gateway.url, waits).tell(999, frozenset({run}))
        assert waits == [0.1, 0.1]
        make_teller(loop, gateway.url, waits).tell(999, frozenset({run + 1000}))
        told = gateway.read()

    assert any(line.startswith("No event was sent.") for line in loop.said)
    assert not [name for name in told if name.startswith("glossator_tasks_total")]


def make_teller(loop: Loop, url: str, waits: list[float]) -> JobTeller:
    return JobTeller(loop.broker.config, loop.github, Target(url, TOKEN), loop.said.append, waits.append)


@pytest.mark.parametrize(
    ("conclusion", "result"),
    [
        ("success", "success"),
        ("cancelled", "cancelled"),
        ("skipped", "skipped"),
        ("timed_out", "failure"),
        (None, "failure"),
    ],
)
def test_what_is_said_of_a_job(conclusion: str | None, result: str) -> None:
    event = describe_job(JOB | {"conclusion": conclusion}, "cpu")

    assert isinstance(event, JobEvent)
    assert (event.id, event.task, event.pool) == ("github-job-4711", "runner/evaluate", "cpu")
    assert (event.result, event.waited, event.seconds) == (result, 42.0, 1200.0)


def test_what_is_not_known_is_left_out() -> None:
    event = describe_job(JOB | {"workflow_name": None, "completed_at": None}, "cpu-large")

    assert isinstance(event, JobEvent)
    assert (event.task, event.pool, event.seconds) == ("runner/unknown", "none", None)
    assert measure(JOB["completed_at"], JOB["created_at"]) == 0.0
    assert measure("2026-12-01T10:00:00", "2026-12-01T10:00:00Z") is None
