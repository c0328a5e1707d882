"""Limits, tokens, apps and redirects: what the client waits for, what it says, and where it sends a token."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from reviewer.errors import HostError, HostUnavailable, NotFound, PermissionDenied, RateLimited, UsageError
from simulation.github_server import GitHubServer, PullScenario
from tests.training.collecting import FakeWatch
from training.github_client import GitHubClient
from training.github_tokens import Credential, GitHubApp, Issued, Tokens, load_credentials
from training.github_wire import Wire, derive_graphql_url

REPO = "/repos/octo/demo"
NAME = '{ repository(owner: "octo", name: "demo") { nameWithOwner } rateLimit { cost remaining resetAt } }'


@pytest.fixture
def watch(github_server: GitHubServer) -> FakeWatch:
    return FakeWatch(github_server)


@pytest.fixture
def wire(github_server: GitHubServer, watch: FakeWatch, pull: PullScenario) -> Iterator[Wire]:
    wire = Wire(watch, github_server.url, github_server.graphql_url)
    yield wire
    wire.close()


def client(wire: Wire, *tokens: str) -> GitHubClient:
    return GitHubClient(wire, Tokens(tokens or ("actions-token",)).for_repo("octo/demo"))


def asked_by(server: GitHubServer) -> list[str]:
    return [entry.token for entry in server.requests]


# -- limits --------------------------------------------------------------------------------------------------------


def test_a_used_up_hour_is_waited_for_in_sight(github_server: GitHubServer, watch: FakeWatch, wire: Wire) -> None:
    github_server.add_token("small", "small-token", "zoe", limit=2)
    asking = client(wire, "small-token")

    names = [asking.get(REPO).json()["full_name"] for _ in range(3)]

    assert names == ["octo/demo"] * 3
    ((seconds, why),) = watch.waits
    assert 3590 <= seconds <= 3601
    assert why.startswith("GitHub's rate limit is reached until ")
    assert why.endswith(" UTC")


@pytest.mark.parametrize("status", [200, 403])
def test_graphql_has_a_limit_of_its_own(status: int, github_server: GitHubServer, watch: FakeWatch, wire: Wire) -> None:
    github_server.switches.graphql_limit_status = status  # type: ignore[assignment] # one of both
    github_server.add_token("small", "small-token", "zoe", limit=1)
    asking = client(wire, "small-token")

    asking.get(REPO)
    assert watch.waits == []
    answers = [asking.query(NAME).data["repository"]["nameWithOwner"] for _ in range(2)]

    assert answers == ["octo/demo"] * 2
    assert len(watch.waits) == 1


def test_the_token_with_most_left_is_used(github_server: GitHubServer, watch: FakeWatch, wire: Wire) -> None:
    github_server.add_token("small", "small-token", "zoe", limit=3)
    github_server.add_token("large", "large-token", "yan", limit=6)
    asking = client(wire, "small-token", "large-token")

    for _ in range(9):
        asking.get(REPO)
    assert watch.waits == []
    asking.get(REPO)

    assert asked_by(github_server)[:2] == ["small", "large"]
    assert sorted(asked_by(github_server)[:9]) == ["large"] * 6 + ["small"] * 3
    assert len(watch.waits) == 1


@pytest.mark.parametrize("headers", [{"Retry-After": "17"}, {}])
@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_waits_as_long_as_github_says(
    status: int, headers: dict[str, str], github_server: GitHubServer, watch: FakeWatch, wire: Wire
) -> None:
    body = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    github_server.faults.add("GET", "octo", status=status, body=body, headers=headers, times=3)

    assert client(wire).get(REPO).status == 200

    assert [seconds for seconds, _ in watch.waits] == ([17, 17, 17] if headers else [60, 120, 240])


def test_another_token_goes_on_while_one_rests(github_server: GitHubServer, watch: FakeWatch, wire: Wire) -> None:
    github_server.add_token("other", "other-token", "zoe")
    github_server.faults.add("GET", "octo", status=429, body={"message": "slow"}, headers={"Retry-After": "30"})

    asking = client(wire, "actions-token", "other-token")
    asking.get(REPO)
    asking.get(REPO)

    assert watch.waits == []
    assert asked_by(github_server) == ["actions", "other", "other"]


def test_a_limit_that_never_ends_is_given_up(github_server: GitHubServer, watch: FakeWatch, wire: Wire) -> None:
    github_server.faults.add("GET", "octo", status=429, body={"message": "secondary rate limit"}, times=100)

    with pytest.raises(RateLimited, match="does not end"):
        client(wire).get(REPO)
    assert [seconds for seconds, _ in watch.waits] == [60, 120, 240, 480, 960, 1920, 3600]


@pytest.mark.parametrize("status", [200, 403])
def test_no_limit_lasts_longer_than_an_hour(
    status: int, github_server: GitHubServer, watch: FakeWatch, wire: Wire
) -> None:
    """A proxy in between may say anything."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 20, "X-RateLimit-Limit": "9" * 5000}
    github_server.faults.add("GET", "octo", status=status, body={"message": "no"}, headers=headers)
    asking = client(wire)

    for _ in range(2):
        asking.get(REPO)

    ((seconds, _),) = watch.waits
    assert seconds == 3601


