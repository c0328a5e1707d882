"""The nouns of a review: plain frozen data, standard library only.

`Finding` (what the model said, unchecked) and `ReviewComment` (what GitHub will take) are two types so that nothing
unchecked can be posted: only `reviewer.place` makes a `ReviewComment`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal

Side = Literal["LEFT", "RIGHT"]
LineKind = Literal[" ", "+", "-"]
FileStatus = Literal["added", "removed", "modified", "renamed", "copied"]
Severity = Literal["error", "warning", "info"]
Category = Literal["bug", "security", "performance", "test", "docs", "design", "style"]
Status = Literal["reviewed", "partial", "not-reviewed"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Gravest first."""
CATEGORIES: tuple[Category, ...] = ("bug", "security", "performance", "test", "docs", "design", "style")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk. Line numbers count from 1; None on the side that does not have the line."""

    kind: LineKind
    text: str
    source_line: int | None
    target_line: int | None

    @property
    def side(self) -> Side:
        """GitHub's side: removed lines are LEFT, added and context lines RIGHT."""
        return "LEFT" if self.kind == "-" else "RIGHT"

    @property
    def number(self) -> int:
        """The line's number on its own side."""
        number = self.source_line if self.kind == "-" else self.target_line
        assert number is not None, "a line has a number on its own side"
        return number

    @property
    def id(self) -> str:
        """What the prompt calls the line and the model cites: `R42` or, for a removed line, `L17`."""
        return f"{self.side[0]}{self.number}"


@dataclass(frozen=True)
class Hunk:
    """A contiguous piece of one file's unified diff. A long hunk may be split into several (`reviewer.locate`)."""

    path: str
    section: str
    source_start: int
    target_start: int
    lines: tuple[Line, ...]

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits that stay the same when the hunk only moves: path and content, no line numbers."""
        content = "\n".join([self.path, *[line.kind + line.text for line in self.lines]])
        return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]

    @property
    def changed(self) -> int:
        """How many lines were added or removed."""
        return sum(line.kind != " " for line in self.lines)

    def coverage(self, state: CoverageState, reason: str = "") -> Coverage:
        """What became of this hunk."""
        last = max((line.number for line in self.lines if line.kind != "-"), default=self.target_start)
        return Coverage(self.path, self.target_start, last, state, reason, self.digest)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file of the pull request. `note` says why there is no hunk: binary, submodule, diff not provided..."""

    path: str
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    previous_path: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request, from GitHub, from a local git range (number 0) or from a patch (number 0, no shas)."""

    repo: str
    number: int
    title: str
    body: str
    author: str
    base_sha: str
    head_sha: str
    files: tuple[ChangedFile, ...]

    @property
    def key(self) -> str:
        """`owner/name#number`: what a canary arm and a log line go by."""
        return f"{self.repo}#{self.number}"

    def hunks_of(self, path: str) -> tuple[Hunk, ...]:
        """The hunks of one file, none when the pull request does not change it."""
        return next((file.hunks for file in self.files if file.path == path), ())


@dataclass(frozen=True, slots=True)
class Guideline:
    """An excerpt of a contributor guideline or lint configuration, read at the base ref, and why it was chosen."""

    path: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file considered for the context: how many tokens of it went in, of how many, and why."""

    path: str
    tokens_used: int
    tokens_total: int
    reason: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that `infer` needs, and no secret: the content of bundle.json."""

    pull_request: PullRequest
    guidelines: tuple[Guideline, ...] = ()
    manifest: tuple[ManifestEntry, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)
    """What `.github/glossator.yml` at the base ref says, checked but not merged: inputs still go before it."""
    reviewed: tuple[str, ...] = ()
    """Digests of the hunks that an earlier run has reviewed and that need no second look."""
    locator: str = ""
    """The repository's own trained locator at the base ref, unchecked; empty: the one that is shipped."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the model said about one hunk, unchecked."""

    path: str
    line: str
    quote: str
    message: str
    severity: Severity = "warning"
    category: Category = "bug"
    end_line: str | None = None
    suggestion: str | None = None
    confidence: float = 0.5
    hunk: str = ""
    """Digest of the piece of the change that it is about."""
    rule: str = ""
    """The rule that found it; empty when the model did. What a rule finds, no words of a model can push aside."""


@dataclass(frozen=True, slots=True)
class ReviewComment:
    """A finding on a line that GitHub will take. `start_line` is None for one line, else less than `line`."""

    finding: Finding
    path: str
    line: int
    side: Side
    start_line: int | None
    anchored_text: str
    """The text of the line that the model quoted, as it stands in the diff."""
    suggestion: str | None
    """Checked: it replaces exactly the lines `start_line or line` to `line`."""
    fingerprint: str
    score: float = 0.0


