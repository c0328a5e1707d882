"""Pytest fixtures, there for every test by way of tests/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulation.github_server.client import Client
from simulation.github_server.server import GitHubServer


@pytest.fixture
def github_server() -> Iterator[GitHubServer]:
    """A running stand-in. The test fails when anybody broke GitHub's schema."""
    with GitHubServer() as server:
        yield server
        assert not server.violations, "\n".join(server.violations)


@pytest.fixture
def github_client(github_server: GitHubServer) -> Iterator[Client]:
    """A client with the token of a job."""
    with Client(github_server) as client:
        yield client