def test_no_pause_lasts_longer_than_an_hour(github_server: GitHubServer, watch: FakeWatch, wire: Wire) -> None:
    github_server.faults.add("GET", "octo", status=429, body={}, headers={"Retry-After": "9" * 20})

    client(wire).get(REPO)

    assert [seconds for seconds, _ in watch.waits] == [3600]


# -- answers ---------------------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_free(wire: Wire) -> None:
    asking = client(wire)
    first = asking.get(REPO)
    left = asking.credentials[0].budgets["core"].remaining

    again = asking.get(REPO, etag=first.etag)

    assert (again.unchanged, again.content) == (True, b"")
    assert asking.credentials[0].budgets["core"].remaining == left
    assert dict(asking.counts) == {"core": 2, "unchanged": 1}


def test_pages_follow_the_link(github_server: GitHubServer, wire: Wire, pull: PullScenario) -> None:
    made = [pull.review_comment("app.py", 3, f"c{number}")["id"] for number in range(5)]

    found = list(client(wire).pages(f"{pull.path}/comments", {"per_page": 2}))

    assert [comment["id"] for comment in found] == made
    assert github_server.count("GET", "/comments") == 3


def test_a_server_in_trouble_is_asked_again(github_server: GitHubServer, watch: FakeWatch, wire: Wire) -> None:
    github_server.faults.add("GET", "octo", status=502, times=2)
    github_server.faults.add("GET", "octo", status=0)

    assert client(wire).get(REPO).status == 200
    assert [seconds for seconds, _ in watch.waits] == [1, 4, 16]
    github_server.faults.add("GET", "octo", status=503, times=4)
    with pytest.raises(HostUnavailable, match="503"):
        client(wire).get(REPO)


def test_errors_have_names(github_server: GitHubServer, wire: Wire) -> None:
    asking = client(wire)
    with pytest.raises(NotFound, match="/repos/octo/nothing"):
        asking.get("/repos/octo/nothing")
    with pytest.raises(NotFound, match="Could not resolve to a Repository"):
        asking.query(NAME.replace("demo", "nothing"))
    github_server.faults.add("GET", "octo", status=403, body={"message": "Resource not accessible"})
    with pytest.raises(PermissionDenied, match="Resource not accessible"):
        asking.get(REPO)
    github_server.faults.add("GET", "octo", status=200, body="<html>")
    with pytest.raises(HostError, match="not JSON"):
        asking.get(REPO).json()
    github_server.faults.add("POST", "graphql", status=200, body={"errors": [{"message": "Something went wrong"}]})
    with pytest.raises(HostUnavailable, match="Something went wrong"):
        asking.query(NAME)


# -- tokens ----------------------------------------------------------------------------------------------------------


def test_a_bad_token_is_put_aside_and_never_shown(watch: FakeWatch, wire: Wire) -> None:
    assert client(wire, "secret-bad", "actions-token").get(REPO).status == 200
    with pytest.raises(PermissionDenied) as caught:
        client(wire, "secret-bad").get(REPO)

    assert watch.said[0] == "GitHub does not accept token 1 of 2: it is not used any more."
    assert "secret" not in f"{watch.said} {caught.value} {caught.value.__cause__}"


def test_no_token_goes_to_another_host(github_server: GitHubServer, watch: FakeWatch, wire: Wire) -> None:
    with GitHubServer() as other:
        elsewhere = f"{other.url}/repos/octo/demo"
        github_server.faults.add("GET", "octo", status=302, body={}, headers={"Location": elsewhere})
        with pytest.raises(HostError, match="another host"):
            client(wire).get(REPO)
        with pytest.raises(HostError, match="another host"):
            client(wire).get(elsewhere)
        assert other.requests == []


@pytest.mark.parametrize("where", ["http://127.0.0.1:99999/", "http://[bad/", "http://a b/"])
def test_a_redirect_to_no_address(where: str, github_server: GitHubServer, wire: Wire) -> None:
    github_server.faults.add("GET", "octo", status=302, body={}, headers={"Location": where})
    with pytest.raises(HostError, match="leads to"):
        client(wire).get(REPO)
    github_server.faults.add("GET", "octo", status=200, body=[], headers={"Link": f'<{where}>; rel="next"'})
    with pytest.raises(HostError, match="leads to"):
        list(client(wire).pages(REPO, {}))


def test_redirects_on_the_host_are_followed_but_not_for_ever(github_server: GitHubServer, wire: Wire) -> None:
    github_server.faults.add("GET", "octo/old", status=301, body={}, headers={"Location": REPO})
    assert client(wire).get("/repos/octo/old").json()["full_name"] == "octo/demo"
    github_server.faults.add("GET", "octo", status=301, body={}, headers={"Location": REPO}, times=9)
    with pytest.raises(HostError, match="again and again"):
        client(wire).get(REPO)


