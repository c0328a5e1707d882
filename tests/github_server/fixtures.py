"""Pytest fixtures. Import them where they are used: `from tests.github_server.fixtures import github_server`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.github_server.server import GitHubServer


@pytest.fixture
def github_server() -> Iterator[GitHubServer]:
    """A running stand-in. The test fails when anybody broke GitHub's schema."""
    with GitHubServer() as server:
        yield server
        assert not server.violations, "\n".join(server.violations)
