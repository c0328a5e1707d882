"""What a person reads on GitHub: comment bodies, the sticky summary, the job summary. All model text is made inert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from reviewer.domain import EMBEDDED, Coverage, Dropped, Finding, ModelVersion, Review, ReviewComment, Routed
from reviewer.inert import inert_code, make_inert, make_inert_line
from reviewer.report_lines import HEADLINES, plural, render_place, render_span

MAX_BODY = 65_536
"""Characters that GitHub takes in one comment."""
MAX_SUGGESTION = 20_000
"""Characters of a suggestion, so that a body with the longest message still fits."""
MAX_JOB_SUMMARY = 250_000
"""Characters of up to 4 bytes: a little less than the 1 MiB that GitHub takes as a step's summary."""
MAX_ROWS = 200
"""Rows of what was not looked at or not posted in a comment."""
MAX_JOB_ROWS = 1000
"""The same in a job summary."""
SIGNS = {"error": "🔴", "warning": "🟠", "info": "🔵"}

PAUSED = "**Paused:** new pushes are not reviewed until somebody writes `/resume`."

_WHY_ROUTED = {"over-budget": "", "unlikely-place": "", "quote-not-found": " (line not certain)"}


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
    parts = [
        f"{SIGNS[finding.severity]} **{finding.severity}**, {finding.category}",
        make_inert(finding.message, place.host),
    ]
    suggestion = comment.suggestion
    if suggestion is not None and len(suggestion) <= MAX_SUGGESTION and (block := inert_code(suggestion, "suggestion")):
        parts.append(block)
    parts.append(f"<sub>Glossator · {name_model(model)}</sub>")
    return "\n\n".join([*parts, marker])


def render_review_body(count: int, head_sha: str) -> str:
    """The line above a review's comments."""
    return f"{plural(count, 'comment')} on {head_sha[:7]}."


def render_summary(
    review: Review,
    place: Place,
    outdated: Sequence[str],
    marker: str,
    *,
    inline: int,
    earlier: int = 0,
    paused: bool = False,
) -> str:
    """The sticky comment. Cut, visibly, where GitHub's limit would cut it.

    Args:
        review: After `post` has checked it: its comments stand on the pull request.
        place: Where it will stand.
        outdated: Paths of our own outdated threads that nobody has answered or resolved.
        marker: The hidden state, which is never cut.
        inline: How many of our comments stand on this head, from this run and earlier ones.
        earlier: How many comments of earlier heads stand on lines that are still in the diff.
        paused: Whether somebody has paused the reviews of new pushes.
    """
    title, said = _head(review, inline, place, earlier)
    findings = _list_findings(review.routed, place)
    parts = [title, PAUSED if paused else "", said, findings, *_tables(review, MAX_ROWS, place), _outdated(outdated)]
    text = "\n\n".join(filter(None, parts))
    footer = f"<sub>{_provenance(review)}</sub>"
    return cut_text(text, MAX_BODY - len(footer) - len(marker) - 10) + f"\n\n{footer}\n\n{marker}"


def render_job_summary(review: Review, place: Place, why_here: str = "") -> str:
    """The summary of the job: every finding, also those that stand inline, and what was not looked at."""
    everything = [*(Routed(c.finding, "over-budget", c) for c in review.comments), *review.routed]
    whole = [
        make_inert_line(why_here, place.host, 1000),
        *_head(review, len(review.comments), place),
        _list_findings(everything, place),
        *_tables(review, MAX_JOB_ROWS, place),
    ]
    return cut_text("\n\n".join(filter(None, [*whole, f"<sub>{_provenance(review)}</sub>"])), MAX_JOB_SUMMARY) + "\n"


def cut_text(text: str, limit: int) -> str:
    """The text, or its beginning and the words that say that it was cut. The cut is between two lines."""
    if len(text) <= limit:
        return text
    note = "\n\n*Cut here: all of it is in the run's review.json.*"
    kept = text[: limit - len(note) - len("\n\n</details>")].rpartition("\n")[0]
    return kept + ("\n\n</details>" if kept.count("<details>") > kept.count("</details>") else "") + note


def name_model(model: ModelVersion) -> str:
    """The model and its version in a few inert words."""
    doubt = " (a small model: check what it says)" if model.alias == EMBEDDED else ""
    return make_inert_line(" ".join(filter(None, [model.name, model.version, model.alias])), limit=80) + doubt


def _head(review: Review, inline: int, place: Place, earlier: int = 0) -> tuple[str, str]:
    title = f"### Glossator: {HEADLINES[review.status].lower()}"
    note = make_inert_line(review.note, place.host, 500)
    if review.status == "not-reviewed":
        return title, f"{note} This says nothing about the change."
    count = Counter(entry.state for entry in review.coverage)
    looked_at = count["reviewed"] + count["already-reviewed"]
    counts = [
        plural(inline, "comment") + " inline" if inline else "",
        f"{len(review.routed)} below" if review.routed else "",
        f"{earlier} from before" if earlier else "",
    ]
    found = ", ".join(filter(None, counts))
    sentence = f"Looked at {plural(looked_at, 'piece')} of the change at {review.head_sha[:7] or 'this state'}"
    line = f"{sentence}: {found or 'nothing to remark'}."
    return title, f"**{note}** {line}" if note else line


def _list_findings(routed: Iterable[Routed], place: Place) -> str:
    return "\n".join(_list_item(entry, place) for entry in routed)


def _list_item(entry: Routed, place: Place) -> str:
    finding: Finding = entry.finding
    where = render_span(render_place(entry.comment) if entry.comment else finding.path)
    message = make_inert_line(finding.message, place.host, 1000)
    weight = f"{SIGNS[finding.severity]} **{finding.severity}**, {finding.category}"
    return f"- {weight} in {where}{_WHY_ROUTED[entry.reason]}: {message}"


def _tables(review: Review, most: int, place: Place) -> list[str]:
    left_out = [entry for entry in review.coverage if entry.state not in {"reviewed", "already-reviewed"}]
    parts = []
    if left_out:
        rows = _first_rows(_coverage_rows(left_out, place), most)
        parts.append(_details(f"{plural(len(left_out), 'piece')} not looked at", rows))
    if review.dropped:
        rows = _first_rows((_dropped_row(entry, place) for entry in review.dropped), most)
        parts.append(_details(f"{plural(len(review.dropped), 'finding')} not posted", rows))
    return parts


def _first_rows(rows: Iterator[str], most: int) -> str:
    shown = list(islice(rows, most))
    more = ["- and more, all of it in the run's review.json"] if next(rows, None) else []
    return "\n".join(shown + more)


def _coverage_rows(entries: Sequence[Coverage], place: Place) -> Iterator[str]:
    """One row for each file and reason: a file of many pieces takes one line."""
    for (path, state, reason), group in groupby(entries, key=lambda e: (e.path, e.state, e.reason)):
        lines = ", ".join(f"{e.first_line}-{e.last_line}" for e in group if e.first_line)
        where = render_span(f"{path} {lines}".strip())
        yield f"- {where}: {state}{f' ({make_inert_line(reason, place.host, 200)})' if reason else ''}"


def _dropped_row(entry: Dropped, place: Place) -> str:
    return f"- {render_span(entry.path)}: {entry.reason.value} ({make_inert_line(entry.detail, place.host, 200)})"


def _details(title: str, rows: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{rows}\n\n</details>"


def _outdated(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    files = ", ".join(render_span(path) for path in dict.fromkeys(paths))
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
