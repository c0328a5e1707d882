"""The application credential for leases: from OS_* variables, or from clouds.yaml when OS_CLOUD names a cloud there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from reviewer.errors import UsageError

AUTH_TYPE: Final = "v3applicationcredential"
NEEDED: Final = ("OS_AUTH_URL", "OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_SECRET")
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
HINT: Final = (
    "Make an application credential on the site's web page (Identity > Application Credentials), download its openrc "
    "file and source it. docs/leases.md tells how."
)


@dataclass(frozen=True, slots=True)
class Credential:
    """How to log in. The secret and the address are never shown, not even by repr."""

    auth_url: str = field(repr=False)
    id: str
    secret: str = field(repr=False)
    region: str = ""
    interface: str = "public"
    cacert: str = ""


def read_credential(environment: Mapping[str, str]) -> Credential:
    """The credential of an environment. OS_* variables win over clouds.yaml, as in OpenStack's own clients.

    Raises:
        UsageError: Variables are missing (they are named), are for another kind of login, or the address is not https.
    """
    given = {name: environment.get(name, "").strip() for name in NEEDED}
    if not any(given.values()) and environment.get("OS_CLOUD"):
        return read_clouds_file(environment["OS_CLOUD"], environment)
    missing = [name for name, value in given.items() if not value]
    if missing:
        other = "OS_USERNAME" in environment or "OS_PASSWORD" in environment
        note = "A password login (OS_USERNAME, OS_PASSWORD) is set, which does not do. " if other else ""
        raise UsageError(f"No credential for the cloud: {', '.join(missing)} not set.", note + HINT)
    kind = environment.get("OS_AUTH_TYPE", AUTH_TYPE)
    if kind != AUTH_TYPE:
        raise UsageError(f"OS_AUTH_TYPE is {kind!r}, and only {AUTH_TYPE} is read.", HINT)
    return Credential(
        check_address(given["OS_AUTH_URL"], "OS_AUTH_URL"),
        given["OS_APPLICATION_CREDENTIAL_ID"],
        given["OS_APPLICATION_CREDENTIAL_SECRET"],
        environment.get("OS_REGION_NAME", ""),
        environment.get("OS_INTERFACE") or "public",
        environment.get("OS_CACERT", ""),
    )


def find_clouds_file(environment: Mapping[str, str]) -> Path:
    """Where clouds.yaml is, looked for where OpenStack's own clients look."""
    named = environment.get("OS_CLIENT_CONFIG_FILE", "")
    home = Path(environment.get("HOME", os.path.expanduser("~")))  # noqa: PTH111 - a home may be unknown: no error then
    places = [Path(named)] if named else [Path("clouds.yaml"), home / ".config/openstack/clouds.yaml"]
    places += [] if named else [Path("/etc/openstack/clouds.yaml")]
    for place in places:
        if place.is_file():
            return place
    raise UsageError("OS_CLOUD is set, but there is no clouds.yaml.", "Name it with OS_CLIENT_CONFIG_FILE.")


def read_clouds_file(cloud: str, environment: Mapping[str, str]) -> Credential:
    """The credential of one cloud of clouds.yaml."""
    path = find_clouds_file(environment)
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise UsageError(f"Cannot read {path.name} as YAML.", "Download it again.") from None
    clouds = document.get("clouds") if isinstance(document, dict) else None
    entry = clouds.get(cloud) if isinstance(clouds, dict) else None
    if not isinstance(entry, dict):
        raise UsageError(f"{path.name} has no cloud {cloud!r}.", "Set OS_CLOUD to one that it has.")
    found = entry.get("auth")
    auth: dict[str, Any] = found if isinstance(found, dict) else {}
    names = ("auth_url", "application_credential_id", "application_credential_secret")
    values = [str(auth.get(name) or "") for name in names]
    missing = [name for name, value in zip(names, values, strict=True) if not value]
    if missing:
        raise UsageError(f"The cloud {cloud!r} of {path.name} has no {', '.join(missing)} under auth.", HINT)
    region = environment.get("OS_REGION_NAME") or str(entry.get("region_name") or "")
    interface = str(entry.get("interface") or "public")
    address = check_address(values[0], f"auth_url of {path.name}")
    return Credential(address, values[1], values[2], region, interface, str(entry.get("cacert") or ""))


def check_address(address: str, name: str) -> str:
    """An https address without its last slash; plain http only to this machine, for no secret goes out readable."""
    parts = urlsplit(address)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise UsageError(f"{name} is no address.", "It starts with https:// and usually ends with /v3.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageError(f"{name} is not https.", "The credential would go out readable. Use the site's https address.")
    return address.rstrip("/")
