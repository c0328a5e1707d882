"""The workflow that keeps the lease, and what reviews do while nothing is served: GitHub, cloud and model for real."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulation.chameleon import ChameleonServer, Fault
from simulation.github_server import GitHubServer, PullScenario, RepoScenario
from simulation.github_server.variable_state import Variable
from tests.acceptance.act import ROOT, Act, Run, export_action
from tests.acceptance.conftest import MakeAct
from tests.acceptance.standing import count_reviews, summaries
from tests.acceptance.workflows import artifact_actions, three_jobs_workflow
from tests.action_job import pushed, said
from tests.model_server import ModelServer
from tests.monitoring.gateways import TOKEN as EVENTS_TOKEN
from tests.monitoring.gateways import run_gateway

OPS_TOKEN = "ops-token-1"
WORKFLOW = (ROOT / ".github/workflows/lease.yml").read_text(encoding="utf-8")
MACHINES = "gpu=node:gpu_p100"


@pytest.fixture
def site() -> Iterator[ChameleonServer]:
    with ChameleonServer() as server:
        server.blazar.looks_to_start = 0
        yield server


@dataclass
class Operations:
    """A repository whose models run on leased machines."""

    server: GitHubServer
    site: ChameleonServer
    action: Path
    folder: Path
    repo: RepoScenario = field(init=False)
    secrets: dict[str, str] = field(init=False)
    variables: dict[str, str] = field(init=False)
    runs: int = 0

    def __post_init__(self) -> None:
        self.repo = self.server.create_repo("octo/demo")
        self.server.add_token("ops", OPS_TOKEN, "octo", variables="write")
        openrc = self.site.environment()
        kept = ("OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_SECRET")
        self.secrets = {name: openrc[name] for name in kept} | {"GLOSSATOR_OPS_TOKEN": OPS_TOKEN}
        self.variables = {
            "GLOSSATOR_LEASE_NAME": "reviews",
            "GLOSSATOR_LEASE_MACHINES": MACHINES,
            "OS_AUTH_URL": openrc["OS_AUTH_URL"],
            "OS_REGION_NAME": openrc["OS_REGION_NAME"],
        }

    def run(self, *, fork: bool = False, create: bool = False) -> Run:
        self.runs += 1
        folder = self.folder / f"run{self.runs}"
        (folder / "checkout").mkdir(parents=True)
        act = Act(folder, self.action, self.server.url, self.server.graphql_url, self.secrets, variables=self.variables)
        payload = {"repository": {"full_name": "octo/demo", "default_branch": "main", "fork": fork}}
        event, inputs = ("workflow_dispatch", {"inputs": {"create": "true"}}) if create else ("schedule", {})
        run = act.run(WORKFLOW, event, payload | inputs)
        for secret in self.secrets.values():
            assert secret not in run.log + run.summary or secret == self.secrets["OS_APPLICATION_CREDENTIAL_ID"]
        return run

    def say(self, **variables: str) -> None:
        """Set variables of the repository, as an operator does."""
        for name, value in variables.items():
            self.repo.repository.variables[name] = Variable(name, value, 0.0, 0.0)

    def read(self, name: str) -> str:
        found = self.repo.repository.variables.get(name)
        return found.value if found else ""

    def shorten(self, left: timedelta) -> datetime:
        """Let the lease end so soon."""
        (lease,) = self.site.blazar.leases.values()
        lease.end = (datetime.now(UTC) + left).replace(second=0, microsecond=0)
        return lease.end


@pytest.fixture
def operations(github_server: GitHubServer, site: ChameleonServer, operate_action: Path, tmp_path: Path) -> Operations:
    return Operations(github_server, site, operate_action, tmp_path)


def render(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_lease_is_made_kept_and_extended(operations: Operations) -> None:
    """None is made unasked; a new one serves nothing yet; one that serves is extended, and the reviews are told."""
    none = operations.run()

    assert none.jobs() == {"ensure": "failure"}, none.story
    assert "There is no lease reviews, and none is made." in none.summary
    assert operations.site.blazar.leases == {}

    first = operations.run(create=True)

    assert first.jobs() == {"ensure": "success"}, first.story
    assert "Made the lease reviews; it is ACTIVE" in first.log
    assert any("Its machines are empty" in message for message in first.messages("warning"))
    assert operations.read("GLOSSATOR_SERVING") == "down"

    operations.say(GLOSSATOR_SERVING="up", GLOSSATOR_SERVING_UNTIL=render(operations.shorten(timedelta(hours=20))))
    second = operations.run()

    assert second.jobs() == {"ensure": "success"}, second.story
    assert "Extended the lease reviews" in second.log
    (lease,) = operations.site.blazar.leases.values()
    assert lease.end - datetime.now(UTC) > timedelta(days=6, hours=23)
    assert operations.read("GLOSSATOR_SERVING") == "up"
    assert operations.read("GLOSSATOR_SERVING_UNTIL") == render(lease.end - timedelta(minutes=30))

    third = operations.run()

    assert third.jobs() == {"ensure": "success"}, third.story
    assert "The lease reviews is ACTIVE and ends at" in third.log
    assert operations.site.count("POST", "/leases") == 1
    assert operations.site.count("PUT", "/leases") == 1


def test_the_gateway_is_told_when_the_lease_ends(operations: Operations) -> None:
    """Its alert on a lease that is about to end goes by this. The services' lease is kept and told as well."""
    operations.variables["GLOSSATOR_SERVICES_LEASE_NAME"] = "services"
    operations.variables["GLOSSATOR_SERVICES_LEASE_MACHINES"] = "services=flavor:m1.xlarge runner=flavor:m1.large"
    with run_gateway() as gateway:
        operations.secrets |= {"GLOSSATOR_EVENTS_URL": gateway.url, "GLOSSATOR_EVENTS_TOKEN": EVENTS_TOKEN}
        run = operations.run(create=True)
        told = gateway.read()

    assert run.jobs() == {"ensure": "success"}, run.story
    lease, services = operations.site.blazar.leases.values()
    assert (lease.name, services.name) == ("reviews", "services")
    assert services.end - services.start == timedelta(days=180)
    for one in (lease, services):
        ends = f'glossator_lease_end_timestamp_seconds{{lease="{one.name}",site="CHI@TACC"}}'
        assert told[ends] == one.end.timestamp()


