"""Hidden markers in the bot's own comments: fingerprint, provenance, and what has been reviewed so far.

A marker is one HTML comment, `<!-- glossator:1:KIND:PAYLOAD:SIGNATURE -->`. The payload is JSON, deflated, in URL-safe
base64, so nothing in it can close the comment. With a signing key the signature is an HMAC-SHA256 over the pull
request, the kind and the payload: a marker copied to another pull request is worth nothing, and unsigned markers do not
count. Without a key it is empty, and any marker counts because only the bot can write the comment it stands in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from reviewer.code_host import PostedComment
from reviewer.domain import Finding, Status

MAX_PAYLOAD = 1_000_000
"""Bytes of JSON that a marker may hold once inflated."""

MARK = "<!-- glossator:1:"
"""How every marker begins."""

_MARKER = re.compile(r"<!-- glossator:1:(comment|state):([A-Za-z0-9_=-]+):([0-9a-f]*) -->")


@dataclass(frozen=True, slots=True)
class CommentMarker:
    """What a review comment remembers: its finding's fingerprint, the head it was written for, and who wrote it."""

    fingerprint: str
    head_sha: str
    model: str
    prompt_version: str


@dataclass(frozen=True, slots=True)
class State:
    """What the summary comment remembers of the pull request."""

    head_sha: str = ""
    status: Status = "not-reviewed"
    paused: bool = False
    reviewed: tuple[str, ...] = ()
    """Digests of the hunks that have been reviewed and are still in the diff."""
    findings: tuple[Finding, ...] = ()
    """Findings that stand in the summary only."""


Marker = TypeVar("Marker", CommentMarker, State)


@dataclass(frozen=True, slots=True)
class Signer:
    """Writes and reads the markers of one pull request. `key` may be empty."""

    pull_request: str
    key: str = ""

    def render(self, marker: CommentMarker | State) -> str:
        """The marker as an HTML comment."""
        payload = base64.urlsafe_b64encode(zlib.compress(_encode(marker), 9)).decode()
        kind = "state" if isinstance(marker, State) else "comment"
        return f"<!-- glossator:1:{kind}:{payload}:{self._sign(kind, payload)} -->"

    def parse(self, body: str, kind: type[Marker]) -> Marker | None:
        """The last marker of this kind in a comment's body, or None when there is none that can be trusted."""
        name = "state" if kind is State else "comment"
        for found, payload, signature in reversed(_MARKER.findall(body)):
            if found == name and (not self.key or hmac.compare_digest(signature, self._sign(name, payload))):
                return _inflate(payload, kind)
        return None

    def _sign(self, kind: str, payload: str) -> str:
        if not self.key:
            return ""
        message = f"{self.pull_request}\0{kind}\0{payload}"
        key = self.key.encode("utf-8", "surrogateescape")
        return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()[:32]


def find_summary(comments: Iterable[PostedComment], signer: Signer) -> tuple[int, State]:
    """The id of our summary comment and the state in it; 0 and an empty state when there is none."""
    for comment in comments:
        if comment.mine and (state := signer.parse(comment.body, State)):
            return comment.id, state
    return 0, State()


def _encode(marker: CommentMarker | State) -> bytes:
    """JSON. A lone surrogate, which UTF-8 does not have, is escaped."""
    return json.dumps(msgspec.to_builtins(marker), separators=(",", ":")).encode()


def _inflate(payload: str, kind: type[Marker]) -> Marker | None:
    """The decoded payload, or None when it is not what this version writes."""
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(base64.urlsafe_b64decode(payload), MAX_PAYLOAD)
        return msgspec.json.decode(data, type=kind) if inflater.eof else None
    except (binascii.Error, zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
