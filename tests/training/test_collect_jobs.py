"""What collect.yml lets each job do, and what each holds."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.command import ROOT

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/collect.yml").read_text(encoding="utf-8"))
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
STORAGE = {"GLOSSATOR_S3_ACCESS_KEY_ID", "GLOSSATOR_S3_SECRET_ACCESS_KEY"}
COLLECTING = {"GLOSSATOR_READ_TOKENS", "GLOSSATOR_APP_ID", "GLOSSATOR_APP_KEY", "GLOSSATOR_NAME_SALT"}


def secrets_of(part: object) -> set[str]:
    return set(re.findall(r"secrets\.(\w+)", str(part)))


def steps_with(secret: str) -> set[str]:
    return {step["name"] for job in JOBS.values() for step in job["steps"] if secret in secrets_of(step)}


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
    for key in STORAGE:
        assert steps_with(key) == {"Fetch the data", "Store the data"}
    assert steps_with("GLOSSATOR_NAME_SALT") == {"Collect new reviews", "Build the dataset"}


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


@pytest.mark.parametrize("extra", ["data", "dvc"])
def test_the_lock_holds_what_the_package_asks_for(extra: str) -> None:
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"][extra]
    listed = (ROOT / "action/requirements-train.in").read_text("utf-8").split("\n")
    assert set(wanted) <= set(listed)