def test_a_lease_that_cannot_be_renewed_is_told(operations: Operations) -> None:
    operations.run(create=True)
    until = operations.shorten(timedelta(hours=1))
    operations.say(GLOSSATOR_SERVING="up", GLOSSATOR_SERVING_UNTIL=render(until))
    operations.site.blazar.hosts["gpu_p100"] = 0

    run = operations.run()

    assert run.jobs() == {"ensure": "failure"}, run.story
    assert operations.read("GLOSSATOR_SERVING") == "down"
    assert any(f"cannot be renewed. It ends at {render(until)}" in message for message in run.messages("warning"))
    assert any("docs/leases.md" in message for message in run.messages("error"))
    assert "Not enough hosts available" in run.summary


def test_what_is_wrong_with_the_credential_changes_nothing(operations: Operations) -> None:
    operations.say(GLOSSATOR_SERVING="up", GLOSSATOR_SERVING_UNTIL="2099-01-01T00:00:00Z")
    operations.secrets["OS_APPLICATION_CREDENTIAL_SECRET"] = "not-the-secret"

    run = operations.run()

    assert run.jobs() == {"ensure": "failure"}, run.story
    assert "does not accept the application credential" in run.log
    assert operations.read("GLOSSATOR_SERVING") == "up"


def test_a_cloud_that_is_away_changes_nothing(operations: Operations) -> None:
    operations.say(GLOSSATOR_SERVING="up", GLOSSATOR_SERVING_UNTIL="2099-01-01T00:00:00Z")
    operations.site.faults.append(Fault("GET", "/leases", 503, times=9))

    run = operations.run()

    assert run.jobs() == {"ensure": "failure"}, run.story
    assert "the cloud answered 503" in run.log
    assert operations.read("GLOSSATOR_SERVING") == "up"


