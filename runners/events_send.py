"""Send one event to the gateway: soon over, tried a few times, and silent about the address and the token."""

from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from reviewer import __version__
from reviewer.errors import UsageError
from runners.errors import CloudError
from runners.events import AnyEvent, render_event

TIMEOUT: Final = 5.0
"""Seconds a try."""
WAITS: Final = (1.0, 3.0)
"""Seconds before the second try and the third."""
LATER: Final = frozenset({408, 429, 500, 502, 503, 504})
SHOWN: Final = 200
"""Characters of the gateway's own words."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go. Neither address nor token is in its `repr`. `ca`: a file with the certificates to trust."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    ca: Path | None = None


def read_target(environ: Mapping[str, str] = os.environ) -> Target | None:
    """The gateway that the environment names; None when it names none.

    Raises:
        UsageError: The address or the token cannot be used.
    """
    url, name = environ.get("GLOSSATOR_EVENTS_URL", "").strip(), environ.get("GLOSSATOR_EVENTS_TOKEN_FILE", "")
    if not url:
        return None
    token = environ.get("GLOSSATOR_EVENTS_TOKEN", "").strip()
    if not token and name:
        try:
            token = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            hint = "Does the file exist, and may this user read it?"
            raise UsageError("The file that GLOSSATOR_EVENTS_TOKEN_FILE names cannot be read.", hint) from error
    if not token or not token.isascii() or not token.isprintable():
        raise UsageError("There is no token for events.", "Set GLOSSATOR_EVENTS_TOKEN, a line of ASCII.")
    ca = environ.get("GLOSSATOR_EVENTS_CA", "")
    return Target(_check_url(url), token, Path(ca) if ca else None)


def send(target: Target, event: AnyEvent, wait: Callable[[float], None] = time.sleep) -> str:
    """Send the event, again while the gateway is not there or busy. Gives what the gateway said.

    Raises:
        CloudError: It was refused, or nobody answered.
        UsageError: The file with certificates cannot be used.
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs addresses
    headers = {"Authorization": f"Bearer {target.token}", "Content-Type": "application/json"}
    headers["User-Agent"] = f"glossator/{__version__}"
    failure = "nobody answered"
    with httpx.Client(verify=_trust(target.ca), timeout=TIMEOUT, headers=headers) as client:
        for pause in (*WAITS, None):
            try:
                response = client.post(target.url, content=render_event(event))
            except httpx.HTTPError as error:
                failure = f"no answer ({type(error).__name__})"
            else:
                if response.status_code == HTTPStatus.OK:
                    return _words(response)
                failure = f"{response.status_code}: {_words(response)}"
                if response.status_code not in LATER:
                    break
            if pause is not None:
                wait(pause)
    hint = "Check GLOSSATOR_EVENTS_URL and GLOSSATOR_EVENTS_TOKEN, and that the gateway runs."
    raise CloudError(f"The event was not taken; {failure}", hint)


def _words(response: httpx.Response) -> str:
    """What the gateway said, or nothing where it is not in its form: a proxy's page may hold addresses."""
    try:
        said = response.json()
    except ValueError:
        return ""
    words = next((said[key] for key in ("error", "status") if key in said), "") if isinstance(said, dict) else ""
    return str(words)[:SHOWN]


def _check_url(url: str) -> str:
    hint = "Give it like https://services.example.org:8443/events; http is for this machine only."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError("GLOSSATOR_EVENTS_URL is no address.", hint) from None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.query or parts.fragment:
        raise UsageError("GLOSSATOR_EVENTS_URL is no address that can be used.", hint)
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError("GLOSSATOR_EVENTS_URL would send the token in clear.", hint)
    return url if parts.path.strip("/") else url.rstrip("/") + "/events"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _trust(ca: Path | None) -> ssl.SSLContext:
    """The public roots and those of this system, which has the machines' own where there is one; or those of a file."""
    if ca is None:
        context = httpx.create_ssl_context()
        context.set_default_verify_paths()
        return context
    try:
        return ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError) as error:
        hint = "It must hold the root certificate of the machines, as PEM."
        raise UsageError("The file that GLOSSATOR_EVENTS_CA names cannot be used.", hint) from error
