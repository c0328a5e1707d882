"""The broker against the stand-in GitHub, with the stand-in of the runner: processes and a loop as in production."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from runners.broker import name_machine
from runners.broker_jobs import OPEN
from simulation.github_server import GitHubServer
from simulation.github_server.state import Level
from tests.runners.broker_bench import TOKEN, Bench, Surviving, make_key, wait_until


@pytest.fixture
def bench(github_server: GitHubServer, tmp_path: Path) -> Bench:
    return Bench(github_server, tmp_path)


def test_each_job_has_a_runner_and_a_folder_of_its_own(bench: Bench) -> None:
    seen = bench.folder / "seen"
    steps = [f"test ! -e left && touch left && pwd >> {seen}"]
    runs = [bench.queue(steps=steps) for _ in range(2)]

    with bench.loop(2) as loop:
        said = loop.end()

    assert [bench.job(run).conclusion for run in runs] == ["success", "success"]
    folders = seen.read_text().split()
    assert len(set(folders)) == 2
    assert not [folder for folder in folders if Path(folder).exists()]
    assert bench.repo.actions.runners == []
    assert len({bench.job(run).runner.name for run in runs}) == 2
    assert said.count("has had its job.") == 2


def test_there_is_no_runner_while_nothing_waits(bench: Bench) -> None:
    runs = [bench.queue(labels=["ubuntu-latest"]), bench.queue(labels=["self-hosted", "glossator", "fpga"])]

    with bench.loop() as loop:
        wait_until(lambda: bench.server.count("GET", "/jobs") > 5)
        assert loop.stop() == ""

    assert bench.server.count("POST", "jitconfig") == 0
    assert {bench.job(run).status for run in runs} == {"queued"}


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

    with bench.loop(1, app_id=str(app.id)) as loop:
        said = loop.end()

    assert bench.job(run).conclusion == "success"
    asked = next(entry for entry in bench.server.requests if entry.path.endswith("/access_tokens"))
    assert asked.body == {"repositories": ["demo"]}
    assert "PRIVATE" not in said
    assert "ghs_" not in said


# -- who may have a runner -------------------------------------------------------------------------------------------

STRANGERS = [
    ({"event": "pull_request", "head": "mallory/demo"}, "by an event that is not allowed"),
    ({"event": "pull_request_target"}, "by an event that is not allowed"),
    ({"workflow": "evil.yml"}, "of a workflow that is not allowed"),
    ({"branch": "topic"}, "on another branch"),
    ({"head": "mallory/demo"}, "of another repository"),
]


@pytest.mark.parametrize(("run", "why"), STRANGERS, ids=[why for _, why in STRANGERS])
def test_a_stranger_s_job_gets_no_runner_and_is_cancelled(bench: Bench, run: dict[str, str], why: str) -> None:
    steps = [f"touch {bench.folder}/ran"]
    stranger = bench.queue(steps=steps, **run)

    with bench.loop() as loop:
        wait_until(lambda: bench.job(stranger).conclusion)
        said = loop.stop()

    assert bench.job(stranger).conclusion == "cancelled"
    assert why in said
    assert bench.server.count("POST", "jitconfig") == 0
    assert not (bench.folder / "ran").exists()


def test_while_a_stranger_s_job_waits_ours_waits_too(bench: Bench) -> None:
    ours, stranger = bench.queue(), bench.queue(event="pull_request", head="mallory/demo")

    with bench.loop(1, cancel=False) as loop:
        wait_until(lambda: bench.server.count("GET", "/jobs") > 8)
        assert bench.server.count("POST") == 0
        bench.job(stranger).status = "completed"
        said = loop.end()

    assert bench.job(ours).conclusion == "success"
    assert said.count("may not") == 1, "it is said once"


def test_a_token_that_may_not_cancel_says_so_and_starts_nothing(bench: Bench) -> None:
    bench.server.world.tokens[TOKEN].workflows = "read"
    bench.queue()
    bench.queue(event="pull_request", head="mallory/demo")

    with bench.loop() as loop:
        wait_until(lambda: bench.server.count("POST", "/cancel") > 2)
        said = loop.stop()

    assert said.count("cancel it by hand") == 1
    assert bench.server.count("POST", "jitconfig") == 0


def test_a_job_for_any_self_hosted_machine_is_not_cancelled_but_nothing_starts_beside_it(bench: Bench) -> None:
    """Other runners of the repository may be meant; ours could be given it all the same."""
    any_machine = bench.queue(labels=["self-hosted", "Linux"], event="push", workflow="ci.yml")
    bench.queue()
    with bench.loop() as loop:
        wait_until(lambda: bench.server.count("GET", "/jobs") > 5)
        assert "may not" in loop.stop()
    assert bench.job(any_machine).status == "queued"
    assert bench.server.count("POST") == 0


def test_a_refusal_while_a_runner_waits_for_its_job_ends_the_runner(bench: Bench) -> None:
    bench.use("deaf")
    bench.queue()
    with bench.loop() as loop:
        wait_until(lambda: bench.server.count("GET", "/actions/runners/"))
        bench.server.faults.add("GET", "/actions", status=401, body={"message": "Bad credentials"}, times=99)
        loop.end()
        assert "not known" in str(loop.error)
        assert loop.launcher.poll() is not None


def test_a_stranger_s_job_that_slips_in_is_refused_by_the_hook_and_runs_nothing(bench: Bench) -> None:
    """It is queued after the broker has looked, and GitHub gives it the runner: not even an `always` step runs."""
    go = bench.folder / "go"
    bench.use(after=go)
    ours = bench.queue()
    with bench.loop(poll=60, cancel=False) as loop:
        looks_before_and_after_it_started = 2 * (len(OPEN) + 1)
        wait_until(lambda: bench.server.count("GET", "/actions/runs") == looks_before_and_after_it_started)
        bench.job(ours).status = "completed"
        ran = bench.folder / "ran"
        steps = [f"touch {ran}", f"always: touch {ran}"]
        stranger = bench.queue(event="pull_request", head="mallory/demo", steps=steps)
        go.touch()
        wait_until(lambda: bench.job(stranger).status == "completed")
        loop.stop()

    assert bench.job(stranger).runner
    assert bench.job(stranger).conclusion == "failure"
    assert not ran.exists()


def test_a_job_that_the_hook_did_not_stop_is_ended_once_github_tells_whose_it_is(bench: Bench) -> None:
    ours = bench.queue(steps=["sleep 30"])
    with bench.loop(poll=0.3) as loop:
        wait_until(lambda: bench.job(ours).status == "in_progress")
        run = next(one for one in bench.repo.actions.runs if one.id == ours)
        run.event, run.head = "pull_request", "mallory/demo"
        wait_until(lambda: run.cancelled)
        assert "Ended gpu-" in loop.stop()


# -- what goes wrong -------------------------------------------------------------------------------------------------

REFUSALS = [
    (401, "GET", "/actions/runners", "The token is not known"),
    (403, "POST", "jitconfig", "Administration: read and write"),
    (404, "POST", "jitconfig", "may not see octo/demo"),
    (409, "POST", "jitconfig", "Another runner has this name"),
    (422, "POST", "jitconfig", "Check `group` and `labels`"),
]


@pytest.mark.parametrize(("status", "method", "path", "hint"), REFUSALS)
def test_a_refusal_ends_it_with_what_to_do_and_without_hammering(
    bench: Bench, status: int, method: str, path: str, hint: str
) -> None:
    bench.queue()
    bench.server.faults.add(method, path, status=status, body={"message": "No, says GitHub."}, times=99)

    with bench.loop() as loop:
        loop.end()

    assert loop.error is not None
    assert loop.error.exit_code == 9
    assert hint in str(loop.error)
    assert "No, says GitHub." in str(loop.error)
    assert bench.server.count(method, path) == 1


def test_a_refusal_ends_the_command_with_its_exit_code(bench: Bench) -> None:
    bench.credential.write_text("ghs_nobody-s")
    with bench.broker() as broker:
        said = bench.finish(broker, code=9)
    assert "The token is not known" in said
    assert "ghs_" not in said


def test_what_passes_by_itself_is_waited_for(bench: Bench) -> None:
    run = bench.queue()
    for path in ("/actions/runs", "jitconfig"):
        bench.server.faults.add("*", path, status=502, times=2)
    bench.server.faults.add("GET", "/actions/runs", status=0)
    limit = {"message": "You have exceeded a secondary rate limit."}
    bench.server.faults.add("POST", "jitconfig", status=403, body=limit, headers={"Retry-After": "0"})

    with bench.loop(1) as loop:
        said = loop.end()

    assert bench.job(run).conclusion == "success"
    assert "Next try in" in said
    assert "rate limit" in said


def test_a_github_that_stays_away_ends_it_after_bounded_tries(bench: Bench) -> None:
    bench.server.faults.add("*", "/", status=503, times=999)
    with bench.loop(retry=0.0001) as loop:
        said = loop.end()
    assert loop.error is not None
    assert loop.error.exit_code == 9
    assert len(bench.server.requests) == 12
    pauses = [float(line.rpartition(" in ")[2].split()[0]) for line in said.splitlines()]
    assert pauses == sorted(pauses)


def test_a_runner_that_crashes_is_removed_and_another_is_tried(bench: Bench) -> None:
    bench.use("crash")
    run = bench.queue()
    with bench.loop(1) as loop:
        wait_until(lambda: sum("ended without a job" in line for line in loop.said) >= 2)
        bench.use("")
        loop.end()
    assert bench.job(run).conclusion == "success"
    assert bench.repo.actions.runners == []
    assert bench.server.count("DELETE", "/actions/runners/") >= 2


def test_a_runner_that_is_too_old_is_told(bench: Bench) -> None:
    bench.use("old")
    bench.queue()
    with bench.loop() as loop:
        loop.end()
    assert "install-runner" in str(loop.error)
    assert bench.repo.actions.runners == []


def test_a_runner_that_cannot_be_started_leaves_nothing_registered(bench: Bench) -> None:
    bench.queue()
    bench.program.unlink()
    with bench.loop() as loop:
        loop.end()
    assert "cannot be started" in str(loop.error)
    assert bench.repo.actions.runners == []


def test_a_stop_before_a_job_takes_the_runner_back(bench: Bench) -> None:
    bench.use("deaf")
    run = bench.queue()
    with bench.broker() as broker:
        wait_until(lambda: bench.repo.actions.runners)
        wait_until(lambda: bench.server.count("GET", "/actions/runners/"))
        broker.send_signal(signal.SIGTERM)
        said = bench.finish(broker)
    assert "before it had a job" in said
    assert bench.repo.actions.runners == []
    assert bench.job(run).status == "queued"


def test_a_runner_that_nothing_waits_for_is_taken_back(bench: Bench) -> None:
    bench.use("deaf")
    run = bench.queue()
    with bench.loop(idle=0.2) as loop:
        wait_until(lambda: bench.repo.actions.runners)
        bench.job(run).status = "completed"
        wait_until(lambda: not bench.repo.actions.runners)
        assert "nothing that may have it waits" in loop.stop()


def test_what_an_earlier_broker_has_left_is_removed_and_others_stay(bench: Bench) -> None:
    prefix = f"gpu-{name_machine()}-"
    for name, busy in ((f"{prefix}1", False), (f"{prefix}2", True), ("gpu-another-machine-3", False), ("x", False)):
        bench.repo.add_runner(name, ["gpu"], busy=busy)
    with bench.loop() as loop:
        wait_until(lambda: bench.server.count("GET", "/actions/runs"))
        loop.stop()
    assert [one.name for one in bench.repo.actions.runners] == [f"{prefix}2", "gpu-another-machine-3", "x"]


# -- a runner that outlives its broker, as a unit does ---------------------------------------------------------------


def test_a_job_goes_on_when_the_broker_is_stopped_and_the_next_one_waits_for_it(bench: Bench) -> None:
    unit = Surviving(bench.program)
    go = bench.folder / "go"
    first, second = bench.queue(steps=[f"while test ! -e {go}; do sleep 0.05; done"]), bench.queue()
    with bench.loop(launcher=unit) as loop:
        wait_until(lambda: bench.job(first).status == "in_progress")
        loop.watch.stopping.set()
        assert "ends by itself" in loop.end()
        with bench.loop(1, launcher=unit) as successor:
            wait_until(lambda: bench.server.count("GET", "/actions/runners") > 4)
            assert bench.job(first).status == "in_progress"
            assert bench.job(second).status == "queued"
            go.touch()
            successor.end()
    assert [bench.job(run).conclusion for run in (first, second)] == ["success", "success"]


def test_what_an_earlier_broker_has_started_is_judged_too(bench: Bench) -> None:
    unit = Surviving(bench.program)
    run = bench.queue(steps=["sleep 30"])
    with bench.loop(launcher=unit) as loop:
        wait_until(lambda: bench.job(run).status == "in_progress")
        loop.stop()
        found = next(one for one in bench.repo.actions.runs if one.id == run)
        found.event, found.head = "pull_request", "mallory/demo"
        with bench.loop(launcher=unit) as successor:
            wait_until(lambda: found.cancelled)
            assert "Ended gpu-" in successor.stop()
    assert unit.poll() is not None


def test_one_without_a_job_is_taken_back_by_the_next_broker(bench: Bench) -> None:
    bench.use("deaf")
    unit = Surviving(bench.program)
    bench.queue()
    with bench.loop(launcher=unit) as loop:
        wait_until(lambda: bench.server.count("GET", "/actions/runners/"))
        bench.server.faults.add("DELETE", "/actions/runners/", status=422, body={"message": "busy"})
        loop.stop()
        assert unit.poll() is None
        bench.repo.actions.runs.clear()
        with bench.loop(launcher=unit) as successor:
            wait_until(lambda: not bench.repo.actions.runners)
            successor.stop()
    assert unit.poll() is not None
