"""Leases against the stand-in for a site of Chameleon: made once, waited for, extended in time, given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from reviewer.errors import GlossatorError, UsageError
from runners.errors import CloudError
from runners.lease import check_same, create, end_line, extend, wait_active
from runners.lease_cloud import Cloud
from runners.lease_credential import read_credential
from runners.lease_errors import CloudUnavailable, CredentialRefused, NoCapacity, NoSuchLease, TermRefused
from runners.lease_machines import parse_machines
from runners.lease_records import Lease, Wanted, Watch, find_lease, list_line
from runners.lease_renewal import ensure
from simulation.chameleon import ChameleonServer, Fault
from simulation.chameleon_leases import Refused

DAY = timedelta(days=1)
BOUND = timedelta(minutes=15)
START = datetime(2026, 12, 1, 10, 30, 20, tzinfo=UTC)


@dataclass
class Site:
    """A site whose clock only the test moves, and a login."""

    server: ChameleonServer
    cloud: Cloud
    time: datetime = START

    def __post_init__(self) -> None:
        self.server.blazar.now = lambda: self.time

    @property
    def watch(self) -> Watch:
        return Watch(lambda: self.time, lambda seconds: self.pass_time(timedelta(seconds=seconds)))

    def pass_time(self, length: timedelta) -> None:
        self.time += length

    def make(self, machines: str = "gpu=node:gpu_p100", name: str = "reviews", days: float = 7) -> Lease:
        lease, made = create(self.cloud, wanted(machines, name), None, self.time + days * DAY, self.watch)
        assert made
        return wait_active(self.cloud, lease, BOUND, self.watch)


def refuse(words: str) -> Callable[..., None]:
    """What the site does in place of something else."""

    def raise_it(*_: object) -> None:
        raise Refused(400, words)

    return raise_it


def wanted(machines: str = "gpu=node:gpu_p100", name: str = "reviews", addresses: int = 0) -> Wanted:
    return Wanted(name, parse_machines([machines]), addresses)


@pytest.fixture
def site() -> Iterator[Site]:
    with ChameleonServer() as server, Cloud(read_credential(server.environment()), lambda _: None) as cloud:
        yield Site(server, cloud)


def test_a_lease_is_made_once(site: Site) -> None:
    first = site.make()
    second, made = create(site.cloud, wanted(), None, site.time + 3 * DAY, site.watch)

    assert (first.status, made, second) == ("ACTIVE", False, first)
    assert first.start == START.replace(second=0)
    assert first.end - first.start == 7 * DAY
    assert site.server.count("POST", "/leases") == 1
    assert check_same(site.cloud, second, wanted()) == {"gpu": first.reservations[0]["id"]}


def test_flavors_and_addresses(site: Site) -> None:
    """Two roles in one lease, each with its own reservation; the addresses are no role's."""
    want = wanted("services=flavor:m1.xlarge runner=flavor:m1.large*2", "services", addresses=2)

    lease, _ = create(site.cloud, want, None, site.time + 100 * DAY, site.watch)

    ids = check_same(site.cloud, lease, want)
    kinds = {one["id"]: (one["resource_type"], str(one.get("flavor_id")), one["amount"]) for one in lease.reservations}
    assert kinds[ids["services"]] == ("flavor:instance", "5", 1)
    assert kinds[ids["runner"]] == ("flavor:instance", "4", 2)
    assert sorted(kind for kind, _, _ in kinds.values()) == ["flavor:instance", "flavor:instance", "virtual:floatingip"]


def test_roles_on_the_same_flavor_keep_their_reservations(site: Site) -> None:
    want = wanted("services=flavor:m1.large runner=flavor:m1.large")
    lease, _ = create(site.cloud, want, None, site.time + DAY, site.watch)

    turned = Lease(lease.id, lease.name, lease.status, lease.start, lease.end, lease.reservations[::-1])

    assert check_same(site.cloud, lease, want) == check_same(site.cloud, turned, want)
    assert len(set(check_same(site.cloud, lease, want).values())) == 2


@pytest.mark.parametrize("machines", ["gpu=node:gpu_rtx_6000", "gpu=node:gpu_p100*2", "gpu=flavor:g1.h100.pci.1"])
def test_a_name_that_holds_other_machines(site: Site, machines: str) -> None:
    site.make()

    with pytest.raises(UsageError, match="is there, but for other machines"):
        create(site.cloud, wanted(machines), None, site.time + DAY, site.watch)


