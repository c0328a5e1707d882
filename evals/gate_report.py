"""The gate's decision for people: in a terminal, and as Markdown for a job's summary or an issue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from evals.comparison import Aligned
from evals.gate import Decision, Verdict
from evals.gate_checks import Check, Metrics, Part, Result
from evals.gate_words import describe_interval, render_size
from evals.metrics import Metric
from evals.report_metrics import count, render_change, render_value
from evals.scorecard import Scorecard
from evals.statistics import Comparison
from reviewer.inert import make_inert_line
from reviewer.report_lines import clean
from reviewer.report_text import Page

HEADS: Final = ("", "champion", "challenger", "difference", "95 % interval", "p", "shows from")
LEGEND: Final = (
    "Intervals by a bootstrap over pull requests, p by exchanging the two in each pull request. "
    '"Shows from": the smallest difference that such data show in 80 % of all cases.'
)
MOST_REASONS: Final = 8
"""What more there is stands among the checks."""
MARKS: Final[dict[Result, str]] = {"failed": "x", "unclear": "?", "passed": "+", "skipped": "-"}
RESULTS: Final[dict[Result, str]] = {
    "failed": "no",
    "unclear": "cannot be told",
    "passed": "yes",
    "skipped": "not looked at",
}
STYLES: Final = {"failed": "red", "unclear": "yellow", "passed": "green", "skipped": "dim"}
PARTS: Final[dict[Part, str]] = {
    "sample": "Test set",
    "pairs": "Pairs",
    "cases": "Cases",
    "floor": "Floors",
    "baseline": "Baselines",
    "first": "First model",
    "guard": "Guard rails",
    "slice": "Slices",
    "improvement": "Improvements",
    "cheaper": "Cheaper",
}
_INDENT: Final = 18
_GAP: Final = "  "
_LABEL: Final = 20
"""Characters that a metric's name has at least."""
VERDICTS: Final[dict[Verdict, tuple[str, str]]] = {
    "promote": ("PROMOTE", "green"),
    "hold": ("HOLD", "red"),
    "inconclusive": ("INCONCLUSIVE", "yellow"),
}


def render_headline(decision: Decision) -> str:
    """What follows for whom, in a sentence."""
    challenger, champion = decision.challenger, decision.champion
    if decision.verdict == "promote":
        return f"{challenger} may review" + (f" in the place of {champion}." if champion else ": the first champion.")
    stays = f"{champion} goes on reviewing" if champion else "there is no champion"
    if decision.verdict == "hold":
        return f"{challenger} may not review; {stays}."
    better = f"better than {champion}" if champion else "good enough"
    return f"nobody can tell yet whether {challenger} is {better}; {stays}."


def render_set(decision: Decision) -> str:
    """What it was measured on."""
    return f"{count(decision.pull_requests, 'pull request')} of {decision.dataset}, revision {decision.revision}"


