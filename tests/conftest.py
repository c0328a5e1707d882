"""Fixtures that every test may ask for."""

import gc
import importlib.util
import signal
import sys

import pytest
from hypothesis import settings

from simulation.github_server import GitHubServer, PullScenario
from tests.demo import BASE, changed
from tests.github_fixtures import github_client, github_server

__all__ = ["github_client", "github_server", "pull"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A background job of a shell ignores Ctrl-C and hands that down; the commands under test heed it, as in a terminal.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if importlib.util.find_spec("sniffio") is None:
    # httpcore asks for it with each request, and to find that a module is not there takes longer than the request.
    sys.modules["sniffio"] = None  # type: ignore[assignment] # how Python notes it

# Examples of a property test that does not say how many; `.ci/run` asks for the thorough profile after the slow tier.
settings.register_profile("quick", max_examples=25)
settings.register_profile("thorough", max_examples=100)
settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: the garbage collector need not look through it again and again."""
    gc.freeze()


@pytest.fixture
def pull(github_server: GitHubServer) -> PullScenario:
    """A pull request that changes lines 3 and 20 of one file."""
    repo = github_server.create_repo("octo/demo", BASE)
    repo.add_collaborator("bob", "write")
    return repo.open_pull_request(changed(3, 20))
