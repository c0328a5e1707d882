"""Checks of fact on each posted comment: does the code that it names exist, and can its suggestion be applied?

A comment names what it has in backticks, and words that look like code: `snake_case`, `camelCase`, `foo()`, `a.b`,
`A::b`. Code blocks are left out, as they show what is not there yet. A name is known when each identifier in it stands
in the file's part of the diff or in its path. Humans name new things too: see docs/similarity.md for their share.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from evals.held_out import HeldOut
from evals.metrics import Metric, Ratio
from evals.predictions import Predicted, Prediction
from evals.table import Row
from reviewer.domain import ChangedFile, Hunk, Line
from reviewer.suggestion import check_suggestion

_BLOCK: Final = re.compile(r"^[ \t]*(```+|~~~+)([^\n]*)\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_QUOTED: Final = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_PHRASE: Final = re.compile(r"\w+(?: +\w+)+")
"""Words in backticks that are a command or a text on a screen."""
_LINK: Final = re.compile(r"https?://\S+|www\.\S+|:[a-z_]+:")
"""Addresses, and pictures as GitHub spells them."""
_WORD: Final = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->)[A-Za-z_$][\w$]*)*(?:\(\))?")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$]*")
_CODE_SHAPES: Final = re.compile(r".*(?:[A-Za-z0-9]_[A-Za-z0-9]|[a-z][A-Z]|::|->|\(\)$|[A-Za-z_$]{2}\.[A-Za-z_$]{2})")
_PRODUCTS: Final = frozenset({"GitHub", "JavaScript", "TypeScript", "LaTeX", "macOS", "iOS", "eBPF", "PhD"})
"""Names that look like code and are none."""


def check_facts(held: HeldOut, prediction: Prediction) -> Row:
    """Count names and suggestions of one pull request.

    Columns: `facts.named`, of these `facts.known`; `facts.suggested`, of these `facts.applies`.
    """
    files = {file.path: file for file in held.bundle.pull_request.files}
    row = dict.fromkeys(("facts.named", "facts.known", "facts.suggested", "facts.applies"), 0.0)
    known = {path: list_known(file) for path, file in files.items()}
    for comment in prediction.comments:
        if not comment.posted:
            continue
        names = list_names(comment.body)
        row["facts.named"] += len(names)
        row["facts.known"] += sum(is_known(name, known.get(comment.path, frozenset())) for name in names)
        suggestion = find_suggestion(comment)
        if suggestion is not None:
            hunks = files[comment.path].hunks if comment.path in files else ()
            row["facts.suggested"] += 1
            row["facts.applies"] += applies(suggestion, comment, hunks)
    return row


def list_names(body: str) -> list[str]:
    """The code that a comment names, each name once, in the order of its first place."""
    text = _LINK.sub(" ", _BLOCK.sub("\n", body))
    spans = (found[2].strip() for found in _QUOTED.finditer(text))
    quoted = [name for span in spans if not _PHRASE.fullmatch(span) for name in _WORD.findall(span)]
    plain = [word for word in _WORD.findall(_QUOTED.sub(" ", text)) if _CODE_SHAPES.match(word)]
    return list(dict.fromkeys(name for name in (*quoted, *plain) if len(name) > 1 and name not in _PRODUCTS))


def list_known(file: ChangedFile) -> frozenset[str]:
    """All identifiers of the file's part of the diff and of its path, before and after the change."""
    texts = [file.path, file.previous_path or ""]
    texts += [text for hunk in file.hunks for text in (hunk.section, *(line.text for line in hunk.lines))]
    return frozenset(name for text in texts for name in _IDENTIFIER.findall(text))


def is_known(name: str, known: frozenset[str]) -> bool:
    """Whether each identifier of a name is known."""
    return all(part in known for part in _IDENTIFIER.findall(name))


def find_suggestion(comment: Predicted) -> str | None:
    """What is to stand in the place of the comment's lines: its own field, or else a suggestion block in its text."""
    if comment.suggestion is not None:
        return comment.suggestion
    blocks = (found[3] for found in _BLOCK.finditer(comment.body) if found[2].strip().startswith("suggestion"))
    return next(blocks, None)


def applies(suggestion: str, comment: Predicted, hunks: Sequence[Hunk]) -> bool:
    """Whether GitHub can put it there and it changes something: as the product checks its own, but may also delete.

    All lines of the range have to be on the right side of one hunk.
    """
    first = min(comment.line, comment.start_line or comment.line)
    for hunk in hunks if comment.side == "RIGHT" else ():
        replaced = [line for line in hunk.lines if _is_between(line, first, comment.line)]
        if len(replaced) == comment.line - first + 1:
            if not suggestion.strip():
                return any(line.text.strip() for line in replaced)
            return check_suggestion(suggestion, [line.text for line in replaced], hunk, first) is not None
    return False


def _is_between(line: Line, first: int, last: int) -> bool:
    return line.target_line is not None and first <= line.target_line <= last


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "facts.identifiers",
        "Names that exist",
        Ratio({"facts.known": 1.0}, {"facts.named": 1.0}),
        about="Of the code that comments name, the share that stands in the file's diff or path.",
    ),
    Metric(
        "facts.suggestions",
        "Suggestions that apply",
        Ratio({"facts.applies": 1.0}, {"facts.suggested": 1.0}),
        about="Of the suggestions, the share that replaces lines of one hunk, changes something, and still parses.",
    ),
)
