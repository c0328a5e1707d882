"""Fixtures that every test may ask for."""

from tests.github_server.fixtures import github_client, github_server

__all__ = ["github_client", "github_server"]