def test_a_name_that_holds_more_machines(site: Site) -> None:
    site.make("services=flavor:m1.large runner=flavor:m1.medium", days=1)

    with pytest.raises(UsageError, match=r"but for other machines than services=flavor:m1\.large"):
        create(site.cloud, wanted("services=flavor:m1.large"), None, site.time + DAY, site.watch)


def test_the_words_of_the_cloud_are_tamed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go to terminals, logs and summaries: no address, no escape, one line, not too long."""
    words = "no\n::error::x \x1b[31m at https://10.0.0.7:1234/v1 " + "a" * 1000
    monkeypatch.setattr("simulation.chameleon_leases.Leases.create", refuse(words))

    with pytest.raises(CloudError) as caught:
        site.make()

    assert "It says: no ::error::x " in caught.value.what
    assert len(caught.value.what) < 400
    assert not any(part in caught.value.what for part in ("\n", "\x1b", "10.0.0.7"))


def test_an_answer_that_is_lost_makes_no_second_lease(site: Site) -> None:
    site.server.faults.append(Fault("POST", "/leases", 0, after=True))

    lease, made = create(site.cloud, wanted(), None, site.time + DAY, site.watch)

    assert made
    assert [lease.id] == list(site.server.blazar.leases)


def test_a_request_that_is_lost_is_told(site: Site) -> None:
    site.server.faults.append(Fault("POST", "/leases", 502))

    with pytest.raises(CloudUnavailable, match="Cannot create the lease reviews: the cloud answered 502"):
        create(site.cloud, wanted(), None, site.time + DAY, site.watch)

    assert site.server.blazar.leases == {}


def test_reading_is_tried_again(site: Site) -> None:
    site.server.faults += [Fault("GET", "/leases", 503, times=1), Fault("GET", "/leases", 0, times=1)]

    assert list_line(site.cloud, "reviews", site.time) == []
    assert site.server.count("GET", "/leases") == 3


def test_the_wait_has_a_bound(site: Site) -> None:
    site.server.blazar.looks_to_start = 10**6

    with pytest.raises(CloudError, match="is STARTING after 15 minutes"):
        site.make()

    assert site.time - START <= BOUND + timedelta(seconds=20)


def test_a_lease_that_starts_later_is_not_waited_for(site: Site) -> None:
    lease, _ = create(site.cloud, wanted(), site.time + DAY, site.time + 2 * DAY, site.watch)

    assert wait_active(site.cloud, lease, BOUND, site.watch).status == "PENDING"
    assert site.time == START


def test_a_lease_that_cannot_start(site: Site) -> None:
    """It is said each time, and nothing is reserved beside it."""
    site.server.blazar.fails_to_start = True

    for _ in range(2):
        with pytest.raises(CloudError, match="is in the state ERROR") as caught:
            ensure(site.cloud, wanted(), None, BOUND, site.watch, first=True)
        assert "lease end reviews" in caught.value.hint
    assert len(site.server.blazar.leases) == 1


def test_nothing_is_free(site: Site) -> None:
    with pytest.raises(NoCapacity, match="nothing of that kind is free") as caught:
        site.make("gpu=node:gpu_p100*3")
    assert "calendar" in caught.value.hint

    with pytest.raises(NoCapacity):
        site.make("gpu=node:no_such_type")


def test_no_service_units_left(site: Site) -> None:
    site.server.blazar.service_units = 100

    with pytest.raises(NoCapacity, match=r"the project has too little left. It says: .* would spend 168.00 SUs"):
        site.make()


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (-DAY, DAY, "The start, 2026-11-30T10:30:00Z, has passed"),
        (None, -DAY, "The end, 2026-11-30T10:30:00Z, has passed"),
        (2 * DAY, DAY, "is not after the start"),
        (None, timedelta(), "The end, 2026-12-01T10:30:00Z, has passed"),
        (None, 7 * DAY + timedelta(minutes=1), "longer than the 7 days that such a lease may last"),
    ],
)
def test_times_that_cannot_be(site: Site, start: timedelta | None, end: timedelta, message: str) -> None:
    """They are found before the cloud is asked anything."""
    now = site.time.replace(second=0)
    begin = None if start is None else now + start

    with pytest.raises(UsageError, match=message):
        create(site.cloud, wanted(), begin, now + end, site.watch)

    assert site.server.requests == []


def test_the_longest_that_the_cloud_allows(site: Site) -> None:
    """The m1 flavors last six months here and there; a flavor of another family is for the cloud to judge."""
    site.make("services=flavor:m1.xlarge", "long", days=180)
    site.server.blazar.flavors["c7.large"] = ("77", 1)

    with pytest.raises(TermRefused, match="does not allow that long"):
        site.make("services=flavor:c7.large", "other", days=8)


def test_a_flavor_that_is_not_there(site: Site) -> None:
    with pytest.raises(CloudError, match=r"has no flavor 'm1.huge'. It has: .*m1.large") as caught:
        site.make("gpu=flavor:m1.huge")
    assert "KVM@TACC" in caught.value.hint
    assert site.server.count("POST", "/leases") == 0


def test_an_extension_in_the_last_hours(site: Site) -> None:
    lease = site.make()

    with pytest.raises(TermRefused, match=r"or not yet. It says: Lease can only be extended within 172800 seconds"):
        extend(site.cloud, lease, lease.end + DAY)
    site.pass_time(6 * DAY)
    later = extend(site.cloud, lease, lease.end + 3 * DAY)
    again = extend(site.cloud, later, later.end)

    assert later.end == again.end == lease.end + 3 * DAY
    assert later.reservations[0]["id"] == lease.reservations[0]["id"], "what Terraform made goes on"
    assert site.server.count("PUT", "/leases") == 2
    with pytest.raises(UsageError, match=r"ends at 2026-12-11T10:30:00Z, after"):
        extend(site.cloud, later, lease.end)


def test_an_extension_whose_answer_is_lost(site: Site) -> None:
    lease = site.make()
    site.pass_time(6 * DAY)
    site.server.faults.append(Fault("PUT", "/leases", 0, after=True))

    assert extend(site.cloud, lease, lease.end + DAY).end == lease.end + DAY

    site.server.faults.append(Fault("PUT", "/leases", 0))
    with pytest.raises(CloudUnavailable):
        extend(site.cloud, lease, lease.end + 2 * DAY)


def test_a_lease_that_has_ended_or_never_was(site: Site) -> None:
    lease = site.make()
    site.pass_time(8 * DAY)

    with pytest.raises(NoSuchLease, match="The lease reviews ended at 2026-12-08T10:30:00Z"):
        find_lease(site.cloud, "reviews", site.time)
    with pytest.raises(NoSuchLease, match="The lease revews does not exist in this project"):
        find_lease(site.cloud, "revews", site.time)
    with pytest.raises(CloudError):
        extend(site.cloud, lease, lease.end + 9 * DAY)


def test_a_lease_is_given_back(site: Site) -> None:
    lease = site.make()

    end_line(site.cloud, [lease, lease])

    assert site.server.blazar.leases == {}
    assert site.make().id != lease.id


@pytest.mark.parametrize("name", ["restricted-credential", "expired-credential"])
def test_credentials_that_may_not(site: Site, name: str) -> None:
    with Cloud(read_credential(site.server.environment(name)), lambda _: None) as cloud:
        site.cloud = cloud
        with pytest.raises(CredentialRefused) as caught:
            site.make()
    assert ("restricted" in caught.value.what) == (name == "restricted-credential")
    assert site.server.applications[name].secret not in f"{caught.value} {caught.value!r} {cloud!r}"
    assert site.server.count("POST", "/leases") == 0


def test_a_session_that_ends(site: Site) -> None:
    site.make()
    site.server.tokens.clear()

    with pytest.raises(CredentialRefused, match="does not accept the session any more"):
        find_lease(site.cloud, "reviews", site.time)


# -- keeping it --------------------------------------------------------------------------------------------------------


def test_a_lease_is_kept_for_weeks(site: Site) -> None:
    """Four looks a day: one extension each five days, the same reservation all the time, never a second lease."""
    outcomes, ids = [], set()
    for look in range(4 * 21):
        renewal = ensure(site.cloud, wanted(), None, BOUND, site.watch, first=look == 0)
        outcomes.append(renewal.outcome)
        ids |= set(renewal.ids.values())
        site.pass_time(timedelta(hours=6))

    assert outcomes[0] == "created"
    assert {*outcomes[1:]} == {"kept", "extended"}
    assert outcomes.count("extended") == site.server.count("PUT", "/leases") == 4
    assert len(ids) == len(site.server.blazar.leases) == 1


def test_a_lease_that_was_given_back_stays_away(site: Site) -> None:
    """Whoever ends a lease does not find it bought again six hours later."""
    end_line(site.cloud, [site.make()])

    with pytest.raises(NoSuchLease, match="There is no lease reviews, and none is made") as caught:
        ensure(site.cloud, wanted(), None, BOUND, site.watch)

    assert "--create" in caught.value.hint
    assert site.server.count("POST", "/leases") == 1
    assert ensure(site.cloud, wanted(), None, BOUND, site.watch, first=True).outcome == "created"


def test_a_machine_that_somebody_else_has_reserved(site: Site) -> None:
    """The lease cannot be extended, but the other machine of the kind is free from its end on."""
    site.make("gpu=node:gpu_rtx_6000")
    site.server.blazar.hosts["gpu_rtx_6000"] = 1
    other = Wanted("somebody", parse_machines(["gpu=node:gpu_rtx_6000"]))
    create(site.cloud, other, site.time + 9 * DAY, site.time + 10 * DAY, site.watch)
    site.pass_time(6 * DAY)

    renewal = ensure(site.cloud, wanted("gpu=node:gpu_rtx_6000"), None, BOUND, site.watch)

    assert (renewal.outcome, renewal.successor) == ("ending", None)
    assert "Not enough hosts available" in renewal.why


def test_a_successor_starts_when_the_lease_ends(site: Site) -> None:
    lease = site.make()
    site.pass_time(6 * DAY)
    site.server.blazar.window_hours = 0

    patient = ensure(site.cloud, wanted(), None, BOUND, site.watch)
    site.pass_time(timedelta(hours=14))
    first = ensure(site.cloud, wanted(), None, BOUND, site.watch)
    again = ensure(site.cloud, wanted(), None, BOUND, site.watch)

    assert (patient.outcome, patient.successor) == ("kept", None)
    assert "only be extended within 0 seconds" in patient.why
    assert first.outcome == again.outcome == "followed"
    assert first.successor is not None
    assert again.successor == first.successor
    assert (first.successor.name, first.successor.start) == ("reviews.20261208T1030", lease.end)
    assert len(site.server.blazar.leases) == 2

    site.pass_time(timedelta(hours=11))
    after = ensure(site.cloud, wanted(), None, BOUND, site.watch)

    assert (after.outcome, after.lease.id) == ("kept", first.successor.id)
    assert after.ids != first.ids
    assert find_lease(site.cloud, "reviews", site.time).id == first.successor.id
    end_line(site.cloud, list_line(site.cloud, "reviews", site.time))
    with pytest.raises(NoSuchLease):
        find_lease(site.cloud, "reviews", site.time)


def test_a_successor_that_cannot_start(site: Site) -> None:
    """What is said to do names the line, which is what the command takes."""
    site.make(days=1)
    site.server.blazar.window_hours = 0
    site.pass_time(timedelta(hours=20))
    site.server.blazar.fails_to_start = True
    assert ensure(site.cloud, wanted(), None, BOUND, site.watch).outcome == "followed"
    site.pass_time(timedelta(hours=5))

    with pytest.raises(CloudError, match=r"The lease reviews\.20261202T1030 is in the state ERROR") as caught:
        ensure(site.cloud, wanted(), None, BOUND, site.watch)

    assert caught.value.hint.endswith("glossator-ops lease end reviews")


def test_names_are_not_mixed_up(site: Site) -> None:
    """`reviews` is neither `reviews-2` nor a successor of `reviews-2`."""
    site.make(name="reviews-2")

    assert list_line(site.cloud, "reviews", site.time) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault("PUT", "/leases", 503, times=9), CloudUnavailable), (Fault("PUT", "/leases", 403), CredentialRefused)],
)
def test_what_may_pass_makes_no_successor(site: Site, fault: Fault, kind: type[GlossatorError]) -> None:
    site.make()
    site.pass_time(6 * DAY)
    site.server.faults.append(fault)

    with pytest.raises(kind):
        ensure(site.cloud, wanted(), None, BOUND, site.watch)

    assert len(site.server.blazar.leases) == 1
