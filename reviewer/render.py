"""What a person reads on GitHub: comment bodies, the sticky summary, the job summary. All model text is made inert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from reviewer.domain import Coverage, Dropped, Finding, ModelVersion, Review, ReviewComment, Routed
from reviewer.inert import inert_code, inert_line, make_inert, make_inert_line

MAX_BODY = 65_536
"""Characters that GitHub takes in one comment."""
MAX_SUGGESTION = 20_000
"""Characters of a suggestion, so that a body with the longest message still fits."""
MAX_JOB_SUMMARY = 250_000
"""Characters of up to 4 bytes: a little less than the 1 MiB that GitHub takes as a step's summary."""
SIGNS = {"error": "🔴", "warning": "🟠", "info": "🔵"}

PAUSED = "**Paused:** new pushes are not reviewed until somebody writes `/resume`."

_HEADLINES = {"reviewed": "Reviewed", "partial": "Partly reviewed", "not-reviewed": "Not reviewed"}
_WHY_ROUTED = {"over-budget": "", "quote-not-found": " (line not certain)"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the text will stand: what links may point to and where the commit is."""

    server_url: str = "https://github.com"
    repo: str = ""

    @property
    def host(self) -> str:
        """The only host that a link may point to."""
        return self.server_url.partition("://")[2].partition("/")[0]


def render_comment(comment: ReviewComment, model: ModelVersion, place: Place, marker: str) -> str:
    """The body of one comment on a line: the point, a suggestion when there is one, a footer, the hidden marker."""
    finding = comment.finding
    parts = [f"{SIGNS[finding.severity]} **{finding.category}**", make_inert(finding.message, place.host)]
    suggestion = comment.suggestion
    if suggestion is not None and len(suggestion) <= MAX_SUGGESTION and (block := inert_code(suggestion, "suggestion")):
        parts.append(block)
    parts.append(f"<sub>Glossator · {name_model(model)}</sub>")
    return "\n\n".join([*parts, marker])


def render_review_body(count: int, head_sha: str) -> str:
    """The line above a review's comments."""
    return f"{plural(count, 'comment')} on {head_sha[:7]}."


def render_summary(
    review: Review, place: Place, outdated: Sequence[str], marker: str, *, inline: int, paused: bool = False
) -> str:
    """The sticky comment. Cut, visibly, where GitHub's limit would cut it.

    Args:
        review: After `post` has checked it: its comments stand on the pull request.
        place: Where it will stand.
        outdated: Paths of our own outdated threads that nobody has answered or resolved.
        marker: The hidden state, which is never cut.
        inline: How many of our comments stand on this head, from this run and earlier ones.
        paused: Whether somebody has paused the reviews of new pushes.
    """
    title, said = _head(review, inline)
    parts = [title, PAUSED if paused else "", said, *_body(review, place), _outdated(outdated)]
    text = "\n\n".join(filter(None, parts))
    footer = f"<sub>{_provenance(review)}</sub>"
    return cut_text(text, MAX_BODY - len(footer) - len(marker) - 10) + f"\n\n{footer}\n\n{marker}"


def render_job_summary(review: Review, place: Place, why_here: str = "") -> str:
    """The summary of the job: every finding, also those that stand inline, and what was not looked at."""
    everything = [*(Routed(c.finding, "over-budget", c) for c in review.comments), *review.routed]
    whole = [
        make_inert_line(why_here, limit=1000),
        *_head(review, len(review.comments)),
        _list_findings(everything, place),
        *_tables(review),
    ]
    return cut_text("\n\n".join(filter(None, [*whole, f"<sub>{_provenance(review)}</sub>"])), MAX_JOB_SUMMARY) + "\n"


def cut_text(text: str, limit: int) -> str:
    """The text, or its beginning and the words that say that it was cut. The cut is between two lines."""
    if len(text) <= limit:
        return text
    note = "\n\n*Cut here: the rest is in the job summary and in review.json.*"
    kept = text[: limit - len(note) - len("\n\n</details>")].rpartition("\n")[0]
    return kept + ("\n\n</details>" if kept.count("<details>") > kept.count("</details>") else "") + note


def plural(count: int, noun: str) -> str:
    """`1 comment`, `2 comments`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def name_model(model: ModelVersion) -> str:
    """The model and its version in a few inert words."""
    return make_inert_line(" ".join(filter(None, [model.name, model.version, model.alias])), limit=80)


def _head(review: Review, inline: int) -> tuple[str, str]:
    title = f"### Glossator: {_HEADLINES[review.status].lower()}"
    if review.status == "not-reviewed":
        return title, f"{make_inert_line(review.note, limit=500)} This says nothing about the change."
    count = Counter(entry.state for entry in review.coverage)
    looked_at = count["reviewed"] + count["already-reviewed"]
    counts = [
        plural(inline, "comment") + " inline" if inline else "",
        f"{len(review.routed)} below" if review.routed else "",
    ]
    found = ", ".join(filter(None, counts))
    sentence = f"Looked at {plural(looked_at, 'piece')} of the change at {review.head_sha[:7] or 'this state'}"
    line = f"{sentence}: {found or 'nothing to remark'}."
    return title, f"**{make_inert_line(review.note, limit=500)}** {line}" if review.note else line


def _body(review: Review, place: Place) -> list[str]:
    return [_list_findings(review.routed, place), *_tables(review)]


def _list_findings(routed: Iterable[Routed], place: Place) -> str:
    return "\n".join(_list_item(entry, place) for entry in routed)


def _list_item(entry: Routed, place: Place) -> str:
    finding: Finding = entry.finding
    line = entry.comment.start_line or entry.comment.line if entry.comment else finding.line
    where = _code(f"{finding.path}:{line}")
    message = make_inert_line(finding.message, place.host, 1000)
    return f"- {SIGNS[finding.severity]} {where} **{finding.category}**{_WHY_ROUTED[entry.reason]}: {message}"


def _tables(review: Review) -> list[str]:
    left_out = [entry for entry in review.coverage if entry.state not in {"reviewed", "already-reviewed"}]
    parts = []
    if left_out:
        rows = "\n".join(_coverage_rows(left_out))
        parts.append(_details(f"{plural(len(left_out), 'piece')} not looked at", rows))
    if review.dropped:
        rows = "\n".join(_dropped_row(entry) for entry in review.dropped)
        parts.append(_details(f"{plural(len(review.dropped), 'finding')} not posted", rows))
    return parts


def _coverage_rows(entries: Sequence[Coverage]) -> Iterable[str]:
    """One row for each file and reason: a file of many pieces takes one line."""
    for (path, state, reason), group in groupby(entries, key=lambda e: (e.path, e.state, e.reason)):
        lines = ", ".join(f"{e.first_line}-{e.last_line}" for e in group if e.first_line)
        where = _code(f"{path} {lines}".strip())
        yield f"- {where}: {state}{f' ({make_inert_line(reason, limit=200)})' if reason else ''}"


def _dropped_row(entry: Dropped) -> str:
    return f"- {_code(entry.path)}: {entry.reason.value} ({make_inert_line(entry.detail, limit=200)})"


def _code(text: str) -> str:
    """A code span: nothing in it is live, and no backtick of the text can end it."""
    shown = inert_line(text, 200).replace("`", "'")
    return f"`{shown or '(no name)'}`"


def _details(title: str, rows: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{rows}\n\n</details>"


def _outdated(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    files = ", ".join(_code(path) for path in dict.fromkeys(paths))
    return f"{plural(len(paths), 'earlier comment')} of mine may be outdated: {files}."


def _provenance(review: Review) -> str:
    usage = review.usage
    tokens = f"{usage.prompt_tokens + (usage.completion_tokens or 0)} tokens" if usage.prompt_tokens else ""
    parts = [
        f"Glossator · {name_model(review.model)}",
        f"prompt {make_inert_line(review.model.prompt_version, limit=40)}" if review.model.prompt_version else "",
        plural(usage.requests, "request"),
        tokens,
        f"{usage.seconds:.0f} s",
    ]
    return " · ".join(part for part in parts if part)
