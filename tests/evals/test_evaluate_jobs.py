"""What evaluate.yml lets each job do, what each holds, and what its steps do."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.commands import cases
from evals.gate import EXIT_CODES
from tests.command import ROOT

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/evaluate.yml").read_text(encoding="utf-8"))
CALLED = WORKFLOW[True]["workflow_call"]
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
STORAGE = {
    "GLOSSATOR_S3_URL", "GLOSSATOR_S3_ENDPOINT_URL", "GLOSSATOR_S3_ACCESS_KEY_ID", "GLOSSATOR_S3_SECRET_ACCESS_KEY",
}  # fmt: skip
CHAMPION = {"GLOSSATOR_ENDPOINT_URL", "GLOSSATOR_ENDPOINT_TOKEN"}
CHALLENGER = {*CHAMPION, "GLOSSATOR_CHALLENGER_URL", "GLOSSATOR_CHALLENGER_TOKEN"}
RECORD = 'echo "$*" >> "$RUNNER_TEMP/called"'


def secrets_of(part: object) -> set[str]:
    return set(re.findall(r"secrets\.(\w+)", str(part)))


def evaluate(expression: str, secrets: dict[str, str]) -> str:
    """What GitHub makes of an expression of secrets. `&&` and `||` give one of their sides, as Python's do."""
    words = expression.removeprefix("${{").removesuffix("}}").replace("&&", "and").replace("||", "or")
    python = re.sub(r"secrets\.(\w+)", lambda found: repr(secrets[found[1]]), words)
    return str(eval(python.strip(), {"__builtins__": {}}))


def run_step(job: str, name: str, folder: Path, script: str = RECORD, **environment: str) -> tuple[int, str, list[str]]:
    """Run one step with a stand-in for glossator-eval: its code, its outputs, and how the command was called."""
    (step,) = (step for step in JOBS[job]["steps"] if step.get("name") == name)
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / "glossator-eval"
    program.write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    (folder / "output").write_text("", encoding="utf-8")
    settings = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(folder / "output"),
        "HELD_OUT": "held-out.jsonl",
        "LIMIT": "200",
        "PAIRS": "pairs.jsonl",
        "RULES": "",
        **environment,
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(shell, cwd=folder, env=settings, capture_output=True, text=True, timeout=60, check=False)
    called = folder / "called"
    words = called.read_text("utf-8").replace(str(folder), "TEMP").splitlines() if called.exists() else []
    return done.returncode, (folder / "output").read_text("utf-8"), words


def test_each_job_has_the_permissions_that_it_needs_and_no_other() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "judge": {"contents": "read"},
        "alarm": {"issues": "write"},
    }


def test_secrets_are_given_to_single_steps() -> None:
    held = {step["name"]: found for step in JOBS["judge"]["steps"] if (found := secrets_of(step.get("env")))}
    assert held == {
        "Fetch the held-out set": STORAGE,
        "Review with the champion": CHAMPION,
        "Review with the untuned model": CHAMPION,
        "Review with the challenger": CHALLENGER,
        "Try the cases with the champion": CHAMPION,
        "Try the cases with the challenger": CHALLENGER,
        "Tell the events gateway": {"GLOSSATOR_EVENTS_URL", "GLOSSATOR_EVENTS_TOKEN"},
    }
    assert secrets_of(JOBS["alarm"]) == set()
    assert all(not secrets_of(part.get("env")) for part in (WORKFLOW, *JOBS.values()))
    elsewhere = [
        text
        for step in JOBS["judge"]["steps"]
        for name, part in step.items()
        if name != "env" and secrets_of(text := str(part))
    ]
    assert secrets_of(elsewhere) == {"GLOSSATOR_ENDPOINT_URL"}
    assert "secrets.GLOSSATOR_ENDPOINT_URL == ''" in "".join(elsewhere), "whether, not what"


def test_only_the_alarm_holds_the_jobs_token() -> None:
    text = (ROOT / ".github/workflows/evaluate.yml").read_text("utf-8")
    assert "secrets: inherit" not in text
    assert "toJSON" not in text
    holders = [step["name"] for job in JOBS.values() for step in job["steps"] if "github.token" in str(step)]
    assert holders == ["Open, update or close the issue"]
    (checkout,) = (step for job in JOBS.values() for step in job["steps"] if "checkout" in step.get("uses", ""))
    assert checkout["with"] == {"persist-credentials": False}


