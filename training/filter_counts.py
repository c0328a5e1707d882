"""How many comments were kept, and why the others were not: counts.json beside the records, and a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from reviewer.errors import UsageError
from reviewer.jsonfile import check_schema, decode, replace_file
from training.errors import DataError
from training.filtered import Filtered, FilterReason

COUNTS_SCHEMA: Final = "glossator/filter-counts/1"
COUNTS_FILE: Final = "counts.json"
SAID: Final[dict[str, str]] = {
    FilterReason.OPTED_OUT: "somebody does not want to be in the data",
    FilterReason.LICENSE: "the repository's licence is not permissive",
    FilterReason.BOT: "a program's account",
    FilterReason.AGENT: "written by a model, by its marks or its source",
    FilterReason.OWN: "the pull request's author",
    FilterReason.OUTSIDER: "by somebody who is not among `associations`",
    FilterReason.REPLY: "not the first of its thread",
    FilterReason.NO_PLACE: "on no line that anybody knows",
    FilterReason.TOO_LONG: "too long",
    FilterReason.LINTER: "the output of a tool",
    FilterReason.LINKS: "nothing but a link",
    FilterReason.ACKNOWLEDGEMENT: "thanks, praise or assent",
    FilterReason.PROCESS: "about commits, branches or checks",
    FilterReason.ELSEWHERE: "understood only with code or words elsewhere",
    FilterReason.LANGUAGE: "not English",
    FilterReason.TOO_SHORT: "too short",
    FilterReason.LOW_QUALITY: "says too little",
    FilterReason.NEAR_DUPLICATE: "said before in nearly the same words",
}


@dataclass(slots=True)
class FilterCounts:
    """The content of counts.json. `reasons` counts dropped comments, `removed` what was taken out of kept ones."""

    schema: str = COUNTS_SCHEMA
    pull_requests: int = 0
    refused_pull_requests: dict[str, int] = field(default_factory=dict)
    comments: int = 0
    kept: int = 0
    reasons: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, FilterReason), 0))
    removed: dict[str, int] = field(default_factory=dict)

    def add(self, record: Filtered) -> None:
        """Count one pull request."""
        self.pull_requests += 1
        self.comments += len(record.comments)
        _add(self.refused_pull_requests, [record.reason] if record.reason else [])
        _add(self.reasons, [comment.reason for comment in record.comments if comment.reason])
        for comment in record.comments:
            self.kept += not comment.reason
            for kind, count in comment.removed.items():
                self.removed[kind] = self.removed.get(kind, 0) + count


def _add(counts: dict[str, int], keys: list[str]) -> None:
    for key, count in Counter(keys).items():
        counts[key] = counts.get(key, 0) + count


def save_counts(folder: Path, counts: FilterCounts) -> None:
    """Write counts.json whole, or raise a DataError."""
    path = folder / COUNTS_FILE
    try:
        replace_file(path, msgspec.json.format(msgspec.json.encode(counts, order="sorted"), indent=1) + b"\n")
    except OSError as error:
        raise DataError(f"Cannot write {path}: {error.strerror}.", "Make room, and run the stage again.") from error


def load_counts(folder: Path) -> FilterCounts:
    """Read counts.json.

    Raises:
        DataError: It is missing, cut short or of another version.
    """
    path = folder / COUNTS_FILE
    hint = "Run `glossator-train filter` again."
    try:
        counts = decode(path.read_bytes(), FilterCounts)
        check_schema(counts.schema, COUNTS_SCHEMA, str(path))
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.", hint) from error
    except UsageError as error:
        raise DataError(error.what, hint) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {error}.", hint) from error
    return counts


def render_counts(counts: FilterCounts) -> str:
    """A table: kept and dropped comments by reason, and what was taken out of the kept ones."""
    plural = "" if counts.pull_requests == 1 else "s"
    refused = sum(counts.refused_pull_requests.values())
    without = f", {refused:,} of them left out whole" if refused else ""
    lines = [f"{counts.comments:,} comments of {counts.pull_requests:,} pull request{plural}{without}", ""]
    rows = [
        ("kept", counts.kept, ""),
        *((reason, counts.reasons.get(reason, 0), said) for reason, said in SAID.items()),
    ]
    lines += [_row(name, count, counts.comments, said) for name, count, said in rows if count or name == "kept"]
    if counts.removed:
        order = sorted(counts.removed.items(), key=lambda item: (-item[1], item[0]))
        parts = (f"{count:,} {kind}" for kind, count in order)
        lines += ["", f"Taken out of the kept comments: {', '.join(parts)}."]
    return "\n".join(lines)


def _row(name: str, count: int, total: int, said: str) -> str:
    return f"  {name:<16} {count:>8,} {100 * count / max(total, 1):>6.1f} %  {said}".rstrip()