def test_where_the_tokens_come_from(wire: Wire) -> None:
    several = load_credentials(wire, {"GLOSSATOR_GITHUB_TOKENS": " a, b,a ,", "GITHUB_TOKEN": "c"}).for_repo("x/y")
    assert [one.token(0.0) for one in several] == ["a", "b"]
    assert [one.token(0.0) for one in load_credentials(wire, {"GITHUB_TOKEN": "c"}).for_repo("x/y")] == ["c"]
    lines = load_credentials(wire, {"GLOSSATOR_GITHUB_TOKENS": "a\nb\r\n c,d"}).for_repo("x/y")
    assert [one.token(0.0) for one in lines] == ["a", "b", "c", "d"]
    with pytest.raises(UsageError, match="no token"):
        load_credentials(wire, {})
    with pytest.raises(UsageError, match="belong together"):
        load_credentials(wire, {"GLOSSATOR_APP_ID": "1"})


@pytest.mark.parametrize("token", ["ghp_\u00e4", "ghp_\u201cx\u201d", "ghp_\x00"])
def test_what_can_be_no_token(token: str, wire: Wire) -> None:
    with pytest.raises(UsageError, match="Token 2 of 2 for GitHub holds characters") as caught:
        load_credentials(wire, {"GLOSSATOR_GITHUB_TOKENS": f"good,{token}"})
    assert "ghp" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "https://", "http://a:99999/", "http://[bad/", "http://a:x/"])
def test_what_is_no_address_of_an_api(url: str, watch: FakeWatch) -> None:
    with pytest.raises(UsageError, match="no address of an API"):
        Wire(watch, graphql_url=url)
    with pytest.raises(UsageError, match="no address of an API"):
        Wire(watch, url)


def test_enterprise_server() -> None:
    assert derive_graphql_url("https://git.example.com/api/v3") == "https://git.example.com/api/graphql"
    assert derive_graphql_url("https://api.github.com") == "https://api.github.com/graphql"


# -- apps ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def app(github_server: GitHubServer, wire: Wire, key: rsa.RSAPrivateKey) -> GitHubApp:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    made = github_server.add_app(77, public)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    given = {"GLOSSATOR_APP_ID": str(made.id), "GLOSSATOR_APP_KEY": private.replace("\n", "\\n")}
    credentials = load_credentials(wire, given)
    assert isinstance(credentials, GitHubApp)
    return credentials


def test_an_apps_token_is_renewed_before_it_ends(github_server: GitHubServer, wire: Wire, app: GitHubApp) -> None:
    asking = GitHubClient(wire, app.for_repo("octo/demo"))
    for minutes in (0, 30, 24, 3):
        github_server.advance(60 * minutes)
        assert asking.get(REPO).status == 200

    assert github_server.count("POST", "/access_tokens") == 2
    assert app.for_repo("octo/demo")[0] is asking.credentials[0]


def test_an_app_that_is_not_installed(app: GitHubApp, github_server: GitHubServer) -> None:
    github_server.create_repo("other/demo")
    with pytest.raises(NotFound, match="not installed"):
        app.for_repo("other/demo")


@pytest.mark.parametrize(("path", "body"), [
    ("/installation$", [1]), ("/installation$", {"id": "x"}), ("/installation$", "<html>"),
    ("/access_tokens$", {"token": "t"}), ("/access_tokens$", {"token": "t", "expires_at": "soon"}),
    ("/access_tokens$", {"token": "t\n", "expires_at": "2024-01-01T00:00:00Z"}),
])  # fmt: skip
def test_an_answer_of_another_shape_to_an_app(
    path: str, body: object, wire: Wire, app: GitHubApp, github_server: GitHubServer
) -> None:
    github_server.faults.add("*", path, status=200, body=body)
    with pytest.raises(HostError, match="GitHub's answer is not"):
        GitHubClient(wire, app.for_repo("octo/demo")).get(REPO)


def test_a_wrong_key(wire: Wire, app: GitHubApp) -> None:
    wrong = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(PermissionDenied, match="does not take the key"):
        GitHubApp(app.app_id, wrong.decode(), wire).for_repo("octo/demo")
    with pytest.raises(UsageError, match="no private key"):
        GitHubApp(app.app_id, "secret nonsense", wire).for_repo("octo/demo")


def test_a_credential_is_asked_for_once() -> None:
    times = iter((Issued("first", 1000.0), Issued("second", 9000.0)))
    credential = Credential("one", lambda: next(times))

    assert [credential.token(now) for now in (0.0, 699.0, 701.0, 8000.0)] == ["first", "first", "second", "second"]


def test_a_client_that_was_given_stays_open(watch: FakeWatch) -> None:
    with httpx.Client() as http:
        Wire(watch, http=http).close()
        assert not http.is_closed
