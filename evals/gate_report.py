"""The gate's decision for people: in a terminal, and as Markdown for a job's summary or an issue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from evals.comparison import Aligned
from evals.gate import Decision, Verdict
from evals.gate_checks import Check, Metrics, Result
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
MARKS: Final[dict[Result, str]] = {"failed": "x", "unclear": "?", "passed": "+", "skipped": "-"}
STYLES: Final = {"failed": "red", "unclear": "yellow", "passed": "green", "skipped": "dim"}
TITLES: Final[dict[Result, str]] = {
    "failed": "Not kept",
    "unclear": "Cannot be told",
    "passed": "Kept",
    "skipped": "Not looked at",
}
PARTS: Final = {"sample": "test set", "first": "first model"}
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
    """The decision for a terminal: the verdict, why, every check, the figures."""
    page = _make_page(width, color=color)
    word, style = VERDICTS[decision.verdict]
    blocks = [
        [page.paint(word, "bold", style), *page.wrap(clean(f"{render_headline(decision)}"), 0)],
        [page.paint(line, "dim") for line in page.wrap(clean(f"Measured on {render_set(decision)}."), 0)],
    ]
    for result in TITLES:
        chosen = [check for check in decision.checks if check.result == result]
        if chosen:
            blocks.append([page.paint(TITLES[result], "bold"), *_list_checks(chosen, page)])
    if decision.comparisons:
        blocks.append([*render_comparisons(decision.comparisons, metrics, page)])
    if decision.notes:
        blocks.append(
            [page.paint("Notes", "bold"), *(line for note in decision.notes for line in _item("-", note, page))]
        )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def render_comparisons(comparisons: Sequence[Comparison], metrics: Metrics, page: Page) -> Iterator[str]:
    """The paired figures as a table, and how to read it."""
    rows = [_row(comparison, metrics[comparison.metric]) for comparison in comparisons]
    widths = [max(len(row[at]) for row in (HEADS, *rows)) for at in range(len(HEADS))]
    for row, style in ((HEADS, ("dim",)), *((row, ()) for row in rows)):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield page.paint("  ".join(cells).rstrip(), *style)
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
    blocks = [
        f"## Gate: {word.lower()}",
        f"**{_inert(_capital(render_headline(decision)))}** Measured on {_inert(render_set(decision))}.",
        "\n".join(f"- {_inert(reason)}" for reason in decision.reasons),
    ]
    if decision.comparisons:
        rows = [_row(comparison, metrics[comparison.metric]) for comparison in decision.comparisons]
        blocks += [_table(("metric", *HEADS[1:]), rows), f"<sub>{LEGEND}</sub>"]
    for result in TITLES:
        chosen = [check for check in decision.checks if check.result == result]
        if chosen:
            listed = "\n".join(f"- {_part(check)}: {_inert(check.words)}" for check in chosen)
            opened = " open" if result == "failed" else ""
            title = f"{TITLES[result]}: {count(len(chosen), 'check')}"
            blocks.append(f"<details{opened}><summary>{title}</summary>\n\n{listed}\n\n</details>")
    blocks += ["\n".join(f"- {_inert(note)}" for note in decision.notes)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _make_page(width: int, *, color: bool) -> Page:
    return Page(max(60, min(width, 120)), color)


def _list_checks(checks: Sequence[Check], page: Page) -> Iterator[str]:
    for check in checks:
        mark = page.paint(MARKS[check.result], STYLES[check.result])
        yield from _item(mark, f"{_part(check)}: {check.words}", page)


def _item(mark: str, text: str, page: Page) -> Iterator[str]:
    first, *rest = page.wrap(clean(text), 4)
    yield f"  {mark} {first[4:]}"
    yield from rest


def _part(check: Check) -> str:
    return PARTS.get(check.part, check.part)


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


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