class DropReason(StrEnum):
    """Why something that the model was asked for was not posted."""

    UNREADABLE_REPLY = "unreadable-reply"
    CUT_REPLY = "cut-reply"
    MODEL_FAILED = "model-failed"
    OUTSIDE_DIFF = "outside-diff"
    DUPLICATE = "duplicate"
    ALREADY_POSTED = "already-posted"
    BELOW_SEVERITY = "below-severity"
    OVER_BUDGET = "over-budget"
    EMPTY_MESSAGE = "empty-message"
    COPIED_EXAMPLE = "copied-example"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A finding (or a whole reply: then `finding` is None) that was not posted, and why."""

    reason: DropReason
    path: str
    detail: str
    finding: Finding | None = None


RouteReason = Literal["over-budget", "unlikely-place", "quote-not-found"]


@dataclass(frozen=True, slots=True)
class Routed:
    """A finding that goes to the summary.

    `over-budget`: there are enough inline. `unlikely-place`: humans seldom comment on such a piece. `quote-not-found`:
    it has no sure line, and no `comment`.
    """

    finding: Finding
    reason: RouteReason
    comment: ReviewComment | None = None


Order = Literal["own", "shipped", "fixed"]
"""Who ordered the pieces: the locator that should, the shipped one in place of the repository's, or a fixed rule."""
CoverageState = Literal["reviewed", "already-reviewed", "skipped", "over-budget", "failed"]


SELDOM: Final = "humans seldom comment on such a piece"
"""Why a piece was skipped that is worth reading (`reviewer.locate`)."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of one hunk, or of one file without hunks (`first_line` 0). Line numbers are of the new file."""

    path: str
    first_line: int
    last_line: int
    state: CoverageState
    reason: str = ""
    digest: str = ""


EMBEDDED = "embedded"
"""The alias of a small model in the process, which is no stage of a registry: what it says is of low confidence."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """Who wrote the review. `prompt_version` is `reviewer.prompt.PROMPT_VERSION`."""

    name: str
    version: str = ""
    alias: str = ""
    adapter_digest: str = ""
    prompt_version: str = ""
    dataset_revision: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and seconds of all requests of a review. None where the server did not say."""

    requests: int = 0
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Review:
    """What a run made of a pull request: the content of review.json."""

    repo: str
    number: int
    head_sha: str
    status: Status
    model: ModelVersion
    comments: tuple[ReviewComment, ...] = ()
    routed: tuple[Routed, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    usage: Usage = Usage()
    note: str = ""
    """Why the status is what it is, in a sentence; empty for a plain `reviewed`."""
    order: Order = "own"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding that is not dropped, as the model gave it: what `post` checks again."""
        return tuple(comment.finding for comment in self.comments) + tuple(routed.finding for routed in self.routed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a review comment. None: nobody can tell.

    `addressed`: the lines that it is about, or those beside them, changed after it was made.
    """

    addressed: bool | None = None
    resolved: bool | None = None
    upvotes: int = 0
    downvotes: int = 0
    replies: int = 0


@dataclass(frozen=True, slots=True)
class ExampleComment:
    """What a human wrote about a line of an example's hunk. Line numbers are those of `side`, as in `ReviewComment`."""

    id: int
    line: int
    side: Side
    start_line: int | None
    body: str
    """Without secrets and personal data."""
    author: str
    """Hashed."""
    created_at: str
    quality: float = 0.0
    """From 0 to 1: how much a reviewer can learn from it."""
    outcome: Outcome = field(default_factory=Outcome)


ExampleOrigin = Literal["pull-request", "diff-hunk"]
Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class ReviewExample:
    """One hunk of a real pull request with the human comments on it, maybe none.

    `origin` is `diff-hunk` when the pull request's diff does not hold the hunk any more, or is not known: good for what
    to say, never for where. `labelled`: all comments of the pull request are known, so that a hunk without one says
    that nobody had anything to remark; else it is unlabelled and no ground for precision.

    `comments` are those that teach something. `commented` has the ids of all lines that a human remarked on, also where
    the remark itself is left out: where to look is judged by these.
    """

    repo: str
    number: int
    hunk: Hunk
    comments: tuple[ExampleComment, ...]
    origin: ExampleOrigin
    labelled: bool
    split: Split
    scope: str = ""
    """The enclosing function or class, as its first line stands in the code; empty when nobody knows."""
    language: str = ""
    commented: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """`owner/name#number:digest`, and for a `diff-hunk` the comment's id behind it."""
        suffix = f":{self.comments[0].id}" if self.origin == "diff-hunk" else ""
        return f"{self.repo}#{self.number}:{self.hunk.digest}{suffix}"