def render_text(decision: Decision, metrics: Metrics, *, width: int, color: bool) -> str:
    """The decision for a terminal: the verdict, why, what became of each rule, the figures."""
    page = _make_page(width, color=color)
    word, style = VERDICTS[decision.verdict]
    head = page.wrap(clean(f"{word}: {render_headline(decision)}"), 0)
    measured = page.wrap(clean(f"Measured on {render_set(decision)}."), 0)
    blocks = [
        [*(page.paint(line, "bold", style) for line in head), *(page.paint(line, "dim") for line in measured)],
        [page.paint("Why", "bold"), *(line for reason in _cut(decision.reasons) for line in _item(reason, page))],
        [page.paint("Rules", "bold"), *_list_parts(decision, metrics, page)],
    ]
    if decision.comparisons:
        blocks.append([page.paint("Figures", "bold"), *render_comparisons(decision.comparisons, metrics, page)])
    if decision.notes:
        blocks.append([page.paint("Notes", "bold"), *(line for note in decision.notes for line in _item(note, page))])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def render_comparisons(comparisons: Sequence[Comparison], metrics: Metrics, page: Page) -> Iterator[str]:
    """The paired figures as a table, and how to read it."""
    rows = [_row(comparison, metrics[comparison.metric]) for comparison in comparisons]
    widths = [max(len(row[at]) for row in (HEADS, *rows)) for at in range(len(HEADS))]
    room = page.width - sum(widths[1:]) - len(_GAP) * len(widths[1:])
    widths[0] = min(widths[0], max(_LABEL, room))
    for row, style in ((HEADS, ("dim",)), *((row, ()) for row in rows)):
        label = page.clip(row[0], page.width - widths[0])
        cells = [label.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield page.paint(_GAP.join(cells).rstrip(), *style)
    yield from (page.paint(line, "dim") for line in page.wrap(LEGEND, 0))


def render_pair(
    champion: Scorecard,
    challenger: Scorecard,
    aligned: Aligned,
    comparisons: Sequence[Comparison],
    metrics: Metrics,
    *,
    width: int,
    color: bool,
) -> str:
    """Two scorecards side by side for a terminal; figures that one of them lacks are left out."""
    page = _make_page(width, color=color)
    found = [comparison for comparison in comparisons if comparison.difference is not None]
    measured = f"{count(len(aligned.champion.keys), 'pull request')} of {champion.dataset}"
    chance = f"Of {count(len(found), 'figure')} about {len(found) / 20:.0f} would have a p below .05 by chance alone."
    head = f"champion {champion.candidate}, challenger {challenger.candidate}: {measured}"
    notes = [line for note in aligned.notes for line in page.wrap(clean(note), 0)]
    table = list(render_comparisons(found, metrics, page)) if found else ["No figure has a value in both."]
    return "\n".join([*page.wrap(clean(head), 0), *notes, "", *table, *page.wrap(chance, 0)]) + "\n"


def render_markdown(decision: Decision, metrics: Metrics) -> str:
    """The decision as Markdown; what names and notes say can do nothing on GitHub."""
    word, _ = VERDICTS[decision.verdict]
    headline = render_headline(decision)
    blocks = [
        f"## Gate: {word.lower()}",
        f"**{_inert(headline[:1].upper() + headline[1:])}** Measured on {_inert(render_set(decision))}.",
        "\n".join(f"- {_inert(reason)}" for reason in _cut(decision.reasons)),
    ]
    if decision.comparisons:
        rows = [_row(comparison, metrics[comparison.metric]) for comparison in decision.comparisons]
        blocks += [_table(("metric", *HEADS[1:]), rows), f"<sub>{LEGEND}</sub>"]
    blocks.append("\n".join(["<details><summary>All rules</summary>", "", *_list_rules(decision), "</details>"]))
    blocks += ["\n".join(f"- {_inert(note)}" for note in decision.notes)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _make_page(width: int, *, color: bool) -> Page:
    return Page(max(60, min(width, 120)), color)


def _cut(reasons: Sequence[str]) -> list[str]:
    more = len(reasons) - MOST_REASONS
    return [*reasons[:MOST_REASONS], *([f"And {more} more."] if more > 0 else [])]


def _list_parts(decision: Decision, metrics: Metrics, page: Page) -> Iterator[str]:
    """For each part of the rules a line for each result: which metrics have it. What is unclear says why."""
    said = set(decision.reasons)
    for part, title in PARTS.items():
        label, named = title, set[str]()
        for result in MARKS:
            chosen = [check for check in decision.checks if (check.part, check.result) == (part, result)]
            names = [name for name in dict.fromkeys(_name(check, metrics) for check in chosen) if name not in named]
            named |= set(names)
            if not names:
                continue
            first, *rest = page.wrap(clean("; ".join(names)), _INDENT)
            yield f"  {label:<12}  {page.paint(MARKS[result], STYLES[result])} {first[_INDENT:]}"
            yield from rest
            label = ""
            for check in chosen:
                if result == "unclear" and check.words not in said:
                    yield from (page.paint(line, "dim") for line in page.wrap(clean(check.words), _INDENT + 2))
    yield page.paint("  + kept or better, x not, ? cannot be told, - not looked at", "dim")


def _name(check: Check, metrics: Metrics) -> str:
    if check.part in {"sample", "pairs"}:
        return "enough" if check.result == "passed" else "too few"
    return check.of or (metrics[check.metric].label if check.metric else "all of them")


def _list_rules(decision: Decision) -> Iterator[str]:
    for part, title in PARTS.items():
        chosen = [check for check in decision.checks if check.part == part]
        if chosen:
            yield from (f"**{title}**", "")
        yield from (f"- {RESULTS[check.result]}: {_inert(check.words)}" for check in chosen)
        yield from [""] if chosen else []


def _item(text: str, page: Page) -> Iterator[str]:
    first, *rest = page.wrap(clean(text), 4)
    yield f"  - {first[4:]}"
    yield from rest


def _row(comparison: Comparison, metric: Metric) -> tuple[str, ...]:
    unit = metric.unit
    return (
        metric.label,
        render_value(comparison.champion, unit),
        render_value(comparison.challenger, unit),
        render_change(comparison.difference, unit).removesuffix(" points"),
        describe_interval(comparison, metric),
        "" if comparison.p is None else f"{comparison.p:.4f}".removeprefix("0") if comparison.p < 1 else "1",
        "" if comparison.detectable is None else render_size(comparison.detectable, unit).removesuffix(" points"),
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ("---", *("---:" for _ in heads[1:])), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _inert(text: str) -> str:
    return make_inert_line(text, "", 1000)
