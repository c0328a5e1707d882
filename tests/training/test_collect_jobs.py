"""What collect.yml lets each job do, and what each holds."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reviewer.errors import HostError
from tests.command import ROOT
from training.collect_run import Collected
from training.commands.collect import tell, tell_import
from training.published import ImportCounts
from training.retrain import INPUT

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/collect.yml").read_text(encoding="utf-8"))
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
STORAGE = {"GLOSSATOR_S3_ACCESS_KEY_ID", "GLOSSATOR_S3_SECRET_ACCESS_KEY"}
COLLECTING = {"GLOSSATOR_READ_TOKENS", "GLOSSATOR_APP_ID", "GLOSSATOR_APP_KEY", "GLOSSATOR_NAME_SALT"}


def secrets_of(part: object) -> set[str]:
    return set(re.findall(r"secrets\.(\w+)", str(part)))


def run_step(name: str, folder: Path, commands: dict[str, str], **environment: str) -> tuple[int, str, str]:
    """Run one step of the job `build` with stand-ins for commands: its code, what it printed, and its outputs."""
    (step,) = (step for step in JOBS["build"]["steps"] if step.get("name") == name)
    (folder / "bin").mkdir(exist_ok=True)
    for command, script in commands.items():
        path = folder / "bin" / command
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    (folder / "output").touch()
    settings = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(folder / "output"),
        **environment,
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(shell, cwd=folder, env=settings, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr, (folder / "output").read_text("utf-8")


def collect(folder: Path, script: str, hours: str = "4") -> tuple[int, str, str]:
    commands = {"glossator-train": script, "dvc": 'echo "dvc $*" >> dvc.log'}
    return run_step("Collect new reviews", folder, commands, HOURS=hours)


SNAPSHOT = "mkdir -p data/snapshots/octo/demo && touch data/snapshots/octo/demo/000001.json; "


def test_each_job_has_the_permissions_that_it_needs_and_no_other() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "build": {"contents": "read", "pull-requests": "read"},
        "propose": {"contents": "write", "pull-requests": "write"},
        "retrain": {"actions": "write", "contents": "write"},
    }


def test_secrets_are_given_to_single_steps() -> None:
    assert {name: secrets_of(job) for name, job in JOBS.items()} == {
        "build": {*STORAGE, *COLLECTING, "GLOSSATOR_S3_URL", "GLOSSATOR_S3_ENDPOINT_URL"},
        "propose": {"GLOSSATOR_WRITE_TOKEN"},
        "retrain": set(),
    }
    assert all("env" not in job for job in (WORKFLOW, *JOBS.values()))
    held = {step["name"]: found for job in JOBS.values() for step in job["steps"] if (found := secrets_of(step))}
    assert held == {
        "Look for the salt": {"GLOSSATOR_NAME_SALT"},
        "Fetch the data": {*STORAGE, "GLOSSATOR_S3_URL", "GLOSSATOR_S3_ENDPOINT_URL"},
        "Collect new reviews": COLLECTING,
        "Build the dataset": {"GLOSSATOR_NAME_SALT"},
        "Store the data": STORAGE,
        "Propose the dataset": {"GLOSSATOR_WRITE_TOKEN"},
    }
    for job in JOBS.values():
        for step in job["steps"]:
            assert secrets_of(step) == secrets_of(step.get("env")), "through the environment of one step alone"


def test_the_jobs_own_token_is_given_to_single_steps() -> None:
    text = (ROOT / ".github/workflows/collect.yml").read_text("utf-8")
    assert "secrets: inherit" not in text
    assert "toJSON" not in text
    held = {step["name"] for job in JOBS.values() for step in job["steps"] if "github.token" in str(step)}
    assert held == {
        *("Go on from the open proposal", "Collect new reviews"),
        *("Propose the dataset", "Start training if enough has come in"),
    }
    (salt,) = (step for step in JOBS["build"]["steps"] if step.get("name") == "Look for the salt")
    assert salt["env"] == {"HAS_SALT": "${{ secrets.GLOSSATOR_NAME_SALT != '' }}"}, "whether, not what"


def test_secrets_are_declared() -> None:
    assert secrets_of(JOBS) == set(WORKFLOW[True]["workflow_call"]["secrets"])


def test_two_runs_never_meet_and_none_lasts_for_ever() -> None:
    assert WORKFLOW["concurrency"]["cancel-in-progress"] is False
    assert "${{" not in WORKFLOW["concurrency"]["group"], "one group for the repository"
    assert all(job["timeout-minutes"] < 360 for job in JOBS.values())


def test_no_checkout_keeps_its_token() -> None:
    checkouts = [step for job in JOBS.values() for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert len(checkouts) == 3
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


def test_the_page_shows_a_training_workflow_that_is_recognised() -> None:
    (shown,) = re.findall(r"```yaml\n(run-name:.*?)```", (ROOT / "docs/train.md").read_text("utf-8"), re.DOTALL)
    workflow = yaml.safe_load(shown)
    assert set(workflow[True]["workflow_dispatch"]["inputs"]) == {INPUT}
    assert f"${{{{ inputs.{INPUT} }}}}" in workflow["run-name"]


def test_what_the_page_shows_fits() -> None:
    (shown,) = re.findall(r"```yaml\n(on:.*?jobs:.*?)```", (ROOT / "docs/train.md").read_text("utf-8"), re.DOTALL)
    job = yaml.safe_load(shown)["jobs"]["collect"]
    called = WORKFLOW[True]["workflow_call"]
    assert set(job["with"]) <= set(called["inputs"])
    assert set(job["secrets"]) <= set(called["secrets"])
    needed: dict[str, str] = {}
    for one in JOBS.values():
        needed |= {name: level for name, level in one["permissions"].items() if needed.get(name) != "write"}
    assert job["permissions"] == needed, "a called workflow gets no more than its caller has"


# -- what the steps do ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 2, 5, 70, 137])
def test_what_was_collected_is_recorded_however_it_ended(tmp_path: Path, code: int) -> None:
    ended, printed, outputs = collect(tmp_path, f"{SNAPSHOT} exit {code}")

    assert (ended, outputs) == (0, f"code={code}\n"), printed
    assert (tmp_path / "dvc.log").read_text("utf-8") == "dvc commit --quiet --force collect\n"


@pytest.mark.parametrize(("code", "expected"), [(0, 1), (2, 2), (5, 5)])
def test_nothing_is_built_from_nothing(tmp_path: Path, code: int, expected: int) -> None:
    ended, printed, outputs = collect(tmp_path, f"mkdir -p data/snapshots; exit {code}")

    assert (ended, outputs) == (expected, "")
    assert "::error title=Glossator::There is no pull request" in printed
    assert not (tmp_path / "dvc.log").exists()


def test_collecting_stops_in_time(tmp_path: Path) -> None:
    ended, printed, outputs = collect(tmp_path, f"{SNAPSHOT} exec sleep 30", hours="0.0001")

    assert (ended, outputs) == (0, "code=0\n")
    assert "::notice title=Glossator::Stopped collecting after 0.0001 hours; the next run goes on." in printed


@pytest.mark.parametrize("problems", [0, 2, 9, 30])
def test_a_few_problems_are_shown_as_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], problems: int
) -> None:
    told = Collected(problems=[f"octo/demo#{at}: 100% lost." for at in range(1, problems + 1)])
    tell(told)
    table, lines = capsys.readouterr()
    (tmp_path / "told").write_text(f"Names are hashed.\n{lines}{table}", encoding="utf-8")
    script = 'cat "$RUNNER_TEMP/told"'

    ended, printed, _ = collect(tmp_path, f"{SNAPSHOT} {script}")

    assert ended == 0
    warnings = [line for line in printed.splitlines() if line.startswith("::")]
    expected = [f"::warning title=Glossator::octo/demo#{at}: 100%25 lost." for at in range(1, min(problems, 5) + 1)]
    assert warnings == expected


def test_a_part_of_a_collection_is_kept_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = HostError("GitHub did not answer: 502.")
    tell(
        Collected(repos=2, new=3, problems=["octo/demo: GitHub did not answer: 502."], unfinished={"octo/demo": error})
    )
    table, lines = capsys.readouterr()
    (tmp_path / "told").write_text(f"{lines}{table}glossator-train: Not collected to the end: octo/demo\n", "utf-8")

    ended, printed, outputs = collect(tmp_path, f'{SNAPSHOT} cat "$RUNNER_TEMP/told"; exit 5')

    assert (ended, outputs) == (0, "code=5\n")
    assert printed.endswith("::warning title=Glossator::octo/demo: GitHub did not answer: 502.\n")
    assert (tmp_path / "dvc.log").read_text("utf-8") == "dvc commit --quiet --force collect\n"


def test_each_tables_problems_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With `sources` of both kinds and `repos` there are three; what stands between them is no problem of any."""
    tell(Collected(repos=1, problems=["a dump: line 2 was left out."]))
    dumped = capsys.readouterr()
    tell_import(ImportCounts(files=1, problems=["published: line 3 was left out.", "published: line 4, too."]))
    published = capsys.readouterr()
    tell(Collected(repos=1, problems=["octo/gone: Not Found."]))
    github = capsys.readouterr()
    shown = [part for each in (dumped, published, github) for part in (each.err, each.out, "octo/demo: rewritten.\n")]
    (tmp_path / "told").write_text("".join(shown), "utf-8")

    _, printed, _ = collect(tmp_path, f'{SNAPSHOT} cat "$RUNNER_TEMP/told"')

    prefix = "::warning title=Glossator::"
    assert [line.removeprefix(prefix) for line in printed.splitlines() if line.startswith(prefix)] == [
        *("a dump: line 2 was left out.", "published: line 3 was left out.", "published: line 4, too."),
        "octo/gone: Not Found.",
    ]