@pytest.mark.parametrize(("champion", "address", "challenger", "token"), [
    ("", "", "", ""),
    ("one", "", "", "one"),
    ("one", "http://two", "", ""),
    ("one", "http://two", "two", "two"),
    ("one", "", "two", "two"),
])  # fmt: skip
def test_no_server_gets_the_token_of_another(champion: str, address: str, challenger: str, token: str) -> None:
    secrets = {
        "GLOSSATOR_ENDPOINT_TOKEN": champion,
        "GLOSSATOR_CHALLENGER_URL": address,
        "GLOSSATOR_CHALLENGER_TOKEN": challenger,
    }
    steps = [step["env"] for step in JOBS["judge"]["steps"] if "CHALLENGER" in str(step.get("env"))]
    assert {evaluate(env["GLOSSATOR_ENDPOINT_TOKEN"], secrets) for env in steps} == {token}


def test_the_alarm_sees_the_decisions_alone() -> None:
    used = [step["uses"].partition("@")[0] for step in JOBS["alarm"]["steps"] if "uses" in step]
    assert used == ["actions/setup-python", "glossator/glossator/action/evaluate", "actions/download-artifact"]
    (download,) = (step for step in JOBS["alarm"]["steps"] if "download" in step.get("uses", ""))
    (upload,) = (
        step for step in JOBS["judge"]["steps"] if step.get("with", {}).get("name") == download["with"]["name"]
    )
    assert upload["with"]["path"] == "${{ runner.temp }}/glossator-decisions"
    written = re.findall(r"glossator-decisions/([\w.]+)", str(JOBS["judge"]["steps"]))
    assert set(written) == {"champion.json", "challenger.json"}


def test_nothing_that_others_choose_is_part_of_a_script() -> None:
    for job in JOBS.values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step.get("name")


def test_secrets_and_inputs_are_declared() -> None:
    assert secrets_of(JOBS) == set(CALLED["secrets"])
    used = set(re.findall(r"inputs\.([\w-]+)", str(WORKFLOW)))
    assert used == set(CALLED["inputs"])
    dispatched = WORKFLOW[True]["workflow_dispatch"]["inputs"]
    assert {name: CALLED["inputs"][name] for name in dispatched} == dispatched


def test_two_evaluations_of_a_run_do_not_overwrite_each_others_artifacts() -> None:
    named = [step["with"]["name"] for job in JOBS.values() for step in job["steps"] if "artifact@" in str(step)]
    assert set(named) == {
        f"glossator-{what}-${{{{ inputs.evaluation || 'nightly' }}}}" for what in ("report", "decisions")
    }


def test_two_nights_never_meet_and_none_lasts_for_ever() -> None:
    assert WORKFLOW["concurrency"]["cancel-in-progress"] is False
    assert all(job["timeout-minutes"] < 360 for job in JOBS.values())
    models = [step["timeout-minutes"] for step in JOBS["judge"]["steps"] if "timeout-minutes" in step]
    assert sum(models) < JOBS["judge"]["timeout-minutes"], "what was answered by then is kept"


def test_a_fork_does_nothing_by_the_clock() -> None:
    assert JOBS["judge"]["if"] == "github.event_name != 'schedule' || !github.event.repository.fork"


def test_what_the_page_shows_fits() -> None:
    (shown,) = re.findall(r"```yaml\n(on:.*?jobs:.*?)```", (ROOT / "docs/nightly.md").read_text("utf-8"), re.DOTALL)
    workflow = yaml.safe_load(shown)
    job = workflow["jobs"]["evaluate"]
    assert set(job["with"]) <= set(CALLED["inputs"])
    assert set(job["secrets"]) <= set(CALLED["secrets"])
    assert set(workflow[True]["workflow_dispatch"]["inputs"]) <= set(job["with"])
    assert job["permissions"] == {"contents": "read", "issues": "write"}, "a called workflow gets no more"


def test_the_page_names_each_input() -> None:
    page = (ROOT / "docs/nightly.md").read_text("utf-8")
    assert [name for name in CALLED["inputs"] if f"`{name}`" not in page and f"{name}:" not in page] == []