@pytest.mark.parametrize("missing", ["GLOSSATOR_LEASE_NAME", "GLOSSATOR_LEASE_MACHINES", ""])
def test_nothing_runs_in_forks_and_where_nothing_is_named(operations: Operations, missing: str) -> None:
    operations.variables.pop(missing, None)

    run = operations.run(fork=not missing)

    assert run.code == 0, run.story
    assert run.jobs() == {}, run.story
    assert operations.site.requests == []


PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
DOWN = (
    {"GLOSSATOR_SERVING": "down"},
    {"GLOSSATOR_SERVING": "up", "GLOSSATOR_SERVING_UNTIL": PAST},
)


@pytest.mark.parametrize("variables", DOWN, ids=["down", "over"])
def test_a_review_is_skipped_politely(
    pull: PullScenario, make_act: MakeAct, model_server: ModelServer, variables: dict[str, str]
) -> None:
    """Neither the push nor somebody's /review waits for a runner that is off, and neither looks like praise."""
    act = make_act(actions=artifact_actions(), variables=variables)

    for event, payload in (("pull_request_target", pushed(pull)[1]), said(pull, "/review")):
        run = act.run(three_jobs_workflow(), event, payload)

        assert run.code == 0, run.story
        assert run.jobs() == {"collect": "success"}, run.story
        assert any(message.startswith("Not reviewed: ") for message in run.messages("notice"))
        assert "**No review happened:**" in run.summary
        assert "looks good" not in run.log.lower()
    assert model_server.posts == []
    assert (summaries(pull), count_reviews(pull)) == ([], 0)


def test_a_command_works_while_nothing_is_served(pull: PullScenario, make_act: MakeAct) -> None:
    act = make_act(actions=artifact_actions(), variables=DOWN[0])

    run = act.run(three_jobs_workflow(), *said(pull, "/pause"))

    assert run.jobs() == {"collect": "success", "post": "success"}, run.story
    assert "**Paused:**" in summaries(pull)[0]
    assert "Not reviewed" not in run.summary


@pytest.mark.parametrize("until", [FUTURE, "tomorrow"])
def test_what_is_served_is_reviewed(pull: PullScenario, make_act: MakeAct, until: str) -> None:
    variables = {"GLOSSATOR_SERVING": "up", "GLOSSATOR_SERVING_UNTIL": until}
    act = make_act(actions=artifact_actions(), variables=variables)

    run = act.run(three_jobs_workflow(), "pull_request_target", pushed(pull)[1])

    assert run.jobs() == {"collect": "success", "infer": "success", "post": "success"}, run.story
    assert count_reviews(pull) == 1
    assert bool(run.messages("warning")) == (until == "tomorrow")


def own_workflow() -> str:
    """The workflow of this repository, which uses the action of its own checkout."""
    return (ROOT / ".github/workflows/review.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("body", ["", "/pause"])
def test_this_repository_skips_politely_too(
    pull: PullScenario, make_act: MakeAct, model_server: ModelServer, body: str
) -> None:
    variables = {"GLOSSATOR_ENDPOINT_URL": model_server.url, **DOWN[0]}
    act = make_act(variables=variables)
    act.checkout.mkdir()
    export_action(act.checkout)
    event, payload = said(pull, body) if body else ("pull_request_target", pushed(pull)[1])

    run = act.run(own_workflow(), event, payload)

    assert run.code == 0, run.story
    assert run.jobs() == {"review": "success"}, run.story
    assert model_server.posts == []
    if body:
        assert "**Paused:**" in summaries(pull)[0]
    else:
        assert (summaries(pull), count_reviews(pull)) == ([], 0)
    assert ("**No review happened:**" in run.summary) == (not body)


def test_this_repository_reviews_what_is_served(
    pull: PullScenario, make_act: MakeAct, model_server: ModelServer
) -> None:
    variables: dict[str, Any] = {"GLOSSATOR_ENDPOINT_URL": model_server.url, "GLOSSATOR_SERVING": "up"}
    act = make_act(variables=variables)
    act.checkout.mkdir()
    export_action(act.checkout)

    run = act.run(own_workflow(), "pull_request_target", pushed(pull)[1])

    assert run.jobs() == {"review": "success"}, run.story
    assert count_reviews(pull) == 1
