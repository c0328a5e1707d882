"""What all forms of a report share: the lines a comment is about, what became of the pieces, and text made harmless."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import get_args

from reviewer.domain import SELDOM, Coverage, CoverageState, Hunk, Line, PullRequest, Review, ReviewComment
from reviewer.inert import inert_line

REVIEWED = ("reviewed", "already-reviewed")
HEADLINES = {"reviewed": "Reviewed", "partial": "Partly reviewed", "not-reviewed": "Not reviewed"}


@dataclass(frozen=True, slots=True)
class Anchor:
    """The lines of a hunk that a comment is about: `hunk.lines[first : last + 1]`."""

    hunk: Hunk
    first: int
    last: int

    def window(self, before: int, after: int) -> Iterator[tuple[Line, bool]]:
        """The lines with some context, and of each whether the comment is about it."""
        for index in range(max(0, self.first - before), min(len(self.hunk.lines), self.last + after + 1)):
            yield self.hunk.lines[index], self.first <= index <= self.last


def find_anchor(comment: ReviewComment, pull_request: PullRequest) -> Anchor | None:
    """Where the comment stands in the diff; None when the diff at hand does not have its lines."""
    for hunk in pull_request.hunks_of(comment.path):
        places = {line.number: index for index, line in enumerate(hunk.lines) if line.side == comment.side}
        first = places.get(comment.start_line or comment.line)
        last = places.get(comment.line)
        if first is not None and last is not None:
            return Anchor(hunk, first, last)
    return None


def head_lines(comment: ReviewComment, pull_request: PullRequest) -> tuple[int, int] | None:
    """First and last line in the new file. For removed lines the nearest line that is left, None if there is none."""
    if comment.side == "RIGHT":
        return comment.start_line or comment.line, comment.line
    anchor = find_anchor(comment, pull_request)
    if anchor is None:
        return None
    around = [*anchor.hunk.lines[anchor.last :], *reversed(anchor.hunk.lines[: anchor.first])]
    line = next((line.target_line for line in around if line.target_line), None)
    return (line, line) if line else None


def render_place(comment: ReviewComment) -> str:
    """`src/a.py:12-14`, or `src/a.py:7 (removed)`."""
    first = f"{comment.start_line}-" if comment.start_line else ""
    return f"{comment.path}:{first}{comment.line}{' (removed)' if comment.side == 'LEFT' else ''}"


def render_outcome(review: Review) -> str:
    """Status, subject and count in one sentence: never "no findings" for a change that was not looked at."""
    head = f" at {review.head_sha[:7]}" if review.head_sha else ""
    name = f"{review.repo}#{review.number}" if review.number else review.repo or "the change"
    counts = [plural(len(review.comments), "comment")] if review.comments else []
    counts += [plural(len(review.routed), "more finding" if counts else "finding")] if review.routed else []
    looked_at = sum(part.state in REVIEWED for part in review.coverage)
    of_all = f" in the {looked_at:,} of {plural(len(review.coverage), 'piece')} that were looked at"
    nothing = {
        "reviewed": f"no findings{of_all if any(part.reason == SELDOM for part in review.coverage) else ''}",
        "partial": "nothing found in the part that was looked at",
        "not-reviewed": "this says nothing about the change",
    }[review.status]
    note = f". {review.note}" if review.note else ""
    return f"{HEADLINES[review.status]} {name}{head}: {' and '.join(counts) or nothing}{note}"


def render_coverage(review: Review) -> str:
    """What became of the pieces of the change, in numbers: `8 pieces reviewed, 2 skipped, in 5 files`."""
    states = Counter(part.state for part in review.coverage)
    counts = [f"{states[state]:,} {state.replace('-', ' ')}" for state in get_args(CoverageState) if states[state]]
    files = len({part.path for part in review.coverage})
    return f"{plural(len(review.coverage), 'piece')} of {plural(files, 'file')}: {', '.join(counts)}"


def left_out(review: Review) -> list[tuple[str, str, str]]:
    """State, place and reason of what was not looked at: one row for each file and reason."""
    missed = [part for part in review.coverage if part.state not in REVIEWED]
    rows = []
    for (path, state, reason), parts in groupby(missed, key=lambda part: (part.path, part.state, part.reason)):
        rows.append((state, path + render_ranges(list(parts)), reason))
    return rows


def render_ranges(parts: list[Coverage]) -> str:
    """`:1-9, 40-52` of a file's pieces; empty for a file without lines."""
    ranges = [f"{part.first_line}-{part.last_line}" for part in parts if part.first_line]
    shown = [*ranges[:3], f"and {len(ranges) - 3} more"] if len(ranges) > 4 else ranges  # noqa: PLR2004 - fits a row
    return f":{', '.join(shown)}" if shown else ""


def render_drops(review: Review) -> str:
    """`2 duplicate, 1 outside diff`."""
    reasons = Counter(dropped.reason.replace("-", " ") for dropped in review.dropped)
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())


def render_model(review: Review) -> str:
    """Who wrote it, with what effort."""
    model, usage = review.model, review.usage
    parts = [" ".join(filter(None, [model.name, model.version, model.alias])) or "unknown model"]
    parts += [plural(usage.requests, "request")]
    if usage.prompt_tokens is not None:
        cached = (
            f" ({100 * usage.cached_tokens // max(1, usage.prompt_tokens)} % cached)" if usage.cached_tokens else ""
        )
        parts.append(f"{usage.prompt_tokens:,} prompt tokens{cached}")
    if usage.completion_tokens is not None:
        parts.append(f"{usage.completion_tokens:,} written")
    return ", ".join([*parts, f"{usage.seconds:.1f} s"])


def plural(count: int, noun: str) -> str:
    """`1 comment`, `2 comments`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def clean(text: str) -> str:
    """Text that shows what it holds: control, bidi and invisible characters by their number, tabs as spaces.

    A runner reads commands in what a step prints, `::` at the start of a line and `##[` anywhere: both are broken.
    """
    shown = "".join(map(clean_character, text.removesuffix("\r").expandtabs(4))).replace("##[", "# #[")
    return shown.replace("::", ": :", 1) if shown.lstrip().startswith("::") else shown


def render_span(text: str) -> str:
    """A path as a span of Markdown code. No backtick of the text can end it, and it is never empty."""
    shown = inert_line(clean(text), 300).replace("`", "'")
    return f"`{shown or '(no name)'}`"


def clean_character(character: str) -> str:
    """The character, or its number where a terminal or a reader would not see it as it is."""
    if character.isprintable() or character == "\u3000":
        return character
    category = unicodedata.category(character)
    return " " if category == "Zs" else f"<U+{ord(character):04X}>"