def test_a_count_that_cannot_be_shows_no_more_than_there_is(tmp_path: Path) -> None:
    script = f"{SNAPSHOT} printf 'one\\nfiles  1\\nproblems  99,999,999,999\\nproblems  x\\n'"
    ended, printed, _ = collect(tmp_path, script)
    assert ended == 0
    assert printed.count("::warning") == 1


@pytest.mark.parametrize(("code", "said"), [("2", "until this is mended"), ("5", "the next run goes on")])
def test_the_job_says_whether_the_next_run_goes_on(tmp_path: Path, code: str, said: str) -> None:
    _, printed, _ = run_step(JOBS["build"]["steps"][-1]["name"], tmp_path, {}, CODE=code)
    assert said in printed
    assert printed.count("::error title=Glossator::") == 1


@pytest.mark.parametrize(("code", "expected"), [("2", 2), ("5", 5), ("0", 1)])
def test_the_job_fails_at_its_end(tmp_path: Path, code: str, expected: int) -> None:
    """With the code of collecting; where building alone has failed with 1."""
    last = JOBS["build"]["steps"][-1]
    assert last["if"] == "steps.collect.outputs.code != '0' || steps.dataset.outcome != 'success'"
    ended, printed, _ = run_step(last["name"], tmp_path, {}, CODE=code)
    assert ended == expected
    assert "::error title=Glossator::" in printed


