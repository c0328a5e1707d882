"""Events out of the files that a job has written anyway: run.json of a review, a gate's decision, a scorecard.

Names that come from elsewhere, such as a model's, are cut and cleaned so that they fit; a number that the file does not
know is left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from reviewer.domain import EMBEDDED, SEVERITIES, CoverageState, DropReason
from reviewer.errors import UsageError
from reviewer.jsonfile import RUN_SCHEMA, read_file
from runners.events import AnyEvent, make_event

MAX_FILE: Final = 64 * 1024 * 1024
"""Bytes: a scorecard holds its counts."""
GATE_SCHEMA: Final = "glossator/gate/1"
SCORECARD_SCHEMA: Final = "glossator/scorecard/1"
NOT_A_WORD: Final = re.compile(r"[^A-Za-z0-9_.:/@+-]+")
LONGEST: Final = 80
TRACKS: Final = {"champion": "champion", "challenger": "challenger", EMBEDDED: "embedded"}
RUN: Final = ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB")


def from_run_record(path: Path) -> dict[str, Any]:
    """The fields of a review event, from the action's run.json.

    Raises:
        UsageError: It is no run record.
    """
    record = _load(path, RUN_SCHEMA)
    usage = ("requests", "prompt_tokens", "cached_tokens", "completion_tokens", "seconds")
    fields: dict[str, Any] = {name: record.get(f"usage_{name}") or 0 for name in usage}
    fields |= {name: record.get(name) or 0 for name in ("comments", "routed")}
    fields["severities"] = _some(record, "severity_", SEVERITIES)
    fields["dropped"] = _some(record, "dropped_", [reason.value for reason in DropReason])
    fields["coverage"] = _some(record, "coverage_", get_args(CoverageState))
    model = "@".join(str(part) for name in ("name", "version") if (part := record.get(f"model_{name}")))
    fields |= {"repository": record.get("repo"), "status": record.get("status"), "model": to_word(model)}
    return fields | {"track": TRACKS.get(str(record.get("model_alias")), "none")}


def from_gate(path: Path) -> dict[str, Any]:
    """The fields of an evaluation event, from what `glossator-eval gate --json` wrote: the challenger's scores.

    Raises:
        UsageError: It is no decision.
    """
    decision = _load(path, GATE_SCHEMA)
    pairs = [(row.get("metric"), row.get("challenger")) for row in decision.get("comparisons") or []]
    return {"verdict": decision.get("verdict"), "track": "challenger", "scores": _scores(pairs)}


def from_scorecard(path: Path) -> dict[str, Any]:
    """The fields of an evaluation event, from a scorecard. Whose it is, the file does not know.

    Raises:
        UsageError: It is no scorecard.
    """
    metrics: dict[str, Any] = _load(path, SCORECARD_SCHEMA).get("metrics") or {}
    return {"scores": _scores((name, estimate.get("value")) for name, estimate in metrics.items())}


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """`NAME=VALUE` and `NAME.KEY=VALUE` as fields.

    Raises:
        UsageError: There is no `=` in one of them, or the same name is a value and a table.
    """
    fields: dict[str, Any] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        outer, _, inner = name.partition(".")
        table = fields.setdefault(outer, {}) if inner else fields
        if not sign or not outer or not isinstance(table, dict):
            raise UsageError(
                f"--set {setting[:80]!r} cannot be used.", "Give NAME=VALUE, or NAME.KEY=VALUE in a table."
            )
        table[inner or outer] = value
    return fields


def build_event(kind: str, fields: Mapping[str, Any], environ: Mapping[str, str]) -> AnyEvent:
    """The event of these fields. In a workflow its id comes from the run, so that a step that is run again counts once.

    Raises:
        UsageError: A field is missing, unknown or wrong.
    """
    return make_event(kind, {"id": name_event(kind, fields, environ), **fields})


def name_event(kind: str, fields: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """An id: of the run, the kind and the content, or by chance outside of a workflow."""
    if not environ.get("GITHUB_RUN_ID"):
        return f"{kind}-{uuid.uuid4().hex}"
    said = json.dumps([kind, [environ.get(name, "") for name in RUN], fields], sort_keys=True, default=str)
    return f"{kind}-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def to_word(text: str) -> str:
    """The text as a label's value: without blanks, at most 80 characters, never empty."""
    return NOT_A_WORD.sub("_", text)[:LONGEST] or "none"


def _some(record: Mapping[str, Any], prefix: str, names: Iterable[str]) -> dict[str, Any]:
    """The counts that are not nought; the record has `_` where the names have `-`."""
    found = {name: record.get(prefix + name.replace("-", "_")) for name in names}
    return {name: number for name, number in found.items() if number}


def _scores(pairs: Iterable[tuple[Any, Any]]) -> dict[str, float]:
    return {to_word(str(name)): number for name, number in pairs if isinstance(number, int | float)}


def _load(path: Path, schema: str) -> dict[str, Any]:
    hint = "Give the file that the step before has written."
    try:
        document = json.loads(read_file(path, MAX_FILE))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path.name} is not JSON.", hint) from error
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise UsageError(f"{path.name} is not {schema!r}.", hint)
    return document
