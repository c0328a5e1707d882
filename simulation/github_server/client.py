"""A plain client of the stand-in, for tests that speak HTTP themselves."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from simulation.github_server.server import GitHubServer

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The stand-in speaks plain HTTP; to read the certificates of the system takes longer than most tests."""


class Client(httpx.Client):
    """Use it as `client.get("/repos/octo/demo")`. An empty token is nobody's."""

    def __init__(self, server: GitHubServer, token: str = "actions-token") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(base_url=server.url, headers=headers, trust_env=False, timeout=10, verify=NO_TLS)
        self.graphql_url = server.graphql_url

    def query(self, text: str, **variables: Any) -> Any:
        """Ask GraphQL; returns the whole answer."""
        return self.post(self.graphql_url, json={"query": text, "variables": variables}).json()
