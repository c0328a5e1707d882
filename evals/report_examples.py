"""Examples for people to read: the code with the line marked, what the human said, what this candidate said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evals.markup import Html, element
from evals.report import Report, choose_examples
from evals.report_metrics import count
from evals.scorecard import Pair

BEFORE, AFTER = 8, 4
"""Lines of the hunk that are shown around the marked one."""
MOST_LETTERS: Final = 2000
"""Of a comment, and of a line of code a tenth."""


def render_examples(report: Report) -> Iterator[Html]:
    """A handful of pairs, chosen by rule."""
    pairs = report.card.pairs
    if not pairs:
        return
    of = max(pair.of for pair in pairs) or len(pairs)
    yield element(
        "p",
        f"Chosen by rule from {count(of, 'matched pair')}: the most alike, those in the middle and the least alike by "
        "the first similarity score. The comments are strangers' words, shown as they are, links and names dead.",
    )
    for kind, pair in choose_examples(pairs):
        yield _example(kind, pair)


def _example(kind: str, pair: Pair) -> Html:
    rank = f"{pair.rank:,} of {pair.of:,}" if pair.rank else ""
    told = ", ".join(part for part in (kind, rank, f"score {pair.score:.3f}") if part)
    place = f"{pair.repo} pull request {pair.number}: {pair.path}, line {pair.line}"
    human = element("div", element("h4", "Human"), _words(pair.human), class_="said")
    ours = element("div", element("h4", "This candidate"), _words(pair.ours), class_="said ours")
    title = element("h3", place, element("small", told))
    return element("article", title, _code(pair), element("div", human, ours, class_="pair"))


def _words(text: str) -> Html:
    return element("p", _cut(text, MOST_LETTERS), class_="words", dir="auto")


def _code(pair: Pair) -> Html:
    """The marked line and those around it; without a mark, the end of the hunk."""
    lines = pair.hunk.split("\n") if pair.hunk else []
    known = 0 <= pair.marked < len(lines)
    middle = pair.marked if known else len(lines) - 1
    start = max(0, middle - BEFORE)
    shown = range(start, min(len(lines), middle + AFTER + 1))
    rows = [_line(lines[at], marked=known and at == pair.marked) for at in shown]
    return element("pre", element("code", rows), tabindex="0", aria_label=f"The code at line {pair.line}")


def _line(text: str, *, marked: bool) -> Html:
    kind = {"+": "added", "-": "removed"}.get(text[:1], "context")
    name = "mark" if marked else "span"
    return element(name, f"{_cut(text, MOST_LETTERS // 10)}\n", class_=kind)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\u2026"
