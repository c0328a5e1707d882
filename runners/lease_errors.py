"""How the cloud says no to a lease, each way with what to do about it."""

from __future__ import annotations

import json
import re
from typing import Final

import httpx

from reviewer.report_lines import clean
from runners.errors import CloudError

MAX_WORDS: Final = 300
"""Of the cloud's own words, as many characters as a message shows."""
_ADDRESS: Final = re.compile(r"https?://\S+")


class CredentialRefused(CloudError):
    """The application credential is wrong, expired, deleted, restricted or of another project."""


class CloudUnavailable(CloudError):
    """No answer, or a 5xx without a reason: the request may or may not have been carried out."""


class NoCapacity(CloudError):
    """No free host, instance or floating address in that time, or no service units left for it."""


class TermRefused(CloudError):
    """The lease would last too long, or may not be extended yet."""


class NoSuchLease(CloudError):
    """There is no lease of that name, or it has ended."""


def describe(response: httpx.Response) -> str:
    """The cloud's own words, on one line, without addresses, cut short. Blazar and Keystone name them differently."""
    try:
        document = json.loads(response.content)
    except ValueError:
        return ""
    found: object = document
    for key in ("error_message", "error", "message"):
        if isinstance(found, dict) and key in found:
            found = found[key]
    words = found if isinstance(found, str) else ""
    return clean(_ADDRESS.sub("(address)", " ".join(words.split())))[:MAX_WORDS].rstrip(".")


BY_WORDS: Final[tuple[tuple[tuple[str, ...], type[CloudError], str, str], ...]] = (
    (
        ("not enough",),
        NoCapacity,
        "nothing of that kind is free in that time.",
        "Look at the site's lease calendar; ask for another time, a shorter one, or another flavor or node type.",
    ),
    (
        (" sus", "quota"),
        NoCapacity,
        "the project has too little left.",
        "Ask for fewer machines or a shorter time, or for more service units for the project.",
    ),
    (
        ("lease duration", "longer than", "only be extended"),
        TermRefused,
        "the cloud does not allow that long, or not yet.",
        "A lease of bare metal or of an H100 lasts 7 days and may be extended in its last 48 hours.",
    ),
)
BY_STATUS: Final[dict[int, tuple[type[CloudError], str, str]]] = {
    401: (CredentialRefused, "the cloud does not accept the session any more.", "Run the same command again."),
    403: (
        CredentialRefused,
        "this credential may not do that.",
        "Leases take an application credential with the roles member and reader, made as unrestricted.",
    ),
    404: (NoSuchLease, "the cloud does not know it.", "Look at the leases of the project: glossator-ops lease show"),
}


def translate(response: httpx.Response, what: str) -> CloudError:
    """The error for a refused request; `what` was asked for, such as `create the lease reviews`.

    Blazar gives some refusals the status 500 and only their words tell them apart, so the words decide first. They are
    those of ChameleonCloud/blazar (blazar/manager/exceptions.py, blazar/enforcement/exceptions.py).
    """
    words, status = describe(response), response.status_code
    said = f" It says: {words}." if words else ""
    for signs, kind, reason, hint in BY_WORDS:
        if any(sign in words.lower() for sign in signs):
            return kind(f"Cannot {what}: {reason}{said}", hint)
    if status in BY_STATUS:
        kind, reason, hint = BY_STATUS[status]
        return kind(f"Cannot {what}: {reason}{said}", hint)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return CloudUnavailable(
            f"Cannot {what}: the cloud answered {status}.{said}", "Run the same command again; it makes nothing twice."
        )
    return CloudError(f"Cannot {what}: the cloud answered {status}.{said}", "Change what is asked for.")
