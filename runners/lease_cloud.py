"""Keystone and Blazar over HTTP: log in by application credential, find the services, ask."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Self

import httpx

from reviewer.errors import UsageError
from runners.errors import CloudError
from runners.lease_credential import Credential, check_address
from runners.lease_errors import CloudUnavailable, CredentialRefused, describe, translate

TIMEOUT: Final = httpx.Timeout(60.0, connect=15.0)
"""Blazar answers a POST only after it has picked the hosts, which takes seconds."""
TRIES: Final = 3
PAUSE: Final = 5.0
"""Seconds before a request that had no answer is sent again; doubled each time. Only what changes nothing is."""
RESERVATION: Final = "reservation"
COMPUTE: Final = "compute"


@cache
def read_trust(cacert: str) -> ssl.SSLContext:
    """Whom to trust: the usual authorities, or those of a PEM file."""
    if not cacert:
        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=cacert)
    except (OSError, ssl.SSLError):
        raise UsageError("OS_CACERT (cacert) is no certificate file.", "Unset it, or name a PEM file.") from None


@dataclass(slots=True)
class Cloud:
    """One site, logged in to when it is first asked. Secrets and addresses stay inside."""

    credential: Credential
    sleep: Callable[[float], None] = time.sleep
    client: httpx.Client = field(init=False, repr=False)
    _token: str = field(default="", repr=False)
    _catalog: list[Any] = field(default_factory=list, repr=False)
    restricted: bool | None = None
    """Whether the credential may not make leases, once it is known."""

    def __post_init__(self) -> None:
        self.client = httpx.Client(timeout=TIMEOUT, verify=read_trust(self.credential.cacert))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def log_in(self) -> None:
        """Get a token and the catalogue of services.

        Raises:
            CredentialRefused: Keystone does not accept it. It does not say whether the secret is wrong or has expired.
        """
        if self._token:
            return
        identity = {
            "methods": ["application_credential"],
            "application_credential": {"id": self.credential.id, "secret": self.credential.secret},
        }
        address = self.credential.auth_url + ("" if self.credential.auth_url.endswith("/v3") else "/v3")
        body = {"auth": {"identity": identity}}
        response = self._send("POST", f"{address}/auth/tokens", {}, body, "log in to the cloud", again=True)
        if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND, httpx.codes.FORBIDDEN}:
            raise CredentialRefused(
                "The cloud does not accept the application credential: its secret is wrong, or it has expired or was "
                "deleted, or it belongs to another site.",
                "Application credentials are made per site and project. Make a new one, and set both "
                "OS_APPLICATION_CREDENTIAL_ID and OS_APPLICATION_CREDENTIAL_SECRET.",
            )
        if response.status_code != httpx.codes.CREATED:
            raise translate(response, "log in to the cloud")
        token = self._read(response, "log in to the cloud").get("token")
        subject = response.headers.get("x-subject-token", "")
        if not isinstance(token, dict) or not subject:
            raise CloudError("OS_AUTH_URL answers, but is no Keystone v3.", "It usually ends with /v3.")
        application = token.get("application_credential")
        self.restricted = bool(application.get("restricted")) if isinstance(application, dict) else None
        catalog = token.get("catalog")
        self._catalog = catalog if isinstance(catalog, list) else []
        self._token = subject

    def need_unrestricted(self) -> None:
        """Refuse early a credential with which Blazar could not make a lease: it needs a trust for it.

        Blazar itself answers no more than `Internal Server Error` then.
        """
        self.log_in()
        if self.restricted:
            raise CredentialRefused(
                "This application credential is restricted: it may not make or change leases.",
                "Make another one with the box 'Unrestricted (dangerous)' ticked, for leases alone, and give it an "
                "expiration date. Terraform keeps the restricted one.",
            )

    def find_service(self, kind: str) -> str:
        """The address of a service of the catalogue."""
        self.log_in()
        endpoints = [
            endpoint
            for service in self._catalog
            if isinstance(service, dict) and service.get("type") == kind
            for endpoint in service.get("endpoints") or ()
            if isinstance(endpoint, dict) and endpoint.get("interface") == self.credential.interface
        ]
        regions = sorted({str(endpoint.get("region")) for endpoint in endpoints})
        region = self.credential.region
        chosen = [one for one in endpoints if not region or region in {one.get("region"), one.get("region_id")}]
        if not chosen:
            known = f" It is offered in: {', '.join(regions)}." if regions else ""
            raise CloudError(
                f"This cloud offers no service {kind!r}{f' in the region {region!r}' if region else ''}.{known}",
                "Check OS_REGION_NAME and that OS_AUTH_URL is of that site.",
            )
        return check_address(str(chosen[0].get("url") or ""), f"The catalogue's address of {kind}")

    def ask(self, method: str, path: str, what: str, body: Any = None, service: str = RESERVATION) -> Any:
        """The JSON that the service answers; None for 204. What changes something is sent once only.

        Raises:
            CloudUnavailable: No answer: it may have been carried out.
            CloudError: Refused, in one of the ways of `lease_errors`.
        """
        address, headers = self.find_service(service) + path, {"X-Auth-Token": self._token}
        response = self._send(method, address, headers, body, what, again=method == "GET")
        if response.is_error:
            raise translate(response, what)
        if response.status_code == httpx.codes.NO_CONTENT or not response.content.strip():
            return None
        return self._read(response, what)

    def _send(
        self, method: str, address: str, headers: dict[str, str], body: Any, what: str, *, again: bool
    ) -> httpx.Response:
        pause = PAUSE
        for left in reversed(range(TRIES if again else 1)):
            try:
                response = self.client.request(method, address, headers=headers, json=body)
            except httpx.HTTPError as error:
                reason = "it took too long" if isinstance(error, httpx.TimeoutException) else "no connection"
            else:
                if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR or describe(response) or not left:
                    return response
                reason = f"it answered {response.status_code}"
            if left:
                self.sleep(pause)
                pause *= 2
        raise CloudUnavailable(
            f"Cannot {what}: the cloud did not answer ({reason}).",
            "Look at the site's status page, and run the same command again; it makes nothing twice.",
        ) from None

    @staticmethod
    def _read(response: httpx.Response, what: str) -> dict[str, Any]:
        try:
            document = json.loads(response.content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise CloudError(f"Cannot {what}: the cloud's answer cannot be read.", "Check OS_AUTH_URL.")
        return document