@pytest.mark.parametrize(("name", "extras"), [("evaluate", ("evals", "dvc")), ("similarity", ("similarity",))])
def test_the_locks_hold_what_the_package_asks_for(name: str, extras: tuple[str, ...]) -> None:
    optional = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    wanted = {one for extra in extras for one in optional[extra] if not one.startswith("glossator")}
    listed = (ROOT / f"action/requirements-{name}.in").read_text("utf-8").split("\n")
    assert wanted <= set(listed)


# -- what the steps do ---------------------------------------------------------------------------------------------


def forget(folder: Path, *, fresh: str = "false") -> None:
    assert run_step("judge", "Forget old answers", folder, FRESH=fresh)[0] == 0


def test_what_servers_answered_is_forgotten_each_week(tmp_path: Path) -> None:
    kept = tmp_path / "glossator-kept"
    kept.mkdir()
    for name in ("endpoint-answers.sqlite", "endpoint-answers.sqlite-wal", "answers.sqlite"):
        (kept / name).touch()
    (kept / "week").write_text("2020-01\n", "utf-8")

    forget(tmp_path)

    assert sorted(path.name for path in kept.iterdir()) == ["answers.sqlite", "week"]
    (kept / "endpoint-answers.sqlite").touch()
    forget(tmp_path)
    assert (kept / "endpoint-answers.sqlite").exists(), "the week has not changed since"
    forget(tmp_path, fresh="true")
    assert not (kept / "endpoint-answers.sqlite").exists()


def test_what_has_not_changed_is_not_kept_again(tmp_path: Path) -> None:
    _, before, _ = run_step("judge", "Forget old answers", tmp_path, FRESH="false")
    forget(tmp_path)
    _, before, _ = run_step("judge", "Forget old answers", tmp_path, FRESH="false")
    digest = before.strip().removeprefix("digest=")

    assert run_step("judge", "Look for something new to keep", tmp_path, BEFORE=digest)[1] == ""
    (tmp_path / "glossator-kept" / "endpoint-answers.sqlite").write_text("new", "utf-8")
    assert run_step("judge", "Look for something new to keep", tmp_path, BEFORE=digest)[1] == "changed=true\n"


WATCH = "Compare the champion with when it was last good"
KEEP = "last-good --held-out held-out.jsonl --limit 200 --folder TEMP/glossator-kept/last-good"


def watch(folder: Path, before: str, code: int = 1, **environment: str) -> tuple[int, str, list[str]]:
    """The step with a command that recalls the digest `before` and whose gate ends with `code`."""
    script = f'{RECORD}\ncase "$*" in *--recall*) echo "{before}" ;; gate*) exit {code} ;; esac'
    return run_step("judge", WATCH, folder, script, **{"ACCEPT": "false", **environment})


def test_the_first_night_has_nothing_to_compare_with(tmp_path: Path) -> None:
    code, outputs, called = watch(tmp_path, "")

    assert (code, outputs) == (0, "last-good=\n")
    assert called == [f"{KEEP} --recall TEMP/glossator-runs/last-good", f"{KEEP} --keep TEMP/glossator-runs/champion"]


@pytest.mark.parametrize("verdict", [*EXIT_CODES.values()])
def test_another_night_is_compared_and_then_decided_on(verdict: int, tmp_path: Path) -> None:
    code, outputs, called = watch(tmp_path, "d1", verdict, RULES="rules.toml")

    assert (code, outputs) == (0, "last-good=d1\n")
    assert [line.split(" --")[0] for line in called] == ["last-good", "score", "gate", "last-good"]
    assert called[2] == (
        "gate --rules rules.toml --json TEMP/glossator-decisions/champion.json --champion "
        "TEMP/glossator-runs/last-good/scorecard.json --challenger TEMP/glossator-runs/champion/scorecard.json"
    )
    assert called[3] == (
        f"{KEEP} --keep TEMP/glossator-runs/champion --decision TEMP/glossator-decisions/champion.json"
    )


def test_a_gate_that_fails_keeps_nothing(tmp_path: Path) -> None:
    code, outputs, called = watch(tmp_path, "d1", 6)

    assert (code, outputs) == (6, "")
    assert "--keep" not in " ".join(called)


