"""The broker against the stand-in GitHub, with the stand-in of the runner: processes and a loop as in production."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from simulation.github_server import GitHubServer
from simulation.github_server.state import Level
from tests.runners.broker_bench import TOKEN, Bench, make_key, wait_until


@pytest.fixture
def bench(github_server: GitHubServer, tmp_path: Path) -> Bench:
    return Bench(github_server, tmp_path)


def test_each_job_has_a_runner_and_a_folder_of_its_own(bench: Bench) -> None:
    seen = bench.folder / "seen"
    steps = [f"test ! -e left && touch left && pwd >> {seen}"]
    runs = [bench.queue(steps=steps) for _ in range(2)]

    with bench.broker("--jobs", "2") as broker:
        said = bench.finish(broker)

    assert [bench.job(run).conclusion for run in runs] == ["success", "success"]
    folders = seen.read_text().split()
    assert len(set(folders)) == 2
    assert not [folder for folder in folders if Path(folder).exists()]
    assert bench.repo.actions.runners == []
    assert len({bench.job(run).runner.name for run in runs}) == 2
    assert said.count("has had its job.") == 2


def test_there_is_no_runner_while_nothing_waits(bench: Bench) -> None:
    other = bench.queue(labels=["ubuntu-latest"])
    more = bench.queue(labels=["self-hosted", "glossator", "fpga"])

    with bench.broker() as broker:
        wait_until(lambda: bench.server.count("GET", "/actions/runs") > 5)
        broker.send_signal(signal.SIGTERM)
        bench.finish(broker)

    assert bench.server.count("POST", "jitconfig") == 0
    assert {bench.job(run).status for run in (other, more)} == {"queued"}


def test_the_configuration_is_in_no_argument_and_nothing_secret_is_inherited(bench: Bench) -> None:
    seen = bench.folder / "seen"
    steps = [f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' > {seen}", f"env >> {seen}"]
    run = bench.queue(steps=steps)

    with bench.broker("--jobs", "1") as broker:
        said = bench.finish(broker)

    runner = bench.job(run).runner
    assert runner.secret
    text = seen.read_text()
    assert "GITHUB_EVENT_NAME=workflow_dispatch" in text
    assert "JITCONFIG" not in text
    assert TOKEN not in text
    assert "eyI" not in text + said  # base64 of `{"`: the configuration


def test_an_app_signs_and_its_token_is_for_the_one_repository(bench: Bench) -> None:
    private, public = make_key()
    permissions: dict[str, Level] = {"administration": "write", "actions": "write", "contents": "read"}
    app = bench.server.add_app(7, public, slug="broker", permissions=permissions)
    bench.credential.write_text(private)
    run = bench.queue()

    with bench.broker("--jobs", "1", app_id=str(app.id)) as broker:
        said = bench.finish(broker)

    assert bench.job(run).conclusion == "success"
    asked = next(entry for entry in bench.server.requests if entry.path.endswith("/access_tokens"))
    assert asked.body == {"repositories": ["demo"]}
    assert "PRIVATE" not in said
    assert "ghs_" not in said
