"""What a short-lived job tells the gateway: one JSON object an event, of one of seven kinds.

The kinds are `msgspec` structs, so that what is checked, what the JSON Schema says and what the code reads are one.
An event holds counts, names and times: no code, no words of a model, no address and no secret.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from reviewer.domain import CoverageState, DropReason, Severity, Status
from reviewer.errors import UsageError

SCHEMA_ID: Final = "glossator-event/1"
MAX_EVENT: Final = 64 * 1024
"""Bytes of one event."""

WORD = r"^[A-Za-z0-9_.:/@+-]{1,80}$(?!\n)"
"""Python's `$` also matches before a last line end; JSON Schema's does not."""
Word = Annotated[str, Meta(pattern=WORD, description="A short name without blanks")]
Repository = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,39}/[A-Za-z0-9_.-]{1,100}$(?!\n)", description="owner/name")
]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=10_000_000)]
Time = Annotated[float, Meta(ge=0, le=10_000_000_000, description="Seconds since 1970, UTC")]
Number = Annotated[float, Meta(ge=-1e12, le=1e12)]
Track = Literal["champion", "challenger", "embedded", "none"]
Result = Literal["success", "failure", "cancelled", "skipped"]
Pool = Literal["cpu", "gpu", "hosted", "none"]


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What all kinds share. Two events with the same id are one event that was sent twice."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:/-]{8,100}$(?!\n)", description="New for each event")]
    schema: Literal["glossator-event/1"] = "glossator-event/1"


class ReviewEvent(Event, tag="review", frozen=True, kw_only=True):
    """A pull request was reviewed, or was not. Built from run.json."""

    repository: Repository
    status: Status
    track: Track = "none"
    model: Word = "none"
    comments: Count = 0
    routed: Count = 0
    severities: dict[Severity, Count] = msgspec.field(default_factory=dict)
    dropped: dict[DropReason, Count] = msgspec.field(default_factory=dict)
    coverage: dict[CoverageState, Count] = msgspec.field(default_factory=dict)
    requests: Count = 0
    prompt_tokens: Count = 0
    cached_tokens: Count = 0
    completion_tokens: Count = 0
    seconds: Seconds = 0.0


class OutcomeEvent(Event, tag="outcome", frozen=True, kw_only=True):
    """What became of posted comments since the last such event."""

    repository: Repository
    track: Track = "none"
    addressed: Count = 0
    ignored: Count = 0
    unknown: Count = 0
    upvotes: Count = 0
    downvotes: Count = 0


class DriftEvent(Event, tag="drift", frozen=True, kw_only=True):
    """One feature of the reviewed changes was compared with the reference window."""

    feature: Word
    test: Word
    statistic: Number
    p_value: Annotated[float, Meta(ge=0, le=1)]
    drifted: bool


class LeaseEvent(Event, tag="lease", frozen=True, kw_only=True):
    """A lease was made, extended, looked at or ended. `end` is when the cloud takes the machines back."""

    lease: Word
    site: Word
    action: Literal["create", "extend", "ensure", "show", "end"]
    result: Result = "success"
    state: Literal["pending", "active", "ended", "error"]
    end: Time = 0.0
    serving: Literal["up", "down", "unknown"] = "unknown"


class JobEvent(Event, tag="job", frozen=True, kw_only=True):
    """A scheduled task, a runner's job or a backup came to its end."""

    task: Word
    result: Result
    pool: Pool = "none"
    seconds: Seconds | None = None
    waited: Seconds | None = None


class TrainingEvent(Event, tag="training", frozen=True, kw_only=True):
    """A model was trained, or was not. Losses are the last ones, on the two splits."""

    result: Result
    seconds: Seconds | None = None
    examples: Count | None = None
    train_loss: Number | None = None
    validation_loss: Number | None = None


class EvaluationEvent(Event, tag="evaluation", frozen=True, kw_only=True):
    """The gate looked at a model. Scores are the scorecard's, by their own names."""

    verdict: Literal["promote", "hold", "inconclusive", "none"] = "none"
    track: Track = "none"
    scores: Annotated[dict[Word, Number], Meta(max_length=40)] = msgspec.field(default_factory=dict)


AnyEvent: TypeAlias = ReviewEvent | OutcomeEvent | DriftEvent | LeaseEvent | JobEvent | TrainingEvent | EvaluationEvent
DECODER: Final = msgspec.json.Decoder(AnyEvent)


def parse_event(data: bytes) -> AnyEvent:
    """The event in these bytes.

    Raises:
        UsageError: It is no JSON, or does not fit the schema; the message names the place in it.
    """
    try:
        event: AnyEvent = DECODER.decode(data)
    except msgspec.ValidationError as error:
        raise UsageError(f"The event does not fit its schema: {error}"[:300]) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(f"The event is not JSON: {error}"[:300]) from None
    return event


def make_event(kind: str, fields: dict[str, Any]) -> AnyEvent:
    """An event of its fields, where numbers may be given as text.

    Raises:
        UsageError: A field is missing, unknown or wrong.
    """
    try:
        event: AnyEvent = msgspec.convert({**fields, "kind": kind}, AnyEvent, strict=False)
    except msgspec.ValidationError as error:
        hint = "runners/monitoring/event.schema.json lists the fields of each kind."
        raise UsageError(f"This is no {kind} event: {error}"[:300], hint) from None
    return event


def render_event(event: AnyEvent) -> bytes:
    """The event as compact JSON."""
    return msgspec.json.encode(event)


def render_event_schema() -> str:
    """The JSON Schema of all kinds, as the text of runners/monitoring/event.schema.json."""
    schema = msgspec.json.schema(AnyEvent)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Glossator event"}
    return json.dumps({**head, **schema}, indent=2) + "\n"
