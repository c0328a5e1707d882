"""Fixtures that every test may ask for."""

import signal

import pytest

from simulation.github_server import GitHubServer, PullScenario
from tests.demo import BASE, changed
from tests.github_fixtures import github_client, github_server

__all__ = ["github_client", "github_server", "pull"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A background job of a shell ignores Ctrl-C and hands that down; the commands under test heed it, as in a terminal.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def pull(github_server: GitHubServer) -> PullScenario:
    """A pull request that changes lines 3 and 20 of one file."""
    repo = github_server.create_repo("octo/demo", BASE)
    repo.add_collaborator("bob", "write")
    return repo.open_pull_request(changed(3, 20))
