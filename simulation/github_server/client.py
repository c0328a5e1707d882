"""A plain client of the stand-in, for tests that speak HTTP themselves."""

from __future__ import annotations

from typing import Any

import httpx

from simulation.github_server.server import GitHubServer


class Client(httpx.Client):
    """Use it as `client.get("/repos/octo/demo")`. An empty token is nobody's."""

    def __init__(self, server: GitHubServer, token: str = "actions-token") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(base_url=server.url, headers=headers, trust_env=False, timeout=10)
        self.graphql_url = server.graphql_url

    def query(self, text: str, **variables: Any) -> Any:
        """Ask GraphQL; returns the whole answer."""
        return self.post(self.graphql_url, json={"query": text, "variables": variables}).json()