def test_what_there_is_travels_on_from_a_build_that_failed() -> None:
    steps = {step.get("name"): step for step in JOBS["build"]["steps"]}
    assert [name for name, step in steps.items() if step.get("continue-on-error")] == ["Build the dataset"]
    assert JOBS["build"]["outputs"] == {
        "written": "${{ steps.write.outputs.written }}",
        "built": "${{ steps.dataset.outcome == 'success' }}",
    }
    assert JOBS["propose"]["if"] == "${{ !cancelled() && needs.build.outputs.written == 'true' }}"
    assert JOBS["retrain"]["needs"] == ["build", "propose"]
    for condition in ("!cancelled()", "needs.propose.result == 'success'", "needs.build.outputs.built == 'true'"):
        assert f"{condition} && " in " ".join(JOBS["retrain"]["if"].split())


def test_collecting_leaves_the_job_time_to_store() -> None:
    (step,) = (step for step in JOBS["build"]["steps"] if step.get("name") == "Collect new reviews")
    assert step["env"]["HOURS"] == "${{ inputs.hours > 5 && 5 || inputs.hours || 4 }}"
    assert JOBS["build"]["timeout-minutes"] >= 5 * 60 + 45


@pytest.mark.parametrize(("has", "expected"), [("true", 0), ("false", 2)])
def test_without_a_salt_nothing_begins(tmp_path: Path, has: str, expected: int) -> None:
    ended, printed, _ = run_step("Look for the salt", tmp_path, {}, HAS_SALT=has)
    assert ended == expected
    assert ("Set the secret GLOSSATOR_NAME_SALT" in printed) is (expected == 2)
    names = [step.get("name") for step in JOBS["build"]["steps"]]
    assert names.index("Look for the salt") < names.index("Collect new reviews")


def test_a_fork_does_nothing_by_the_clock() -> None:
    assert JOBS["build"]["if"] == "github.event_name != 'schedule' || !github.event.repository.fork"


@pytest.mark.parametrize("extra", ["data", "dvc"])
def test_the_lock_holds_what_the_package_asks_for(extra: str) -> None:
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"][extra]
    listed = (ROOT / "action/requirements-train.in").read_text("utf-8").split("\n")
    assert set(wanted) <= set(listed)
