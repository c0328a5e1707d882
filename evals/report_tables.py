"""The report's tables: the main figures of all candidates, and every figure of this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evals.markup import Html, element, join
from evals.metrics import Metric
from evals.report import Column, Report
from evals.report_metrics import BY_NAME, count, render_change, render_interval, render_range, render_value, say_missing
from evals.scorecard import Estimate
from evals.statistics import Comparison

BETTER: Final = element("abbr", "\u25b2", title="significantly better than this candidate")
WORSE: Final = element("abbr", "\u25bc", title="significantly worse than this candidate")
LEGEND: Final = (
    " significantly worse than this candidate: the 95 % interval of the paired difference leaves out zero. "
    "Without a mark these pull requests cannot tell the two apart. Each figure is taken alone: of twenty that do not "
    "differ, one gets a mark by chance. The gate asks more: it corrects its p values for their number (Holm)."
)


def render_main_table(report: Report) -> Iterator[Html]:
    """Each main figure with its interval, the champion's and the difference to it, and the baselines'."""
    heads = [element("th", "metric", scope="col"), *_heads(report)]
    width = str(len(heads))
    rows: list[Html] = []
    for title, metrics in report.groups:
        rows.append(
            element("tr", element("th", element("span", title), colspan=width, scope="colgroup", class_="group"))
        )
        rows += [_row(metric, report) for metric in metrics]
    caption = "Below each figure its 95 % interval, by a bootstrap over pull requests."
    yield scroll(make_table(caption, heads, rows), "Figures of all candidates")
    if len(report.columns) > 1:
        yield element("p", BETTER, " significantly better and ", WORSE, LEGEND, class_="small")
    for note in dict.fromkeys(note for column in report.columns for note in column.notes):
        yield element("p", note, class_="small")


def render_all_figures(report: Report) -> Html:
    """Every figure of the candidate's scorecard, with how many pull requests have a say in it."""
    heads = [
        element("th", name, scope="col") for name in ("metric", "value", "95 % interval", "pull requests", "about")
    ]
    rows = [_full_row(name, estimate) for name, estimate in report.card.metrics.items()]
    table = make_table("Every figure of this candidate's scorecard.", heads, rows)
    return element("details", element("summary", "All figures"), scroll(table, "All figures"))


def make_table(caption: str, heads: list[Html], rows: list[Html]) -> Html:
    """A table with a caption and a row of heads."""
    return element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", heads)),
        element("tbody", rows),
    )


def scroll(table: Html, label: str) -> Html:
    """A table that may be wider than the page, and can be scrolled by keyboard as well."""
    return element("div", table, class_="scroll", role="region", tabindex="0", aria_label=label)


def _heads(report: Report) -> Iterator[Html]:
    for column in report.columns:
        small = [element("small", text) for text in (column.role, count(len(column.card.keys), "pull request"))]
        yield element("th", column.card.candidate, small, scope="col")
        if column.role == "champion":
            said = [element("small", text) for text in ("95 % interval", "smallest that would show")]
            yield element("th", "difference to the champion", said, scope="col")


def _row(metric: Metric, report: Report) -> Html:
    cells = []
    for column in report.columns:
        cells.append(_cell(metric, column))
        if column.role == "champion":
            cells.append(_difference(metric, column.comparisons.get(metric.name)))
    lower = [element("small", "lower is better")] if metric.better == "lower" else []
    return element("tr", element("th", metric.label, lower, scope="row", title=metric.about), cells)


def _cell(metric: Metric, column: Column) -> Html:
    estimate = column.get(metric)
    class_ = "ours" if column.role == "this candidate" else "other"
    if estimate.value is None:
        why = element("small", say_missing(metric, column.card))
        return element("td", "\u2013", why, class_=class_, title=estimate.note)
    mark = {"better": [" ", BETTER], "worse": [" ", WORSE], "": []}[column.judge(metric)]
    small = element("small", render_interval(estimate, metric.unit))
    return element("td", render_value(estimate.value, metric.unit), mark, small, class_=class_)


def _difference(metric: Metric, found: Comparison | None) -> Html:
    if found is None or found.difference is None:
        return element("td", "\u2013", title=found.note if found else "not compared", class_="change")
    interval = join(
        [render_change(value, metric.unit).removesuffix(" points") for value in (found.low, found.high)], " to "
    )
    least = f"\u00b1{render_range(found.detectable, found.detectable, metric.unit).partition(' to ')[0]}"
    value = render_change(found.difference, metric.unit)
    return element("td", value, element("small", interval), element("small", least), class_="change")


def _full_row(name: str, estimate: Estimate) -> Html:
    metric = BY_NAME.get(name)
    unit = metric.unit if metric else "score"
    about = metric.about if metric else ""
    title = element("th", metric.label if metric else name, element("small", name), scope="row")
    figures = (render_value(estimate.value, unit), render_interval(estimate, unit), f"{estimate.pull_requests:,}")
    words = " ".join(part for part in (about, f"({estimate.note})" if estimate.note else "") if part)
    return element("tr", title, [element("td", text) for text in figures], element("td", words, class_="words"))