def test_what_is_accepted_is_kept_before_it_is_compared(tmp_path: Path) -> None:
    _, _, called = watch(tmp_path, "d2", ACCEPT="true")

    assert called[0] == f"{KEEP} --keep TEMP/glossator-runs/champion --accept"
    assert called[1] == f"{KEEP} --recall TEMP/glossator-runs/last-good"
    assert called[-1].startswith("gate ")


@pytest.mark.parametrize(("address", "name"), [("http://10.0.0.1", "endpoint-answers"), ("", "answers")])
def test_answers_of_servers_are_kept_apart(address: str, name: str, tmp_path: Path) -> None:
    """And no address is part of a command, which other processes see."""
    code, _, called = run_step(
        "judge", "Review with the champion", tmp_path, MODEL="models/reviewer-7", GLOSSATOR_ENDPOINT_URL=address
    )

    assert code == 0
    assert called == [
        (
            "run --held-out held-out.jsonl --limit 200 --out TEMP/glossator-runs/champion --candidate reviewer-7 "
            f"--model models/reviewer-7 --answers TEMP/glossator-kept/{name}.sqlite"
        )
    ]


@pytest.mark.parametrize("who", ["champion", "challenger"])
@pytest.mark.parametrize(("address", "wanted", "model"), [
    ("http://10.0.0.1", "true", "--model reviewer-8 "),
    ("http://10.0.0.1", "false", ""),
    ("", "true", ""),
])  # fmt: skip
def test_faults_are_planted_before_models_of_an_endpoint(
    who: str, address: str, wanted: str, model: str, tmp_path: Path
) -> None:
    """Without one the product's own cases are tried all the same."""
    code, _, called = run_step(
        "judge",
        f"Try the cases with the {who}",
        tmp_path,
        f'{RECORD}; echo "${{GLOSSATOR_ENDPOINT_URL-}}" >> "$RUNNER_TEMP/called"',
        MODEL="reviewer-8",
        CASES=wanted,
        GLOSSATOR_ENDPOINT_URL=address,
    )

    assert code == 0
    assert called == [
        (
            f"cases --candidate reviewer-8 {model}--answers TEMP/glossator-kept/endpoint-answers.sqlite "
            f"--json TEMP/glossator-report/cases-{who}.json"
        ),
        address if model else "",
    ]


@pytest.mark.parametrize("name", ["endpoint_url", "endpoint_token"])
def test_the_cases_read_server_and_token_from_the_environment(name: str) -> None:
    (option,) = (one for one in cases.command.params if one.name == name)
    assert option.envvar == f"GLOSSATOR_{name.upper()}"


@pytest.mark.parametrize(("verdict", "code"), EXIT_CODES.items())
def test_the_verdict_is_an_output(verdict: str, code: int, tmp_path: Path) -> None:
    ended, outputs, called = run_step("judge", "Decide on the challenger", tmp_path, f"{RECORD}; exit {code}")

    assert (ended, outputs) == (0, f"verdict={verdict}\n")
    assert called[0].startswith("gate --json TEMP/glossator-decisions/challenger.json --markdown ")
    assert called[0].endswith(
        "--champion-cases TEMP/glossator-report/cases-champion.json --cases TEMP/glossator-report/cases-challenger.json"
    )


@pytest.mark.parametrize("code", [2, 6, 70])
def test_a_gate_that_cannot_decide_fails_the_job(code: int, tmp_path: Path) -> None:
    assert run_step("judge", "Decide on the challenger", tmp_path, f"exit {code}")[:2] == (code, "")


@pytest.mark.parametrize(("there", "expected"), [
    (("champion",), "--champion TEMP/glossator/champion.json"),
    (("champion", "challenger"), "--champion TEMP/glossator/champion.json --challenger TEMP/glossator/challenger.json"),
])  # fmt: skip
def test_the_alarm_is_told_of_what_there_is(there: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    (tmp_path / "glossator").mkdir()
    for name in there:
        (tmp_path / "glossator" / f"{name}.json").touch()

    code, _, called = run_step("alarm", JOBS["alarm"]["steps"][-1]["name"], tmp_path, EVALUATION="a b", LAST_GOOD="d1")

    assert (code, called) == (0, [f"alarm --evaluation a b --last-good d1 {expected}"])
